/** Canonical DAG-CBOR, writing: minimal heads, links as tag 42 over 0x00 and the binary CID. */
import { Big } from "../base/big";
import { Bytes, bytesAt, EMPTY, ptrOf } from "../base/bytes";
import { Cid } from "./cid";

/** Least size of a buffer. */
const MIN_BUFFER: i32 = 256;
/** Largest buffer that is kept. */
const MAX_SPARE: i32 = 65536;
/** A buffer that no writer writes to: the next one takes it. */
let spare: StaticArray<u8> | null = null;

@final
export class CborWriter {
  private buffer: StaticArray<u8>;
  private used: i32 = 0;

  /** `actorsVersion` selects the layout where a type changed between versions of actors. */
  constructor(
    readonly actorsVersion: i32 = 2,
    capacity: i32 = MIN_BUFFER,
  ) {
    const kept = spare;
    if (kept !== null && kept.length >= capacity) {
      this.buffer = kept;
      spare = null;
    } else this.buffer = new StaticArray<u8>(max(capacity, MIN_BUFFER));
  }

  /** The bytes written since the beginning or the last `finish`; the writer is empty then. */
  finish(): Bytes {
    const out = bytesAt(changetype<usize>(this.buffer), this.used);
    if (this.buffer.length <= MAX_SPARE) spare = this.buffer;
    this.buffer = EMPTY;
    this.used = 0;
    return out;
  }

  private room(size: i32): usize {
    const need = this.used + size;
    if (need > this.buffer.length) {
      const grown = new StaticArray<u8>(max(need, this.buffer.length << 1));
      memory.copy(changetype<usize>(grown), changetype<usize>(this.buffer), <usize>this.used);
      this.buffer = grown;
    }
    const at = changetype<usize>(this.buffer) + <usize>this.used;
    this.used = need;
    return at;
  }

  private head(major: u32, value: u64): void {
    const lead = major << 5;
    if (value < 24) store<u8>(this.room(1), lead | <u32>value);
    else if (value <= 0xff) {
      const at = this.room(2);
      store<u8>(at, lead | 24);
      store<u8>(at + 1, <u8>value);
    } else if (value <= 0xffff) {
      const at = this.room(3);
      store<u8>(at, lead | 25);
      store<u16>(at + 1, bswap<u16>(<u16>value));
    } else if (value <= 0xffffffff) {
      const at = this.room(5);
      store<u8>(at, lead | 26);
      store<u32>(at + 1, bswap<u32>(<u32>value));
    } else {
      const at = this.room(9);
      store<u8>(at, lead | 27);
      store<u64>(at + 1, bswap<u64>(value));
    }
  }

  array(count: i32): this {
    this.head(4, <u64>count);
    return this;
  }

  map(pairs: i32): this {
    this.head(5, <u64>pairs);
    return this;
  }

  u64(value: u64): this {
    this.head(0, value);
    return this;
  }

  i64(value: i64): this {
    if (value >= 0) this.head(0, <u64>value);
    else this.head(1, <u64>(-1 - value));
    return this;
  }

  bool(value: bool): this {
    store<u8>(this.room(1), value ? 0xf5 : 0xf4);
    return this;
  }

  nil(): this {
    store<u8>(this.room(1), 0xf6);
    return this;
  }

  bytes(value: Bytes): this {
    this.head(2, <u64>value.length);
    return this.raw(value);
  }

  text(value: Bytes): this {
    this.head(3, <u64>value.length);
    return this.raw(value);
  }

  cid(value: Cid): this {
    this.head(6, 42);
    this.head(2, <u64>(value.bytes.length + 1));
    store<u8>(this.room(1), 0);
    return this.raw(value.bytes);
  }

  big(value: Big): this {
    const size = value.byteLength;
    if (size == 0) {
      this.head(2, 0);
      return this;
    }
    this.head(2, <u64>(size + 1));
    const at = this.room(1 + size);
    store<u8>(at, value.negative ? 1 : 0);
    value.writeMagnitude(at + 1, size);
    return this;
  }

  /** Bytes that are CBOR already. */
  raw(value: Bytes): this {
    return this.rawAt(ptrOf(value), value.length);
  }

  /** `raw` of what lies at an address. */
  rawAt(from: usize, length: i32): this {
    memory.copy(this.room(length), from, <usize>length);
    return this;
  }
}
