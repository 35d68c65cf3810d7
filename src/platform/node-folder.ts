/**
 * The folder that a node keeps its data in, for Node and Deno:
 *
 *   filigree.json   the mark: this folder is ours, the form of its contents, and whether the store was made
 *   store/          the table (LevelDB)
 *   written         number and description of the last write that was acknowledged; overwritten in place
 *   secrets/        one file a secret
 *   sectors/        the sectors of a local network's miners, if there are any (`src/miner/folders`)
 *   deals/          data of storage deals that is in no proven sector yet (`src/market/storage`)
 *
 * Folders are 0700 and files 0600. What is there without the mark is never touched; a store that was made once is never
 * made anew; a store that has fallen behind `written` has lost something, and that is said.
 */
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "../base/crc32.ts";
import { type OpenOptions, TableError, type TableErrorData } from "./table.ts";

export const MARK = "filigree.json";
const MARK_BEING_WRITTEN = "filigree.json.new";
const FORMAT = 1;
const WRITTEN = "written";
/** Bytes of the file `written`: one line, padded. */
const WRITTEN_BYTES = 256;

export const STORE = "store";
export const SECRETS = "secrets";
const SECTORS = "sectors";
const DEALS = "deals";

type Mark = { readonly filigree: "data folder"; readonly format: number; readonly made: boolean };
export type Written = { readonly count: number; readonly note: string };
export type WrittenFile = { set(written: Written): Promise<void>; close(): Promise<void> };

const isCode = (error: unknown, code: string): boolean => (error as { code?: unknown } | null)?.code === code;

export function folderError(code: TableErrorData["code"], place: string, text: string, cause?: unknown): TableError {
  return new TableError({ code, place }, text, cause === undefined ? undefined : { cause });
}

/** Writes a file whole or not at all: beside it first, then in its place; on the disk when the promise resolves. */
export async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const beside = `${file}.new`;
  try {
    const handle = await open(beside, "w", 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(path.dirname(file));
}

/** A name in a folder outlives a crash once the folder is synced; not every system lets a folder be. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Makes a folder for its owner alone, and those above it, without Node's own recursion, which loops in `/proc`. */
export async function makeFolder(folder: string, mode = 0o700): Promise<void> {
  const make = async (): Promise<unknown> => {
    try {
      await mkdir(folder, mode);
    } catch (error) {
      if (isCode(error, "EEXIST") && (await stat(folder)).isDirectory()) return null;
      return error;
    }
    return null;
  };
  const error = await make();
  if (error === null) return;
  const above = path.dirname(folder);
  if (!isCode(error, "ENOENT") || above === folder) throw error;
  if ((await stat(above).catch(() => null)) === null) await makeFolder(above, 0o777);
  // Others may be making the same ones: what was missing a moment ago may be there.
  const again = await make();
  if (again !== null) throw again;
}

/** How the folder of each node of a network of several is named, in the one that the network was given. */
const OF_NODE = /^node-\d{1,4}$/;

/** The nodes' folders in that of a network of several nodes, by their numbers. */
async function nodesIn(place: string, names: readonly string[]): Promise<string[]> {
  const nodes: string[] = [];
  for (const name of names)
    if (OF_NODE.test(name) && (await stat(path.join(place, name, MARK)).catch(() => null)) !== null) nodes.push(name);
  return nodes.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
}

/** That a folder without the mark is none of ours, and what to give instead. */
async function foreignText(place: string, names: readonly string[], create: boolean): Promise<string> {
  const [first, ...more] = await nodesIn(place, names);
  const fresh = "nothing in it was touched; give an empty or a new folder";
  if (first === undefined) {
    const others = names.length > 1 ? " and more" : "";
    const next = create ? fresh : "give the folder that a node keeps its data in";
    return `${place} is no data folder of Filigree (it holds ${names[0]}${others}, and no ${MARK}); ${next}`;
  }
  const its = more.length === 0 ? first : `${first} to ${more.at(-1)}`;
  const next = create ? fresh : `give that of one node, such as ${path.join(place, first)}`;
  return `${place} is no data folder of Filigree: it is that of a network whose nodes have data folders of their own in it (${its}); ${next}`;
}

export class DataFolder {
  readonly place: string;
  /** Whether the store was made once. */
  made: boolean;

  private constructor(place: string, made: boolean) {
    this.place = place;
    this.made = made;
  }

  /** Looks at a folder, and makes it and its mark if `create` says so, or mends it. Throws `TableError`. */
  static async open(place: string, { create = true, repair = false }: OpenOptions): Promise<DataFolder> {
    const found = await readdir(place).catch((cause: unknown) => {
      if (isCode(cause, "ENOENT")) return null;
      throw folderError("FAILED", place, `cannot read the data folder ${place}: ${(cause as Error).message}`, cause);
    });
    const looksLikeOurs = found?.includes(STORE) === true && found.includes(WRITTEN);
    if (looksLikeOurs && !found.includes(MARK) && !repair)
      throw folderError(
        "DAMAGED",
        place,
        `the mark ${MARK} is missing in ${place}; restore it from a copy, or start with --repair`,
      );
    if (found?.includes(MARK) === true || looksLikeOurs) {
      const canMend = repair && looksLikeOurs;
      const made = await readMark(place).catch(async (error: TableError) => {
        if (!canMend || error.code !== "DAMAGED") throw error;
        return null;
      });
      const folder = new DataFolder(place, made ?? true);
      if (made === null) await folder.mark(true);
      return folder;
    }
    const others = found?.filter((name) => name !== MARK_BEING_WRITTEN) ?? [];
    if (others.length > 0) throw folderError("FOREIGN", place, await foreignText(place, others, create));
    if (!create) throw folderError("MISSING", place, `there is no data folder of Filigree at ${place}`);
    try {
      await makeFolder(place);
      await chmod(place, 0o700).catch(() => undefined);
      const folder = new DataFolder(place, false);
      await folder.mark(false);
      return folder;
    } catch (cause) {
      throw folderError("FAILED", place, `cannot make the data folder ${place}: ${(cause as Error).message}`, cause);
    }
  }

  get store(): string {
    return path.join(this.place, STORE);
  }

  /** Whether LevelDB's first file is there. */
  async hasStore(): Promise<boolean> {
    return (await stat(path.join(this.store, "CURRENT")).catch(() => null)) !== null;
  }

  async mark(made: boolean): Promise<void> {
    const text = JSON.stringify({ filigree: "data folder", format: FORMAT, made } satisfies Mark);
    await writeWhole(path.join(this.place, MARK), new TextEncoder().encode(`${text}\n`));
    this.made = made;
  }

  /** Removes what stands beside the table, the note of what was written last; only the table's holder may. */
  async clear(): Promise<void> {
    await rm(path.join(this.place, SECRETS), { recursive: true, force: true });
    for (const name of [SECTORS, DEALS]) await rm(path.join(this.place, name), { recursive: true, force: true });
    await rm(path.join(this.place, WRITTEN), { force: true });
  }

  /** What was acknowledged last; null if the file is not there. Throws DAMAGED. */
  async written(): Promise<Written | null> {
    const text = await readFile(path.join(this.place, WRITTEN), "latin1").catch((cause: unknown) => {
      if (isCode(cause, "ENOENT")) return null;
      throw folderError("FAILED", this.place, `cannot read ${WRITTEN} in ${this.place}`, cause);
    });
    if (text === null) return null;
    const [, sum, count, note = ""] = /^([0-9a-f]{8}) (\d{1,16}) ([^\n]*)\n/.exec(text) ?? [];
    if (sum !== sumOf(`${count} ${note}`))
      throw folderError("DAMAGED", this.place, `the file ${WRITTEN} in ${this.place} is damaged; ${WHAT_CAN_BE_DONE}`);
    return { count: Number(count), note };
  }

  /** Opens the file `written` for being overwritten in place, which needs no space on a full disk. */
  async keepWritten(first: Written): Promise<WrittenFile> {
    const file = path.join(this.place, WRITTEN);
    const handle = await open(file, "r+").catch(() => open(file, "w+", 0o600));
    const set = async ({ count, note }: Written): Promise<void> => {
      const body = `${count} ${note.replace(/[^ -~]/g, "?").slice(0, WRITTEN_BYTES - 32)}`;
      await handle.write(`${sumOf(body)} ${body}\n`.padEnd(WRITTEN_BYTES), 0, "latin1");
    };
    await set(first);
    return { set, close: () => handle.close() };
  }

  /** Takes reading away from others for every file of the table. */
  async protect(): Promise<void> {
    for (const name of await readdir(this.store))
      await chmod(path.join(this.store, name), 0o600).catch(() => undefined);
    await chmod(this.store, 0o700).catch(() => undefined);
  }
}

export const WHAT_CAN_BE_DONE =
  "restore the folder from a copy, start with --repair to go on with what can be read, or with --reset to begin anew (that removes its keys, too)";

function sumOf(text: string): string {
  return crc32(new TextEncoder().encode(text)).toString(16).padStart(8, "0");
}

async function readMark(place: string): Promise<boolean> {
  const text = await readFile(path.join(place, MARK), "utf8").catch((cause: unknown) => {
    if (isCode(cause, "ENOENT")) return "";
    throw folderError("FAILED", place, `cannot read ${path.join(place, MARK)}: ${(cause as Error).message}`, cause);
  });
  let mark: Partial<Mark> | null = null;
  try {
    mark = JSON.parse(text) as Mark | null;
  } catch {
    // Said below.
  }
  if (mark?.filigree !== "data folder" || typeof mark.made !== "boolean")
    throw folderError(
      "DAMAGED",
      place,
      `${path.join(place, MARK)} is damaged and no mark of a data folder; restore it from a copy, start with --repair, or give another folder`,
    );
  if (mark.format !== FORMAT)
    throw folderError(
      "FOREIGN",
      place,
      `${place} was made by another version of Filigree (form ${mark.format}, not ${FORMAT}); give another folder`,
    );
  return mark.made;
}
