/**
 * Replicas: data and key as field elements, node by node; and the columns of labels that tree C commits to.
 *
 *   replica = key + data (mod r)        data = replica - key (mod r)
 *   sector update: new = old + data · rho, where rho depends on the node's highest bits; data = (new - old) / rho
 *
 * Elements are 32 little-endian bytes below the modulus r. Sums are taken on four 64-bit words.
 * Source: rust-fil-proofs storage-proofs-porep/src/encode.rs; storage-proofs-update/src/vanilla.rs.
 */
import { FR_SIZE, frAdd, frFromBytesLE, frMul, frSub, frToBytesLE } from "../crypto/field/fr.gen";
import { HASHES } from "../crypto/poseidon/eights";
import { poseidon } from "../crypto/poseidon/hash";
import { hashEight } from "../crypto/poseidon/narrow-lanes";

const R0: u64 = 0xffffffff00000001;
const R1: u64 = 0x53bda402fffe5bfe;
const R2: u64 = 0x3339d80809a1d805;
const R3: u64 = 0x73eda753299d7d48;

/** out = a + b for `count` elements; `out` may be either operand. Pre: all are below r. */
export function addElements(a: usize, b: usize, out: usize, count: u32): void {
  for (; count > 0; count--, a += 32, b += 32, out += 32) {
    // Both below r < 2^255, so the sum fits 256 bits.
    const s0 = load<u64>(a) + load<u64>(b);
    let carry: u64 = s0 < load<u64>(a) ? 1 : 0;
    const p1 = load<u64>(a, 8) + load<u64>(b, 8);
    const s1 = p1 + carry;
    carry = (p1 < load<u64>(a, 8) ? 1 : 0) + (s1 < p1 ? 1 : 0);
    const p2 = load<u64>(a, 16) + load<u64>(b, 16);
    const s2 = p2 + carry;
    carry = (p2 < load<u64>(a, 16) ? 1 : 0) + (s2 < p2 ? 1 : 0);
    const s3 = load<u64>(a, 24) + load<u64>(b, 24) + carry;
    if (reachesModulus(s0, s1, s2, s3)) storeDifference(s0, s1, s2, s3, R0, R1, R2, R3, out);
    else storeWords(s0, s1, s2, s3, out);
  }
}

/** out = a - b for `count` elements; `out` may be either operand. Pre: all are below r. */
export function subtractElements(a: usize, b: usize, out: usize, count: u32): void {
  const raised = memory.data(32, 8);
  for (; count > 0; count--, a += 32, b += 32, out += 32) {
    const b0 = load<u64>(b);
    const b1 = load<u64>(b, 8);
    const b2 = load<u64>(b, 16);
    const b3 = load<u64>(b, 24);
    let x = a;
    if (less(load<u64>(a), load<u64>(a, 8), load<u64>(a, 16), load<u64>(a, 24), b0, b1, b2, b3)) {
      // a + r - b: the sum fits 256 bits.
      const s0 = load<u64>(a) + R0;
      const c0: u64 = s0 < R0 ? 1 : 0;
      const p1 = load<u64>(a, 8) + R1;
      const s1 = p1 + c0;
      const c1: u64 = (p1 < R1 ? 1 : 0) + (s1 < p1 ? 1 : 0);
      const p2 = load<u64>(a, 16) + R2;
      const s2 = p2 + c1;
      const c2: u64 = (p2 < R2 ? 1 : 0) + (s2 < p2 ? 1 : 0);
      storeWords(s0, s1, s2, load<u64>(a, 24) + R3 + c2, raised);
      x = raised;
    }
    storeDifference(load<u64>(x), load<u64>(x, 8), load<u64>(x, 16), load<u64>(x, 24), b0, b1, b2, b3, out);
  }
}

/** Whether all `count` elements at `elements` are below r. */
export function elementsCanonical(elements: usize, count: u32): bool {
  for (; count > 0; count--, elements += 32) {
    if (reachesModulus(load<u64>(elements), load<u64>(elements, 8), load<u64>(elements, 16), load<u64>(elements, 24))) {
      return false;
    }
  }
  return true;
}

/**
 * Sector update of `count` nodes under one rho: out = old + data · rho. False, with `out` partly written, if an element
 * is not below r. `out` may be an operand.
 */
export function updateElements(old: usize, data: usize, rho: usize, out: usize, count: u32): bool {
  const x = memory.data(40, 8);
  const y = memory.data(40, 8);
  const factor = memory.data(40, 8);
  assert(FR_SIZE == 40);
  if (!frFromBytesLE(factor, rho)) return false;
  for (; count > 0; count--, old += 32, data += 32, out += 32) {
    if (!frFromBytesLE(x, data) || !frFromBytesLE(y, old)) return false;
    frMul(x, x, factor);
    frAdd(x, x, y);
    frToBytesLE(out, x);
  }
  return true;
}

/** Back from an update: out = (updated - old) · inverseRho for `count` nodes. False as above. */
export function revertElements(updated: usize, old: usize, inverseRho: usize, out: usize, count: u32): bool {
  const x = memory.data(40, 8);
  const y = memory.data(40, 8);
  const factor = memory.data(40, 8);
  if (!frFromBytesLE(factor, inverseRho)) return false;
  for (; count > 0; count--, updated += 32, old += 32, out += 32) {
    if (!frFromBytesLE(x, updated) || !frFromBytesLE(y, old)) return false;
    frSub(x, x, y);
    frMul(x, x, factor);
    frToBytesLE(out, x);
  }
  return true;
}

/**
 * Hashes `count` columns: `layers` (2 or 11) windows of labels lie one after the other at `labels`, `stride` bytes
 * apart; column i is label i of each. Writes 32 bytes a column at `out`. False if a label is not below r.
 */
export function columnRange(labels: usize, stride: usize, layers: i32, count: u32, out: usize): bool {
  const column = memory.data(352, 8);
  if (ASC_FEATURE_SIMD && layers == 2) {
    for (; count >= <u32>HASHES; count -= <u32>HASHES, labels += HASHES << 5, out += HASHES << 5) {
      if (!hashEight(labels, labels + stride, 32, out)) return false;
    }
  }
  for (; count > 0; count--, labels += 32, out += 32) {
    let from = labels;
    for (let at = column, end = column + (<usize>layers << 5); at < end; at += 32, from += stride) {
      memory.copy(at, from, 32);
    }
    if (!poseidon(layers, column, out)) return false;
  }
  return true;
}

// @ts-ignore: decorator
@inline
function less(a0: u64, a1: u64, a2: u64, a3: u64, b0: u64, b1: u64, b2: u64, b3: u64): bool {
  if (a3 != b3) return a3 < b3;
  if (a2 != b2) return a2 < b2;
  if (a1 != b1) return a1 < b1;
  return a0 < b0;
}

// @ts-ignore: decorator
@inline
function reachesModulus(s0: u64, s1: u64, s2: u64, s3: u64): bool {
  return !less(s0, s1, s2, s3, R0, R1, R2, R3);
}

// @ts-ignore: decorator
@inline
function storeWords(s0: u64, s1: u64, s2: u64, s3: u64, out: usize): void {
  store<u64>(out, s0);
  store<u64>(out, s1, 8);
  store<u64>(out, s2, 16);
  store<u64>(out, s3, 24);
}

// @ts-ignore: decorator
@inline
function storeDifference(a0: u64, a1: u64, a2: u64, a3: u64, b0: u64, b1: u64, b2: u64, b3: u64, out: usize): void {
  const d0 = a0 - b0;
  const c0: u64 = a0 < b0 ? 1 : 0;
  const p1 = a1 - b1;
  const d1 = p1 - c0;
  const c1: u64 = (a1 < b1 ? 1 : 0) + (p1 < c0 ? 1 : 0);
  const p2 = a2 - b2;
  const d2 = p2 - c1;
  const c2: u64 = (a2 < b2 ? 1 : 0) + (p2 < c1 ? 1 : 0);
  storeWords(d0, d1, d2, a3 - b3 - c2, out);
}
