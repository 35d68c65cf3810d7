/**
 * Canonical DAG-CBOR, reading.
 *
 * A reader walks one byte string and never throws: the first violation is kept in `fault`, and from then on every read
 * answers a zero value. The caller decides once, at the end, what a violation means (an exit code, a host fault, an
 * invalid message). Heads must be minimal; indefinite lengths, floats and tags other than 42 are refused.
 * Limits are those of the network's generated readers (cbor-gen): 8192 elements, 2 MiB byte strings, 8192-byte texts.
 */
import { Big } from "../base/big";
import { Bytes, bytesAt, EMPTY, ptrOf } from "../base/bytes";
import { argumentAt, argumentSize, leastOfSize } from "./cbor-head";
import { Cid, isCid, MAX_CID_BYTES } from "./cid";

/** What was wrong, in the order of the checks. */
export const CBOR_OK: i32 = 0;
export const CBOR_TRUNCATED: i32 = 1;
export const CBOR_NOT_MINIMAL: i32 = 2;
export const CBOR_WRONG_TYPE: i32 = 3;
export const CBOR_TOO_LONG: i32 = 4;
export const CBOR_TOO_DEEP: i32 = 5;
export const CBOR_BAD_VALUE: i32 = 6;
export const CBOR_TRAILING: i32 = 7;

export const MAX_ELEMENTS: u64 = 8192;
export const MAX_BYTE_STRING: u64 = 2 << 20;
export const MAX_TEXT: u64 = 8192;
export const MAX_BIG_BYTES: u64 = 128;
export const MAX_DEPTH: i32 = 128;

const MAJOR_UINT: u8 = 0;
const MAJOR_NEGATIVE: u8 = 1;
const MAJOR_BYTES: u8 = 2;
const MAJOR_TEXT: u8 = 3;
const MAJOR_ARRAY: u8 = 4;
const MAJOR_MAP: u8 = 5;
const MAJOR_TAG: u8 = 6;
const MAJOR_SIMPLE: u8 = 7;

@final
export class CborReader {
  /** First violation met, or CBOR_OK. */
  fault: i32 = CBOR_OK;
  /** A link that is met often: where it stands, `cid` answers with this very object. */
  usual: Cid | null = null;
  private at: usize;
  private readonly end: usize;
  private value: u64 = 0;

  /** `actorsVersion` selects the layout where a type changed between versions of actors. */
  constructor(
    private readonly source: Bytes,
    readonly actorsVersion: i32 = 2,
  ) {
    this.at = ptrOf(source);
    this.end = this.at + <usize>source.length;
  }

  get ok(): bool {
    return this.fault == CBOR_OK;
  }

  /** Offset of the next unread byte. */
  get offset(): i32 {
    return <i32>(this.at - ptrOf(this.source));
  }

  /** Records a violation; the first one stays. */
  fail(fault: i32): void {
    if (this.fault == CBOR_OK) this.fault = fault;
    this.at = this.end;
  }

  /** Declares that nothing may follow. */
  finish(): void {
    if (this.at != this.end) this.fail(CBOR_TRAILING);
  }

  /** Reads a head; its argument goes to `value`. Returns the major type, or 255 on a violation. */
  private head(): u8 {
    if (this.at >= this.end) {
      this.fail(CBOR_TRUNCATED);
      return 255;
    }
    const first = load<u8>(this.at);
    const size = argumentSize(first);
    if (size < 0) {
      this.fail(CBOR_WRONG_TYPE);
      return 255;
    }
    if (this.at + 1 + <usize>size > this.end) {
      this.fail(CBOR_TRUNCATED);
      return 255;
    }
    this.value = argumentAt(this.at, size);
    if (size > 0 && this.value < leastOfSize(size)) {
      this.fail(CBOR_NOT_MINIMAL);
      return 255;
    }
    this.at += 1 + <usize>size;
    return first >> 5;
  }

  private expect(major: u8): bool {
    const got = this.head();
    if (got == 255) return false;
    if (got == major) return true;
    this.fail(CBOR_WRONG_TYPE);
    return false;
  }

  /** Passes a string, whose bytes lie at `passedAt` then. False on a violation. */
  private pass(major: u8, limit: u64): bool {
    if (!this.expect(major)) return false;
    if (this.value > limit) {
      this.fail(CBOR_TOO_LONG);
      return false;
    }
    if (this.value > <u64>(this.end - this.at)) {
      this.fail(CBOR_TRUNCATED);
      return false;
    }
    this.at += <usize>this.value;
    return true;
  }

  private take(major: u8, limit: u64): Bytes {
    if (!this.pass(major, limit)) return EMPTY;
    return bytesAt(this.passedAt, this.passedBytes);
  }

  /** Where the string lies that was passed last, and its length; 0 after a violation. */
  get passedAt(): usize {
    return this.at - <usize>this.passedBytes;
  }

  get passedBytes(): i32 {
    return this.ok ? <i32>this.value : 0;
  }

  /** Passes a byte string without taking it. */
  passBytes(limit: u64 = MAX_BYTE_STRING): void {
    this.pass(MAJOR_BYTES, limit);
  }

  /** Passes one whole item. */
  passItem(): void {
    this.skip(0);
  }

  /** Goes to an offset of the source. */
  seek(offset: i32): void {
    assert(offset >= 0 && offset <= this.source.length, "offset outside of the source");
    this.at = ptrOf(this.source) + <usize>offset;
  }

  /** True if the next item is null or undefined's canonical stand-in (0xf6). */
  isNull(): bool {
    return this.at < this.end && load<u8>(this.at) == 0xf6;
  }

  /** Major type of the next item, 255 at the end. */
  peek(): u8 {
    return this.at < this.end ? load<u8>(this.at) >> 5 : 255;
  }

  skipNull(): void {
    if (this.isNull()) this.at++;
    else this.fail(this.at < this.end ? CBOR_WRONG_TYPE : CBOR_TRUNCATED);
  }

  /** Array head: number of elements, at most `limit`. */
  array(limit: u64 = MAX_ELEMENTS): i32 {
    if (!this.expect(MAJOR_ARRAY)) return 0;
    if (this.value > limit) {
      this.fail(CBOR_TOO_LONG);
      return 0;
    }
    return <i32>this.value;
  }

  /** Array head that must announce exactly `count` elements. */
  tuple(count: i32): void {
    if (this.expect(MAJOR_ARRAY) && this.value != <u64>count) this.fail(CBOR_WRONG_TYPE);
  }

  /** Map head: number of pairs. */
  map(limit: u64 = MAX_ELEMENTS): i32 {
    if (!this.expect(MAJOR_MAP)) return 0;
    if (this.value > limit) {
      this.fail(CBOR_TOO_LONG);
      return 0;
    }
    return <i32>this.value;
  }

  u64(): u64 {
    return this.expect(MAJOR_UINT) ? this.value : 0;
  }

  i64(): i64 {
    const major = this.head();
    if (major == 255) return 0;
    if (major > MAJOR_NEGATIVE) {
      this.fail(CBOR_WRONG_TYPE);
      return 0;
    }
    if (this.value > 0x7fffffffffffffff) {
      this.fail(CBOR_BAD_VALUE);
      return 0;
    }
    return major == MAJOR_UINT ? <i64>this.value : -1 - <i64>this.value;
  }

  bool(): bool {
    const value = this.at < this.end ? load<u8>(this.at) : 0;
    if (value == 0xf4 || value == 0xf5) {
      this.at++;
      return value == 0xf5;
    }
    this.fail(this.at < this.end ? CBOR_WRONG_TYPE : CBOR_TRUNCATED);
    return false;
  }

  bytes(limit: u64 = MAX_BYTE_STRING): Bytes {
    return this.take(MAJOR_BYTES, limit);
  }

  /** UTF-8 text as bytes; the bytes are not checked, as the network's readers do not. */
  text(limit: u64 = MAX_TEXT): Bytes {
    return this.take(MAJOR_TEXT, limit);
  }

  cid(): Cid {
    if (!this.passCid()) return Cid.NONE;
    const link = this.passedAt + 1;
    const length = this.passedBytes - 1;
    const usual = this.usual;
    if (usual !== null && usual.bytes.length == length && memory.compare(link, ptrOf(usual.bytes), <usize>length) == 0) return usual;
    return new Cid(bytesAt(link, length));
  }

  /** Passes a link: a zero and the CID's bytes, as a byte string. False on a violation. */
  passCid(): bool {
    if (!this.expect(MAJOR_TAG)) return false;
    if (this.value != 42) {
      this.fail(CBOR_WRONG_TYPE);
      return false;
    }
    if (!this.pass(MAJOR_BYTES, <u64>MAX_CID_BYTES)) return false;
    const link = this.passedAt;
    const length = this.passedBytes;
    if (length >= 2 && load<u8>(link) == 0 && isCid(link + 1, length - 1)) return true;
    this.fail(CBOR_BAD_VALUE);
    return false;
  }

  /** Token amounts and other big integers: empty for zero, else a sign byte (0 or 1) and a big-endian magnitude. */
  big(): Big {
    if (!this.pass(MAJOR_BYTES, MAX_BIG_BYTES) || this.value == 0) return Big.ZERO;
    const length = this.passedBytes;
    const at = this.passedAt;
    const sign = load<u8>(at);
    if (sign > 1) {
      this.fail(CBOR_BAD_VALUE);
      return Big.ZERO;
    }
    return Big.fromBytes(at + 1, length - 1, sign == 1);
  }

  /** The next whole item, unread, as its own bytes. */
  raw(): Bytes {
    const start = this.at;
    this.skip(0);
    return this.ok ? bytesAt(start, <i32>(this.at - start)) : EMPTY;
  }

  private skip(depth: i32): void {
    if (depth > MAX_DEPTH) {
      this.fail(CBOR_TOO_DEEP);
      return;
    }
    const major = this.head();
    if (major == 255 || major <= MAJOR_NEGATIVE) return;
    const value = this.value;
    if (major == MAJOR_SIMPLE) {
      if (value < 20 || value > 22) this.fail(CBOR_WRONG_TYPE);
      return;
    }
    if (major == MAJOR_TAG) {
      if (value != 42) this.fail(CBOR_WRONG_TYPE);
      this.skip(depth + 1);
      return;
    }
    if (value > <u64>(this.end - this.at)) {
      this.fail(CBOR_TRUNCATED);
      return;
    }
    if (major == MAJOR_BYTES || major == MAJOR_TEXT) {
      this.at += <usize>value;
      return;
    }
    const items = major == MAJOR_MAP ? value * 2 : value;
    for (let i: u64 = 0; i < items && this.ok; i++) this.skip(depth + 1);
  }
}
