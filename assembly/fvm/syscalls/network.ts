/**
 * network, rand, gas, event, debug.
 * Source: ref-fvm fvm/src/syscalls/{network,rand,gas,event,debug}.rs, fvm/src/kernel/default.rs.
 */
import { beaconDigest, guestWrite, ticketDigest, tipsetCid } from "../../abi/guest";
import { be64, Bytes, bytesAt, concat, ptrOf } from "../../base/bytes";
import { blake2b256 } from "../../crypto/hash/blake2b";
import { CborReader } from "../../ipld/cbor-reader";
import { CborWriter } from "../../ipld/cbor-writer";
import { CODEC_RAW } from "../../ipld/cid";
import { DONE, FATAL, ILLEGAL_ARGUMENT, ILLEGAL_CODEC, LIMIT_EXCEEDED, OUT_OF_GAS, READ_ONLY } from "../errors";
import { milligas } from "../gas-tracker";
import { isBoundary, isUtf8 } from "../utf8";
import { CODEC_CBOR } from "../blocks";
import * as guest from "./guest";

/** Epochs back to which a tipset's CID can be asked for. */
const FINALITY: i64 = 900;
const MAX_CID_BYTES: i32 = 100;
/** Epochs back that cost more than any limit of gas. */
const MANY_EPOCHS: i64 = 1 << 44;

/** network.context. */
export function networkContext(left: i64, to: u32): i32 {
  if (!guest.enter(left, to, 44)) return guest.refusal;
  const ctx = guest.ctx;
  guest.begin();
  guest.field64(<u64>ctx.epoch);
  guest.field64(ctx.timestamp);
  if (!guest.amount(ctx.baseFee)) return guest.leave(FATAL);
  guest.field64(ctx.chainId);
  guest.field32(ctx.networkVersion);
  return guest.leave(guest.give(to));
}

/** network.base_fee of the second generation. */
export function networkBaseFee(left: i64, to: u32): i32 {
  if (!guest.enter(left, to, 16)) return guest.refusal;
  return guest.leave(guest.giveAmount(to, guest.ctx.baseFee));
}

export function networkTotalFilCircSupply(left: i64, to: u32): i32 {
  if (!guest.enter(left, to, 16)) return guest.refusal;
  return guest.leave(guest.giveAmount(to, guest.ctx.supply));
}

export function networkTipsetCid(left: i64, to: u32, epoch: i64, at: u32, capacity: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  if (!guest.inside(at, capacity)) return guest.leave(ILLEGAL_ARGUMENT);
  const ctx = guest.ctx;
  const back = ctx.epoch - epoch;
  const late = ctx.tracksLinks;
  if (epoch < 0 || back <= 0 || (!late && back >= FINALITY)) return guest.leave(ILLEGAL_ARGUMENT);
  const price = late ? lookback(back) : back > 1 ? ctx.prices.oldTipsetCid : ctx.prices.tipsetCid;
  if (!guest.charge(price)) return guest.leave(OUT_OF_GAS);
  const scratch = memory.data(MAX_CID_BYTES);
  const length = tipsetCid(epoch, scratch);
  return guest.leave(length <= 0 ? FATAL : guest.giveBytes(bytesAt(scratch, length), at, capacity, to));
}

// ---- rand: blake2b-256 over tag, digest, epoch and entropy

export function randGetChainRandomness(left: i64, to: u32, tag: i64, epoch: i64, at: u32, length: u32): i32 {
  if (!guest.enter(left, to, 32)) return guest.refusal;
  return guest.leave(draw(to, false, tag, epoch, at, length));
}

export function randGetBeaconRandomness(left: i64, to: u32, tag: i64, epoch: i64, at: u32, length: u32): i32 {
  if (!guest.enter(left, to, 32)) return guest.refusal;
  return guest.leave(draw(to, true, tag, epoch, at, length));
}

function draw(to: u32, beacon: bool, tag: i64, epoch: i64, at: u32, length: u32): i32 {
  const entropy = guest.bytesOf(at, length);
  if (entropy === null) return ILLEGAL_ARGUMENT;
  const prices = guest.ctx.prices;
  if (!guest.charge(prices.randomness + prices.randomnessPerByte * <i64>length)) return OUT_OF_GAS;
  const digest: Bytes = new StaticArray<u8>(32);
  const failed = beacon ? beaconDigest(epoch, ptrOf(digest)) : ticketDigest(epoch, ptrOf(digest));
  if (failed != 0) return ILLEGAL_ARGUMENT;
  const head = concat(be64(<u64>tag), digest);
  const drawn = blake2b256(concat(concat(head, be64(<u64>epoch)), entropy));
  guestWrite(to, ptrOf(drawn), 32);
  return DONE;
}

/** What looking so many epochs back costs, from the fourth generation on. It saturates; back from the future it is beyond any limit. */
function lookback(epochs: i64): i64 {
  const prices = guest.ctx.prices;
  if (epochs < 0 || epochs > MANY_EPOCHS) return -1;
  return prices.randomness + prices.lookback * epochs;
}

/** rand.get_chain_randomness from the fourth generation on: the digest itself, which the actor draws from. */
export function randGetChainRandomness4(left: i64, to: u32, epoch: i64): i32 {
  if (!guest.enter(left, to, 32)) return guest.refusal;
  return guest.leave(digest(to, false, epoch));
}

export function randGetBeaconRandomness4(left: i64, to: u32, epoch: i64): i32 {
  if (!guest.enter(left, to, 32)) return guest.refusal;
  return guest.leave(digest(to, true, epoch));
}

function digest(to: u32, beacon: bool, epoch: i64): i32 {
  const now = guest.ctx.epoch;
  const back = now - epoch;
  // The difference does not fit 64 bits.
  if (((now ^ epoch) & (now ^ back)) < 0) return ILLEGAL_ARGUMENT;
  if (!guest.charge(lookback(back))) return OUT_OF_GAS;
  const out: Bytes = new StaticArray<u8>(32);
  const failed = beacon ? beaconDigest(epoch, ptrOf(out)) : ticketDigest(epoch, ptrOf(out));
  if (failed != 0) return ILLEGAL_ARGUMENT;
  guestWrite(to, ptrOf(out), 32);
  return DONE;
}

// ---- gas

export function gasCharge(left: i64, at: u32, length: u32, amount: u64): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  const name = guest.bytesOf(at, length);
  if (name === null || !isUtf8(name)) return guest.leave(ILLEGAL_ARGUMENT);
  const ctx = guest.ctx;
  const fits = ctx.gas.charge(ctx.isSecond ? <u64>signedMilligas(<i64>amount) : milligas(amount));
  return guest.leave(fits ? DONE : OUT_OF_GAS);
}

/** Gas in milligas, as the second generation counts: signed, and saturating. */
function signedMilligas(gas: i64): i64 {
  if (gas > i64.MAX_VALUE / 1000) return i64.MAX_VALUE;
  return gas < i64.MIN_VALUE / 1000 ? i64.MIN_VALUE : gas * 1000;
}

export function gasAvailable(left: i64, to: u32): i32 {
  if (!guest.enter(left, to, 8)) return guest.refusal;
  return guest.leave(guest.giveU64(to, guest.ctx.gas.available / 1000));
}

// ---- event

const MAX_EVENT_BYTES: u32 = 1 << 20;
const MAX_ENTRIES: i32 = 256;
const MAX_KEY_BYTES: i32 = 32;
const MAX_VALUES_BYTES: i32 = 8 << 10;
/** Bytes of a stamped event beside the event itself, as they are charged. */
const STAMP_BYTES: i64 = 12;
/** Flags that are known from the fourth generation on: key and value indexed. */
const FLAGS: u64 = 3;

/** event.emit_event of the third generation: the event as CBOR. */
export function eventEmitEvent(left: i64, at: u32, length: u32): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  return guest.leave(emit(at, length));
}

function emit(at: u32, length: u32): i32 {
  if (!guest.inside(at, length)) return ILLEGAL_ARGUMENT;
  const ctx = guest.ctx;
  const prices = ctx.prices;
  if (guest.frame.readOnly) return READ_ONLY;
  if (!guest.charge(prices.event + prices.eventPerByte * <i64>length)) return OUT_OF_GAS;
  if (length > MAX_EVENT_BYTES) return ILLEGAL_ARGUMENT;
  const r = new CborReader(guest.bytesOf(at, length)!);
  const w = new CborWriter(2, <i32>length + 16);
  const entries = r.array(<u64>length);
  w.array(2).u64(guest.frame.receiver).array(entries);
  let longest = 0;
  let values = 0;
  let raw = true;
  for (let i = 0; i < entries && r.ok; i++) {
    r.tuple(4);
    const flags = r.u64();
    const key = r.text(<u64>length);
    const codec = r.u64();
    const value = r.bytes(<u64>length);
    // Flags that nobody knows are kept here, and refused from the fourth generation on.
    if (!isUtf8(key)) return ILLEGAL_ARGUMENT;
    // The first entry that breaks a rule decides the error.
    if (raw && longest <= MAX_KEY_BYTES) {
      longest = max(longest, key.length);
      raw = codec == CODEC_RAW;
    }
    values += value.length;
    w.array(4).u64(flags).text(key).u64(codec).bytes(value);
  }
  r.finish();
  if (!r.ok || entries > MAX_ENTRIES || longest > MAX_KEY_BYTES) return ILLEGAL_ARGUMENT;
  if (!raw) return ILLEGAL_CODEC;
  if (values > MAX_VALUES_BYTES) return ILLEGAL_ARGUMENT;
  if (!guest.charge(prices.eventAcceptPerByte * (<i64>length + STAMP_BYTES))) return OUT_OF_GAS;
  ctx.events.add(w.finish());
  return DONE;
}

const MAX_ENTRIES_4: u32 = 255;
const MAX_KEY_BYTES_4: u32 = 31;
/** Bytes of an entry's header: flags, codec, lengths of key and value. */
const HEADER: u32 = 24;
/** Estimated bytes of an event and of an entry beside keys and values. */
const EVENT_BYTES: i64 = 12;
const ENTRY_BYTES: i64 = 9;

/** event.emit_event from the fourth generation on: headers of entries, their keys, their values. */
export function eventEmitEvent4(
  left: i64,
  at: u32,
  count: u32,
  keysAt: u32,
  keysLength: u32,
  valuesAt: u32,
  valuesLength: u32,
): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  if (count > u32.MAX_VALUE / HEADER) return guest.leave(ILLEGAL_ARGUMENT);
  const inside =
    guest.inside(at, count * HEADER) && guest.inside(keysAt, keysLength) && guest.inside(valuesAt, valuesLength);
  if (!inside) return guest.leave(ILLEGAL_ARGUMENT);
  return guest.leave(emitEntries(at, count, keysAt, keysLength, valuesAt, valuesLength));
}

function emitEntries(at: u32, count: u32, keysAt: u32, keysLength: u32, valuesAt: u32, valuesLength: u32): i32 {
  if (guest.frame.readOnly) return READ_ONLY;
  const prices = guest.ctx.prices;
  const size = EVENT_BYTES + ENTRY_BYTES * <i64>count + <i64>keysLength + <i64>valuesLength;
  const entriesPrice = prices.event + prices.eventPerEntry * <i64>count + prices.eventPerKeyByte * <i64>keysLength;
  if (!guest.charge(entriesPrice + prices.eventPerByte * size)) return OUT_OF_GAS;
  if (count > MAX_ENTRIES_4 || valuesLength > <u32>MAX_VALUES_BYTES) return LIMIT_EXCEEDED;
  const keys = guest.bytesOf(keysAt, keysLength)!;
  if (!isUtf8(keys)) return ILLEGAL_ARGUMENT;
  const headers = guest.bytesOf(at, count * HEADER)!;
  const values = guest.bytesOf(valuesAt, valuesLength)!;
  const w = new CborWriter(2, 64 + <i32>(count * HEADER + keysLength + valuesLength));
  w.array(2).u64(guest.frame.receiver).array(<i32>count);
  let key: u32 = 0;
  let value: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const header = ptrOf(headers) + <usize>(i * HEADER);
    const flags = load<u64>(header);
    const codec = load<u64>(header, 8);
    const keyLength = load<u32>(header, 16);
    const valueLength = load<u32>(header, 20);
    if ((flags & ~FLAGS) != 0) return ILLEGAL_ARGUMENT;
    if (keyLength > MAX_KEY_BYTES_4) return LIMIT_EXCEEDED;
    if (valueLength > <u32>MAX_VALUES_BYTES) return ILLEGAL_ARGUMENT;
    if (key + keyLength > keysLength || !isBoundary(keys, key) || !isBoundary(keys, key + keyLength)) {
      return ILLEGAL_ARGUMENT;
    }
    if (value + valueLength > valuesLength) return ILLEGAL_ARGUMENT;
    if (codec != CODEC_RAW && codec != CODEC_CBOR) return ILLEGAL_CODEC;
    w.array(4).u64(flags).text(bytesAt(ptrOf(keys) + <usize>key, <i32>keyLength));
    w.u64(codec).bytes(bytesAt(ptrOf(values) + <usize>value, <i32>valueLength));
    key += keyLength;
    value += valueLength;
  }
  if (key != keysLength || value != valuesLength) return ILLEGAL_ARGUMENT;
  guest.ctx.events.add(w.finish());
  return DONE;
}

// ---- debug: off, as on every network

export function debugEnabled(left: i64, to: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  return guest.leave(guest.giveU32(to, <u32>-1));
}

export function debugLog(left: i64, _at: u32, _length: u32): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  return guest.leave(DONE);
}

export function debugStoreArtifact(left: i64, _nameAt: u32, _nameLength: u32, _at: u32, _length: u32): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  return guest.leave(DONE);
}
