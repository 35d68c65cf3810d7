/**
 * A node put among its siblings at the place that its index bits say, by choices between two numbers: the children of the
 * parent, in order. The chains of choices are part of the official keys; shorter ones exist and would be other circuits.
 * Source: rust-fil-proofs storage-proofs-core src/gadgets/insertion.rs.
 */
import { and, Bit, not } from "./bit";
import { numberAt, pick } from "./number";
import { bitAt } from "./words";

/** Results of choices between the children: at most two on the way to each. */
const T: usize = memory.data(48, 8);
const U: usize = memory.data(48, 8);

/** children = siblings (arity - 1 numbers) with `x` at the index of `bits`; arity 2, 4 or 8. */
export function insert(children: usize, arity: u32, x: usize, bits: usize, siblings: usize): void {
  const b0 = bitAt(bits, 0);
  if (arity == 2) {
    pick(children, b0, siblings, x);
    pick(numberAt(children, 1), b0, x, siblings);
  } else if (arity == 4) {
    insert4(children, x, b0, bitAt(bits, 1), siblings);
  } else {
    insert8(children, x, b0, bitAt(bits, 1), bitAt(bits, 2), siblings);
  }
}

function insert4(children: usize, x: usize, b0: Bit, b1: Bit, siblings: usize): void {
  const e0 = siblings;
  const e1 = numberAt(siblings, 1);
  const e2 = numberAt(siblings, 2);
  pick(T, b0, e0, x);
  pick(children, b1, e0, T);
  pick(T, b0, x, e0);
  pick(numberAt(children, 1), b1, e1, T);
  pick(T, b0, e2, x);
  pick(numberAt(children, 2), b1, T, e1);
  pick(T, b0, x, e2);
  pick(numberAt(children, 3), b1, T, e2);
}

function insert8(children: usize, x: usize, b0: Bit, b1: Bit, b2: Bit, siblings: usize): void {
  const e0 = siblings;
  const e1 = numberAt(siblings, 1);
  const e2 = numberAt(siblings, 2);
  const e3 = numberAt(siblings, 3);
  const e4 = numberAt(siblings, 4);
  const e5 = numberAt(siblings, 5);
  const e6 = numberAt(siblings, 6);
  const neither = and(not(b0), not(b1));
  const both = and(b0, b1);
  pick(T, neither, x, e0);
  pick(children, b2, e0, T);
  pick(T, b0, x, e0);
  pick(U, b1, e1, T);
  pick(numberAt(children, 1), b2, e1, U);
  pick(T, b0, e2, x);
  pick(U, b1, T, e1);
  pick(numberAt(children, 2), b2, e2, U);
  pick(T, both, x, e2);
  pick(numberAt(children, 3), b2, e3, T);
  pick(T, neither, x, e4);
  pick(numberAt(children, 4), b2, T, e3);
  pick(T, b0, x, e4);
  pick(U, b1, e5, T);
  pick(numberAt(children, 5), b2, U, e4);
  pick(T, b0, e6, x);
  pick(U, b1, T, e5);
  pick(numberAt(children, 6), b2, U, e5);
  pick(T, both, x, e6);
  pick(numberAt(children, 7), b2, T, e6);
}
