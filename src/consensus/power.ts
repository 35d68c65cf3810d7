/**
 * What elections read of a state: claims, total power, who may win, and with which key.
 * Source: lotus chain/stmgr/actors.go, chain/consensus/filcns/filecoin.go at b835fab702eb.
 */

import { isFilError } from "../base/errors.ts";
import { countsForConsensus } from "../params/proving.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import { type JsonObject, ObjectReader } from "../state/actor-reader.ts";
import { describeCode, type StateView } from "../state/state-view.ts";
import type { BlockSource } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
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

/** Reads the power actor of a state. */
export async function powerTable(blocks: BlockSource, view: StateView): Promise<PowerTable> {
  const entry = await view.requireActor(POWER);
  const power = await ObjectReader.open(blocks, entry, "f");
  return {
    actorsVersion: describeCode(entry.code)?.actorsVersion ?? 0,
    total: BigInt(power.field("TotalQualityAdjPower") as string),
    aboveMinimum: BigInt(power.field("MinerAboveMinPowerCount") as number),
    async claim(miner) {
      const claim = (await power.element("Claims", miner.bytes)) as JsonObject | null;
      if (claim === null) return null;
      return {
        raw: BigInt(claim["RawBytePower"] as string),
        qualityAdjusted: BigInt(claim["QualityAdjPower"] as string),
      };
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

/** Reads a miner actor; null if there is none. Throws `StateError` where its worker has no key. */
export async function minerStanding(
  blocks: BlockSource,
  view: StateView,
  miner: Address,
): Promise<MinerStanding | null> {
  const entry = await view.actor(miner);
  if (entry === null) return null;
  const state = await ObjectReader.open(blocks, entry, "f");
  const info = (await state.object("Info")) as JsonObject;
  return {
    worker: await view.accountKey(Address.parse(info["Worker"] as string)),
    feeDebt: BigInt(optionalField(state, "FeeDebt") ?? "0"),
    consensusFaultElapsed: (info["ConsensusFaultElapsed"] as number | undefined) ?? -1,
    sectorSize: BigInt(info["SectorSize"] as number | string),
  };
}

/** A field that came with a later generation of actors. */
function optionalField(state: ObjectReader, name: string): string | null {
  try {
    return state.field(name) as string;
  } catch (error) {
    if (isFilError(error, "UNKNOWN_TYPE")) return null;
    throw error;
  }
}

/** The states that decide whether a miner may win: before the lookback tipset, and before the parent. */
export type EligibilityInput = {
  readonly blocks: BlockSource;
  readonly beforeLookback: StateView;
  readonly beforeParent: StateView;
  readonly parentEpoch: number;
  readonly parentVersion: number;
  /** bytes */
  readonly minimum: bigint;
};

/** Why a miner may not win a block on top of the parent; null if it may. */
export async function whyNotEligible(input: EligibilityInput, miner: Address): Promise<string | null> {
  const { blocks, beforeLookback, beforeParent, parentEpoch, parentVersion, minimum } = input;
  const then = await powerTable(blocks, beforeLookback);
  const claimThen = await then.claim(miner);
  if (claimThen === null) return "it had no power at the lookback";
  if (!reachesMinimum(then, claimThen, minimum)) return "its power at the lookback is below the minimum";
  if (!chainRule("electionChecksEligibility", parentVersion)) return null;
  const claim = await (await powerTable(blocks, beforeParent)).claim(miner);
  if (claim === null || claim.qualityAdjusted <= 0n) return "it has no power";
  const standing = await minerStanding(blocks, beforeParent, miner);
  if (standing === null) return "it is no miner";
  if (standing.feeDebt !== 0n) return `it owes ${standing.feeDebt} attoFIL of fees`;
  if (parentEpoch <= standing.consensusFaultElapsed)
    return `it is excluded for a consensus fault until epoch ${standing.consensusFaultElapsed}`;
  return null;
}
