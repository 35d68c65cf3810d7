/**
 * Test driver: seeded random operations on HAMT, AMT, bitfields and the collections of actors, over a store that notes
 * every access. The reference programs that made test/fixtures/ipld run the same steps from the same seeds; equal
 * digests of the notes mean equal accesses, in equal order, and equal answers.
 */
import { Big } from "../base/big";
import { Bytes, bytesAt, EMPTY, ptrOf } from "../base/bytes";
import { varint } from "../base/varint";
import { sha256Bytes } from "../crypto/hash/sha256";
import { Amt } from "../ipld/amt";
import { BitField } from "../ipld/bitfield";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid, cidOf } from "../ipld/cid";
import { Hamt } from "../ipld/hamt";
import { BalanceTable, Multimap, uintKey } from "../runtime/collections";
import { ObjectStore } from "../runtime/object-store";
import { lastVersionWith, NetworkVersion } from "../runtime/versions.gen";
import { Address } from "../types/address";
import { RawItem } from "../types/codec";

class NotingStore extends ObjectStore {
  gets: i32 = 0;
  puts: i32 = 0;
  private notes: Bytes = new StaticArray<u8>(1 << 16);
  private used: i32 = 0;
  private readonly blocks: Map<u64, Bytes> = new Map<u64, Bytes>();

  constructor(private readonly actors: i32) {
    super();
  }

  get version(): NetworkVersion {
    return lastVersionWith(min(this.actors, 2));
  }

  private keyOf(cid: Cid): u64 {
    return load<u64>(ptrOf(cid.bytes) + 8);
  }

  get(cid: Cid): Bytes {
    this.gets++;
    this.note(0x67, cid.bytes);
    return this.blocks.get(this.keyOf(cid));
  }

  put(block: Bytes): Cid {
    const cid = cidOf(block);
    this.blocks.set(this.keyOf(cid), block);
    this.puts++;
    this.note(0x70, cid.bytes);
    return cid;
  }

  fail(why: string): void {
    assert(false, why);
  }

  note(kind: u8, data: Bytes): void {
    const need = this.used + 1 + data.length;
    if (need > this.notes.length) {
      const grown = new StaticArray<u8>(max(need, this.notes.length * 2));
      memory.copy(ptrOf(grown), ptrOf(this.notes), this.used);
      this.notes = grown;
    }
    store<u8>(ptrOf(this.notes) + this.used, kind);
    memory.copy(ptrOf(this.notes) + this.used + 1, ptrOf(data), data.length);
    this.used = need;
  }

  flag(value: bool): void {
    const data: Bytes = new StaticArray<u8>(1);
    data[0] = value ? 1 : 0;
    this.note(0x72, data);
  }

  number(value: u64): void {
    const data: Bytes = new StaticArray<u8>(8);
    store<u64>(ptrOf(data), value);
    this.note(0x6e, data);
  }

  value(bytes: Bytes): void {
    this.note(0x76, bytes);
  }

  amount(value: Big): void {
    this.note(0x62, new CborWriter().big(value).finish());
  }

  trace(): Bytes {
    return bytesAt(ptrOf(this.notes), this.used);
  }
}

let state: u32 = 1;

function rnd(n: u32): u32 {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % n;
}

/** Keys by kind: 0 any, 1 and 2 with digests that begin with 10 and 15 zero bits. */
function makeKeys(kind: i32, count: i32): Array<Bytes> {
  const out: Array<Bytes> = [];
  for (let j: u64 = 0; out.length < count; j++) {
    const key = varint(j);
    if (kind > 0) {
      const digest = sha256Bytes(key);
      if (digest[0] != 0 || (digest[1] & (kind == 1 ? 0xc0 : 0xfe)) != 0) continue;
    }
    out.push(key);
  }
  return out;
}

function value(): Bytes {
  const v = rnd(6);
  const w = new CborWriter();
  if (rnd(4) > 0) return w.u64(v).finish();
  const filled: Bytes = new StaticArray<u8>(rnd(40));
  memory.fill(ptrOf(filled), <u8>v, filled.length);
  return w.bytes(filled).finish();
}

function runHamt(s: NotingStore, version: i32, width: i32, steps: i32, keyCount: i32, kind: i32): Cid {
  const keys = makeKeys(kind, keyCount);
  let h = Hamt.empty(s, version, width);
  for (let i = 0; i < steps; i++) {
    const k = keys[rnd(keys.length)];
    const r = rnd(100);
    if (r < 45) h.set(k, value());
    else if (r < 72) s.flag(h.delete(k));
    else if (r < 86) {
      const v = h.get(k);
      s.flag(v !== null);
      s.value(v !== null ? v : EMPTY);
    } else if (r < 93) h.flush();
    else if (r < 97) h = Hamt.load(s, h.flush(), version, width);
    else {
      const c = h.cursor();
      while (c.next()) {
        s.note(0x65, c.key);
        s.value(c.value);
      }
    }
  }
  return h.flush();
}

function index(kind: i32): u64 {
  if (kind == 0) return rnd(8);
  if (kind == 1) return rnd(70);
  if (kind == 2) return rnd(2000);
  if (kind == 3) {
    const base = <u64>rnd(40);
    return base << <u64>rnd(40);
  }
  if (rnd(3) == 0) return 0x7fffffffffffffff - <u64>rnd(20);
  return rnd(600);
}

function runAmt(s: NotingStore, version: i32, width: i32, steps: i32, kind: i32): Cid {
  let a = Amt.empty(s, version, width);
  for (let i = 0; i < steps; i++) {
    const k = index(kind);
    const r = rnd(100);
    if (r < 40) a.set(k, value());
    else if (r < 65) s.flag(a.delete(k));
    else if (r < 78) {
      const v = a.get(k);
      s.flag(v !== null);
      s.value(v !== null ? v : EMPTY);
    } else if (r < 84) a.flush();
    else if (r < 89) a = Amt.load(s, a.flush(), version, width);
    else if (r < 95) {
      const c = a.cursor(r < 92 ? 0 : k);
      while (c.next()) {
        s.number(c.index);
        s.value(c.value);
      }
    } else if (r < 97) s.number(a.firstSetIndex());
    else if (r < 98) {
      const all: Array<u64> = [];
      const c = a.cursor();
      while (c.next()) all.push(c.index);
      s.flag(a.batchDelete(all));
    } else {
      const second = index(kind);
      s.flag(a.batchDelete([k, second, index(kind)]));
    }
    s.number(a.count);
  }
  return a.flush();
}

function randomBits(op: u32): BitField {
  if (op == 0) {
    const n = rnd(24);
    const span: u32 = rnd(3);
    const ids: Array<u64> = [];
    for (let j: u32 = 0; j < n; j++) ids.push(rnd(span == 0 ? 30 : span == 1 ? 400 : 0xffffffff));
    return BitField.of(ids);
  }
  const raw: Bytes = new StaticArray<u8>(rnd(14));
  for (let j = 0; j < raw.length; j++) raw[j] = <u8>rnd(256);
  if (raw.length > 0 && rnd(16) > 0) raw[0] &= 0xfc;
  const r = new CborReader(new CborWriter().bytes(raw).finish());
  const read = BitField.read(r);
  return r.ok ? read : BitField.invalid();
}

function runBits(s: NotingStore, steps: i32): void {
  const slots: Array<BitField> = [];
  for (let i = 0; i < 6; i++) slots.push(new BitField());
  for (let i = 0; i < steps; i++) {
    const a = slots[rnd(6)];
    const b = slots[rnd(6)];
    const k = rnd(6);
    const op = rnd(12);
    let x: u64 = rnd(40);
    if (rnd(20) == 0) x <<= 36;
    const y: u64 = rnd(9);
    let out: BitField;
    if (op < 2) out = randomBits(op);
    else if (op == 2) out = a.union(b);
    else if (op == 3) out = a.intersect(b);
    else if (op == 4) out = a.subtract(b);
    else if (op == 5) out = a.cut(b);
    else if (op < 8) out = a.slice(x % 12, y);
    else if (op == 8) out = a.with(x);
    else if (op == 9) out = a.without(x);
    else if (op == 10) out = a.copy();
    else {
      let bad = false;
      for (let j = 0; j < 6; j++) bad = bad || !slots[j].valid;
      out = bad && y % 7 != 0 ? BitField.invalid() : BitField.unionOf(slots.slice(0, <i32>(y % 7)));
    }
    slots[k] = out;
    s.number(op);
    s.flag(!out.valid);
    if (!out.valid) continue;
    const w = new CborWriter();
    out.write(w);
    s.note(0x62, w.finish());
    const count = out.count();
    s.number(count);
    if (count > 0) {
      s.number(out.first());
      s.number(out.last());
    }
    s.flag(out.has(x));
    if (count < 1000) {
      const ids = out.ids();
      for (let j = 0; j < ids.length; j++) s.number(ids[j]);
    }
  }
}

function runBalances(s: NotingStore, steps: i32): Cid {
  let t = BalanceTable.load(s, BalanceTable.empty(s).root());
  for (let i = 0; i < steps; i++) {
    const a = Address.id(rnd(60));
    const amount = Big.fromU64(rnd(7));
    const floor = Big.fromU64(rnd(4));
    const r = rnd(8);
    if (r < 2) s.flag(t.add(a, amount));
    else if (r == 2) s.flag(t.add(a, amount.neg()));
    else if (r == 3) s.flag(t.mustSubtract(a, amount));
    else if (r == 4) s.amount(t.subtractWithMinimum(a, amount, floor));
    else if (r == 5) s.amount(t.get(a));
    else if (r == 6) t = BalanceTable.load(s, t.root());
    else s.amount(t.total());
  }
  return t.root();
}

function runMultimap(s: NotingStore, steps: i32): Cid {
  let m = Multimap.empty<RawItem>(s);
  for (let i = 0; i < steps; i++) {
    const k = uintKey(rnd(30));
    const v = RawItem.of(value());
    const r = rnd(7);
    if (r < 3) m.add(k, v);
    else if (r == 3) s.flag(m.removeAll(k));
    else if (r == 4) {
      const a = m.get(k);
      if (a === null) continue;
      const c = a.cursor();
      while (c.next()) {
        s.number(c.index);
        s.value(c.value().bytes);
      }
    } else if (r == 5) m = Multimap.load<RawItem>(s, m.root());
    else {
      const keys = m.cursor();
      while (keys.next()) {
        const a = keys.array();
        s.note(0x6b, keys.key);
        const c = a.cursor();
        while (c.next()) {
          s.number(c.index);
          s.value(c.value().bytes);
        }
      }
    }
  }
  return m.root();
}

/** Answers every request with one block; a malformed node is an abort with this word before the reason. */
class OneBlockStore extends ObjectStore {
  constructor(
    private readonly block: Bytes,
    private readonly actors: i32,
  ) {
    super();
  }

  get version(): NetworkVersion {
    return lastVersionWith(min(this.actors, 2));
  }

  get(_cid: Cid): Bytes {
    return this.block;
  }

  put(block: Bytes): Cid {
    return cidOf(block);
  }

  fail(why: string): void {
    assert(false, "refused: " + why);
  }
}

/** Loads the block as a HAMT (0) or AMT (1) root whose links all lead back to it, and uses it. Returns steps walked. */
export function probeIpldNode(kind: i32, at: usize, length: i32, version: i32, width: i32): i32 {
  const s = new OneBlockStore(bytesAt(at, length), version);
  const cid = cidOf(EMPTY);
  let steps = 0;
  if (kind == 0) {
    const walked = Hamt.load(s, cid, version, width).cursor();
    while (steps < 5000 && walked.next()) steps++;
    const map = Hamt.load(s, cid, version, width);
    for (let i: u64 = 0; i < 20; i++) {
      map.get(varint(i));
      map.set(varint(i * 7), varint(i));
      map.delete(varint(i * 3));
    }
    map.flush();
  } else {
    const walked = Amt.load(s, cid, version, width).cursor();
    while (steps < 5000 && walked.next()) steps++;
    const array = Amt.load(s, cid, version, width);
    array.firstSetIndex();
    for (let i: u64 = 0; i < 20; i++) {
      array.get(i << i);
      array.set(i * 7, varint(i));
      array.delete(i * 3);
    }
    array.flush();
  }
  return steps;
}

let done: NotingStore = new NotingStore(2);
let root: Cid = new Cid(EMPTY);

/**
 * Runs one case and returns the address of 72 bytes: gets, puts (u32), the root's CID bytes padded to 64.
 * `program`: 0 HAMT, 1 AMT, 2 bitfields, 3 balance table, 4 multimap.
 */
export function probeIpldRun(program: i32, seed: i32, version: i32, width: i32, steps: i32, a: i32, b: i32): usize {
  const s = new NotingStore(version);
  state = seed;
  root = new Cid(EMPTY);
  if (program == 0) root = runHamt(s, version, width, steps, a, b);
  else if (program == 1) root = runAmt(s, version, width, steps, a);
  else if (program == 2) runBits(s, steps);
  else if (program == 3) root = runBalances(s, steps);
  else root = runMultimap(s, steps);
  done = s;
  const out = memory.data(72);
  memory.fill(out, 0, 72);
  store<u32>(out, s.gets);
  store<u32>(out + 4, s.puts);
  memory.copy(out + 8, ptrOf(root.bytes), root.bytes.length);
  return out;
}

let trace: Bytes = EMPTY;

/** Address of the notes of the last run. */
export function probeIpldTrace(): usize {
  trace = done.trace();
  return ptrOf(trace);
}

export function probeIpldTraceLength(): i32 {
  return trace.length;
}
