/**
 * CAR version 1: a header with roots, then blocks, each with a varint of its length and its CID in front.
 *
 * A reader over bytes in memory, strict and bounded: the header has the canonical form, lengths lie inside the file, no
 * bytes are left over. Whether a block's bytes have the hash that its CID says is not checked here; a store that takes
 * blocks from strangers checks it. Source: IPLD specification, CARv1.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat } from "../base/bytes.ts";
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

function bad(at: number, why: string): never {
  throw new CarError({ code: "BAD_CAR", at }, `not a CAR file at byte ${at}: ${why}`);
}

/** Reads a whole CAR file. Blocks are views of `bytes`. */
export function readCar(bytes: Uint8Array): CarFile {
  const [headerAt, headerLength] = readVarint(bytes, 0);
  if (headerLength > MAX_HEADER || headerAt + headerLength > bytes.length) bad(0, `header of ${headerLength} bytes`);
  const roots = readHeader(bytes.subarray(headerAt, headerAt + headerLength));
  const blocks: Block[] = [];
  let at = headerAt + headerLength;
  while (at < bytes.length) {
    const [start, length] = readVarint(bytes, at);
    const end = start + length;
    if (length > MAX_BLOCK || end > bytes.length) bad(at, `section of ${length} bytes`);
    const cidEnd = start + cidLength(bytes.subarray(start, end), start);
    blocks.push({ cid: bytes.subarray(start, cidEnd), bytes: bytes.subarray(cidEnd, end) });
    at = end;
  }
  return { roots, blocks };
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
