/**
 * A miner's sectors as its deadlines and partitions hold them.
 * The state's fields: `src/schema/actors/miner.ts`.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import type { BlockSource } from "../storage/contract.ts";
import type { NetworkPrefix } from "../types/address.ts";
import type { Runs } from "../types/bit-runs.ts";
import { cidKey, parseCid } from "../types/cid.ts";
import type { Json } from "../types/schema-codec.ts";
import { ObjectReader } from "./actor-reader.ts";
import { dueOf, partitionsIn } from "./miner-reader.ts";
import { type ActorEntry, StateError } from "./state-view.ts";

/** Sector numbers, ascending. */
export type SectorSet = readonly number[];

export type Partition = {
  readonly deadline: number;
  readonly partition: number;
  /** All, including faulty and terminated ones. */
  readonly sectors: SectorSet;
  readonly faults: SectorSet;
  readonly recoveries: SectorSet;
  readonly terminated: SectorSet;
  /** Not yet part of a window PoSt; empty before actors v2. */
  readonly unproven: SectorSet;
};

/** Sectors of one set that are written out. Source: lotus, bitfields of partitions (2,349 sectors of 32 GiB at most). */
const MAX_SECTORS = 1 << 20;

/** Bits of run lengths that begin with zeros, also as JSON spells them. Throws `StateError` beyond 2^20 bits. */
export function sectorsOf(runs: Runs | Json): SectorSet {
  const out: number[] = [];
  let at = 0;
  (Array.isArray(runs) ? runs : []).forEach((run, i) => {
    const length = Number(run);
    if (i % 2 === 1) {
      if (out.length + length > MAX_SECTORS)
        throw new StateError({ code: "BAD_STATE", reason: "bitfield" }, `a set of more than ${MAX_SECTORS} sectors`);
      for (let j = 0; j < length; j++) out.push(at + j);
    }
    at += length;
  });
  return out;
}

/** `all` without `without`. Both ascending. */
export function without(all: SectorSet, ...sets: readonly SectorSet[]): SectorSet {
  const gone = new Set(sets.flat());
  return all.filter((sector) => !gone.has(sector));
}

type PartitionOfDeadline = Omit<Partition, "deadline">;

/** Deadlines kept, by their CIDs: most are the same from epoch to epoch. A miner has 48. */
const KEPT_DEADLINES = 2048;
/** Miners whose list of deadlines is kept, by the list's CID. */
const KEPT_LISTS = 64;
/** Deadlines of more sectors are read anew each time. */
const MAX_KEPT_SECTORS = 4096;

/** What was read from one source of blocks; content by its CID, so never out of date. */
class Kept {
  /** CIDs of a miner's deadlines. */
  readonly lists = new BoundedMap<string, readonly string[]>(KEPT_LISTS);
  readonly deadlines = new BoundedMap<string, readonly PartitionOfDeadline[]>(KEPT_DEADLINES);
}
const kept = new WeakMap<BlockSource, Kept>();

/** All partitions of a miner, deadline by deadline. */
export async function* partitionsOf(
  blocks: BlockSource,
  entry: ActorEntry,
  prefix: NetworkPrefix,
): AsyncGenerator<Partition> {
  const miner = await ObjectReader.open(blocks, entry, prefix);
  const known = kept.get(blocks) ?? new Kept();
  kept.set(blocks, known);
  const name = cidKey(miner.cidOf("Deadlines"));
  const due = known.lists.get(name) ?? (await dueOf(miner));
  known.lists.set(name, due);
  for (const [index, cid] of due.entries()) {
    let partitions = known.deadlines.get(cid);
    if (partitions === undefined) {
      partitions = await readDeadline(miner, cid);
      const sectors = partitions.reduce((sum, one) => sum + one.sectors.length, 0);
      if (sectors <= MAX_KEPT_SECTORS) known.deadlines.set(cid, partitions);
    }
    for (const partition of partitions) yield { ...partition, deadline: index };
  }
}

async function readDeadline(miner: ObjectReader, cid: string): Promise<readonly PartitionOfDeadline[]> {
  const out: PartitionOfDeadline[] = [];
  const deadline = await miner.linked("Deadline", parseCid(cid));
  for await (const { index, all, faulty, recovering, terminated, unproven } of partitionsIn(deadline, 0))
    out.push({
      partition: index,
      sectors: sectorsOf(all),
      faults: sectorsOf(faulty),
      recoveries: sectorsOf(recovering),
      terminated: sectorsOf(terminated),
      unproven: sectorsOf(unproven),
    });
  return out;
}
