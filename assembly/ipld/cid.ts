/**
 * Content identifiers, kept in their binary form.
 *
 * CIDv1 = varint 1, varint codec, varint hash function, varint digest length, digest. CIDv0 (a bare sha2-256 multihash)
 * is read because links on chain may carry it, never made. No base encoding inside the core.
 * Source: multiformats CID specification; code table of multiformats/multicodec.
 */
import { Bytes, bytesAt, EMPTY, equal, ptrOf } from "../base/bytes";
import { putVarint, varintAt, varintLength } from "../base/varint";
import { blake2b } from "../crypto/hash/blake2b";

export const CODEC_RAW: u64 = 0x55;
export const CODEC_DAG_PB: u64 = 0x70;
export const CODEC_DAG_CBOR: u64 = 0x71;
export const CODEC_FIL_COMMITMENT_UNSEALED: u64 = 0xf101;
export const CODEC_FIL_COMMITMENT_SEALED: u64 = 0xf102;
export const HASH_IDENTITY: u64 = 0x00;
export const HASH_SHA2_256: u64 = 0x12;
export const HASH_BLAKE2B_256: u64 = 0xb220;
export const HASH_SHA2_256_TRUNC254_PADDED: u64 = 0x1012;
export const HASH_POSEIDON_BLS12_381_A2_FC1: u64 = 0xb401;

/** Longest accepted binary CID: what CBOR readers of the network allow for a link. */
export const MAX_CID_BYTES: i32 = 512;

@final
export class Cid {
  /** What stands for a link that was not read yet. */
  static readonly NONE: Cid = new Cid(EMPTY);

  constructor(readonly bytes: Bytes) {}

  eq(other: Cid): bool {
    return equal(this.bytes, other.bytes);
  }

  /** Codec of the content; dag-pb for a version 0 identifier. */
  get codec(): u64 {
    return codecAt(ptrOf(this.bytes), this.bytes.length);
  }

  /** Hash function code. */
  get hash(): u64 {
    const start = ptrOf(this.bytes);
    if (isV0(start, this.bytes.length)) return HASH_SHA2_256;
    const end = start + <usize>this.bytes.length;
    return varintAt(start + 1 + <usize>varintLength(start + 1, end));
  }

  /** The digest bytes. */
  get digest(): Bytes {
    const start = ptrOf(this.bytes);
    const end = start + <usize>this.bytes.length;
    let at = isV0(start, this.bytes.length) ? start : start + 1 + <usize>varintLength(start + 1, end);
    at += <usize>varintLength(at, end);
    at += <usize>varintLength(at, end);
    return bytesAt(at, <i32>(end - at));
  }
}

/** `Cid.codec` of the well-formed CID that lies at `start`. */
export function codecAt(start: usize, length: i32): u64 {
  return isV0(start, length) ? CODEC_DAG_PB : varintAt(start + 1);
}

function isV0(start: usize, length: i32): bool {
  return length == 34 && load<u8>(start) == 0x12 && load<u8>(start + 1) == 0x20;
}

/** True if `[start, start + length)` is exactly one well-formed CID. */
export function isCid(start: usize, length: i32): bool {
  if (isV0(start, length)) return true;
  const end = start + <usize>length;
  let at = start;
  let value: u64 = 0;
  for (let part = 0; part < 4; part++) {
    const size = varintLength(at, end);
    if (size == 0) return false;
    value = varintAt(at);
    if (part == 0 && value != 1) return false;
    at += <usize>size;
  }
  return value == <u64>(end - at);
}

/** Parses a binary CID; null if it is malformed or has bytes behind it. */
export function parseCid(bytes: Bytes): Cid | null {
  if (bytes.length > MAX_CID_BYTES || !isCid(ptrOf(bytes), bytes.length)) return null;
  return new Cid(bytes);
}

/** CIDv1 of a given codec, hash function and digest. */
export function makeCid(codec: u64, hash: u64, digest: usize, length: i32): Cid {
  const scratch = memory.data(40);
  let size = putVarint(scratch, 1);
  size += putVarint(scratch + <usize>size, codec);
  size += putVarint(scratch + <usize>size, hash);
  size += putVarint(scratch + <usize>size, <u64>length);
  const out = new StaticArray<u8>(size + length);
  memory.copy(changetype<usize>(out), scratch, <usize>size);
  memory.copy(changetype<usize>(out) + <usize>size, digest, <usize>length);
  return new Cid(out);
}

/** The CID of a DAG-CBOR block: blake2b-256 of its bytes. */
export function cidOf(block: Bytes): Cid {
  const digest = memory.data(32);
  blake2b(ptrOf(block), <usize>block.length, 32, digest);
  return makeCid(CODEC_DAG_CBOR, HASH_BLAKE2B_256, digest, 32);
}
