/** Tables of parents in a directory, made by the whole pool. */
import type { Proofs } from "../core/proofs.ts";
import { closeParents, type GraphKey, hasParents, parentWindows } from "../sector/seal/parent-cache.ts";
import { directoryStore } from "./directory-store.ts";
import { type ProvingOptions, runRanges } from "./ranges.ts";
import type { Scheduler } from "./scheduler.ts";

/** Makes the table of a graph in `directory` (56 bytes a node), if it is not there whole. */
export async function keepParents(
  proofs: Proofs,
  pool: Scheduler,
  directory: string,
  graph: GraphKey,
  options: ProvingOptions = {},
): Promise<void> {
  const store = directoryStore(directory);
  if (await hasParents(proofs, store, graph)) return;
  const { count } = parentWindows(graph);
  const sums = await runRanges(pool, count, (range) => ({ kind: "parent-windows", directory, graph, range }), options);
  await closeParents(proofs, store, graph, sums);
}
