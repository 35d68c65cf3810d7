/**
 * Signatures over messages and vouchers.
 *
 *   1 secp256k1  r, s, recovery id (65 bytes) over the blake2b-256 of the text; the recovered key must have the address
 *   2 BLS        a compressed G2 point (96 bytes) over the text itself; the key is the address' payload
 */
import { Bytes, ptrOf, slice } from "../base/bytes";
import { blsVerify } from "../crypto/bls";
import { secp256k1RecoverBytes } from "../crypto/curve/secp256k1";
import { blake2b256 } from "../crypto/hash/blake2b";
import { Address, PROTOCOL_BLS } from "../types/address";

export const SIGNATURE_SECP256K1: u8 = 1;
export const SIGNATURE_BLS: u8 = 2;

const SECP256K1_BYTES: i32 = 65;
const BLS_BYTES: i32 = 96;

/** True if `signature` (a type byte and the data) is that of the key address `key` over `text`. */
export function checkSignature(signature: Bytes, key: Address, text: Bytes): bool {
  const type = unchecked(signature[0]);
  if (type == SIGNATURE_BLS) return checkBls(signature, key, text);
  return checkSecp256k1(signature, key, text);
}

function checkSecp256k1(signature: Bytes, key: Address, text: Bytes): bool {
  if (signature.length != 1 + SECP256K1_BYTES) return false;
  const publicKey = secp256k1RecoverBytes(blake2b256(text), slice(signature, 1, signature.length));
  return publicKey !== null && Address.secp256k1(publicKey).eq(key);
}

function checkBls(signature: Bytes, key: Address, text: Bytes): bool {
  if (signature.length != 1 + BLS_BYTES || key.protocol != PROTOCOL_BLS) return false;
  return blsVerify(ptrOf(key.bytes) + 1, ptrOf(text), text.length, ptrOf(signature) + 1);
}
