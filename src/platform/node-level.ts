/**
 * Tables on disk for Node and Deno: LevelDB, by classic-level (prebuilt for the usual systems).
 *
 * LevelDB itself goes on after a failed write and loses what follows it at the next start; it skips broken records of
 * its log; and it makes a new database where a file is missing. So here
 * - writes are numbered and go out one after another, those that wait as one batch;
 * - a failed write closes the database and opens it again, and nothing is read or written before that has succeeded;
 * - at every opening the numbers of the last writes must be there without a gap, up to the one noted outside.
 */
import { ClassicLevel } from "classic-level";
import { DataFolder, folderError, WHAT_CAN_BE_DONE, type Written, type WrittenFile } from "./node-folder.ts";
import {
  afterPrefix,
  type ChangeOptions,
  type OpenTable,
  type Table,
  type TableChange,
  TableError,
  type Window,
} from "./table.ts";

const VIEW = { keyEncoding: "view", valueEncoding: "view" } as const;
type Level = ClassicLevel<Uint8Array, Uint8Array>;
type Settings = { readonly maxOpenFiles?: number };

/** Numbers of the last writes are kept under "#" and the number modulo this; more than LevelDB's logs hold of any but the smallest. */
const NUMBERS = 16_384;
const NUMBER_PREFIX = 0x23;
/** Bytes of waiting writes that go out as one batch. */
const GROUP_BYTES = 8 << 20;
/**
 * Files that stay open where values are long: they are mapped, of 2 MiB or more each, and what was read of them stays in memory
 * for as long. As few as LevelDB allows, where the default is 1,000.
 */
const FILES_OF_LONG_VALUES = 74;
/** Milliseconds between two attempts to open a database that would not open after a failed write. */
const RETRY_MS = 500;

type Waiting = {
  readonly changes: readonly TableChange[];
  readonly options: ChangeOptions;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
};

export const openTable: OpenTable = async (place, options = {}) => {
  const folder = await DataFolder.open(place, options);
  const table = new LevelTable(folder, options.longValues === true ? { maxOpenFiles: FILES_OF_LONG_VALUES } : {});
  if (options.reset === true) await table.openEmpty();
  else await table.open(options.repair ?? false);
  return table;
};

class LevelTable implements Table {
  private readonly folder: DataFolder;
  private readonly settings: Settings;
  private level: Level | null = null;
  private written: WrittenFile | null = null;
  /** Number of the last write that succeeded, and what it reached. */
  private count = 0;
  private note = "";
  private readonly waiting: Waiting[] = [];
  private draining = false;
  private opening: Promise<void> | null = null;
  private failure: { readonly error: unknown; readonly at: number; readonly final: boolean } | null = null;
  private closed = false;

  constructor(folder: DataFolder, settings: Settings) {
    this.folder = folder;
    this.settings = settings;
  }

  /** Opens or makes the database. With `repair` a damaged one is taken as far as it goes. */
  async open(repair: boolean): Promise<void> {
    const { folder } = this;
    const isNew = !folder.made;
    // Looked at before LevelDB changes anything. Of a store that was never made nothing was acknowledged.
    const written = isNew
      ? null
      : await folder.written().catch((error: unknown) => {
          if (repair) return null;
          throw error;
        });
    if (!isNew && written === null && !repair)
      throw folderError(
        "DAMAGED",
        folder.place,
        `the file "written" is missing in ${folder.place}; ${WHAT_CAN_BE_DONE}`,
      );
    const level = await openLevel(folder, this.settings).catch(async (error: unknown) => {
      if (!repair || (error as TableError).code !== "DAMAGED") throw error;
      await ClassicLevel.repair(folder.store).catch((cause: unknown) => {
        throw folderError("DAMAGED", folder.place, `the store in ${folder.place} cannot be repaired`, cause);
      });
      return openLevel(folder, this.settings);
    });
    await this.take(level, async () => {
      this.count = await numbersOf(level, folder, repair ? null : written, repair);
      if (repair) await renumber(level, this.count);
      this.note = repair ? "" : (written?.note ?? "");
    });
  }

  /**
   * Removes the database and all that belongs to it, and makes a new one. What stands beside it goes while LevelDB holds
   * the lock, and the note of what was written last of all: wherever this is ended, the folder is refused as damaged until
   * it is reset again.
   */
  async openEmpty(): Promise<void> {
    const { folder } = this;
    await ClassicLevel.destroy(folder.store).catch((cause: unknown) => {
      throw openingError(folder, cause);
    });
    await this.take(await openAt(folder, this.settings, true), () => folder.clear());
  }

  /** Goes on with an open database once `look` has succeeded, and closes it otherwise. */
  private async take(level: Level, look: () => Promise<void>): Promise<void> {
    const { folder } = this;
    try {
      await look();
      this.written = await folder.keepWritten({ count: this.count, note: this.note });
      if (!folder.made) await folder.mark(true);
      await folder.protect();
    } catch (error) {
      await level.close();
      await this.written?.close();
      throw error instanceof TableError ? error : openingError(folder, error);
    }
    this.level = level;
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    return this.level === null ? undefined : plain(this.readable(() => (this.level as Level).getSync(key)));
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const level = await this.ready();
    return plain(await level.get(key).catch((cause: unknown) => this.unreadable(cause)));
  }

  async range(prefix: Uint8Array): Promise<(readonly [key: Uint8Array, value: Uint8Array])[]> {
    const level = await this.ready();
    const end = afterPrefix(prefix);
    const bounds = end === undefined ? { gte: prefix } : { gte: prefix, lt: end };
    const found = await level
      .iterator(bounds)
      .all()
      .catch((cause: unknown) => this.unreadable(cause));
    return found.map(([key, value]) => [plain(key), plain(value)] as const);
  }

  async between(
    low: Uint8Array,
    high: Uint8Array,
    { limit, descending }: Window,
  ): Promise<(readonly [key: Uint8Array, value: Uint8Array])[]> {
    const level = await this.ready();
    const found = await level
      .iterator({ gte: low, lt: high, limit, reverse: descending })
      .all()
      .catch((cause: unknown) => this.unreadable(cause));
    return found.map(([key, value]) => [plain(key), plain(value)] as const);
  }

  change(changes: readonly TableChange[], options: ChangeOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ changes, options, resolve, reject });
      if (!this.draining) void this.drain();
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    while (this.draining) await new Promise((resolve) => setTimeout(resolve, 1));
    this.closed = true;
    await this.opening?.catch(() => undefined);
    await this.level?.close();
    await this.written?.close();
    this.level = null;
  }

  /** Sends out what waits, in order, as few batches. */
  private async drain(): Promise<void> {
    this.draining = true;
    while (this.waiting.length > 0) {
      const group = this.nextGroup();
      try {
        await this.send(group);
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.draining = false;
  }

  private nextGroup(): Waiting[] {
    let bytes = 0;
    let end = 0;
    while (end < this.waiting.length && bytes < GROUP_BYTES) {
      for (const { key, value } of (this.waiting[end] as Waiting).changes) bytes += key.length + (value?.length ?? 0);
      end++;
    }
    return this.waiting.splice(0, end);
  }

  private async send(group: readonly Waiting[]): Promise<void> {
    const level = await this.ready();
    const count = this.count + 1;
    const changes = [...group.flatMap((one) => one.changes), { key: numberKey(count), value: numberValue(count) }];
    const sync = group.some(({ options }) => options.sync === true);
    const operations = changes.map(({ key, value }) =>
      value === null ? ({ type: "del", key } as const) : ({ type: "put", key, value } as const),
    );
    try {
      await level.batch(operations, { sync });
      this.count = count;
      const note = group.reduce<string | undefined>((last, { options }) => options.note ?? last, undefined);
      if (note !== undefined) this.note = note;
      if (sync) await this.written?.set({ count, note: this.note });
    } catch (cause) {
      await this.reopen();
      const why = reasonOf(cause);
      throw folderError(
        "FAILED",
        this.folder.place,
        `cannot write to the store in ${this.folder.place}: ${why}${roomAdvice(why)}`,
        cause,
      );
    }
  }

  /** After a failed write: what LevelDB holds in memory is not to be trusted any more; what is on the disk is. */
  private async reopen(): Promise<void> {
    const { level } = this;
    this.level = null;
    await level?.close().catch(() => undefined);
    await this.ready().catch(() => undefined);
  }

  /** The database, opened again if need be. */
  private async ready(): Promise<Level> {
    if (this.closed) throw folderError("FAILED", this.folder.place, `the store in ${this.folder.place} is closed`);
    if (this.level !== null) return this.level;
    const { failure } = this;
    if (failure !== null && (failure.final || performance.now() - failure.at < RETRY_MS)) throw failure.error;
    this.opening ??= this.again().finally(() => {
      this.opening = null;
    });
    await this.opening;
    return this.ready();
  }

  private async again(): Promise<void> {
    let level: Level | undefined;
    try {
      level = await openLevel(this.folder, this.settings);
      // What was acknowledged must be there; a write that failed may be there too, and then counts.
      this.count = await numbersOf(level, this.folder, { count: this.count, note: this.note }, false);
      this.level = level;
      this.failure = null;
    } catch (error) {
      await level?.close().catch(() => undefined);
      const final = error instanceof TableError && error.code !== "FAILED";
      this.failure = { error, at: performance.now(), final };
      throw error;
    }
  }

  private readable<Value>(read: () => Value): Value {
    try {
      return read();
    } catch (cause) {
      return this.unreadable(cause);
    }
  }

  private unreadable(cause: unknown): never {
    const { place } = this.folder;
    if (this.closed || this.level === null)
      throw folderError("FAILED", place, `the store in ${place} is closed`, cause);
    throw folderError(
      "DAMAGED",
      place,
      `the store in ${place} cannot be read: ${reasonOf(cause)}; ${WHAT_CAN_BE_DONE}`,
      cause,
    );
  }
}

async function openLevel(folder: DataFolder, settings: Settings): Promise<Level> {
  // A store that was made once is never made anew, whatever is missing of it.
  if (folder.made && !(await folder.hasStore()))
    throw folderError(
      "DAMAGED",
      folder.place,
      `the store in ${folder.place} is damaged (its file CURRENT is missing); ${WHAT_CAN_BE_DONE}`,
    );
  return openAt(folder, settings, !folder.made);
}

async function openAt(folder: DataFolder, settings: Settings, createIfMissing: boolean): Promise<Level> {
  const level: Level = new ClassicLevel<Uint8Array, Uint8Array>(folder.store, VIEW);
  try {
    await level.open({ ...settings, createIfMissing });
    return level;
  } catch (cause) {
    throw openingError(folder, cause);
  }
}

function openingError(folder: DataFolder, cause: unknown): TableError {
  const { place } = folder;
  const why = reasonOf(cause);
  if (hasCode(cause, "LEVEL_LOCKED") || /lock .*(held|unavailable)|already held/i.test(why))
    return folderError(
      "LOCKED",
      place,
      `${place} is in use by another process; stop that one, or name another folder`,
      cause,
    );
  const isDamage =
    /corruption|missing|does not exist|not an sstable|bad magic|malformed|checksum|truncated|no such file|invalid argument/i;
  if (isDamage.test(why))
    return folderError("DAMAGED", place, `the store in ${place} is damaged (${why}); ${WHAT_CAN_BE_DONE}`, cause);
  return folderError("FAILED", place, `cannot open the store in ${place}: ${why}${roomAdvice(why)}`, cause);
}

/** LevelDB writes what its log has into a table when it opens, and passes on what the system says in words. */
function roomAdvice(why: string): string {
  if (!/no space left on device|quota exceeded/i.test(why)) return "";
  return "; the disk is full: free some space, of which a store needs some MB even to be opened and read";
}

function reasonOf(error: unknown): string {
  let text = String(error);
  for (let next = error, depth = 0; next instanceof Error && depth < 4; next = next.cause, depth++) text = next.message;
  return text;
}

function hasCode(error: unknown, code: string): boolean {
  for (let next = error, depth = 0; next instanceof Error && depth < 4; next = next.cause, depth++)
    if ("code" in next && next.code === code) return true;
  return false;
}

function numberKey(count: number): Uint8Array {
  const key = new Uint8Array(3);
  key[0] = NUMBER_PREFIX;
  new DataView(key.buffer).setUint16(1, count % NUMBERS);
  return key;
}

function numberValue(count: number): Uint8Array {
  const value = new Uint8Array(8);
  new DataView(value.buffer).setFloat64(0, count);
  return value;
}

/**
 * Number of the last write in the database. Unless `lenient`, throws where one of the last numbers is missing, and where
 * the last is below what was acknowledged.
 */
async function numbersOf(level: Level, folder: DataFolder, written: Written | null, lenient: boolean): Promise<number> {
  const from = Uint8Array.of(NUMBER_PREFIX);
  const found = await level
    .iterator({ gte: from, lt: afterPrefix(from) as Uint8Array })
    .all()
    .catch((cause: unknown) => {
      throw openingError(folder, cause);
    });
  const numbers = new Set(
    found.map(([, value]) => new DataView(value.buffer, value.byteOffset, value.length).getFloat64(0)),
  );
  const last = [...numbers].reduce((a, b) => Math.max(a, b), 0);
  if (lenient) return last;
  const { place } = folder;
  if (written !== null && last < written.count)
    throw folderError(
      "BEHIND",
      place,
      `the store in ${place} has lost its last ${written.count - last} writes${written.note === "" ? "" : ` (it had reached ${written.note})`}: ` +
        `a log file is missing or cut short; ${WHAT_CAN_BE_DONE}`,
    );
  for (let number = Math.max(1, last - NUMBERS + 1); number <= last; number++)
    if (!numbers.has(number))
      throw folderError(
        "DAMAGED",
        place,
        `the store in ${place} is damaged: write ${number} of ${last} is missing; ${WHAT_CAN_BE_DONE}`,
      );
  return last;
}

/** After a repair: writes all numbers anew, so that what was lost is not complained of again. */
async function renumber(level: Level, count: number): Promise<void> {
  const numbers = Array.from({ length: Math.min(count, NUMBERS) }, (_, i) => count - i);
  await level.batch(
    numbers.map((number) => ({ type: "put" as const, key: numberKey(number), value: numberValue(number) })),
    { sync: true },
  );
}

/** LevelDB answers with Buffers; the host knows plain byte arrays only. */
function plain(bytes: Uint8Array): Uint8Array;
function plain(bytes: Uint8Array | undefined): Uint8Array | undefined;
function plain(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
