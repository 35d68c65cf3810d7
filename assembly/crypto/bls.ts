/**
 * BLS signatures over BLS12-381 as Filecoin and drand use them.
 *
 * Filecoin: public keys in G1 (48 bytes compressed), signatures in G2 (96 bytes), secret keys little-endian scalars of
 * 32 bytes, messages hashed to G2 under the tag "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_" (the "basic" scheme of
 * draft-irtf-cfrg-bls-signature). drand's quicknet has the groups exchanged: keys in G2, signatures in G1, the tag's G2
 * read G1.
 *   sign    s = sk H(m)          verify    e(pk, H(m)) = e(g1, s)
 *   many    e(g1, sum s_i) = product of e(pk_i, H(m_i))
 *
 * The basic scheme is safe for aggregates only if all messages differ, or every key's owner has proved to hold its secret:
 * else a forged key pk' = x g1 - pk signs "together with" pk. A Filecoin block aggregates signatures over message CIDs,
 * which contain the sender's address, so the same bytes twice means the same sender and the same key: duplicates are
 * therefore accepted here, and a caller whose messages do not bind the signer must refuse them itself.
 *
 * Signing takes the same steps and memory accesses for every secret; verification's time depends on its public inputs.
 * Wrong bytes never trap: they make `false`. Scratch is static: one call at a time per instance.
 */
import { hmacSha256 } from "./hash/hmac-sha256";
import { sha256 } from "./hash/sha256";
import { frAdd, frFromBytesBE, frIsZero, frMul, frToBytesLE } from "./field/fr.gen";
import { fpNeg } from "./field/fp.gen";
import { fp2Neg } from "./field/fp2";
import { fp12IsOne, fp12Mul, fp12One } from "./field/fp12";
import { G1_GENERATOR, G2_GENERATOR, GROUP_ORDER } from "./curve/constants.gen";
import { OverFp, OverFp2 } from "./curve/coordinate";
import { g1Compress, g1Decompress, g2Compress, g2Decompress, POINT_NEUTRAL, POINT_OK } from "./curve/encoding";
import { g2MulSecret } from "./curve/g2-secret";
import { hashToG1, hashToG2 } from "./curve/hash-to-curve";
import { finalExponentiation, millerLoop, PAIR_SIZE } from "./curve/pairing";
import {
  pointAdd, pointAddAffine, pointDouble, pointFromAffine, pointMulSecret, pointToAffine, pointToAffineSecret, pointZero,
} from "./curve/point";
import { g1IsInGroup, g2IsInGroup } from "./curve/subgroup";

export const SECRET_KEY_BYTES: i32 = 32;
export const G1_BYTES: i32 = 48;
export const G2_BYTES: i32 = 96;

/** "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_" */
export const TAG_G2: usize = memory.data<u8>([66, 76, 83, 95, 83, 73, 71, 95, 66, 76, 83, 49, 50, 51, 56, 49, 71, 50, 95, 88, 77, 68, 58, 83, 72, 65, 45, 50, 53, 54, 95, 83, 83, 87, 85, 95, 82, 79, 95, 78, 85, 76, 95]);
/** "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_" */
export const TAG_G1: usize = memory.data<u8>([66, 76, 83, 95, 83, 73, 71, 95, 66, 76, 83, 49, 50, 51, 56, 49, 71, 49, 95, 88, 77, 68, 58, 83, 72, 65, 45, 50, 53, 54, 95, 83, 83, 87, 85, 95, 82, 79, 95, 78, 85, 76, 95]);
export const TAG_BYTES: usize = 43;
/** "BLS-SIG-KEYGEN-SALT-" */
const KEYGEN_SALT: usize = memory.data<u8>([66, 76, 83, 45, 83, 73, 71, 45, 75, 69, 89, 71, 69, 78, 45, 83, 65, 76, 84, 45]);

/** Pairs whose Miller loops share their squarings; more are done in groups. */
const GROUP: i32 = 32;
const PAIRS: usize = memory.data(2 * 672, 8);
const VALUE: usize = memory.data(672, 8);
const POINT: usize = memory.data(336, 8);
const SUM: usize = memory.data(336, 8);
const AFFINE: usize = memory.data(224, 8);
const SCALAR: usize = memory.data(32);

/** Reads a public key in G1: not neutral and in the group. */
function readKey1(r: usize, bytes: usize): bool {
  return g1Decompress(r, bytes) == POINT_OK && g1IsInGroup(r);
}

/** Reads a public key in G2: not neutral and in the group. */
function readKey2(r: usize, bytes: usize): bool {
  return g2Decompress(r, bytes) == POINT_OK && g2IsInGroup(r);
}

/** Whether the product of the pairings of PAIRS is 1. */
function pairsMultiplyToOne(count: i32): bool {
  millerLoop(VALUE, PAIRS, count);
  finalExponentiation(VALUE, VALUE);
  return fp12IsOne(VALUE);
}

/** P of a pair = -g1. */
function negativeGenerator(pair: usize): void {
  memory.copy(pair, G1_GENERATOR, 112);
  fpNeg(pair + 56, pair + 56);
}

/** Verifies a signature in G2 (96 bytes) under a key in G1 (48 bytes) with Filecoin's tag. */
export function blsVerify(publicKey: usize, message: usize, length: usize, signature: usize): bool {
  if (!readKey1(PAIRS, publicKey)) return false;
  const second = PAIRS + PAIR_SIZE;
  if (g2Decompress(second + 112, signature) != POINT_OK || !g2IsInGroup(second + 112)) return false;
  negativeGenerator(second);
  hashToG2(POINT, message, length, TAG_G2, TAG_BYTES);
  if (!pointToAffine<OverFp2>(PAIRS + 112, POINT)) return false;
  return pairsMultiplyToOne(2);
}

/** Verifies a signature in G1 (48 bytes) under a key in G2 (96 bytes): drand's quicknet. */
export function blsVerifyShort(publicKey: usize, message: usize, length: usize, signature: usize): bool {
  const second = PAIRS + PAIR_SIZE;
  if (!readKey2(PAIRS + 112, publicKey)) return false;
  if (g1Decompress(second, signature) != POINT_OK || !g1IsInGroup(second)) return false;
  memory.copy(second + 112, G2_GENERATOR, 224);
  fp2Neg(second + 224, second + 224);
  hashToG1(POINT, message, length, TAG_G1, TAG_BYTES);
  if (!pointToAffine<OverFp>(PAIRS, POINT)) return false;
  return pairsMultiplyToOne(2);
}

/** Bytes of the context of an aggregate being verified, 8-aligned: product so far, pairs held, whether all were sound. */
export const BLS_AGGREGATE_CONTEXT_BYTES: usize = 672 + 16 + 32 * 672;
const HELD: usize = 672;
const SOUND: usize = 676;
const HELD_PAIRS: usize = 688;

/** Multiplies the held pairs' Miller values into the product. */
function foldPairs(context: usize): void {
  const held = load<i32>(context, HELD);
  if (held == 0) return;
  millerLoop(VALUE, context + HELD_PAIRS, held);
  fp12Mul(context, context, VALUE);
  store<i32>(context, 0, HELD);
}

/** Begins the verification of an aggregate signature of 96 bytes; the neutral one is allowed. */
export function blsAggregateInit(context: usize, signature: usize): void {
  fp12One(context);
  store<i32>(context, 0, HELD);
  const pair = context + HELD_PAIRS;
  const state = g2Decompress(pair + 112, signature);
  const sound = state == POINT_NEUTRAL || (state == POINT_OK && g2IsInGroup(pair + 112));
  store<i32>(context, sound ? 1 : 0, SOUND);
  if (state != POINT_OK) return;
  negativeGenerator(pair);
  store<i32>(context, 1, HELD);
}

/** Adds a message under its key (48 bytes). */
export function blsAggregateUpdate(context: usize, publicKey: usize, message: usize, length: usize): void {
  if (load<i32>(context, SOUND) == 0) return;
  const held = load<i32>(context, HELD);
  const pair = context + HELD_PAIRS + <usize>held * PAIR_SIZE;
  if (!readKey1(pair, publicKey)) {
    store<i32>(context, 0, SOUND);
    return;
  }
  hashToG2(POINT, message, length, TAG_G2, TAG_BYTES);
  // A message that hashes to the neutral point contributes 1; nobody can name one.
  if (pointToAffine<OverFp2>(pair + 112, POINT)) store<i32>(context, held + 1, HELD);
  if (held + 1 == GROUP) foldPairs(context);
}

/** Whether the signature covers all the messages added; false if any key or the signature was unsound. */
export function blsAggregateFinal(context: usize): bool {
  if (load<i32>(context, SOUND) == 0) return false;
  foldPairs(context);
  finalExponentiation(context, context);
  return fp12IsOne(context);
}

/**
 * Verifies an aggregate signature in G2 over `count` messages, each under its own key.
 * publicKeys: count x 48 bytes. messages: one after the other, the i-th from offsets[i] to offsets[i + 1] (count + 1 u32,
 * ascending). False for count = 0. Duplicate messages: see the head.
 */
export function blsVerifyAggregate(
  count: i32, publicKeys: usize, messages: usize, offsets: usize, signature: usize,
): bool {
  if (count <= 0) return false;
  blsAggregateInit(AGGREGATE, signature);
  for (let i: usize = 0; i < <usize>count; i++) {
    const from = load<u32>(offsets + (i << 2)), to = load<u32>(offsets + (i << 2), 4);
    if (to < from) return false;
    blsAggregateUpdate(AGGREGATE, publicKeys + i * 48, messages + <usize>from, <usize>(to - from));
    if (load<i32>(AGGREGATE, SOUND) == 0) return false;
  }
  return blsAggregateFinal(AGGREGATE);
}
const AGGREGATE: usize = memory.data(672 + 16 + 32 * 672, 8);

/** Signatures under one key whose sums are made together. */
const BATCH_ITEMS: i32 = 16;
/** Bytes of one: hashed message (224), signature (224), scalar (8). */
const ITEM_SIZE: usize = 456;
const ITEM_SIGNATURE: usize = 224;
const ITEM_SCALAR: usize = 448;
const BATCH: usize = memory.data(672 + 16 + 32 * 672, 8);
const ITEMS: usize = memory.data(16 * 456, 8);
const BATCH_SUM: usize = memory.data(336, 8);
const BATCH_KEY: usize = memory.data(112, 8);
const BATCH_KEY_BYTES: usize = memory.data(48);
let batchItems: i32 = 0;

/**
 * Begins the verification of several signatures at once: with a random scalar c_i for each,
 *   product over the keys of e(pk, sum of c_i H(m_i)) = e(g1, sum of c_i s_i).
 * If one of them is wrong the batch passes with the chance that the scalars are guessed: 2^-64.
 */
export function blsBatchInit(): void {
  fp12One(BATCH);
  store<i32>(BATCH, 0, HELD);
  store<i32>(BATCH, 1, SOUND);
  pointZero<OverFp2>(BATCH_SUM);
  memory.fill(BATCH_KEY_BYTES, 0, 48);
  batchItems = 0;
}

/** Adds a signature (96 bytes) on a message under a key (48 bytes); `scalar`: 8 random bytes, not all 0. */
export function blsBatchAdd(publicKey: usize, message: usize, length: usize, signature: usize, scalar: usize): void {
  if (load<i32>(BATCH, SOUND) == 0) return;
  if (memory.compare(publicKey, BATCH_KEY_BYTES, 48) != 0) {
    foldItems();
    if (!readKey1(BATCH_KEY, publicKey)) {
      store<i32>(BATCH, 0, SOUND);
      return;
    }
    memory.copy(BATCH_KEY_BYTES, publicKey, 48);
  }
  const item = ITEMS + <usize>batchItems * ITEM_SIZE;
  const state = g2Decompress(item + ITEM_SIGNATURE, signature);
  hashToG2(POINT, message, length, TAG_G2, TAG_BYTES);
  if (state != POINT_OK || !g2IsInGroup(item + ITEM_SIGNATURE) || !pointToAffine<OverFp2>(item, POINT)) {
    store<i32>(BATCH, 0, SOUND);
    return;
  }
  memory.copy(item + ITEM_SCALAR, scalar, 8);
  if (++batchItems == BATCH_ITEMS) foldItems();
}

/** Whether all signatures added are right; true for none. */
export function blsBatchFinal(): bool {
  if (load<i32>(BATCH, SOUND) == 0) return false;
  foldItems();
  const pair = BATCH + HELD_PAIRS + <usize>load<i32>(BATCH, HELD) * PAIR_SIZE;
  if (pointToAffine<OverFp2>(pair + 112, BATCH_SUM)) {
    negativeGenerator(pair);
    store<i32>(BATCH, load<i32>(BATCH, HELD) + 1, HELD);
  }
  foldPairs(BATCH);
  finalExponentiation(BATCH, BATCH);
  return fp12IsOne(BATCH);
}

/** Takes the items of one key into the product and the sum. */
function foldItems(): void {
  if (batchItems == 0) return;
  const pair = BATCH + HELD_PAIRS + <usize>load<i32>(BATCH, HELD) * PAIR_SIZE;
  sumOfItems(POINT, 0);
  if (pointToAffine<OverFp2>(pair + 112, POINT)) {
    memory.copy(pair, BATCH_KEY, 112);
    const held = load<i32>(BATCH, HELD) + 1;
    store<i32>(BATCH, held, HELD);
    // Room for the pair of the sum stays.
    if (held == GROUP - 1) foldPairs(BATCH);
  }
  sumOfItems(POINT, ITEM_SIGNATURE);
  pointAdd<OverFp2>(BATCH_SUM, BATCH_SUM, POINT);
  batchItems = 0;
}

/** r = sum of the items' scalars times their points at `offset`; the doublings are shared. */
function sumOfItems(r: usize, offset: usize): void {
  const end = ITEMS + <usize>batchItems * ITEM_SIZE;
  pointZero<OverFp2>(r);
  for (let bit = 0; bit < 64; bit++) {
    pointDouble<OverFp2>(r, r);
    for (let item = ITEMS; item < end; item += ITEM_SIZE) {
      const byte = <u32>load<u8>(item + ITEM_SCALAR + (<usize>bit >> 3));
      if (((byte >> (7 - (bit & 7))) & 1) != 0) pointAddAffine<OverFp2>(r, r, item + offset);
    }
  }
}

/** Sums `count` signatures of 96 bytes into `out`; false if one is no point of the group. An empty sum is neutral. */
export function blsAggregate(out: usize, signatures: usize, count: i32): bool {
  pointZero<OverFp2>(SUM);
  for (let i = 0; i < count; i++) {
    const state = g2Decompress(AFFINE, signatures + <usize>i * 96);
    if (state == POINT_NEUTRAL) continue;
    if (state != POINT_OK || !g2IsInGroup(AFFINE)) return false;
    pointAddAffine<OverFp2>(SUM, SUM, AFFINE);
  }
  g2Compress(out, AFFINE, !pointToAffine<OverFp2>(AFFINE, SUM));
  return true;
}

/** Sums `count` public keys of 48 bytes into `out`; false if one is neutral or no point of the group. */
export function blsAggregateKeys(out: usize, publicKeys: usize, count: i32): bool {
  pointZero<OverFp>(SUM);
  for (let i = 0; i < count; i++) {
    if (!readKey1(AFFINE, publicKeys + <usize>i * 48)) return false;
    pointAddAffine<OverFp>(SUM, SUM, AFFINE);
  }
  g1Compress(out, AFFINE, !pointToAffine<OverFp>(AFFINE, SUM));
  return true;
}

/** Whether 48 bytes are a usable public key: canonical, in G1, not neutral. */
export function blsPublicKeyIsValid(publicKey: usize): bool {
  return readKey1(AFFINE, publicKey);
}

/** SCALAR = the secret key big-endian; false, and SCALAR zero, unless 0 < key < r. The comparison runs over all bytes. */
function readSecret(secret: usize): bool {
  let or: u32 = 0;
  let borrow: i32 = 0;
  for (let i: usize = 0; i < 32; i++) {
    const byte = <u32>load<u8>(secret + i);
    or |= byte;
    borrow = (<i32>byte - <i32>load<u8>(GROUP_ORDER + 31 - i) + borrow) >> 31;
    store<u8>(SCALAR + 31 - i, byte);
  }
  if (or != 0 && borrow != 0) return true;
  memory.fill(SCALAR, 0, 32);
  return false;
}

/** Public key (48 bytes) of a secret key (32 bytes, little-endian); false if the secret is 0 or not below r. */
export function blsPublicKey(out: usize, secret: usize): bool {
  if (!readSecret(secret)) return false;
  pointFromAffine<OverFp>(POINT, G1_GENERATOR);
  pointMulSecret<OverFp>(POINT, POINT, SCALAR, 32);
  memory.fill(SCALAR, 0, 32);
  pointToAffineSecret<OverFp>(AFFINE, POINT);
  g1Compress(out, AFFINE, false);
  return true;
}

/** Key in G2 (96 bytes) of a secret key, for the exchanged groups. */
export function blsPublicKeyLong(out: usize, secret: usize): bool {
  if (!readSecret(secret)) return false;
  pointFromAffine<OverFp2>(POINT, G2_GENERATOR);
  g2MulSecret(POINT, POINT, SCALAR);
  memory.fill(SCALAR, 0, 32);
  pointToAffineSecret<OverFp2>(AFFINE, POINT);
  g2Compress(out, AFFINE, false);
  return true;
}

/** Signature (96 bytes, G2) of a message; false if the secret is 0 or not below r. Deterministic. */
export function blsSign(out: usize, secret: usize, message: usize, length: usize): bool {
  if (!readSecret(secret)) return false;
  hashToG2(POINT, message, length, TAG_G2, TAG_BYTES);
  g2MulSecret(POINT, POINT, SCALAR);
  memory.fill(SCALAR, 0, 32);
  pointToAffineSecret<OverFp2>(AFFINE, POINT);
  g2Compress(out, AFFINE, false);
  return true;
}

/** Signature (48 bytes, G1) of a message, for the exchanged groups. */
export function blsSignShort(out: usize, secret: usize, message: usize, length: usize): bool {
  if (!readSecret(secret)) return false;
  hashToG1(POINT, message, length, TAG_G1, TAG_BYTES);
  pointMulSecret<OverFp>(POINT, POINT, SCALAR, 32);
  memory.fill(SCALAR, 0, 32);
  pointToAffineSecret<OverFp>(AFFINE, POINT);
  g1Compress(out, AFFINE, false);
  return true;
}

const SALT: usize = memory.data(32);
const EXTRACTED: usize = memory.data(32);
const INFO: usize = memory.data(64);
const WIDE: usize = memory.data(64);
const F0: usize = memory.data(40, 8);
const F1: usize = memory.data(40, 8);
const F2: usize = memory.data(40, 8);
const PIECE: usize = memory.data(32);

/**
 * Secret key (32 bytes, little-endian) from a seed of at least 32 secret bytes: KeyGen of draft-irtf-cfrg-bls-signature-05
 * with empty key_info. HKDF stretches the seed to 48 bytes, read big-endian mod r; a zero is retried with a new salt.
 * Nothing of the seed or the key stays behind but `out` and the caller's seed.
 */
export function blsKeyFromSeed(out: usize, seed: usize, length: usize): bool {
  if (length < 32) return false;
  sha256(KEYGEN_SALT, 20, SALT);
  do {
    store<u8>(INFO, 0);
    hmacSha256(SALT, 32, seed, length, INFO, 1, 0, 0, EXTRACTED);
    // info = I2OSP(48, 2); OKM = T1 || first half of T2, T(i) = HMAC(PRK, T(i-1) || info || i)
    store<u8>(INFO + 1, 48);
    store<u8>(INFO + 2, 1);
    hmacSha256(EXTRACTED, 32, INFO, 3, 0, 0, 0, 0, WIDE);
    store<u8>(INFO + 2, 2);
    hmacSha256(EXTRACTED, 32, WIDE, 32, INFO, 3, 0, 0, WIDE + 32);
    // Three pieces of 16 bytes: ((a 2^128) + b) 2^128 + c.
    memory.fill(PIECE, 0, 32);
    store<u8>(PIECE + 15, 1);
    frFromBytesBE(F1, PIECE);
    memory.fill(F0, 0, 40);
    for (let i: usize = 0; i < 3; i++) {
      memory.fill(PIECE, 0, 16);
      memory.copy(PIECE + 16, WIDE + 16 * i, 16);
      frMul(F0, F0, F1);
      frFromBytesBE(F2, PIECE);
      frAdd(F0, F0, F2);
    }
    if (!frIsZero(F0)) break;
    sha256(SALT, 32, SALT);
  } while (true);
  frToBytesLE(out, F0);
  memory.fill(WIDE, 0, 64);
  memory.fill(EXTRACTED, 0, 32);
  memory.fill(F0, 0, 40);
  memory.fill(F2, 0, 40);
  // The field's own scratch still has the key's limbs: writing another element replaces them.
  frToBytesLE(PIECE, F1);
  memory.fill(PIECE, 0, 32);
  return true;
}
