/**
 * Whether this node's clock is right, as far as its peers can tell: hello gives the offset of each. A clock that is wrong by
 * more than blocks may be early makes a node refuse what the others take.
 */
import { Alert } from "../base/alert.ts";
import { BLOCK_LIMITS } from "../consensus/limits.ts";

const MAX_PEERS = 64;

export class ClockWatch {
  /** Active while most peers' clocks differ from this one. */
  readonly alert = new Alert("sync", "clock");
  private readonly offsets = new Map<string, number>();

  /** `offset`: milliseconds by which a peer's clock is ahead of this one. */
  note(peer: string, offset: number): void {
    this.offsets.delete(peer);
    this.offsets.set(peer, offset);
    if (this.offsets.size > MAX_PEERS) this.offsets.delete(this.offsets.keys().next().value as string);
    this.judge();
  }

  forget(peer: string): void {
    this.offsets.delete(peer);
    this.judge();
  }

  /** Milliseconds by which the clocks of most peers are ahead of this one: the median. Null without peers. */
  offset(): number | null {
    const all = [...this.offsets.values()].sort((a, b) => a - b);
    return all[all.length >> 1] ?? null;
  }

  private judge(): void {
    const offset = this.offset();
    const limit = BLOCK_LIMITS.clockDriftSeconds * 1000;
    if (offset === null || Math.abs(offset) <= limit) {
      this.alert.resolve("the peers' clocks agree with this one");
      return;
    }
    const seconds = (Math.abs(offset) / 1000).toFixed(1);
    const side = offset > 0 ? "behind" : "ahead of";
    this.alert.raise(
      `this computer's clock is ${seconds} s ${side} the clocks of ${this.offsets.size} peers: set it, or blocks are refused`,
    );
  }
}
