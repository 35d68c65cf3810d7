/**
 * Nodes of Merkle trees in circuits: the parent of two nodes by SHA-256 (tree D), of 2, 4, 8 by Poseidon.
 * Source: rust-fil-proofs filecoin-hashers src/{sha256,poseidon}.rs.
 */
import { AT_BITS, AT_PACK, enter, leave } from "./path";
import { bitsOfWords, BITS_BYTES, numberAt, pack, PACKED_BITS, toBits, wordsOfBits } from "./number";
import { hashNodes } from "./poseidon";
import { appendWords, hashMessage, startMessage } from "./sha256";

const BITS: usize = memory.data(2048, 8);
const LEFT: usize = memory.data(2048, 8);
const RIGHT: usize = memory.data(2048, 8);

/** The SHA-256 of two numbers without its two top bits. */
export function hashPair(out: usize, left: usize, right: usize): void {
  assert(BITS_BYTES == 2048);
  enter(AT_BITS, 0);
  toBits(BITS, left);
  wordsOfBits(LEFT, BITS);
  leave();
  enter(AT_BITS, 1);
  toBits(BITS, right);
  wordsOfBits(RIGHT, BITS);
  leave();
  startMessage();
  appendWords(LEFT);
  appendWords(RIGHT);
  packDigest(out, hashMessage());
}

/** A number from the words of a digest, without its two top bits. */
export function packDigest(out: usize, words: usize): void {
  bitsOfWords(BITS, words);
  enter(AT_PACK, 0);
  pack(out, BITS, PACKED_BITS);
  leave();
}

/** The parent of `arity` numbers. */
export function hashChildren(out: usize, arity: u32, children: usize, sha256: bool): void {
  if (sha256) hashPair(out, children, numberAt(children, 1));
  else hashNodes(out, arity, children);
}
