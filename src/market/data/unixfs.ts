/**
 * Files and folders as UnixFS, and back. Version 1 with CIDv1: raw leaves of 1 MiB, 1,024 links a node, folders sharded above
 * 256 KiB of block: the profile `unixfs-v1-2025` of IPIP-499, so that CIDs are those of other tools.
 */
import type { ImportCandidate } from "ipfs-unixfs-importer";
import { utf8 } from "../../base/bytes.ts";
import { CidSet } from "../../storage/cid-set.ts";
import type { BlockSource } from "../../storage/contract.ts";
import { CID } from "../../types/cid.ts";
import { DataError } from "./errors.ts";
import { blockOf, CODEC, MAX_DEPTH as DEEPEST } from "./links.ts";
import { Pace } from "./pace.ts";
import { asCid, type FileNode, MAX_SHARDS, prefixLength, rawFile, type UnixfsNode, unixfsNode } from "./unixfs-node.ts";

/** Something to import: a file with its content, or an empty folder; the path has the names of the folders above it. */
export type InputEntry = { readonly path: string; readonly content?: AsyncIterable<Uint8Array> };

export type Put = (cid: CID, bytes: Uint8Array) => Promise<void>;

/** Blocks of one file that are hashed and written at once: 1 MiB each. */
const BLOCKS_AT_ONCE = 4;
const FILES_AT_ONCE = 4;
const PROFILE = "unixfs-v1-2025";
/** Deepest folder, and longest name in bytes. */
const MAX_DEPTH = 128;
const MAX_NAME = 255;
/** Files and folders of one export: of few blocks folders of any number can be made. */
const MAX_EXPORTED = 1_000_000;

/** Imports entries that have one file or folder above all of them; gives its CID. */
export async function importUnixfs(entries: AsyncIterable<InputEntry>, put: Put): Promise<CID> {
  // Loaded on first use: most nodes import nothing.
  const { importer } = await import("ipfs-unixfs-importer");
  let root: CID | null = null;
  const store = {
    // The importer's libraries may have a class of CIDs of their own.
    put: async (cid: unknown, bytes: Uint8Array) => {
      await put(CID.asCID(cid) as CID, bytes);
      return cid;
    },
  };
  const options = {
    profile: PROFILE,
    blockWriteConcurrency: BLOCKS_AT_ONCE,
    fileImportConcurrency: FILES_AT_ONCE,
  } as const;
  for await (const { cid } of importer(entries as AsyncIterable<ImportCandidate>, store as never, options))
    root = CID.asCID(cid);
  if (root === null) throw new DataError({ code: "BAD_INPUT" }, "there is nothing to import");
  return root;
}

/** A file or folder of a DAG. `path` is below the root, "" for the root itself. */
export type OutputEntry =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "file"; readonly path: string; readonly size: bigint; content(): AsyncIterable<Uint8Array> };

/**
 * All files and folders of a UnixFS DAG, folders before what is in them. Throws `DataError` for names that lie elsewhere, for
 * files whose parts are of other sizes than their links say, and for more than a million entries. No library does this: those
 * there are walk without bounds and read a file's blocks before anybody asks for them.
 */
export async function* exportUnixfs(blocks: BlockSource, root: CID, signal?: AbortSignal): AsyncGenerator<OutputEntry> {
  const pace = new Pace(signal);
  const pending: { readonly cid: CID; readonly path: readonly string[] }[] = [{ cid: root, path: [] }];
  let count = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    await pace.step();
    const { cid, path } = next;
    const node = await nodeOf(blocks, cid);
    const name = path.join("/");
    count++;
    if (node.kind === "file") {
      yield { kind: "file", path: name, size: node.size, content: () => contentOf(blocks, node, pace) };
      continue;
    }
    if (node.kind === "other")
      throw new DataError({ code: "BAD_INPUT" }, `${name === "" ? "the root" : name} is neither a file nor a folder`);
    yield { kind: "folder", path: name };
    if (path.length >= MAX_DEPTH) throw new DataError({ code: "LIMIT" }, `folders are deeper than ${MAX_DEPTH}`);
    for await (const child of childrenOf(blocks, node, pace)) {
      if (count + pending.length >= MAX_EXPORTED)
        throw new DataError({ code: "LIMIT" }, `more than ${MAX_EXPORTED} files and folders`);
      pending.push({ cid: child.cid, path: [...path, checkName(child.name)] });
    }
  }
}

async function nodeOf(blocks: BlockSource, cid: CID): Promise<UnixfsNode> {
  const bytes = await blockOf(blocks, cid);
  if (cid.code === CODEC.raw) return rawFile(bytes);
  return cid.code === CODEC.dagPb ? unixfsNode(cid, bytes) : { kind: "other", links: [] };
}

/** What a folder has in it, through its shards. A shard that recurs would give the same names again. */
async function* childrenOf(
  blocks: BlockSource,
  folder: Exclude<UnixfsNode, FileNode>,
  pace: Pace,
): AsyncGenerator<{ readonly name: string; readonly cid: CID }> {
  const shards = new CidSet();
  const ways: { readonly node: Exclude<UnixfsNode, FileNode>; at: number }[] = [{ node: folder, at: 0 }];
  for (let top = ways.at(-1); top !== undefined; top = ways.at(-1)) {
    const { node } = top;
    const link = node.links[top.at++];
    if (link === undefined) {
      ways.pop();
      continue;
    }
    await pace.step();
    const { Name = "" } = link;
    const cid = asCid(link.Hash);
    const prefix = node.kind === "shard" ? prefixLength(node.fanout) : 0;
    if (node.kind !== "shard" || Name.length !== prefix) {
      yield { name: Name.slice(prefix), cid };
      continue;
    }
    const below = await nodeOf(blocks, cid);
    if (below.kind !== "shard" || !shards.add(cid.bytes) || ways.length >= MAX_SHARDS)
      throw new DataError({ code: "BAD_BLOCK", cid: `${cid}` }, `block ${cid} is no shard, recurs or lies too deep`);
    ways.push({ node: below, at: 0 });
  }
}

/** Bytes of a file, the last not among them. */
export type FileSpan = { readonly from: bigint; readonly to: bigint };

/** The bytes that one file is; blocks outside of the span are not read. Throws `DataError` for what is no file. */
export async function* fileContent(
  blocks: BlockSource,
  root: CID,
  span: FileSpan | null = null,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const node = await nodeOf(blocks, root);
  if (node.kind !== "file")
    throw new DataError({ code: "BAD_INPUT" }, `${root} is no file: only a file is a raw piece`);
  yield* contentOf(blocks, node, new Pace(signal), span ?? { from: 0n, to: node.size });
}

/** Bytes of a file, a block at a time. A part of no bytes is passed over, any other holds as many as its link says. */
async function* contentOf(
  blocks: BlockSource,
  file: FileNode,
  pace: Pace,
  { from, to }: FileSpan = { from: 0n, to: file.size },
): AsyncGenerator<Uint8Array> {
  let at = 0n;
  const cut = (data: Uint8Array): Uint8Array => {
    const [begin, end] = [from - at, to - at].map((place) => Number(place < 0n ? 0n : place));
    at += BigInt(data.length);
    return data.subarray(begin, end);
  };
  const first = cut(file.data);
  if (first.length > 0) yield first;
  const ways = [{ node: file, at: 0 }];
  for (let top = ways.at(-1); top !== undefined; top = ways.at(-1)) {
    const part = top.node.parts[top.at++];
    if (part === undefined) {
      ways.pop();
      continue;
    }
    await pace.step();
    if (part.size === 0n) continue;
    if (at >= to) return;
    if (at + part.size <= from) {
      at += part.size;
      continue;
    }
    const cid = asCid(part.cid);
    const node = await nodeOf(blocks, cid);
    if (node.kind !== "file" || node.size !== part.size || ways.length >= DEEPEST)
      throw new DataError({ code: "BAD_BLOCK", cid: `${cid}` }, `block ${cid} is not ${part.size} bytes of a file`);
    const data = cut(node.data);
    if (data.length > 0) yield data;
    if (node.parts.length > 0) ways.push({ node, at: 0 });
  }
}

/** A name that stays in its folder, and that the importer does not take for two; throws `DataError` BAD_NAME. */
export function checkName(name: string): string {
  const isBad = name === "" || name === "." || name === ".." || /[/\\\0]/.test(name) || utf8(name).length > MAX_NAME;
  if (isBad)
    throw new DataError(
      { code: "BAD_NAME" },
      `a file named ${JSON.stringify(name.slice(0, 80))} can be neither imported nor written`,
    );
  return name;
}
