/**
 * Reading and writing the CBOR of stream protocols piece by piece.
 *
 * Headers and messages inside a response are cut out as byte slices and given to their own strict decoders, so nothing is
 * decoded twice. Only what the network sends is accepted: definite lengths, minimal heads. Every length is held against
 * the bytes that are there, every list against the limit its caller names.
 */
import { FilError } from "../../base/errors.ts";

export type WireErrorData =
  | { readonly code: "BAD_FRAME" }
  | { readonly code: "FRAME_TOO_LARGE"; readonly limit: number }
  | { readonly code: "STREAM_ENDED" };
export class WireError extends FilError<WireErrorData> {}

export const CBOR_MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;
/** Nesting of items that is followed. A header nests four deep. */
const MAX_DEPTH = 16;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;

function bad(why: string): never {
  throw new WireError({ code: "BAD_FRAME" }, why);
}

/** Bytes that follow the first byte of a head. */
function extraBytes(info: number): number {
  if (info < 24) return 0;
  if (info > 27) return bad(`CBOR head with additional information ${info}`);
  return 1 << (info - 24);
}

/**
 * Finds where an item ends while its bytes arrive in chunks, without keeping them.
 * Lists and maps add to the number of items still to come; nothing is recursive.
 */
export class ItemScanner {
  /** Items still to come at each depth. */
  private readonly open: number[] = [1];
  private major = 0;
  private info = 0;
  /** Bytes of the current head still to come, and its value so far. */
  private headLeft = 0;
  private value = 0;
  /** Bytes of the current string still to come. */
  private skip = 0;
  private readonly limit: number;
  private readonly depth: number;
  private taken = 0;

  /** `limit`: bytes of the whole item, at most 2^31; `depth`: nesting that is followed. */
  constructor(limit: number, depth: number = MAX_DEPTH) {
    this.limit = limit;
    this.depth = depth;
  }

  /** Takes a chunk; returns how many of its bytes belong to the item once it is complete, else -1. Throws `WireError`. */
  take(chunk: Uint8Array): number {
    let at = 0;
    while (this.open.length > 0) {
      if (this.skip > 0) {
        const step = Math.min(this.skip, chunk.length - at);
        this.skip -= step;
        at += step;
        if (this.skip > 0) break;
        this.close();
        continue;
      }
      if (at === chunk.length) break;
      const byte = chunk[at++] as number;
      if (this.headLeft === 0) {
        this.major = byte >> 5;
        this.info = byte & 31;
        this.headLeft = extraBytes(this.info);
        this.value = this.headLeft === 0 ? this.info : 0;
      } else {
        this.value = this.value * 256 + byte;
        this.headLeft--;
      }
      if (this.headLeft === 0) this.head();
    }
    this.taken += at;
    if (this.taken > this.limit) throw tooLarge(this.limit);
    return this.open.length === 0 ? at : -1;
  }

  private head(): void {
    const { major, value } = this;
    if (major === CBOR_MAJOR.bytes || major === CBOR_MAJOR.text) {
      if (value > this.limit) throw tooLarge(this.limit);
      this.skip = value;
      if (value === 0) this.close();
    } else if (major === CBOR_MAJOR.array || major === CBOR_MAJOR.map) {
      const items = major === CBOR_MAJOR.map ? 2 * value : value;
      // An item has at least one byte.
      if (items > this.limit) throw tooLarge(this.limit);
      if (items === 0) this.close();
      else this.descend(items);
    } else if (major === CBOR_MAJOR.tag) this.descend(1);
    else this.close();
  }

  private descend(items: number): void {
    if (this.open.length >= this.depth) bad(`CBOR nested deeper than ${this.depth}`);
    this.open.push(items);
  }

  /** One item is complete; so may be those around it. */
  private close(): void {
    while (this.open.length > 0) {
      const left = (this.open[this.open.length - 1] as number) - 1;
      if (left > 0) {
        this.open[this.open.length - 1] = left;
        return;
      }
      this.open.pop();
    }
  }
}

export function tooLarge(limit: number): WireError {
  return new WireError({ code: "FRAME_TOO_LARGE", limit }, `a message of more than ${limit} bytes`);
}

/** Reads items one after another from bytes that are all there. Every method throws `WireError`. */
export class CborReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at === this.bytes.length;
  }

  /** Number of items of the list that starts here. */
  array(max: number, what: string): number {
    const count = this.head(CBOR_MAJOR.array, what);
    return count <= max ? count : bad(`${what}: ${count} items, at most ${max} allowed`);
  }

  /** Number of pairs of the map that starts here. */
  map(max: number, what: string): number {
    const count = this.head(CBOR_MAJOR.map, what);
    return count <= max ? count : bad(`${what}: ${count} pairs, at most ${max} allowed`);
  }

  /** The list that starts here must have `count` items. */
  tuple(count: number, what: string): void {
    if (this.array(count, what) !== count) bad(`${what}: array of ${count} expected`);
  }

  /** Unsigned integer below 2^53. */
  unsigned(what: string): number {
    const value = this.unsignedBig(what);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : bad(`${what}: ${value} is too large`);
  }

  unsignedBig(what: string): bigint {
    return this.wide(CBOR_MAJOR.unsigned, what);
  }

  /** Signed 64-bit integer. */
  integer(what: string): bigint {
    const negative = (this.peek(what) & 0xe0) >> 5 === CBOR_MAJOR.negative;
    const value = this.wide(negative ? CBOR_MAJOR.negative : CBOR_MAJOR.unsigned, what);
    const signed = negative ? -1n - value : value;
    return BigInt.asIntN(64, signed) === signed ? signed : bad(`${what}: not a 64-bit integer`);
  }

  /** An epoch: an integer that a JavaScript number holds. */
  epoch(what: string): number {
    const value = this.integer(what);
    const isSafe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
    return isSafe ? Number(value) : bad(`${what}: ${value} is no epoch`);
  }

  tag(number: number, what: string): void {
    if (this.wide(CBOR_MAJOR.tag, what) !== BigInt(number)) bad(`${what}: tag ${number} expected`);
  }

  byteString(max: number, what: string): Uint8Array {
    return this.string(CBOR_MAJOR.bytes, max, what);
  }

  text(max: number, what: string): string {
    return new TextDecoder().decode(this.string(CBOR_MAJOR.text, max, what));
  }

  /** Bytes of a text, which need not be UTF-8: Go writes identities of peers so. */
  textBytes(max: number, what: string): Uint8Array {
    return this.string(CBOR_MAJOR.text, max, what);
  }

  boolean(what: string): boolean {
    const byte = this.peek(what);
    if (byte !== FALSE && byte !== TRUE) bad(`${what}: true or false expected`);
    this.at++;
    return byte === TRUE;
  }

  /** Takes a null if one stands here. */
  isNull(): boolean {
    if (this.bytes[this.at] !== NULL) return false;
    this.at++;
    return true;
  }

  /** Bytes of the whole item that starts here, whatever it is; `depth`: nesting that is followed. */
  item(what: string, depth: number = MAX_DEPTH): Uint8Array {
    const rest = this.bytes.subarray(this.at);
    const length = new ItemScanner(rest.length, depth).take(rest);
    if (length < 0) bad(`${what}: ends early`);
    this.at += length;
    return rest.subarray(0, length);
  }

  /** There must be nothing left. */
  end(what: string): void {
    if (!this.done) bad(`${what}: ${this.bytes.length - this.at} bytes after its end`);
  }

  private peek(what: string): number {
    return this.bytes[this.at] ?? bad(`${what}: ends early`);
  }

  private string(major: number, max: number, what: string): Uint8Array {
    const length = this.head(major, what);
    if (length > max) bad(`${what}: ${length} bytes, at most ${max} allowed`);
    if (length > this.bytes.length - this.at) bad(`${what}: ends early`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  private head(major: number, what: string): number {
    const value = this.wide(major, what);
    return value <= BigInt(this.bytes.length) ? Number(value) : bad(`${what}: length ${value} is beyond the message`);
  }

  private wide(major: number, what: string): bigint {
    const first = this.peek(what);
    if (first >> 5 !== major) bad(`${what}: CBOR major type ${major} expected, found ${first >> 5}`);
    const extra = extraBytes(first & 31);
    this.at++;
    if (extra === 0) return BigInt(first & 31);
    if (this.at + extra > this.bytes.length) bad(`${what}: ends early`);
    let value = 0n;
    for (let i = 0; i < extra; i++) value = (value << 8n) | BigInt(this.bytes[this.at++] as number);
    const least = extra === 1 ? 24n : 1n << BigInt(4 * extra);
    return value >= least ? value : bad(`${what}: CBOR head is not minimal`);
  }
}

/** Head of an item: its major type and its value or length. */
export function cborHead(major: number, value: number | bigint): Uint8Array {
  const wide = BigInt(value);
  const first = major << 5;
  if (wide < 24n) return Uint8Array.of(first | Number(wide));
  const log = wide < 1n << 8n ? 0 : wide < 1n << 16n ? 1 : wide < 1n << 32n ? 2 : 3;
  const out = new Uint8Array(1 + (1 << log));
  out[0] = first | (24 + log);
  let left = wide;
  for (let i = out.length - 1; i > 0; i--, left >>= 8n) out[i] = Number(left & 0xffn);
  return out;
}

export const CBOR_NULL: Uint8Array = Uint8Array.of(NULL);
