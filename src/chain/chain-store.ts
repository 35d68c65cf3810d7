/**
 * The chain that this node holds: tipsets, which of them is the head, where messages stand, what execution left.
 *
 * Blocks (headers, messages, state) lie in the block store by CID. Facts beside them:
 *
 *   head                    key of the heaviest tipset
 *   genesis                 CID of the genesis header
 *   height/<16 digits>      key of the canonical tipset of an epoch (null rounds have none)
 *   result/<tipset key>     state root and receipts root after executing a tipset
 *   message/<CID>           epoch of the canonical tipset that carries a message
 *
 * `append` writes a tipset with all its blocks and facts as one batch that has reached the disk when it returns: a crash
 * leaves the chain at one head or the other, never between.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { FilError } from "../base/errors.ts";
import { amtEntries, buildAmt } from "../storage/amt.ts";
import type { Block, BlockStore } from "../storage/contract.ts";
import { type BlockHeader, decodeHeader, encodeHeader, makeTipset, type Tipset } from "../types/block-header.ts";
import { CID, cidOfBlock } from "../types/cid.ts";
import {
  decodeMessage,
  decodeSignedMessage,
  encodeMessage,
  encodeSignedMessage,
  type Message,
  type MessageReceipt,
  messageCid,
  SIGNATURE_TYPE,
  type SignedMessage,
  signedMessageCid,
} from "../types/message.ts";

export type ChainErrorData =
  | { readonly code: "NO_CHAIN" }
  | { readonly code: "UNKNOWN_TIPSET"; readonly key: string }
  | { readonly code: "UNKNOWN_MESSAGE"; readonly cid: string }
  | { readonly code: "NOT_EXECUTED"; readonly key: string }
  | { readonly code: "AHEAD_OF_HEAD"; readonly height: string };
export class ChainError extends FilError<ChainErrorData> {}

/** What executing a tipset left. */
export type TipsetResult = { readonly stateRoot: CID; readonly receiptsRoot: CID };
/** Messages of a block: BLS ones bare (their signatures are aggregated in the header), secp256k1 ones signed. */
export type BlockMessages = { readonly bls: readonly Message[]; readonly secp: readonly SignedMessage[] };
export type HeadChange = { readonly type: "current" | "apply" | "revert"; readonly tipset: Tipset };

const HEIGHT_DIGITS = 16;

function heightName(height: number): string {
  return `height/${height.toString().padStart(HEIGHT_DIGITS, "0")}`;
}

function encodeKey(key: readonly CID[]): Uint8Array {
  return dagCbor.encode(key);
}

function decodeKey(bytes: Uint8Array): CID[] {
  return (dagCbor.decode(bytes) as unknown[]).map((link) => CID.asCID(link) as CID);
}

/** Root and blocks of a block's message lists. */
export function buildMessageMeta(messages: BlockMessages): { readonly root: CID; readonly blocks: readonly Block[] } {
  const blocks: Block[] = [];
  const put = (bytes: Uint8Array): CID => {
    const cid = cidOfBlock(bytes);
    blocks.push({ cid: cid.bytes, bytes });
    return cid;
  };
  const bls = buildAmt(messages.bls.map((message) => put(encodeMessage(message))));
  const secp = buildAmt(messages.secp.map((signed) => put(encodeSignedMessage(signed))));
  blocks.push(...bls.blocks, ...secp.blocks);
  return { root: put(dagCbor.encode([bls.root, secp.root])), blocks };
}

export class ChainStore {
  readonly blocks: BlockStore;
  private current: Tipset | null = null;
  private readonly listeners = new Set<(changes: readonly HeadChange[]) => void>();

  private constructor(blocks: BlockStore) {
    this.blocks = blocks;
  }

  /** Opens the chain in a store; it may be empty. */
  static async open(blocks: BlockStore): Promise<ChainStore> {
    const chain = new ChainStore(blocks);
    const head = await blocks.fact("head");
    if (head !== undefined) chain.current = await chain.tipset(decodeKey(head));
    return chain;
  }

  get isEmpty(): boolean {
    return this.current === null;
  }

  get head(): Tipset {
    if (this.current === null) throw new ChainError({ code: "NO_CHAIN" }, "there is no chain yet");
    return this.current;
  }

  /** Calls `listener` with every change of the head until the returned function is called. */
  onHeadChange(listener: (changes: readonly HeadChange[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async genesis(): Promise<Tipset> {
    return this.tipsetAtOrBefore(0);
  }

  async header(cid: CID): Promise<BlockHeader> {
    const bytes = await this.blocks.get(cid.bytes);
    if (bytes === undefined)
      throw new ChainError({ code: "UNKNOWN_TIPSET", key: `${cid}` }, `block ${cid} is not in this store`);
    return decodeHeader(bytes);
  }

  /** The tipset with this key; an empty key means the head. */
  async tipset(key: readonly CID[]): Promise<Tipset> {
    if (key.length === 0) return this.head;
    return makeTipset(await Promise.all(key.map((cid) => this.header(cid))));
  }

  /** The tipset below, or null for the genesis (whose header may name a parent that is no block). */
  async parent(tipset: Tipset): Promise<Tipset | null> {
    const parents = tipset.height === 0 ? [] : (tipset.blocks[0]?.parents ?? []);
    return parents.length === 0 ? null : this.tipset(parents);
  }

  /** Canonical tipset at an epoch or, over null rounds, the last one before it. */
  async tipsetAtOrBefore(height: number): Promise<Tipset> {
    if (height > this.head.height)
      throw new ChainError(
        { code: "AHEAD_OF_HEAD", height: `${height}` },
        `looking for tipset with height greater than start point: ${height} > ${this.head.height}`,
      );
    for (let at = height; at >= 0; at--) {
      const key = await this.blocks.fact(heightName(at));
      if (key !== undefined) return this.tipset(decodeKey(key));
    }
    throw new ChainError({ code: "NO_CHAIN" }, "the chain has no genesis");
  }

  /** Canonical tipset at an epoch or, over null rounds, the first one after it. */
  async tipsetAtOrAfter(height: number): Promise<Tipset> {
    for (let at = height; at <= this.head.height; at++) {
      const key = await this.blocks.fact(heightName(at));
      if (key !== undefined) return this.tipset(decodeKey(key));
    }
    return this.tipsetAtOrBefore(height);
  }

  async result(tipset: Tipset): Promise<TipsetResult> {
    const name = tipset.key.join();
    const fact = await this.blocks.fact(`result/${name}`);
    if (fact === undefined)
      throw new ChainError({ code: "NOT_EXECUTED", key: name }, `tipset ${name} has not been executed`);
    const [stateRoot, receiptsRoot] = dagCbor.decode(fact) as [CID, CID];
    return { stateRoot: CID.asCID(stateRoot) as CID, receiptsRoot: CID.asCID(receiptsRoot) as CID };
  }

  /** Messages of one block. */
  async messages(header: BlockHeader): Promise<BlockMessages> {
    const meta = await this.blocks.get(header.messages.bytes);
    if (meta === undefined) return this.missing(header.messages);
    const [bls, secp] = dagCbor.decode(meta) as [unknown, unknown];
    const load = async <T>(root: unknown, decode: (bytes: Uint8Array) => T): Promise<T[]> => {
      const out: T[] = [];
      for await (const [, link] of amtEntries(this.blocks, CID.asCID(root) as CID)) {
        const cid = CID.asCID(link) as CID;
        const bytes = await this.blocks.get(cid.bytes);
        out.push(decode(bytes ?? this.missing(cid)));
      }
      return out;
    };
    return { bls: await load(bls, decodeMessage), secp: await load(secp, decodeSignedMessage) };
  }

  /** Distinct messages of a tipset in the order of execution, as far as the order of blocks decides it. */
  async tipsetMessages(tipset: Tipset): Promise<readonly { readonly cid: CID; readonly message: Message }[]> {
    const seen = new Set<string>();
    const out: { cid: CID; message: Message }[] = [];
    for (const header of tipset.blocks) {
      const { bls, secp } = await this.messages(header);
      const all = [
        ...bls.map((message) => ({ cid: messageCid(message), message })),
        ...secp.map((signed) => ({ cid: signedMessageCid(signed), message: signed.message })),
      ];
      for (const item of all) {
        const name = messageCid(item.message).toString();
        if (seen.has(name)) continue;
        seen.add(name);
        out.push(item);
      }
    }
    return out;
  }

  /** Receipts of a tipset in the order of `tipsetMessages`. */
  async receipts(tipset: Tipset): Promise<MessageReceipt[]> {
    return this.receiptsAt((await this.result(tipset)).receiptsRoot);
  }

  async receiptsAt(root: CID): Promise<MessageReceipt[]> {
    const out: MessageReceipt[] = [];
    for await (const [, value] of amtEntries(this.blocks, root)) {
      const [exitCode, bytes, gasUsed] = value as [number, Uint8Array, number | bigint];
      out.push({ exitCode, return: bytes, gasUsed: BigInt(gasUsed) });
    }
    return out;
  }

  /** A message by its CID: of a block (bare or signed). */
  async message(cid: CID): Promise<{ readonly message: Message; readonly signed: SignedMessage | null }> {
    const bytes = (await this.blocks.get(cid.bytes)) ?? this.missing(cid);
    const tuple = dagCbor.decode(bytes) as unknown[];
    if (tuple.length === 10) return { message: decodeMessage(bytes), signed: null };
    const signed = decodeSignedMessage(bytes);
    return { message: signed.message, signed };
  }

  /** The canonical tipset that carries a message, or null. */
  async locate(cid: CID): Promise<Tipset | null> {
    const fact = await this.blocks.fact(`message/${cid}`);
    if (fact === undefined) return null;
    const height = dagCbor.decode(fact) as number;
    return height > this.head.height ? null : this.tipsetAtOrBefore(height);
  }

  private missing(cid: CID): never {
    throw new ChainError({ code: "UNKNOWN_MESSAGE", cid: `${cid}` }, `message ${cid} not found`);
  }

  /**
   * Makes `headers` (one tipset on top of the head, or the genesis) the new head. `blocks` are all blocks that came
   * with it: messages, message lists, and the state that executing it made.
   */
  async append(
    headers: readonly BlockHeader[],
    messages: readonly { readonly cid: CID }[],
    result: TipsetResult,
    blocks: readonly Block[],
  ): Promise<Tipset> {
    const tipset = makeTipset(headers);
    const height = dagCbor.encode(tipset.height);
    const key = encodeKey(tipset.key);
    await this.blocks.write(
      {
        blocks: [
          ...blocks,
          ...tipset.blocks.map((header, i) => ({ cid: (tipset.key[i] as CID).bytes, bytes: encodeHeader(header) })),
        ],
        facts: [
          [heightName(tipset.height), key],
          [`result/${tipset.key.join()}`, dagCbor.encode([result.stateRoot, result.receiptsRoot])],
          ...messages.map(({ cid }) => [`message/${cid}`, height] as const),
          ["head", key],
        ],
      },
      { sync: true },
    );
    this.current = tipset;
    this.announce([{ type: "apply", tipset }]);
    return tipset;
  }

  /** Moves the head back to an earlier canonical tipset; what stood above it is no longer canonical. */
  async revertTo(target: Tipset): Promise<void> {
    const changes: HeadChange[] = [];
    const facts: [string, Uint8Array | null][] = [];
    for (let at = this.head; at.key.join() !== target.key.join(); ) {
      changes.push({ type: "revert", tipset: at });
      facts.push([heightName(at.height), null]);
      for (const { cid } of await this.tipsetMessages(at)) facts.push([`message/${cid}`, null]);
      const parent = await this.parent(at);
      if (parent === null || parent.height < target.height)
        throw new ChainError({ code: "UNKNOWN_TIPSET", key: target.key.join() }, "the tipset is not below the head");
      at = parent;
    }
    await this.blocks.write({ facts: [...facts, ["head", encodeKey(target.key)]] }, { sync: true });
    this.current = target;
    this.announce(changes);
  }

  private announce(changes: readonly HeadChange[]): void {
    for (const listener of this.listeners) listener(changes);
  }
}

/** Splits signed messages as a block carries them. */
export function splitMessages(signed: readonly SignedMessage[]): BlockMessages {
  const isBls = (one: SignedMessage): boolean => one.signature.type === SIGNATURE_TYPE.bls;
  return { bls: signed.filter(isBls).map((one) => one.message), secp: signed.filter((one) => !isBls(one)) };
}
