/** How deep a block's data is nested, told without decoding it: the decoders of DAG-CBOR and DAG-JSON call themselves. */
import { CborHeads } from "../../base/cbor-head.ts";

const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_MAP, CLOSE_MAP] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Whether arrays, maps and tags of CBOR are nested deeper than `most`. Throws `RangeError` for what is no canonical CBOR. */
export function isCborDeeper(bytes: Uint8Array, most: number): boolean {
  const heads = new CborHeads(bytes);
  /** Items that each open array, map or tag still expects. */
  const left: number[] = [];
  while (!heads.done) {
    heads.read();
    const { major, argument } = heads;
    if (major === BYTES || major === TEXT) heads.at += argument;
    const inside = major === ARRAY ? argument : major === MAP ? 2 * argument : major === TAG ? 1 : 0;
    if (inside > 0) {
      if (left.push(inside) > most) return true;
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
  return false;
}

/** Whether arrays and maps of JSON are nested deeper than `most`. */
export function isJsonDeeper(bytes: Uint8Array, most: number): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === OPEN_ARRAY || byte === OPEN_MAP) {
      if (++depth > most) return true;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_MAP) depth--;
  }
  return false;
}
