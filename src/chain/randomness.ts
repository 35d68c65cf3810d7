/**
 * Randomness that actors and proofs draw from the chain.
 *
 * drawn = blake2b-256( int64be(tag) ‖ blake2b-256(seed) ‖ int64be(epoch) ‖ entropy ), where the seed is the VRF proof of
 * the smallest ticket (chain randomness) or the data of the newest beacon entry (beacon randomness) at or before the
 * epoch. Source: lotus chain/store/store.go at v1.0.0 (DrawRandomness, GetChainRandomness, GetBeaconRandomness).
 */
import { blake2b } from "@noble/hashes/blake2.js";
import { concat } from "../base/bytes.ts";
import type { Tipset } from "../types/block-header.ts";

function be64(value: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigInt64(0, value);
  return out;
}

export function drawRandomness(seed: Uint8Array, tag: number, epoch: number, entropy: Uint8Array): Uint8Array {
  const digest = blake2b(seed, { dkLen: 32 });
  return blake2b(concat(be64(BigInt(tag)), digest, be64(BigInt(epoch)), entropy), { dkLen: 32 });
}

/** VRF proof of the smallest ticket of a tipset. */
export function minTicket(tipset: Tipset): Uint8Array {
  return tipset.blocks[0]?.ticket ?? new Uint8Array(0);
}

/**
 * A synchronous source over a line of tipsets: the last is the parent of what is executed. Epochs before the line are
 * refused; epochs after its end, and null rounds, use the tipset before them.
 */
export function randomnessOf(line: readonly Tipset[]) {
  const at = (epoch: number): Tipset => {
    for (let i = line.length - 1; i >= 0; i--) {
      const tipset = line[i] as Tipset;
      if (tipset.height <= Math.max(epoch, 0)) return tipset;
    }
    throw new RangeError(`randomness at epoch ${epoch} is older than the tipsets at hand`);
  };
  const beacon = (epoch: number): Uint8Array => {
    for (let i = line.indexOf(at(epoch)); i >= 0; i--) {
      const entries = (line[i] as Tipset).blocks[0]?.beaconEntries ?? [];
      const last = entries[entries.length - 1];
      if (last !== undefined) return last.data;
    }
    throw new RangeError(`no beacon entry at or before epoch ${epoch}`);
  };
  return {
    ticketRandomness: (tag: number, epoch: number, entropy: Uint8Array): Uint8Array =>
      drawRandomness(minTicket(at(epoch)), tag, epoch, entropy),
    beaconRandomness: (tag: number, epoch: number, entropy: Uint8Array): Uint8Array =>
      drawRandomness(beacon(epoch), tag, epoch, entropy),
  };
}
