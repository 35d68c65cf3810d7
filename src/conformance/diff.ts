/**
 * Where two states differ first: for people who look for the cause of a wrong root.
 *
 * Compares the actors of both trees in the order of their ids, then the first differing actor's fields, then its state
 * block by block. Works on what blocks there are: a vector does not hold whole trees.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { equal, toHex } from "../base/bytes.ts";
import type { MemoryStore } from "../storage/memory.ts";
import { Address } from "../types/address.ts";
import { bytesToBig } from "../types/amount.ts";
import { CID } from "../types/cid.ts";

type Actor = readonly [code: unknown, head: unknown, nonce: unknown, balance: unknown];

const FIELDS = ["code", "head", "nonce", "balance"] as const;
/** Deepest walk into a state. */
const MAX_DEPTH = 64;

function read(store: MemoryStore, cid: CID): unknown {
  const block = store.peek(cid.bytes);
  return block === undefined ? undefined : dagCbor.decode(block);
}

/** The first difference between the state `actual` and the state `expected`. */
export function firstStateDifference(store: MemoryStore, actual: CID, expected: CID): string {
  const ours = actorsOf(store, actual);
  const theirs = actorsOf(store, expected);
  const ids = [...new Set([...ours.keys(), ...theirs.keys()])].sort((a, b) => (a < b ? -1 : 1));
  for (const id of ids) {
    const mine = ours.get(id);
    const other = theirs.get(id);
    if (mine === undefined) return `f0${id} is missing`;
    if (other === undefined) return `f0${id} should not be`;
    for (const [i, field] of FIELDS.entries()) {
      const difference = itemDifference(store, mine[i], other[i], `f0${id}/${field}`, 0);
      if (difference !== null) return difference;
    }
  }
  return "the actors are the same; the trees over them differ";
}

function actorsOf(store: MemoryStore, root: CID): Map<bigint, Actor> {
  const node = read(store, root);
  const wrapped = Array.isArray(node) && node.length === 3 && typeof node[0] === "number" ? CID.asCID(node[1]) : null;
  const out = new Map<bigint, Actor>();
  collect(store, wrapped ?? root, out, 0);
  return out;
}

/** Walks a HAMT node [bitfield, pointers]; a pointer is {"0": link} or {"1": [[key, value]…]}. */
function collect(store: MemoryStore, cid: CID, out: Map<bigint, Actor>, depth: number): void {
  const node = read(store, cid);
  if (!Array.isArray(node) || !Array.isArray(node[1]) || depth > MAX_DEPTH) return;
  for (const pointer of node[1] as { "0"?: unknown; "1"?: unknown }[]) {
    const child = CID.asCID(pointer["0"]);
    if (child !== null) collect(store, child, out, depth + 1);
    for (const entry of (pointer["1"] ?? []) as [Uint8Array, Actor][]) {
      const id = Address.fromBytes(entry[0]).actorId;
      if (id !== null) out.set(id, entry[1]);
    }
  }
}

function itemDifference(store: MemoryStore, a: unknown, b: unknown, path: string, depth: number): string | null {
  if (depth > MAX_DEPTH) return null;
  if (a instanceof Uint8Array && b instanceof Uint8Array)
    return equal(a, b) ? null : `${path}: ${bytesText(a)} instead of ${bytesText(b)}`;
  const ours = CID.asCID(a);
  const theirs = CID.asCID(b);
  if (ours !== null && theirs !== null) {
    if (ours.equals(theirs)) return null;
    const [mine, other] = [read(store, ours), read(store, theirs)];
    const plain = `${path}: ${ours} instead of ${theirs}`;
    if (mine === undefined || other === undefined) return plain;
    return itemDifference(store, mine, other, path, depth + 1) ?? plain;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const difference = itemDifference(store, a[i], b[i], `${path}/${i}`, depth + 1);
      if (difference !== null) return difference;
    }
    return a.length === b.length ? null : `${path}: ${a.length} items instead of ${b.length}`;
  }
  if (isMap(a) && isMap(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const difference = itemDifference(store, a[key], b[key], `${path}/${key}`, depth + 1);
      if (difference !== null) return difference;
    }
    return null;
  }
  return a === b ? null : `${path}: ${text(a)} instead of ${text(b)}`;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && CID.asCID(value) === null;
}

function text(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value instanceof Uint8Array) return bytesText(value);
  return typeof value === "bigint"
    ? value.toString()
    : JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? `${v}` : v));
}

function bytesText(bytes: Uint8Array): string {
  try {
    return bytes.length <= 20 && (bytes[0] ?? 0) <= 1 ? `${toHex(bytes)} (${bytesToBig(bytes)})` : toHex(bytes);
  } catch {
    return toHex(bytes);
  }
}
