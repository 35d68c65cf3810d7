/**
 * Blocks at hand in a worker: those that its runs made and those that they asked for. A block is named by its content,
 * so what is here can be old but never wrong.
 */
import { cidKey } from "../types/cid.ts";

/** Two generations: when the young one is full it becomes the old one, and what was not used since is forgotten. */
export class BlockCache {
  readonly #limit: number;
  #young = new Map<string, Uint8Array>();
  #old = new Map<string, Uint8Array>();
  #bytes = 0;

  /** `limit`: bytes of one generation; the cache holds at most twice as much and one block. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(cid: Uint8Array): Uint8Array | undefined {
    const key = cidKey(cid);
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.#add(key, old);
    return old;
  }

  put(cid: Uint8Array, bytes: Uint8Array): void {
    const key = cidKey(cid);
    if (!this.#young.has(key)) this.#add(key, bytes);
  }

  #add(key: string, bytes: Uint8Array): void {
    this.#young.set(key, bytes);
    this.#bytes += bytes.length;
    if (this.#bytes < this.#limit) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#bytes = 0;
  }
}
