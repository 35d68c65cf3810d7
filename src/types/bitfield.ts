/**
 * RLE+ bit sets, as the host reads and shows them: alternating run lengths, the first one counting zeros.
 *
 * Wire form, least significant bit first: 2 version bits (00), 1 bit with the value of the first run, then runs:
 * "1" a run of one, "01" and 4 bits a run below 16, "00" and a varint any run. Empty set: no bytes.
 * Source: go-bitfield, specification of RLE+.
 */
import { FilError } from "../base/errors.ts";
import { decodeVarint } from "../base/varint.ts";

export type BitfieldErrorData = { readonly code: "BAD_BITFIELD" };
export class BitfieldError extends FilError<BitfieldErrorData> {}

/** Largest encoded set on chain, bytes. */
const MAX_ENCODED = 32 << 10;
/** Bytes of a varint of 64 bits. */
const MAX_VARINT = 10;

function bad(reason: string): never {
  throw new BitfieldError({ code: "BAD_BITFIELD" }, `bad bitfield: ${reason}`);
}

/** Run lengths, zeros first (the spelling of the network's JSON: `[5, 1]` is bit 5). */
export function decodeRuns(bytes: Uint8Array): bigint[] {
  if (!(bytes instanceof Uint8Array)) bad("bytes expected");
  if (bytes.length === 0) return [];
  if (bytes.length > MAX_ENCODED) bad(`${bytes.length} bytes`);
  if (bytes[bytes.length - 1] === 0) bad("not minimal: last byte is zero");
  let at = 0;
  const size = bytes.length * 8;
  const bit = (): number => {
    if (at >= size) return 0;
    const value = ((bytes[at >> 3] as number) >> (at & 7)) & 1;
    at++;
    return value;
  };
  const number = (bits: number): number => {
    let value = 0;
    for (let i = 0; i < bits; i++) value |= bit() << i;
    return value;
  };
  if (number(2) !== 0) bad("unknown version");
  const runs: bigint[] = bit() === 1 ? [0n] : [];
  let total = 0n;
  for (;;) {
    const length = bit() === 1 ? 1n : bit() === 1 ? BigInt(number(4)) : readVarint(() => number(8));
    // A run of length 0 ends the set, as the zeros behind the last byte do; bits after it do not count.
    if (length === 0n) return runs;
    total += length;
    if (total >= 1n << 64n) bad("more than 2^64 - 1 bits");
    runs.push(length);
  }
}

/** A varint of up to 64 bits, byte by byte from a stream of bits. */
function readVarint(byte: () => number): bigint {
  const bytes: number[] = [];
  do bytes.push(byte());
  while ((bytes.at(-1) as number) >= 0x80 && bytes.length < MAX_VARINT);
  const found = decodeVarint(Uint8Array.from(bytes), 0, MAX_VARINT, 64);
  return typeof found === "string" ? bad(`varint is ${found}`) : found.value;
}

/**
 * Inverse of `decodeRuns`; a trailing run of zeros is dropped. Throws `BitfieldError` for what `decodeRuns` would refuse: more
 * than 2^64 - 1 bits, more than 32 KiB, a run of length zero behind the first.
 */
export function encodeRuns(runs: readonly bigint[]): Uint8Array {
  if (!Array.isArray(runs)) bad("a list of runs expected");
  const clean = normalize(runs);
  if (clean.length === 0) return new Uint8Array(0);
  const bits: number[] = [0, 0];
  const push = (value: number, count: number): void => {
    for (let i = 0; i < count; i++) bits.push((value >> i) & 1);
  };
  const startsWithOnes = clean[0] === 0n;
  bits.push(startsWithOnes ? 1 : 0);
  for (const run of startsWithOnes ? clean.slice(1) : clean) {
    if (run === 1n) push(1, 1);
    else if (run < 16n) {
      push(2, 2);
      push(Number(run), 4);
    } else {
      push(0, 2);
      let rest = run;
      while (rest >= 0x80n) {
        push(Number(rest & 0x7fn) | 0x80, 8);
        rest >>= 7n;
      }
      push(Number(rest), 8);
    }
  }
  const out = new Uint8Array(Math.ceil(bits.length / 8));
  if (out.length > MAX_ENCODED) bad(`${out.length} bytes`);
  bits.forEach((value, i) => {
    out[i >> 3] = (out[i >> 3] as number) | (value << (i & 7));
  });
  // Zeros behind the last one may have begun another byte.
  return out[out.length - 1] === 0 ? out.subarray(0, -1) : out;
}

function normalize(runs: readonly bigint[]): bigint[] {
  const out: bigint[] = [];
  let total = 0n;
  for (const [i, run] of runs.entries()) {
    if (typeof run !== "bigint" || run < 0n) bad("a run is a bigint, 0 or more");
    if (i > 0 && run === 0n) bad("run of length zero");
    total += run;
    if (total >= 1n << 64n) bad("more than 2^64 - 1 bits");
    out.push(run);
  }
  if (out.length % 2 === 1) out.pop();
  return out;
}
