/**
 * Inclusion of a leaf in a tree under a root, both numbers of the circuit.
 *
 * For each row of the tree, from the leaf: the bits of the node's place among its siblings, the siblings, the children in
 * order, their hash. Of all bits together an input is made: the leaf's index. The last hash equals the root.
 *
 * Witness: index, u64; then for each row arity - 1 siblings of 32 bytes.
 *
 * `includeKnown` is the form of sector updates, where the caller has the bits already and no input is made: there all siblings
 * are variables before the first row's hash. Witness: the siblings.
 *
 * Source: rust-fil-proofs storage-proofs-core src/gadgets/por.rs.
 */
import { allocBit } from "./bit";
import { ERROR_WITNESS } from "./contract";
import { insert } from "./insert";
import { hashChildren } from "./node";
import { copyNumber, equal, NUMBER_BYTES, numberAt, packIntoInput, read } from "./number";
import { AT_EQUAL, AT_INDEX, AT_INSERT, AT_LEVEL, AT_PACK, enter, leave } from "./path";
import { fail, readNumber } from "./run";
import { putBit } from "./words";

const MAX_ROWS: u32 = 32;

/** Arities of the rows, from the leaves, a byte each, and how many rows. */
const ARITIES: usize = memory.data(32, 8);
let rows: u32 = 0;

const BITS: usize = memory.data(512, 8);
/** Of one row, or of all: at most 7 in 10 rows and 1, or 1 in 31. */
const SIBLINGS: usize = memory.data(3840, 8);
const CHILDREN: usize = memory.data(384, 8);
const NODE: usize = memory.data(48, 8);

export function startRows(): void {
  rows = 0;
}

export function addRows(arity: u32, count: u32): void {
  assert(rows + count <= MAX_ROWS);
  for (let i: u32 = 0; i < count; i++, rows++) store<u8>(ARITIES + rows, <u8>arity);
}

/** log2 of an arity. */
// @ts-ignore: decorator
@inline
function bitsOf(arity: u32): u32 {
  return ctz<u32>(arity);
}

/** `leaf` is included under `root` in a tree of the rows set last, hashed by SHA-256 or Poseidon. */
export function include(leaf: usize, root: usize, sha256: bool): void {
  const index = readNumber();
  let known: u32 = 0;
  copyNumber(NODE, leaf);
  for (let row: u32 = 0; row < rows; row++) {
    const arity = <u32>load<u8>(ARITIES + row);
    enter(AT_LEVEL, row);
    const from = known;
    enter(AT_INDEX, 0);
    for (let i: u32 = 0; i < bitsOf(arity); i++, known++)
      putBit(BITS, known, allocBit(<u32>(index >>> known) & 1));
    leave();
    for (let i: u32 = 0; i + 1 < arity; i++) read(numberAt(SIBLINGS, i));
    climb(arity, BITS + (<usize>from << 3), SIBLINGS, sha256);
    leave();
  }
  if (index >>> known != 0) fail(ERROR_WITNESS);
  enter(AT_PACK, 0);
  packIntoInput(BITS, known);
  leave();
  enter(AT_EQUAL, 0);
  equal(NODE, root);
  leave();
}

/** The same with the index's bits at `bits`. */
export function includeKnown(leaf: usize, root: usize, bits: usize, sha256: bool): void {
  let count: u32 = 0;
  for (let row: u32 = 0; row < rows; row++) {
    for (let i: u32 = 1, arity = <u32>load<u8>(ARITIES + row); i < arity; i++, count++) read(numberAt(SIBLINGS, count));
  }
  includeRead(leaf, root, bits, SIBLINGS, sha256);
}

/** The same with siblings that are variables already. */
export function includeRead(leaf: usize, root: usize, bits: usize, siblings: usize, sha256: bool): void {
  copyNumber(NODE, leaf);
  for (let row: u32 = 0; row < rows; row++) {
    const arity = <u32>load<u8>(ARITIES + row);
    enter(AT_LEVEL, row);
    climb(arity, bits, siblings, sha256);
    leave();
    bits += <usize>bitsOf(arity) << 3;
    siblings += <usize>(arity - 1) * NUMBER_BYTES;
  }
  enter(AT_EQUAL, 0);
  equal(NODE, root);
  leave();
}

/** NODE = the parent of NODE and its siblings. */
function climb(arity: u32, bits: usize, siblings: usize, sha256: bool): void {
  enter(AT_INSERT, 0);
  insert(CHILDREN, arity, NODE, bits, siblings);
  leave();
  hashChildren(NODE, arity, CHILDREN, sha256);
}
