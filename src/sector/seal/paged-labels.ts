/**
 * Labels of sectors of any size with little memory: layers stand in files, and window after window is labelled.
 *
 * A window needs labels from all over: the eight expander parents of a node are spread evenly over the layer before, two
 * of its base parents lie in earlier windows of the same layer. Fetching them one by one would be 10^11 random reads at
 * 32 GiB. Instead they are carried to their windows (`assembly/proofs/paging.ts`), and all files are read and written in
 * runs:
 *
 *   once         edges that cross windows, sorted by the parent's window                        → edges file
 *   each layer, in some passes over its windows:
 *     scatter    the layer before, from its file, into the buckets of the pass's windows        → expander file
 *     each window of the pass
 *       gather   its part of the expander file and of the base file into slots
 *       label    `labelRange`                                                                   → layer's file
 *       scatter  its labels along its edges into the buckets of later windows                   → base file
 *
 * docs/performance.md (Sealing) has what this reads and writes. A complete layer is kept when the work is interrupted,
 * see `label-digests.ts`; scratch files are removed, or written over by the next attempt if the process was killed.
 */
import type { Proofs } from "../../core/proofs.ts";
import { EXPANDER_DEGREE, NODE_BYTES, PARENTS_BYTES, type SectorParams } from "../params.ts";
import { layerFile, type SectorStore } from "../store.ts";
import { type SealOptions, step, withGraph, withMemory } from "./kit.ts";
import { completeLayers, type LabelIdentity, layerDigest, nextDigest, writeDigest } from "./label-digests.ts";
import { type BucketPlace, Buckets, pieces } from "./paging-buckets.ts";
import {
  BASE_FILE,
  EDGE_BYTES,
  EDGES_FILE,
  EXPANDER_FILE,
  type PagingPlan,
  planPaging,
  READ_ENTRIES,
  RECORD_BYTES,
} from "./paging-plan.ts";

/** Nodes that are labelled, or whose edges are sought, between two looks at the signal. */
const STEP_NODES = 32768;

/** Addresses in the module, for as long as labels are made. */
type Places = {
  readonly graph: number;
  readonly replicaId: number;
  /** A u32 for each window, twice. */
  readonly fills: number;
  readonly baseFills: number;
  readonly slots: number;
  /** The window's labels, followed by the base parents from earlier windows. */
  readonly labels: number;
  readonly parents: number;
  readonly baseBuckets: number;
  readonly io: number;
};

type Work = {
  readonly proofs: Proofs;
  readonly store: SectorStore;
  readonly plan: PagingPlan;
  readonly options: SealOptions;
};

/** Where each window's part of the edges file and of the base file begins, in entries, and the end. */
type Edges = { readonly bySource: Float64Array; readonly byTarget: Float64Array };

/** Labels all layers into their files, from the first that is not complete. */
export async function labelPaged(
  proofs: Proofs,
  store: SectorStore,
  params: SectorParams,
  identity: LabelIdentity,
  options: SealOptions = {},
): Promise<void> {
  const plan = planPaging(params, options.paging);
  const work: Work = { proofs, store, plan, options };
  const complete = await withMemory(proofs, plan.window * NODE_BYTES, (labels) =>
    completeLayers(proofs, store, identity, plan, params.layers, labels, options),
  );
  if (complete === params.layers) return;
  try {
    await withGraph(proofs, params, identity.porepId, identity.legacy, async (graph) => {
      const edges = await countEdges(work, graph);
      await withPlaces(work, graph, edges, async (places) => {
        proofs.instance.write(places.replicaId, identity.replicaId);
        await sortEdges(work, places, edges);
        for (let layer = complete + 1; layer <= params.layers; layer++) {
          const start = layerDigest(proofs, identity, plan, layer);
          await writeDigest(store, layer, await labelLayer(work, places, edges, layer, params.layers, start));
          if (options.paging?.lastLayerOnly === true && layer > 1) await store.remove(layerFile(layer - 1));
        }
      });
    });
  } finally {
    for (const file of [EDGES_FILE, BASE_FILE, EXPANDER_FILE]) await store.remove(file);
  }
}

async function countEdges({ proofs, plan, options }: Work, graph: number): Promise<Edges> {
  const { nodes, shift, windows } = plan;
  return withMemory(proofs, 8 * windows, async (counts) => {
    proofs.instance.wipe(counts, 8 * windows);
    const count = Math.min(nodes, STEP_NODES);
    for (let from = 0; windows > 1 && from < nodes; from += count) {
      proofs.exports.countEdges(graph, from, count, shift, counts, counts + 4 * windows);
      step(options, "edges", from + count, 2 * nodes);
    }
    const sums = (at: number): Float64Array => {
      const out = new Float64Array(windows + 1);
      const found = new Uint32Array(proofs.instance.read(at, 4 * windows).buffer);
      for (let w = 0; w < windows; w++) out[w + 1] = (out[w] as number) + (found[w] as number);
      return out;
    };
    return { bySource: sums(counts), byTarget: sums(counts + 4 * windows) };
  });
}

/** Entries of a window's part. */
function partOf(sums: Float64Array, window: number): number {
  return (sums[window + 1] as number) - (sums[window] as number);
}

function withPlaces(
  { proofs, plan }: Work,
  graph: number,
  edges: Edges,
  use: (places: Places) => Promise<void>,
): Promise<void> {
  const { window, windows, slotBytes, baseCapacity } = plan;
  let base = 0;
  for (let w = 0; w < windows; w++) base = Math.max(base, partOf(edges.byTarget, w));
  const sizes = [
    32,
    4 * windows,
    4 * windows,
    slotBytes,
    (window + base) * NODE_BYTES,
    window * PARENTS_BYTES,
    windows > 1 ? windows * baseCapacity * RECORD_BYTES : 0,
    READ_ENTRIES * RECORD_BYTES,
  ].map((bytes) => Math.ceil(bytes / 16) * 16);
  return withMemory(
    proofs,
    sizes.reduce((sum, bytes) => sum + bytes, 0),
    (at) => {
      let next = at;
      const [replicaId, fills, baseFills, slots, labels, parents, baseBuckets, io] = sizes.map((bytes) => {
        next += bytes;
        return next - bytes;
      }) as [number, number, number, number, number, number, number, number];
      return use({ graph, replicaId, fills, baseFills, slots, labels, parents, baseBuckets, io });
    },
  );
}

/** Buckets in the memory of the slots, which are not in use meanwhile. */
function slotBuckets(plan: PagingPlan, { fills, slots }: Places, count: number, entryBytes: number): BucketPlace {
  const capacity = Math.floor(plan.slotBytes / (count * entryBytes));
  return { fills, entries: slots, count, capacity, entryBytes };
}

/** Writes the edges that cross windows into their file. */
async function sortEdges({ proofs, store, plan, options }: Work, places: Places, edges: Edges): Promise<void> {
  const { nodes, shift, windows } = plan;
  if (windows === 1) return;
  const place = slotBuckets(plan, places, windows, EDGE_BYTES);
  const buckets = new Buckets(proofs, store, EDGES_FILE, place, edges.bySource);
  const { fills, entries, capacity } = place;
  const count = Math.min(nodes, STEP_NODES);
  for (let from = 0; from < nodes; from += count) {
    await buckets.fillBy(count, (done) =>
      proofs.exports.sortEdges(places.graph, from + done, count - done, shift, fills, entries, capacity),
    );
    step(options, "edges", nodes + from + count, 2 * nodes);
  }
  await buckets.flush();
}

/** Labels one layer and returns its digest. */
async function labelLayer(
  work: Work,
  places: Places,
  edges: Edges,
  layer: number,
  layers: number,
  start: Uint8Array,
): Promise<Uint8Array> {
  const { proofs, store, plan, options } = work;
  const { nodes, window, windows, passWindows } = plan;
  const place = {
    fills: places.baseFills,
    entries: places.baseBuckets,
    count: windows,
    capacity: plan.baseCapacity,
    entryBytes: RECORD_BYTES,
  };
  const base = new Buckets(proofs, store, BASE_FILE, place, edges.byTarget);
  let digest = start;
  for (let w = 0; w < windows; w++) {
    if (layer > 1 && w % passWindows === 0) await scatterLayer(work, places, layer - 1, w);
    await gather(work, places, edges, base, layer, w);
    const from = w * window;
    const count = Math.min(window, STEP_NODES);
    for (let n = 0; n < window; n += count) {
      const parents = places.parents + n * PARENTS_BYTES;
      const { replicaId, labels, slots } = places;
      proofs.exports.labelRange(replicaId, layer, labels, slots, parents, n, BigInt(from + n), count);
      step(options, "labels", (layer - 1) * nodes + from + n + count, layers * nodes);
    }
    digest = nextDigest(proofs, digest, places.labels, window);
    await Promise.all([
      store.write(layerFile(layer), from * NODE_BYTES, proofs.instance.read(places.labels, window * NODE_BYTES)),
      sendBase(work, places, edges, base, w),
    ]);
  }
  return digest;
}

/** Carries the labels of layer `layer` to the windows of the pass that begins with window `first`. */
async function scatterLayer(work: Work, places: Places, layer: number, first: number): Promise<void> {
  const { proofs, store, plan, options } = work;
  const { nodes, window, windows, shift } = plan;
  const count = Math.min(plan.passWindows, windows - first);
  const place = slotBuckets(plan, places, count, RECORD_BYTES);
  const offsets = Float64Array.from({ length: count + 1 }, (_, i) => i * window * EXPANDER_DEGREE);
  const buckets = new Buckets(proofs, store, EXPANDER_FILE, place, offsets);
  const { fills, entries, capacity } = place;
  const { graph, io } = places;
  for await (const { bytes, at } of pieces(store, layerFile(layer), 0, nodes * NODE_BYTES, READ_ENTRIES * NODE_BYTES)) {
    proofs.instance.write(io, bytes);
    const from = at / NODE_BYTES;
    const total = bytes.length / NODE_BYTES;
    await buckets.fillBy(total, (done) => {
      const labels = io + done * NODE_BYTES;
      const left = total - done;
      return proofs.exports.scatterExpander(
        graph,
        labels,
        from + done,
        left,
        shift,
        first,
        count,
        fills,
        entries,
        capacity,
      );
    });
    step(options, `spread layer ${layer}`, first * nodes + count * (from + total), windows * nodes);
  }
  await buckets.flush();
}

/** Makes a window's table of parents, and brings the labels that it names from outside of it. */
async function gather(
  { proofs, store, plan }: Work,
  places: Places,
  edges: Edges,
  base: Buckets,
  layer: number,
  w: number,
): Promise<void> {
  const { window, passWindows } = plan;
  const { graph, parents, labels, slots, io } = places;
  const { exports, instance } = proofs;
  const records = (file: string, from: number, count: number) =>
    pieces(store, file, from * RECORD_BYTES, count * RECORD_BYTES, READ_ENTRIES * RECORD_BYTES);
  exports.windowParents(graph, w * window, window, parents);
  if (layer > 1) {
    const each = window * EXPANDER_DEGREE;
    for await (const { bytes } of records(EXPANDER_FILE, (w % passWindows) * each, each)) {
      instance.write(io, bytes);
      exports.placeExpander(io, bytes.length / RECORD_BYTES, slots);
    }
  }
  await base.flush(w);
  let slot = window;
  for await (const { bytes } of records(BASE_FILE, edges.byTarget[w] as number, partOf(edges.byTarget, w))) {
    instance.write(io, bytes);
    exports.placeBase(io, bytes.length / RECORD_BYTES, labels, slot, parents);
    slot += bytes.length / RECORD_BYTES;
  }
}

/** Carries the labels of window `w` to later windows. */
async function sendBase({ proofs, store, plan }: Work, places: Places, edges: Edges, base: Buckets, w: number) {
  const { fills, entries, capacity } = base.place;
  const { labels, io } = places;
  const from = (edges.bySource[w] as number) * EDGE_BYTES;
  const length = partOf(edges.bySource, w) * EDGE_BYTES;
  for await (const { bytes } of pieces(store, EDGES_FILE, from, length, READ_ENTRIES * EDGE_BYTES)) {
    proofs.instance.write(io, bytes);
    const total = bytes.length / EDGE_BYTES;
    await base.fillBy(total, (done) =>
      proofs.exports.scatterEdges(io + done * EDGE_BYTES, total - done, labels, plan.shift, fills, entries, capacity),
    );
  }
}
