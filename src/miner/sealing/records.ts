/**
 * The records of a miner's sectors in a node's store, and their logs:
 *
 *   sealing/<miner>/sector/<number, 16 digits>                  the record
 *   sealing/<miner>/log/<number, 16 digits>/<step, 10 digits>   an entry of its log; the last 500 are kept
 *   sealing/<miner>/next                                        the number that the next new sector gets at least
 *
 * A step is one batch that is on the disk before anything follows from it: record, entry, and the entry that goes.
 */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { KeyedTurns, Turns } from "../../base/turns.ts";
import type { BlockStore } from "../../storage/contract.ts";
import { SealingError } from "./errors.ts";
import {
  decodeEntry,
  decodeRecord,
  encodeEntry,
  encodeRecord,
  type LogEntry,
  type SectorRecord,
  shortened,
} from "./record.ts";
import { nextState } from "./states.ts";

/** As much of a store as records need. */
export type RecordStore = Pick<BlockStore, "metadata" | "metadataWith" | "metadataBetween" | "write">;

/** What a step changes in a record, beside its state. */
export type RecordChange = Partial<Omit<SectorRecord, "number" | "state" | "since" | "steps" | "made">>;

export type Step = {
  readonly event: string;
  readonly text: string;
  readonly change?: RecordChange;
  /** Steps that the sector had when this was decided: if it has gone on since, nothing happens. */
  readonly after?: number;
};

/** Entries of a sector's log that are kept. */
const KEPT_ENTRIES = 500;
/** Sector numbers that are looked at for one that is free. */
const MAX_TAKEN = 100_000;
const numberText = (number: number): string => String(number).padStart(16, "0");
const stepText = (step: number): string => String(step).padStart(10, "0");

export class SectorRecords {
  private readonly store: RecordStore;
  private readonly prefix: string;
  private readonly now: () => number;
  private readonly sectors = new Map<number, SectorRecord>();
  private readonly turns = new KeyedTurns();
  private readonly numbers = new Turns();
  /** Keys of records that cannot be read: of another version, or damaged. They are left as they are. */
  readonly unreadable: string[] = [];

  private constructor(store: RecordStore, miner: bigint, now: () => number) {
    this.store = store;
    this.prefix = `sealing/${miner}`;
    this.now = now;
  }

  /** Takes in what is kept of a miner's sectors. `miner`: actor id. */
  static async open(store: RecordStore, miner: bigint, now: () => number): Promise<SectorRecords> {
    const records = new SectorRecords(store, miner, now);
    for (const [key, bytes] of await store.metadataWith(`${records.prefix}/sector/`)) {
      try {
        const record = decodeRecord(key, bytes);
        records.sectors.set(record.number, record);
      } catch (error) {
        if (!isFilError(error, "BAD_RECORD")) throw error;
        records.unreadable.push(key);
      }
    }
    return records;
  }

  /** All, by ascending number. */
  all(): readonly SectorRecord[] {
    return [...this.sectors.values()].sort((a, b) => a.number - b.number);
  }

  /** Throws `SealingError` UNKNOWN_SECTOR. */
  get(sector: number): SectorRecord {
    const found = this.sectors.get(sector);
    if (found === undefined)
      throw new SealingError({ code: "UNKNOWN_SECTOR", sector }, `this miner has no record of a sector ${sector}`);
    return found;
  }

  has(sector: number): boolean {
    return this.sectors.has(sector);
  }

  /**
   * Makes a record under a number that was never used: neither here nor, as `isTaken` says, by anybody on the chain.
   * The number is used up in the batch that brings the record.
   */
  add(
    make: (number: number) => Promise<SectorRecord>,
    isTaken: (number: number) => Promise<boolean>,
  ): Promise<SectorRecord> {
    return this.numbers.run(async () => {
      const key = `${this.prefix}/next`;
      const kept = await this.store.metadata(key);
      let number = kept === undefined ? 0 : Number(fromUtf8(kept));
      for (let looked = 0; this.sectors.has(number) || (await isTaken(number)); number++)
        if (looked++ === MAX_TAKEN) throw new Error(`the next ${MAX_TAKEN} sector numbers are taken`);
      const record = await make(number);
      const entry = { step: 0, at: record.made, event: "made", from: null, to: record.state, text: "" };
      await this.write(record, entry, [[key, utf8(String(number + 1))]]);
      return record;
    });
  }

  /** Goes a step: an event that the sector's state knows. Throws `SealingError` BAD_EVENT. */
  step(sector: number, { event, text, change = {}, after }: Step): Promise<SectorRecord> {
    return this.turns.run(`${sector}`, async () => {
      const before = this.get(sector);
      if (after !== undefined && before.steps !== after) return before;
      const state = nextState(before.state, event);
      if (state === null)
        throw new SealingError(
          { code: "BAD_EVENT", sector, state: before.state, event },
          `sector ${sector} is in state ${before.state}, which knows no event ${event}`,
        );
      const at = this.now();
      const record = { ...before, ...change, state, since: at, steps: before.steps + 1 };
      await this.write(record, { step: record.steps, at, event, from: before.state, to: state, text: shortened(text) });
      return record;
    });
  }

  /** Changes a record without an event, as pieces come in; `change` sees the newest record and null changes nothing. */
  note(
    sector: number,
    event: string,
    text: string,
    change: (record: SectorRecord) => RecordChange | null,
  ): Promise<SectorRecord> {
    return this.turns.run(`${sector}`, async () => {
      const before = this.get(sector);
      const changes = change(before);
      if (changes === null) return before;
      const record = { ...before, ...changes, steps: before.steps + 1 };
      const { state } = before;
      const entry = { step: record.steps, at: this.now(), event, from: state, to: state, text: shortened(text) };
      await this.write(record, entry);
      return record;
    });
  }

  /** The last entries of a sector's log, the oldest first. */
  async log(sector: number, limit: number = KEPT_ENTRIES): Promise<readonly LogEntry[]> {
    this.get(sector);
    const from = `${this.prefix}/log/${numberText(sector)}/`;
    const found = await this.store.metadataBetween(from, `${from}~`, { limit, descending: true });
    return found.map(([key, bytes]) => decodeEntry(key, bytes)).reverse();
  }

  private async write(
    record: SectorRecord,
    entry: LogEntry,
    more: readonly (readonly [string, Uint8Array | null])[] = [],
  ): Promise<void> {
    const name = numberText(record.number);
    const logName = (step: number): string => `${this.prefix}/log/${name}/${stepText(step)}`;
    const old = entry.step - KEPT_ENTRIES;
    await this.store.write(
      {
        metadata: [
          ...more,
          [`${this.prefix}/sector/${name}`, encodeRecord(record)],
          [logName(entry.step), encodeEntry(entry)],
          ...(old >= 0 ? [[logName(old), null] as const] : []),
        ],
      },
      { sync: true, note: `sector ${record.number}: ${record.state}` },
    );
    this.sectors.set(record.number, record);
  }
}
