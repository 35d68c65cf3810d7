/**
 * A block of a miner that does the rest by itself: election, proof and ticket come with the request, and the node puts the
 * block together and signs it. Source: lotus chain/consensus/filcns/mine.go (CreateBlock) at b835fab702eb.
 */
import { splitMessages } from "../chain/message-store.ts";
import type { BlockTemplate } from "../consensus/block-template.ts";
import type { FullBlock } from "../consensus/validator.ts";
import { chainWeight } from "../consensus/weight.ts";
import type { KeyInfo } from "../keys/keys.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import type { BlockMakerOptions } from "./block-maker.ts";
import { draftBlock, signBlock } from "./draft-block.ts";

/** The block that `sign` makes of a header on top of the parent; rejects if its miner may not: see `slash-filter.ts`. */
export type SignBlock = (header: BlockHeader, parent: Tipset, sign: () => FullBlock) => Promise<FullBlock>;

/** Makes the signed block of a template. `worker`: the key that signs for its miner. */
export async function createBlock(
  options: BlockMakerOptions,
  template: BlockTemplate,
  worker: KeyInfo,
  sign: SignBlock,
): Promise<FullBlock> {
  const { states, crypto } = options;
  const { miner, ticket, election: electionProof, beaconEntries, winningPost: winPoStProof, epoch } = template;
  const parent = await states.chain.tipset(template.parents);
  const [baseFee, parentWeight] = [await states.nextBaseFee(parent), await chainWeight(states, parent)];
  const own = { miner, ticket, electionProof, beaconEntries, winPoStProof };
  const draft = await draftBlock(options, { ...own, parent, epoch, baseFee, parentWeight }, template.messages);
  const timed = { ...draft, header: { ...draft.header, timestamp: template.timestamp } };
  return sign(timed.header, parent, () => ({
    header: signBlock(crypto, timed, worker).header,
    messages: splitMessages(template.messages),
  }));
}
