/**
 * What the mining loop asks of a node: of the one that it lives in (`nodeSite`), or of one over JSON-RPC
 * (`src/node/miner-process/rpc-site.ts`).
 */
import { splitMessages } from "../chain/message-store.ts";
import { entriesFor } from "../consensus/base-info.ts";
import { BlockError, isOwnFault } from "../consensus/errors.ts";
import type { FullBlock } from "../consensus/validator.ts";
import type { MessagePool } from "../mpool/pool.ts";
import { type BlockHeader, makeTipset, type Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { BlockMaker, type BlockMakerOptions, type Win } from "./block-maker.ts";
import type { DraftBlock } from "./draft-block.ts";
import { type HeldMiner, keyedMiner, type OwnMiner } from "./own-sectors.ts";
import { usable } from "./usable.ts";

/** A block that is not signed yet, and what signs it. */
export type Signable = { readonly header: BlockHeader; readonly sign: () => FullBlock };

/** `Draw`: what of the beacon is known before any miner tries. */
export type MiningSite<Draw> = {
  head(): Promise<Tipset>;
  /** Whether peers have a chain that the node has not reached yet. */
  isBehind(): Promise<boolean>;
  /** What the beacon says for a block of `epoch` on top of `base`; rejects, or waits, while it is silent. */
  draw(base: Tipset, epoch: number, signal: AbortSignal): Promise<Draw>;
  /** One miner's try; see `BlockMaker.tryFor`. */
  tryFor(miner: HeldMiner, parent: Tipset, epoch: number, drawn: Draw, before: Win | null): Promise<Win | null>;
  /** The newest tipset below an epoch on the chain that the head is on. */
  newestBelow(epoch: number): Promise<Tipset>;
  /** The block of a win, with as many messages as can be executed. */
  block(win: Win, signal: AbortSignal): Promise<Signable>;
  hasBlock(cid: CID): Promise<boolean>;
  /** Takes a signed block: the node's own chain and its peers get it. */
  submit(block: FullBlock): Promise<void>;
  /** Whether `submit` rejected because the block can never be taken. */
  isRefused(error: unknown): boolean;
  /** Whether an error says that the node was not reached. */
  isAway(error: unknown): boolean;
};

export type NodeSiteParts = BlockMakerOptions & {
  /** Those that are mined for. */
  readonly miners: readonly OwnMiner[];
  readonly pool: MessagePool;
  readonly submit: (block: FullBlock) => Promise<void>;
  readonly isBehind: () => boolean;
};

type Drawn = Awaited<ReturnType<typeof entriesFor>>;

/** The node that the loop lives in. */
export function nodeSite(parts: NodeSiteParts): MiningSite<Drawn> {
  const { states, pool, submit, isBehind } = parts;
  const { chain } = states;
  const maker = new BlockMaker(parts);

  /** The block with as many of the chosen messages as can be executed: others could not build on it. */
  const draft = async (win: Win, signal: AbortSignal): Promise<DraftBlock> => {
    const { parent } = win;
    const baseFee = await states.nextBaseFee(parent);
    return usable(await pool.select(baseFee, win.quality, parent), {
      attempt: async (chosen) => {
        const made = await maker.draft(win, chosen, baseFee);
        const given = [splitMessages(chosen)];
        if (chosen.length > 0) await states.execute(makeTipset([made.header]), { given, priority: "mine", signal });
        return made;
      },
      drop: ({ message }, reason) => pool.dropNonce(message.from, message.nonce, reason),
    });
  };

  return {
    head: async () => chain.head,
    isBehind: async () => isBehind(),
    draw: (base, epoch, signal) => entriesFor(parts, base, epoch, signal),
    tryFor: (miner, parent, epoch, drawn, before) =>
      maker.tryFor(keyedMiner(parts.miners, miner), parent, epoch, drawn, before),
    async newestBelow(epoch) {
      const { head } = chain;
      return head.height < epoch ? head : chain.tipsetAtOrBefore(epoch - 1, head);
    },
    async block(win, signal) {
      const made = await draft(win, signal);
      return {
        header: made.header,
        sign() {
          const { header, messages } = maker.sign(made, keyedMiner(parts.miners, win.miner).worker);
          return { header, messages: splitMessages(messages) };
        },
      };
    },
    hasBlock: (cid) => chain.blocks.has(cid.bytes),
    submit,
    isRefused: (error) => error instanceof BlockError && error.action === "reject" && !isOwnFault(error),
    isAway: () => false,
  };
}
