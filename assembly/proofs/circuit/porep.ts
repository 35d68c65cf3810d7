/**
 * Proof of replication, one partition: at each challenged node the data, the labels of its parents and the replica node are
 * opened, and every label and the encoding made again. Interactive, synthetic and non-interactive proofs differ only in how
 * their challenges come about, which is not part of the circuit.
 *
 * Inputs: replica id, CommD, CommR; then per challenge the nodes opened: data, 6 base parents, 8 expander parents, the
 * label's node number, replica, column.
 *
 * Steps: the head; then per challenge: data, parents, one for each layer's label, replica and column.
 * Witness: head: replica id, CommD, CommR, CommRLast, CommC. Data: the leaf, its path in tree D. Parents: per parent its
 * labels in layers 1 … and the path of its column's hash in tree C. First label: the node, u64. Replica: its path in tree
 * R-last, then that of the column's hash in tree C.
 *
 * Source: rust-fil-proofs storage-proofs-porep src/stacked/circuit/{proof,params,column,hash}.rs.
 */
import { allocBit } from "./bit";
import { include } from "./inclusion";
import { createLabel, ELEMENT_WORDS_BYTES } from "./label";
import {
  copyNumber,
  equal,
  inputize,
  numberAt,
  packIntoInput,
  read,
  sumOf,
  toBits,
  wordsOfBits,
} from "./number";
import {
  AT_BITS,
  AT_CHALLENGE,
  AT_COLUMN,
  AT_COMM_R,
  AT_ENCODE,
  AT_EQUAL,
  AT_HEAD,
  AT_INCLUSION_C,
  AT_INCLUSION_D,
  AT_INCLUSION_R,
  AT_INDEX,
  AT_LABEL,
  AT_PARENT,
  enter,
  leave,
} from "./path";
import { hashNodes } from "./poseidon";
import { readNumber } from "./run";
import { challenges, layers, MAX_LAYERS, nodeBits, setBinaryRows, setReplicaRows } from "./shape";
import { putBit } from "./words";

const BASE_PARENTS: u32 = 6;
const PARENTS: u32 = 14;
const NODE_BITS: u32 = 64;

const REPLICA_ID: usize = memory.data(2048, 8); // words
const COMM_D: usize = memory.data(48, 8);
const COMM_R: usize = memory.data(48, 8);
const COMM_R_LAST: usize = memory.data(48, 8);
/** CommC, and CommRLast once more behind it for their hash. */
const COMM_C: usize = memory.data(96, 8);
const DATA: usize = memory.data(48, 8);
const ENCODED: usize = memory.data(48, 8);
const HASH: usize = memory.data(48, 8);
/** Columns of the parents, `MAX_LAYERS` numbers apart; the challenged node's own labels. */
const COLUMNS: usize = memory.data(7392, 8);
const LABELS: usize = memory.data(528, 8);
const NODE: usize = memory.data(512, 8); // bits
const BITS: usize = memory.data(2048, 8);
const PARENT_WORDS: usize = memory.data(28672, 8);

export function porepSteps(): u32 {
  return 1 + challenges * (3 + layers);
}

export function porepStep(step: u32): void {
  if (step == 0) {
    head();
    return;
  }
  const perChallenge = 3 + layers;
  const part = (step - 1) % perChallenge;
  enter(AT_CHALLENGE, (step - 1) / perChallenge);
  if (part == 0) openData();
  else if (part == 1) openParents();
  else if (part < 2 + layers) label(part - 1);
  else openReplica();
  leave();
}

function head(): void {
  enter(AT_HEAD, 0);
  read(DATA);
  inputize(DATA);
  toBits(BITS, DATA);
  wordsOfBits(REPLICA_ID, BITS);
  read(COMM_D);
  inputize(COMM_D);
  read(COMM_R);
  inputize(COMM_R);
  read(COMM_R_LAST);
  read(COMM_C);
  copyNumber(numberAt(COMM_C, 1), COMM_R_LAST);
  enter(AT_COMM_R, 0);
  hashNodes(HASH, 2, COMM_C);
  enter(AT_EQUAL, 0);
  equal(COMM_R, HASH);
  leave();
  leave();
  leave();
}

function openData(): void {
  read(DATA);
  enter(AT_INCLUSION_D, 0);
  setBinaryRows(nodeBits);
  include(DATA, COMM_D, true);
  leave();
}

function openParents(): void {
  setReplicaRows();
  for (let i: u32 = 0; i < PARENTS; i++) {
    const column = numberAt(COLUMNS, i * MAX_LAYERS);
    enter(AT_PARENT, i);
    for (let layer: u32 = 0; layer < layers; layer++) read(numberAt(column, layer));
    openColumn(column);
    leave();
  }
}

/** The hash of a column is included in tree C. */
function openColumn(column: usize): void {
  enter(AT_COLUMN, 0);
  hashNodes(HASH, layers, column);
  leave();
  enter(AT_INCLUSION_C, 0);
  include(HASH, COMM_C, false);
  leave();
}

/** The label of layer `layer`, from 1: from base parents' labels in it and expander parents' in the one before. */
function label(layer: u32): void {
  if (layer == 1) readNode();
  enter(AT_LABEL, layer);
  const count = layer == 1 ? BASE_PARENTS : PARENTS;
  for (let i: u32 = 0; i < count; i++) {
    const column = numberAt(COLUMNS, i * MAX_LAYERS);
    enter(AT_BITS, i);
    toBits(BITS, numberAt(column, i < BASE_PARENTS ? layer - 1 : layer - 2));
    wordsOfBits(PARENT_WORDS + <usize>i * ELEMENT_WORDS_BYTES, BITS);
    leave();
  }
  createLabel(numberAt(LABELS, layer - 1), REPLICA_ID, layer, NODE, PARENT_WORDS, count);
  leave();
}

function readNode(): void {
  const node = readNumber();
  enter(AT_INDEX, 0);
  for (let i: u32 = 0; i < NODE_BITS; i++) putBit(NODE, i, allocBit(<u32>(node >>> i) & 1));
  packIntoInput(NODE, NODE_BITS);
  leave();
}

function openReplica(): void {
  enter(AT_ENCODE, 0);
  sumOf(ENCODED, numberAt(LABELS, layers - 1), DATA);
  leave();
  setReplicaRows();
  enter(AT_INCLUSION_R, 0);
  include(ENCODED, COMM_R_LAST, false);
  leave();
  openColumn(LABELS);
}
