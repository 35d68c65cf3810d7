/**
 * A label in circuits: SHA-256 over replica id, layer, node and 37 parents, without its two top bits. The message is that of
 * `proofs/label.ts`; layer and padding are constants. Parents come as the words of their bytes.
 * Source: rust-fil-proofs storage-proofs-porep src/stacked/circuit/create_label.rs.
 */
import { packDigest } from "./node";
import { appendWord, appendWords, hashMessage, startMessage } from "./sha256";
import { bitAt, constantWord, putBit, WORD_BYTES } from "./words";

const LABEL_PARENTS: u32 = 37;
/** Words of an element's 32 bytes. */
export const ELEMENT_WORDS_BYTES: usize = 2048;

const LAYER: usize = memory.data(256, 8);
const NODE_HIGH: usize = memory.data(256, 8);
const NODE_LOW: usize = memory.data(256, 8);
const ZERO: usize = memory.data(256, 8);

/** out = the label of the node with the 64 bits `node`, from `count` parents of 8 words each, which repeat up to 37. */
export function createLabel(out: usize, replicaId: usize, layer: u32, node: usize, parents: usize, count: u32): void {
  constantWord(LAYER, layer);
  constantWord(ZERO, 0);
  for (let i: u32 = 0; i < 32; i++) {
    putBit(NODE_LOW, i, bitAt(node, i));
    putBit(NODE_HIGH, i, bitAt(node, 32 + i));
  }
  startMessage();
  appendWords(replicaId);
  appendWord(LAYER);
  appendWord(NODE_HIGH);
  appendWord(NODE_LOW);
  for (let i = 0; i < 5; i++) appendWord(ZERO);
  for (let i: u32 = 0; i < LABEL_PARENTS; i++) appendWords(parents + <usize>(i % count) * ELEMENT_WORDS_BYTES);
  assert(ELEMENT_WORDS_BYTES == 8 * WORD_BYTES);
  packDigest(out, hashMessage());
}
