/** Block headers by CID and tipsets by key, of every fork that was ever stored. */
import { BoundedMap } from "../base/bounded-map.ts";
import type { BlockStore } from "../storage/contract.ts";
import { type BlockHeader, decodeHeader, makeTipset, type Tipset } from "../types/block-header.ts";
import { type CID, type CidKey, cidKey } from "../types/cid.ts";
import { ChainError } from "./errors.ts";

/** Tipsets kept decoded, some 3 KiB each. */
const KEPT_TIPSETS = 2048;

export class HeaderStore {
  private readonly blocks: BlockStore;
  private readonly tipsets = new BoundedMap<CidKey, Tipset>(KEPT_TIPSETS);

  constructor(blocks: BlockStore) {
    this.blocks = blocks;
  }

  async header(cid: CID): Promise<BlockHeader> {
    // At once where the store can: a range of the chain is thousands of headers, one after another.
    const bytes = this.blocks.peek(cid.bytes) ?? (await this.blocks.get(cid.bytes));
    if (bytes === undefined)
      throw new ChainError({ code: "UNKNOWN_TIPSET", key: `${cid}` }, `block ${cid} is not in this store`);
    return decodeHeader(bytes);
  }

  /** The tipset with this key, which is not empty. */
  async tipset(key: readonly CID[]): Promise<Tipset> {
    const name = nameOf(key);
    const known = this.tipsets.get(name);
    if (known !== undefined) return known;
    const tipset = makeTipset(await Promise.all(key.map((cid) => this.header(cid))));
    this.remember(tipset);
    return tipset;
  }

  /** The tipset below, or null for a genesis (whose header may name a parent that is no block). */
  async parent(tipset: Tipset): Promise<Tipset | null> {
    const parents = tipset.height === 0 ? [] : (tipset.blocks[0]?.parents ?? []);
    return parents.length === 0 ? null : this.tipset(parents);
  }

  remember(tipset: Tipset): void {
    this.tipsets.set(nameOf(tipset.key), tipset);
  }

  /** Keeps it decoded no longer; in the store it stays. */
  release(tipset: Tipset): void {
    this.tipsets.delete(nameOf(tipset.key));
  }
}

/** The key as a map has it: of many tipsets in a row nobody reads the text. */
function nameOf(key: readonly CID[]): CidKey {
  return key.map(cidKey).join("");
}
