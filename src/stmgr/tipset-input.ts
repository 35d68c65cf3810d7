/** A tipset as execution takes it: the state below, the epochs passed, and the messages of its blocks that count. */
import type { Chain } from "../chain/chain.ts";
import { type BlockMessages, type CarriedMessage, selectMessages } from "../chain/message-store.ts";
import type { ChainFacts } from "../core/vm.ts";
import type { MessageInput, TipsetInput } from "../exec/types.ts";
import type { NetworkParams } from "../params/networks.ts";
import { isFvm } from "../schema/versions/rows.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import { chainLength, encodeMessage, type Message, SECP256K1_CHAIN_BYTES } from "../types/message.ts";

/** Protocol of BLS addresses. */
const BLS = 3;

/** What actors of the FVM may know of a tipset's chain; undefined before version 16, which asks for none. */
export async function chainFacts(
  chain: Chain,
  network: NetworkParams,
  tipset: Tipset,
  networkVersion: number,
): Promise<ChainFacts | undefined> {
  if (!isFvm(networkVersion)) return undefined;
  const genesis = (await chain.genesis()).blocks[0] as BlockHeader;
  return {
    chainId: network.chainId,
    epoch: tipset.height,
    timestamp: Math.min(...tipset.blocks.map(({ timestamp }) => Number(timestamp))),
    genesisTime: Number(genesis.timestamp),
    blockDelay: network.blockDelaySeconds,
  };
}

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
