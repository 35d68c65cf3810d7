/** What goes wrong in a simulation that is nobody's fault, and when: crashes, partitions, bad links. All from the seed. */
import type { VirtualClock } from "./clock.ts";
import { type LinkFaults, type Links, NO_FAULTS } from "./links.ts";
import type { Random } from "./random.ts";

export const FAULT_KINDS = ["crash", "partition", "loss", "equivocate", "withhold", "invalid", "early"] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

const LOSSY: LinkFaults = { loss: 0.1, duplicate: 0.05, reorder: 0.08, slow: 0.2 };
/** Chance of a node to crash, an epoch; epochs that it stays down. */
const CRASH = { chance: 0.04, down: [0.05, 6] } as const;
/** Epochs of the first partition's begin, between two, and of one. */
const PARTITION = { first: [4, 12], between: [6, 25], lasts: [1, 12] } as const;

export type WeatherParts = {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly links: Links;
  readonly nodes: number;
  readonly faults: readonly FaultKind[];
  readonly epochMs: number;
  readonly isUp: (node: number) => boolean;
  readonly crash: (node: number) => void;
  readonly restart: (node: number) => void;
  readonly tell: (event: string, more: Readonly<Record<string, unknown>>) => void;
};

export function linkFaults(faults: readonly FaultKind[]): LinkFaults {
  return faults.includes("loss") ? LOSSY : NO_FAULTS;
}

export class Weather {
  private readonly parts: WeatherParts;
  private nextPartition: number;
  private healAt = Number.POSITIVE_INFINITY;

  constructor(parts: WeatherParts) {
    this.parts = parts;
    this.nextPartition = parts.random.between(...PARTITION.first);
  }

  /** Makes what is to go wrong in an epoch that begins now. */
  epoch(epoch: number): void {
    const { faults } = this.parts;
    if (faults.includes("partition")) this.partitions(epoch);
    if (faults.includes("crash")) this.crashes();
  }

  /** From now on nothing goes wrong: links are good, all nodes come back. */
  calm(): void {
    const { links, nodes, isUp, restart, tell } = this.parts;
    links.faults = NO_FAULTS;
    if (links.isParted) tell("healed", {});
    links.heal();
    for (let node = 0; node < nodes; node++) if (!isUp(node)) restart(node);
  }

  private partitions(epoch: number): void {
    const { random, links, nodes, tell } = this.parts;
    if (epoch >= this.healAt) {
      this.healAt = Number.POSITIVE_INFINITY;
      this.nextPartition = epoch + random.between(...PARTITION.between);
      links.heal();
      tell("healed", {});
    }
    if (epoch !== this.nextPartition) return;
    const order = random.shuffled(Array.from({ length: nodes }, (_, i) => i));
    const cut = random.between(1, nodes - 1);
    const groups = [order.slice(0, cut), order.slice(cut)].map((group) => group.sort((a, b) => a - b));
    this.healAt = epoch + random.between(...PARTITION.lasts);
    links.partition(groups);
    tell("parted", { groups, until: this.healAt });
  }

  private crashes(): void {
    const { random, clock, nodes, epochMs, isUp, crash, restart } = this.parts;
    for (let node = 0; node < nodes; node++) {
      if (!random.chance(CRASH.chance)) continue;
      const [least, most] = CRASH.down;
      const at = random.next() * epochMs;
      const down = (least + random.next() ** 2 * (most - least)) * epochMs;
      clock.after(at, () => {
        const others = Array.from({ length: nodes }, (_, i) => i).filter((i) => i !== node && isUp(i));
        if (!isUp(node) || others.length < nodes / 2) return;
        crash(node);
        clock.after(down, () => {
          if (!isUp(node)) restart(node);
        });
      });
    }
  }
}
