/** The chain of one node as it was told by the moves of its head: keys by height, for comparing nodes without asking them. */
import type { Chain, HeadChange } from "../chain/chain.ts";
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";

export type Vertebra = { readonly height: number; readonly key: string };

export class Spine {
  /** Ascending. */
  private all: Vertebra[] = [];

  /** Takes the whole chain anew: after a start. */
  async read(chain: Chain): Promise<void> {
    const found: Vertebra[] = [];
    for (let at: Tipset | null = chain.head; at !== null; at = await chain.parent(at)) found.push(vertebraOf(at));
    this.all = found.reverse();
  }

  moved(changes: readonly HeadChange[]): void {
    for (const { type, tipset } of changes) {
      if (type === "revert") this.all.pop();
      else if (type === "apply") this.all.push(vertebraOf(tipset));
    }
  }

  get head(): Vertebra {
    return this.all[this.all.length - 1] ?? { height: 0, key: "" };
  }

  /** The highest tipset of this chain at or below a height. */
  atOrBefore(height: number): Vertebra | undefined {
    return this.all.findLast((one) => one.height <= height);
  }

  /** Height of the last tipset that both chains have. */
  commonWith(other: Spine): number {
    let [low, high] = [0, Math.min(this.all.length, other.all.length)];
    // Chains that part do not meet again.
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.all[middle - 1]?.key === other.all[middle - 1]?.key) low = middle;
      else high = middle - 1;
    }
    return this.all[low - 1]?.height ?? 0;
  }
}

export function vertebraOf({ height, key }: Tipset): Vertebra {
  return { height, key: tipsetKeyText(key) };
}
