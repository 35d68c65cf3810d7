/**
 * A storage miner's state in the terms of its callers: deadlines, partitions and their sets of sectors.
 * Source: specs-actors builtin/miner, v0.9.12 and v2.1.0; lotus chain/actors/builtin/miner.
 */
import { FilError } from "../base/errors.ts";
import type { Runs } from "../types/bit-runs.ts";
import { countRuns, hasBit, subtractRuns, unionRuns } from "../types/bit-runs.ts";
import { parseCid } from "../types/cid.ts";
import type { Json } from "../types/schema-codec.ts";
import type { JsonObject, ObjectReader } from "./actor-reader.ts";

export type MinerErrorData = { readonly code: "NO_DEADLINE" | "NO_SECTOR"; readonly wanted: string };
export class MinerStateError extends FilError<MinerErrorData> {}

export type Partition = {
  readonly deadline: number;
  readonly index: number;
  readonly all: Runs;
  readonly faulty: Runs;
  readonly recovering: Runs;
  readonly live: Runs;
  readonly active: Runs;
  readonly terminated: Runs;
  /** Not yet part of a window PoSt; empty before actors v2. */
  readonly unproven: Runs;
  /** Sets of sectors that expire, by the last epoch of their deadline. */
  readonly expirations: ObjectReader;
};

export type SectorExpiration = { readonly onTime: number; readonly early: number };

export function runsOf(json: Json | undefined): Runs {
  return ((json ?? []) as readonly (number | string)[]).map(BigInt);
}

/** CIDs of a miner's deadlines, as text. */
export async function dueOf(miner: ObjectReader): Promise<readonly string[]> {
  const { Due: due } = (await miner.object("Deadlines")) as { readonly Due: readonly { readonly "/": string }[] };
  return due.map((one) => one["/"]);
}

/** The states of all deadlines, in order: the list that names them is read once. */
export async function* openDeadlines(miner: ObjectReader): AsyncGenerator<ObjectReader> {
  for (const cid of await dueOf(miner)) yield miner.linked("Deadline", parseCid(cid));
}

/** The state of one deadline. Throws `MinerStateError` NO_DEADLINE. */
export async function openDeadline(miner: ObjectReader, index: number): Promise<ObjectReader> {
  const due = await dueOf(miner);
  const cid = due[index];
  if (cid === undefined)
    throw new MinerStateError(
      { code: "NO_DEADLINE", wanted: `${index}` },
      `invalid deadline index: ${index} >= ${due.length}`,
    );
  return miner.linked("Deadline", parseCid(cid));
}

/** Partitions of one deadline, in order. */
export async function* partitionsOf(miner: ObjectReader, deadline: number): AsyncGenerator<Partition> {
  yield* partitionsIn(await openDeadline(miner, deadline), deadline);
}

/** Partitions of the state of a deadline, in order; `deadline`: its index. */
export async function* partitionsIn(open: ObjectReader, deadline: number): AsyncGenerator<Partition> {
  for await (const [index, reader] of open.openElements("Partitions")) {
    const set = (name: string): Runs => runsOf(reader.has(name) ? reader.field(name) : []);
    const [all, terminated, faulty] = [set("Sectors"), set("Terminated"), set("Faults")];
    const live = subtractRuns(all, terminated);
    const unproven = set("Unproven");
    const active = subtractRuns(subtractRuns(live, faulty), unproven);
    const recovering = set("Recoveries");
    const sets = { all, faulty, recovering, live, active, terminated, unproven };
    yield { deadline, index: Number(index), ...sets, expirations: reader };
  }
}

/** All partitions of all deadlines. */
export async function* allPartitions(miner: ObjectReader): AsyncGenerator<Partition> {
  let deadline = 0;
  for await (const open of openDeadlines(miner)) yield* partitionsIn(open, deadline++);
}

/** One set of sectors over all partitions. */
export async function sectorsWhere(miner: ObjectReader, pick: (partition: Partition) => Runs): Promise<Runs> {
  let all: Runs = [];
  for await (const partition of allPartitions(miner)) all = unionRuns(all, pick(partition));
  return all;
}

export async function sectorCounts(miner: ObjectReader): Promise<{ live: bigint; active: bigint; faulty: bigint }> {
  const counts = { live: 0n, active: 0n, faulty: 0n };
  for await (const { live, active, faulty } of allPartitions(miner)) {
    counts.live += countRuns(live);
    counts.active += countRuns(active);
    counts.faulty += countRuns(faulty);
  }
  return counts;
}

/** The partition that holds a sector. Throws `MinerStateError` NO_SECTOR. */
export async function findSector(miner: ObjectReader, sector: bigint): Promise<Partition> {
  for await (const partition of allPartitions(miner)) if (hasBit(partition.all, sector)) return partition;
  throw new MinerStateError({ code: "NO_SECTOR", wanted: `${sector}` }, `sector ${sector} not due at any deadline`);
}

/** When a sector ends: on time, and early if it is faulty for too long; 0 where it does not. */
export async function sectorExpiration(miner: ObjectReader, sector: bigint): Promise<SectorExpiration> {
  const { terminated, expirations } = await findSector(miner, sector);
  if (hasBit(terminated, sector))
    throw new MinerStateError({ code: "NO_SECTOR", wanted: `${sector}` }, `sector ${sector} is terminated`);
  let [onTime, early] = [0, 0];
  for await (const [epoch, set] of expirations.elements("ExpirationsEpochs")) {
    const { OnTimeSectors, EarlySectors } = set as JsonObject;
    if (hasBit(runsOf(OnTimeSectors), sector)) onTime = Number(epoch);
    if (hasBit(runsOf(EarlySectors), sector)) early = Number(epoch);
  }
  if (onTime === 0 && early === 0)
    throw new MinerStateError({ code: "NO_SECTOR", wanted: `${sector}` }, `failed to find sector ${sector}`);
  return { onTime, early };
}

/**
 * Entries of the vesting table. From actors v16 on the state has the first itself, and none where nothing vests. Source:
 * go-state-types 8b01cf99da27 builtin/v16/miner/miner_types.go.
 */
async function vestingTable(miner: ObjectReader): Promise<readonly JsonObject[]> {
  if (miner.linksTo("VestingFunds")) {
    const { Funds: funds } = (await miner.object("VestingFunds")) as { readonly Funds: readonly JsonObject[] | null };
    return funds ?? [];
  }
  const table = miner.field("VestingFunds") as { readonly Head: JsonObject; readonly Tail: Json } | null;
  if (table === null) return [];
  return [table.Head, ...(((await miner.objectAt("VestingFundsTail", table.Tail)) ?? []) as readonly JsonObject[])];
}

/** Partitions of a deadline that were proven in this period: actors below v3 call them submissions. */
export function provenPartitions(deadline: ObjectReader): Runs {
  return runsOf(deadline.field(deadline.has("PartitionsPoSted") ? "PartitionsPoSted" : "PostSubmissions"));
}

/** attoFIL in the vesting table that are free at an epoch. */
export async function vestedFunds(miner: ObjectReader, epoch: number): Promise<bigint> {
  let sum = 0n;
  for (const { Epoch, Amount } of await vestingTable(miner)) {
    if ((Epoch as number) >= epoch) break;
    sum += BigInt(Amount as string);
  }
  return sum;
}

/** attoFIL that a miner may use: its balance less what is locked, deposited, pledged and owed. */
export function availableBalance(miner: ObjectReader, balance: bigint): bigint {
  const amount = (name: string): bigint => (miner.has(name) ? BigInt(miner.field(name) as string) : 0n);
  const pledge = amount(miner.has("InitialPledge") ? "InitialPledge" : "InitialPledgeRequirement");
  return balance - amount("LockedFunds") - amount("PreCommitDeposits") - pledge - amount("FeeDebt");
}

/** Key of a map by number. */
export function uvarint(value: bigint): Uint8Array {
  const out: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Uint8Array.from([...out, Number(rest)]);
    out.push(Number(rest & 0x7fn) | 0x80);
  }
}
