/** A DAG as a CAR file: one root, blocks depth first, each once; the same bytes at every time, so the same piece. */
import { concat } from "../../base/bytes.ts";
import { encodeVarint } from "../../base/varint.ts";
import { carHeader } from "../../storage/car.ts";
import type { BlockSource } from "../../storage/contract.ts";
import type { CID } from "../../types/cid.ts";
import { type WalkedBlock, type WalkOptions, walk } from "./links.ts";

/** Small parts are joined up to this many bytes. */
const JOINED = 256 * 1024;

/** A CAR file of version 1, in parts. */
export async function* carOf(blocks: BlockSource, root: CID, options: WalkOptions = {}): AsyncGenerator<Uint8Array> {
  yield* carOfBlocks(root, walk(blocks, root, options));
}

/** A CAR file of version 1 of some blocks, in parts. */
export async function* carOfBlocks(root: CID, blocks: AsyncIterable<WalkedBlock>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [carHeader([root])];
  let held = 0;
  for await (const { cid, bytes } of blocks) {
    parts.push(encodeVarint(cid.bytes.length + bytes.length), cid.bytes, bytes);
    held += bytes.length + cid.bytes.length;
    if (held < JOINED) continue;
    yield concat(...parts);
    parts = [];
    held = 0;
  }
  if (parts.length > 0) yield concat(...parts);
}

/** Bytes of a block in a CAR file, with what stands before it. */
export function sectionLength({ cid, bytes }: WalkedBlock): number {
  const length = cid.bytes.length + bytes.length;
  return encodeVarint(length).length + length;
}
