/**
 * What drand's gossip topic carries: protobuf PublicRandResponse {1: round, 2: signature, 3: previous signature,
 * 4: randomness}. Source: drand protobuf/drand/api.proto.
 */
import type { BeaconEntry } from "../types/block-header.ts";

const FIELD = { round: 1, signature: 2, previous: 3 } as const;
const WIRE = { varint: 0, bytes: 2 } as const;
const MAX_BYTES = 2048;

export type DrandMessage = { readonly entry: BeaconEntry; readonly previous: Uint8Array };

/** Reads a message; null if the bytes are none. */
export function decodeDrandMessage(bytes: Uint8Array): DrandMessage | null {
  if (bytes.length > MAX_BYTES) return null;
  let at = 0;
  const varint = (): bigint | null => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) return null;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value < 1n << 64n ? value : null;
    }
    return null;
  };
  let round = 0n;
  let signature: Uint8Array = new Uint8Array(0);
  let previous: Uint8Array = new Uint8Array(0);
  while (at < bytes.length) {
    const tag = varint();
    const value = varint();
    if (tag === null || value === null) return null;
    const field = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (wire === WIRE.varint) {
      if (field === FIELD.round) round = value;
      continue;
    }
    if (wire !== WIRE.bytes || value > BigInt(bytes.length - at)) return null;
    const data = bytes.slice(at, at + Number(value));
    at += data.length;
    if (field === FIELD.signature) signature = data;
    if (field === FIELD.previous) previous = data;
  }
  return round === 0n || signature.length === 0 ? null : { entry: { round, data: signature }, previous };
}
