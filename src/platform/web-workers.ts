/** Pool of Web Workers (Deno, browsers), same contract as the thread pool: a queue, replacement of dead workers, abort. */
import type { WebWorker, WorkerPool } from "./platform.ts";
import { WorkerLostError } from "./platform.ts";

type Job = {
  readonly message: unknown;
  readonly transfer: readonly Transferable[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: unknown) => void;
};

/** What a worker answers: see `worker-scope.ts`. */
type Answer = { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: unknown };

export function openWebPool(size: number, startWorker: () => WebWorker): WorkerPool {
  const queue: Job[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, Job>();
  let closed = false;

  const start = (): void => {
    const worker = startWorker() as Worker;
    worker.onmessage = (event: MessageEvent<Answer>) => {
      const job = busy.get(worker);
      busy.delete(worker);
      idle.push(worker);
      if (event.data.ok) job?.resolve(event.data.result);
      else job?.reject(event.data.error);
      next();
    };
    worker.onerror = (event) => {
      event.preventDefault?.();
      lose(worker, new WorkerLostError(event.message || "the worker failed"));
    };
    idle.push(worker);
  };

  /** Ends a worker, rejects its job with `reason`, and puts a new worker in its place. */
  const lose = (worker: Worker, reason: unknown): void => {
    worker.terminate();
    const job = busy.get(worker);
    busy.delete(worker);
    const at = idle.indexOf(worker);
    if (at >= 0) idle.splice(at, 1);
    job?.reject(reason);
    if (!closed) start();
    next();
  };

  const next = (): void => {
    while (idle.length > 0 && queue.length > 0) {
      const worker = idle.pop() as Worker;
      const job = queue.shift() as Job;
      busy.set(worker, job);
      worker.postMessage(job.message, job.transfer as Transferable[]);
    }
  };

  for (let i = 0; i < size; i++) start();
  return {
    size,
    run: (message, { transfer = [], signal } = {}) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new WorkerLostError("the pool is closed"));
        if (signal?.aborted === true) return reject(signal.reason);
        const abort = (): void => {
          const waiting = queue.indexOf(job);
          if (waiting >= 0) {
            queue.splice(waiting, 1);
            job.reject(signal?.reason);
          }
          for (const [worker, held] of [...busy]) if (held === job) lose(worker, signal?.reason);
        };
        const settle =
          <Value>(how: (value: Value) => void) =>
          (value: Value): void => {
            signal?.removeEventListener("abort", abort);
            how(value);
          };
        const job: Job = { message, transfer, resolve: settle(resolve), reject: settle(reject) };
        signal?.addEventListener("abort", abort);
        queue.push(job);
        next();
      }),
    killOne: () => {
      const [worker] = busy.keys();
      if (worker === undefined) return Promise.resolve(false);
      lose(worker, new WorkerLostError("the worker was ended"));
      return Promise.resolve(true);
    },
    close: () => {
      closed = true;
      for (const job of queue.splice(0)) job.reject(new WorkerLostError("the pool is closed"));
      for (const worker of [...busy.keys(), ...idle]) lose(worker, new WorkerLostError("the pool is closed"));
      return Promise.resolve();
    },
  };
}
