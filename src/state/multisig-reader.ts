/** The lock of a multisig wallet. Source: specs-actors builtin/multisig, v0.9.12 and v2.1.0. */
import type { ActorsVersion } from "../schema/versions/rows.ts";
import type { ObjectReader } from "./actor-reader.ts";

/**
 * attoFIL still locked at an epoch: all before the start, then a share that falls to zero over the duration. Actors v0
 * divide before they multiply, later ones round up.
 */
export function lockedAt(wallet: ObjectReader, actorsVersion: ActorsVersion, epoch: number): bigint {
  const initial = BigInt(wallet.field("InitialBalance") as string);
  const duration = BigInt(wallet.field("UnlockDuration") as number | string);
  const elapsed = BigInt(epoch) - BigInt(wallet.field("StartEpoch") as number | string);
  if (elapsed >= duration) return 0n;
  if (elapsed <= 0n) return initial;
  const left = duration - elapsed;
  return actorsVersion === 0 ? (initial / duration) * left : (initial * left + duration - 1n) / duration;
}
