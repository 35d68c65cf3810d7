/**
 * Randomness as a vector recorded it.
 *
 * An entry holds the digest of a ticket or of a beacon entry; what an actor gets is
 * blake2b-256( int64be(tag) || digest || int64be(epoch) || entropy ). A draw that was not recorded takes a fixed text as
 * its digest, as the reference's driver does.
 */
import { blake2b } from "@noble/hashes/blake2.js";
import { concat, utf8 } from "../base/bytes.ts";
import type { RandomnessSource } from "../exec/types.ts";
import type { Vector } from "./vector.ts";

const FALLBACK = utf8("i_am_random_____i_am_random_____");

function int64(value: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigInt64(0, BigInt(value));
  return out;
}

export function recordedRandomness(entries: Vector["randomness"]): RandomnessSource {
  const draw = (kind: "chain" | "beacon", tag: number, epoch: number, entropy: Uint8Array): Uint8Array => {
    const digest = entries.find((entry) => entry.kind === kind && entry.epoch === epoch)?.ret ?? FALLBACK;
    return blake2b(concat(int64(tag), digest, int64(epoch), entropy), { dkLen: 32 });
  };
  return {
    ticketRandomness: (tag, epoch, entropy) => draw("chain", tag, epoch, entropy),
    beaconRandomness: (tag, epoch, entropy) => draw("beacon", tag, epoch, entropy),
  };
}
