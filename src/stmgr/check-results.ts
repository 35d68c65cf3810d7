/** Executing the newest tipsets of a chain again, to see that their headers tell the truth: what `--validate` does. */
import type { Chain } from "../chain/chain.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import { tipsetKeyText } from "../types/block-header.ts";
import { StateManagerError } from "./errors.ts";
import type { StateManager } from "./state-manager.ts";

export type CheckOptions = {
  /** Epochs below the head that are looked at. */
  readonly epochs: number;
  /** Validates a block by all rules of consensus, where that is wanted; throws. */
  readonly validateBlock?: (header: BlockHeader) => Promise<void>;
  /** Whether the head, whose result no header names, is executed. Default: yes. */
  readonly executesHead?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
};

/** `tipsets`: executed; `lowest`: epoch of the first that was looked at. */
export type CheckReport = { readonly tipsets: number; readonly blocks: number; readonly lowest: number };

/**
 * Executes the tipsets of the last epochs, as far as states are kept, and compares state root and receipts root with those
 * that the headers on top name; the head, on which nothing stands, is executed too. Results are kept.
 * Throws `StateManagerError` RESULT_MISMATCH, and what `validateBlock` throws.
 */
export async function checkResults(states: StateManager, options: CheckOptions): Promise<CheckReport> {
  const { chain } = states;
  const line = await newestTipsets(chain, options.epochs);
  let [blocks, tipsets] = [0, 0];
  for (const [i, tipset] of line.entries()) {
    options.signal?.throwIfAborted();
    for (const header of tipset.blocks) {
      await options.validateBlock?.(header);
      blocks++;
    }
    const claim = line[i + 1]?.blocks[0];
    const isLeft = claim === undefined && options.executesHead === false;
    if (!isLeft) tipsets++;
    if (!isLeft && tipset.height > 0) await checkOne(states, tipset, claim);
    options.onProgress?.(i + 1, line.length);
  }
  return { tipsets, blocks, lowest: (line[0] as Tipset).height };
}

/** The tipsets of the last epochs whose states before them are kept, the head last. */
export async function newestTipsets(chain: Chain, epochs: number): Promise<readonly Tipset[]> {
  const { head } = chain;
  const line: Tipset[] = [head];
  for (let at = head; ; ) {
    const below = await chain.parent(at);
    if (below === null || below.height <= chain.statesFrom || below.height <= head.height - epochs) break;
    line.push(below);
    at = below;
  }
  return line.reverse();
}

async function checkOne(states: StateManager, tipset: Tipset, claim: BlockHeader | undefined): Promise<void> {
  const { result, blocks } = await states.execute(tipset);
  const key = tipsetKeyText(tipset.key);
  const refuse = (what: "state root" | "receipts root"): never => {
    throw new StateManagerError(
      { code: "RESULT_MISMATCH", key, what },
      `the ${what} after epoch ${tipset.height} is not the one that the next headers name`,
    );
  };
  if (claim !== undefined && !result.stateRoot.equals(claim.parentStateRoot)) refuse("state root");
  if (claim !== undefined && !result.receiptsRoot.equals(claim.parentMessageReceipts)) refuse("receipts root");
  await states.chain.putResult(tipset, result, blocks);
}
