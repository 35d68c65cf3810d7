/** One run of a node, from its start to its stop. */
import { toHex } from "../base/bytes.ts";

export class NodeRun {
  /** A random UUID (version 4). */
  readonly session: string;
  /** Milliseconds since 1970. */
  readonly started: number;
  private ended = false;
  private readonly listeners = new Set<() => void>();

  constructor(randomBytes: (length: number) => Uint8Array, now: number) {
    const bytes = randomBytes(16);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    this.session = toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    this.started = now;
  }

  /** Calls `listener` when the node stops, until the function that is returned is called. */
  onStop(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Whether it is stopping or has stopped. */
  get isStopped(): boolean {
    return this.ended;
  }

  stopped(): void {
    this.ended = true;
    for (const listener of [...this.listeners]) listener();
  }
}
