/** What happened in a simulation, line by line, and a digest of all of it: the same seed gives the same digest. */
import { blake2b } from "@noble/hashes/blake2.js";
import { toHex, utf8 } from "../base/bytes.ts";
import { EPOCH_SECONDS, GENESIS_TIME } from "./world.ts";

/** `at`: milliseconds since the genesis; `node`: its index, or null where it is nobody's. */
export type TraceLine = { readonly at: number; readonly epoch: number; readonly node: number | null } & {
  readonly event: string;
  readonly [more: string]: unknown;
};

export class Trace {
  /** Lines so far. */
  count = 0;
  private readonly hash = blake2b.create({ dkLen: 16 });
  private readonly now: () => number;
  private readonly onLine: (line: TraceLine) => void;

  constructor(now: () => number, onLine: (line: TraceLine) => void = () => undefined) {
    this.now = now;
    this.onLine = onLine;
  }

  /** Epoch of the network's clock. */
  get epoch(): number {
    return Math.floor((this.now() / 1000 - GENESIS_TIME) / EPOCH_SECONDS);
  }

  tell(node: number | null, event: string, more: Readonly<Record<string, unknown>> = {}): void {
    const line = { at: this.now() - 1000 * GENESIS_TIME, epoch: this.epoch, node, event, ...more };
    this.count++;
    this.hash.update(utf8(`${JSON.stringify(line)}\n`));
    this.onLine(line);
  }

  /** Of all lines so far, 32 hexadecimal digits. */
  digest(): string {
    return toHex(this.hash.clone().digest());
  }
}
