/** Notes of the pool for people, kept for the first who listens. */
import type { PoolNote } from "./parts.ts";

/** Notes that wait for the first listener. */
const MAX_UNHEARD = 100;

export class PoolNotes {
  private readonly listeners = new Set<(note: PoolNote) => void>();
  private unheard: PoolNote[] = [];

  /** Calls `listener` at every note until the returned function is called; at once with the last 100 that nobody heard. */
  listen(listener: (note: PoolNote) => void): () => void {
    this.listeners.add(listener);
    for (const note of this.unheard.splice(0)) listener(note);
    return () => this.listeners.delete(listener);
  }

  tell(note: PoolNote): void {
    if (this.listeners.size === 0) this.unheard = [...this.unheard.slice(1 - MAX_UNHEARD), note];
    for (const listener of this.listeners) listener(note);
  }
}
