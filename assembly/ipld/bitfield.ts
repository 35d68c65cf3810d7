/**
 * Sets of unsigned 64-bit numbers as run lengths, in the RLE+ encoding.
 *
 *   bits of the byte string, least significant first:
 *     00              version
 *     v               value of the first run (1: members)
 *     then per run    1                            length 1
 *                     01 llll                      length 0 to 15
 *                     00 varint in 8-bit groups    any length (unsigned LEB128, minimal)
 *
 * Values alternate. A run of length 0 ends the list; whatever bits follow are ignored. A last byte of zero, a varint of
 * more than 64 bits or not minimal, and a total above 2^64 - 1 make the set invalid. The reference notices this only
 * when the runs are first looked at, not when a message or state is decoded (there only the version bits and the size
 * are checked), so `valid` is a property and callers must ask for it where the reference does, with the exit code of
 * that place. Sets made from invalid ones are invalid; a question to an invalid set is a fault.
 *
 * A decoded set keeps its bytes and writes them back unchanged; every derived set is encoded in the shortest form.
 * Sets are immutable.
 * Limits: 32 KiB encoded. Source: go-bitfield v0.2.0; Filecoin specification, RLE+.
 */
import { Bytes, EMPTY, ptrOf } from "../base/bytes";
import { CBOR_BAD_VALUE, CborReader } from "./cbor-reader";
import { CborWriter } from "./cbor-writer";

/** Longest encoded form in messages and state. */
export const BITFIELD_MAX_BYTES: u64 = 32 << 10;

/**
 * Run lengths: non-members, members, non-members, ... The first may be 0, no other is; the last counts members.
 */
type Runs = Array<u64>;

const NO_RUNS: Runs = [];

@final
export class BitField {
  /** Encoded form; null until asked for. */
  private raw: Bytes | null = EMPTY;
  /** Runs; null until asked for. */
  private known: Runs | null = NO_RUNS;
  private broken: bool = false;

  static fromBytes(raw: Bytes): BitField {
    const set = new BitField();
    set.raw = raw;
    set.known = null;
    return set;
  }

  private static fromRuns(runs: Runs): BitField {
    const set = new BitField();
    set.raw = null;
    set.known = runs;
    let total: u64 = 0;
    for (let i = 0; i < runs.length; i++) {
      if (u64.MAX_VALUE - runs[i] < total) set.broken = true;
      total += runs[i];
    }
    return set;
  }

  /** A set that is not valid: the outcome of an operation that the reference answers with an error. */
  static invalid(): BitField {
    const set = new BitField();
    set.broken = true;
    return set;
  }

  /** The set of these numbers, in any order. */
  static of(ids: Array<u64>): BitField {
    const sorted = ids.slice(0);
    sorted.sort((a: u64, b: u64): i32 => (a < b ? -1 : a > b ? 1 : 0));
    const out = new RunBuilder();
    let next: u64 = 0;
    for (let i = 0; i < sorted.length; i++) {
      const id = sorted[i];
      if (i > 0 && id == sorted[i - 1]) continue;
      out.add(false, id - next);
      out.add(true, 1);
      next = id + 1;
    }
    return BitField.fromRuns(out.finish());
  }

  /** The numbers from `first` on, `count` of them. */
  static range(first: u64, count: u64): BitField {
    const out = new RunBuilder();
    out.add(false, first);
    out.add(true, count);
    return BitField.fromRuns(out.finish());
  }

  static read(r: CborReader): BitField {
    const raw = r.bytes(BITFIELD_MAX_BYTES);
    if (raw.length > 0 && (unchecked(raw[0]) & 3) != 0) r.fail(CBOR_BAD_VALUE);
    return r.ok ? BitField.fromBytes(raw) : new BitField();
  }

  write(w: CborWriter): void {
    const raw = this.encode();
    assert(<u64>raw.length <= BITFIELD_MAX_BYTES, "bitfield too large");
    w.bytes(raw);
  }

  /** The encoded form. */
  encode(): Bytes {
    const raw = this.raw;
    if (raw !== null) return raw;
    const made = encodeRuns(this.runs());
    this.raw = made;
    return made;
  }

  /** False if the encoding is malformed or an operation that led here failed. */
  get valid(): bool {
    if (!this.broken && this.known === null) {
      const runs = decodeRuns(this.raw!);
      this.known = runs;
      this.broken = runs === null;
    }
    return !this.broken;
  }

  private runs(): Runs {
    assert(this.valid, "invalid bitfield");
    return this.known!;
  }

  get isEmpty(): bool {
    return this.runs().length == 0;
  }

  /** Number of members. */
  count(): u64 {
    const runs = this.runs();
    let count: u64 = 0;
    for (let i = 1; i < runs.length; i += 2) count += runs[i];
    return count;
  }

  has(id: u64): bool {
    const runs = this.runs();
    let start: u64 = 0;
    for (let i = 0; i < runs.length; i++) {
      if (id - start < runs[i]) return (i & 1) == 1;
      start += runs[i];
    }
    return false;
  }

  /** Smallest member; the set must not be empty. */
  first(): u64 {
    const runs = this.runs();
    assert(runs.length > 0, "first of an empty bitfield");
    return runs[0];
  }

  /** Greatest member; the set must not be empty. */
  last(): u64 {
    const runs = this.runs();
    assert(runs.length > 0, "last of an empty bitfield");
    let end: u64 = 0;
    for (let i = 0; i < runs.length; i++) end += runs[i];
    return end - 1;
  }

  /** The set with one more member. */
  with(id: u64): BitField {
    return this.union(BitField.range(id, 1));
  }

  without(id: u64): BitField {
    return this.subtract(BitField.range(id, 1));
  }

  union(other: BitField): BitField {
    return this.combine(other, UNION);
  }

  intersect(other: BitField): BitField {
    return this.combine(other, INTERSECT);
  }

  /** Members of this set which are not in the other. */
  subtract(other: BitField): BitField {
    return this.combine(other, SUBTRACT);
  }

  static unionOf(sets: Array<BitField>): BitField {
    if (sets.length == 0) return new BitField();
    let all = sets;
    // Pairwise, like a balanced tree: the cost stays near the number of runs times the logarithm of the sets.
    while (all.length > 1) {
      const half: Array<BitField> = [];
      for (let i = 0; i + 1 < all.length; i += 2) half.push(all[i].union(all[i + 1]));
      if ((all.length & 1) == 1) half.push(all[all.length - 1]);
      all = half;
    }
    return all[0].copy();
  }

  containsAny(other: BitField): bool {
    return !this.intersect(other).isEmpty;
  }

  containsAll(other: BitField): bool {
    return other.subtract(this).isEmpty;
  }

  eq(other: BitField): bool {
    const a = this.runs();
    const b = other.runs();
    if (a.length != b.length) return false;
    for (let i = 0; i < a.length; i++) if (a[i] != b[i]) return false;
    return true;
  }

  /** The same members in the shortest encoding. */
  copy(): BitField {
    return this.valid ? BitField.fromRuns(this.known!) : BitField.invalid();
  }

  private combine(other: BitField, operation: i32): BitField {
    if (!this.valid || !other.valid) return BitField.invalid();
    const a = new RunCursor(this.known!);
    const b = new RunCursor(other.known!);
    const out = new RunBuilder();
    while (a.left > 0 || b.left > 0) {
      const length = a.left == 0 ? b.left : b.left == 0 ? a.left : min(a.left, b.left);
      const inA = a.left > 0 && a.member;
      const inB = b.left > 0 && b.member;
      const keep = operation == UNION ? inA || inB : operation == INTERSECT ? inA && inB : inA && !inB;
      out.add(keep, length);
      a.take(length);
      b.take(length);
    }
    return BitField.fromRuns(out.finish());
  }

  /** Skips `start` members and keeps the next `count`; invalid if there are not so many. */
  slice(start: u64, count: u64): BitField {
    if (!this.valid) return BitField.invalid();
    const runs = this.known!;
    const out = new RunBuilder();
    let skip = start;
    let need = count;
    let at: u64 = 0;
    for (let i = 0; i < runs.length && (need > 0 || skip > 0); i++) {
      const length = runs[i];
      if ((i & 1) == 0) {
        out.add(false, length);
        at += length;
        continue;
      }
      const passed = min(skip, length);
      // Quirk of the reference: slicing nothing out of the middle of a run writes a run of length 0 behind the gap.
      if (count == 0 && skip > 0 && skip < length) return BitField.fromBytes(encodeGap(at + passed));
      const kept = min(need, length - passed);
      out.add(false, passed);
      out.add(true, kept);
      skip -= passed;
      need -= kept;
      at += length;
    }
    return need > 0 ? BitField.invalid() : BitField.fromRuns(out.finish());
  }

  /** Removes the members of `holes` and closes the gaps: what lies behind moves down. */
  cut(holes: BitField): BitField {
    if (!this.valid || !holes.valid) return BitField.invalid();
    const a = new RunCursor(this.known!);
    const b = new RunCursor(holes.known!);
    const out = new RunBuilder();
    while (a.left > 0) {
      const length = b.left == 0 ? a.left : min(a.left, b.left);
      if (b.left == 0 || !b.member) out.add(a.member, length);
      a.take(length);
      b.take(length);
    }
    return BitField.fromRuns(out.finish());
  }

  /** Members in order. Ask `count` first: the list must be of reasonable size. */
  ids(): Array<u64> {
    const out: Array<u64> = [];
    const cursor = this.cursor();
    while (cursor.next()) out.push(cursor.id);
    return out;
  }

  /** Walks the members in order. */
  cursor(): BitCursor {
    return new BitCursor(this.runs());
  }

  /** Walks the runs, non-members first if 0 is none. */
  runCursor(): RunCursor {
    return new RunCursor(this.runs());
  }
}

const UNION: i32 = 0;
const INTERSECT: i32 = 1;
const SUBTRACT: i32 = 2;

/** Steps through runs: `left` of the present one (0 at the end), `member` its value; `take` consumes. */
@final
export class RunCursor {
  left: u64 = 0;
  private at: i32 = 0;

  constructor(private readonly runs: Array<u64>) {
    if (runs.length > 0) this.left = runs[0];
    if (this.left == 0 && runs.length > 0) this.step();
  }

  get member(): bool {
    return (this.at & 1) == 1;
  }

  private step(): void {
    this.at++;
    this.left = this.at < this.runs.length ? this.runs[this.at] : 0;
  }

  /** Consumes up to `length` of the present run. */
  take(length: u64): void {
    if (this.left == 0) return;
    this.left -= min(length, this.left);
    if (this.left == 0) this.step();
  }
}

/** Steps through members: `while (c.next()) c.id;`. */
@final
export class BitCursor {
  id: u64 = 0;
  private run: i32 = -1;
  private left: u64 = 0;
  private at: u64 = 0;

  constructor(private readonly runs: Array<u64>) {}

  next(): bool {
    if (this.left == 0) {
      this.run += 2;
      if (this.run >= this.runs.length) {
        this.run = this.runs.length;
        return false;
      }
      this.at += this.runs[this.run - 1];
      this.left = this.runs[this.run];
    }
    this.left--;
    this.id = this.at++;
    return true;
  }
}

/** Joins neighbours of equal value and drops empty runs. */
@final
class RunBuilder {
  private readonly runs: Array<u64> = [];

  add(member: bool, length: u64): void {
    if (length == 0) return;
    const runs = this.runs;
    const n = runs.length;
    if (n == 0) {
      if (member) runs.push(0);
      runs.push(length);
    } else if (((n - 1) & 1) == <i32>member) runs[n - 1] = runs[n - 1] + length;
    else runs.push(length);
  }

  finish(): Array<u64> {
    if ((this.runs.length & 1) == 1) this.runs.pop();
    return this.runs;
  }
}

/** Reads bits, least significant first; zeros follow the end. */
@final
class BitReader {
  private at: i32 = 0;

  constructor(private readonly bytes: Bytes) {}

  bits(count: i32): u32 {
    const index = this.at >> 3;
    const low: u32 = index < this.bytes.length ? unchecked(this.bytes[index]) : 0;
    const high: u32 = index + 1 < this.bytes.length ? unchecked(this.bytes[index + 1]) : 0;
    const value = ((low | (high << 8)) >> (this.at & 7)) & ((1 << count) - 1);
    this.at += count;
    return value;
  }
}

/** Runs of an encoded set; null if it is malformed. */
function decodeRuns(raw: Bytes): Runs | null {
  if (raw.length > 0 && unchecked(raw[raw.length - 1]) == 0) return null;
  const r = new BitReader(raw);
  if (r.bits(2) != 0) return null;
  const runs: Runs = [];
  if (r.bits(1) == 1) runs.push(0);
  let total: u64 = 0;
  for (;;) {
    let length: u64 = 0;
    if (r.bits(1) == 1) length = 1;
    else if (r.bits(1) == 1) length = <u64>r.bits(4);
    else {
      let shift: u64 = 0;
      for (;;) {
        const byte = <u64>r.bits(8);
        if (shift == 63 && byte > 1) return null;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
          if (byte == 0 && shift > 0) return null;
          break;
        }
        shift += 7;
      }
    }
    if (length == 0) break;
    if (u64.MAX_VALUE - length < total) return null;
    total += length;
    runs.push(length);
  }
  // Drop what does not end in members: a last run of non-members, or the empty first run alone.
  if ((runs.length & 1) == 1) runs.pop();
  return runs;
}

@final
class BitWriter {
  private readonly bytes: Array<u8> = [];
  private pending: u32 = 0;
  private used: i32 = 0;

  put(value: u32, count: i32): void {
    this.pending |= value << this.used;
    this.used += count;
    while (this.used >= 8) {
      this.bytes.push(<u8>this.pending);
      this.pending >>= 8;
      this.used -= 8;
    }
  }

  run(length: u64): void {
    if (length == 1) this.put(1, 1);
    else if (length < 16) {
      this.put(2, 2);
      this.put(<u32>length, 4);
    } else {
      this.put(0, 2);
      while (length >= 0x80) {
        this.put(<u32>(length & 0x7f) | 0x80, 8);
        length >>= 7;
      }
      this.put(<u32>length, 8);
    }
  }

  /** The bytes without zeros at the end. */
  finish(): Bytes {
    if (this.used > 0) this.bytes.push(<u8>this.pending);
    let size = this.bytes.length;
    while (size > 0 && this.bytes[size - 1] == 0) size--;
    const out = new StaticArray<u8>(size);
    for (let i = 0; i < size; i++) unchecked((out[i] = this.bytes[i]));
    return out;
  }
}

function encodeRuns(runs: Runs): Bytes {
  const w = new BitWriter();
  const members = runs.length > 0 && runs[0] == 0;
  w.put(members ? 4 : 0, 3);
  for (let i = members ? 1 : 0; i < runs.length; i++) w.run(runs[i]);
  return w.finish();
}

/** A run of non-members and an explicit run of length 0. */
function encodeGap(length: u64): Bytes {
  const w = new BitWriter();
  w.put(0, 3);
  w.run(length);
  w.run(0);
  return w.finish();
}
