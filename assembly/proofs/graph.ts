/**
 * The stacked depth-robust graph of a sector: which 14 labels each node's label is made from.
 *
 * A node has six base parents in its own layer and eight expander parents in the layer before; both depend only on the
 * PoRep id and the number of nodes, not on the layer.
 *
 * Base parents ("DRSample"): five are drawn by ChaCha8, seeded with 28 bytes of SHA-256("Filecoin_DRSample" ‖ PoRep id)
 * and the node's number. On the meta graph of m = 5 · node: draw a bucket 1 … ceil(log2 m), then a distance uniformly
 * from the bucket's range [max(2, L/2), L], L = min(m, 2^bucket); the parent is (m - distance) / 5. The sixth is the
 * predecessor: first in the list since API 1.1.0, last in API 1.0.0. Nodes 0 and 1 have only node 0.
 *
 * Expander parents: a Feistel permutation of [0, 8 · nodes) takes 8 · node + i to 8 · parent + something. It works on an
 * even number of bits (the next power of 4) and walks on while its result lies outside. Three rounds of
 *
 *     F(right, key) = first 8 bytes, big-endian, of BLAKE2b-512(right ‖ key, each u64 big-endian), masked to half width
 *
 * F is asked about at most 2^half arguments for each key (2^17 at 64 GiB), far fewer than there are nodes, so `graphInit`
 * tabulates it: a parent then costs table look-ups instead of hashes.
 *
 * Layout (`graphBytes(nodes)`, 16-aligned, owned by the caller):
 *
 *    0           32        40       44        48 …
 *    | seed (28) | u64     | u32    | u32     | 3 · 2^half × u32      |
 *    | and node  | 8·nodes | half   | legacy  | F by key and argument |
 *
 * Source: rust-fil-proofs storage-proofs-core/src/{drgraph,crypto/feistel}.rs and stacked/vanilla/graph.rs.
 */
import { blake2bBlock, blake2bStart } from "../crypto/hash/blake2b-kernel.gen";
import { sha256 } from "../crypto/hash/sha256";
import { chacha8Block } from "./chacha8";

/** Parents of a node: six base, then eight expander. */
export const BASE_DEGREE: i32 = 6;
export const EXPANDER_DEGREE: i32 = 8;
/** Bytes of a node's parents: 14 × u32. */
export const PARENTS_BYTES: usize = 56;

const SEED_NODE: usize = 28;
/** Fields of the context that the inverse permutation reads too. */
export const INDEXES: usize = 32;
export const HALF: usize = 40;
export const LEGACY: usize = 44;
export const TABLE: usize = 48;

const ROUNDS: usize = 3;

/** Half the bits of the permutation's domain, for 8 · nodes elements. */
function halfBits(indexes: u64): u32 {
  let half: u32 = 1;
  while ((<u64>1) << (2 * half) < indexes) half++;
  return half;
}

/** Bytes of the context of a graph of `nodes` nodes (at most 2^32 - 1). */
export function graphBytes(nodes: u32): usize {
  return TABLE + ((ROUNDS * 4) << <usize>halfBits(<u64>nodes * 8));
}

/** Prepares the graph of `nodes` nodes for the 32 bytes at `porepId`; `legacy` is the order of API 1.0.0. */
export function graphInit(graph: usize, porepId: usize, nodes: u32, legacy: bool): void {
  const digest = memory.data(32, 8);
  domainSeed("Filecoin_DRSample", porepId, graph);
  domainSeed("Filecoin_Feistel", porepId, digest);
  const half = halfBits(<u64>nodes * 8);
  store<u64>(graph, <u64>nodes * 8, INDEXES);
  store<u32>(graph, half, HALF);
  store<u32>(graph, legacy ? 1 : 0, LEGACY);
  const state = memory.data(64, 8);
  const block = memory.data(128, 8);
  memory.fill(block, 0, 128);
  const mask: u32 = ((<u32>1) << half) - 1;
  let entry = graph + TABLE;
  for (let key = digest, end = digest + ROUNDS * 8; key < end; key += 8) {
    store<u64>(block, bswap<u64>(load<u64>(key)), 8);
    for (let right: u32 = 0; right <= mask; right++, entry += 4) {
      store<u64>(block, bswap<u64>(<u64>right));
      blake2bStart(state, 64, 0);
      blake2bBlock(state, block, 16, u64.MAX_VALUE);
      store<u32>(entry, <u32>bswap<u64>(load<u64>(state)) & mask);
    }
  }
}

/** SHA-256(tag ‖ PoRep id). */
function domainSeed(tag: string, porepId: usize, out: usize): void {
  const message = memory.data(64, 8);
  for (let i = 0; i < tag.length; i++) store<u8>(message + <usize>i, <u8>tag.charCodeAt(i));
  memory.copy(message + <usize>tag.length, porepId, 32);
  sha256(message, <usize>tag.length + 32, out);
}

/** Writes the parents of nodes `from` … `from + count - 1`: `count` × 14 u32 at `out`. Uses the graph's seed field. */
export function graphParents(graph: usize, from: u32, count: u32, out: usize): void {
  for (let node = from, end = from + count; node != end; node++, out += PARENTS_BYTES) {
    baseParents(graph, node, out);
    expanderParents(graph, node, out + <usize>BASE_DEGREE * 4);
  }
}

/** The six base parents of `node` at `out`. Uses the graph's seed field. */
export function baseParents(graph: usize, node: u32, out: usize): void {
  if (node < 2) {
    memory.fill(out, 0, <usize>BASE_DEGREE * 4);
    return;
  }
  const legacy = load<u32>(graph, LEGACY) != 0;
  store<u32>(legacy ? out + 20 : out, node - 1);
  if (!legacy) out += 4;
  store<u32>(graph, node, SEED_NODE);
  const stream = memory.data(128, 16);
  chacha8Block(graph, 0, stream);
  chacha8Block(graph, 1, stream + 64);
  const meta = <u64>node * 5;
  // ceil(log2 m); m = 5 · node is never a power of two.
  const buckets = 64 - clz<u64>(meta);
  for (let at = stream, end = stream + 80; at < end; at += 16, out += 4) {
    const bucket = (load<u64>(at) % buckets) + 1;
    const largest = min<u64>(meta, (<u64>1) << bucket);
    const smallest = max<u64>(2, largest >>> 1);
    const distance = smallest + (load<u64>(at, 8) % (largest - smallest + 1));
    const parent = <u32>((meta - distance) / 5);
    store<u32>(out, parent == node ? node - 1 : parent);
  }
}

function expanderParents(graph: usize, node: u32, out: usize): void {
  const indexes = load<u64>(graph, INDEXES);
  const half = load<u32>(graph, HALF);
  const legacy = load<u32>(graph, LEGACY) != 0;
  const mask: u32 = ((<u32>1) << half) - 1;
  const first = graph + TABLE;
  const second = first + (<usize>4 << <usize>half);
  const third = second + (<usize>4 << <usize>half);
  for (let i: u64 = 0; i < <u64>EXPANDER_DEGREE; i++, out += 4) {
    let index = <u64>node * 8 + i;
    do {
      let left = <u32>(index >>> half);
      let right = <u32>index & mask;
      let t = left ^ load<u32>(first + (<usize>right << 2));
      left = right;
      right = t;
      t = left ^ load<u32>(second + (<usize>right << 2));
      left = right;
      right = t;
      t = left ^ load<u32>(third + (<usize>right << 2));
      left = right;
      right = t;
      index = (<u64>left << half) | right;
    } while (index >= indexes);
    // API 1.0.0 cut the index to 32 bits first; this only differs above 2^29 nodes.
    store<u32>(out, legacy ? <u32>index >>> 3 : <u32>(index >>> 3));
  }
}
