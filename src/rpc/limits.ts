/** Bounds on what calls cost: time for each, turns for the dear ones, and breath for everybody else. */
import { RPC_CODE, RpcError } from "./errors.ts";
import type { Cost } from "./method.ts";

/** Milliseconds that a call may take. Waits end with their caller. */
const CALL_MS: Readonly<Record<Cost, number | null>> = {
  light: 10_000,
  walk: 30_000,
  execute: 30_000,
  wait: null,
};

/** Dear calls that run at once, and how many more may stand in line. */
const AT_ONCE: Readonly<Partial<Record<Cost, number>>> = { walk: 4, execute: 4 };
const IN_LINE = 512;

/** Lets other work run; throws the signal's reason when the call has ended meanwhile. */
export async function breathe(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
  signal.throwIfAborted();
}

/** Milliseconds of work between two breaths. */
const STRETCH_MS = 8;

/** A function for long loops: breathes when the loop has held the thread for a while. */
export function breather(signal: AbortSignal): () => Promise<void> | undefined {
  let since = Date.now();
  return () => {
    if (Date.now() - since < STRETCH_MS) return undefined;
    return breathe(signal).then(() => {
      since = Date.now();
    });
  };
}

/** Ends the call, and its work through the signal, when it takes too long or is aborted. */
export async function withTimeLimit<T>(
  name: string,
  cost: Cost,
  abort: AbortController,
  work: () => Promise<T>,
): Promise<T> {
  const { signal } = abort;
  const limit = CALL_MS[cost];
  const late = () =>
    abort.abort(new RpcError(RPC_CODE.limit, `${name} took over ${(limit ?? 0) / 1000} seconds and was ended`));
  const timer = limit === null ? undefined : setTimeout(late, limit);
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([aborted, work()]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

type Waiting = { readonly start: () => void };

/** Turns of dear calls. */
export class Gates {
  private readonly running = new Map<Cost, number>();
  private readonly lines = new Map<Cost, Waiting[]>();

  async run<T>(cost: Cost, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const most = AT_ONCE[cost];
    if (most === undefined) return work();
    await this.enter(cost, most, signal);
    try {
      return await work();
    } finally {
      this.leave(cost);
    }
  }

  private enter(cost: Cost, most: number, signal: AbortSignal): Promise<void> | undefined {
    const running = this.running.get(cost) ?? 0;
    if (running < most) {
      this.running.set(cost, running + 1);
      return undefined;
    }
    const line = this.lines.get(cost) ?? [];
    this.lines.set(cost, line);
    if (line.length >= IN_LINE) throw new RpcError(RPC_CODE.limit, "the node is busy: too many such calls are waiting");
    return new Promise((resolve, reject) => {
      const gone = (): void => {
        line.splice(line.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        start: () => {
          signal.removeEventListener("abort", gone);
          resolve();
        },
      };
      line.push(waiting);
      signal.addEventListener("abort", gone, { once: true });
    });
  }

  /** Hands the turn to the next in line, or gives it back. */
  private leave(cost: Cost): void {
    const next = this.lines.get(cost)?.shift();
    if (next !== undefined) next.start();
    else this.running.set(cost, (this.running.get(cost) ?? 1) - 1);
  }
}
