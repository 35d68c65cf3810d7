/** Tipsets without state: headers and messages for tests of the chain, one block each unless said otherwise. */
import { utf8 } from "../../src/base/bytes.ts";
import type { NewTipset } from "../../src/chain/chain.ts";
import { type BlockMessages, buildMessageMeta, selectMessages } from "../../src/chain/message-store.ts";
import { buildAmt } from "../../src/storage/amt.ts";
import { Address } from "../../src/types/address.ts";
import { type BlockHeader, makeTipset, type Tipset } from "../../src/types/block-header.ts";
import { cidOfBlock } from "../../src/types/cid.ts";
import type { Message } from "../../src/types/message.ts";

export const NO_MESSAGES: BlockMessages = { bls: [], secp: [] };
const STATE = cidOfBlock(utf8("state"));

/** A message that differs from others by sender (an id), nonce, value, and the gas that may be replaced. */
export function plainMessage(sender: number, nonce: number, value = 0, premium = 1): Message {
  return {
    from: Address.id(100 + sender),
    to: Address.id(99),
    nonce: BigInt(nonce),
    value: BigInt(value),
    gasLimit: 1_000_000n,
    gasFeeCap: 1000n,
    gasPremium: BigInt(premium),
    method: 0n,
    params: new Uint8Array(0),
  };
}

export type TreeTipset = {
  readonly tipset: Tipset;
  readonly added: NewTipset;
  readonly messages: BlockMessages;
};

/**
 * A tipset at `height` on `parent` that carries `messages` (unsigned ones, as BLS senders have). `label` makes it differ
 * from others there. Its headers commit to receipts of the parent's messages whose gas is 1, 2, 3, …
 */
export function treeTipset(
  parent: TreeTipset | null,
  height: number,
  bls: readonly Message[],
  label: string,
  change: Partial<BlockHeader> = {},
): TreeTipset {
  const messages = { bls, secp: [] };
  const meta = buildMessageMeta(messages);
  const carried = parent === null ? [] : selectMessages([parent.messages]).flat();
  const receipts = buildAmt(carried.map((_, i) => [0, new Uint8Array(0), i + 1]));
  const header: BlockHeader = {
    miner: Address.id(1000),
    ticket: utf8(`ticket ${label} ${height}`),
    electionProof: { winCount: 1n, vrfProof: new Uint8Array(96) },
    // Now and then a tipset has no beacon entry of its own.
    beaconEntries: height % 3 === 2 ? [] : [{ round: BigInt(height), data: utf8(`beacon ${label} ${height}`) }],
    winPoStProof: [],
    parents: parent?.tipset.key ?? [],
    parentWeight: 0n,
    height,
    parentStateRoot: STATE,
    parentMessageReceipts: receipts.root,
    messages: meta.root,
    blsAggregate: null,
    timestamp: 0n,
    blockSig: null,
    forkSignaling: 0n,
    parentBaseFee: 100n,
    ...change,
  };
  const added = { headers: [header], blocks: [...meta.blocks, ...receipts.blocks] };
  return { tipset: makeTipset([header]), added, messages };
}
