/**
 * Which blocks a guest may reach (from the fourth generation on), and the scan of a block for its links.
 *
 * A CID may be opened, or become a root, only if the guest has met it: in a block it opened, in its parameters, in what a call
 * returned, as its own root, or linked by itself. Only DAG-CBOR has links. A link to a piece or a sector's commitment leads
 * nowhere and is passed over; what an identity CID holds is scanned in its place; any other CID than one of 32 bytes of
 * blake2b-256 under an allowed codec cannot be found.
 *
 * The scan is charged by item and by CID, also when it fails; it does not insist on the canonical form.
 * Source: ref-fvm at ef0a99370839 fvm/src/ipld/mod.rs, cbor.rs, fvm/src/kernel/blocks.rs.
 */
import { Bytes, bytesAt, ptrOf } from "../base/bytes";
import { argumentAt, argumentSize } from "../ipld/cbor-head";
import {
  Cid,
  CODEC_DAG_CBOR,
  CODEC_FIL_COMMITMENT_SEALED,
  CODEC_FIL_COMMITMENT_UNSEALED,
  CODEC_RAW,
  HASH_BLAKE2B_256,
  HASH_IDENTITY,
  isCid,
} from "../ipld/cid";
import { AddressTable } from "../vm/address-table";
import { Block, CODEC_CBOR } from "./blocks";
import { Context } from "./context";
import { DONE, NOT_FOUND, OUT_OF_GAS, SERIALIZATION } from "./errors";

const MAJOR_BYTES: u32 = 2;
const MAJOR_TEXT: u32 = 3;
const MAJOR_ARRAY: u32 = 4;
const MAJOR_MAP: u32 = 5;
const MAJOR_TAG: u32 = 6;
/** Tag of a link. */
const LINK: u64 = 42;
const MAX_DIGEST: i32 = 64;

/** CIDs that a guest has met. */
@final
export class Reachable {
  private readonly cids: AddressTable = new AddressTable();

  has(cid: Cid): bool {
    return this.cids.get(cid.bytes) >= 0;
  }

  add(cid: Cid): void {
    if (!this.has(cid)) this.cids.add(cid.bytes, 0);
  }

  addAll(block: Block): void {
    for (let i = 0; i < block.links.length; i++) this.add(block.links[i]);
  }

  hasAll(block: Block): bool {
    for (let i = 0; i < block.links.length; i++) if (!this.has(block.links[i])) return false;
    return true;
  }
}

export function isAllowed(codec: u64): bool {
  return codec == CODEC_CBOR || codec == CODEC_DAG_CBOR || codec == CODEC_RAW;
}

@final
class Scan {
  used: u64 = 0;
  readonly links: Array<Cid> = [];
  private at: usize = 0;
  private end: usize = 0;
  private major: u32 = 0;
  private argument: u64 = 0;

  constructor(
    private readonly available: u64,
    private readonly perItem: u64,
    private readonly perCid: u64,
  ) {}

  private charge(amount: u64): bool {
    if (this.available - this.used < amount) {
      this.used = this.available;
      return false;
    }
    this.used += amount;
    return true;
  }

  private head(): bool {
    if (this.at >= this.end) return false;
    const first = load<u8>(this.at);
    const size = argumentSize(first);
    if (size < 0 || this.end - this.at < <usize>(1 + size)) return false;
    this.argument = argumentAt(this.at, size);
    this.major = first >> 5;
    this.at += 1 + <usize>size;
    return true;
  }

  /** Scans `[at, end)`, which is one item. */
  run(from: usize, end: usize): i32 {
    this.at = from;
    this.end = end;
    let left: u64 = 1;
    while (left > 0) {
      left--;
      if (!this.charge(this.perItem)) return OUT_OF_GAS;
      if (!this.head()) return SERIALIZATION;
      const argument = this.argument;
      const major = this.major;
      if (major == MAJOR_BYTES || major == MAJOR_TEXT) {
        if (argument > <u64>(this.end - this.at)) return SERIALIZATION;
        this.at += <usize>argument;
      } else if (major == MAJOR_ARRAY) {
        left += argument;
        if (left < argument) return SERIALIZATION;
      } else if (major == MAJOR_MAP) {
        if (argument > u64.MAX_VALUE >> 1) return SERIALIZATION;
        left += argument << 1;
        if (left < argument << 1) return SERIALIZATION;
      } else if (major == MAJOR_TAG) {
        if (argument != LINK) left++;
        else {
          const error = this.link();
          if (error != DONE) return error;
        }
      }
    }
    return this.at == this.end ? DONE : SERIALIZATION;
  }

  private link(): i32 {
    if (!this.charge(this.perCid)) return OUT_OF_GAS;
    if (!this.head() || this.major != MAJOR_BYTES) return SERIALIZATION;
    const length = this.argument;
    if (length > <u64>(this.end - this.at) || length < 1 || load<u8>(this.at) != 0) return SERIALIZATION;
    const size = <i32>length - 1;
    if (!isCid(this.at + 1, size)) return SERIALIZATION;
    const cid = new Cid(bytesAt(this.at + 1, size));
    this.at += <usize>length;
    return this.visit(cid);
  }

  private visit(cid: Cid): i32 {
    const digest = cid.digest;
    if (digest.length > MAX_DIGEST) return SERIALIZATION;
    const codec = cid.codec;
    if (codec == CODEC_FIL_COMMITMENT_SEALED || codec == CODEC_FIL_COMMITMENT_UNSEALED) return DONE;
    if (!isAllowed(codec)) return NOT_FOUND;
    if (cid.hash == HASH_IDENTITY) {
      if (codec != CODEC_DAG_CBOR) return DONE;
      // A level takes six bytes of the 64 that a digest has, so this is ten deep at most.
      const at = this.at;
      const end = this.end;
      const error = this.run(ptrOf(digest), ptrOf(digest) + <usize>digest.length);
      this.at = at;
      this.end = end;
      return error;
    }
    if (cid.hash != HASH_BLAKE2B_256 || digest.length != 32) return NOT_FOUND;
    this.links.push(cid);
    return DONE;
  }
}

/** Links of the block that `scanLinks` scanned last. */
export let found: Array<Cid> = [];

/** Scans a block under an allowed codec and charges for it. */
export function scanLinks(ctx: Context, codec: u64, data: Bytes): i32 {
  found = [];
  if (codec != CODEC_DAG_CBOR) return DONE;
  const prices = ctx.prices;
  const scan = new Scan(ctx.gas.available, <u64>prices.scanPerItem, <u64>prices.scanPerCid);
  const error = scan.run(ptrOf(data), ptrOf(data) + <usize>data.length);
  if (!ctx.gas.charge(scan.used)) return OUT_OF_GAS;
  found = scan.links;
  return error;
}
