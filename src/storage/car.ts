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
import { CID } from "../types/cid.ts";
import type { Block } from "./contract.ts";

export type CarErrorData = { readonly code: "BAD_CAR"; readonly at: number };
export class CarError extends FilError<CarErrorData> {}

export type CarFile = {
  /** Binary CIDs. */
  readonly roots: readonly Uint8Array[];
  readonly blocks: readonly Block[];
};

/** Longest header and longest block that are looked at, bytes. */
const MAX_HEADER = 64 * 1024;
const MAX_BLOCK = 8 << 20;
/** First bytes of a version 2 file: a CAR header without roots. */
const PRAGMA = fromHex("0aa16776657273696f6e02");
/** What follows them: 16 bytes of characteristics, then offset and size of the version 1, and the index's offset. */
const V2_HEADER = 40;

function bad(at: number, why: string): never {
  throw new CarError({ code: "BAD_CAR", at }, `not a CAR file at byte ${at}: ${why}`);
}

/** Reads a whole CAR file of version 1 or 2. Blocks are views of `file`. */
export function readCar(file: Uint8Array): CarFile {
  const [begin, end] = payloadOf(file);
  const bytes = file.subarray(0, end);
  const [headerAt, headerLength] = readVarint(bytes, begin);
  if (headerLength > MAX_HEADER || headerAt + headerLength > end) bad(begin, `header of ${headerLength} bytes`);
  const roots = readHeader(bytes.subarray(headerAt, headerAt + headerLength));
  const blocks: Block[] = [];
  let at = headerAt + headerLength;
  while (at < end) {
    const [start, length] = readVarint(bytes, at);
    const next = start + length;
    if (length > MAX_BLOCK || next > end) bad(at, `section of ${length} bytes`);
    const cidEnd = start + cidLength(bytes.subarray(start, next), start);
    blocks.push({ cid: bytes.subarray(start, cidEnd), bytes: bytes.subarray(cidEnd, next) });
    at = next;
  }
  return { roots, blocks };
}

/** Where the version 1 lies: the whole file, or the part that a version 2 header names. */
function payloadOf(file: Uint8Array): [begin: number, end: number] {
  if (!equal(file.subarray(0, PRAGMA.length), PRAGMA)) return [0, file.length];
  const header = PRAGMA.length + V2_HEADER;
  if (file.length < header) bad(PRAGMA.length, "version 2 header is cut short");
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const [begin, size] = [27, 35].map((at) => Number(view.getBigUint64(at, true))) as [number, number];
  if (begin < header || begin + size > file.length) bad(27, `contents of ${size} bytes at ${begin}`);
  return [begin, begin + size];
}

function readHeader(bytes: Uint8Array): Uint8Array[] {
  let header: unknown;
  try {
    header = dagCbor.decode(bytes);
  } catch {
    return bad(0, "header is not DAG-CBOR");
  }
  const { version, roots } = (typeof header === "object" && header !== null ? header : {}) as Record<string, unknown>;
  if (version !== 1 || !Array.isArray(roots)) bad(0, "no version 1 header");
  return (roots as unknown[]).map((root) => CID.asCID(root)?.bytes ?? bad(0, "a root is no CID"));
}

/** Length of the CID at the start of a section. */
function cidLength(section: Uint8Array, at: number): number {
  if (section[0] === 0x12 && section[1] === 0x20) return section.length >= 34 ? 34 : bad(at, "CID is cut short");
  let position = 0;
  let value = 0;
  for (let part = 0; part < 4; part++) {
    [position, value] = readVarint(section, position);
    if (part === 0 && value !== 1) bad(at, `CID version ${value}`);
  }
  return position + value <= section.length ? position + value : bad(at, "CID is cut short");
}

/** Position behind a varint, and its value; below 2^49. */
function readVarint(bytes: Uint8Array, at: number): [number, number] {
  let value = 0;
  let factor = 1;
  for (let i = at; i < bytes.length && i < at + 7; i++) {
    const byte = bytes[i] as number;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return [i + 1, value];
    factor *= 128;
  }
  return bad(at, "length is cut short or too large");
}

function varint(value: number): Uint8Array {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 0x80) return Uint8Array.from([...out, rest]);
    out.push((rest % 128) | 0x80);
  }
}

/** A CAR file of the given roots and blocks. */
export function writeCar(roots: readonly Uint8Array[], blocks: readonly Block[]): Uint8Array {
  const header = dagCbor.encode({ version: 1, roots: roots.map((root) => CID.decode(root)) });
  const parts = [varint(header.length), header];
  for (const { cid, bytes } of blocks) parts.push(varint(cid.length + bytes.length), cid, bytes);
  return concat(...parts);
}
