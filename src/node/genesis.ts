/**
 * The first state of a local network, made by the actors themselves.
 *
 * The core lays out a tree of bare singleton actors; then each constructor is called by the system actor, as implicit
 * messages at epoch 0; then the reserve sends every account its balance (which makes the account), and the power actor
 * makes the miners. Ids follow: accounts from 100 in order, then the miners. Sectors that miners have from the beginning
 * are added by the miners themselves, too (`genesis-sectors.ts`).
 */

import { FilError } from "../base/errors.ts";
import { Vm, type VmHost } from "../core/vm.ts";
import { nativeCode } from "../params/actor-codes.ts";
import { encodeMethodParams, encodeState } from "../state/state-view.ts";
import type { Block } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
import { FIL } from "../types/amount.ts";
import type { CID } from "../types/cid.ts";
import { encodeMessage } from "../types/message.ts";
import type { Json } from "../types/schema-codec.ts";
import {
  BURNT_FUNDS,
  CRON,
  FIRST_NON_SINGLETON_ID,
  INIT,
  MARKET,
  POWER,
  RESERVE,
  REWARD,
  SYSTEM,
  VERIFIED_REGISTRY,
} from "../types/singletons.ts";
import { addSectors } from "./genesis-sectors.ts";
import type { ApplyGenesis, GenesisSpec, GenesisTree } from "./genesis-types.ts";

export type { GenesisMiner, GenesisSpec } from "./genesis-types.ts";

export type GenesisErrorData = { readonly code: "GENESIS_FAILED"; readonly step: string; readonly exitCode: number };
export class GenesisError extends FilError<GenesisErrorData> {}

export type GenesisState = {
  readonly stateRoot: CID;
  /** ID addresses in the order of the miners given. */
  readonly miners: readonly Address[];
  readonly blocks: readonly Block[];
};

/** FIL that block rewards are paid from. Source: lotus build/params_shared_vals.go (mining base and reserve). */
export const REWARD_ALLOCATION = 1_400_000_000n * FIL;
const TOTAL = 2_000_000_000n * FIL;
/** FIL in the reserve before any account is paid from it. */
export const GENESIS_RESERVE = TOTAL - REWARD_ALLOCATION;
/** Stacked DRG, 2 KiB sectors, first version. */
const SEAL_PROOF_2KIB = 0;
const CONSTRUCTOR = 1;
const CREATE_MINER = 2;
const POWER_ON_EPOCH_TICK_END = 5;
const MARKET_CRON_TICK = 9;

type BareActor = {
  readonly id: Address;
  readonly name: string;
  /** Its constructor's parameters; absent: it takes none. */
  readonly params?: Json;
  /** State laid down as it is: for accounts, whose constructor takes public-key addresses only. */
  readonly state?: Json;
};

/** Actors that stand before any message. */
function bareActors(spec: GenesisSpec): readonly BareActor[] {
  return [
    { id: SYSTEM, name: "system" },
    { id: INIT, name: "init", params: { NetworkName: spec.network.name } },
    { id: REWARD, name: "reward", params: "0" },
    {
      id: CRON,
      name: "cron",
      params: {
        Entries: [
          { Receiver: POWER.toString(), MethodNum: POWER_ON_EPOCH_TICK_END },
          { Receiver: MARKET.toString(), MethodNum: MARKET_CRON_TICK },
        ],
      },
    },
    { id: POWER, name: "storagepower" },
    { id: MARKET, name: "storagemarket" },
    // The first account will have the first free id; it appoints verifiers.
    { id: VERIFIED_REGISTRY, name: "verifiedregistry", params: Address.id(FIRST_NON_SINGLETON_ID).toString() },
    { id: RESERVE, name: "account", state: { Address: RESERVE.toString() } },
    { id: BURNT_FUNDS, name: "account", state: { Address: BURNT_FUNDS.toString() } },
  ];
}

/** Builds the state. Throws `GenesisError` naming the step that failed. */
export async function buildGenesis(spec: GenesisSpec): Promise<GenesisState> {
  const code = (name: string): CID => nativeCode(spec.networkVersion, name);
  const allotted = spec.accounts.reduce((sum, account) => sum + account.balance, REWARD_ALLOCATION);
  if (allotted > TOTAL)
    throw new GenesisError(
      { code: "GENESIS_FAILED", step: "balances", exitCode: 0 },
      `accounts and block rewards take ${allotted} attoFIL, more than the ${TOTAL} that exist`,
    );
  const balances = new Map<Address, bigint>([
    [REWARD, REWARD_ALLOCATION],
    [RESERVE, GENESIS_RESERVE],
  ]);

  const vm = await Vm.create(NO_WORLD, { profile: spec.network.profile });
  const actors = bareActors(spec);
  const bare = vm.genesis(
    spec.networkVersion,
    actors.map(({ id, name, state }) => ({
      id,
      code: code(name),
      balance: balances.get(id) ?? 0n,
      state: state === undefined ? null : encodeState(code(name), state, spec.network.prefix),
    })),
  );
  const apply = openGenesis(vm, spec, bare);
  const encode = (name: string, method: number, json: Json): Uint8Array =>
    encodeMethodParams(code(name), BigInt(method), json, spec.network.prefix);

  for (const { id, name, params, state } of actors)
    if (state === undefined)
      apply(
        `construct ${name}`,
        { from: SYSTEM, to: id, method: CONSTRUCTOR },
        encode(name, CONSTRUCTOR, params ?? null),
      );
  for (const { address, balance } of spec.accounts)
    apply(`fund ${address}`, { from: RESERVE, to: address, value: balance, method: 0 }, new Uint8Array(0));
  const owner = spec.accounts[0]?.address ?? RESERVE;
  const first = { owner, worker: spec.worker, sealProof: SEAL_PROOF_2KIB, balance: 0n, sectors: [] };
  const miners = (spec.miners ?? [first]).map((miner, i) => {
    const params = encode("storagepower", CREATE_MINER, {
      Owner: miner.owner.toString(),
      Worker: miner.worker.toString(),
      SealProofType: miner.sealProof,
      Peer: null,
      Multiaddrs: null,
    });
    const from = vm.resolve(miner.owner) ?? miner.owner;
    const made = apply(`create miner ${i}`, { from, to: POWER, method: CREATE_MINER }, params);
    const address = minerOf(made.return);
    if (miner.balance > 0n)
      apply(`fund miner ${i}`, { from: RESERVE, to: address, value: miner.balance, method: 0 }, new Uint8Array(0));
    return { address, worker: vm.resolve(miner.worker) ?? miner.worker, sectors: miner.sectors };
  });
  const reopen = (tree: GenesisTree): ApplyGenesis => openGenesis(vm, spec, tree);
  const withSectors = miners.filter(({ sectors }) => sectors.length > 0);
  const blocks = await addSectors({ spec, vm, apply, reopen, encode }, withSectors);
  const stateRoot = vm.flush();
  const made = [...vm.madeBlocks()].map(({ cid, bytes }) => ({ cid, bytes }));
  return { stateRoot, miners: miners.map(({ address }) => address), blocks: [...blocks, ...made] };
}

function openGenesis(vm: Vm, spec: GenesisSpec, tree: GenesisTree): ApplyGenesis {
  vm.open(
    { stateRoot: tree.root, epoch: 0, networkVersion: spec.networkVersion, baseFee: 0n, circulatingSupply: 0n },
    tree.blocks,
  );
  return (step, { from, to, value = 0n, method }, params) => {
    const gas = { gasLimit: 10_000_000_000n, gasFeeCap: 0n, gasPremium: 0n };
    const message = { from, to, value, method: BigInt(method), params, nonce: 0n, ...gas };
    const applied = vm.applyImplicit(encodeMessage(message));
    if (applied.exitCode !== 0)
      throw new GenesisError(
        { code: "GENESIS_FAILED", step, exitCode: applied.exitCode },
        `genesis failed at "${step}" with exit code ${applied.exitCode}: ${applied.why}`,
      );
    return applied;
  };
}

/** First address of the return value of CreateMiner: the miner's ID. */
function minerOf(returned: Uint8Array): Address {
  // [ID address, robust address], both byte strings below 24 bytes: head, length, bytes.
  const length = (returned[1] as number) & 0x1f;
  return Address.fromBytes(returned.slice(2, 2 + length));
}

const NO_WORLD: VmHost = {
  peek: () => undefined,
  ticketRandomness: () => new Uint8Array(32),
  beaconRandomness: () => new Uint8Array(32),
  verifyPoSt: () => false,
  verifySeal: () => false,
};
