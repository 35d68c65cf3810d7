/**
 * RLP, the encoding of Ethereum's transactions: byte strings and lists of such, nested. Only the shortest encoding of a value is read.
 * Source: Ethereum yellow paper, appendix B.
 */
import { concat } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";

export type RlpErrorData = { readonly code: "BAD_RLP"; readonly at: number };
export class RlpError extends FilError<RlpErrorData> {}

export type Rlp = Uint8Array | readonly Rlp[];

/** Lists in one another, and items in all, of what is read. */
const MAX_DEPTH = 8;
const MAX_ITEMS = 1024;
/** Heads: from here on short strings, long ones, short lists, long ones. */
const STRING = 0x80;
const LONG_STRING = 0xb7;
const LIST = 0xc0;
const LONG_LIST = 0xf7;
const SHORT = 55;

function bad(at: number, why: string): never {
  throw new RlpError({ code: "BAD_RLP", at }, `bad RLP at byte ${at}: ${why}`);
}

/** Reads one value, which is all there is. Throws `RlpError`. */
export function decodeRlp(bytes: Uint8Array): Rlp {
  const left = { items: MAX_ITEMS };
  const [value, end] = read(bytes, 0, bytes.length, 0, left);
  return end === bytes.length ? value : bad(end, "bytes behind the value");
}

function read(
  bytes: Uint8Array,
  at: number,
  limit: number,
  depth: number,
  left: { items: number },
): readonly [value: Rlp, end: number] {
  if (left.items-- === 0) bad(at, `more than ${MAX_ITEMS} items`);
  if (at >= limit) return bad(at, "cut short");
  const head = bytes[at] as number;
  if (head < STRING) return [bytes.subarray(at, at + 1), at + 1];
  const isList = head >= LIST;
  const [short, long] = isList ? [LIST, LONG_LIST] : [STRING, LONG_STRING];
  const [from, length] = head <= long ? [at + 1, head - short] : longLength(bytes, at, limit, head - long);
  const end = from + length;
  if (end > limit) return bad(at, "longer than what is there");
  if (!isList) {
    if (length === 1 && head === STRING + 1 && (bytes[from] as number) < STRING) bad(at, "not the shortest form");
    return [bytes.subarray(from, end), end];
  }
  if (depth === MAX_DEPTH) return bad(at, `lists more than ${MAX_DEPTH} deep`);
  const items: Rlp[] = [];
  for (let next = from; next < end; ) {
    const [item, after] = read(bytes, next, end, depth + 1, left);
    items.push(item);
    next = after;
  }
  return [items, end];
}

function longLength(
  bytes: Uint8Array,
  at: number,
  limit: number,
  size: number,
): readonly [from: number, length: number] {
  const from = at + 1 + size;
  if (from > limit || size > 4) return bad(at, "a length that nothing has");
  let length = 0;
  for (let i = at + 1; i < from; i++) length = length * 256 + (bytes[i] as number);
  if (bytes[at + 1] === 0 || length <= SHORT) bad(at, "not the shortest form");
  return [from, length];
}

export function encodeRlp(value: Rlp): Uint8Array {
  if (value instanceof Uint8Array) {
    if (value.length === 1 && (value[0] as number) < STRING) return value;
    return concat(headOf(value.length, STRING, LONG_STRING), value);
  }
  const inner = concat(...value.map(encodeRlp));
  return concat(headOf(inner.length, LIST, LONG_LIST), inner);
}

function headOf(length: number, short: number, long: number): Uint8Array {
  if (length <= SHORT) return Uint8Array.of(short + length);
  const digits = integerBytes(BigInt(length));
  return concat(Uint8Array.of(long + digits.length), digits);
}

/** A natural number as RLP has it: big-endian without leading zeros; none for 0. */
export function integerBytes(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array(0);
  const hex = value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Uint8Array.from({ length: even.length / 2 }, (_, i) => Number.parseInt(even.slice(2 * i, 2 * i + 2), 16));
}

/** Throws `RlpError` for leading zeros, and for more than `most` bytes. */
export function integerFrom(bytes: Rlp | undefined, most = 32): bigint {
  if (!(bytes instanceof Uint8Array)) return bad(0, "a number is a byte string");
  if (bytes.length > most) return bad(0, `a number of more than ${most} bytes`);
  if (bytes[0] === 0) return bad(0, "not a number in its shortest form");
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
