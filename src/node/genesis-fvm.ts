/**
 * The first state of a local network at version 16 or later, for the published actors of a bundle.
 *
 * Laid down are the tree with bare singletons, the system actor's state, which names the bundle's manifest, the init actor's map
 * with all accounts, and the accounts themselves with their balances. Then the constructors of the other singletons are called by the
 * system actor, as implicit messages at epoch 0, so that their states are whatever the actors of that version make them; then the
 * miners are made (`genesis-fvm-miners.ts`). Ids follow: accounts from 100 in the order given, then Ethereum's, then the miners.
 *
 * Sources: lotus at b835fab702eb chain/gen/genesis (genesis.go, genesis_eth.go); builtin-actors v8.0.0 to v18.0.0, constructors.
 */
import * as dagCbor from "@ipld/dag-cbor";
import type { FvmHost } from "../core/fvm.ts";
import type { Bundle } from "../exec/bundle.ts";
import type { ActorEdit } from "../exec/edits.ts";
import { FvmMachine } from "../exec/machine.ts";
import { reachable } from "../exec/reachable.ts";
import { sealProofOfSize } from "../params/proving.ts";
import { findVersion } from "../schema/versions/rows.ts";
import type { Block } from "../storage/contract.ts";
import { buildHamt } from "../storage/hamt-build.ts";
import { Address } from "../types/address.ts";
import { bigToBytes, FIL } from "../types/amount.ts";
import { type CID, cidKey, cidOfBlock } from "../types/cid.ts";
import { encodeMessage } from "../types/message.ts";
import {
  BURNT_FUNDS,
  CRON,
  DATACAP,
  EAM,
  FIRST_NON_SINGLETON_ID,
  INIT,
  MARKET,
  POWER,
  RESERVE,
  REWARD,
  SYSTEM,
  VERIFIED_REGISTRY,
} from "../types/singletons.ts";
import { GENESIS_RESERVE, GenesisError, type GenesisState, REWARD_ALLOCATION } from "./genesis.ts";
import { addMiners } from "./genesis-fvm-miners.ts";
import type { ApplyGenesis, GenesisMiner } from "./genesis-types.ts";

export type FvmGenesisSpec = {
  readonly networkName: string;
  readonly networkVersion: number;
  readonly chainId: number;
  /** Unix time, seconds. */
  readonly time: number;
  readonly bundle: Bundle;
  /** Key addresses in order; the first owns the miner and appoints verifiers. attoFIL. */
  readonly accounts: readonly Funded[];
  /** Addresses of Ethereum (f410), from version 18 on. */
  readonly ethereum: readonly Funded[];
  /** Contracts that are there from the start, from version 18 on. */
  readonly contracts?: readonly ActorEdit[];
  /** Worker of the first miner, if no miners are given: a BLS address, one of the accounts. */
  readonly worker: Address;
  /** Default: one without sectors, owned by the first account. */
  readonly miners?: readonly GenesisMiner[];
};

type Funded = { readonly address: Address; readonly balance: bigint };

/** First actors versions with a data cap, with Ethereum, and whose miners are made with a deposit. */
const DATACAP_SINCE = 9;
const ETHEREUM_SINCE = 10;
const DEPOSIT_SINCE = 16;
/** attoFIL that a miner is made with where a deposit is asked for: some times what it is. */
const MINER_FUNDS = 1000n * FIL;
const GIB = 2 ** 30;
const METHOD = { constructor: 1, powerTick: 5, marketTick: 9 } as const;
const NULL_ADDRESS = Address.fromEthereum(new Uint8Array(20));
const NONE = new Uint8Array(0);

/** How many ids accounts of Ethereum and the null address have in a genesis. */
export function ethereumIds(networkVersion: number, accounts: number): number {
  return (findVersion(networkVersion)?.actors ?? 0) >= ETHEREUM_SINCE ? accounts + 1 : 0;
}

/** attoFIL from the reserve that a miner is made with. */
export function minerFunds(networkVersion: number): bigint {
  return (findVersion(networkVersion)?.actors ?? 0) >= DEPOSIT_SINCE ? MINER_FUNDS : 0n;
}

/** Builds the state; its blocks hold the bundle's, too. Throws `GenesisError` naming the step that failed. */
export async function buildFvmGenesis(spec: FvmGenesisSpec): Promise<GenesisState> {
  const actors = findVersion(spec.networkVersion)?.actors ?? 0;
  const tree = new Tree(spec.bundle);
  const bare = layTree(tree, spec, actors);
  const vm = await FvmMachine.create(hostOf(tree));
  const facts = { chainId: spec.chainId, epoch: 0, timestamp: spec.time, genesisTime: spec.time, blockDelay: 1 };
  const { networkVersion } = spec;
  vm.open({ stateRoot: bare, epoch: 0, networkVersion, baseFee: 0n, circulatingSupply: 0n, facts });
  const apply: ApplyGenesis = (step, { from, to, value = 0n, method, nonce = 0n }, params) => {
    const gas = { gasLimit: 10_000_000_000n, gasFeeCap: 0n, gasPremium: 0n };
    const applied = vm.applyImplicitNow(
      encodeMessage({ from, to, value, method: BigInt(method), params, nonce, ...gas }),
    );
    if (applied.exitCode === 0) return applied;
    throw new GenesisError(
      { code: "GENESIS_FAILED", step, exitCode: applied.exitCode },
      `genesis failed at "${step}" with exit code ${applied.exitCode}: ${applied.why}`,
    );
  };
  for (const { name, id, params } of constructed(actors))
    apply(`construct ${name}`, { from: SYSTEM, to: id, method: METHOD.constructor }, params);
  const machine = { vm, networkVersion, deposit: minerFunds(networkVersion), apply };
  const miners = await addMiners(machine, spec.miners ?? [bareMiner(spec)]);
  vm.edit(spec.contracts ?? []);
  const stateRoot = vm.flush();
  const blocks = reachable([stateRoot], [...tree.blocks.values(), ...vm.madeBlocks()]);
  return { stateRoot, miners, blocks };
}

/** Blocks that are laid down, the bundle's among them. */
class Tree {
  readonly blocks = new Map<string, Block>();
  private readonly bundle: Bundle;

  constructor(bundle: Bundle) {
    this.bundle = bundle;
    for (const { bytes: cid } of [bundle.manifest, ...bundle.codes.values()])
      this.keep({ cid, bytes: bundle.blocks.get(cidKey(cid)) ?? NONE });
  }

  keep(block: Block): void {
    this.blocks.set(cidKey(block.cid), block);
  }

  put(data: unknown): CID {
    const bytes = dagCbor.encode(data);
    const cid = cidOfBlock(bytes);
    this.keep({ cid: cid.bytes, bytes });
    return cid;
  }

  map(entries: Iterable<readonly [Uint8Array, unknown]>): CID {
    return buildHamt(entries, (block) => this.keep(block), "present");
  }

  code(name: string): CID {
    const code = this.bundle.codes.get(name);
    if (code !== undefined) return code;
    throw new GenesisError(
      { code: "GENESIS_FAILED", step: "manifest", exitCode: 0 },
      `the bundle ${this.bundle.root} has no actor "${name}"`,
    );
  }
}

type LaidActor = {
  readonly id: Address;
  readonly name: string;
  readonly head: CID;
  readonly balance: bigint;
  readonly delegated?: Address;
};

/** The tree with bare singletons and whole accounts; its root. */
function layTree(tree: Tree, spec: FvmGenesisSpec, actors: number): CID {
  const { accounts, ethereum, networkName } = spec;
  const empty = tree.put([]);
  const hasEthereum = actors >= ETHEREUM_SINCE;
  const keyed = accounts.map((one, i) => ({ ...one, id: Address.id(FIRST_NON_SINGLETON_ID + i) }));
  // The null address is somebody's, so that nothing can be made there. Source: lotus genesis_eth.go.
  const delegated = (hasEthereum ? [...ethereum, { address: NULL_ADDRESS, balance: 0n }] : []).map((one, i) => ({
    ...one,
    id: Address.id(FIRST_NON_SINGLETON_ID + keyed.length + i),
  }));
  const registered = [...keyed, ...delegated];
  const addresses = tree.map(registered.map(({ address, id }) => [address.bytes, Number(id.actorId)] as const));
  const nextId = FIRST_NON_SINGLETON_ID + registered.length;
  const left = registered.reduce((sum, { balance }) => sum - balance, GENESIS_RESERVE);
  if (left < 0n)
    throw new GenesisError(
      { code: "GENESIS_FAILED", step: "balances", exitCode: 0 },
      `the accounts take ${-left} attoFIL more than the reserve has`,
    );
  const account = (id: Address, address: Address, balance: bigint): LaidActor => ({
    ...{ id, name: "account", head: tree.put([address.bytes]), balance },
  });
  const all: LaidActor[] = [
    { id: SYSTEM, name: "system", head: tree.put([spec.bundle.manifest]), balance: 0n },
    { id: INIT, name: "init", head: tree.put([addresses, nextId, networkName]), balance: 0n },
    ...constructed(actors).map(({ id, name }) => ({
      ...{ id, name, head: empty, balance: id === REWARD ? REWARD_ALLOCATION : 0n },
    })),
    account(RESERVE, RESERVE, left),
    account(BURNT_FUNDS, BURNT_FUNDS, 0n),
    ...keyed.map(({ id, address, balance }) => account(id, address, balance)),
    ...delegated.map(({ id, address, balance }) => ({
      ...{ id, name: "ethaccount", head: empty, balance, delegated: address },
    })),
  ];
  const isLate = (findVersion(spec.networkVersion)?.stateTree ?? 0) >= 5;
  const entries = all.map(({ id, name, head, balance, delegated: address }) => {
    const tuple = [tree.code(name), head, 0, bigToBytes(balance)];
    return [id.bytes, isLate ? [...tuple, address?.bytes ?? null] : tuple] as const;
  });
  return tree.put([isLate ? 5 : 4, tree.map(entries), empty]);
}

/** Singletons whose constructors make their states, in that order, with the constructors' parameters. */
function constructed(actors: number): readonly { readonly name: string; readonly id: Address; params: Uint8Array }[] {
  const cron = dagCbor.encode([
    [
      [POWER.bytes, METHOD.powerTick],
      [MARKET.bytes, METHOD.marketTick],
    ],
  ]);
  const root = Address.id(FIRST_NON_SINGLETON_ID);
  return [
    // The power that the network has; none.
    { name: "reward", id: REWARD, params: dagCbor.encode(bigToBytes(0n)) },
    { name: "cron", id: CRON, params: cron },
    { name: "storagepower", id: POWER, params: NONE },
    { name: "storagemarket", id: MARKET, params: NONE },
    { name: "verifiedregistry", id: VERIFIED_REGISTRY, params: dagCbor.encode(root.bytes) },
    ...(actors < DATACAP_SINCE
      ? []
      : [{ name: "datacap", id: DATACAP, params: dagCbor.encode(VERIFIED_REGISTRY.bytes) }]),
    ...(actors < ETHEREUM_SINCE ? [] : [{ name: "eam", id: EAM, params: NONE }]),
  ];
}

/** A miner without sectors, of the size that the bundle is for. */
function bareMiner({ networkVersion, bundle, worker }: FvmGenesisSpec): GenesisMiner {
  const isSmall = bundle.published === null || bundle.published.name === "devnet";
  const sealProof = sealProofOfSize(isSmall ? 2048 : 32 * GIB, networkVersion);
  return { owner: Address.id(FIRST_NON_SINGLETON_ID), worker, sealProof, balance: 0n, sectors: [] };
}

function hostOf(tree: Tree): FvmHost {
  const none = (): false => false;
  const digest = (): Uint8Array => new Uint8Array(32);
  return {
    peek: (cid) => tree.blocks.get(cidKey(cid))?.bytes,
    ...{ ticketDigest: digest, beaconDigest: digest, tipsetCid: () => null },
    ...{ verifyPoSt: none, verifySeal: none, verifyAggregate: none, verifyReplicaUpdate: none },
    consensusFault: () => undefined,
  };
}
