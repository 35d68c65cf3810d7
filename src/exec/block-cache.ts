/**
 * Blocks at hand in a worker: those that its runs made and those that they asked for. A block is named by its content,
 * so what is here can be old but never wrong, and machines of any configuration share it.
 *
 * Whether a block is at hand is another matter: a run must find no block that its own node's store lacks, or its outcome
 * would depend on who else is served here. So an entry knows for which worlds (stores) it was seen.
 */
import { cidKey } from "../types/cid.ts";

/** A block, and a bit for each world in whose store it is. */
type Entry = { readonly bytes: Uint8Array; worlds: number };

/** Bits; a world beyond takes that of the one that was here first, which begins anew. */
const MAX_WORLDS = 31;

/** Two halves: when the young one is full it becomes the old one, and what was not used since is forgotten. */
export class BlockCache {
  private readonly limit: number;
  private young = new Map<string, Entry>();
  private old = new Map<string, Entry>();
  private bytes = 0;
  /** Bits by world, in the order of their first coming. */
  private readonly bits = new Map<number, number>();

  /** `limit`: bytes of one half; the cache holds at most twice as much and one block. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** A block that is in the store of a world. */
  get(cid: Uint8Array, world: number): Uint8Array | undefined {
    const bit = this.bitOf(world);
    const entry = this.find(cidKey(cid));
    return entry !== undefined && (entry.worlds & bit) !== 0 ? entry.bytes : undefined;
  }

  /** Whether the bytes of a block are here, in whosever store it is. */
  has(cid: Uint8Array): boolean {
    return this.find(cidKey(cid)) !== undefined;
  }

  /** Notes that a block, which `has` tells is here, is in the store of a world too; its bytes. */
  share(cid: Uint8Array, world: number): Uint8Array | undefined {
    const bit = this.bitOf(world);
    const entry = this.find(cidKey(cid));
    if (entry !== undefined) entry.worlds |= bit;
    return entry?.bytes;
  }

  put(cid: Uint8Array, bytes: Uint8Array, world: number): void {
    const bit = this.bitOf(world);
    const key = cidKey(cid);
    const known = this.find(key);
    if (known !== undefined) known.worlds |= bit;
    else this.add(key, { bytes, worlds: bit });
  }

  private find(key: string): Entry | undefined {
    const young = this.young.get(key);
    if (young !== undefined) return young;
    const old = this.old.get(key);
    if (old !== undefined) this.add(key, old);
    return old;
  }

  private add(key: string, entry: Entry): void {
    this.young.set(key, entry);
    this.bytes += entry.bytes.length;
    if (this.bytes < this.limit) return;
    this.old = this.young;
    this.young = new Map();
    this.bytes = 0;
  }

  private bitOf(world: number): number {
    const known = this.bits.get(world);
    if (known !== undefined) return known;
    let bit = 1 << this.bits.size;
    if (this.bits.size === MAX_WORLDS) {
      const [first, freed] = [...this.bits][0] as [number, number];
      this.bits.delete(first);
      for (const half of [this.young, this.old]) for (const entry of half.values()) entry.worlds &= ~freed;
      bit = freed;
    }
    this.bits.set(world, bit);
    return bit;
  }
}
