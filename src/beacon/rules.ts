/**
 * Which entries a block must carry, and whether it does.
 *
 * Chained: every round since the last entry, each signed over the one before it; where a new chained network takes over,
 * exactly two, the second proved by the first. Unchained: one entry for each epoch since the parent's, null rounds
 * included. None where the epoch's round is the one that the chain has already.
 * Source: lotus chain/beacon/beacon.go.
 */
import type { Bls } from "../core/bls.ts";
import type { BeaconEntry } from "../types/block-header.ts";
import { type DrandInfo, type EpochTimes, isChained, maxRoundAt, sameDrand, verifyEntry } from "./drand.ts";
import { BeaconError } from "./errors.ts";
import { type BeaconSchedule, beaconAt } from "./networks.ts";

/** A block on top of a parent, as far as its beacon entries go. */
export type EntryContext = {
  readonly schedule: BeaconSchedule;
  readonly times: EpochTimes;
  readonly networkVersion: number;
  readonly epoch: number;
  readonly parentEpoch: number;
  /** The newest entry in the parent tipset or below; round 0 if there is none. */
  readonly previous: BeaconEntry;
};

/** Verifies entries; whoever gives one may remember what was verified. */
export type VerifyEntry = (info: DrandInfo, entry: BeaconEntry, previous: Uint8Array) => boolean;

export function verifierOf(bls: Bls): VerifyEntry {
  return (info, entry, previous) => verifyEntry(bls, info, entry, previous);
}

/** Throws `BeaconError` if a block may not carry `entries`. */
export function checkEntries(context: EntryContext, entries: readonly BeaconEntry[], verify: VerifyEntry): void {
  const { schedule, times, networkVersion, epoch, parentEpoch, previous } = context;
  const info = beaconAt(schedule, epoch);
  const isSwitch = !sameDrand(beaconAt(schedule, parentEpoch), info);
  if (isSwitch && isChained(info)) {
    const [first, second] = entries;
    if (entries.length !== 2 || first === undefined || second === undefined) throw wrongCount(2, entries.length);
    if (!verify(info, second, first.data)) throw badSignature(1, second);
    return;
  }
  const last = maxRoundAt(info, times, epoch, networkVersion);
  if (last === previous.round) {
    if (entries.length !== 0) throw wrongCount(0, entries.length);
    return;
  }
  const newest = entries[entries.length - 1];
  if (newest === undefined)
    throw new BeaconError({ code: "ENTRIES_MISSING" }, `no beacon entry, round ${last} is due at epoch ${epoch}`);
  // The first entry of a chained network has nothing to be proved by.
  if (isChained(info) && previous.round === 0n) return;
  if (newest.round !== last) throw wrongRound(entries.length - 1, last, newest.round);
  if (!isChained(info))
    entries.forEach((entry, i) => {
      const due = maxRoundAt(info, times, parentEpoch + 1 + i, networkVersion);
      if (entry.round !== due) throw wrongRound(i, due, entry.round);
    });
  let before = previous.data;
  entries.forEach((entry, i) => {
    if (!verify(info, entry, before)) throw badSignature(i, entry);
    before = entry.data;
  });
}

/** Entries of one header: the longest list that the network's nodes read. Source: cbor-gen, MaxLength. */
const MAX_ENTRIES = 8192;

/** Rounds whose entries a block must carry, in order. Throws `BeaconError` TOO_MANY_ENTRIES after too many null rounds. */
export function roundsDue(context: EntryContext): readonly bigint[] {
  const { schedule, times, networkVersion, epoch, parentEpoch, previous } = context;
  const info = beaconAt(schedule, epoch);
  const last = maxRoundAt(info, times, epoch, networkVersion);
  if (!sameDrand(beaconAt(schedule, parentEpoch), info) && isChained(info)) return [last - 1n, last];
  if (last === previous.round) return [];
  const first = isChained(info) && previous.round !== 0n ? previous.round + 1n : last;
  const due = isChained(info) ? Number(last - first) + 1 : epoch - parentEpoch;
  if (due > MAX_ENTRIES)
    throw new BeaconError(
      { code: "TOO_MANY_ENTRIES", due, most: MAX_ENTRIES },
      `a block of epoch ${epoch} on epoch ${parentEpoch} needs ${due} beacon entries, at most ${MAX_ENTRIES} fit into its header; make a block earlier`,
    );
  if (!isChained(info))
    return Array.from({ length: due }, (_, i) => maxRoundAt(info, times, parentEpoch + 1 + i, networkVersion));
  return Array.from({ length: due }, (_, i) => first + BigInt(i));
}

function wrongCount(expected: number, found: number): BeaconError {
  return new BeaconError(
    { code: "ENTRY_COUNT", expected, found },
    `${found} beacon entries where ${expected} ${expected === 1 ? "is" : "are"} expected`,
  );
}

function wrongRound(index: number, expected: bigint, found: bigint): BeaconError {
  return new BeaconError(
    { code: "ENTRY_ROUND", index, expected: `${expected}`, found: `${found}` },
    `beacon entry ${index} is of round ${found}, expected ${expected}`,
  );
}

function badSignature(index: number, { round }: BeaconEntry): BeaconError {
  return new BeaconError(
    { code: "ENTRY_SIGNATURE", index, round: `${round}` },
    `beacon entry ${index} of round ${round} is not signed by the beacon`,
  );
}
