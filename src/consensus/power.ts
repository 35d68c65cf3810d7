/**
 * What elections read of a state: claims, total power, who may win, and with which key.
 * Source: lotus chain/stmgr/actors.go, chain/consensus/filcns/filecoin.go at b835fab702eb.
 */

import { BoundedMap } from "../base/bounded-map.ts";
import { countsForConsensus } from "../params/proving.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import { type JsonObject, ObjectReader } from "../state/actor-reader.ts";
import { type ActorEntry, describeCode, type StateView } from "../state/state-view.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { BlockSource } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
import type { Tipset } from "../types/block-header.ts";
import { cidKey } from "../types/cid.ts";
import { POWER } from "../types/singletons.ts";

export type Claim = {
  /** bytes */
  readonly raw: bigint;
  readonly qualityAdjusted: bigint;
};

export type PowerTable = {
  /** Quality-adjusted power of the network, bytes. */
  readonly total: bigint;
  /** Miners that reach the minimum. */
  readonly aboveMinimum: bigint;
  /** Version of the power actor, which decides what is compared with the minimum. */
  readonly actorsVersion: number;
  claim(miner: Address): Promise<Claim | null>;
};

/** Power actors kept of each source of blocks, by the CID of their state: all miners of a round are held against the same three. */
const KEPT_TABLES = 16;
const tables = new WeakMap<BlockSource, BoundedMap<string, PowerTable>>();
/** The same, of views that are in use. */
const tablesOfViews = new WeakMap<StateView, PowerTable>();
/** Claims kept of each source of blocks, by their map: of most epochs it is the same. */
const KEPT_CLAIMS = 1024;
const claimsOf = new WeakMap<BlockSource, BoundedMap<string, Claim>>();

/** Reads the power actor of a state. */
export async function powerTable(blocks: BlockSource, view: StateView): Promise<PowerTable> {
  const table = tablesOfViews.get(view) ?? (await findTable(blocks, view));
  tablesOfViews.set(view, table);
  return table;
}

async function findTable(blocks: BlockSource, view: StateView): Promise<PowerTable> {
  const entry = await view.requireActor(POWER);
  const known = tables.get(blocks) ?? new BoundedMap<string, PowerTable>(KEPT_TABLES);
  tables.set(blocks, known);
  const name = `${cidKey(entry.code)}/${cidKey(entry.head)}`;
  const table = known.get(name) ?? (await readTable(blocks, entry));
  known.set(name, table);
  return table;
}

async function readTable(blocks: BlockSource, entry: ActorEntry): Promise<PowerTable> {
  const power = await ObjectReader.open(blocks, entry, "f");
  const claims = claimsOf.get(blocks) ?? new BoundedMap<string, Claim>(KEPT_CLAIMS);
  claimsOf.set(blocks, claims);
  const map = `${cidKey(entry.code)}/${cidKey(power.cidOf("Claims"))}`;
  return {
    actorsVersion: describeCode(entry.code)?.actorsVersion ?? 0,
    total: BigInt(power.field("TotalQualityAdjPower") as string),
    aboveMinimum: BigInt(power.field("MinerAboveMinPowerCount") as number),
    async claim(miner) {
      const name = `${map}/${miner.key}`;
      const known = claims.get(name);
      if (known !== undefined) return known;
      const found = (await power.element("Claims", miner.bytes)) as JsonObject | null;
      if (found === null) return null;
      const claim = {
        raw: BigInt(found["RawBytePower"] as string),
        qualityAdjusted: BigInt(found["QualityAdjPower"] as string),
      };
      claims.set(name, claim);
      return claim;
    },
  };
}

/** Miners above the minimum from which on it is enforced, in actors v0. Source: specs-actors v0.9.12 builtin/power/policy.go. */
const V0_MIN_MINERS = 3n;

/**
 * Whether a claim is large enough to win blocks. Actors v0 compared quality-adjusted power and let no power at all count
 * while few miners reached the minimum. Source: specs-actors v0.9.12 builtin/power/power_state.go.
 */
export function reachesMinimum(table: PowerTable, claim: Claim, minimum: bigint): boolean {
  if (table.actorsVersion >= 2) return countsForConsensus(claim.raw, minimum, table.aboveMinimum);
  return claim.qualityAdjusted >= minimum || (table.aboveMinimum < V0_MIN_MINERS && claim.qualityAdjusted >= 0n);
}

export type MinerStanding = {
  /** Key address of the worker. */
  readonly worker: Address;
  /** attoFIL */
  readonly feeDebt: bigint;
  /** Last epoch of an exclusion, or -1. */
  readonly consensusFaultElapsed: number;
  /** bytes */
  readonly sectorSize: bigint;
};

/** Miners kept of each state that is in use: a block's is asked for at the door, and twice in its validation. */
const KEPT_STANDINGS = 256;
const standings = new WeakMap<StateView, BoundedMap<string, MinerStanding>>();

/** A miner actor; null if there is none, or an actor that is no miner. Throws `StateError` where its worker has no key. */
export async function minerStanding(
  blocks: BlockSource,
  view: StateView,
  miner: Address,
): Promise<MinerStanding | null> {
  const known = standings.get(view) ?? new BoundedMap<string, MinerStanding>(KEPT_STANDINGS);
  standings.set(view, known);
  const name = miner.key;
  const standing = known.get(name) ?? (await readStanding(blocks, view, miner));
  if (standing !== null) known.set(name, standing);
  return standing;
}

async function readStanding(blocks: BlockSource, view: StateView, miner: Address): Promise<MinerStanding | null> {
  const entry = await view.actor(miner);
  if (entry === null) return null;
  const state = await ObjectReader.open(blocks, entry, "f");
  // Any actor can be named in a miner's place.
  if (!state.has("Info")) return null;
  const info = (await state.object("Info")) as JsonObject;
  return {
    worker: await view.accountKey(Address.parse(info["Worker"] as string)),
    // Came with the second version of the actors.
    feeDebt: state.has("FeeDebt") ? BigInt(state.field("FeeDebt") as string) : 0n,
    consensusFaultElapsed: (info["ConsensusFaultElapsed"] as number | undefined) ?? -1,
    sectorSize: BigInt(info["SectorSize"] as number | string),
  };
}

/**
 * Why a miner may not win a block on top of `parent`; null if it may. The states before the lookback's tipset and before
 * the parent decide. Source: lotus chain/stmgr/actors.go (MinerEligibleToMine).
 */
export async function whyNotEligible(
  states: StateManager,
  lookback: Tipset,
  parent: Tipset,
  miner: Address,
): Promise<string | null> {
  const { blocks } = states.chain;
  const minimum = states.network.consensusMinerMinPower;
  const then = await powerTable(blocks, await states.stateBefore(lookback));
  const claimThen = await then.claim(miner);
  if (claimThen === null) return "it had no power at the lookback";
  if (!reachesMinimum(then, claimThen, minimum)) return "its power at the lookback is below the minimum";
  if (!chainRule("electionChecksEligibility", states.networkVersionAt(parent.height))) return null;
  const beforeParent = await states.stateBefore(parent);
  const claim = await (await powerTable(blocks, beforeParent)).claim(miner);
  if (claim === null || claim.qualityAdjusted <= 0n) return "it has no power";
  const standing = await minerStanding(blocks, beforeParent, miner);
  if (standing === null) return "it is no miner";
  if (standing.feeDebt !== 0n) return `it owes ${standing.feeDebt} attoFIL of fees`;
  if (parent.height <= standing.consensusFaultElapsed)
    return `it is excluded for a consensus fault until epoch ${standing.consensusFaultElapsed}`;
  return null;
}
