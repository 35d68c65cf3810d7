/**
 * Blocks of any DAG: what they are, what they link to, and walks over them. Depth and what waits are bounded; a block that is met
 * again is passed over unless the walk is asked for duplicates.
 */
import * as dagCbor from "@ipld/dag-cbor";
import * as dagJson from "@ipld/dag-json";
import * as dagPb from "@ipld/dag-pb";
import { decode as decodeCbor } from "cborg";
import * as Digest from "multiformats/hashes/digest";
import { sha256 } from "../../base/digests.ts";
import { CidSet } from "../../storage/cid-set.ts";
import type { BlockSource } from "../../storage/contract.ts";
import { CID, isIdentity } from "../../types/cid.ts";
import { DataError } from "./errors.ts";
import { type Excess, excessOfCbor, excessOfJson, excessOfPb } from "./nesting.ts";
import { Pace } from "./pace.ts";

export const CODEC = { raw: 0x55, dagPb: 0x70, dagCbor: 0x71, dagJson: 0x0129 } as const;
/** Deepest DAG that is walked. */
export const MAX_DEPTH = 1024;
/** Bytes of links that wait while a walk is below those before them. A file of 1,024 links a node has 40 KiB a level. */
export const MAX_WAITING = 64 << 20;
/** Deepest nesting of blocks inside of CIDs, and of the plain data of a block: its decoders call themselves. */
export const MAX_INLINE_DEPTH = 32;
export const MAX_DATA_DEPTH = 1024;
/** Links of one block: of 40 bytes each, as links to blocks are, a block of 4 MiB has fewer. */
export const MAX_LINKS = 1 << 17;
/** Longest block that is taken in: what bitswap and gateways carry is 2 MiB at most. */
export const MAX_BLOCK = 4 << 20;
const SHA2_256 = 0x12;
const SHAPE = { depth: MAX_DATA_DEPTH, links: MAX_LINKS } as const;
/** Blocks of a walk that gives them as often as they are met: of few blocks a DAG of any size can be made. */
export const MAX_DUPLICATES = 1 << 20;

/** Bytes of a block; throws `DataError` MISSING_BLOCK. */
export async function blockOf(blocks: BlockSource, cid: CID): Promise<Uint8Array> {
  if (isIdentity(cid)) return cid.multihash.digest;
  const found = blocks.peek(cid.bytes) ?? (await blocks.get(cid.bytes));
  if (found !== undefined) return found;
  throw new DataError({ code: "MISSING_BLOCK", cid: `${cid}` }, `block ${cid} is not here`);
}

/** The plain data of a block; throws `DataError`. */
export function decodeBlock(cid: CID, bytes: Uint8Array): unknown {
  try {
    switch (cid.code) {
      case CODEC.raw:
        return bytes;
      case CODEC.dagPb:
        checkShape(cid, excessOfPb(bytes, SHAPE));
        return dagPb.decode(bytes);
      case CODEC.dagCbor:
        checkShape(cid, excessOfCbor(bytes, SHAPE));
        return dagCbor.decode(bytes);
      case CODEC.dagJson:
        checkShape(cid, excessOfJson(bytes, SHAPE));
        return dagJson.decode(bytes);
    }
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError({ code: "BAD_BLOCK", cid: `${cid}` }, `block ${cid} is not of its codec`, { cause });
  }
  throw new DataError(
    { code: "UNKNOWN_CODEC", cid: `${cid}` },
    `block ${cid} is of codec 0x${cid.code.toString(16)}; raw, dag-pb, dag-cbor and dag-json are known`,
  );
}

/** JSON as a block of DAG-JSON, in its canonical form. Throws `DataError` BAD_INPUT or LIMIT. */
export function dagJsonBlock(json: Uint8Array): WalkedBlock {
  if (json.length > MAX_BLOCK)
    throw new DataError({ code: "LIMIT" }, `JSON of ${json.length} bytes, over ${MAX_BLOCK}: one block holds no more`);
  const excess = excessOfJson(json, SHAPE);
  if (excess !== null)
    throw new DataError({ code: "LIMIT" }, `JSON of too many ${excess === "links" ? "links" : "levels"}`);
  try {
    const bytes = dagJson.encode(dagJson.decode(json));
    return { cid: CID.createV1(CODEC.dagJson, Digest.create(SHA2_256, sha256(bytes))), bytes };
  } catch (cause) {
    // The library reads JSON by its reader of CBOR, and says so.
    const why = (cause as Error).message.replace(/^CBOR decode error: /, "").slice(0, 200);
    throw new DataError({ code: "BAD_INPUT" }, `no JSON that DAG-JSON can hold: ${why}`, { cause });
  }
}

/** The plain data of a block of DAG-CBOR, with maps in the order of the block: objects move keys that look like numbers. */
export function decodeOrdered(cid: CID, bytes: Uint8Array): unknown {
  try {
    checkShape(cid, excessOfCbor(bytes, SHAPE));
    return decodeCbor(bytes, { ...dagCbor.decodeOptions, useMaps: true });
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError({ code: "BAD_BLOCK", cid: `${cid}` }, `block ${cid} is not of its codec`, { cause });
  }
}

function checkShape(cid: CID, excess: Excess): void {
  if (excess === "links") throw new DataError({ code: "LIMIT" }, `block ${cid} has more than ${MAX_LINKS} links`);
  if (excess === "depth")
    throw new DataError({ code: "LIMIT" }, `block ${cid} has data nested deeper than ${MAX_DATA_DEPTH}`);
}

/** Links of a block in their order. */
export function linksOf(cid: CID, bytes: Uint8Array): readonly CID[] {
  if (cid.code === CODEC.raw) return [];
  const node = cid.code === CODEC.dagCbor ? decodeOrdered(cid, bytes) : decodeBlock(cid, bytes);
  return cid.code === CODEC.dagPb ? (node as dagPb.PBNode).Links.map(({ Hash }) => Hash) : linksOfValue(node);
}

/** Links inside of plain data in their order. */
export function linksOfValue(data: unknown): readonly CID[] {
  const links: CID[] = [];
  const pending: object[] = [];
  const add = (value: unknown): void => {
    if (typeof value === "object" && value !== null && !(value instanceof Uint8Array)) pending.push(value);
  };
  add(data);
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    // A map of plain data may have the fields of a CID: it has no bytes of one.
    const link = (value as { bytes?: unknown }).bytes instanceof Uint8Array ? CID.asCID(value) : null;
    if (link !== null) {
      links.push(link);
      continue;
    }
    // One by one: arguments of one call would be too many.
    const values: readonly unknown[] = Array.isArray(value)
      ? value
      : value instanceof Map
        ? [...value.values()]
        : Object.values(value);
    for (let i = values.length; i-- > 0; ) add(values[i]);
  }
  return links;
}

/** Binary links of a block one after the other, those of blocks inside of CIDs in their place; without what `isKnown`. */
function packLinks(cid: CID, bytes: Uint8Array, isKnown: (cid: Uint8Array) => boolean): Uint8Array {
  const found: Uint8Array[] = [];
  let length = 0;
  const gather = (from: CID, block: Uint8Array, depth: number): void => {
    if (from.code === CODEC.raw) return;
    if (depth > MAX_INLINE_DEPTH)
      throw new DataError(
        { code: "LIMIT" },
        `block ${cid} has blocks inside of CIDs that are deeper than ${MAX_INLINE_DEPTH}`,
      );
    for (const link of linksOf(from, block)) {
      if (isIdentity(link)) gather(link, link.multihash.digest, depth + 1);
      else if (!isKnown(link.bytes)) {
        found.push(link.bytes);
        length += link.bytes.length;
      }
    }
  };
  gather(cid, bytes, 0);
  const packed = new Uint8Array(length);
  let at = 0;
  for (const one of found) {
    packed.set(one, at);
    at += one.length;
  }
  return packed;
}

export type WalkOptions = {
  /** Gives a block as often as it is met. Default: once. */
  readonly duplicates?: boolean;
  /** Most blocks that are walked over; default: as many as there are, but 2^20 with duplicates. */
  readonly most?: number;
  /** Most bytes of links that wait at once; default: `MAX_WAITING`. */
  readonly mostWaiting?: number;
  readonly signal?: AbortSignal;
};

export type WalkedBlock = { readonly cid: CID; readonly bytes: Uint8Array };

/** All blocks below a root, depth first, parents before children. Blocks inside of CIDs are walked and not given. */
export async function* walk(
  blocks: BlockSource,
  root: CID,
  options: WalkOptions = {},
  seen: CidSet = new CidSet(),
): AsyncGenerator<WalkedBlock> {
  const most = options.most ?? (options.duplicates === true ? MAX_DUPLICATES : Number.POSITIVE_INFINITY);
  const mostWaiting = options.mostWaiting ?? MAX_WAITING;
  const pace = new Pace(options.signal);
  let walked = 0;
  const known = options.duplicates === true ? () => false : (cid: Uint8Array): boolean => seen.has(cid);
  const path: { readonly links: Uint8Array; at: number }[] = [];
  let waiting = 0;
  for (let cid: CID | null = root; cid !== null; cid = next()) {
    const turn = pace.step();
    if (turn !== undefined) await turn;
    if (options.duplicates !== true && !seen.add(cid.bytes)) continue;
    if (++walked > most)
      throw new DataError(
        { code: "LIMIT" },
        `the DAG of ${root} has more than ${most} blocks, those counted that recur`,
      );
    const bytes = await blockOf(blocks, cid);
    if (!isIdentity(cid)) yield { cid, bytes };
    const links = packLinks(cid, bytes, known);
    if (links.length === 0) continue;
    if (path.length >= MAX_DEPTH)
      throw new DataError({ code: "LIMIT" }, `the DAG of ${root} is deeper than ${MAX_DEPTH} blocks`);
    waiting += links.length;
    if (waiting > mostWaiting)
      throw new DataError({ code: "LIMIT" }, `over ${mostWaiting} bytes of links of the DAG of ${root} wait at once`);
    path.push({ links, at: 0 });
  }

  /** The next link of the deepest block that has one left. */
  function next(): CID | null {
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      if (top.at < top.links.length) {
        const [cid, rest] = CID.decodeFirst(top.links.subarray(top.at));
        top.at = top.links.length - rest.length;
        return cid;
      }
      waiting -= top.links.length;
      path.pop();
    }
    return null;
  }
}
