/**
 * Sectors grouped by the queue entry in which they expire.
 *
 * v0 takes each sector at its word: it expires at its expiration, rounded up. v2 looks into those entries and, for
 * sectors that are not there (they were rescheduled when another sector replaced them), walks the queue.
 * Source: specs-actors builtin/miner/expiration_queue.go.
 */
import { Big } from "../../../base/big";
import { Runtime } from "../../../runtime/runtime";
import { ExpirationSet, PowerPair, SectorOnChainInfo } from "../codec.gen";
import { powerPair } from "../power-pair";
import { QuantSpec } from "../quantize";
import { qaPowerOfSector } from "../sector-power";

/** Sectors of one queue entry. */
@final
export class SectorGroup {
  readonly numbers: Array<u64> = [];
  qa: Big = Big.ZERO;
  pledge: Big = Big.ZERO;

  constructor(
    readonly epoch: i64,
    private readonly sectorSize: u64,
    /** The entry, where it was looked up. */
    readonly set: ExpirationSet | null = null,
  ) {}

  add(rt: Runtime, sector: SectorOnChainInfo): void {
    this.numbers.push(sector.sectorNumber);
    this.qa = this.qa.add(qaPowerOfSector(rt, this.sectorSize, sector));
    this.pledge = this.pledge.add(sector.initialPledge);
  }

  get power(): PowerPair {
    return powerPair(Big.fromU64(this.sectorSize).mul(Big.fromU64(this.numbers.length)), this.qa);
  }
}

/** Groups by declared expiration, earliest first; sectors of a group keep their order. */
export function groupByDeclared(
  rt: Runtime,
  sectorSize: u64,
  sectors: Array<SectorOnChainInfo>,
  quant: QuantSpec,
): Array<SectorGroup> {
  const byEpoch = new Map<i64, SectorGroup>();
  const groups: Array<SectorGroup> = [];
  for (let i = 0; i < sectors.length; i++) {
    const epoch = quant.up(sectors[i].expiration);
    let group: SectorGroup;
    if (byEpoch.has(epoch)) group = byEpoch.get(epoch);
    else {
      group = new SectorGroup(epoch, sectorSize);
      byEpoch.set(epoch, group);
      groups.push(group);
    }
    group.add(rt, sectors[i]);
  }
  sortGroups(groups);
  return groups;
}

export function sortGroups(groups: Array<SectorGroup>): void {
  groups.sort((a: SectorGroup, b: SectorGroup): i32 => (a.epoch < b.epoch ? -1 : a.epoch > b.epoch ? 1 : 0));
}

/** Sectors not yet found, by number. */
@final
export class Wanted {
  private readonly sectors: Map<u64, SectorOnChainInfo> = new Map<u64, SectorOnChainInfo>();

  constructor(sectors: Array<SectorOnChainInfo>) {
    for (let i = 0; i < sectors.length; i++) this.sectors.set(sectors[i].sectorNumber, sectors[i]);
  }

  get size(): i32 {
    return this.sectors.size;
  }

  has(number: u64): bool {
    return this.sectors.has(number);
  }

  /** Takes the wanted sectors that are on time in `set` out of the search; null if there is none. */
  take(rt: Runtime, sectorSize: u64, epoch: i64, set: ExpirationSet): SectorGroup | null {
    const group = new SectorGroup(epoch, sectorSize, set);
    const cursor = set.onTimeSectors.cursor();
    while (cursor.next()) {
      if (!this.sectors.has(cursor.id)) continue;
      group.add(rt, this.sectors.get(cursor.id));
      this.sectors.delete(cursor.id);
    }
    return group.numbers.length > 0 ? group : null;
  }
}
