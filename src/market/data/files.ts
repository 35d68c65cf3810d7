/** Files and folders of the machine that a node runs on, as what can be imported, and as what is exported. */
import { platform } from "#platform";
import type { ByteSource } from "../../storage/car-reader.ts";
import { DataError } from "./errors.ts";
import { checkName, type InputEntry, type OutputEntry } from "./unixfs.ts";

/** Bytes read at a time. */
const WINDOW = 1 << 20;
/** Deepest folder that is imported, and files and folders of one import. */
const MAX_DEPTH = 128;
const MAX_ENTRIES = 10_000_000;

function bad(why: string): never {
  throw new DataError({ code: "BAD_INPUT" }, why);
}

/** A call whose failure, as a full disk, a circle of links or a folder that may not be read, is told as what it is. */
function told<Rest extends readonly unknown[], Result>(
  call: (path: string, ...rest: Rest) => Promise<Result>,
): (path: string, ...rest: Rest) => Promise<Result> {
  return async (path, ...rest) => {
    try {
      return await call(path, ...rest);
    } catch (cause) {
      const { code, message } = cause as { code?: unknown; message?: string };
      if (typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) throw cause;
      throw new DataError({ code: "BAD_INPUT" }, `${path}: ${message}`, { cause });
    }
  };
}
const files = {
  readRange: told(platform.readRange),
  writeRange: told(platform.writeRange),
  fileSize: told(platform.fileSize),
  fileKind: told(platform.fileKind),
  createFile: told(platform.createFile),
  listFolder: told(platform.listFolder),
  makeFolder: told(platform.makeFolder),
};

/** A file's bytes in windows. Throws if it has other than `size` when it has been read: it changed meanwhile. */
export async function* contents(path: string, size: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += WINDOW) {
    signal?.throwIfAborted();
    const bytes = await files.readRange(path, at, Math.min(WINDOW, size - at));
    if (bytes.length !== Math.min(WINDOW, size - at)) bad(`${path} changed while it was read`);
    yield bytes;
  }
  if ((await files.fileSize(path)) !== size) bad(`${path} changed while it was read`);
}

export async function sizeOf(path: string): Promise<number> {
  const kind = await files.fileKind(path);
  if (kind === "file") return (await files.fileSize(path)) as number;
  return bad(kind === null ? `there is no file ${path}` : `${path} is no regular file`);
}

/** A file as what can be read in any order. */
export async function sourceOf(path: string): Promise<ByteSource> {
  const size = await sizeOf(path);
  return { size, read: (from, length) => files.readRange(path, from, Math.max(0, Math.min(length, size - from))) };
}

/** A file, or a folder with all below it, in the order of the names' bytes. Links are followed, devices and the like refused. */
export async function* entriesOf(path: string, signal?: AbortSignal): AsyncGenerator<InputEntry> {
  const kind = await files.fileKind(path);
  if (kind === "file") {
    yield { path: "file", content: contents(path, await sizeOf(path), signal) };
    return;
  }
  if (kind !== "folder") bad(kind === null ? `there is nothing at ${path}` : `${path} is neither a file nor a folder`);
  const pending: { readonly place: string; readonly path: string; readonly depth: number }[] = [
    { place: path, path: "folder", depth: 0 },
  ];
  let count = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    signal?.throwIfAborted();
    if (++count > MAX_ENTRIES) throw new DataError({ code: "LIMIT" }, `more than ${MAX_ENTRIES} files and folders`);
    const found = await files.fileKind(next.place);
    // The system gives names that are no UTF-8 with a sign in place of what it cannot read, by which nothing is found.
    if (found === null && next.place.includes("\ufffd"))
      bad(`${next.place}: the name is no UTF-8 and cannot be imported; rename it`);
    if (found !== "folder") {
      yield { path: next.path, content: contents(next.place, await sizeOf(next.place), signal) };
      continue;
    }
    if (next.depth >= MAX_DEPTH)
      throw new DataError({ code: "LIMIT" }, `${path}: folders are deeper than ${MAX_DEPTH}`);
    const names = await files.listFolder(next.place);
    if (names.length === 0) yield { path: next.path };
    for (const name of [...names].sort().reverse().map(checkName))
      pending.push({ place: `${next.place}/${name}`, path: `${next.path}/${name}`, depth: next.depth + 1 });
  }
}

/**
 * Writes what a DAG holds to a path where nothing is yet; gives the bytes of all files. Files that would not fit are refused
 * before they are begun. If it fails, what it wrote is removed.
 */
export async function writeEntries(path: string, entries: AsyncIterable<OutputEntry>): Promise<bigint> {
  if ((await files.fileKind(path)) !== null) bad(`${path} is there already; nothing was written`);
  const free = BigInt(Math.floor((await platform.folders?.freeBytes(await folderAbove(path))) ?? 0));
  const made: { readonly place: string; readonly isFolder: boolean }[] = [];
  let written = 0n;
  try {
    for await (const entry of entries) {
      const place = entry.path === "" ? path : `${path}/${entry.path}`;
      if (entry.kind === "folder") {
        await files.makeFolder(place);
        made.push({ place, isFolder: true });
        continue;
      }
      if (written + entry.size > free)
        throw new DataError({ code: "LIMIT" }, `${place} has ${entry.size} bytes, and there is no room for them`);
      written += await writeParts(place, entry.content());
      made.push({ place, isFolder: false });
    }
  } catch (error) {
    // What somebody else has put there meanwhile stays, and so do the folders above it.
    for (const { place, isFolder } of made.reverse())
      await (isFolder ? platform.removeEmptyFolder(place) : platform.removeFile(place)).catch(() => undefined);
    throw error;
  }
  return written;
}

/** Refuses a path that nothing can be written to, before there is anything to write. */
export async function checkPlace(path: string): Promise<void> {
  if ((await files.fileKind(path)) !== null) bad(`${path} is there already; nothing was written`);
  const folder = await folderAbove(path);
  if ((await platform.folders?.isWritable(folder)) === false)
    bad(`${path} cannot be written: this user may make no files in ${folder}`);
}

/** The nearest folder above a path that is there; a file in its place is refused. */
async function folderAbove(path: string): Promise<string> {
  let place = path;
  for (let end = place.lastIndexOf("/"); end > 0; end = place.lastIndexOf("/")) {
    place = place.slice(0, end);
    const kind = await files.fileKind(place);
    if (kind === "folder") return place;
    if (kind !== null) bad(`${path} cannot be written: ${place} is no folder`);
  }
  return path.startsWith("/") ? "/" : ".";
}

/** Writes parts into a new file, one after the other; the file is removed if that fails. */
export async function writeParts(path: string, parts: AsyncIterable<Uint8Array>): Promise<bigint> {
  const file = await newFile(path);
  try {
    for await (const part of parts) await file.append(part);
  } catch (error) {
    await file.discard();
    throw error;
  }
  return BigInt(file.size);
}

export type NewFile = {
  readonly size: number;
  append(bytes: Uint8Array): Promise<void>;
  /** Removes it, as far as that can be done. */
  discard(): Promise<void>;
};

/** A file that is not there yet, to be written from front to back. */
export async function newFile(path: string): Promise<NewFile> {
  if (!(await files.createFile(path))) bad(`${path} is there already; nothing was written`);
  let at = 0;
  return {
    get size() {
      return at;
    },
    async append(bytes) {
      await files.writeRange(path, at, bytes);
      at += bytes.length;
    },
    discard: () => platform.removeFile(path).catch(() => undefined),
  };
}
