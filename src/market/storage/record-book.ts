/**
 * Records of deals in a node's store, and their logs; of one side, "provider" or "client":
 *
 *   deals/<side>/deal/<id>                    the record, DAG-CBOR
 *   deals/<side>/log/<id>/<step, 10 digits>   an entry of its log; the last 200 are kept
 *
 * A step is one batch that is on the disk before anything follows from it: records, entries, and the entries that go.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { KeyedTurns } from "../../base/turns.ts";
import type { BlockStore } from "../../storage/contract.ts";
import { DealError } from "./errors.ts";

/** What all records have. Values are plain: texts, numbers, booleans, bytes, null, and maps of such. */
export type DealRecord = {
  /** Names the deal: the CID of its proposal. */
  readonly id: string;
  readonly state: string;
  /** Milliseconds since 1970: when it was made, and when it came to its state. */
  readonly made: number;
  readonly since: number;
  /** Events so far: the number of the last entry of its log. */
  readonly steps: number;
  /** Why it failed, or what keeps it waiting; empty otherwise. */
  readonly error: string;
};

export type DealEvent = {
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly event: string;
  readonly from: string | null;
  readonly to: string;
  readonly text: string;
};

export type RecordStore = Pick<BlockStore, "metadataWith" | "metadataBetween" | "write">;

/** What a step changes. */
export type Change<R> = Partial<Omit<R, "id" | "made" | "since" | "steps">>;
export type Step<R> = {
  readonly id: string;
  readonly event: string;
  readonly text: string;
  readonly change: Change<R>;
};

export type BookLimits<R> = {
  /** Whether nothing happens to a deal any more. */
  readonly isOver: (record: R) => boolean;
  /** Records at a time. */
  readonly most?: number;
  /** Hears of a record that is gone. */
  readonly onForget?: (record: R) => void;
};

const FORM = 1;
const KEPT_EVENTS = 200;
const MAX_TEXT = 500;
const MAX_RECORDS = 100_000;

const shortened = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

export class RecordBook<R extends DealRecord> {
  private readonly store: RecordStore;
  private readonly prefix: string;
  private readonly now: () => number;
  private readonly limits: BookLimits<R>;
  private readonly records = new Map<string, R>();
  private readonly turns = new KeyedTurns();
  /** Keys of records that cannot be read: of another version, or damaged. They are left as they are. */
  readonly unreadable: string[] = [];

  private constructor(store: RecordStore, side: string, now: () => number, limits: BookLimits<R>) {
    this.store = store;
    this.limits = limits;
    this.prefix = `deals/${side}`;
    this.now = now;
  }

  static async open<R extends DealRecord>(
    store: RecordStore,
    side: string,
    now: () => number,
    limits: BookLimits<R>,
  ): Promise<RecordBook<R>> {
    const book = new RecordBook<R>(store, side, now, limits);
    for (const [key, bytes] of await store.metadataWith(`${book.prefix}/deal/`)) {
      const record = readRecord<R>(bytes);
      // The name of a file, too, and a store may be made of a file of anybody's.
      if (record === null || !isName(record.id) || key !== `${book.prefix}/deal/${record.id}`)
        book.unreadable.push(key);
      else book.records.set(record.id, record);
    }
    return book;
  }

  /** In the order in which they were made. */
  all(): readonly R[] {
    return [...this.records.values()].sort((a, b) => a.made - b.made || (a.id < b.id ? -1 : 1));
  }

  find(id: string): R | undefined {
    return this.records.get(id);
  }

  /** Whether there is a record of the name, also one that cannot be read. */
  isKnown(id: string): boolean {
    return this.records.has(id) || this.unreadable.includes(`${this.prefix}/deal/${id}`);
  }

  /** Throws `DealError` UNKNOWN_DEAL. */
  get(id: string): R {
    const found = this.records.get(id);
    if (found !== undefined) return found;
    throw new DealError({ code: "UNKNOWN_DEAL", deal: id }, `there is no deal ${id}`);
  }

  /**
   * A new record; resolves to false if there is one of the name. Where there are as many as may be, the oldest that is over
   * goes; if none is, throws `DealError` LIMIT.
   */
  add(given: Omit<R, "made" | "since" | "steps" | "error">, text: string): Promise<boolean> {
    return this.turns.run(given.id, async () => {
      if (this.records.has(given.id)) return false;
      const { most = MAX_RECORDS } = this.limits;
      if (this.records.size >= most) await this.forgetOne(most);
      const at = this.now();
      const record = { ...given, made: at, since: at, steps: 0, error: "" } as unknown as R;
      await this.write([record], [{ step: 0, at, event: "made", from: null, to: record.state, text: shortened(text) }]);
      return true;
    });
  }

  private async forgetOne(most: number): Promise<void> {
    let oldest: R | null = null;
    for (const record of this.records.values())
      if (this.limits.isOver(record) && (oldest === null || record.made < oldest.made)) oldest = record;
    if (oldest === null) throw new DealError({ code: "LIMIT" }, `this node keeps at most ${most} deals`);
    const { id } = oldest;
    const log = await this.store.metadataBetween(...this.logOf(id));
    const gone = [`${this.prefix}/deal/${id}`, ...log.map(([key]) => key)];
    await this.store.write({ metadata: gone.map((key) => [key, null] as const) }, { sync: true });
    this.records.delete(id);
    this.limits.onForget?.(oldest);
  }

  private logOf(id: string): Parameters<RecordStore["metadataBetween"]> {
    const from = `${this.prefix}/log/${id}/`;
    return [from, `${from}~`, { limit: KEPT_EVENTS, descending: true }];
  }

  /**
   * Takes a step of one deal; `after`: steps that it had when this was decided: if it has gone on since, nothing happens.
   */
  async step(step: Step<R>, after?: number): Promise<R> {
    await this.turns.run(step.id, async () => {
      if (after === undefined || this.get(step.id).steps === after) await this.take([step]);
    });
    return this.get(step.id);
  }

  /**
   * Ends a deal: what `letGo` does, and then a step with what it says, while nobody else changes the deal; resolves to false,
   * and does nothing, if it has gone on since `after`.
   */
  async end({ id, event, text, change }: Step<R>, after: number, letGo: () => Promise<Change<R>>): Promise<boolean> {
    return this.turns.run(id, async () => {
      if (this.get(id).steps !== after) return false;
      await this.take([{ id, event, text, change: { ...change, ...(await letGo()) } }]);
      return true;
    });
  }

  /**
   * Takes a step of several deals in one batch: all, or none. Nobody else changes them meanwhile. Throws `DealError`
   * WRONG_STATE for one that is not in state `from`.
   */
  stepAll(from: R["state"], steps: readonly Step<R>[]): Promise<void> {
    const within = (left: readonly Step<R>[]): Promise<void> => {
      const [next, ...others] = left;
      if (next === undefined) return this.take(steps);
      return this.turns.run(next.id, () => {
        const { id, state } = this.get(next.id);
        if (state === from) return within(others);
        throw new DealError({ code: "WRONG_STATE", deal: id, state }, `deal ${id} is in state ${state}, not ${from}`);
      });
    };
    return within([...steps].sort((a, b) => (a.id < b.id ? -1 : 1)));
  }

  private async take(steps: readonly Step<R>[]): Promise<void> {
    const at = this.now();
    const records: R[] = [];
    const events: DealEvent[] = [];
    for (const { id, event, text, change } of steps) {
      const before = this.get(id);
      const to = change.state ?? before.state;
      const since = to === before.state ? before.since : at;
      const record = { ...before, ...change, since, steps: before.steps + 1 } as R;
      records.push({ ...record, error: shortened(record.error) });
      events.push({ step: record.steps, at, event, from: before.state, to, text: shortened(text) });
    }
    await this.write(records, events);
  }

  /** The last entries of a deal's log, the oldest first. */
  async log(id: string): Promise<readonly DealEvent[]> {
    this.get(id);
    const found = await this.store.metadataBetween(...this.logOf(id));
    return found.map(([, bytes]) => dagCbor.decode(bytes) as DealEvent).reverse();
  }

  private async write(records: readonly R[], events: readonly DealEvent[]): Promise<void> {
    const metadata: [string, Uint8Array | null][] = [];
    records.forEach((record, i) => {
      const event = events[i] as DealEvent;
      const logKey = (step: number): string => `${this.prefix}/log/${record.id}/${String(step).padStart(10, "0")}`;
      metadata.push([`${this.prefix}/deal/${record.id}`, dagCbor.encode({ form: FORM, ...record })]);
      metadata.push([logKey(event.step), dagCbor.encode(event)]);
      if (event.step >= KEPT_EVENTS) metadata.push([logKey(event.step - KEPT_EVENTS), null]);
    });
    await this.store.write({ metadata }, { sync: true });
    for (const record of records) this.records.set(record.id, record);
  }
}

/** Whether a text may be a record's. */
const isName = (id: string): boolean => /^[a-zA-Z0-9]{1,200}$/.test(id);

function readRecord<R>(bytes: Uint8Array): R | null {
  try {
    const { form, ...record } = dagCbor.decode(bytes) as { form?: unknown; id?: unknown; state?: unknown };
    const isRecord = form === FORM && typeof record.id === "string" && typeof record.state === "string";
    return isRecord ? (record as unknown as R) : null;
  } catch {
    return null;
  }
}
