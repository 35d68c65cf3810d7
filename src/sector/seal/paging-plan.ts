/**
 * How a sector's labels are paged: the size of windows, of what lies in the module's memory, and of the scratch files.
 *
 * Of a window of W nodes the memory holds its 8 · W expander parents, its labels and base parents from earlier windows
 * (up to some 2.5 · W at 64 GiB), and its table of parents; besides, a bucket of base parents for each window of the
 * layer. Of the expander parents, 8 · 36 bytes for each node of the sector, only a part is on disk at a time: the
 * windows of a layer are done in `passes`, each of which reads the layer before again.
 */
import { EXPANDER_DEGREE, NODE_BYTES, PARENTS_BYTES, SectorError, type SectorParams } from "../params.ts";

/** An entry of a bucket, see `assembly/proofs/paging.ts`. */
export const EDGE_BYTES = 8;
export const RECORD_BYTES = 36;
export const RESERVE = 32;

/** Scratch files, which are removed in the end. */
export const EDGES_FILE = "labels-edges.tmp";
export const BASE_FILE = "labels-base.tmp";
export const EXPANDER_FILE = "labels-expander.tmp";

/** Entries read from a scratch file at a time. */
export const READ_ENTRIES = 65536;

export type PagingOptions = {
  /** Module memory to stay below; default `PAGING_MEMORY_BYTES`. */
  readonly memoryBytes?: number;
  /** Nodes of a window, a power of 2; by default the most that `memoryBytes` allows. */
  readonly windowNodes?: number;
  /** Into how many parts the windows of a layer are divided; default 4. */
  readonly passes?: number;
  /** Removes each layer when the next is complete, for unsealing: only the last is left. */
  readonly lastLayerOnly?: boolean;
};

export type PagingPlan = {
  readonly nodes: number;
  /** Nodes of a window and its logarithm, and windows of a layer. */
  readonly window: number;
  readonly shift: number;
  readonly windows: number;
  /** Windows of a pass. */
  readonly passWindows: number;
  /** Bytes for a window's expander parents; other buckets use them meanwhile. */
  readonly slotBytes: number;
  /** Entries that a bucket of base parents holds. */
  readonly baseCapacity: number;
};

/** Module memory of a paged labelling by default. */
export const PAGING_MEMORY_BYTES = 384 * 1024 * 1024;
const PASSES = 4;
/** Least room of a bucket. */
const LEAST_CAPACITY = 4 * RESERVE;
/** Part of the memory that buckets of base parents have. */
const BASE_SHARE = 1 / 6;
/** Base parents from earlier windows, for each node; a layer's last windows have the most. */
const BASE_PARENTS = 2.5;
/** Memory for each node of a window. */
const WINDOW_BYTES = (EXPANDER_DEGREE + 1 + BASE_PARENTS) * NODE_BYTES + PARENTS_BYTES;

/** Throws `OUT_OF_RANGE` for windows that cannot be. */
export function planPaging(params: SectorParams, options: PagingOptions = {}): PagingPlan {
  const { nodes } = params;
  const { memoryBytes = PAGING_MEMORY_BYTES, passes = PASSES } = options;
  const window = Math.min(nodes, options.windowNodes ?? largestWindow(memoryBytes));
  const shift = Math.log2(window);
  if (!Number.isInteger(shift) || !Number.isInteger(passes) || passes < 1 || !(memoryBytes > 0))
    throw new SectorError({ code: "OUT_OF_RANGE", what: "window", value: window }, `windows of ${window} nodes`);
  const windows = nodes / window;
  const passWindows = Math.ceil(windows / passes);
  return {
    nodes,
    window,
    shift,
    windows,
    passWindows,
    slotBytes: Math.max(
      window * EXPANDER_DEGREE * NODE_BYTES,
      passWindows * LEAST_CAPACITY * RECORD_BYTES,
      windows * LEAST_CAPACITY * EDGE_BYTES,
    ),
    baseCapacity: Math.max(
      LEAST_CAPACITY,
      Math.min(window, Math.floor((memoryBytes * BASE_SHARE) / (windows * RECORD_BYTES))),
    ),
  };
}

function largestWindow(memoryBytes: number): number {
  return 2 ** Math.max(4, Math.floor(Math.log2((memoryBytes * (1 - BASE_SHARE)) / WINDOW_BYTES)));
}

/** Bytes of the largest scratch files together, about. */
export function scratchBytes(plan: PagingPlan): number {
  const expander = plan.passWindows * plan.window * EXPANDER_DEGREE * RECORD_BYTES;
  const base = plan.windows > 1 ? plan.nodes * BASE_PARENTS * (RECORD_BYTES + EDGE_BYTES) : 0;
  return expander + base;
}
