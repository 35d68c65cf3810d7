/**
 * ECDSA over secp256k1 as Filecoin signs messages: 65-byte signatures r || s || v over a 32-byte digest (BLAKE2b-256 of
 * what is signed), from which the signer's public key, and so its address, is recovered.
 *
 * Big-endian numbers of 32 bytes; v is the recovery id, 0 … 3: bit 0 is the oddness of R's y, bit 1 says that R's x is
 * r + n. Public keys are 65 bytes, 0x04 || x || y. Secret keys are 32 bytes, 0 < d < n.
 *
 *   sign:     R = k G, r = R.x mod n, s = (z + r d) / k; the lower of s, n - s. k is derived as in RFC 6979 (SHA-256),
 *             so a signature is a function of digest and key.
 *   recover:  Q = (s R - z G) / r. Refuses r or s zero or not below n, v above 3, r + n not below p, an abscissa off
 *             the curve, Q infinity. A high s is accepted, as by the reference: a chain may carry such signatures.
 *   verify:   r = ((z/s) G + (r/s) Q).x mod n. Refuses a high s, as libsecp256k1 does.
 *
 * Source: SEC 1 version 2, sections 4.1.3, 4.1.4, 4.1.6; RFC 6979, section 3.2; the checks are those of go-crypto (both
 * its libsecp256k1 and its pure form) and agree with the signature rules of ref-fvm.
 *
 * Signing and key derivation run in time independent of the secret; recovery and verification do not need to.
 */
import { Bytes, ptrOf } from "../../base/bytes";
import { inversePublic, inverseSecret } from "../field/inverse256";
import { fieldFromWords, fieldIsOdd, fieldNegate, fieldSqrt, fieldToWords } from "../field/secp256k1";
import { N_HALF_WORDS, N_WORDS, P_MINUS_N_WORDS, P_WORDS } from "../field/secp256k1-constants.gen";
import { fieldAdd, fieldMul, fieldSquare } from "../field/secp256k1-kernel.gen";
import {
  modAdd,
  modMul,
  modNegate,
  modReduce,
  wordsAdd,
  wordsBelow,
  wordsEqual,
  wordsFromBytes,
  wordsIsZero,
  wordsSelect,
  wordsSub,
  wordsToBytes,
} from "../field/words256";
import { hmacSha256 } from "../hash/hmac-sha256";
import { doubleMultiply } from "./secp256k1-group";
import { multiplyBaseSecret } from "./secp256k1-secret";

export const SECP256K1_SECRET_KEY_BYTES: i32 = 32;
export const SECP256K1_PUBLIC_KEY_BYTES: i32 = 65;
export const SECP256K1_SIGNATURE_BYTES: i32 = 65;

const UNCOMPRESSED: u8 = 4;

// @ts-ignore: decorator
@inline
function order(): usize {
  return changetype<usize>(N_WORDS);
}

/** Reads a number and says whether it lies within [1, n). */
function readScalar(out: usize, bytes: usize): bool {
  wordsFromBytes(out, bytes);
  return !wordsIsZero(out) && wordsBelow(out, order());
}

/** Writes 0x04 || x || y of a point's words. */
function writePublicKey(out: usize, point: usize): void {
  store<u8>(out, UNCOMPRESSED);
  wordsToBytes(out + 1, point);
  wordsToBytes(out + 33, point + 32);
}

/** Words of the point with abscissa x (eight words, below p) and the oddness asked for; false if there is none. */
function liftX(point: usize, x: usize, odd: bool): bool {
  const fx = memory.data(80, 8);
  const fy = memory.data(80, 8);
  fieldFromWords(fx, x);
  curveEquation(fy, fx);
  if (!fieldSqrt(fy, fy)) return false;
  if (fieldIsOdd(fy) != odd) fieldNegate(fy, fy);
  memory.copy(point, x, 32);
  fieldToWords(point + 32, fy);
  return true;
}

/** out = x^3 + 7; `out` is not `x`. */
function curveEquation(out: usize, x: usize): void {
  const seven = memory.data(80, 8);
  store<i64>(seven, 7);
  fieldSquare(out, x);
  fieldMul(out, out, x);
  fieldAdd(out, out, seven);
}

/** Reads a public key; false unless it is 0x04 and a point of the curve. */
function readPublicKey(point: usize, key: usize): bool {
  const left = memory.data(80, 8);
  const right = memory.data(80, 8);
  const p = changetype<usize>(P_WORDS);
  if (load<u8>(key) != UNCOMPRESSED) return false;
  wordsFromBytes(point, key + 1);
  wordsFromBytes(point + 32, key + 33);
  if (!wordsBelow(point, p) || !wordsBelow(point + 32, p)) return false;
  fieldFromWords(left, point);
  curveEquation(right, left);
  fieldFromWords(left, point + 32);
  fieldSquare(left, left);
  const a = memory.data(32, 8);
  const b = memory.data(32, 8);
  fieldToWords(a, left);
  fieldToWords(b, right);
  return wordsEqual(a, b);
}

/** The 65-byte public key of a 32-byte secret key at `out`; false if the secret is zero or not below n. */
export function secp256k1PublicKey(secret: usize, out: usize): bool {
  const d = memory.data(32, 8);
  const point = memory.data(64, 8);
  const valid = readScalar(d, secret);
  if (valid) {
    multiplyBaseSecret(point, d);
    writePublicKey(out, point);
  }
  memory.fill(d, 0, 32);
  return valid;
}

/** Bytes of RFC 6979's generator: V, then K. */
const GENERATOR_BYTES: usize = 64;

/** K = HMAC(K, V || mark || seed), V = HMAC(K, V). */
function stir(generator: usize, mark: u8, seed: usize, seedLength: usize): void {
  const byte = memory.data(1);
  const k = generator + 32;
  store<u8>(byte, mark);
  hmacSha256(k, 32, generator, 32, byte, 1, seed, seedLength, k);
  hmacSha256(k, 32, generator, 32, 0, 0, 0, 0, generator);
}

/** Begins the generator of RFC 6979, section 3.2, steps b to g; secret and z (below n) as bytes. */
function beginNonces(generator: usize, secret: usize, z: usize): void {
  const seed = memory.data(64, 8);
  memory.copy(seed, secret, 32);
  wordsToBytes(seed + 32, z);
  memory.fill(generator, 0x01, 32);
  memory.fill(generator + 32, 0x00, 32);
  stir(generator, 0, seed, 64);
  stir(generator, 1, seed, 64);
  memory.fill(seed, 0, 64);
}

/** Words of the next nonce within [1, n); step h. */
function nextNonce(k: usize, generator: usize): void {
  for (;;) {
    hmacSha256(generator + 32, 32, generator, 32, 0, 0, 0, 0, generator);
    if (readScalar(k, generator)) return;
    stir(generator, 0, 0, 0);
  }
}

/**
 * Signs the 32-byte digest: 65 bytes r || s || v at `out`, s low. False if the secret is zero or not below n.
 * Working values are wiped.
 */
export function secp256k1Sign(digest: usize, secret: usize, out: usize): bool {
  const work = memory.data(6 * 32, 8);
  const d = work;
  const k = work + 32;
  const s = work + 64;
  const negative = work + 96;
  const generator = work + 128;
  const z = memory.data(32, 8);
  const r = memory.data(32, 8);
  const point = memory.data(64, 8);
  const n = order();
  if (!readScalar(d, secret)) {
    memory.fill(work, 0, 6 * 32);
    return false;
  }
  wordsFromBytes(z, digest);
  modReduce(z, z, n);
  beginNonces(generator, secret, z);
  for (;;) {
    nextNonce(k, generator);
    multiplyBaseSecret(point, k);
    modReduce(r, point, n);
    inverseSecret(k, k, n);
    modMul(s, r, d, n);
    modAdd(s, s, z, n);
    modMul(s, s, k, n);
    if (!wordsIsZero(r) && !wordsIsZero(s)) break;
    stir(generator, 0, 0, 0);
  }
  let v: u32 = (load<u32>(point, 32) & 1) | (<u32>!wordsEqual(r, point) << 1);
  const high = wordsSub(negative, changetype<usize>(N_HALF_WORDS), s);
  modNegate(negative, s, n);
  wordsSelect(s, high, negative, s);
  v ^= high;
  wordsToBytes(out, r);
  wordsToBytes(out + 32, s);
  store<u8>(out, <u8>v, 64);
  memory.fill(work, 0, 6 * 32);
  memory.fill(point, 0, 64);
  return true;
}

/** Recovers the signer of a 32-byte digest from 65 bytes r || s || v: 65-byte key at `out`; false if there is none. */
export function secp256k1Recover(digest: usize, signature: usize, out: usize): bool {
  const r = memory.data(32, 8);
  const s = memory.data(32, 8);
  const z = memory.data(32, 8);
  const x = memory.data(32, 8);
  const point = memory.data(64, 8);
  const n = order();
  const v = load<u8>(signature, 64);
  if (v > 3 || !readScalar(r, signature) || !readScalar(s, signature + 32)) return false;
  memory.copy(x, r, 32);
  if ((v & 2) != 0) {
    if (!wordsBelow(r, changetype<usize>(P_MINUS_N_WORDS))) return false;
    wordsAdd(x, r, n);
  }
  if (!liftX(point, x, (v & 1) != 0)) return false;
  wordsFromBytes(z, digest);
  modReduce(z, z, n);
  inversePublic(r, r, n);
  modNegate(z, z, n);
  modMul(z, z, r, n);
  modMul(s, s, r, n);
  if (!doubleMultiply(point, z, s, point)) return false;
  writePublicKey(out, point);
  return true;
}

/** Whether the 64 bytes r || s, s low, sign the 32-byte digest under the 65-byte public key. */
export function secp256k1Verify(digest: usize, signature: usize, key: usize): bool {
  const r = memory.data(32, 8);
  const s = memory.data(32, 8);
  const z = memory.data(32, 8);
  const point = memory.data(64, 8);
  const n = order();
  if (!readScalar(r, signature) || !readScalar(s, signature + 32)) return false;
  if (wordsBelow(changetype<usize>(N_HALF_WORDS), s)) return false;
  if (!readPublicKey(point, key)) return false;
  wordsFromBytes(z, digest);
  modReduce(z, z, n);
  inversePublic(s, s, n);
  modMul(z, z, s, n);
  modMul(s, r, s, n);
  if (!doubleMultiply(point, z, s, point)) return false;
  modReduce(point, point, n);
  return wordsEqual(point, r);
}

/** `secp256k1Recover` of byte strings; null if a length is wrong or there is no such key. */
export function secp256k1RecoverBytes(digest: Bytes, signature: Bytes): Bytes | null {
  if (digest.length != 32 || signature.length != SECP256K1_SIGNATURE_BYTES) return null;
  const key = new StaticArray<u8>(SECP256K1_PUBLIC_KEY_BYTES);
  return secp256k1Recover(ptrOf(digest), ptrOf(signature), ptrOf(key)) ? key : null;
}
