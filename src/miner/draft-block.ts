/**
 * The block of a miner that may make one: a header over chosen messages and the parent's result, then its signature.
 * Source: lotus miner/miner.go (createBlock), chain/consensus/filcns/mine.go (CreateBlock).
 */
import { buildMessageMeta, splitMessages } from "../chain/message-store.ts";
import { type KeyCrypto, type KeyInfo, signBytes } from "../keys/keys.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { Block } from "../storage/contract.ts";
import { type BlockHeader, headerSigningBytes, type Tipset } from "../types/block-header.ts";
import { SIGNATURE_TYPE, type SignedMessage } from "../types/message.ts";
import { signApart } from "./signer.ts";

export type BlockCrypto = KeyCrypto & {
  /** Aggregate (96 bytes) of one BLS signature or more. */
  blsAggregate(signatures: readonly Uint8Array[]): Uint8Array;
};

/** What of a header its miner brings along; the rest follows from the parent and the messages. */
export type BlockSpec = Pick<
  BlockHeader,
  "miner" | "ticket" | "electionProof" | "beaconEntries" | "winPoStProof" | "parentWeight"
> & {
  readonly parent: Tipset;
  readonly epoch: number;
  /** attoFIL per gas, as `parent` gives it. */
  readonly baseFee: bigint;
  /** Seconds since 1970; default: as many after the parent's as the epochs between take. */
  readonly timestamp?: number;
};

/** A block with its messages; its header has no signature yet. */
export type DraftBlock = {
  readonly header: BlockHeader;
  readonly messages: readonly SignedMessage[];
  /** Blocks of its message lists. */
  readonly blocks: readonly Block[];
};

/** The same, signed. */
export type MadeBlock = DraftBlock;

/** Aggregate of no signatures: the compressed point at infinity of G2. */
const EMPTY_AGGREGATE = Uint8Array.from({ length: 96 }, (_, i) => (i === 0 ? 0xc0 : 0));

/** Makes the block without a signature; the parent is executed if it was not yet. */
export async function draftBlock(
  { states, crypto }: { readonly states: StateManager; readonly crypto: BlockCrypto },
  { parent, epoch, baseFee, timestamp, ...own }: BlockSpec,
  messages: readonly SignedMessage[],
): Promise<DraftBlock> {
  const meta = buildMessageMeta(splitMessages(messages));
  const { stateRoot, receiptsRoot } = await states.result(parent);
  const signatures = messages.filter(isBls).map(({ signature }) => signature.data);
  const header: BlockHeader = {
    ...own,
    parents: parent.key,
    height: epoch,
    parentStateRoot: stateRoot,
    parentMessageReceipts: receiptsRoot,
    messages: meta.root,
    blsAggregate: {
      type: SIGNATURE_TYPE.bls,
      data: signatures.length === 0 ? EMPTY_AGGREGATE : crypto.blsAggregate(signatures),
    },
    timestamp: BigInt(timestamp ?? naturalTime(parent, epoch, states.network.blockDelaySeconds)),
    blockSig: null,
    forkSignaling: 0n,
    parentBaseFee: baseFee,
  };
  return { header, messages, blocks: meta.blocks };
}

/** Time of an epoch's block on top of a tipset, seconds since 1970. */
export function naturalTime(parent: Tipset, epoch: number, blockDelaySeconds: number): number {
  return Number((parent.blocks[0] as BlockHeader).timestamp) + (epoch - parent.height) * blockDelaySeconds;
}

/** Signs a block; whoever signs more than one block of an epoch is punished (`slash-filter.ts`). */
export function signBlock(crypto: KeyCrypto, draft: DraftBlock, worker: KeyInfo): MadeBlock {
  const blockSig = signBytes(crypto, worker, headerSigningBytes(draft.header));
  return { ...draft, header: { ...draft.header, blockSig } };
}

/** The same, where a worker may sign. */
export async function signBlockApart(crypto: KeyCrypto, draft: DraftBlock, worker: KeyInfo): Promise<MadeBlock> {
  const blockSig = await signApart(crypto, worker, headerSigningBytes(draft.header));
  return { ...draft, header: { ...draft.header, blockSig } };
}

function isBls({ signature }: SignedMessage): boolean {
  return signature.type === SIGNATURE_TYPE.bls;
}
