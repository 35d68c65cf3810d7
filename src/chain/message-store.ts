/**
 * Messages and receipts as blocks hold them, and signed messages that were seen outside of blocks.
 *
 * A block carries BLS messages bare, their signatures aggregated in the header. So a BLS message seen alone is kept with
 * its signature, as metadata "signature/<CID>", or it could not be sent again when its tipset is reverted.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { BoundedMap } from "../base/bounded-map.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import { amtEntries, amtGet, badNode, buildAmt } from "../storage/amt.ts";
import type { Additions, Block, BlockStore } from "../storage/contract.ts";
import { type BlockHeader, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import { CID, cidKey, cidOfBlock } from "../types/cid.ts";
import {
  decodeMessage,
  decodeSignature,
  decodeSignedMessage,
  encodeMessage,
  encodeSignature,
  encodeSignedMessage,
  type Message,
  type MessageReceipt,
  messageCid,
  SIGNATURE_TYPE,
  type SignedMessage,
  signedMessageCid,
} from "../types/message.ts";
import { ChainError } from "./errors.ts";
import { hashFacts } from "./eth-hashes.ts";

/** Messages of a block: BLS ones bare (their signatures are aggregated in the header), secp256k1 ones signed. */
export type BlockMessages = { readonly bls: readonly Message[]; readonly secp: readonly SignedMessage[] };

/** A message as a tipset carries it; `signed` is null for BLS messages. */
export type CarriedMessage = {
  /** CID of the signed form, for BLS of the bare one. */
  readonly cid: CID;
  readonly message: Message;
  readonly signed: SignedMessage | null;
};

type TipsetMessages = {
  /** Those that are executed, one list a block. */
  readonly selected: readonly (readonly CarriedMessage[])[];
  /** Gas that all distinct ones ask for. */
  readonly gasLimits: bigint;
};

/** Messages of tipsets kept decoded, some 2 KiB each. */
const KEPT_MESSAGES = 16_384;
/** Messages of single blocks kept decoded: a tipset is formed of blocks that came one by one. */
const KEPT_OF_BLOCKS = 4096;
/** Receipts of a tipset at the most: those of more blocks than any tipset has had. */
const MAX_RECEIPTS = 100 * CHAIN_LIMITS.blockMessageLimit;
/** Elements of a bare message's tuple. */
const MESSAGE_FIELDS = 10;

type MessageMeta = { readonly root: CID; readonly blocks: readonly Block[] };

/** Of the blocks whose messages are at hand: whoever validates a block asks, and whoever stores it. */
const metas = new WeakMap<BlockMessages, MessageMeta>();

/** Root and blocks of a block's message lists. */
export function buildMessageMeta(messages: BlockMessages): MessageMeta {
  let meta = metas.get(messages);
  if (meta === undefined) {
    meta = makeMessageMeta(messages);
    metas.set(messages, meta);
  }
  return meta;
}

function makeMessageMeta(messages: BlockMessages): MessageMeta {
  const blocks: Block[] = [];
  const put = (cid: CID, bytes: Uint8Array): CID => {
    blocks.push({ cid: cid.bytes, bytes });
    return cid;
  };
  const bls = buildAmt(messages.bls.map((message) => put(messageCid(message), encodeMessage(message))));
  const secp = buildAmt(messages.secp.map((signed) => put(signedMessageCid(signed), chainBytes(signed))));
  blocks.push(...bls.blocks, ...secp.blocks);
  const meta = dagCbor.encode([bls.root, secp.root]);
  return { root: put(cidOfBlock(meta), meta), blocks };
}

/** Root of a block's message lists, of the CIDs of its messages. */
export function messageRoot(bls: readonly CID[], secp: readonly CID[]): CID {
  return cidOfBlock(dagCbor.encode([buildAmt(bls).root, buildAmt(secp).root]));
}

/** Splits signed messages as a block carries them. */
export function splitMessages(signed: readonly SignedMessage[]): BlockMessages {
  return { bls: signed.filter(isBls).map((one) => one.message), secp: signed.filter((one) => !isBls(one)) };
}

/** The block of `signedMessageCid`. */
function chainBytes(signed: SignedMessage): Uint8Array {
  return isBls(signed) ? encodeMessage(signed.message) : encodeSignedMessage(signed);
}

function isBls({ signature }: SignedMessage): boolean {
  return signature.type === SIGNATURE_TYPE.bls;
}

/**
 * The messages of a tipset's blocks that are executed, block by block, BLS messages first. The first message of a sender
 * sets its nonce; after it only the next nonces count, so that what two blocks both carry is executed once.
 * Source: lotus chain/store/messages.go (BlockMsgsForTipset), for network versions before 13, where senders are told apart
 * as they are spelt.
 */
export function selectMessages(blocks: readonly BlockMessages[]): CarriedMessage[][] {
  const next = new Map<string, bigint>();
  const taken = ({ from, nonce }: Message): boolean => {
    if ((next.get(from.key) ?? nonce) !== nonce) return false;
    next.set(from.key, nonce + 1n);
    return true;
  };
  return blocks.map(({ bls, secp }) => [
    ...bls.filter(taken).map((message) => ({ cid: messageCid(message), message, signed: null })),
    ...secp
      .filter(({ message }) => taken(message))
      .map((signed) => ({ cid: signedMessageCid(signed), message: signed.message, signed })),
  ]);
}

/** Source: lotus chain/store/basefee.go (ComputeBaseFee): messages are told apart by their CIDs in the blocks. */
function sumOfLimits(blocks: readonly BlockMessages[]): bigint {
  const limits = new Map<string, bigint>();
  for (const { bls, secp } of blocks) {
    for (const message of bls) limits.set(cidKey(messageCid(message)), message.gasLimit);
    for (const signed of secp) limits.set(cidKey(signedMessageCid(signed)), signed.message.gasLimit);
  }
  return [...limits.values()].reduce((sum, limit) => sum + limit, 0n);
}

function signatureName(cid: CID): string {
  return `signature/${cid}`;
}

export class MessageStore {
  private readonly blocks: BlockStore;
  private readonly chainId: number | null;
  /** Signed messages that are being written. */
  private readonly fresh = new Map<string, SignedMessage>();
  private readonly tipsets = new BoundedMap<string, TipsetMessages>(
    KEPT_MESSAGES,
    ({ selected }) => 1 + selected.reduce((sum, block) => sum + block.length, 0),
  );

  /** By the root of their lists. */
  private readonly ofRoots = new BoundedMap<string, BlockMessages>(
    KEPT_OF_BLOCKS,
    ({ bls, secp }) => 1 + bls.length + secp.length,
  );

  /** `chainId`: with it, transactions of Ethereum are named by their hashes. */
  constructor(blocks: BlockStore, chainId: number | null = null) {
    this.blocks = blocks;
    this.chainId = chainId;
  }

  /** Messages of one block. */
  async ofBlock(header: BlockHeader): Promise<BlockMessages> {
    const meta = await this.blocks.get(header.messages.bytes);
    if (meta === undefined) return missing(header.messages);
    const [bls, secp] = linksOfMeta(header.messages, meta);
    return { bls: await this.list(bls, decodeMessage), secp: await this.list(secp, decodeSignedMessage) };
  }

  private async list<One>(root: CID, decode: (bytes: Uint8Array) => One): Promise<One[]> {
    const out: One[] = [];
    for await (const [, link] of amtEntries(this.blocks, root, CHAIN_LIMITS.blockMessageLimit)) {
      const cid = CID.asCID(link) ?? badNode(root, "a message list holds links");
      out.push(decode((await this.blocks.get(cid.bytes)) ?? missing(cid)));
    }
    return out;
  }

  /** The messages of a tipset that are executed, one list a block. */
  async ofTipset(tipset: Tipset): Promise<readonly (readonly CarriedMessage[])[]> {
    return (await this.read(tipset)).selected;
  }

  /** Gas that the distinct messages of a tipset's blocks ask for, executed or not. */
  async gasLimits(tipset: Tipset): Promise<bigint> {
    return (await this.read(tipset)).gasLimits;
  }

  /** Takes the messages of a tipset's blocks, in their order, from whoever has them decoded. */
  know(tipset: Tipset, blocks: readonly BlockMessages[]): TipsetMessages {
    const messages = { selected: selectMessages(blocks), gasLimits: sumOfLimits(blocks) };
    this.tipsets.set(tipsetKeyText(tipset.key), messages);
    for (const [i, header] of tipset.blocks.entries())
      this.ofRoots.set(cidKey(header.messages), blocks[i] as BlockMessages);
    return messages;
  }

  /** Keeps the messages of a tipset decoded no longer; in the store they stay. */
  release(tipset: Tipset): void {
    this.tipsets.delete(tipsetKeyText(tipset.key));
    for (const header of tipset.blocks) this.ofRoots.delete(cidKey(header.messages));
  }

  private async read(tipset: Tipset): Promise<TipsetMessages> {
    const known = this.tipsets.get(tipsetKeyText(tipset.key));
    if (known !== undefined) return known;
    const blocks: BlockMessages[] = [];
    for (const header of tipset.blocks)
      blocks.push(this.ofRoots.get(cidKey(header.messages)) ?? (await this.ofBlock(header)));
    return this.know(tipset, blocks);
  }

  /** The receipts of an array, in the order of `ofTipset`. */
  async receipts(root: CID): Promise<MessageReceipt[]> {
    const out: MessageReceipt[] = [];
    for await (const [, value] of amtEntries(this.blocks, root, MAX_RECEIPTS)) out.push(asReceipt(value));
    return out;
  }

  /** One receipt of an array. */
  async receipt(root: CID, index: number): Promise<MessageReceipt> {
    const value = await amtGet(this.blocks, root, BigInt(index));
    if (value !== undefined) return asReceipt(value);
    throw new ChainError({ code: "UNKNOWN_RECEIPT", root: `${root}`, index }, `receipt ${index} of ${root} not found`);
  }

  /** A message by its CID, bare or signed, of a block or seen alone. */
  async message(cid: CID): Promise<CarriedMessage> {
    const fresh = this.fresh.get(cidKey(cid));
    if (fresh !== undefined) return { cid, message: fresh.message, signed: isBls(fresh) ? null : fresh };
    const bytes = (await this.blocks.get(cid.bytes)) ?? missing(cid);
    let tuple: unknown;
    try {
      tuple = dagCbor.decode(bytes);
    } catch {
      return missing(cid);
    }
    if (!Array.isArray(tuple)) return missing(cid);
    if (tuple.length === MESSAGE_FIELDS) return { cid, message: decodeMessage(bytes), signed: null };
    const signed = decodeSignedMessage(bytes);
    return { cid, message: signed.message, signed };
  }

  /** Stores signed messages: they are found by their CIDs from now on, and can be sent again. `facts` go with them. */
  async remember(messages: readonly SignedMessage[], facts: Additions["metadata"] = []): Promise<void> {
    for (const signed of messages) this.fresh.set(cidKey(signedMessageCid(signed)), signed);
    const { blocks, metadata } = this.batchOf(messages);
    await this.blocks.write({ blocks, metadata: [...metadata, ...facts] }).finally(() => {
      for (const signed of messages) this.fresh.delete(cidKey(signedMessageCid(signed)));
    });
  }

  private batchOf(messages: readonly SignedMessage[]): Additions {
    const blocks: Block[] = [];
    const metadata: [string, Uint8Array][] = [];
    for (const signed of messages) {
      const cid = signedMessageCid(signed);
      blocks.push({ cid: cid.bytes, bytes: chainBytes(signed) });
      if (isBls(signed)) metadata.push([signatureName(cid), encodeSignature(signed.signature)]);
    }
    return { blocks, metadata: [...metadata, ...hashFacts(messages, this.chainId)] };
  }

  /** The messages of a tipset as they were sent; BLS messages whose signature was never seen alone are left out. */
  async signedOf(tipset: Tipset): Promise<SignedMessage[]> {
    const out: SignedMessage[] = [];
    for (const { cid, message, signed } of (await this.ofTipset(tipset)).flat()) {
      const whole = signed ?? (await this.withSignature(cid, message));
      if (whole !== null) out.push(whole);
    }
    return out;
  }

  /** A message as it was sent, by its CID; throws `ChainError` UNKNOWN_MESSAGE also if its signature was never seen. */
  async signedMessage(cid: CID): Promise<SignedMessage> {
    const { message, signed } = await this.message(cid);
    return signed ?? (await this.withSignature(cid, message)) ?? missing(cid);
  }

  /** A BLS message with the signature that was seen with it; null if none was. */
  private async withSignature(cid: CID, message: Message): Promise<SignedMessage | null> {
    const signature = await this.blocks.metadata(signatureName(cid));
    return signature === undefined ? null : { message, signature: decodeSignature(signature) };
  }
}

/** The lists of BLS and secp256k1 messages. */
function linksOfMeta(cid: CID, meta: Uint8Array): readonly [CID, CID] {
  const lists: unknown = dagCbor.decode(meta);
  const [bls, secp] = Array.isArray(lists) && lists.length === 2 ? lists.map((one) => CID.asCID(one)) : [];
  return bls && secp ? [bls, secp] : badNode(cid, "a block's messages are two links");
}

function asReceipt(value: unknown): MessageReceipt {
  const [exitCode, bytes, gasUsed, events] = value as [number, Uint8Array, number | bigint, unknown];
  const receipt = { exitCode, return: bytes, gasUsed: BigInt(gasUsed) };
  return events === undefined ? receipt : { ...receipt, eventsRoot: CID.asCID(events) };
}

function missing(cid: CID): never {
  throw new ChainError({ code: "UNKNOWN_MESSAGE", cid: `${cid}` }, `message ${cid} not found`);
}
