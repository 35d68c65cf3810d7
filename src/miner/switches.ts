/** What miners are told not to do: a laboratory's hold on them. */
import type { Rewind } from "../base/rewind.ts";
import type { HeldMiner } from "./own-sectors.ts";

export class MinerSwitches {
  private readonly stopped = new Set<string>();
  /** Deadlines whose proofs are left out, by miner; "all": every one. */
  private readonly skipping = new Map<string, "all" | ReadonlySet<number>>();

  /** Whether a miner tries for blocks and proves its sectors. */
  isOn = (miner: HeldMiner): boolean => !this.stopped.has(nameOf(miner));

  mayProve = (miner: HeldMiner, deadline: number): boolean => {
    const left = this.skipping.get(nameOf(miner));
    return left === undefined || (left !== "all" && !left.has(deadline));
  };

  turn(miner: HeldMiner, on: boolean): void {
    if (on) this.stopped.delete(nameOf(miner));
    else this.stopped.add(nameOf(miner));
  }

  /** From now on the proofs of these deadlines are left out; of none: all are made again. */
  skip(miner: HeldMiner, deadlines: "all" | readonly number[]): void {
    if (deadlines === "all") this.skipping.set(nameOf(miner), "all");
    else if (deadlines.length === 0) this.skipping.delete(nameOf(miner));
    else this.skipping.set(nameOf(miner), new Set(deadlines));
  }

  remember(): Rewind {
    const [stopped, skipping] = [[...this.stopped], [...this.skipping]];
    return () => {
      this.stopped.clear();
      for (const name of stopped) this.stopped.add(name);
      this.skipping.clear();
      for (const [name, left] of skipping) this.skipping.set(name, left);
    };
  }

  /** Deadlines that are left out. */
  skipped(miner: HeldMiner): "all" | readonly number[] {
    const left = this.skipping.get(nameOf(miner)) ?? [];
    return left === "all" ? left : [...left].sort((a, b) => a - b);
  }
}

function nameOf({ address }: HeldMiner): string {
  return address.toString();
}
