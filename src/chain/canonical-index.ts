/**
 * The canonical chain by epoch and by message: metadata that moves with the head.
 *
 *   height/<16 digits>              key of the canonical tipset of an epoch (null rounds have none)
 *   sender/<address hex>/<nonce>    epoch of the first canonical tipset that carries a message of this sender and nonce
 *
 * Null rounds cost nothing: the entry before or after an epoch is the neighbour in the ordered range. The newest tipsets
 * are kept in memory as well, so that most look-ups answer at once.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { toHex } from "../base/bytes.ts";
import type { BlockStore } from "../storage/contract.ts";
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";
import { CID } from "../types/cid.ts";
import type { Message } from "../types/message.ts";
import { readUsualKey } from "../types/usual-header.ts";

export type IndexChange = readonly [name: string, value: Uint8Array | null];

const HEIGHT_DIGITS = 16;
/** Newest canonical tipsets in memory, some 3 KiB each. */
const KEPT = 1024;

export function encodeKey(key: readonly CID[]): Uint8Array {
  return dagCbor.encode(key);
}

export function decodeKey(bytes: Uint8Array): CID[] {
  return readUsualKey(bytes.slice()) ?? (dagCbor.decode(bytes) as unknown[]).map((link) => CID.asCID(link) as CID);
}

function heightName(height: number): string {
  return `height/${height.toString().padStart(HEIGHT_DIGITS, "0")}`;
}

function senderName({ from, nonce }: Pick<Message, "from" | "nonce">): string {
  return `sender/${toHex(from.bytes)}/${nonce}`;
}

export class CanonicalIndex {
  private readonly blocks: BlockStore;
  /** Successive canonical tipsets, the last is the head. */
  private readonly newest: Tipset[] = [];

  constructor(blocks: BlockStore) {
    this.blocks = blocks;
  }

  /** The canonical tipset at an epoch or the last before it, if it is among the newest. */
  newestAtOrBefore(height: number): Tipset | undefined {
    return this.newest[this.firstAbove(height) - 1];
  }

  /** The first canonical tipset at an epoch or after it, if it and the one before it are among the newest. */
  newestAtOrAfter(height: number): Tipset | undefined {
    const at = this.firstAbove(height - 1);
    return at === 0 && this.newest[0]?.height !== 0 ? undefined : this.newest[at];
  }

  /** Key of the canonical tipset at an epoch or of the last before it; null on an empty chain. */
  async keyAtOrBefore(height: number): Promise<readonly CID[] | null> {
    const [found] = await this.blocks.metadataBetween(heightName(0), heightName(height + 1), {
      limit: 1,
      descending: true,
    });
    return found === undefined ? null : decodeKey(found[1]);
  }

  /** Key of the first canonical tipset with `height <= its epoch <= last`; null if there is none. */
  async keyAtOrAfter(height: number, last: number): Promise<readonly CID[] | null> {
    const [found] = await this.blocks.metadataBetween(heightName(height), heightName(last + 1), {
      limit: 1,
      descending: false,
    });
    return found === undefined ? null : decodeKey(found[1]);
  }

  async has(tipset: Tipset): Promise<boolean> {
    const kept = this.newestAtOrBefore(tipset.height);
    if (kept !== undefined) return kept.height === tipset.height && sameKey(kept, tipset);
    const key = await this.blocks.metadata(heightName(tipset.height));
    return key !== undefined && tipsetKeyText(decodeKey(key)) === tipsetKeyText(tipset.key);
  }

  /** Epoch of the canonical tipset that carries the sender's message of this nonce; null if none does. */
  async heightOf(message: Pick<Message, "from" | "nonce">): Promise<number | null> {
    const found = await this.blocks.metadata(senderName(message));
    return found === undefined ? null : (dagCbor.decode(found) as number);
  }

  /**
   * The changes that take `reverts` (from the top) off the canonical chain and put `applies` (from the bottom) on it.
   * `messagesOf` gives the messages that a tipset carries.
   */
  async changes(
    reverts: readonly Tipset[],
    applies: readonly Tipset[],
    messagesOf: (tipset: Tipset) => Promise<readonly Message[]>,
  ): Promise<IndexChange[]> {
    const changes = new Map<string, Uint8Array | null>();
    const now = async (name: string): Promise<Uint8Array | null> => {
      const changed = changes.get(name);
      return changed === undefined ? ((await this.blocks.metadata(name)) ?? null) : changed;
    };
    for (const tipset of reverts) {
      changes.set(heightName(tipset.height), null);
      for (const message of await messagesOf(tipset)) {
        const name = senderName(message);
        const height = await now(name);
        if (height !== null && dagCbor.decode(height) === tipset.height) changes.set(name, null);
      }
    }
    for (const tipset of applies) {
      changes.set(heightName(tipset.height), encodeKey(tipset.key));
      const height = dagCbor.encode(tipset.height);
      for (const message of await messagesOf(tipset)) {
        const name = senderName(message);
        if ((await now(name)) === null) changes.set(name, height);
      }
    }
    return [...changes];
  }

  /** The entries of one tipset, for an index that is written from the head downwards. */
  entries(tipset: Tipset, messages: readonly Message[]): IndexChange[] {
    const height = dagCbor.encode(tipset.height);
    return [
      [heightName(tipset.height), encodeKey(tipset.key)],
      ...messages.map((message) => [senderName(message), height] as const),
    ];
  }

  /** Follows a move of the head whose changes were written. */
  moved(reverts: readonly Tipset[], applies: readonly Tipset[]): void {
    this.newest.splice(Math.max(0, this.newest.length - reverts.length));
    this.newest.push(...applies);
    if (this.newest.length > 2 * KEPT) this.newest.splice(0, this.newest.length - KEPT);
  }

  /** Number of the newest tipsets that are not above a height. */
  private firstAbove(height: number): number {
    let low = 0;
    let high = this.newest.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.newest[middle] as Tipset).height <= height) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function sameKey(a: Tipset, b: Tipset): boolean {
  return tipsetKeyText(a.key) === tipsetKeyText(b.key);
}
