/**
 * A block of a miner that does the rest by itself: election, proof and ticket come with the request, and the node puts the
 * block together, and signs it if the worker's key is here. Without the key the block comes back without a signature, for
 * whoever has it. What the network would refuse is not signed: its miner could make no other block of the epoch, nor on the same parents,
 * without a consensus fault; where no other miner's block comes, it never could again. Lotus signs without a look. Source: lotus chain/consensus/filcns/mine.go (CreateBlock) at b835fab702eb.
 */
import { FilError } from "../base/errors.ts";
import { splitMessages } from "../chain/message-store.ts";
import type { BlockTemplate } from "../consensus/block-template.ts";
import { BlockError } from "../consensus/errors.ts";
import { minerStanding } from "../consensus/power.ts";
import type { FullBlock } from "../consensus/validator.ts";
import { chainWeight } from "../consensus/weight.ts";
import type { KeyInfo } from "../keys/keys.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { Address } from "../types/address.ts";
import { type BlockHeader, makeTipset, type Tipset } from "../types/block-header.ts";
import { type BlockCrypto, draftBlock, signBlock } from "./draft-block.ts";

/** There was no such miner at the lookback that a block's election is about. */
export class NoMinerError extends FilError<{ readonly code: "NO_MINER" }> {}

/** A block that is not signed, as the network would refuse it. */
export class UnsoundBlockError extends FilError<{ readonly code: "BLOCK_INVALID" }> {}

/** The block that `sign` makes of a header on top of the parent; rejects if its miner may not: see `slash-filter.ts`. */
export type SignBlock = (header: BlockHeader, parent: Tipset, sign: () => FullBlock) => Promise<FullBlock>;

export type BlockCreation = {
  readonly states: StateManager;
  readonly crypto: BlockCrypto;
  /** The key of a worker, by its key address; null if it is not here. */
  readonly keyOf: (worker: Address) => KeyInfo | null;
  readonly sign: SignBlock;
  /** Validates a block before anybody gets it; throws `BlockError`. */
  readonly validate: (block: FullBlock) => Promise<unknown>;
};

/** Makes blocks of templates. */
export function blockCreation(options: BlockCreation): (template: BlockTemplate) => Promise<FullBlock> {
  const { states, crypto, keyOf, sign, validate } = options;
  return async (template) => {
    const { miner, ticket, election: electionProof, beaconEntries, winningPost: winPoStProof, epoch } = template;
    const parent = await states.chain.tipset(template.parents);
    const found = await states.lookback(parent, epoch);
    const standing = await minerStanding(states.chain.blocks, await states.stateAt(found.stateRoot), miner);
    if (standing === null)
      throw new NoMinerError(
        { code: "NO_MINER" },
        `${miner.toString(states.network.prefix)} was no miner in the state that an election of epoch ${epoch} is about`,
      );
    const [baseFee, parentWeight] = [await states.nextBaseFee(parent), await chainWeight(states, parent)];
    const own = { miner, ticket, electionProof, beaconEntries, winPoStProof };
    const draft = await draftBlock(options, { ...own, parent, epoch, baseFee, parentWeight }, template.messages);
    const timed = { ...draft, header: { ...draft.header, timestamp: template.timestamp } };
    const messages = splitMessages(template.messages);
    // No block is signed, or given to be signed, that ends the execution of the tipset it is in.
    if (template.messages.length > 0)
      await states.execute(makeTipset([draft.header]), { given: [messages], priority: "mine" });
    const worker = keyOf(standing.worker);
    if (worker === null) return { header: timed.header, messages };
    const block: FullBlock = { header: signBlock(crypto, timed, worker).header, messages };
    await validate(block).catch((cause: unknown) => {
      if (!(cause instanceof BlockError)) throw cause;
      throw new UnsoundBlockError(
        { code: "BLOCK_INVALID" },
        `a block of ${miner.toString(states.network.prefix)} at epoch ${epoch} is not signed, as the network would refuse it: ${cause.message}`,
        { cause },
      );
    });
    return sign(timed.header, parent, () => block);
  };
}
