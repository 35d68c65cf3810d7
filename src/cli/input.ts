/** Files that commands read: what they are is checked before, and that they stayed so while they were read. */
import { createReadStream } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";

/** A regular file that is not empty. Throws with its name for anything else. */
export async function inputSize(file: string): Promise<number> {
  const info = await stat(file);
  if (info.isDirectory()) throw new Error(`${file} is a directory; give a file, or pack it into a CAR first`);
  if (!info.isFile()) throw new Error(`${file} is no regular file`);
  if (info.size === 0) throw new Error(`${file} is empty; a piece holds at least one byte`);
  return info.size;
}

/** The bytes of a file that had `size` bytes; opened when the first is asked for. Throws if it has other than that many. */
export async function* contents(file: string, size: number): AsyncGenerator<Uint8Array> {
  let held = 0;
  for await (const bytes of createReadStream(file) as AsyncIterable<Uint8Array>) {
    held += bytes.length;
    if (held > size) break;
    yield bytes;
  }
  if (held !== size) throw changed(file);
}

/** Runs `work` on a file and throws if the file's size or time changed meanwhile, whatever `work` came to. */
export async function unchanged<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  const before = await stat(file);
  const isSame = async (): Promise<boolean> => {
    const after = await stat(file).catch(() => null);
    return after !== null && after.size === before.size && after.mtimeMs === before.mtimeMs;
  };
  try {
    const result = await work();
    if (await isSame()) return result;
  } catch (cause) {
    if (await isSame()) throw cause;
    throw changed(file, cause);
  }
  throw changed(file);
}

function changed(file: string, cause?: unknown): Error {
  return new Error(`${file} changed while it was read`, { cause });
}

/**
 * Makes a directory and those above it. Node's own recursion never ends where a file system refuses directories with
 * "no such file" (`/proc`).
 */
export async function makeDirectory(directory: string): Promise<void> {
  const make = (): Promise<unknown> =>
    mkdir(directory).catch(async (error: NodeJS.ErrnoException) => {
      const isThere = error.code === "EEXIST" && (await stat(directory)).isDirectory();
      if (!isThere) throw error;
    });
  try {
    await make();
  } catch (error) {
    const above = path.dirname(directory);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || above === directory) throw error;
    await makeDirectory(above);
    await make();
  }
}
