/** The imports in the core's own types: blocks as byte strings, faults as calls that do not return. */
import { Bytes, ptrOf, utf8 } from "../base/bytes";
import { blockCopy, blockLength, blockPut, fault } from "./host";

/** Version of the ABI; the host refuses a module with another one. */
export const ABI_VERSION: i32 = 2;

// Codes that exports return instead of a length.

/** Nothing is there: no such actor, no such address. */
export const NOT_FOUND: i32 = -1;
/** The bytes given are malformed. */
export const MALFORMED: i32 = -2;
/** The message may not be applied at all: its gas limit is not positive, or a fee is negative. */
export const NOT_APPLICABLE: i32 = -3;
/** No machine is open. */
export const NOT_OPEN: i32 = -4;
/** This machine does not execute that network version. */
export const UNKNOWN_VERSION: i32 = -5;

/** Bytes of blocks that became objects, or objects blocks, since the last collection, and messages inside of others: a measure of the garbage made. */
export let blockBytes: i32 = 0;

/** Starts `blockBytes` anew. */
export function forgetBlockBytes(): void {
  blockBytes = 0;
}

/** What a message inside of another leaves behind (1 KiB), as bytes of blocks. */
const CALL_BYTES: i32 = 128;

/** Counts a message that another one sends. */
export function noteCall(): void {
  blockBytes += CALL_BYTES;
}

/** The bytes of a block, from the host. */
export function readBlock(cid: Bytes): Bytes {
  const length = blockLength(ptrOf(cid), cid.length);
  blockBytes += length;
  const out = new StaticArray<u8>(length);
  blockCopy(ptrOf(out));
  return out;
}

export function writeBlock(cid: Bytes, block: Bytes): void {
  blockBytes += block.length;
  blockPut(ptrOf(cid), cid.length, ptrOf(block), block.length);
}

/** Ends the run without a receipt. Never returns. */
export function endRun(why: string): void {
  const text = utf8(why);
  fault(ptrOf(text), text.length);
  unreachable();
}
