/**
 * ipld: blocks by handles.
 * Source: ref-fvm fvm/src/syscalls/ipld.rs, fvm/src/kernel/default.rs (IpldBlockOps).
 */
import { writeBlock } from "../../abi/engine";
import { guestWrite } from "../../abi/guest";
import { Bytes, ptrOf } from "../../base/bytes";
import { blake2b } from "../../crypto/hash/blake2b";
import { HASH_BLAKE2B_256, makeCid } from "../../ipld/cid";
import { blockOf } from "../../vm/block-store";
import { Block, MAX_BLOCK_BYTES } from "../blocks";
import {
  DONE,
  ILLEGAL_ARGUMENT,
  ILLEGAL_CID,
  ILLEGAL_CODEC,
  INVALID_HANDLE,
  LIMIT_EXCEEDED,
  NOT_FOUND,
  OUT_OF_GAS,
} from "../errors";
import { found as links, isAllowed, scanLinks } from "../links";
import * as guest from "./guest";

export function ipldBlockOpen(left: i64, to: u32, cidAt: u32): i32 {
  if (!guest.enter(left, to, 16)) return guest.refusal;
  return guest.leave(open(to, cidAt));
}

function open(to: u32, cidAt: u32): i32 {
  const cid = guest.cidOf(cidAt);
  if (cid === null) return ILLEGAL_ARGUMENT;
  const prices = guest.ctx.prices;
  if (!guest.charge(prices.blockOpen + prices.linkChecked)) return OUT_OF_GAS;
  const tracks = guest.ctx.tracksLinks;
  if (tracks && !guest.frame.reachable.has(cid)) return NOT_FOUND;
  const data = blockOf(cid);
  let block: Block;
  if (tracks) {
    const failed = scanLinks(guest.ctx, cid.codec, data);
    if (failed != DONE) return failed;
    block = new Block(cid.codec, data, links);
    if (!guest.charge(prices.linkedBlock(data.length, prices.linkTracked * <i64>links.length))) return OUT_OF_GAS;
  } else {
    block = new Block(cid.codec, data);
    if (!guest.charge(prices.blockOpenPerByte * <i64>data.length)) return OUT_OF_GAS;
  }
  const error = guest.frame.blocks.put(block);
  if (error != DONE) return error;
  guest.frame.reachable.addAll(block);
  guest.begin();
  guest.field64(block.codec);
  guest.field32(guest.frame.blocks.last);
  guest.field32(<u32>block.data.length);
  return guest.give(to);
}

export function ipldBlockCreate(left: i64, to: u32, codec: u64, at: u32, length: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  return guest.leave(create(to, codec, at, length));
}

function create(to: u32, codec: u64, at: u32, length: u32): i32 {
  if (!guest.inside(at, length)) return ILLEGAL_ARGUMENT;
  if (!guest.ctx.isSecond && length > MAX_BLOCK_BYTES) return LIMIT_EXCEEDED;
  if (guest.ctx.tracksLinks) return createLinked(to, codec, guest.bytesOf(at, length)!);
  if (!guest.charge(guest.ctx.prices.blockCreatePerByte * <i64>length)) return OUT_OF_GAS;
  const error = guest.frame.blocks.put(new Block(codec, guest.bytesOf(at, length)!));
  return error != DONE ? error : guest.giveU32(to, guest.frame.blocks.last);
}

/** From the fourth generation on: every block that it links to must be one that the guest may use. */
function createLinked(to: u32, codec: u64, data: Bytes): i32 {
  if (!isAllowed(codec)) return ILLEGAL_CODEC;
  const failed = scanLinks(guest.ctx, codec, data);
  if (failed != DONE) return failed;
  const prices = guest.ctx.prices;
  const block = new Block(codec, data, links);
  if (!guest.charge(prices.linkedBlock(data.length, prices.linkChecked * <i64>links.length))) return OUT_OF_GAS;
  if (!guest.frame.reachable.hasAll(block)) return NOT_FOUND;
  const error = guest.frame.blocks.put(block);
  return error != DONE ? error : guest.giveU32(to, guest.frame.blocks.last);
}

export function ipldBlockRead(left: i64, to: u32, handle: u32, offset: u32, at: u32, length: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  return guest.leave(read(to, handle, offset, at, length));
}

function read(to: u32, handle: u32, offset: u32, at: u32, length: u32): i32 {
  if (!guest.inside(at, length)) return ILLEGAL_ARGUMENT;
  const end = <u64>offset + <u64>length;
  if (end > <u64>i32.MAX_VALUE) return ILLEGAL_ARGUMENT;
  const block = guest.frame.blocks.get(handle);
  if (block === null) return INVALID_HANDLE;
  const bytes = <u32>block.data.length;
  const copied = offset < bytes ? min(bytes - offset, length) : 0;
  if (!guest.charge(guest.ctx.prices.blockReadPerByte * <i64>copied)) return OUT_OF_GAS;
  if (copied != 0) guestWrite(at, ptrOf(block.data) + <usize>offset, <i32>copied);
  return guest.giveU32(to, bytes - <u32>end);
}

export function ipldBlockStat(left: i64, to: u32, handle: u32): i32 {
  if (!guest.enter(left, to, 12)) return guest.refusal;
  const block = guest.frame.blocks.get(handle);
  if (block === null) return guest.leave(INVALID_HANDLE);
  guest.begin();
  guest.field64(block.codec);
  guest.field32(<u32>block.data.length);
  return guest.leave(guest.give(to));
}

export function ipldBlockLink(left: i64, to: u32, handle: u32, hash: u64, size: u32, at: u32, capacity: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  return guest.leave(link(to, handle, hash, size, at, capacity));
}

function link(to: u32, handle: u32, hash: u64, size: u32, at: u32, capacity: u32): i32 {
  if (!guest.inside(at, capacity)) return ILLEGAL_ARGUMENT;
  if (hash != HASH_BLAKE2B_256 || size != 32) return ILLEGAL_CID;
  const block = guest.frame.blocks.get(handle);
  if (block === null) return INVALID_HANDLE;
  const data = block.data;
  const prices = guest.ctx.prices;
  if (!guest.charge(prices.blockLink + prices.linkTracked + prices.blockLinkPerByte * <i64>data.length)) {
    return OUT_OF_GAS;
  }
  const digest = memory.data(32);
  blake2b(ptrOf(data), <usize>data.length, 32, digest);
  const cid = makeCid(block.codec, HASH_BLAKE2B_256, digest, 32);
  writeBlock(cid.bytes, data);
  guest.frame.reachable.add(cid);
  return guest.giveBytes(cid.bytes, at, capacity, to);
}
