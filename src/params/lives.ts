/**
 * For how many epochs sectors and storage deals may be promised, by network version: the same for both, so that a sector can hold the
 * longest deal.
 *
 * Source: specs-actors v2.1.0 actors/builtin/market/policy.go (dealDurationBounds), actors/builtin/miner/policy.go; builtin-actors v12.0.0
 * and v18.0.0 actors/market/src/policy.rs (deal_duration_bounds), runtime/src/runtime/policy.rs (MAX_SECTOR_EXPIRATION_EXTENSION);
 * FIP-0052.
 */
import { chainRule } from "../schema/versions/chain-rules.ts";

const DAY = 2880;

/** Least life of a sector, and of a deal. */
export const SHORTEST_LIFE = 180 * DAY;
const LONGEST = { before: 540 * DAY, since: 1278 * DAY } as const;
/** The most that any network version allows. */
export const LONGEST_LIFE_EVER: number = LONGEST.since;

/** Epochs from now until a sector may expire at the most, and of the longest deal. */
export function longestLife(networkVersion: number): number {
  return chainRule("longerLives", networkVersion) ? LONGEST.since : LONGEST.before;
}
