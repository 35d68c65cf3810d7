/** What the FVM asks of a chain beside blocks, where a run was given it. */
import type { ChainDigests, RandomnessSource } from "./types.ts";

/** Throws `RangeError` where a run of the FVM was given none. */
export function digestsOf({ digests }: RandomnessSource): ChainDigests {
  if (digests === undefined) throw new RangeError("the FVM asks for digests of the chain, and none were given");
  return digests;
}
