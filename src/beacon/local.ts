/**
 * The beacon of a local network: drand's unchained scheme with one key, made from the network's seed.
 *
 * Entries are signed and verified like any other beacon's; but whoever knows the seed knows every future entry, and there
 * is nobody to wait for. For local networks only.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import { concat, utf8 } from "../base/bytes.ts";
import type { Bls } from "../core/bls.ts";
import type { Hashes } from "../core/hashes.ts";
import type { DrandInfo } from "./drand.ts";
import type { BeaconSource } from "./source.ts";

export type LocalBeacon = { readonly info: DrandInfo; readonly source: BeaconSource };

/** Message of an unchained round: SHA-256 of the number, 8 bytes big-endian. Source: drand crypto/schemes.go. */
function roundMessage(hashes: Pick<Hashes, "sha256">, round: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, round);
  return hashes.sha256(bytes);
}

/** Of the chain; `beaconPeriod`: seconds from one round to the next, default the time between epochs. */
export type LocalTimes = {
  readonly genesisTime: number;
  readonly blockDelay: number;
  readonly beaconPeriod?: number;
};

/** Entries that are remembered: all miners of a process ask for the same. */
const KEPT = 1024;

/** The genesis has round 1 under the rules of any version. */
export function localBeacon(
  crypto: Bls & Pick<Hashes, "sha256" | "blake2b256">,
  seed: string,
  { genesisTime, blockDelay, beaconPeriod: period = blockDelay }: LocalTimes,
): LocalBeacon {
  const secret = crypto.blsKeyFromSeed(crypto.blake2b256(utf8(`filigree/${seed}/beacon`)));
  const publicKey = crypto.blsShortPublicKey(secret);
  const info: DrandInfo = {
    scheme: "bls-unchained-g1-rfc9380",
    publicKey,
    period,
    genesisTime: genesisTime - blockDelay - period,
    chainHash: crypto.sha256(concat(utf8("filigree local beacon"), publicKey)),
  };
  const signed = new BoundedMap<bigint, Uint8Array>(KEPT);
  const source: BeaconSource = {
    entry: async (_info, round, signal) => {
      signal.throwIfAborted();
      const data = signed.get(round) ?? crypto.blsShortSign(secret, roundMessage(crypto, round));
      signed.set(round, data);
      return { round, data };
    },
  };
  return { info, source };
}
