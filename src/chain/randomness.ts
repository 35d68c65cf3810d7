/**
 * Randomness that actors and proofs draw from the chain.
 *
 * drawn = blake2b-256( int64be(tag) ‖ blake2b-256(seed) ‖ int64be(epoch) ‖ entropy ), where the seed is the VRF proof of
 * the smallest ticket (chain randomness) or the data of the newest beacon entry (beacon randomness) at or before the
 * epoch. Source: lotus chain/rand/rand.go and chain/store/store.go (GetLatestBeaconEntry) at b835fab702eb, for network
 * versions before 14. From there on the beacon's entry is that of the epoch's own round. The reference computes the round and looks
 * for it; here its place tells: a tipset carries one entry for its own epoch and for each null round below it, the epoch's own last.
 */
import { concat } from "../base/bytes.ts";
import { blake2b256 } from "../base/digests.ts";
import type { RandomnessSource } from "../exec/types.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import type { BeaconEntry, Tipset } from "../types/block-header.ts";
import type { Chain } from "./chain.ts";
import { ChainError } from "./errors.ts";
import { tipsetCid } from "./eth-hashes.ts";

/** Tipsets that are looked through for a beacon entry: a network may be faster than its beacon. */
const BEACON_SEARCH = 20;

function be64(value: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigInt64(0, value);
  return out;
}

export function drawRandomness(seed: Uint8Array, tag: number, epoch: number, entropy: Uint8Array): Uint8Array {
  return drawFromDigest(blake2b256(seed), tag, epoch, entropy);
}

/** The same, from the blake2b-256 of the seed. */
export function drawFromDigest(digest: Uint8Array, tag: number, epoch: number, entropy: Uint8Array): Uint8Array {
  return blake2b256(concat(be64(BigInt(tag)), digest, be64(BigInt(epoch)), entropy));
}

/** VRF proof of the smallest ticket of a tipset. */
export function minTicket(tipset: Tipset): Uint8Array {
  return tipset.blocks[0]?.ticket ?? new Uint8Array(0);
}

function ownBeaconEntry(tipset: Tipset): BeaconEntry | undefined {
  return tipset.blocks[0]?.beaconEntries.at(-1);
}

/** The newest beacon entry of a tipset or of those below it. */
export async function latestBeaconEntry(chain: Chain, tipset: Tipset): Promise<BeaconEntry> {
  let at: Tipset | null = tipset;
  for (let i = 0; i < BEACON_SEARCH && at !== null; i++) {
    const entry = ownBeaconEntry(at);
    if (entry !== undefined) return entry;
    at = await chain.parent(at);
  }
  throw new ChainError(
    { code: "NO_BEACON_ENTRY", epoch: `${tipset.height}` },
    `no beacon entry in the ${BEACON_SEARCH} tipsets from epoch ${tipset.height} down`,
  );
}

/**
 * The entry of an epoch's own round: in the epoch's tipset the last, in the next one after a null round as far before the last as the
 * epoch is before it. A tipset without entries has the round of those below it.
 */
function entryOfRound(chain: Chain, tipset: Tipset, epoch: number): Uint8Array | Promise<Uint8Array> {
  const own = tipset.blocks[0]?.beaconEntries.at(Math.min(-1, epoch - 1 - tipset.height));
  return own?.data ?? latestBeaconEntry(chain, tipset).then(({ data }) => data);
}

/** For executors whose every run is given its own. */
export const NO_RANDOMNESS: RandomnessSource = { ticketRandomness: notGiven, beaconRandomness: notGiven };

function notGiven(): never {
  throw new Error("randomness is given for each run");
}

/**
 * The randomness that what is executed at `tipset` sees: of its own chain, whichever fork that is. Null rounds use the
 * tipset before them, from network version 13 the one after; epochs before the genesis the genesis, epochs after `tipset`
 * (the reference refuses them) itself. `versionAt`: network version in force at an epoch.
 */
export function randomnessAt(chain: Chain, tipset: Tipset, versionAt: (epoch: number) => number): RandomnessSource {
  const draw = (
    epoch: number,
    seedAt: (at: Tipset, epoch: number) => Uint8Array | Promise<Uint8Array>,
    finish: (seed: Uint8Array) => Uint8Array,
  ): Uint8Array | Promise<Uint8Array> => {
    const wanted = Math.max(epoch, 0);
    const height = wanted > tipset.height ? tipset.height : wanted;
    const seedOf = (at: Tipset) => seedAt(at, wanted);
    const isAfter = chainRule("nullRoundsLookForward", versionAt(epoch));
    const at = chain.knownAtOrBefore(height, tipset);
    if (at === undefined || (isAfter && at.height !== height)) {
      const found = isAfter ? chain.tipsetAtOrAfter(height, tipset) : chain.tipsetAtOrBefore(height, tipset);
      return found.then(seedOf).then(finish);
    }
    const seed = seedOf(at);
    return seed instanceof Uint8Array ? finish(seed) : seed.then(finish);
  };
  const beacon = (at: Tipset, epoch: number): Uint8Array | Promise<Uint8Array> =>
    chainRule("beaconByRound", versionAt(epoch))
      ? entryOfRound(chain, at, epoch)
      : (ownBeaconEntry(at)?.data ?? latestBeaconEntry(chain, at).then(({ data }) => data));
  return {
    ticketRandomness: (tag, epoch, entropy) =>
      draw(epoch, minTicket, (seed) => drawRandomness(seed, tag, epoch, entropy)),
    beaconRandomness: (tag, epoch, entropy) => draw(epoch, beacon, (seed) => drawRandomness(seed, tag, epoch, entropy)),
    digests: {
      ticketDigest: (epoch) => draw(epoch, minTicket, blake2b256),
      beaconDigest: (epoch) => draw(epoch, beacon, blake2b256),
      // At once where it is at hand: a contract may ask for many, and each that is awaited has the whole tipset run again.
      tipsetCid: (epoch) => {
        const at = chain.knownAtOrBefore(epoch, tipset);
        return at === undefined
          ? chain.tipsetAtOrBefore(epoch, tipset).then((found) => tipsetCid(found).bytes)
          : tipsetCid(at).bytes;
      },
    },
  };
}
