/**
 * Which tipset is the head: the heaviest of those that valid blocks form.
 *
 * A miner that made two blocks of one epoch has none in it. If that makes the head lighter, the heaviest tipset of the
 * epochs around takes its place at once. The head never moves back over more than a finality of tipsets, nor below the
 * checkpoint. One choice at a time. Source: lotus chain/store/store.go (RefreshHeaviestTipSet, exceedsForkLength).
 */
import { BoundedMap } from "../base/bounded-map.ts";
import { isFilError } from "../base/errors.ts";
import { Turns } from "../base/turns.ts";
import type { Chain } from "../chain/chain.ts";
import { formTipsets, isHeavier } from "../consensus/fork-choice.ts";
import { BLOCK_LIMITS } from "../consensus/limits.ts";
import { WeightError } from "../consensus/weight.ts";
import { type BlockHeader, headerCid, type Tipset, tipsetKeyText } from "../types/block-header.ts";

export type HeadChoiceParts = {
  readonly chain: Chain;
  /** Weight of the chain up to and with a tipset; rejects with `WeightError` where it has none. */
  readonly weight: (tipset: Tipset) => Promise<bigint>;
  /** Hears of a heavier tipset that may not be the head, with the reason. */
  readonly onRefused?: (tipset: Tipset, why: string) => void;
};

/** Epochs around the head that are searched when it got lighter. Source: lotus chain/store/store.go (reorg search breadth). */
const SEARCHED_EPOCHS = 5;
/** Tipsets between two heads that are walked before the choice is given up; a finality back and more forward. */
const MAX_PATH = 4 * BLOCK_LIMITS.finality;
const KEPT_WEIGHTS = 64;
/** What the chain says when a tipset may not be its head. */
const REFUSALS = ["BELOW_CHECKPOINT", "BAD_BLOCK", "FORK_TOO_LONG", "NO_COMMON_ANCESTOR"];

export class HeadChoice {
  private readonly parts: HeadChoiceParts;
  private readonly turns = new Turns();
  private readonly weights = new BoundedMap<string, bigint>(KEPT_WEIGHTS);

  constructor(parts: HeadChoiceParts) {
    this.parts = parts;
  }

  /** Weighs the tipsets of a valid, stored tipset's epoch against the head; true if the head moved. */
  consider(tipset: Tipset): Promise<boolean> {
    return this.turns.run(() => this.choose(tipset.height));
  }

  async weight(tipset: Tipset): Promise<bigint> {
    const key = tipsetKeyText(tipset.key);
    const known = this.weights.get(key);
    if (known !== undefined) return known;
    const weight = await this.parts.weight(tipset);
    this.weights.set(key, weight);
    return weight;
  }

  private async choose(epoch: number): Promise<boolean> {
    const { chain } = this.parts;
    const { head } = chain;
    const isShrunk = epoch === head.height && hasDoubles(head, this.headersAt(epoch));
    const best = isShrunk ? await this.around(head) : await this.heaviest(formTipsets(this.headersAt(epoch)));
    if (best === null || tipsetKeyText(best.key) === tipsetKeyText(head.key)) return false;
    if (!isShrunk) {
      const [mine, other] = [await this.weight(head), await this.weight(best)];
      if (!isHeavier({ tipset: head, weight: mine }, { tipset: best, weight: other })) return false;
    }
    return this.moveTo(best, head);
  }

  /** Headers of an epoch that are known to be valid. */
  private headersAt(epoch: number): readonly BlockHeader[] {
    const { chain } = this.parts;
    const tracked = chain.tracker.at(epoch);
    if (chain.head.height !== epoch) return tracked;
    // After a restart the head's own blocks are not among those that came one by one.
    const known = new Set(tracked.map((header) => `${headerCid(header)}`));
    return [...tracked, ...chain.head.blocks.filter((_, i) => !known.has(`${chain.head.key[i]}`))];
  }

  private async around(head: Tipset): Promise<Tipset | null> {
    const candidates: Tipset[] = [];
    for (let epoch = head.height - SEARCHED_EPOCHS; epoch <= head.height + SEARCHED_EPOCHS; epoch++)
      candidates.push(...formTipsets(this.headersAt(epoch)));
    const parent = await this.parts.chain.parent(head);
    if (parent !== null) candidates.push(parent);
    return this.heaviest(candidates);
  }

  private async heaviest(tipsets: readonly Tipset[]): Promise<Tipset | null> {
    let best: { readonly tipset: Tipset; readonly weight: bigint } | null = null;
    for (const tipset of tipsets) {
      const weight = await this.weightOrNull(tipset);
      if (weight === null) continue;
      const one = { tipset, weight };
      if (best === null || isHeavier(best, one)) best = one;
    }
    return best?.tipset ?? null;
  }

  /** Null where nobody has power any more: such a tipset cannot be the head. */
  private async weightOrNull(tipset: Tipset): Promise<bigint | null> {
    try {
      return await this.weight(tipset);
    } catch (error) {
      if (!(error instanceof WeightError)) throw error;
      this.parts.onRefused?.(tipset, error.message);
      return null;
    }
  }

  private async moveTo(best: Tipset, head: Tipset): Promise<boolean> {
    const { chain, onRefused } = this.parts;
    try {
      const { reverts } = await chain.path(head, best, MAX_PATH);
      if (reverts.length > BLOCK_LIMITS.finality) {
        onRefused?.(best, `it leaves our chain ${reverts.length} tipsets below the head`);
        return false;
      }
      await chain.setHead(best);
      return true;
    } catch (error) {
      if (!isFilError(error) || !REFUSALS.includes(error.code)) throw error;
      onRefused?.(best, error.message);
      return false;
    }
  }
}

/** Whether a block of the tipset is by a miner that made another one in its epoch. */
function hasDoubles(tipset: Tipset, headers: readonly BlockHeader[]): boolean {
  return tipset.blocks.some(({ miner }) => headers.filter((other) => other.miner.equals(miner)).length > 1);
}
