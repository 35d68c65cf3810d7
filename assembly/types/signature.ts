/**
 * Signatures in their wire form: a type byte and the data.
 *
 *   1 SECP256K1  65 bytes: r, s, recovery id
 *   2 BLS        96 bytes: compressed G2 point
 *
 * Readers of the network check the type and the total length only; whether the data fits the type shows when the
 * signature is verified. Source: go-state-types crypto.
 */
import { Bytes } from "../base/bytes";
import { CborReader, CBOR_BAD_VALUE } from "../ipld/cbor-reader";

export const SIGNATURE_SECP256K1: u8 = 1;
export const SIGNATURE_BLS: u8 = 2;

/** Longest accepted signature, type byte included. */
export const MAX_SIGNATURE_BYTES: u64 = 200;

export function readSignature(r: CborReader): Bytes {
  const bytes = r.bytes(MAX_SIGNATURE_BYTES);
  if (!r.ok) return bytes;
  const known = bytes.length > 0 && (unchecked(bytes[0]) == SIGNATURE_SECP256K1 || unchecked(bytes[0]) == SIGNATURE_BLS);
  if (!known) r.fail(CBOR_BAD_VALUE);
  return bytes;
}
