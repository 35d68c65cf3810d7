/** What all steps of sealing share: options, the module's memory, the parent graph. */
import type { Proofs } from "../../core/proofs.ts";
import { PARENTS_BYTES, type SectorParams } from "../params.ts";
import type { SectorStore } from "../store.ts";
import type { PagingOptions } from "./paging-plan.ts";

/** What a long operation reports and heeds. */
export type SealOptions = {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly phase: string; readonly done: number; readonly total: number }) => void;
  /** Overrides for sectors without a registered proof, in tests. */
  readonly params?: SectorParams;
  readonly porepId?: Uint8Array;
  /** Where tables of parents are kept (`parent-cache.ts`); without, parents are computed as they are needed. */
  readonly parents?: SectorStore;
  /** Labels through files in this way; sectors above `MAX_SEALED_BYTES` are labelled so in any case. */
  readonly paging?: PagingOptions;
};

/** The parent graph of a sector, in the module's memory while `work` runs. */
export async function withGraph<Result>(
  proofs: Proofs,
  params: Pick<SectorParams, "nodes">,
  porep: Uint8Array,
  legacy: boolean,
  work: (graph: number) => Promise<Result>,
): Promise<Result> {
  const bytes = proofs.exports.graphBytes(params.nodes) + 32;
  return withMemory(proofs, bytes, (graph) => {
    const id = graph + bytes - 32;
    proofs.instance.write(id, porep);
    proofs.exports.graphInit(graph, id, params.nodes, legacy ? 1 : 0);
    return work(graph);
  });
}

/** Parents of one node: six base, then eight expander. */
export function parentsOf(proofs: Proofs, graph: number, node: number): number[] {
  return proofs.with(PARENTS_BYTES, (at) => {
    proofs.exports.graphParents(graph, node, 1, at);
    const bytes = proofs.instance.read(at, PARENTS_BYTES);
    return Array.from(new Uint32Array(bytes.buffer, 0, 14));
  });
}

/** Memory for the time of an asynchronous piece of work. */
export async function withMemory<Result>(
  proofs: Proofs,
  bytes: number,
  work: (at: number) => Promise<Result>,
): Promise<Result> {
  const at = proofs.take(bytes);
  try {
    return await work(at);
  } finally {
    proofs.give(at, bytes);
  }
}

/** Reports progress and heeds cancellation. */
export function step(options: SealOptions, phase: string, done: number, total: number): void {
  options.signal?.throwIfAborted();
  options.onProgress?.({ phase, done, total });
}
