/**
 * Which deadline a new sector goes to.
 *
 * Wanted, in this order: a deadline below the limit of partitions (v2); fewest partitions after compaction, counting
 * the new sector; fewest partitions as they are; an open partition, the fullest first; fewest live sectors; lowest
 * index. Each sector changes the counts for the next one.
 * Source: specs-actors builtin/miner/deadline_assignment.go (which keeps a heap; the order is total, so the first is
 * the same).
 */
import { Runtime } from "../../runtime/runtime";
import { Deadline, SectorOnChainInfo } from "./codec.gen";
import { MAX_PARTITIONS_PER_DEADLINE, PERIOD_DEADLINES } from "./policy";

/** Sectors of a deadline, counted while sectors are handed out. */
@final
class Load {
  constructor(
    readonly index: i32,
    public live: u64,
    public total: u64,
  ) {}
}

function partitionsFor(sectors: u64, size: u64): u64 {
  return sectors / size + (sectors % size == 0 ? 0 : 1);
}

function comesBefore(a: Load, b: Load, size: u64, maxSectors: u64): bool {
  const fullA = a.total >= maxSectors;
  const fullB = b.total >= maxSectors;
  if (fullA != fullB) return fullB;
  const compactA = partitionsFor(a.live + 1, size);
  const compactB = partitionsFor(b.live + 1, size);
  if (compactA != compactB) return compactA < compactB;
  const partitionsA = partitionsFor(a.total + 1, size);
  const partitionsB = partitionsFor(b.total + 1, size);
  if (partitionsA != partitionsB) return partitionsA < partitionsB;
  const openA = a.total % size != 0;
  const openB = b.total % size != 0;
  if (openA != openB) return openA;
  if (openA && a.total != b.total) return a.total > b.total;
  if (a.live != b.live) return a.live < b.live;
  return a.index < b.index;
}

/**
 * Sectors for each deadline (an empty list for none). `deadlines` holds null where nothing may be added. From v2 on it
 * is an illegal state if every deadline is full.
 */
export function assignDeadlines(
  rt: Runtime,
  partitionSize: u64,
  deadlines: Array<Deadline | null>,
  sectors: Array<SectorOnChainInfo>,
): Array<Array<SectorOnChainInfo>> {
  const out: Array<Array<SectorOnChainInfo>> = [];
  const loads: Array<Load> = [];
  for (let i = 0; i < <i32>PERIOD_DEADLINES; i++) {
    out.push([]);
    const deadline = deadlines[i];
    if (deadline !== null) loads.push(new Load(i, deadline.liveSectors, deadline.totalSectors));
  }
  rt.invariant(sectors.length == 0 || (loads.length > 0 && partitionSize != 0), "no deadline to assign to");
  const maxSectors = rt.version.minerLimitsPartitions ? partitionSize * MAX_PARTITIONS_PER_DEADLINE : u64.MAX_VALUE;
  for (let i = 0; i < sectors.length; i++) {
    let best = loads[0];
    for (let j = 1; j < loads.length; j++) {
      if (comesBefore(loads[j], best, partitionSize, maxSectors)) best = loads[j];
    }
    if (best.total >= maxSectors) rt.fail("every deadline has its most partitions");
    out[best.index].push(sectors[i]);
    best.live++;
    best.total++;
  }
  return out;
}
