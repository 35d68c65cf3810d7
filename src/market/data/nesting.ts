/**
 * How deep a block's data is nested and how many links it has, told without decoding it: decoders call themselves, and make
 * some 800 bytes of objects of a link of 8.
 */
import { CborHeads } from "../../base/cbor-head.ts";

const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
/** Tag of a link, and in DAG-PB the key of one: field 2, by length. */
const LINK = 42;
const PB_LINK = 0x12;
const SLASH = 0x2f;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_MAP, CLOSE_MAP] = [0x5b, 0x5d, 0x7b, 0x7d];

/** What of a block is over the limits. */
export type Excess = "depth" | "links" | null;
export type ShapeLimits = { readonly depth: number; readonly links: number };

/** Arrays, maps, tags and links of DAG-CBOR. Throws `RangeError` for what is no canonical CBOR. */
export function excessOfCbor(bytes: Uint8Array, most: ShapeLimits): Excess {
  let links = 0;
  const heads = new CborHeads(bytes);
  /** Items that each open array, map or tag still expects. */
  const left: number[] = [];
  while (!heads.done) {
    heads.read();
    const { major, argument } = heads;
    if (major === TAG && argument === LINK && ++links > most.links) return "links";
    if (major === BYTES || major === TEXT) heads.at += argument;
    const inside = major === ARRAY ? argument : major === MAP ? 2 * argument : major === TAG ? 1 : 0;
    if (inside > 0) {
      if (left.push(inside) > most.depth) return "depth";
      continue;
    }
    // The item is whole, and so is all that it was the last of.
    for (let top = left.length - 1; top >= 0; top--) {
      const rest = (left[top] as number) - 1;
      left[top] = rest;
      if (rest > 0) break;
      left.pop();
    }
  }
  return null;
}

/** Arrays, maps and links of DAG-JSON. */
export function excessOfJson(bytes: Uint8Array, most: ShapeLimits): Excess {
  let links = 0;
  let depth = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) {
      isText = true;
      if (bytes[at + 1] === SLASH && bytes[at + 2] === QUOTE && ++links > most.links) return "links";
    } else if (byte === OPEN_ARRAY || byte === OPEN_MAP) {
      if (++depth > most.depth) return "depth";
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_MAP) depth--;
  }
  return null;
}

/** Links of DAG-PB, as far as it is well-formed. */
export function excessOfPb(bytes: Uint8Array, most: ShapeLimits): Excess {
  let links = 0;
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at++] === PB_LINK && ++links > most.links) return "links";
    let length = 0;
    for (let scale = 1; at < bytes.length; scale *= 128) {
      const byte = bytes[at++] as number;
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    at += length;
  }
  return null;
}
