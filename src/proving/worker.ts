/**
 * The module that runs in every worker: the same in Node, Deno and browsers.
 *
 * A message is a job and, if somebody listens, a port for its progress. Thread pools call `work`; a Web Worker receives
 * the same message by `postMessage` and answers `{ ok, result }` or `{ ok, error }`.
 */
import { platform } from "#platform";
import type { Job } from "./jobs.ts";
import { perform } from "./perform.ts";

export type WorkMessage = { readonly job: Job; readonly port?: MessagePort };

/** Runs the job of a message; errors keep their data across the thread's border through `errorData`. */
export async function work({ job, port }: WorkMessage): Promise<unknown> {
  try {
    return { result: await perform(job, (progress) => port?.postMessage(progress)) };
  } catch (error) {
    return { failure: failureOf(error) };
  } finally {
    port?.close();
  }
}

/** What crosses the border of a failed job: an `Error`'s class is lost in a clone, its data must not be. */
export type Failure = { readonly message: string; readonly name: string; readonly data: unknown };

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error), name: "Error", data: null };
  return { message: error.message, name: error.name, data: (error as { data?: unknown }).data ?? null };
}

if (platform.environment !== "node" && "WorkerGlobalScope" in globalThis) {
  const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
  scope.onmessage = (event: MessageEvent<WorkMessage>) => {
    work(event.data).then(
      (result) => scope.postMessage({ ok: true, result }),
      (error: unknown) => scope.postMessage({ ok: false, error }),
    );
  };
}
