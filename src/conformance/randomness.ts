/**
 * Randomness as a vector recorded it.
 *
 * An entry holds the digest of a ticket or of a beacon entry, from which an actor's randomness is drawn. A draw that was not recorded takes a fixed text as
 * its digest, as the reference's driver does.
 */
import { utf8 } from "../base/bytes.ts";
import { drawFromDigest } from "../chain/randomness.ts";
import type { RandomnessSource } from "../exec/types.ts";
import type { Vector } from "./vector.ts";

const FALLBACK = utf8("i_am_random_____i_am_random_____");

type Kind = Vector["randomness"][number]["kind"];

function digestOf(entries: Vector["randomness"], kind: Kind, epoch: number): Uint8Array {
  return entries.find((entry) => entry.kind === kind && entry.epoch === epoch)?.ret ?? FALLBACK;
}

export function recordedRandomness(entries: Vector["randomness"]): RandomnessSource {
  const draw = (kind: Kind, tag: number, epoch: number, entropy: Uint8Array): Uint8Array =>
    drawFromDigest(digestOf(entries, kind, epoch), tag, epoch, entropy);
  return {
    ticketRandomness: (tag, epoch, entropy) => draw("chain", tag, epoch, entropy),
    beaconRandomness: (tag, epoch, entropy) => draw("beacon", tag, epoch, entropy),
    digests: {
      ticketDigest: (epoch) => digestOf(entries, "chain", epoch),
      beaconDigest: (epoch) => digestOf(entries, "beacon", epoch),
      tipsetCid: () => null,
    },
  };
}
