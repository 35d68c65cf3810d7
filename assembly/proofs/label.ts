/**
 * Labels of the stacked graph, the slow heart of sealing.
 *
 *   label(layer, node) = SHA-256( replica id (32) ‖ layer (u32 BE) ‖ node (u64 BE) ‖ 20 zeros ‖ 37 parent labels )
 *
 * with the two top bits of byte 31 cleared; layers count from 1. The parents repeat cyclically up to 37: in layer 1 the
 * six base parents, later the six base parents of this layer and the eight expander parents of the one before. Node 0
 * has no parents, only the 64-byte head. A message is 1248 bytes: 20 SHA-256 blocks.
 *
 * Windows: labels are addressed by slots, not nodes. Of a whole layer in memory the slot is the node. A caller whose
 * layers do not fit gathers the labels that a window needs from its files into the slots before the window, rewrites the
 * window's parents to slots, and labels the window after them; nothing here knows the difference.
 *
 * Source: rust-fil-proofs stacked/vanilla/create_label/single.rs and graph.rs.
 */
import { sha256Blocks, sha256Scheduled, sha256Start } from "../crypto/hash/sha256-kernel.gen";
import { scheduleFour, SCHEDULES_BYTES } from "../crypto/hash/sha256-lanes";
import { BASE_DEGREE, EXPANDER_DEGREE, PARENTS_BYTES } from "./graph";

/** Bytes of a label. */
export const LABEL_BYTES: usize = 32;

const ALL_PARENTS: i32 = BASE_DEGREE + EXPANDER_DEGREE;
/** The schedules of a message's 20 blocks, from the first one: block 4 i + j of the different ones is at 1024 i + 4 j. */
const FIRST_ORDER: usize = memory.data<u32>([
  0, 4, 8, 12, 4, 8, 12, 4, 8, 12, 4, 8, 12, 4, 8, 12, 4, 8, 12, 1024,
]);
const LATER_ORDER: usize = memory.data<u32>([
  0, 4, 8, 12, 1024, 1028, 1032, 1036, 4, 8, 12, 1024, 1028, 1032, 1036, 4, 8, 12, 1024, 2048,
]);
/** Bits of a full message: 1248 bytes. */
const MESSAGE_BITS: u64 = 9984;

/**
 * Labels `count` nodes of layer `layer`: slots `slot` … of `current`, for the nodes `node` ….
 *
 * Shapes: current and previous: slots of 32 bytes. parents: count × 14 u32 slots (6 of current, 8 of previous).
 *         replicaId: 32 bytes. `previous` is not read in layer 1.
 * Pre:    every slot that a parent names is filled, or is one of this window and earlier.
 */
export function labelRange(
  replicaId: usize,
  layer: u32,
  current: usize,
  previous: usize,
  parents: usize,
  slot: u32,
  node: u64,
  count: u32,
): void {
  const head = memory.data(64, 16);
  memory.copy(head, replicaId, 32);
  memory.fill(head + 32, 0, 32);
  store<u32>(head, bswap<u32>(layer), 32);
  for (let out = current + (<usize>slot << 5); count > 0; count--, node++, out += LABEL_BYTES) {
    store<u64>(head, bswap<u64>(node), 36);
    if (node == 0) headOnly(head, out);
    else if (ASC_FEATURE_SIMD) scheduledLabel(head, layer == 1 ? 0 : previous, current, parents, out);
    else if (layer == 1) firstLayer(head, current, parents, out);
    else laterLayer(head, current, previous, parents, out);
    parents += PARENTS_BYTES;
  }
}

/** Node 0: SHA-256 of the head alone. */
function headOnly(head: usize, out: usize): void {
  const state = memory.data(32, 16);
  const block = memory.data(64, 16);
  sha256Start(state);
  sha256Blocks(state, head, 1);
  memory.fill(block, 0, 64);
  store<u8>(block, 0x80);
  store<u64>(block, bswap<u64>(512), 56);
  sha256Blocks(state, block, 1);
  writeLabel(state, out);
}

/**
 * With SIMD: a message has five different blocks in layer 1 and nine later (head, those of the parents, the last), whose schedules are made
 * four at a time; its 20 compressions take them in order. `previous` is 0 in layer 1.
 */
function scheduledLabel(head: usize, previous: usize, current: usize, parents: usize, out: usize): void {
  const state = memory.data(32, 16);
  const blocks = memory.data(768, 16);
  const schedules = memory.data(3072, 16);
  memory.copy(blocks, head, 64);
  let to = blocks + 64;
  for (let i: usize = 0; i < <usize>BASE_DEGREE; i++, to += LABEL_BYTES) {
    copyLabel(to, current + (<usize>load<u32>(parents + (i << 2)) << 5));
  }
  // The 37th parent is the first in layer 1, the ninth later.
  let last = blocks + 64;
  let order = FIRST_ORDER;
  if (previous != 0) {
    for (let i: usize = <usize>BASE_DEGREE; i < <usize>ALL_PARENTS; i++, to += LABEL_BYTES) {
      copyLabel(to, previous + (<usize>load<u32>(parents + (i << 2)) << 5));
    }
    last += 8 * LABEL_BYTES;
    order = LATER_ORDER;
  }
  copyLabel(to, last);
  padMessage(to);
  let schedule = schedules;
  for (let four = blocks; four <= to; four += 256, schedule += SCHEDULES_BYTES) scheduleFour(four, schedule);
  sha256Start(state);
  sha256Scheduled(state, schedules, order, 20);
  writeLabel(state, out);
}

function firstLayer(head: usize, current: usize, parents: usize, out: usize): void {
  const state = memory.data(32, 16);
  const buffer = memory.data(192, 16);
  for (let i: usize = 0; i < <usize>BASE_DEGREE; i++) {
    copyLabel(buffer + (i << 5), current + (<usize>load<u32>(parents + (i << 2)) << 5));
  }
  sha256Start(state);
  sha256Blocks(state, head, 1);
  for (let i = 0; i < 6; i++) sha256Blocks(state, buffer, 3);
  closeMessage(state, buffer, out);
}

function laterLayer(head: usize, current: usize, previous: usize, parents: usize, out: usize): void {
  const state = memory.data(32, 16);
  const buffer = memory.data(448, 16);
  for (let i: usize = 0; i < <usize>BASE_DEGREE; i++) {
    copyLabel(buffer + (i << 5), current + (<usize>load<u32>(parents + (i << 2)) << 5));
  }
  for (let i: usize = <usize>BASE_DEGREE; i < <usize>ALL_PARENTS; i++) {
    copyLabel(buffer + (i << 5), previous + (<usize>load<u32>(parents + (i << 2)) << 5));
  }
  sha256Start(state);
  sha256Blocks(state, head, 1);
  sha256Blocks(state, buffer, 7);
  sha256Blocks(state, buffer, 7);
  sha256Blocks(state, buffer, 4);
  closeMessage(state, buffer + 256, out);
}

/** The last block: the 37th parent at `last`, and the padding. */
function closeMessage(state: usize, last: usize, out: usize): void {
  const block = memory.data(64, 16);
  copyLabel(block, last);
  padMessage(block);
  sha256Blocks(state, block, 1);
  writeLabel(state, out);
}

/** The padding behind a block's first label. */
function padMessage(block: usize): void {
  store<u64>(block, 0x80, 32);
  store<u64>(block, 0, 40);
  store<u64>(block, 0, 48);
  store<u64>(block, bswap<u64>(MESSAGE_BITS), 56);
}

function writeLabel(state: usize, out: usize): void {
  for (let i: usize = 0; i < 32; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(state + i)));
  store<u8>(out, load<u8>(out, 31) & 0x3f, 31);
}

// @ts-ignore: decorator
@inline
export function copyLabel(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
  store<u64>(to, load<u64>(from, 16), 16);
  store<u64>(to, load<u64>(from, 24), 24);
}
