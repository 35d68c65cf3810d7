/** Snapshots that a node writes beside its data, in the folder "snapshots". */
import { platform } from "#platform";
import { concat } from "../base/bytes.ts";

/** Bytes that are written at once. */
const PIECE = 1 << 20;

/** Files that are being written. */
const writing = new Set<string>();

/** Writes a file of the folder; one that cannot be written whole is removed. */
export async function keepSnapshot(data: string, name: string, parts: AsyncIterable<Uint8Array>): Promise<void> {
  const file = `${data}/snapshots/${name}`;
  if (writing.has(file)) throw new Error(`the snapshot ${name} is being written`);
  writing.add(file);
  try {
    if ((await platform.fileSize(file)) !== null) throw new Error(`there is a snapshot ${name} already`);
    await write(file, parts);
  } finally {
    writing.delete(file);
  }
}

async function write(file: string, parts: AsyncIterable<Uint8Array>): Promise<void> {
  let [held, size, at]: [Uint8Array[], number, number] = [[], 0, 0];
  const flush = async (): Promise<void> => {
    await platform.writeRange(file, at, concat(...held));
    at += size;
    [held, size] = [[], 0];
  };
  try {
    for await (const part of parts) {
      held.push(part);
      size += part.length;
      if (size >= PIECE) await flush();
    }
    await flush();
  } catch (error) {
    await platform.removeFile(file).catch(() => undefined);
    throw error;
  }
}
