/** Worker threads of Node.js. */
import type { Piscina } from "piscina";
import type { PoolOptions, WorkerPool } from "./platform.ts";
import { WorkerLostError } from "./platform.ts";
import { builtFile } from "./web.ts";

/** A pool over Piscina, which queues jobs, replaces dead threads and ends those whose job was aborted. */
export function openThreadPool(options: PoolOptions): WorkerPool {
  const opening = startPool(options);
  opening.catch(() => undefined); // reported by the first job
  let closed = false;
  return {
    size: options.size,
    run: async (message, { transfer = [], signal } = {}) => {
      signal?.throwIfAborted();
      try {
        const limits = signal === undefined ? {} : { signal };
        return await (await opening).run(message, { transferList: transfer as never, ...limits });
      } catch (cause) {
        if (signal?.aborted === true) throw signal.reason;
        if (closed || isLoss(cause)) throw new WorkerLostError("the worker ended before its job was done", { cause });
        throw cause;
      }
    },
    killOne: async () => {
      const thread = (await opening).threads[0];
      if (thread === undefined) return false;
      await thread.terminate();
      return true;
    },
    close: async () => {
      closed = true;
      await (await opening).destroy();
    },
  };
}

/** Piscina is loaded with the first pool, so that a program without workers starts without it. */
async function startPool({ entry, size, stackMib }: PoolOptions): Promise<Piscina> {
  const { Piscina: Pool } = await import("piscina");
  const limits = stackMib === undefined ? {} : { resourceLimits: { stackSizeMb: stackMib } };
  const first = builtFile("platform/worker-entry.cjs").href;
  const given = { filename: first, name: "work", workerData: { entry: entry().href } };
  const pool = new Pool({ ...given, minThreads: size, maxThreads: size, ...limits });
  // A thread that dies while idle is replaced by Piscina; without a listener the event would end the process.
  pool.on("error", () => undefined);
  return pool;
}

/** Piscina's and Node's words for a thread that ended by itself, was ended, or ran out of memory. */
function isLoss(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const code = (cause as Error & { code?: unknown }).code;
  return code === "ERR_WORKER_OUT_OF_MEMORY" || /worker exited|Terminating worker thread/.test(cause.message);
}
