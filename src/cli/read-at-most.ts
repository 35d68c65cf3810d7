/** Reads files that the user named: to a bound, whatever their size says, as that of a device or of a pipe says nothing. */
import { open } from "node:fs/promises";
import { GrowingBytes } from "../base/byte-queue.ts";
import { sizeText } from "./terminal.ts";

const PIECE = 1 << 20;

/** All bytes of a file; throws an error that says it is larger than `what` can be, or the system's. */
export async function readAtMost(file: string, most: number, what: string): Promise<Uint8Array> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const all = new GrowingBytes();
    // One byte more than is expected shows the end at once.
    const piece = new Uint8Array(Math.min(PIECE, size > 0 ? size + 1 : PIECE));
    for (;;) {
      const { bytesRead } = size > most ? { bytesRead: most + 1 } : await handle.read(piece, 0, piece.length, null);
      if (bytesRead === 0) return all.take();
      if (all.size + bytesRead > most) throw new TooLargeFile(`${file} is larger than ${what} (${sizeText(most)})`);
      all.add(piece.subarray(0, bytesRead));
    }
  } catch (error) {
    // As the system tells it of a file that does not open; of one that does not read it leaves the name out.
    if (error instanceof Error && "syscall" in error && !error.message.endsWith("'")) error.message += ` '${file}'`;
    throw error;
  } finally {
    await handle.close();
  }
}

export class TooLargeFile extends Error {}

/** Bytes of texts that people or this program write: keys, descriptions, records, scenarios. */
const MAX_TEXT = 16 << 20;

/** The text of a file, as `readAtMost`. */
export async function readText(file: string): Promise<string> {
  return new TextDecoder().decode(await readAtMost(file, MAX_TEXT, "any text that is read here"));
}
