/**
 * Time that passes by events: nothing here knows what the hour is outside.
 *
 * One event at a time happens; all that follows from it without waiting ends before the next one. Events of one moment
 * happen in the order in which they were made. What belongs to a life that has ended does not happen.
 */
import type { Sleep } from "../sync/peers.ts";

/** A stay of a node in the world, from its start to its crash or its stop. */
export type Life = { alive: boolean };

type Event = { readonly at: number; readonly order: number; readonly life: Life | null; run: (() => void) | null };

export class VirtualClock {
  /** Events that happened. */
  passed = 0;
  private time: number;
  private made = 0;
  /** A binary heap, the next event first. */
  private readonly heap: Event[] = [];
  private readonly drain: () => Promise<void>;

  /**
   * `start`: milliseconds since 1970. `drain` resolves when every promise that waits for no event is settled: a turn of
   * the machine's own event loop.
   */
  constructor(start: number, drain: () => Promise<void>) {
    this.time = start;
    this.drain = drain;
  }

  readonly now = (): number => this.time;

  /** Events that are still to happen. */
  get waiting(): number {
    return this.heap.length;
  }

  /** Makes something happen after some milliseconds; the function given back prevents it. */
  after(ms: number, run: () => void, life: Life | null = null): () => void {
    const event: Event = { at: this.time + Math.max(0, ms), order: this.made++, life, run };
    this.push(event);
    return () => {
      event.run = null;
    };
  }

  /** Waiting, for one life: nobody wakes after it has ended. */
  sleepOf(life: Life): Sleep {
    return (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        const stop = (): void => {
          cancel();
          reject(signal.reason);
        };
        const wake = (): void => {
          signal.removeEventListener("abort", stop);
          resolve();
        };
        const cancel = this.after(ms, wake, life);
        signal.addEventListener("abort", stop, { once: true });
      });
  }

  /** Lets everything happen up to a moment, which is now afterwards. */
  async runUntil(end: number): Promise<void> {
    await this.drain();
    for (let next = this.heap[0]; next !== undefined && next.at <= end; next = this.heap[0]) {
      this.pop();
      if (next.run === null || next.life?.alive === false) continue;
      this.time = next.at;
      this.passed++;
      next.run();
      await this.drain();
    }
    this.time = Math.max(this.time, end);
  }

  private push(event: Event): void {
    const { heap } = this;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(event, heap[above] as Event)) break;
      heap[at] = heap[above] as Event;
      at = above;
    }
    heap[at] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Event, heap[below] as Event)) below++;
      if (below >= heap.length || !isBefore(heap[below] as Event, last)) break;
      heap[at] = heap[below] as Event;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** One turn of the event loop of whatever this runs in: every promise that waits for no event is settled then. */
export function turn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (run: () => void) => void };
  return new Promise((resolve) => {
    if (setImmediate !== undefined) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
