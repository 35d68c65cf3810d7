/**
 * A HAMT built at once from all of its entries, for first states, tests and benches. Gives the same blocks as inserting one by one does: the shape depends on the keys alone.
 *
 * Early node encoding (actors v0 and v2), or the present one, whose pointers are the bare link or list: a node is [bitfield, pointers], the bitfield big-endian without leading zeros;
 * a pointer is a map {"0": link} to a child, or {"1": [[key, value]…]} with at most three pairs in the order of their
 * keys. Five bits of the key's SHA-256 per level. Source: go-hamt-ipld v0.1.5 and v2.0.0.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { compare } from "../base/bytes.ts";
import { sha256 } from "../base/digests.ts";
import { bigToBytes } from "../types/amount.ts";
import { type CID, cidOfBlock } from "../types/cid.ts";
import type { Block } from "./contract.ts";

const WIDTH_BITS = 5;
const BUCKET = 3;
/** Levels in a SHA-256 digest. */
const MAX_DEPTH = Math.floor(256 / WIDTH_BITS);

export type HamtForm = "early" | "present";

type Entry = { readonly key: Uint8Array; readonly digest: Uint8Array; readonly value: unknown };

function slotOf(digest: Uint8Array, depth: number): number {
  const bit = depth * WIDTH_BITS;
  const word = ((digest[bit >> 3] as number) << 8) | (digest[(bit >> 3) + 1] ?? 0);
  return (word >> (16 - WIDTH_BITS - (bit & 7))) & 31;
}

/** Builds the map of `entries`, whose keys differ; values are DAG-CBOR data. `put` gets children before parents. */
export function buildHamt(
  entries: Iterable<readonly [key: Uint8Array, value: unknown]>,
  put: (block: Block) => void,
  form: HamtForm = "early",
): CID {
  const all: Entry[] = [];
  for (const [key, value] of entries) all.push({ key, digest: sha256(key), value });
  return buildNode(all, 0, put, form);
}

function buildNode(entries: readonly Entry[], depth: number, put: (block: Block) => void, form: HamtForm): CID {
  if (depth >= MAX_DEPTH) throw new RangeError("HAMT keys with the same digest");
  const slots = new Map<number, Entry[]>();
  for (const entry of entries) {
    const slot = slotOf(entry.digest, depth);
    const list = slots.get(slot);
    if (list === undefined) slots.set(slot, [entry]);
    else list.push(entry);
  }
  let field = 0n;
  const pointers: unknown[] = [];
  for (const slot of [...slots.keys()].sort((a, b) => a - b)) {
    const list = slots.get(slot) as Entry[];
    field |= 1n << BigInt(slot);
    const link = list.length > BUCKET;
    const pointer = link
      ? buildNode(list, depth + 1, put, form)
      : list.sort((a, b) => compare(a.key, b.key)).map(({ key, value }) => [key, value]);
    pointers.push(form === "present" ? pointer : { [link ? "0" : "1"]: pointer });
  }
  // The magnitude of the field, without the sign byte of an amount.
  const bytes = dagCbor.encode([bigToBytes(field).subarray(1), pointers]);
  const cid = cidOfBlock(bytes);
  put({ cid: cid.bytes, bytes });
  return cid;
}
