/**
 * Labels of all layers of a sector of up to 512 MiB, window by window.
 *
 * Memory: two whole layers in the module (twice the sector), and parents. These are tabulated once for small graphs; for
 * others they are read from a table that the caller keeps, or computed again for each layer, a window at a time.
 */
import type { Proofs } from "../../core/proofs.ts";
import { NODE_BYTES, PARENTS_BYTES, type SectorParams } from "../params.ts";
import { type SealOptions, step, withGraph, withMemory } from "./kit.ts";
import type { LabelIdentity } from "./label-digests.ts";
import { ParentCache, parentWindows } from "./parent-cache.ts";

/** Largest table of parents that is kept whole. */
const PARENT_TABLE_BYTES = 64 * 1024 * 1024;

/** Takes the labels of a window, which begins at node `from` of layer `layer` (from 1). */
export type KeepLabels = (layer: number, from: number, labels: Uint8Array) => Promise<void>;

/** Computes all layers and hands each window of labels to `keep`. */
export async function generateLabels(
  proofs: Proofs,
  params: SectorParams,
  { replicaId, porepId, legacy }: LabelIdentity,
  keep: KeepLabels,
  options: SealOptions,
): Promise<void> {
  const { nodes, layers } = params;
  const { exports, instance } = proofs;
  const graphKey = { nodes, porepId, legacy };
  const window = parentWindows(graphKey).size;
  const whole = nodes * PARENTS_BYTES <= PARENT_TABLE_BYTES;
  const tableBytes = (whole ? nodes : window) * PARENTS_BYTES;
  const cache = options.parents === undefined ? null : await ParentCache.open(proofs, options.parents, graphKey);
  await withGraph(proofs, params, porepId, legacy, (graph) =>
    withMemory(proofs, nodes * NODE_BYTES, (even) =>
      withMemory(proofs, nodes * NODE_BYTES, (odd) =>
        withMemory(proofs, tableBytes + 32, async (table) => {
          const id = table + tableBytes;
          instance.write(id, replicaId);
          for (let layer = 1; layer <= layers; layer++) {
            const [current, previous] = layer % 2 === 0 ? [even, odd] : [odd, even];
            for (let from = 0; from < nodes; from += window) {
              const parents = whole ? table + from * PARENTS_BYTES : table;
              if ((!whole || layer === 1) && !((await cache?.load(from / window, parents)) ?? false))
                exports.graphParents(graph, from, window, parents);
              exports.labelRange(id, layer, current, previous, parents, from, BigInt(from), window);
              await keep(layer, from, instance.read(current + from * NODE_BYTES, window * NODE_BYTES));
              step(options, "labels", (layer - 1) * nodes + from + window, layers * nodes);
            }
          }
        }),
      ),
    ),
  );
}
