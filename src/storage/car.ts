/**
 * CAR files. Version 1: a header with roots, then blocks, each with a varint of its length and its CID in front.
 * Version 2, which is read but not written: a header that says where in the file a version 1 lies, and perhaps an index,
 * which is not looked at.
 *
 * A reader over bytes in memory, strict and bounded: the header is CBOR with nothing behind it, lengths lie inside the
 * file, no bytes are left over. Whether a block's bytes have the hash that its CID says is not checked here; a store that
 * takes blocks from strangers checks it. Source: IPLD specification, CARv1 and CARv2.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat, equal, fromHex } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { decodeVarint, encodeVarint } from "../base/varint.ts";
import { CID } from "../types/cid.ts";
import type { Block } from "./contract.ts";

export type CarErrorData = {
  /** TRUNCATED: the file ends within its header or a section; or a length in it is wrong. */
  readonly code: "BAD_CAR" | "TRUNCATED";
  readonly at: number;
};
export class CarError extends FilError<CarErrorData> {}

export type CarFile = {
  /** Binary CIDs. */
  readonly roots: readonly Uint8Array[];
  readonly blocks: readonly Block[];
};

/** Longest header and longest section that are looked at, bytes. */
export const MAX_HEADER = 64 * 1024;
export const MAX_SECTION = 8 << 20;
/** First bytes of a version 2 file: a CAR header without roots. */
const PRAGMA = fromHex("0aa16776657273696f6e02");
/** What follows them: 16 bytes of characteristics, then offset and size of the version 1, and the index's offset. */
const V2_HEADER = 40;

export function badCar(at: number, why: string): never {
  throw new CarError({ code: "BAD_CAR", at }, `not a CAR file at byte ${at}: ${why}`);
}

export function cutShort(at: number, why: string): never {
  throw new CarError({ code: "TRUNCATED", at }, `the CAR file ends within ${why} that begins at byte ${at}`);
}

/** Reads a whole CAR file of version 1 or 2. Blocks are views of `file`. */
export function readCar(file: Uint8Array): CarFile {
  const [begin, end] = carPayload(file, file.length);
  const bytes = file.subarray(0, end);
  const [headerAt, headerLength] = readVarint(bytes, begin);
  if (headerLength > MAX_HEADER || headerAt + headerLength > end) badCar(begin, `header of ${headerLength} bytes`);
  const roots = readCarHeader(bytes.subarray(headerAt, headerAt + headerLength), headerAt);
  const blocks: Block[] = [];
  let at = headerAt + headerLength;
  while (at < end) {
    const [start, length] = readVarint(bytes, at);
    const next = start + length;
    if (length > MAX_SECTION || next > end) badCar(at, `section of ${length} bytes`);
    const cidEnd = start + cidLength(bytes.subarray(start, next), start);
    blocks.push({ cid: bytes.subarray(start, cidEnd), bytes: bytes.subarray(cidEnd, next) });
    at = next;
  }
  return { roots, blocks };
}

/** Bytes from the start of a file that `carPayload` looks at. */
export const CAR_HEAD = PRAGMA.length + V2_HEADER;

/** Where the version 1 lies in a file of `size` bytes that begins with `head`: all of it, or what version 2 names. */
export function carPayload(head: Uint8Array, size: number): [begin: number, end: number] {
  if (!equal(head.subarray(0, PRAGMA.length), PRAGMA)) return [0, size];
  if (head.length < CAR_HEAD) badCar(PRAGMA.length, "version 2 header is cut short");
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const [begin, length] = [27, 35].map((at) => Number(view.getBigUint64(at, true))) as [number, number];
  if (begin < CAR_HEAD || begin + length > size) badCar(27, `contents of ${length} bytes at ${begin}`);
  return [begin, begin + length];
}

/** Roots of a version 1 header; `at` is where it stands in the file. */
export function readCarHeader(bytes: Uint8Array, at: number): Uint8Array[] {
  let header: unknown;
  try {
    header = dagCbor.decode(bytes);
  } catch {
    return badCar(at, "header is not DAG-CBOR");
  }
  const { version, roots } = (typeof header === "object" && header !== null ? header : {}) as Record<string, unknown>;
  if (version !== 1 || !Array.isArray(roots)) badCar(at, "no version 1 header");
  return (roots as unknown[]).map((root) => CID.asCID(root)?.bytes ?? badCar(at, "a root is no CID"));
}

/** Length of the CID at the start of a section, which stands at `at` in the file. */
export function cidLength(section: Uint8Array, at: number): number {
  if (section[0] === 0x12 && section[1] === 0x20) return section.length >= 34 ? 34 : badCar(at, "CID is cut short");
  let position = 0;
  let value = 0;
  for (let part = 0; part < 4; part++) {
    [position, value] = readVarint(section, position, at);
    if (part === 0 && value !== 1) badCar(at, `CID version ${value}`);
  }
  return position + value <= section.length ? position + value : badCar(at, "CID is cut short");
}

/** Longest varint that is looked at, bytes: of lengths below 2^49. */
export const MAX_VARINT = 7;

/** Position behind a varint, and its value; below 2^49. `base` is where `bytes` begin in the file. */
export function readVarint(bytes: Uint8Array, at: number, base = 0): [number, number] {
  const found = decodeVarint(bytes, at, MAX_VARINT);
  return typeof found === "string" ? badCar(base + at, `length is ${found}`) : [at + found.size, Number(found.value)];
}

/** What a CAR file begins with: its header, and the length of that in front. */
export function carHeader(roots: readonly CID[]): Uint8Array {
  const header = dagCbor.encode({ version: 1, roots });
  return concat(encodeVarint(header.length), header);
}

/** A CAR file of the given roots and blocks. */
export function writeCar(roots: readonly Uint8Array[], blocks: readonly Block[]): Uint8Array {
  const parts = [carHeader(roots.map((root) => CID.decode(root)))];
  for (const { cid, bytes } of blocks) parts.push(encodeVarint(cid.length + bytes.length), cid, bytes);
  return concat(...parts);
}
