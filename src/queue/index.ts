/**
 * Proving on many machines: a scheduler and workers over pg-boss on PostgreSQL. For Node 20 and newer; Deno and browsers use
 * the pool of `filigree/proofs`.
 *
 * @example
 * const proofs = await loadProofs();
 * const queue = { url: "postgres://localhost/filigree", store: openStore("/srv/filigree"), release: await releaseName() };
 * const scheduler = await QueueScheduler.open({ ...queue, check: resultCheck(proofs) });
 * const result = await scheduler.run(job);
 */
export { type ResultCheck, resultCheck } from "./check.ts";
export { type QueueOptions, QueueScheduler } from "./scheduler.ts";
export { type BlobStore, openStore, StoreError, type StoreErrorData } from "./store.ts";
export { releaseName } from "./table.ts";
export { runWorker, type WorkerOptions } from "./worker.ts";
