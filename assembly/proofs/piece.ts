/**
 * CommP: the commitment of a piece, streamed in bounded memory.
 *
 * The payload is padded by Fr32, zero-extended to a power of two of at least 128 bytes, cut into 32-byte leaves, and
 * hashed as a binary tree. Here it passes through in windows of `WINDOW_QUADS` quads; the root of each window goes into
 * a `merkle-stack`, and only the last, partial window needs the zero extension.
 *
 * Within a window, 128 quads at a time are padded into 16 KiB and hashed five levels up, all in the first-level cache; the
 * 16 nodes that remain, as many as are hashed at once with SIMD, are kept, and after the window their tree is closed.
 *
 * Layout of a context (`PIECE_CONTEXT_BYTES`, 16-aligned, owned by the caller):
 *
 *    0              2080…      16 KiB        32 KiB         WINDOW_BYTES
 *    | merkle stack | (align) | padded part | kept nodes   | input window |
 */
import { hashLevel, NODE_BYTES } from "../crypto/hash/sha256-node";
import { fr32Pad, QUAD_RAW } from "./fr32";
import { stackInit, stackLevel, stackPush, stackRoot } from "./merkle-stack";

/** Quads of a window: a subtree of 2^15 leaves, 1 MiB padded. */
export const WINDOW_QUADS: usize = 8192;
/** Payload bytes of a window. */
export const WINDOW_BYTES: usize = WINDOW_QUADS * QUAD_RAW;
/** Level of a window's root above the leaves. */
export const WINDOW_LEVEL: i32 = 15;

/** Quads padded and hashed at once. */
const PART_QUADS: usize = 128;
const PART: usize = 2112;
/** Nodes kept of each part. */
const KEPT_NODES: usize = 16;
const KEPT: usize = PART + PART_QUADS * 128;
const INPUT: usize = KEPT + (WINDOW_QUADS / PART_QUADS) * KEPT_NODES * NODE_BYTES;

export const PIECE_CONTEXT_BYTES: usize = INPUT + WINDOW_BYTES + 64;

/** Smallest level of a piece: 4 leaves, 128 padded bytes. */
const LEAST_LEVEL: i32 = 2;

/** Begins a piece. */
export function pieceInit(context: usize): void {
  stackInit(context);
}

/** Address of the input window, `WINDOW_BYTES` long, which the caller fills from its start. */
export function pieceInput(context: usize): usize {
  return context + INPUT;
}

/** Absorbs the full input window; it may then be filled again. */
export function pieceAbsorb(context: usize): void {
  pieceAbsorbAt(context, context + INPUT);
}

/** Absorbs the `WINDOW_BYTES` at `input`, wherever they lie: not copied. */
export function pieceAbsorbAt(context: usize, input: usize): void {
  const root = memory.data(32, 8);
  subtree(context, input, WINDOW_QUADS, root);
  stackPush(context, root, WINDOW_LEVEL);
}

/**
 * Absorbs the first `held` bytes of the input window (fewer than a window, may be 0), closes the tree and writes the
 * 32-byte commitment at `out`. Returns the level of the root: the padded size is 32 · 2^level bytes.
 * The context is spent: begin again before the next piece.
 */
export function pieceFinish(context: usize, held: usize, out: usize): i32 {
  if (held > 0) {
    const quads = powerOfTwoAtLeast((held + QUAD_RAW - 1) / QUAD_RAW);
    const input = context + INPUT;
    memory.fill(input + held, 0, quads * QUAD_RAW - held);
    const root = memory.data(32, 8);
    subtree(context, input, quads, root);
    stackPush(context, root, <i32>ctz<usize>(quads) + 2);
  }
  const level = stackLevel(context, LEAST_LEVEL);
  stackRoot(context, level, out);
  return level;
}

/** Root of `quads` × 127 bytes at `input`; `quads` is a power of two, at most `WINDOW_QUADS`. */
function subtree(context: usize, input: usize, quads: usize, out: usize): void {
  const part = context + PART;
  if (quads <= PART_QUADS) {
    fr32Pad(input, part, quads);
    for (let nodes = quads << 1; nodes > 0; nodes >>= 1) hashLevel(part, part, nodes);
    memory.copy(out, part, NODE_BYTES);
    return;
  }
  const kept = context + KEPT;
  let nodes: usize = 0;
  for (let done: usize = 0; done < quads; done += PART_QUADS, nodes += KEPT_NODES) {
    fr32Pad(input + done * QUAD_RAW, part, PART_QUADS);
    for (let level = PART_QUADS << 1; level > KEPT_NODES; level >>= 1) hashLevel(part, part, level);
    hashLevel(part, kept + nodes * NODE_BYTES, KEPT_NODES);
  }
  for (nodes >>= 1; nodes > 0; nodes >>= 1) hashLevel(kept, kept, nodes);
  memory.copy(out, kept, NODE_BYTES);
}

function powerOfTwoAtLeast(n: usize): usize {
  return n <= 1 ? 1 : (<usize>1) << (<usize>32 - clz<u32>(<u32>(n - 1)));
}
