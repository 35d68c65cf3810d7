/**
 * Which chain is the head: the heaviest; between equal ones the one with the smaller tickets; else the one held already.
 * Source: lotus chain/store/store.go (breakWeightTie, FormHeaviestTipSetForHeight).
 */

import { compare } from "../base/bytes.ts";
import { blake2b256 } from "../base/digests.ts";
import { type BlockHeader, makeTipset, type Tipset } from "../types/block-header.ts";

/** Whether `other` wins over `current` at equal weight. Tickets are compared by their digests, index by index. */
export function winsTie(current: Tipset, other: Tipset): boolean {
  const shorter = Math.min(current.blocks.length, other.blocks.length);
  for (let i = 0; i < shorter; i++) {
    const order = compare(ticketDigest(current.blocks[i]), ticketDigest(other.blocks[i]));
    if (order !== 0) return order > 0;
  }
  return false;
}

function ticketDigest(header: BlockHeader | undefined): Uint8Array {
  return blake2b256(header?.ticket ?? new Uint8Array(0));
}

/** Whether a tipset of weight `weight` takes the place of the head. */
export function isHeavier(
  head: { readonly tipset: Tipset; readonly weight: bigint },
  other: { readonly tipset: Tipset; readonly weight: bigint },
): boolean {
  return other.weight === head.weight ? winsTie(head.tipset, other.tipset) : other.weight > head.weight;
}

/**
 * The tipsets that headers of one epoch form: one a set of parents, without any block of a miner that made two of them.
 * A producer that equivocates so has no block at all.
 */
export function formTipsets(headers: readonly BlockHeader[]): Tipset[] {
  const count = new Map<string, number>();
  for (const { miner } of headers) count.set(miner.toString(), (count.get(miner.toString()) ?? 0) + 1);
  const byParents = new Map<string, BlockHeader[]>();
  for (const header of headers) {
    if ((count.get(header.miner.toString()) as number) > 1) continue;
    const parents = header.parents.join();
    byParents.set(parents, [...(byParents.get(parents) ?? []), header]);
  }
  return [...byParents.values()].map(makeTipset);
}
