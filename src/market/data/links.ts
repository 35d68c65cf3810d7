/**
 * Blocks of any DAG: what they are, what they link to, and walks over them. Depth is bounded; a block that is met again is
 * passed over unless the walk is asked for duplicates.
 */
import * as dagCbor from "@ipld/dag-cbor";
import * as dagJson from "@ipld/dag-json";
import * as dagPb from "@ipld/dag-pb";
import { CidSet } from "../../storage/cid-set.ts";
import type { BlockSource } from "../../storage/contract.ts";
import { CID, isIdentity } from "../../types/cid.ts";
import { DataError } from "./errors.ts";
import { Pace } from "./pace.ts";

export const CODEC = { raw: 0x55, dagPb: 0x70, dagCbor: 0x71, dagJson: 0x0129 } as const;
/** Deepest DAG that is walked. */
export const MAX_DEPTH = 1024;
/** Blocks of a walk that gives them as often as they are met: of few blocks a DAG of any size can be made. */
export const MAX_DUPLICATES = 1 << 20;
/** Links of all blocks between the root and where a walk is: they are held in memory. */
const MAX_HELD_LINKS = 1 << 20;

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
        return dagPb.decode(bytes);
      case CODEC.dagCbor:
        return dagCbor.decode(bytes);
      case CODEC.dagJson:
        return dagJson.decode(bytes);
    }
  } catch (cause) {
    throw new DataError({ code: "BAD_BLOCK", cid: `${cid}` }, `block ${cid} is not of its codec`, { cause });
  }
  throw new DataError(
    { code: "UNKNOWN_CODEC", cid: `${cid}` },
    `block ${cid} is of codec 0x${cid.code.toString(16)}; raw, dag-pb, dag-cbor and dag-json are known`,
  );
}

/** Links of a block in their order. */
export function linksOf(cid: CID, bytes: Uint8Array): readonly CID[] {
  if (cid.code === CODEC.raw) return [];
  const node = decodeBlock(cid, bytes);
  return cid.code === CODEC.dagPb ? (node as dagPb.PBNode).Links.map(({ Hash }) => Hash) : linksOfValue(node);
}

/** Links inside of plain data in their order. */
export function linksOfValue(data: unknown): readonly CID[] {
  const links: CID[] = [];
  const pending: unknown[] = [data];
  while (pending.length > 0) {
    const value = pending.pop();
    const link = CID.asCID(value);
    if (link !== null) links.push(link);
    else if (Array.isArray(value)) pending.push(...value.toReversed());
    else if (typeof value === "object" && value !== null && !(value instanceof Uint8Array))
      pending.push(...Object.values(value).reverse());
  }
  return links;
}

export type WalkOptions = {
  /** Gives a block as often as it is met. Default: once. */
  readonly duplicates?: boolean;
  /** Most blocks that are walked over; default: as many as there are, but 2^20 with duplicates. */
  readonly most?: number;
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
  const pace = new Pace(options.signal);
  let walked = 0;
  let held = 0;
  const path: { readonly links: readonly CID[]; at: number }[] = [{ links: [root], at: 0 }];
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const cid = top.links[top.at++];
    if (cid === undefined) {
      held -= top.links.length;
      path.pop();
      continue;
    }
    const turn = pace.step();
    if (turn !== undefined) await turn;
    if (options.duplicates !== true) {
      if (seen.has(cid.bytes)) continue;
      seen.add(cid.bytes);
    }
    if (++walked > most)
      throw new DataError(
        { code: "LIMIT" },
        `the DAG of ${root} has more than ${most} blocks, those counted that recur`,
      );
    const bytes = await blockOf(blocks, cid);
    if (!isIdentity(cid)) yield { cid, bytes };
    const links = linksOf(cid, bytes);
    if (links.length === 0) continue;
    if (path.length >= MAX_DEPTH)
      throw new DataError({ code: "LIMIT" }, `the DAG of ${root} is deeper than ${MAX_DEPTH} blocks`);
    held += links.length;
    if (held > MAX_HELD_LINKS)
      throw new DataError(
        { code: "LIMIT" },
        `the DAG of ${root} has more than ${MAX_HELD_LINKS} links on one way down`,
      );
    path.push({ links, at: 0 });
  }
}
