/**
 * Sector update, one partition: at each challenged node the old replica, the new data and the new replica are opened, and
 * the new replica is the old one plus data · rho. The partition's part of tree D is made from its apex leaves once.
 *
 * Inputs: partition number | (selector of the high bits << partition bits), CommR old, CommD new, CommR new.
 *
 * Steps: the head; the apex tree, 16 hashes a step; the path above it, and the challenges' bits; then each challenge.
 * Witness: head: the first input as u64, CommR old, CommD new, CommR new, CommC, roots of tree R-last old and new, apex
 * leaves, siblings of the partition's node in tree D. Challenge: old replica node, new data node, siblings of the old
 * replica's path, of the new one's, of the data's up to its apex leaf.
 *
 * Source: rust-fil-proofs storage-proofs-update src/{circuit,gadgets,constants}.rs.
 */
import { frAdd, frMul } from "../../crypto/field/fr.gen";
import { addBit, allocBit, bitValue } from "./bit";
import { ERROR_WITNESS } from "./contract";
import { includeKnown, includeRead } from "./inclusion";
import { hashPair } from "./node";
import {
  alloc,
  BITS_BYTES,
  copyNumber,
  equal,
  inputize,
  keyOf,
  numberAt,
  pack,
  packRow,
  pick,
  PACKED_BITS,
  productOf,
  read,
  sumOf,
  toBitsTimesOne,
} from "./number";
import {
  AT_APEX,
  AT_CHALLENGE,
  AT_COMM_R,
  AT_COMM_R_NEW,
  AT_DIGEST,
  AT_ENCODE,
  AT_EQUAL,
  AT_HEAD,
  AT_INCLUSION_D,
  AT_INCLUSION_R,
  AT_INCLUSION_R_NEW,
  AT_INSERT,
  AT_PHI,
  AT_RHO,
  AT_SELECTOR,
  enter,
  leave,
} from "./path";
import { hashNodes, hashTagged } from "./poseidon";
import { building, copyElement, countRow, fail, readNumber, setNumber, valuesBit, valuesEqual, witnessing } from "./run";
import { apexLeaves, challenges, nodeBits, partitionBits, setBinaryRows, setReplicaRows } from "./shape";
import { add, addValue, emit, SIDE_A, SIDE_B, SIDE_C } from "./terms";
import { bitAt, putBit } from "./words";

/** Tag of hashes that are no tree nodes. */
const TAG: u64 = 1 << 40;
/** Numbers of high bits that can be selected; sectors up to 32 KiB have the choice of 1 only, six times. */
const SELECTORS: u32 = 6;
const FIRST_HIGH_BITS: u32 = 7;
const SMALL_NODE_BITS: u32 = 10;
const HASHES_A_STEP: u32 = 16;

const SELECTOR: usize = memory.data(48, 8);
/** Bits of the partition's number, then the selectors. */
const SELECTOR_BITS: usize = memory.data(80, 8);
const PARTITION: usize = memory.data(48, 8);
const COMM_R_OLD: usize = memory.data(48, 8);
const COMM_D_NEW: usize = memory.data(48, 8);
const COMM_R_NEW: usize = memory.data(48, 8);
const PHI: usize = memory.data(48, 8);
const COMM_C: usize = memory.data(48, 8);
const ROOT_OLD: usize = memory.data(48, 8);
const ROOT_NEW: usize = memory.data(48, 8);
const APEX: usize = memory.data(6144, 8);
/** The apex tree's row that is being made; in challenges, the leaves that are left to choose from. */
const ROW: usize = memory.data(6144, 8);
const PARTITION_PATH: usize = memory.data(192, 8);
const PAIR: usize = memory.data(96, 8);
const HASH: usize = memory.data(48, 8);
/** Bits of every challenge's node, 32 apart. */
const NODES: usize = memory.data(22016, 8);
const DIGEST_BITS: usize = memory.data(2048, 8);
const HIGH: usize = memory.data(48, 8);
const HIGHS: usize = memory.data(288, 8);
const CHOSEN: usize = memory.data(48, 8);
const RHO: usize = memory.data(48, 8);
const LEAF_OLD: usize = memory.data(48, 8);
const DATA: usize = memory.data(48, 8);
const SCALED: usize = memory.data(48, 8);
const LEAF_NEW: usize = memory.data(48, 8);
const COEFFICIENT: usize = memory.data(40, 8);

// @ts-ignore: decorator
@inline
function nodeOf(challenge: u32): usize {
  return NODES + (<usize>challenge << 8);
}

function apexSteps(): u32 {
  return (apexLeaves - 2) / HASHES_A_STEP + 1;
}

export function updateSteps(): u32 {
  return 2 + apexSteps() + challenges;
}

export function updateStep(step: u32): void {
  const bottom: u32 = 2 + apexSteps();
  if (step == 0) head();
  else if (step < bottom - 1) apex((step - 1) * HASHES_A_STEP);
  else if (step < bottom) challengeBits();
  else challenge(step - bottom);
}

/** out = hash of two numbers under the update's tag. */
function hashPairTagged(out: usize, first: usize, second: usize): void {
  copyNumber(PAIR, first);
  copyNumber(numberAt(PAIR, 1), second);
  hashTagged(out, 2, TAG, PAIR);
}

function head(): void {
  enter(AT_HEAD, 0);
  selector();
  read(COMM_R_OLD);
  inputize(COMM_R_OLD);
  read(COMM_D_NEW);
  inputize(COMM_D_NEW);
  read(COMM_R_NEW);
  inputize(COMM_R_NEW);
  enter(AT_PHI, 0);
  hashPairTagged(PHI, COMM_D_NEW, COMM_R_OLD);
  leave();
  read(COMM_C);
  read(ROOT_OLD);
  read(ROOT_NEW);
  for (let i: u32 = 0; i < apexLeaves; i++) read(numberAt(APEX, i));
  for (let i: u32 = 0; i < partitionBits; i++) read(numberAt(PARTITION_PATH, i));
  enter(AT_COMM_R, 0);
  commR(ROOT_OLD, COMM_R_OLD);
  leave();
  enter(AT_COMM_R_NEW, 0);
  commR(ROOT_NEW, COMM_R_NEW);
  leave();
  memory.copy(ROW, APEX, <usize>apexLeaves * 48);
  leave();
}

function selector(): void {
  enter(AT_SELECTOR, 0);
  const value = readNumber();
  if (value >>> (partitionBits + SELECTORS) != 0) fail(ERROR_WITNESS);
  if (witnessing()) setNumber(SELECTOR, value);
  alloc(SELECTOR);
  inputize(SELECTOR);
  for (let i: u32 = 0; i < partitionBits + SELECTORS; i++)
    putBit(SELECTOR_BITS, i, allocBit(<u32>(value >>> i) & 1));
  packRow(SELECTOR_BITS, partitionBits + SELECTORS, SELECTOR, keyOf(SELECTOR));
  pack(PARTITION, SELECTOR_BITS, partitionBits);
  leave();
}

function commR(root: usize, expected: usize): void {
  copyNumber(PAIR, COMM_C);
  copyNumber(numberAt(PAIR, 1), root);
  hashNodes(HASH, 2, PAIR);
  enter(AT_EQUAL, 0);
  equal(HASH, expected);
  leave();
}

/** Hashes `first` … of the apex tree, counted from its bottom row; they stand in ROW from its start. */
function apex(first: u32): void {
  for (let n = first; n < first + HASHES_A_STEP && n < apexLeaves - 1; n++) {
    let row = apexLeaves >>> 1;
    let place = n;
    while (place >= row) {
      place -= row;
      row >>>= 1;
    }
    enter(AT_APEX, n);
    copyNumber(PAIR, numberAt(ROW, 2 * place));
    copyNumber(numberAt(PAIR, 1), numberAt(ROW, 2 * place + 1));
    hashPair(numberAt(ROW, place), PAIR, numberAt(PAIR, 1));
    leave();
  }
}

function challengeBits(): void {
  enter(AT_INCLUSION_D, 0);
  setBinaryRows(partitionBits);
  includeRead(ROW, COMM_D_NEW, SELECTOR_BITS, PARTITION_PATH, true);
  leave();
  const bits = nodeBits - partitionBits;
  const perDigest = PACKED_BITS / bits;
  const digests = (challenges + perDigest - 1) / perDigest;
  for (let digest: u32 = 0, taken: u32 = 0; digest < digests; digest++) {
    enter(AT_DIGEST, digest);
    digestBits(digest, digests);
    leave();
    for (let i: u32 = 0; i < perDigest && taken < challenges; i++, taken++) {
      const node = nodeOf(taken);
      memory.copy(node, DIGEST_BITS + <usize>(i * bits) * 8, <usize>bits << 3);
      memory.copy(node + (<usize>bits << 3), SELECTOR_BITS, <usize>partitionBits << 3);
    }
  }
  assert(BITS_BYTES == 2048);
}

/** Bits of digest `number` of `count` in each partition: hash of CommR new and (partition · count + number). */
function digestBits(number: u32, count: u32): void {
  setNumber(COEFFICIENT, count);
  if (witnessing()) {
    frMul(HASH, PARTITION, COEFFICIENT);
    setNumber(SCALED, number);
    frAdd(HASH, HASH, SCALED);
  }
  alloc(HASH);
  if (witnessing()) {
    valuesEqual(HASH);
  } else if (building()) {
    addValue(SIDE_A, keyOf(PARTITION), COEFFICIENT);
    setNumber(COEFFICIENT, number);
    addValue(SIDE_A, 0, COEFFICIENT);
    add(SIDE_B, 0, 1);
    add(SIDE_C, keyOf(HASH), 1);
    emit();
  }
  countRow();
  hashPairTagged(HASH, COMM_R_NEW, HASH);
  toBitsTimesOne(DIGEST_BITS, HASH);
}

function challenge(index: u32): void {
  const node = nodeOf(index);
  enter(AT_CHALLENGE, index);
  enter(AT_SELECTOR, 0);
  chooseHighBits(node);
  leave();
  enter(AT_RHO, 0);
  hashPairTagged(RHO, PHI, CHOSEN);
  leave();
  read(LEAF_OLD);
  read(DATA);
  enter(AT_ENCODE, 0);
  productOf(SCALED, DATA, RHO);
  sumOf(LEAF_NEW, LEAF_OLD, SCALED);
  leave();
  setReplicaRows();
  enter(AT_INCLUSION_R, 0);
  includeKnown(LEAF_OLD, ROOT_OLD, node, false);
  leave();
  enter(AT_INCLUSION_R_NEW, 0);
  includeKnown(LEAF_NEW, ROOT_NEW, node, false);
  leave();
  const below = nodeBits - partitionBits - ctz<u32>(apexLeaves);
  enter(AT_APEX, 0);
  chooseApexLeaf(node + (<usize>below << 3));
  leave();
  setBinaryRows(below);
  enter(AT_INCLUSION_D, 0);
  includeKnown(DATA, ROW, node, true);
  leave();
  leave();
}

/** CHOSEN = the node's highest bits, as many as the selector says. */
function chooseHighBits(node: usize): void {
  for (let i: u32 = 0; i < SELECTORS; i++) {
    const bits = nodeBits <= SMALL_NODE_BITS ? 1 : FIRST_HIGH_BITS + i;
    pack(HIGH, node + (<usize>(nodeBits - bits) << 3), bits);
    const selected = bitAt(SELECTOR_BITS, partitionBits + i);
    const out = numberAt(HIGHS, i);
    if (witnessing()) {
      if (bitValue(selected) != 0) copyElement(out, HIGH);
      else memory.fill(out, 0, 40);
    }
    alloc(out);
    if (witnessing()) {
      valuesBit(HIGH, bitValue(selected), out);
    } else if (building()) {
      add(SIDE_A, keyOf(HIGH), 1);
      addBit(SIDE_B, selected, 1);
      add(SIDE_C, keyOf(out), 1);
      emit();
    }
    countRow();
  }
  if (witnessing()) {
    memory.fill(CHOSEN, 0, 40);
    for (let i: u32 = 0; i < SELECTORS; i++) frAdd(CHOSEN, CHOSEN, numberAt(HIGHS, i));
  }
  alloc(CHOSEN);
  if (witnessing()) {
    valuesEqual(CHOSEN);
  } else if (building()) {
    for (let i: u32 = 0; i < SELECTORS; i++) add(SIDE_A, keyOf(numberAt(HIGHS, i)), 1);
    add(SIDE_B, 0, 1);
    add(SIDE_C, keyOf(CHOSEN), 1);
    emit();
  }
  countRow();
}

/** The apex leaf that the bits name, by halving from the highest bit; it comes to stand at ROW. */
function chooseApexLeaf(bits: usize): void {
  enter(AT_INSERT, 0);
  memory.copy(ROW, APEX, <usize>apexLeaves * 48);
  let half = apexLeaves >>> 1;
  for (let bit = ctz<u32>(apexLeaves); bit > 0; bit--, half >>>= 1) {
    for (let j: u32 = 0; j < half; j++) {
      copyNumber(HASH, numberAt(ROW, j));
      pick(numberAt(ROW, j), bitAt(bits, bit - 1), numberAt(ROW, half + j), HASH);
    }
  }
  leave();
}
