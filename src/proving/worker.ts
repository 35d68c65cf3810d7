/**
 * The module that runs in every worker: the same in Node, Deno and browsers.
 *
 * A message is a job and, if somebody listens, a port for its progress.
 */
import { platform } from "#platform";
import { failureOf } from "../base/errors.ts";
import { useWasm, type WasmPlace } from "../core/load.ts";
import { answerMessages } from "../platform/worker-scope.ts";
import type { Job } from "./jobs.ts";
import { perform } from "./perform.ts";

export type WorkMessage = { readonly job: Job; readonly wasm: WasmPlace; readonly port?: MessagePort };

let isPlaced = false;

/** Runs the job of a message; errors keep their data between threads through `failureOf`. */
export async function work({ job, wasm, port }: WorkMessage): Promise<unknown> {
  if (!isPlaced) useWasm(wasm);
  isPlaced = true;
  try {
    return { result: await perform(job, (progress) => port?.postMessage(progress)) };
  } catch (error) {
    return { failure: failureOf(error) };
  } finally {
    port?.close();
  }
}

answerMessages(platform.environment, work);
