/** Files that commands write: never over another file unasked, and whole or not at all. */
import { randomUUID } from "node:crypto";
import { type FileHandle, link, lstat, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { fileError } from "./errors.ts";

export type OutputOptions = {
  /** Whether an existing regular file may be replaced. */
  readonly force?: boolean | undefined;
  /** Permissions of the new file; default 0644 less the umask. */
  readonly mode?: number;
};

/** Refuses a place where something stands that must not be written over. Links are not followed. */
export async function checkOutput(file: string, { force = false }: OutputOptions = {}): Promise<void> {
  const info = await lstat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (info === null) return;
  if (info.isDirectory()) throw new Error(`${file} is a directory; name a file in it`);
  if (!info.isFile()) throw new Error(`${file} is no regular file; name another`);
  if (!force) throw new Error(`${file} exists; --force replaces it`);
}

/**
 * Writes a file through `work` and puts it in its place when all of it is on the disk; if `work` throws, what was there
 * before is there still, and nothing else.
 */
export async function writeOutput<Result>(
  file: string,
  options: OutputOptions,
  work: (handle: FileHandle) => Promise<Result>,
): Promise<Result> {
  await checkOutput(file, options);
  const partial = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID().slice(0, 8)}.partial`);
  const handle = await open(partial, "wx", options.mode ?? 0o644).catch((error: NodeJS.ErrnoException) => {
    throw fileError(`cannot write ${file}`, error);
  });
  try {
    const result = await work(handle);
    await handle.sync();
    await handle.close();
    if (options.force === true) await rename(partial, file);
    else await linkNew(partial, file);
    return result;
  } finally {
    await handle.close().catch(() => undefined);
    await rm(partial, { force: true });
  }
}

/** A link fails where a rename would replace; file systems without links (FAT) get the rename after a last look. */
async function linkNew(partial: string, file: string): Promise<void> {
  try {
    await link(partial, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new Error(`${file} exists; --force replaces it`);
    await checkOutput(file);
    await rename(partial, file);
  }
}
