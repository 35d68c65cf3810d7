/** Sectors popped from the early termination queues, by epoch. Source: specs-actors builtin/miner/termination.go. */
import { BitField } from "../../ipld/bitfield";

@final
export class TerminationResult {
  /** Ascending. */
  readonly epochs: Array<i64> = [];
  readonly sectors: Array<BitField> = [];
  partitionsProcessed: u64 = 0;
  sectorsProcessed: u64 = 0;

  get isEmpty(): bool {
    return this.sectorsProcessed == 0;
  }

  /** True while more may be processed. */
  isBelow(maxPartitions: u64, maxSectors: u64): bool {
    return this.partitionsProcessed < maxPartitions && this.sectorsProcessed < maxSectors;
  }

  put(epoch: i64, sectors: BitField): void {
    let at = 0;
    while (at < this.epochs.length && this.epochs[at] < epoch) at++;
    if (at < this.epochs.length && this.epochs[at] == epoch) {
      this.sectors[at] = this.sectors[at].union(sectors);
      return;
    }
    this.epochs.push(epoch);
    this.sectors.push(sectors);
    for (let i = this.epochs.length - 1; i > at; i--) {
      this.epochs[i] = this.epochs[i - 1];
      this.sectors[i] = this.sectors[i - 1];
    }
    this.epochs[at] = epoch;
    this.sectors[at] = sectors;
  }

  add(other: TerminationResult): void {
    this.partitionsProcessed += other.partitionsProcessed;
    this.sectorsProcessed += other.sectorsProcessed;
    for (let i = 0; i < other.epochs.length; i++) this.put(other.epochs[i], other.sectors[i]);
  }
}
