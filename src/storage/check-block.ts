/** Whether a block's bytes are those that its CID names. */
import { equal } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { cidFromBytes } from "../types/cid.ts";
import type { Block, BlockSource } from "./contract.ts";

export type BlockHashes = {
  blake2b256(bytes: Uint8Array): Uint8Array;
  sha256(bytes: Uint8Array): Uint8Array;
};

const IDENTITY = 0x00;
const SHA2_256 = 0x12;
const BLAKE2B_256 = 0xb220;
/** CIDv1, dag-cbor, blake2b-256 of 32 bytes: of nearly every block. */
const USUAL = [0x01, 0x71, 0xa0, 0xe4, 0x02, 0x20];
const USUAL_LENGTH = 38;

/** "right", "wrong", or "unknown": the hash of the CID is one that we do not compute. */
export function checkBlock({ cid, bytes }: Block, hashes: BlockHashes): "right" | "wrong" | "unknown" {
  if (cid.length === USUAL_LENGTH && USUAL.every((byte, i) => cid[i] === byte))
    return equal(hashes.blake2b256(bytes), cid.subarray(USUAL.length)) ? "right" : "wrong";
  const { code, digest } = cidFromBytes(cid).multihash;
  if (code === IDENTITY) return equal(bytes, digest) ? "right" : "wrong";
  if (code !== BLAKE2B_256 && code !== SHA2_256) return "unknown";
  return equal(code === SHA2_256 ? hashes.sha256(bytes) : hashes.blake2b256(bytes), digest) ? "right" : "wrong";
}

/** A block was read whose bytes are not those that its CID names, or cannot be compared with it. */
export class WrongBlockError extends FilError<{ readonly code: "WRONG_BLOCK"; readonly cid: string }> {}

/** The same blocks, each compared with its CID when it is read: throws `WrongBlockError`. */
export function comparing(blocks: BlockSource, hashes: BlockHashes): BlockSource {
  const compared = (cid: Uint8Array, bytes: Uint8Array | undefined): Uint8Array | undefined => {
    const verdict = bytes === undefined ? "right" : checkBlock({ cid, bytes }, hashes);
    if (verdict === "right") return bytes;
    const name = `${cidFromBytes(cid)}`;
    throw new WrongBlockError(
      { code: "WRONG_BLOCK", cid: name },
      verdict === "wrong"
        ? `the bytes of block ${name} are not what its CID says: they are damaged or forged`
        : `block ${name} cannot be checked: its hash is none that chains use`,
    );
  };
  return {
    peek: (cid) => compared(cid, blocks.peek(cid)),
    get: async (cid) => compared(cid, await blocks.get(cid)),
  };
}
