/**
 * k G for a secret k, in time and with memory addresses that do not depend on it.
 *
 * k is made odd (k or n - k) and written with 64 odd digits of radix 16, which an odd number has in closed form:
 *
 *   digit[i] = 2 (bits 4i+1 … 4i+4 of k) - 15    for i < 63,      digit[63] = 2 (bits 253 … 255) + 1
 *
 * so no digit is zero. A table holds 1, 3, …, 15 times 16^i G for each i; the wanted entry is gathered by reading all
 * eight. Points are summed in homogeneous coordinates (x = X/Z, y = Y/Z) by the complete mixed addition of Renes,
 * Costello, Batina (2016), algorithm 8 with 3 b = 21, which has no exceptional case that would need a branch.
 */
import { FIELD_BYTES, fieldInverseSecret, fieldOne, fieldScale, fieldToWords } from "../field/secp256k1";
import { GX_LIMBS, GY_LIMBS, N_WORDS } from "../field/secp256k1-constants.gen";
import { fieldAdd, fieldMul, fieldSub } from "../field/secp256k1-kernel.gen";
import { modNegate, wordsSelect } from "../field/words256";
import { JACOBIAN_BYTES, makeAffine, oddMultiples, pointDouble } from "./secp256k1-group";

const WINDOWS: i32 = 64;
const ENTRIES: i32 = 8;
/** A table's entry: x, y. */
const ENTRY: usize = 160;
const Y: usize = 80;
const Z: usize = 160;

/** Whether the table has been made; it never changes afterwards. */
let tableReady: bool = false;

function table(): usize {
  const entries = memory.data(512 * 160, 8);
  if (tableReady) return entries;
  const zs = memory.data(512 * 80, 8);
  const products = memory.data(512 * 80, 8);
  const base = memory.data(240, 8);
  const p = memory.data(240, 8);
  const common = memory.data(80, 8);
  memory.copy(base, changetype<usize>(GX_LIMBS), FIELD_BYTES);
  memory.copy(base + Y, changetype<usize>(GY_LIMBS), FIELD_BYTES);
  fieldOne(base + Z);
  for (let window: usize = 0; window < <usize>WINDOWS; window++) {
    const first = window * <usize>ENTRIES;
    const z = zs + first * FIELD_BYTES;
    memory.copy(p, base, JACOBIAN_BYTES);
    oddMultiples(p, ENTRIES, entries + first * ENTRY, ENTRY, z, 0, common);
    for (let i: usize = 0; i < <usize>ENTRIES; i++) fieldMul(z + i * FIELD_BYTES, z + i * FIELD_BYTES, common);
    for (let i = 0; i < 4; i++) pointDouble(base);
  }
  makeAffine(entries, ENTRY, WINDOWS * ENTRIES, zs, products);
  tableReady = true;
  return entries;
}

/** All ones if i is the wanted entry, else zero. */
// @ts-ignore: decorator
@inline
function maskOf(i: u32, wanted: u32): i64 {
  return (<i64>(i ^ wanted) - 1) >> 63;
}

/** out = the point of digit 2 v - 15 (v in 0 … 15) among the eight entries at `row`, all of which are read. */
function gather(out: usize, row: usize, v: u32): void {
  const negative: u32 = (v >>> 3) - 1; // all ones for v < 8
  const wanted = (v ^ negative) & 7;
  const m0 = maskOf(0, wanted);
  const m1 = maskOf(1, wanted);
  const m2 = maskOf(2, wanted);
  const m3 = maskOf(3, wanted);
  const m4 = maskOf(4, wanted);
  const m5 = maskOf(5, wanted);
  const m6 = maskOf(6, wanted);
  const m7 = maskOf(7, wanted);
  for (let i: usize = 0; i < ENTRY; i += 8) {
    const at = row + i;
    const e01 = (load<i64>(at) & m0) | (load<i64>(at, 160) & m1);
    const e23 = (load<i64>(at, 320) & m2) | (load<i64>(at, 480) & m3);
    const e45 = (load<i64>(at, 640) & m4) | (load<i64>(at, 800) & m5);
    const e67 = (load<i64>(at, 960) & m6) | (load<i64>(at, 1120) & m7);
    store<i64>(out + i, e01 | e23 | e45 | e67);
  }
  const sign = <i64><i32>negative;
  for (let i = Y; i < ENTRY; i += 8) store<i64>(out + i, (load<i64>(out + i) ^ sign) - sign);
}

/** p = p + q, q affine; complete. Magnitudes of p stay at most 2. */
function addComplete(p: usize, q: usize): void {
  const xx = memory.data(80, 8);
  const yy = memory.data(80, 8);
  const xy = memory.data(80, 8);
  const yz = memory.data(80, 8);
  const xz = memory.data(80, 8);
  const z21 = memory.data(80, 8);
  const t = memory.data(80, 8);
  fieldMul(xx, p, q);
  fieldMul(yy, p + Y, q + Y);
  fieldAdd(t, p, p + Y); // 4
  fieldAdd(xy, q, q + Y); // 2
  fieldMul(xy, t, xy);
  fieldSub(xy, xy, xx);
  fieldSub(xy, xy, yy); // X1 Y2 + X2 Y1: 3
  fieldMul(yz, q + Y, p + Z);
  fieldAdd(yz, yz, p + Y); // Y1 + Y2 Z1: 3
  fieldMul(xz, q, p + Z);
  fieldAdd(xz, xz, p); // X1 + X2 Z1: 3
  fieldScale(xz, xz, 21); // 1
  fieldScale(z21, p + Z, 21); // 1
  fieldScale(xx, xx, 3); // 1
  fieldAdd(t, yy, z21); // plus: 2
  fieldSub(yy, yy, z21); // minus: 2
  // X = xy minus - yz xz;  Y = minus plus + xx xz;  Z = plus yz + xx xy
  fieldMul(z21, yz, xz);
  fieldMul(p, xy, yy);
  fieldSub(p, p, z21);
  fieldMul(z21, xx, xz);
  fieldMul(p + Y, yy, t);
  fieldAdd(p + Y, p + Y, z21);
  fieldMul(z21, xx, xy);
  fieldMul(p + Z, t, yz);
  fieldAdd(p + Z, p + Z, z21);
}

/** Words of x and y (64 bytes) of k G at `out`; k: eight words, 0 < k < n. Working values are wiped. */
export function multiplyBaseSecret(out: usize, k: usize): void {
  const odd = memory.data(32, 8);
  const p = memory.data(240, 8);
  const q = memory.data(160, 8);
  const entries = table();
  const n = changetype<usize>(N_WORDS);
  const even = (load<u32>(k) & 1) ^ 1;
  modNegate(odd, k, n);
  wordsSelect(odd, even, odd, k);
  gather(p, entries, digitBits(odd, 0));
  fieldOne(p + Z);
  for (let window: i32 = 1; window < WINDOWS; window++) {
    gather(q, entries + <usize>(window * ENTRIES) * ENTRY, digitBits(odd, window));
    addComplete(p, q);
  }
  // -(n - k) G
  const sign: i64 = -(<i64>even);
  for (let i = Y; i < Z; i += 8) store<i64>(p + i, (load<i64>(p + i) ^ sign) - sign);
  fieldInverseSecret(q, p + Z);
  fieldMul(p, p, q);
  fieldMul(p + Y, p + Y, q);
  fieldToWords(out, p);
  fieldToWords(out + 32, p + Y);
  memory.fill(odd, 0, 32);
  memory.fill(p, 0, JACOBIAN_BYTES);
  memory.fill(q, 0, ENTRY);
}

/** v of digit i: 2 v - 15. */
// @ts-ignore: decorator
@inline
function digitBits(odd: usize, i: i32): u32 {
  if (i == WINDOWS - 1) return (load<u32>(odd, 28) >>> 29) | 8;
  const at = 4 * i + 1;
  const word = <usize>((at >> 5) << 2);
  // four bits from bit `at` on; they reach into the next word for every eighth digit
  const low = load<u32>(odd + word) >>> (at & 31);
  const high = (at & 31) > 28 ? load<u32>(odd + word + 4) << (32 - (at & 31)) : 0;
  return (low | high) & 15;
}
