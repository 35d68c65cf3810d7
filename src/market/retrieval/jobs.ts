/** Retrievals that go on by themselves, under numbers: begun, waited for, given up. */
import { BoundedMap } from "../../base/bounded-map.ts";
import { RetrievalError } from "./errors.ts";

type Job = { readonly done: Promise<void>; readonly abort: AbortController };

/** Jobs that run at the same time, and whose ends are remembered. */
const MAX_RUNNING = 256;
const MAX_ENDS = 4096;

export class RetrievalJobs {
  private readonly running = new Map<bigint, Job>();
  private readonly ends = new BoundedMap<bigint, { readonly error: unknown }>(MAX_ENDS);

  /** Throws `RetrievalError` BUSY. `work` ends by its signal. */
  begin(id: bigint, work: (signal: AbortSignal) => Promise<unknown>): void {
    if (this.running.size >= MAX_RUNNING)
      throw new RetrievalError({ code: "BUSY" }, `${MAX_RUNNING} retrievals are under way, as many as may be`);
    const abort = new AbortController();
    const done = work(abort.signal)
      .then(
        () => this.ends.set(id, { error: null }),
        (error: unknown) => this.ends.set(id, { error }),
      )
      .then(() => void this.running.delete(id));
    this.running.set(id, { done, abort });
  }

  /** Whether one goes on, or its end is remembered. */
  knows(id: bigint): boolean {
    return this.running.has(id) || this.ends.get(id) !== undefined;
  }

  /** Resolves when one has ended well; rejects with why it did not, with UNKNOWN, or with the signal's reason. */
  async wait(id: bigint, signal: AbortSignal): Promise<void> {
    const job = this.running.get(id);
    if (job !== undefined)
      await new Promise<void>((resolve, reject) => {
        const stop = (): void => reject(signal.reason);
        if (signal.aborted) stop();
        signal.addEventListener("abort", stop, { once: true });
        void job.done.then(resolve).finally(() => signal.removeEventListener("abort", stop));
      });
    const end = this.ends.get(id);
    if (end === undefined) throw new RetrievalError({ code: "UNKNOWN" }, `no retrieval ${id} was begun here`);
    if (end.error !== null) throw end.error;
  }

  /** Gives one up; throws UNKNOWN for one that does not go on. */
  cancel(id: bigint): void {
    const job = this.running.get(id);
    if (job === undefined) throw new RetrievalError({ code: "UNKNOWN" }, `no retrieval ${id} is under way`);
    job.abort.abort(new RetrievalError({ code: "CANCELLED" }, "the retrieval was given up"));
  }
}
