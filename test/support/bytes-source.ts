/** Bytes in memory as a file that is read in pieces. */
import { concat } from "../../src/base/bytes.ts";
import type { ByteSource } from "../../src/storage/car-index.ts";

export function sourceOf(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: async (from, length) => bytes.subarray(from, from + length) };
}

export async function gather(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return concat(...all);
}
