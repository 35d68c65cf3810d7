/**
 * Test faces of integers, CBOR, CIDs, addresses and chain types. Bytes cross in one scratch region: arguments one after
 * the other from its start, results from its start.
 */
import { Big } from "../base/big";
import { Bytes, bytesAt, ptrOf, utf8 } from "../base/bytes";
import { varint } from "../base/varint";
import { BitField } from "../ipld/bitfield";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid, cidOf, parseCid } from "../ipld/cid";
import { Address, parseAddress, readAddress, writeAddress } from "../types/address";
import { BlockHeader, Message, SignedMessage } from "../types/chain.gen";
import { Codec } from "../types/codec";

/** Bytes of the scratch region. */
export const PROBE_SCRATCH_BYTES: i32 = 4 << 20;
const scratch: Bytes = new StaticArray<u8>(PROBE_SCRATCH_BYTES);

export function probeScratch(): usize {
  return ptrOf(scratch);
}

function out(bytes: Bytes): i32 {
  memory.copy(ptrOf(scratch), ptrOf(bytes), bytes.length);
  return bytes.length;
}

function outBig(value: Big): i32 {
  return out(new CborWriter().big(value).finish());
}

/** An operand: a sign byte (1 for negative) and a big-endian magnitude. */
function bigAt(from: i32, length: i32): Big {
  const at = ptrOf(scratch) + from;
  return Big.fromBytes(at + 1, length - 1, load<u8>(at) == 1);
}

/** Writes the result's CBOR (or text for 11) and returns its length. */
export function probeBig(operation: i32, aLength: i32, bLength: i32): i32 {
  const a = bigAt(0, aLength);
  const b = bigAt(aLength, bLength);
  if (operation == 0) return outBig(a.add(b));
  if (operation == 1) return outBig(a.sub(b));
  if (operation == 2) return outBig(a.mul(b));
  if (operation == 3) return outBig(a.quo(b));
  if (operation == 4) return outBig(a.rem(b));
  if (operation == 5) return outBig(a.div(b));
  if (operation == 6) return outBig(a.mod(b));
  if (operation == 7) return outBig(a.lsh(<u32>b.lowU64));
  if (operation == 8) return outBig(a.rsh(<u32>b.lowU64));
  if (operation == 9) return outBig(Big.fromI64(a.compare(b)));
  if (operation == 10) return outBig(a.neg());
  if (operation == 11) return out(utf8(a.toString()));
  if (operation == 12) return outBig(Big.min(a, b));
  if (operation == 13) return outBig(Big.max(a, b));
  if (operation == 14) return outBig(Big.fromI64(a.lowI64));
  if (operation == 15) return outBig(Big.fromU64(a.lowU64));
  if (operation == 16) return outBig(Big.fromU64((a.isU64 ? 1 : 0) + (a.isI64 ? 2 : 0) + (<u64>a.bitLength << 2)));
  if (operation == 17) return outBig(Big.parse(a.toString()));
  if (operation == 18) return outBig(a.abs());
  return outBig(a.times(b.lowI64));
}

/** Kinds of `probeRead`. */
const KINDS: i32 = 16;

/** Reads one item of a kind from the scratch region; returns the fault, or -length of the item written again. */
export function probeRead(kind: i32, length: i32): i32 {
  const r = new CborReader(bytesAt(ptrOf(scratch), length));
  const w = new CborWriter();
  assert(kind < KINDS);
  if (kind == 0) w.u64(r.u64());
  else if (kind == 1) w.i64(r.i64());
  else if (kind == 2) w.bytes(r.bytes());
  else if (kind == 3) w.text(r.text());
  else if (kind == 4) w.big(r.big());
  else if (kind == 5) w.bool(r.bool());
  else if (kind == 6) {
    const cid = r.cid();
    if (r.ok) w.cid(cid);
  } else if (kind == 7) w.raw(r.raw());
  else if (kind == 8) {
    const address = readAddress(r);
    if (r.ok) writeAddress(w, address);
  } else if (kind == 9) BitField.read(r).write(w);
  else if (kind == 10) roundTrip<Message>(r, w);
  else if (kind == 11) roundTrip<SignedMessage>(r, w);
  else if (kind == 12) roundTrip<BlockHeader>(r, w);
  else if (kind == 13) {
    const count = r.array();
    w.array(count);
    for (let i = 0; i < count && r.ok; i++) w.raw(r.raw());
  } else if (kind == 14) {
    const pairs = r.map();
    w.map(pairs);
    for (let i = 0; i < 2 * pairs && r.ok; i++) w.raw(r.raw());
  } else {
    r.skipNull();
    w.nil();
  }
  r.finish();
  return r.ok ? -out(w.finish()) : r.fault;
}

function roundTrip<T extends Codec>(r: CborReader, w: CborWriter): void {
  const value = instantiate<T>();
  value.read(r);
  if (r.ok) value.write(w);
}

/** CID of the block in the scratch region. */
export function probeCidOf(length: i32): i32 {
  return out(cidOf(bytesAt(ptrOf(scratch), length)).bytes);
}

/** The parts of a CID: codec and hash as varints, digest; 0 if it is malformed. */
export function probeParseCid(length: i32): i32 {
  const cid: Cid | null = parseCid(bytesAt(ptrOf(scratch), length));
  if (cid === null) return 0;
  return out(new CborWriter().raw(varint(cid.codec)).raw(varint(cid.hash)).raw(cid.digest).finish());
}

/** 1 if the address in the scratch region is well formed; an ID must survive being made again. */
export function probeParseAddress(length: i32): i32 {
  const address = parseAddress(bytesAt(ptrOf(scratch), length));
  if (address === null) return 0;
  if (address.isId) assert(Address.id(address.actorId).eq(address), "ID address is not canonical");
  return 1;
}

/** Runs every question on a bitfield in the scratch region: 0 refused, 1 invalid, 2 valid. */
export function probeBitField(length: i32): i32 {
  const r = new CborReader(new CborWriter().bytes(bytesAt(ptrOf(scratch), length)).finish());
  const set = BitField.read(r);
  if (!r.ok) return 0;
  if (!set.valid) return 1;
  const copy = set.copy();
  assert(copy.eq(set) && copy.count() == set.count(), "copy differs");
  const again = BitField.fromBytes(copy.encode());
  assert(again.valid && again.eq(set), "encoding does not read back");
  assert(set.isEmpty || (set.has(set.first()) && set.has(set.last())), "first or last is no member");
  assert(set.subtract(set).isEmpty && set.union(set).eq(set) && set.intersect(set).eq(set), "set algebra");
  return 2;
}
