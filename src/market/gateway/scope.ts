/** Which blocks below the end of a path are part of an answer: one, those of one entity, some bytes of it, or all. */
import { CidSet } from "../../storage/cid-set.ts";
import type { BlockSource } from "../../storage/contract.ts";
import { isIdentity } from "../../types/cid.ts";
import { DataError } from "../data/errors.ts";
import { blockOf, CODEC, linksOfValue, MAX_DEPTH, MAX_DUPLICATES, type WalkedBlock, walk } from "../data/links.ts";
import { Pace } from "../data/pace.ts";
import { asCid, type FileNode, prefixLength, rawFile, type UnixfsNode, unixfsNode } from "../data/unixfs-node.ts";
import type { Resolved } from "./resolve.ts";

export type Scope = "block" | "entity" | "all";
/** First and last byte; negative ones count from the end, null is the end. */
export type ByteRange = { readonly from: bigint; readonly to: bigint | null };

/** Bytes of a file as they are counted from its beginning; null for none. */
export type Span = { readonly from: bigint; readonly to: bigint } | null;

/** What a range comes to in a file; "outside" if no byte of it could be meant. */
export function spanOf({ from, to }: ByteRange, size: bigint): Span | "outside" {
  const last = to === null ? size - 1n : to < 0n ? size + to : to;
  const first = from < 0n ? (size + from < 0n ? 0n : size + from) : from;
  if (size > 0n && (first >= size || (last < 0n && from < 0n))) return "outside";
  const end = last < size ? last : size - 1n;
  return first > end ? null : { from: first, to: end };
}

/** The file at the end of a path; null if that is none. */
export function fileAt({ terminus }: Resolved): FileNode | null {
  const { cid, bytes } = terminus;
  if (cid.code === CODEC.raw) return rawFile(bytes);
  const node = cid.code === CODEC.dagPb ? unixfsNode(cid, bytes) : null;
  return node?.kind === "file" ? node : null;
}

export type Wanted = {
  readonly scope: Scope;
  readonly range: ByteRange | null;
  /** Blocks as often as they are met. */
  readonly duplicates: boolean;
};

/** Blocks of an answer: those of the path, then those of the scope, depth first. Blocks inside of CIDs are left out. */
export async function* blocksOf(
  blocks: BlockSource,
  resolved: Resolved,
  wanted: Wanted,
  signal?: AbortSignal,
): AsyncGenerator<WalkedBlock> {
  const seen = new CidSet();
  let given = 0;
  for await (const block of allOf(blocks, resolved, wanted, signal)) {
    if (isIdentity(block.cid) || (!wanted.duplicates && !seen.add(block.cid.bytes))) continue;
    if (++given > MAX_DUPLICATES && wanted.duplicates)
      throw new DataError({ code: "LIMIT" }, `more than ${MAX_DUPLICATES} blocks, those counted that recur`);
    yield block;
  }
}

async function* allOf(
  blocks: BlockSource,
  resolved: Resolved,
  { scope, range, duplicates }: Wanted,
  signal?: AbortSignal,
): AsyncGenerator<WalkedBlock> {
  yield* resolved.path;
  const { terminus, inner } = resolved;
  const options = { duplicates, ...(signal === undefined ? {} : { signal }) };
  if (scope === "all" && range === null) {
    if (inner === undefined) {
      yield* walk(blocks, terminus.cid, options);
      return;
    }
    yield terminus;
    const seen = new CidSet();
    for (const cid of linksOfValue(inner)) yield* walk(blocks, cid, options, seen);
    return;
  }
  const file = inner === undefined ? fileAt(resolved) : null;
  const span = range === null || file === null ? undefined : spanOf(range, file.size);
  yield terminus;
  if (scope === "block" || span === null || span === "outside" || inner !== undefined) return;
  const scoped = new ScopedWalk(blocks, duplicates, signal);
  if (file !== null) yield* scoped.parts(file, span ?? { from: 0n, to: file.size });
  else if (terminus.cid.code === CODEC.dagPb) yield* scoped.shards(unixfsNode(terminus.cid, terminus.bytes));
}

/** A walk below one file or folder. Without duplicates what was walked as a whole is not entered again. */
class ScopedWalk {
  private readonly blocks: BlockSource;
  private readonly duplicates: boolean;
  private readonly pace: Pace;
  private readonly whole = new CidSet();
  private visits = 0;
  private cuts = 0;

  constructor(blocks: BlockSource, duplicates: boolean, signal: AbortSignal | undefined) {
    this.blocks = blocks;
    this.duplicates = duplicates;
    this.pace = new Pace(signal);
  }

  /** Blocks below a file's that hold some of its bytes. */
  async *parts(file: FileNode, span: NonNullable<Span>, depth = 1): AsyncGenerator<WalkedBlock> {
    if (depth > MAX_DEPTH) throw new DataError({ code: "LIMIT" }, `the file is deeper than ${MAX_DEPTH} blocks`);
    let at = file.inline;
    for (const { cid, size } of file.parts) {
      const [from, to] = [span.from - at, span.to - at];
      at += size;
      const turn = this.pace.step();
      if (turn !== undefined) await turn;
      // Parts of no bytes belong to a file that is asked for as a whole.
      if (to < 0n || (from >= size && size > 0n)) continue;
      if (this.isKnown(cid)) continue;
      const block = await this.child(cid);
      yield block;
      const node = block.cid.code === CODEC.dagPb ? unixfsNode(block.cid, block.bytes) : null;
      if (node?.kind !== "file" || node.size === 0n || (from <= 0n && to >= node.size - 1n))
        this.whole.add(block.cid.bytes);
      // A range cuts two parts of each level; more are cut only where sizes are other than those above say.
      else if (!this.duplicates && ++this.cuts > 2 * MAX_DEPTH)
        throw new DataError({ code: "LIMIT" }, "the sizes of the file's parts contradict each other");
      if (node?.kind === "file") yield* this.parts(node, { from, to }, depth + 1);
    }
  }

  /** Blocks below a shard that are shards of the same folder. */
  async *shards(node: UnixfsNode, depth = 1): AsyncGenerator<WalkedBlock> {
    if (node.kind !== "shard") return;
    if (depth > MAX_DEPTH) throw new DataError({ code: "LIMIT" }, `the folder is deeper than ${MAX_DEPTH} blocks`);
    const length = prefixLength(node.fanout);
    for (const { Name = "", Hash } of node.links) {
      const turn = this.pace.step();
      if (turn !== undefined) await turn;
      if (Name.length !== length || this.isKnown(Hash)) continue;
      const block = await this.child(Hash);
      yield block;
      this.whole.add(block.cid.bytes);
      if (block.cid.code === CODEC.dagPb) yield* this.shards(unixfsNode(block.cid, block.bytes), depth + 1);
    }
  }

  private isKnown(cid: unknown): boolean {
    return !this.duplicates && this.whole.has(asCid(cid).bytes);
  }

  private async child(cid: unknown): Promise<WalkedBlock> {
    if (++this.visits > MAX_DUPLICATES && this.duplicates)
      throw new DataError({ code: "LIMIT" }, `more than ${MAX_DUPLICATES} blocks, those counted that recur`);
    const own = asCid(cid);
    return { cid: own, bytes: await blockOf(this.blocks, own) };
  }
}
