/**
 * What drand's gossip topic carries: protobuf PublicRandResponse {1: round, 2: signature, 3: previous signature,
 * 4: randomness}. Source: drand protobuf/drand/api.proto.
 */
import { ProtobufError, readFields } from "../base/protobuf.ts";
import type { BeaconEntry } from "../types/block-header.ts";

const FIELD = { round: 1, signature: 2, previous: 3 } as const;
const MAX_BYTES = 2048;
const MAX_FIELDS = 16;

export type DrandMessage = { readonly entry: BeaconEntry; readonly previous: Uint8Array };

/** Reads a message; null if the bytes are none. */
export function decodeDrandMessage(bytes: Uint8Array): DrandMessage | null {
  if (bytes.length > MAX_BYTES) return null;
  let round = 0n;
  let signature: Uint8Array = new Uint8Array(0);
  let previous: Uint8Array = new Uint8Array(0);
  try {
    for (const { number, value, bytes: data } of readFields(bytes, MAX_FIELDS)) {
      if (number === FIELD.round && data === null) round = value;
      else if (number === FIELD.signature && data !== null) signature = new Uint8Array(data);
      else if (number === FIELD.previous && data !== null) previous = new Uint8Array(data);
    }
  } catch (error) {
    if (error instanceof ProtobufError) return null;
    throw error;
  }
  return round === 0n || signature.length === 0 ? null : { entry: { round, data: signature }, previous };
}
