/**
 * Carrying labels to the windows that need them: expander parents.
 *
 * The permutation takes index 8 · child + i to 8 · parent + something, so its inverse takes the eight indexes of a parent
 * to its children: a Feistel network is undone by its rounds in reverse order, walking on while the result lies outside
 * of the domain as the permutation itself does. Every child has exactly eight places, so every window's bucket receives
 * exactly 8 · 2^shift records, and every label is sent to eight places.
 *
 * API 1.0.0 cut the permuted index to 32 bits before dividing: above 2^29 nodes only the first 2^29 are parents, each of
 * the indexes 8 · parent + i + k · 2^32.
 */
import { EXPANDER_DEGREE, HALF, INDEXES, LEGACY, TABLE } from "./graph";
import { increment, putRecord, RECORD_BYTES, RESERVE } from "./paging";

/**
 * Carries the labels of nodes `from` … `from + count - 1` of the layer before, at `labels`, into the buckets of the
 * windows `first` … `first + windows - 1` of the next. Buckets: see `paging.ts`. Returns the labels done.
 */
export function scatterExpander(
  graph: usize,
  labels: usize,
  from: u32,
  count: u32,
  shift: u32,
  first: u32,
  windows: u32,
  fills: usize,
  buckets: usize,
  capacity: u32,
): u32 {
  const indexes = load<u64>(graph, INDEXES);
  const half = load<u32>(graph, HALF);
  const legacy = load<u32>(graph, LEGACY) != 0;
  const stride: u64 = legacy ? (<u64>1) << 32 : indexes;
  const mask: u32 = ((<u32>1) << shift) - 1;
  for (let done: u32 = 0; done < count; done++, labels += 32) {
    let index = <u64>(from + done) << 3;
    // No label from here on is a parent.
    if (index >= stride) return count;
    let full = false;
    for (; index < indexes; index += stride) {
      for (let i: u64 = 0; i < <u64>EXPANDER_DEGREE; i++) {
        const place = unpermuted(graph + TABLE, half, indexes, index + i);
        const child = <u32>(place >>> 3);
        const bucket = (child >>> shift) - first;
        if (bucket >= windows) continue;
        const fill = increment(fills, bucket);
        const at = buckets + (<usize>bucket * <usize>capacity + <usize>fill) * RECORD_BYTES;
        putRecord(at, ((child & mask) << 3) | (<u32>place & 7), labels);
        full = full || fill + RESERVE >= capacity;
      }
    }
    if (full) return done + 1;
  }
  return count;
}

/** The index that the permutation takes to `index`. */
// @ts-ignore: decorator
@inline
function unpermuted(first: usize, half: u32, indexes: u64, index: u64): u64 {
  const mask: u32 = ((<u32>1) << half) - 1;
  const second = first + (<usize>4 << <usize>half);
  const third = second + (<usize>4 << <usize>half);
  do {
    let left = <u32>(index >>> half);
    let right = <u32>index & mask;
    let t = right ^ load<u32>(third + (<usize>left << 2));
    right = left;
    left = t;
    t = right ^ load<u32>(second + (<usize>left << 2));
    right = left;
    left = t;
    t = right ^ load<u32>(first + (<usize>left << 2));
    right = left;
    left = t;
    index = (<u64>left << half) | right;
  } while (index >= indexes);
  return index;
}
