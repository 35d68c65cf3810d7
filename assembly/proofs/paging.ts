/**
 * Carrying labels to the windows that need them, for layers that do not fit in memory: base parents.
 *
 * A layer is cut into windows of 2^shift nodes, labelled in order. What a window needs from outside of itself is brought
 * to it: labels are scattered over buckets, one for each window, as soon as they are known, and a window takes its
 * bucket when its turn comes. Buckets fill in memory and are emptied into files by the host, so that files are only read
 * and written in long runs.
 *
 * Which windows need a label follows from the graph. The expander graph is a permutation and can be asked backwards (see
 * `paging-expander.ts`). Base parents are drawn for each child; the edges that cross windows are therefore found once,
 * sorted by the parent's window, and serve all layers.
 *
 *   edge:    u32 child | u32 place      place = parent's node in its window · 8 + which of the six parents
 *   record:  u32 place | label (32)     place = child's node in its window · 8 + which of its parents
 *
 * Buckets: `fills` holds a u32 for each, the entries in it; bucket b begins at `buckets` + b · capacity · entry size.
 * A function that fills buckets stops behind the first entry that leaves one with room for fewer than `RESERVE` entries,
 * and returns how much it has done; the host empties what is full and calls again.
 */
import { baseParents, BASE_DEGREE, EXPANDER_DEGREE, PARENTS_BYTES } from "./graph";
import { copyLabel } from "./label";

/** Bytes of an edge, and of a record. */
export const EDGE_BYTES: usize = 8;
export const RECORD_BYTES: usize = 36;
/** Entries that one step may add to a bucket: one label's children, 8 or in API 1.0.0 up to 32. */
export const RESERVE: u32 = 32;

/** The six base parents of the node in hand. */
// @ts-ignore: decorator
@inline
function drawn(graph: usize, node: u32): usize {
  const parents = memory.data(24, 16);
  baseParents(graph, node, parents);
  return parents;
}

/**
 * Counts the edges into nodes `from` … `from + count - 1` that come from earlier windows: adds to `bySource` (by the
 * parent's window) and `byTarget` (by the child's), both u32 for each window.
 */
export function countEdges(
  graph: usize,
  from: u32,
  count: u32,
  shift: u32,
  bySource: usize,
  byTarget: usize,
): void {
  for (let node = from, end = from + count; node != end; node++) {
    const window = node >>> shift;
    const parents = drawn(graph, node);
    for (let i = 0; i < BASE_DEGREE; i++) {
      const source = load<u32>(parents + (<usize>i << 2)) >>> shift;
      if (source == window) continue;
      increment(bySource, source);
      increment(byTarget, window);
    }
  }
}

/** Puts the edges that `countEdges` counted into buckets by the parent's window. Returns the nodes done. */
export function sortEdges(
  graph: usize,
  from: u32,
  count: u32,
  shift: u32,
  fills: usize,
  buckets: usize,
  capacity: u32,
): u32 {
  const mask: u32 = ((<u32>1) << shift) - 1;
  let full = false;
  for (let done: u32 = 0; done < count; done++) {
    const node = from + done;
    const parents = drawn(graph, node);
    for (let i = 0; i < BASE_DEGREE; i++) {
      const parent = load<u32>(parents + (<usize>i << 2));
      const source = parent >>> shift;
      if (source == node >>> shift) continue;
      const fill = increment(fills, source);
      const at = buckets + (<usize>source * <usize>capacity + <usize>fill) * EDGE_BYTES;
      store<u32>(at, node);
      store<u32>(at, ((parent & mask) << 3) | i, 4);
      full = full || fill + RESERVE >= capacity;
    }
    if (full) return done + 1;
  }
  return count;
}

/**
 * Carries labels along `count` edges that begin in one window, whose labels lie at `labels`, into buckets by the child's
 * window. Returns the edges done.
 */
export function scatterEdges(
  edges: usize,
  count: u32,
  labels: usize,
  shift: u32,
  fills: usize,
  buckets: usize,
  capacity: u32,
): u32 {
  const mask: u32 = ((<u32>1) << shift) - 1;
  for (let done: u32 = 0; done < count; done++, edges += EDGE_BYTES) {
    const child = load<u32>(edges);
    const place = load<u32>(edges, 4);
    const target = child >>> shift;
    const fill = increment(fills, target);
    const at = buckets + (<usize>target * <usize>capacity + <usize>fill) * RECORD_BYTES;
    putRecord(at, ((child & mask) << 3) | (place & 7), labels + (<usize>(place >>> 3) << 5));
    if (fill + RESERVE >= capacity) return done + 1;
  }
  return count;
}

/**
 * Parents of a window's `count` nodes from `from` on, as slots (`labelRange`): base parents of the window stand in the
 * slot of their node in it, expander parent i of node n in slot 8 · n + i. Base parents of earlier windows are left
 * undefined for `placeBase`.
 */
export function windowParents(graph: usize, from: u32, count: u32, out: usize): void {
  for (let n: u32 = 0; n < count; n++, out += PARENTS_BYTES) {
    baseParents(graph, from + n, out);
    for (let i: usize = 0; i < <usize>BASE_DEGREE << 2; i += 4) store<u32>(out + i, load<u32>(out + i) - from);
    for (let i = 0; i < EXPANDER_DEGREE; i++) {
      store<u32>(out + (<usize>(BASE_DEGREE + i) << 2), (n << 3) + i);
    }
  }
}

/** Puts the labels of `count` records of base parents into the slots `slot` … of `current`, and says so in `parents`. */
export function placeBase(records: usize, count: u32, current: usize, slot: u32, parents: usize): void {
  for (; count > 0; count--, slot++, records += RECORD_BYTES) {
    const place = load<u32>(records);
    store<u32>(parents + <usize>(place >>> 3) * PARENTS_BYTES + (<usize>(place & 7) << 2), slot);
    copyLabel(current + (<usize>slot << 5), records + 4);
  }
}

/** Puts the labels of `count` records of expander parents into their slots. */
export function placeExpander(records: usize, count: u32, slots: usize): void {
  for (; count > 0; count--, records += RECORD_BYTES) {
    copyLabel(slots + (<usize>load<u32>(records) << 5), records + 4);
  }
}

// @ts-ignore: decorator
@inline
export function increment(counters: usize, index: u32): u32 {
  const at = counters + (<usize>index << 2);
  const old = load<u32>(at);
  store<u32>(at, old + 1);
  return old;
}

// @ts-ignore: decorator
@inline
export function putRecord(at: usize, place: u32, label: usize): void {
  store<u32>(at, place);
  copyLabel(at + 4, label);
}
