/** Paths in a DAG: folders of UnixFS, sharded or not, and fields and elements of dag-cbor and dag-json. */
import { sleepFor } from "../../base/sleep.ts";
import type { BlockSource } from "../../storage/contract.ts";
import { CID } from "../../types/cid.ts";
import { DataError } from "../data/errors.ts";
import { blockOf, CODEC, decodeBlock, type WalkedBlock } from "../data/links.ts";
import { asCid, MAX_SHARDS, shardLink, unixfsNode } from "../data/unixfs-node.ts";

export type Resolved = {
  /** Blocks on the way to the last one, which is not among them. */
  readonly path: readonly WalkedBlock[];
  readonly terminus: WalkedBlock;
  /** Data inside of the last block, where the path ends within it; undefined for the whole block. */
  readonly inner: unknown;
  /** CIDs of the root and of what each segment led to. */
  readonly roots: readonly CID[];
};

function notFound(path: readonly string[]): never {
  const name = path.join("/");
  throw new DataError({ code: "NO_SUCH_PATH", path: name }, `there is no ${name} below the root`);
}

/** Follows a path. Throws `DataError` NO_SUCH_PATH, MISSING_BLOCK and those of blocks that cannot be read. */
export async function resolvePath(
  blocks: BlockSource,
  root: CID,
  segments: readonly string[],
  signal?: AbortSignal,
): Promise<Resolved> {
  const path: WalkedBlock[] = [];
  const roots = [root];
  let block: WalkedBlock = { cid: root, bytes: await blockOf(blocks, root) };
  let inner: unknown;
  const enter = async (cid: CID): Promise<void> => {
    // A block may have a great many links to look through: other work gets its turn after each.
    if (signal !== undefined) await sleepFor(0, signal);
    path.push(block);
    block = { cid, bytes: await blockOf(blocks, cid) };
    inner = undefined;
  };
  for (const [i, name] of segments.entries()) {
    const fail = (): never => notFound(segments.slice(0, i + 1));
    if (block.cid.code === CODEC.dagPb) await enterNamed(() => block, enter, name, fail);
    else if (block.cid.code === CODEC.dagCbor || block.cid.code === CODEC.dagJson) {
      const value = fieldOf(inner === undefined ? decodeBlock(block.cid, block.bytes) : inner, name);
      if (value === undefined) fail();
      const link = CID.asCID(value);
      if (link === null) inner = value;
      else await enter(link);
    } else fail();
    roots.push(block.cid);
  }
  return { path, terminus: block, inner, roots };
}

/** Enters what a folder has under a name, through its shards. */
async function enterNamed(
  at: () => WalkedBlock,
  enter: (cid: CID) => Promise<void>,
  name: string,
  fail: () => never,
): Promise<void> {
  for (let level = 0; level < MAX_SHARDS; level++) {
    if (at().cid.code !== CODEC.dagPb) fail();
    const node = unixfsNode(at().cid, at().bytes);
    if (node.kind === "folder" || node.kind === "other") {
      const found = node.links.find(({ Name }) => Name === name);
      await enter(found === undefined || level > 0 ? fail() : asCid(found.Hash));
      return;
    }
    if (node.kind !== "shard") fail();
    const link = (await shardLink(node as Extract<typeof node, { kind: "shard" }>, name, level)) ?? fail();
    await enter(link.cid);
    if (link.isEntry) return;
  }
  fail();
}

function fieldOf(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return /^(?:0|[1-9]\d{0,8})$/.test(name) ? value[Number(name)] : undefined;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || CID.asCID(value) !== null)
    return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
