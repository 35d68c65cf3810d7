/**
 * SHA-256 in circuits: of messages of whole words, some of whose bits may be constants.
 *
 * A round's new `a` and `e` are not summed at once: the sums wait, and are made in the next round, `e` first, so that
 * the ones after the last round take the state's old words in. Gathered sums (`words.ts`) end with each block.
 * Source: bellpepper gadgets/sha256.rs; constants: FIPS 180-4.
 */
import { bitAt, constantWord, operand, putBit, sigma, startGathering, stateGathered, sum, WORD_BYTES } from "./words";
import { choose, majority } from "./bit";
import { AT_BLOCK, AT_SHA256, enter, leave } from "./path";

const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const START: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

/** Most words of a padded message: a label's 1,248 bytes and a block. */
const MAX_WORDS: u32 = 336;

/** Addresses of the message's words. */
const MESSAGE: usize = memory.data(1344, 8);
/** W of a block; the state h0 … h7; all `a` and `e` of a block, those of round r at r + 4, the initial ones from 3 down. */
const SCHEDULE: usize = memory.data(16384, 8);
const STATE: usize = memory.data(2048, 8);
const A: usize = memory.data(17408, 8);
const E: usize = memory.data(17408, 8);
/** Σ0, Σ1, Ch, Maj of this and the last round. */
const S0: usize = memory.data(512, 8);
const S1: usize = memory.data(512, 8);
const CHOICE: usize = memory.data(512, 8);
const MAJORITY: usize = memory.data(512, 8);
const CONSTANT: usize = memory.data(256, 8);
const PAD_MARK: usize = memory.data(256, 8);
const PAD_ZERO: usize = memory.data(256, 8);
const PAD_LENGTH: usize = memory.data(256, 8);

let messageWords: u32 = 0;

// @ts-ignore: decorator
@inline
function wordAt(words: usize, i: u32): usize {
  return words + <usize>i * WORD_BYTES;
}

export function startMessage(): void {
  messageWords = 0;
}

/** Appends a word, which must stay where it is until the message is hashed. */
export function appendWord(word: usize): void {
  assert(messageWords < MAX_WORDS);
  store<u32>(MESSAGE + (<usize>messageWords << 2), <u32>word);
  messageWords++;
}

/** Appends eight words, the 256 bits of an element's bytes. */
export function appendWords(words: usize): void {
  for (let i: u32 = 0; i < 8; i++) appendWord(wordAt(words, i));
}

/** Hashes the message; the digest's eight words are at the address returned. */
export function hashMessage(): usize {
  const length = messageWords << 5;
  constantWord(PAD_MARK, 0x80000000);
  constantWord(PAD_ZERO, 0);
  constantWord(PAD_LENGTH, length);
  appendWord(PAD_MARK);
  while ((messageWords & 15) != 15) appendWord(PAD_ZERO);
  appendWord(PAD_LENGTH);
  for (let i: u32 = 0; i < 8; i++) constantWord(wordAt(STATE, i), load<u32>(START + (<usize>i << 2)));
  enter(AT_SHA256, 0);
  for (let block: u32 = 0; block << 4 < messageWords; block++) {
    enter(AT_BLOCK, block);
    compress(MESSAGE + (<usize>block << 6));
    leave();
  }
  leave();
  return STATE;
}

function compress(block: usize): void {
  startGathering();
  fillSchedule(block);
  for (let i: u32 = 0; i < 4; i++) {
    memory.copy(wordAt(A, 3 - i), wordAt(STATE, i), WORD_BYTES);
    memory.copy(wordAt(E, 3 - i), wordAt(STATE, 4 + i), WORD_BYTES);
  }
  for (let r: u32 = 0; r < 64; r++) {
    const now = <usize>(r & 1) * WORD_BYTES;
    const e = wordAt(E, r + 3);
    const a = wordAt(A, r + 3);
    if (r > 0) {
      operandsOfE(r - 1);
      sum(e);
    }
    sigma(S1 + now, e, 6, 11, 25, false);
    for (let i: u32 = 0; i < 32; i++)
      putBit(CHOICE + now, i, choose(bitAt(e, i), bitAt(wordAt(E, r + 2), i), bitAt(wordAt(E, r + 1), i)));
    if (r > 0) {
      operandsOfA(r - 1);
      sum(a);
    }
    sigma(S0 + now, a, 2, 13, 22, false);
    for (let i: u32 = 0; i < 32; i++)
      putBit(MAJORITY + now, i, majority(bitAt(a, i), bitAt(wordAt(A, r + 2), i), bitAt(wordAt(A, r + 1), i)));
  }
  operandsOfA(63);
  operand(STATE);
  sum(STATE);
  for (let i: u32 = 1; i < 4; i++) addToState(i, wordAt(A, 67 - i));
  operandsOfE(63);
  operand(wordAt(STATE, 4));
  sum(wordAt(STATE, 4));
  for (let i: u32 = 1; i < 4; i++) addToState(4 + i, wordAt(E, 67 - i));
  stateGathered();
}

function fillSchedule(block: usize): void {
  for (let i: u32 = 0; i < 16; i++)
    memory.copy(wordAt(SCHEDULE, i), <usize>load<u32>(block + (<usize>i << 2)), WORD_BYTES);
  for (let i: u32 = 16; i < 64; i++) {
    sigma(S0, wordAt(SCHEDULE, i - 15), 7, 18, 3, true);
    sigma(S1, wordAt(SCHEDULE, i - 2), 17, 19, 10, true);
    operand(wordAt(SCHEDULE, i - 16));
    operand(S0);
    operand(wordAt(SCHEDULE, i - 7));
    operand(S1);
    sum(wordAt(SCHEDULE, i));
  }
}

/** h, Σ1, Ch, K and W of round r: what `a` and `e` share. */
function operandsOfBoth(r: u32): void {
  const then = <usize>(r & 1) * WORD_BYTES;
  constantWord(CONSTANT, load<u32>(K + (<usize>r << 2)));
  operand(wordAt(E, r));
  operand(S1 + then);
  operand(CHOICE + then);
  operand(CONSTANT);
  operand(wordAt(SCHEDULE, r));
}

function operandsOfE(r: u32): void {
  operandsOfBoth(r);
  operand(wordAt(A, r));
}

function operandsOfA(r: u32): void {
  const then = <usize>(r & 1) * WORD_BYTES;
  operandsOfBoth(r);
  operand(S0 + then);
  operand(MAJORITY + then);
}

function addToState(i: u32, word: usize): void {
  operand(wordAt(STATE, i));
  operand(word);
  sum(wordAt(STATE, i));
}
