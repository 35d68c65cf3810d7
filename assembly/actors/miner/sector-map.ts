/**
 * Sectors by deadline and partition, as messages name them; walked in ascending order.
 *
 * The reference keeps these in Go maps and sorts their keys with a comparison of positions instead of keys, so that its
 * order is undefined; every order gives the same state and gas unless a message fails half way.
 * Source: specs-actors builtin/miner/sector_map.go.
 */
import { BitField } from "../../ipld/bitfield";
import { Runtime } from "../../runtime/runtime";
import { ERR_ILLEGAL_ARGUMENT } from "../../types/exit-code";
import { PERIOD_DEADLINES } from "./policy";

/** Sector numbers by partition, ascending. */
@final
export class PartitionSectorMap {
  readonly partitions: Array<u64> = [];
  readonly sectors: Array<BitField> = [];

  get size(): i32 {
    return this.partitions.length;
  }

  add(rt: Runtime, partition: u64, sectors: BitField): void {
    let at = this.partitions.length;
    while (at > 0 && this.partitions[at - 1] >= partition) at--;
    if (at < this.partitions.length && this.partitions[at] == partition) {
      const merged = sectors.union(this.sectors[at]);
      rt.require(merged.valid, ERR_ILLEGAL_ARGUMENT, "sector bitfield is malformed");
      this.sectors[at] = merged;
      return;
    }
    this.partitions.push(partition);
    this.sectors.push(sectors);
    for (let i = this.partitions.length - 1; i > at; i--) {
      this.partitions[i] = this.partitions[i - 1];
      this.sectors[i] = this.sectors[i - 1];
    }
    this.partitions[at] = partition;
    this.sectors[at] = sectors;
  }
}

@final
export class DeadlineSectorMap {
  private readonly deadlines: Array<PartitionSectorMap | null> = [];

  /** Partitions of a deadline, or null if none was named. */
  at(deadline: u64): PartitionSectorMap | null {
    return deadline < <u64>this.deadlines.length ? this.deadlines[<i32>deadline] : null;
  }

  /** Adds sectors; a deadline beyond the last one is an illegal argument. */
  add(rt: Runtime, deadline: u64, partition: u64, sectors: BitField): void {
    rt.require(deadline < PERIOD_DEADLINES, ERR_ILLEGAL_ARGUMENT, "invalid deadline");
    const index = <i32>deadline;
    while (this.deadlines.length <= index) this.deadlines.push(null);
    let map = this.deadlines[index];
    if (map === null) {
      map = new PartitionSectorMap();
      this.deadlines[index] = map;
    }
    map.add(rt, partition, sectors);
  }

  /** Refuses malformed bitfields and more partitions or sectors than allowed. */
  check(rt: Runtime, maxPartitions: u64, maxSectors: u64): void {
    let partitions: u64 = 0;
    let sectors: u64 = 0;
    for (let d: u64 = 0; d < PERIOD_DEADLINES; d++) {
      const map = this.at(d);
      if (map === null) continue;
      partitions += <u64>map.size;
      for (let i = 0; i < map.size; i++) {
        rt.require(map.sectors[i].valid, ERR_ILLEGAL_ARGUMENT, "sector bitfield is malformed");
        const count = map.sectors[i].count();
        rt.require(count <= u64.MAX_VALUE - sectors, ERR_ILLEGAL_ARGUMENT, "overflow when counting sectors");
        sectors += count;
      }
    }
    rt.require(partitions <= maxPartitions, ERR_ILLEGAL_ARGUMENT, "too many partitions");
    rt.require(sectors <= maxSectors, ERR_ILLEGAL_ARGUMENT, "too many sectors");
  }
}
