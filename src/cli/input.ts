/** Files that commands read: what they are is checked before, and that they stayed so while they were read. */
import { createReadStream, createWriteStream, readSync } from "node:fs";
import { mkdir, mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { ByteSource } from "../storage/car-index.ts";

/** A regular file that is not empty. Throws with its name for anything else. */
export async function inputSize(file: string, name = file): Promise<number> {
  const info = await stat(file);
  if (info.isDirectory()) throw new Error(`${name} is a directory; give a file, or pack it into a CAR first`);
  if (!info.isFile()) throw new Error(`${name} is no regular file`);
  if (info.size === 0) throw new Error(`${name} is empty`);
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

/** A file, or standard input ("-") spooled into a temporary one, to be read in any order; `close` gives it back. */
export async function openBytes(file: string): Promise<ByteSource & { close(): Promise<void> }> {
  if (file !== "-") return sourceOf(file, async () => undefined);
  const folder = await mkdtemp(path.join(tmpdir(), "filigree-input-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const spool = path.join(folder, "input");
  try {
    await pipeline(process.stdin, createWriteStream(spool));
    return await sourceOf(spool, remove, "standard input");
  } catch (error) {
    await remove();
    throw error;
  }
}

async function sourceOf(file: string, remove: () => Promise<void>, name = file) {
  const size = await inputSize(file, name);
  const handle = await open(file, "r");
  return {
    size,
    async read(from: number, length: number): Promise<Uint8Array> {
      const out = new Uint8Array(length);
      let held = 0;
      while (held < length) {
        const { bytesRead } = await handle.read(out, held, length - held, from + held);
        if (bytesRead === 0) break;
        held += bytesRead;
      }
      return out.subarray(0, held);
    },
    readNow(from: number, length: number): Uint8Array {
      const out = new Uint8Array(length);
      let held = 0;
      while (held < length) {
        const bytesRead = readSync(handle.fd, out, held, length - held, from + held);
        if (bytesRead === 0) break;
        held += bytesRead;
      }
      return out.subarray(0, held);
    },
    async close(): Promise<void> {
      await handle.close();
      await remove();
    },
  };
}
