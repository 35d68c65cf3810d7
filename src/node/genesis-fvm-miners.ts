/**
 * Miners of the first state of a local network at version 16 or later, and the sectors that they have from the beginning.
 *
 * The published actors do what they do on a chain: the power actor makes the miner (out of the reserve, where a deposit is asked for), its
 * worker pre-commits the sectors, and they are set up without a proof by the method that is there for that. By hand is laid down that
 * they were proven once (`genesis-proven.ts`); then the miner claims their power.
 *
 * Source: builtin-actors v8.0.0 to v18.0.0 actors/miner/src/lib.rs, actors/power/src/lib.rs; lotus at b835fab702eb
 * chain/gen/genesis/miners.go.
 */
import type { FvmMachine } from "../exec/machine.ts";
import { describedCode } from "../params/actor-codes.ts";
import { windowPostType } from "../params/proving.ts";
import { findVersion } from "../schema/versions/rows.ts";
import { ObjectReader } from "../state/actor-reader.ts";
import { encodeMethodParams, StateView } from "../state/state-view.ts";
import type { Block } from "../storage/contract.ts";
import { MemoryStore } from "../storage/memory.ts";
import { Address } from "../types/address.ts";
import { type CID, cidOfBlock } from "../types/cid.ts";
import type { Json } from "../types/schema-codec.ts";
import { POWER, RESERVE, REWARD, SYSTEM } from "../types/singletons.ts";
import { provenMiner } from "./genesis-proven.ts";
import type { ApplyGenesis, GenesisMiner, GenesisSector } from "./genesis-types.ts";

/** The machine of a genesis under way. */
export type FvmGenesisMachine = {
  readonly vm: FvmMachine;
  readonly networkVersion: number;
  /** attoFIL that a miner is made with, out of the reserve; 0: by its owner, with nothing. */
  readonly deposit: bigint;
  readonly apply: ApplyGenesis;
};

type MadeMiner = { readonly address: Address; readonly worker: Address; readonly sectors: readonly GenesisSector[] };
type ActorName = "storageminer" | "storagepower";

const METHOD = { createMiner: 2, claimPower: 3, preCommit: 6, preCommitBatch: 28, setUp: 17 } as const;
/** First actors versions with pre-commits in batches without deals, and whose sectors of a genesis the system sets up, not the power actor. */
const BATCH_SINCE = 9;
const SYSTEM_SETS_UP_SINCE = 14;
/** Before the genesis: the actor wants an epoch that has passed. */
const SEAL_EPOCH = -1;

/** Makes the miners with their sectors; their ID addresses, in order. Throws `GenesisError` naming the step. */
export async function addMiners(machine: FvmGenesisMachine, miners: readonly GenesisMiner[]): Promise<Address[]> {
  const made = miners.map((miner, i) => createMiner(machine, miner, i));
  const withSectors = made.filter(({ sectors }) => sectors.length > 0);
  if (withSectors.length > 0) await addSectors(machine, withSectors, miners[0]?.sealProof ?? 0);
  return made.map(({ address }) => address);
}

function createMiner({ vm, apply, networkVersion, deposit }: FvmGenesisMachine, miner: GenesisMiner, i: number) {
  const { owner, worker, sealProof, balance, sectors } = miner;
  const params = encoded(networkVersion, "storagepower", METHOD.createMiner, {
    Owner: `${owner}`,
    Worker: `${worker}`,
    WindowPoStProofType: windowPostType(sealProof, networkVersion),
    Peer: "",
    Multiaddrs: [],
  });
  const from = deposit > 0n ? RESERVE : vm.resolve(owner);
  const created = apply(
    `create miner ${i}`,
    { from, to: POWER, value: deposit, method: METHOD.createMiner, nonce: BigInt(i) },
    params,
  );
  const address = minerOf(created.return);
  if (balance > 0n)
    apply(`fund miner ${i}`, { from: RESERVE, to: address, value: balance, method: 0 }, new Uint8Array(0));
  return { address, worker: vm.resolve(worker), sectors };
}

async function addSectors(
  { vm, apply, networkVersion }: FvmGenesisMachine,
  miners: readonly MadeMiner[],
  sealProof: number,
): Promise<void> {
  const actors = findVersion(networkVersion)?.actors ?? 0;
  const call = (step: string, from: Address, to: Address, actor: ActorName, method: number, params: Json): void => {
    apply(step, { from, to, method }, encoded(networkVersion, actor, method, params));
  };
  const figures = await figuresOf(vm, vm.flush());
  const setUpBy = actors < SYSTEM_SETS_UP_SINCE ? POWER : SYSTEM;
  for (const { address, worker, sectors } of miners) {
    const infos = sectors.map((sector) => preCommitOf(sector, sealProof));
    const step = `pre-commit sectors of ${address}`;
    if (actors >= BATCH_SINCE) call(step, worker, address, "storageminer", METHOD.preCommitBatch, { Sectors: infos });
    else for (const info of infos) call(step, worker, address, "storageminer", METHOD.preCommit, info);
    const numbers = sectors.map(({ number }) => number);
    call(`set up sectors of ${address}`, setUpBy, address, "storageminer", METHOD.setUp, {
      Sectors: numbers,
      ...figures,
    });
  }
  await markProven(vm, vm.flush(), miners);
  for (const { address, sectors } of miners) {
    const power = sectors.reduce((sum, { size }) => sum + size, 0n).toString();
    const claim = { RawByteDelta: power, QualityAdjustedDelta: power };
    call(`claim power of ${address}`, address, POWER, "storagepower", METHOD.claimPower, claim);
  }
}

/** `SectorPreCommitInfo` and, for actors v8, `PreCommitSectorParams`: each takes the fields that it has. */
function preCommitOf({ number, sealedCid, expiration }: GenesisSector, sealProof: number): Json {
  return {
    SealProof: sealProof,
    SectorNumber: number,
    SealedCID: { "/": sealedCid.toString() },
    SealRandEpoch: SEAL_EPOCH,
    DealIDs: [],
    Expiration: expiration,
    ReplaceCapacity: false,
    ReplaceSectorDeadline: 0,
    ReplaceSectorPartition: 0,
    ReplaceSectorNumber: 0,
    UnsealedCid: null,
  };
}

/** Figures of the network that a miner is told of, by the names that they have in its parameters. */
async function figuresOf(vm: FvmMachine, root: CID): Promise<Record<string, Json>> {
  const store = storeOf(vm);
  const view = await StateView.open(store, root);
  const [reward, power] = await Promise.all(
    [REWARD, POWER].map(async (actor) => ObjectReader.open(store, await view.requireActor(actor), "f")),
  );
  return {
    RewardSmoothed: reward?.field("ThisEpochRewardSmoothed") ?? null,
    RewardBaselinePower: reward?.field("ThisEpochBaselinePower") ?? null,
    QualityAdjPowerSmoothed: power?.field("ThisEpochQAPowerSmoothed") ?? null,
  };
}

/** The same states of the miners with no partition unproven. */
async function markProven(vm: FvmMachine, root: CID, miners: readonly MadeMiner[]): Promise<void> {
  const store = storeOf(vm);
  const view = await StateView.open(store, root);
  for (const { address } of miners) {
    const { code, head } = await view.requireActor(address);
    const blocks: Block[] = [];
    const put = (bytes: Uint8Array): CID => {
      const cid = cidOfBlock(bytes);
      blocks.push({ cid: cid.bytes, bytes });
      return cid;
    };
    const state = await provenMiner(code, store.peek(head.bytes) as Uint8Array, store, put);
    vm.setHead(address, put(state), blocks);
  }
}

/** What the machine can read and has written. */
function storeOf(vm: FvmMachine): MemoryStore {
  const peek = (cid: Uint8Array): Uint8Array | undefined => vm.host.peek(cid);
  const store = new MemoryStore({ peek, get: async (cid) => peek(cid) });
  store.writeNow({ blocks: [...vm.madeBlocks()] });
  return store;
}

function encoded(networkVersion: number, actor: ActorName, method: number, params: Json): Uint8Array {
  return encodeMethodParams(describedCode(networkVersion, actor), BigInt(method), params, "f");
}

/** First address of the return value of CreateMiner: the miner's ID. */
function minerOf(returned: Uint8Array): Address {
  // [ID address, robust address], both byte strings below 24 bytes: head, length, bytes.
  const length = (returned[1] as number) & 0x1f;
  return Address.fromBytes(returned.slice(2, 2 + length));
}
