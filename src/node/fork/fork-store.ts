/**
 * A store whose blocks, and whose tipsets up to the one at which it was forked, come from another node when they are asked
 * for, and are kept from then on: what was once used is here without that node.
 *
 * Kept beside what a chain has: "fork/from" (where the fork is, as JSON), "fork/before/<epoch>" and "fork/after/<epoch>" (the
 * epoch of the tipset that is found there, as DAG-CBOR).
 */

import * as dagCbor from "@ipld/dag-cbor";
import { platform } from "#platform";
import { BoundedMap } from "../../base/bounded-map.ts";
import { isFilError } from "../../base/errors.ts";
import { encodeKey } from "../../chain/canonical-index.ts";
import type { Window } from "../../platform/table.ts";
import { type BlockHashes, checkBlock } from "../../storage/check-block.ts";
import type { Batch, Block, BlockStore, WriteOptions, WriteWatch } from "../../storage/contract.ts";
import { type BlockHeader, decodeHeader, makeTipset, sameKey, type Tipset } from "../../types/block-header.ts";
import { type CID, type CidKey, cidFromBytes, cidKey } from "../../types/cid.ts";
import { ForkError } from "./errors.ts";
import type { RemoteChain, RemoteTipset } from "./remote-chain.ts";

export type ForkPoint = { readonly key: readonly CID[]; readonly height: number };

type Range = readonly [low: number, high: number];

const HEIGHT = "height/";
const DIGITS = 16;
const BEFORE = "fork/before/";
const AFTER = "fork/after/";
/** Blocks that the other node has said it does not have: how many are remembered, and for how many milliseconds. It may get them. */
const MOST_ABSENT = 10_000;
const ABSENT_MS = 30_000;

export class ForkStore implements BlockStore {
  private readonly inner: BlockStore;
  private readonly remote: RemoteChain;
  private readonly hashes: BlockHashes;
  readonly point: ForkPoint;
  private readonly fetching = new Map<CidKey, Promise<Uint8Array | undefined>>();
  /** When the other node said that it does not have a block. */
  private readonly absent = new BoundedMap<CidKey, number>(MOST_ABSENT);
  private readonly now: () => number;

  constructor(
    inner: BlockStore,
    remote: RemoteChain,
    hashes: BlockHashes,
    point: ForkPoint,
    now: () => number = platform.now,
  ) {
    this.now = now;
    this.inner = inner;
    this.remote = remote;
    this.hashes = hashes;
    this.point = point;
  }

  /** Where the other node is. */
  get url(): string {
    return this.remote.url;
  }

  /** A block, if it is kept here. */
  async kept(cid: Uint8Array): Promise<Uint8Array | undefined> {
    return this.inner.peek(cid) ?? this.inner.get(cid);
  }

  peek(cid: Uint8Array): Uint8Array | undefined {
    return this.inner.peek(cid);
  }

  async get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    const kept = await this.kept(cid);
    if (kept !== undefined) return kept;
    const key = cidKey(cid);
    const age = this.now() - (this.absent.get(key) ?? -Infinity);
    if (age >= 0 && age < ABSENT_MS) return undefined;
    const running = this.fetching.get(key) ?? this.fetch(cid.slice()).finally(() => this.fetching.delete(key));
    this.fetching.set(key, running);
    return running;
  }

  private async fetch(cid: Uint8Array): Promise<Uint8Array | undefined> {
    const bytes = await this.remote.block(cidFromBytes(cid));
    if (bytes === undefined) {
      this.absent.set(cidKey(cid), this.now());
      return undefined;
    }
    if (checkBlock({ cid, bytes }, this.hashes) !== "right")
      throw new ForkError(
        { code: "BAD_ANSWER", method: "ChainReadObj" },
        `${this.remote.url} gives other bytes for block ${cidFromBytes(cid)} than its CID says`,
      );
    await this.inner.write({ blocks: [{ cid, bytes }] });
    return bytes;
  }

  async has(cid: Uint8Array): Promise<boolean> {
    return (await this.get(cid)) !== undefined;
  }

  async metadata(name: string): Promise<Uint8Array | undefined> {
    const kept = await this.inner.metadata(name);
    const height = kept === undefined ? epochOf(name) : null;
    if (height === null || height > this.point.height) return kept;
    return (await this.before(height)) === height ? this.inner.metadata(name) : undefined;
  }

  metadataWith(prefix: string): Promise<(readonly [string, Uint8Array])[]> {
    return this.inner.metadataWith(prefix);
  }

  /** Of the canonical index, whose questions are for the nearest tipset; all other facts are those that are kept. */
  async metadataBetween(low: string, high: string, window: Window): Promise<(readonly [string, Uint8Array])[]> {
    const [first, end] = [epochOf(low), epochOf(high)];
    if (first !== null && end !== null && window.limit === 1) {
      if (window.descending && end - 1 <= this.point.height) await this.before(Math.max(0, end - 1));
      if (!window.descending && first <= this.point.height) await this.after(first);
    }
    return this.inner.metadataBetween(low, high, window);
  }

  /** Sees to it that the tipset at or before an epoch is in the index, and gives its epoch. */
  private before(height: number): Promise<number> {
    const { key } = this.point;
    return this.nearest(`${BEFORE}${height}`, [0, height], () => this.remote.atOrBefore(height, key));
  }

  private async after(height: number): Promise<number> {
    const { key } = this.point;
    return this.nearest(`${AFTER}${height}`, [height, this.point.height], () => this.remote.atOrAfter(height, key));
  }

  /** `low` to `high`: where the answer must lie; the index above the fork is this network's own. */
  private async nearest(name: string, [low, high]: Range, ask: () => Promise<RemoteTipset>): Promise<number> {
    const kept = await this.inner.metadata(name);
    if (kept !== undefined) return dagCbor.decode(kept) as number;
    const { key, height } = await ask();
    if (height < low || height > high)
      throw this.wrong("its tipset", `is at epoch ${height}, and one from ${low} to ${high} was asked for`);
    await this.checkedTipset({ key, height });
    await this.inner.write({
      metadata: [
        [name, dagCbor.encode(height)],
        [heightName(height), encodeKey(key)],
      ],
    });
    return height;
  }

  /** A tipset whose blocks are there, are one, and are of its epoch. Throws `ForkError` BAD_ANSWER, NOT_AT_HAND. */
  async checkedTipset({ key, height }: ForkPoint): Promise<Tipset> {
    const headers: BlockHeader[] = [];
    for (const cid of key) {
      const header = await this.header(cid);
      if (header.height !== height) throw this.wrong(`block ${cid}`, `is of epoch ${header.height}`);
      headers.push(header);
    }
    const tipset = orNull(() => makeTipset(headers));
    if (tipset === null) throw this.wrong(`tipset ${key}`, "has blocks of several tipsets");
    if (!sameKey(tipset.key, key)) throw this.wrong(`tipset ${key}`, "has its blocks in another order");
    return tipset;
  }

  /** A header of the other node's chain. Throws `ForkError` BAD_ANSWER, NOT_AT_HAND. */
  async header(cid: CID): Promise<BlockHeader> {
    const bytes = await this.get(cid.bytes);
    if (bytes === undefined) throw this.wrong(`block ${cid}`, "is not there");
    const header = orNull(() => decodeHeader(bytes));
    if (header === null) throw this.wrong(`block ${cid}`, "is no header");
    return header;
  }

  private wrong(what: string, why: string): ForkError {
    return new ForkError(
      { code: "BAD_ANSWER", method: "ChainGetTipSetByHeight" },
      `${this.remote.url} does not give its chain: ${what} ${why}`,
    );
  }

  everyBlock(): AsyncIterable<Block> {
    return this.inner.everyBlock();
  }

  watchWrites(): WriteWatch {
    return this.inner.watchWrites();
  }

  write(batch: Batch, options?: WriteOptions): Promise<void> {
    return this.inner.write(batch, options);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

/** What is made of the other node's bytes; null where they are none. */
function orNull<Made>(make: () => Made): Made | null {
  try {
    return make();
  } catch (error) {
    if (isFilError(error)) return null;
    throw error;
  }
}

export function heightName(height: number): string {
  return HEIGHT + height.toString().padStart(DIGITS, "0");
}

/** The epoch that a name of the canonical index is about; null for other names. */
function epochOf(name: string): number | null {
  return name.startsWith(HEIGHT) && name.length === HEIGHT.length + DIGITS ? Number(name.slice(HEIGHT.length)) : null;
}
