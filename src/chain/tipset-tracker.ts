/** Blocks that came one by one: which of them make one tipset. Source: lotus chain/store/store.go (expandTipset). */
import { type BlockHeader, headerCid, makeTipset, type Tipset } from "../types/block-header.ts";

/** Blocks of one epoch that are looked at; an epoch has five on average. */
const MAX_BLOCKS = 256;

export class TipsetTracker {
  /** Headers by epoch, by CID. */
  private readonly epochs = new Map<number, Map<string, BlockHeader>>();

  /** Takes a header; one of more than `MAX_BLOCKS` of its epoch is left out. */
  add(header: BlockHeader): void {
    const known = this.epochs.get(header.height) ?? new Map<string, BlockHeader>();
    this.epochs.set(header.height, known);
    if (known.size < MAX_BLOCKS) known.set(`${headerCid(header)}`, header);
  }

  /** The largest tipset with this header: one block of each miner that has the same epoch and parents. */
  expand(header: BlockHeader): Tipset {
    const parents = header.parents.join();
    const miners = new Set([header.miner.toString()]);
    const members = [header];
    for (const other of this.epochs.get(header.height)?.values() ?? []) {
      if (other.parents.join() !== parents || miners.has(other.miner.toString())) continue;
      miners.add(other.miner.toString());
      members.push(other);
    }
    return makeTipset(members);
  }

  /** The headers of an epoch that are known, in the order in which they came. */
  at(height: number): readonly BlockHeader[] {
    return [...(this.epochs.get(height)?.values() ?? [])];
  }

  /** Forgets the epochs after `height`: their blocks were never made. */
  forgetAbove(height: number): void {
    for (const epoch of this.epochs.keys()) if (epoch > height) this.epochs.delete(epoch);
  }

  /** Forgets the epochs before `height`: nothing can be added to them any more. */
  forgetBelow(height: number): void {
    for (const epoch of this.epochs.keys()) if (epoch < height) this.epochs.delete(epoch);
  }
}
