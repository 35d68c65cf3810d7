/** A tipset as execution takes it: the state below, the epochs passed, and the messages of its blocks that count. */
import type { Chain } from "../chain/chain.ts";
import { type BlockMessages, type CarriedMessage, selectMessages } from "../chain/message-store.ts";
import type { MessageInput, TipsetInput } from "../exec/types.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import { chainLength, encodeMessage, type Message, SECP256K1_CHAIN_BYTES } from "../types/message.ts";

/** Protocol of BLS addresses. */
const BLS = 3;

/**
 * `given`: messages of the tipset's blocks, for one that is not stored yet; else they are read.
 * The tipset is not the genesis, which was made and not executed.
 */
export async function tipsetInput(
  chain: Chain,
  tipset: Tipset,
  given?: readonly BlockMessages[],
): Promise<TipsetInput> {
  const first = tipset.blocks[0] as BlockHeader;
  const parent = await chain.tipset(first.parents);
  const selected = given === undefined ? await chain.blockMessages(tipset) : selectMessages(given);
  return {
    stateRoot: first.parentStateRoot,
    parentEpoch: parent.height,
    epoch: tipset.height,
    baseFee: first.parentBaseFee,
    blocks: tipset.blocks.map((header, i) => {
      const messages = selected[i] ?? [];
      return {
        miner: header.miner,
        winCount: header.electionProof?.winCount ?? 0n,
        blsMessages: messages.filter(({ signed }) => signed === null).map(carriedInput),
        secpMessages: messages.filter(({ signed }) => signed !== null).map(carriedInput),
      };
    }),
  };
}

/** A message as its tipset carries it. */
export function carriedInput({ message, signed }: CarriedMessage): MessageInput {
  const bytes = encodeMessage(message);
  return { bytes, chainLength: signed === null ? bytes.length : chainLength(signed) };
}

/** A message that has no signature yet, with the length that it will have on chain. `key`: its sender's key address. */
export function unsignedInput(message: Message, key: { readonly protocol: number }): MessageInput {
  const bytes = encodeMessage(message);
  return { bytes, chainLength: key.protocol === BLS ? bytes.length : bytes.length + SECP256K1_CHAIN_BYTES };
}
