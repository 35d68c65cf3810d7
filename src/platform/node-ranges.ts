/** Ranges of files, and whole files, of Node.js and Deno. */
import { randomUUID } from "node:crypto";
import { constants, mkdir, open, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { NO_REGULAR_FILE } from "./platform.ts";

/** Nothing is waited for: a pipe opens at once and is refused when it is read from a place. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

export async function readFileRange(path: string, from: number, length: number): Promise<Uint8Array> {
  const file = await open(path, READ);
  try {
    const out = new Uint8Array(length);
    let held = 0;
    while (held < length) {
      const { bytesRead } = await file.read(out, held, length - held, from + held);
      if (bytesRead === 0) break;
      held += bytesRead;
    }
    return out.subarray(0, held);
  } catch (error) {
    throw (error as { code?: unknown }).code === "ESPIPE" ? noRegularFile(path) : error;
  } finally {
    await file.close();
  }
}

export async function writeFileRange(path: string, from: number, bytes: Uint8Array): Promise<void> {
  // "r+" keeps what is there; a new file needs "w", which several threads may race for: "a" makes it without a cut.
  const file = await open(path, "r+").catch(async () => {
    await mkdir(dirname(path), { recursive: true });
    await (await open(path, "a")).close();
    return open(path, "r+");
  });
  try {
    for (let done = 0; done < bytes.length; )
      done += (await file.write(bytes, done, bytes.length - done, from + done)).bytesWritten;
  } finally {
    await file.close();
  }
}

export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    await writeFile(partial, bytes, { flush: true });
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

function noRegularFile(path: string): Error {
  return Object.assign(new Error(`${path} is no regular file`), { code: NO_REGULAR_FILE });
}

export async function sizeOfFile(path: string): Promise<number | null> {
  try {
    const info = await stat(path);
    if (!info.isFile()) throw noRegularFile(path);
    return info.size;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw code === "ELOOP" ? noRegularFile(path) : error;
  }
}

export function removeFile(path: string): Promise<void> {
  return rm(path, { force: true });
}
