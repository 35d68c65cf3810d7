/** What deposits and pledges are computed from (`economy.ts`), read from the state of a tipset. */
import { FilError } from "../base/errors.ts";
import { SECTOR_SIZES } from "../params/proving.ts";
import { findVersion } from "../schema/versions/rows.ts";
import { type JsonObject, ObjectReader } from "../state/actor-reader.ts";
import type { StateView } from "../state/state-view.ts";
import type { BlockSource } from "../storage/contract.ts";
import type { Address } from "../types/address.ts";
import type { Tipset } from "../types/block-header.ts";
import { POWER, REWARD } from "../types/singletons.ts";
import { type Estimate, type PledgeInput, pledgeSkew, qaPowerForWeight } from "./economy.ts";
import type { StateManager } from "./state-manager.ts";

/** A sector cannot be as it is described. The message begins with the field that is wrong. */
export class PledgeError extends FilError<{ readonly code: "BAD_SECTOR"; readonly field: string }> {}

export type NetworkFigures = PledgeInput & {
  readonly height: number;
  /** Bytes that are proven, all of them. */
  readonly totals: { readonly raw: bigint; readonly qualityAdjusted: bigint };
};

/** First actors version whose verified data counts for all of its sector's life. */
const WHOLE_LIFE_SINCE = 9;

/** What of a sector decides its power. */
export type PledgeTerms = {
  readonly sealProof: number;
  readonly dealIds: readonly bigint[];
  readonly expiration: number;
  /** Bytes of pieces that claim allocations, beside those of the deals; as verified as a verified deal. */
  readonly verifiedBytes?: bigint;
};

/** The figures that all formulas rest on, in a state of a tipset: for what is executed on top of it. */
export async function networkFigures(
  states: Pick<StateManager, "networkVersionAt" | "circulatingSupply">,
  tipset: Tipset,
  view: StateView,
  blocks: BlockSource,
): Promise<NetworkFigures> {
  const open = async (actor: Address) => ObjectReader.open(blocks, await view.requireActor(actor), "t");
  const [reward, power] = [await open(REWARD), await open(POWER)];
  const { circulating } = await states.circulatingSupply(tipset);
  return {
    height: tipset.height,
    networkVersion: states.networkVersionAt(tipset.height + 1),
    reward: estimateOf(reward, "ThisEpochRewardSmoothed"),
    power: estimateOf(power, "ThisEpochQAPowerSmoothed"),
    baselinePower: numberOf(reward, "ThisEpochBaselinePower"),
    totals: { raw: numberOf(power, "TotalRawBytePower"), qualityAdjusted: numberOf(power, "TotalQualityAdjPower") },
    circulatingSupply: circulating,
    ...(power.has("RampStartEpoch")
      ? { skew: pledgeSkew(tipset.height, epochOf(power, "RampStartEpoch"), epochOf(power, "RampDurationEpochs")) }
      : {}),
  };
}

/**
 * Quality-adjusted power of a sector that is yet to be proven, as the market will weigh its deals. `market`: state of the
 * market; `miner`: ID address. Throws `PledgeError`.
 */
export async function sectorPower(
  market: ObjectReader,
  miner: Address,
  { sealProof, dealIds, expiration, verifiedBytes = 0n }: PledgeTerms,
  { height, networkVersion }: Pick<NetworkFigures, "height" | "networkVersion">,
): Promise<bigint> {
  const size = sizeOf(sealProof);
  const duration = BigInt(expiration - height);
  if (duration <= 0n) bad("Expiration", `after epoch ${height} expected, got ${expiration}`);
  // From actors v9 on what is verified counts for all of the sector's life (FIP-0045), and nothing else counts.
  const isWhole = (findVersion(networkVersion)?.actors ?? 0) >= WHOLE_LIFE_SINCE;
  let [plain, verified] = [0n, verifiedBytes * duration];
  for (const id of dealIds) {
    const deal = (await market.element("Proposals", id)) as JsonObject | null;
    if (deal === null) return bad("DealIDs", `deal ${id} not found`);
    const [start, end] = [Number(deal["StartEpoch"]), Number(deal["EndEpoch"])];
    if (`${deal["Provider"]}`.slice(1) !== miner.toString("t").slice(1))
      bad("DealIDs", `deal ${id} is of ${deal["Provider"]}`);
    if (start < height || end > expiration) bad("DealIDs", `deal ${id} lasts from ${start} to ${end}`);
    const epochs = isWhole ? duration : BigInt(end - start);
    const weight = epochs * BigInt(deal["PieceSize"] as number | string);
    if (deal["VerifiedDeal"] === true) verified += weight;
    else plain += weight;
  }
  if (plain + verified > size * duration) bad("DealIDs", "the deals are larger than the sector");
  return qaPowerForWeight(size, duration, plain, verified);
}

/** Bytes of the sectors of a registered seal proof. */
export function sizeOf(sealProof: number): bigint {
  return BigInt(SECTOR_SIZES[sealProof % SECTOR_SIZES.length] as number);
}

function bad(field: string, why: string): never {
  throw new PledgeError({ code: "BAD_SECTOR", field }, `${field}: ${why}`);
}

function estimateOf(reader: ObjectReader, name: string): Estimate {
  const { PositionEstimate, VelocityEstimate } = reader.field(name) as JsonObject;
  return { position: BigInt(PositionEstimate as string), velocity: BigInt(VelocityEstimate as string) };
}
const epochOf = (reader: ObjectReader, name: string): number => Number(reader.field(name));
const numberOf = (reader: ObjectReader, name: string): bigint => BigInt(reader.field(name) as string);
