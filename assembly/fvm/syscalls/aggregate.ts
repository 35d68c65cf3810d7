/**
 * crypto.verify_bls_aggregate, from the fourth generation on: one signature over several texts, each under a key of its own.
 *
 * The basic scheme, so the texts must differ; keys or a signature that are no points of their groups, the neutral key among them,
 * make a bad verdict, not an error. Of no texts every signature is good.
 * Source: ref-fvm ef0a99370839 fvm/src/syscalls/crypto.rs, fvm/src/kernel/default.rs, shared/src/crypto/signature.rs;
 * bls-signatures 0.15.0 src/signature.rs (verify_messages).
 */
import { Bytes, ptrOf, slice } from "../../base/bytes";
import { blsVerifyAggregate, G1_BYTES, G2_BYTES } from "../../crypto/bls";
import { blake2b256 } from "../../crypto/hash/blake2b";
import { ILLEGAL_ARGUMENT, OUT_OF_GAS } from "../errors";
import * as guest from "./guest";

export function cryptoVerifyBlsAggregate(
  left: i64,
  to: u32,
  count: u32,
  signatureAt: u32,
  keysAt: u32,
  textsAt: u32,
  lengthsAt: u32,
): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  return guest.leave(verify(to, count, signatureAt, keysAt, textsAt, lengthsAt));
}

function verify(to: u32, count: u32, signatureAt: u32, keysAt: u32, textsAt: u32, lengthsAt: u32): i32 {
  if (<u64>count * <u64>G1_BYTES > <u64>u32.MAX_VALUE) return ILLEGAL_ARGUMENT;
  const signature = guest.bytesOf(signatureAt, <u32>G2_BYTES);
  if (signature === null || !guest.inside(keysAt, count * <u32>G1_BYTES)) return ILLEGAL_ARGUMENT;
  const lengths = guest.bytesOf(lengthsAt, count * 4);
  if (lengths === null) return ILLEGAL_ARGUMENT;
  // Lengths are summed in 32 bits; a sum that was cut off is noticed only behind the charge.
  let whole: u64 = 0;
  for (let i: usize = 0; i < <usize>count; i++) whole += <u64>load<u32>(ptrOf(lengths) + (i << 2));
  const bytes = <u32>whole;
  if (!guest.inside(textsAt, bytes)) return ILLEGAL_ARGUMENT;
  const prices = guest.ctx.prices;
  if (!guest.charge(prices.pairing * (<i64>count + 1) + prices.pairingPerByte * <i64>bytes)) return OUT_OF_GAS;
  if (whole != <u64>bytes) return ILLEGAL_ARGUMENT;
  const keys = guest.bytesOf(keysAt, count * <u32>G1_BYTES)!;
  const texts = guest.bytesOf(textsAt, bytes)!;
  return guest.giveVerdict(to, count == 0 || isGood(<i32>count, signature, keys, texts, lengths));
}

function isGood(count: i32, signature: Bytes, keys: Bytes, texts: Bytes, lengths: Bytes): bool {
  const offsets = new StaticArray<u8>((count + 1) << 2);
  let at: u32 = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    store<u32>(ptrOf(offsets) + (i << 2), at);
    at += load<u32>(ptrOf(lengths) + (i << 2));
  }
  store<u32>(ptrOf(offsets) + (<usize>count << 2), at);
  return differ(count, texts, offsets) &&
    blsVerifyAggregate(count, ptrOf(keys), ptrOf(texts), ptrOf(offsets), ptrOf(signature));
}

/** Whether no text is there twice, by their digests: what is compared does not grow with the texts' lengths. */
function differ(count: i32, texts: Bytes, offsets: Bytes): bool {
  if (count < 2) return true;
  const digests = new Array<Bytes>(count);
  for (let i = 0; i < count; i++) {
    const entry = ptrOf(offsets) + (<usize>i << 2);
    digests[i] = blake2b256(slice(texts, load<u32>(entry), load<u32>(entry, 4)));
  }
  digests.sort((a, b) => memory.compare(ptrOf(a), ptrOf(b), 32));
  for (let i = 1; i < count; i++) {
    if (memory.compare(ptrOf(digests[i - 1]), ptrOf(digests[i]), 32) == 0) return false;
  }
  return true;
}
