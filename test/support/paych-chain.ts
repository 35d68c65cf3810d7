/** A chain of payment channels in a test's hands: messages are executed when the test says so, as it says. */
import * as dagCbor from "@ipld/dag-cbor";
import type { Crypto } from "../../src/core/crypto.ts";
import { addressOf, type KeyInfo, signBytes, signMessage, verifyBytes } from "../../src/keys/keys.ts";
import type { ChainAccess, ChannelView, Draft } from "../../src/market/paych/chain-access.ts";
import { EMPTY_LEDGER } from "../../src/market/paych/lanes.ts";
import { Address } from "../../src/types/address.ts";
import { type CID, cidOfBlock } from "../../src/types/cid.ts";
import {
  decodeSignedMessage,
  encodeSignedMessage,
  type MessageReceipt,
  type SignedMessage,
  signedMessageCid,
} from "../../src/types/message.ts";

type Sent = { readonly cid: CID; readonly draft: Draft; readonly signed: SignedMessage };
type Wait = { readonly resolve: (receipt: MessageReceipt) => void; readonly reject: (error: unknown) => void };

export const keyOfNumber = (n: number): KeyInfo => ({ type: "secp256k1", secret: new Uint8Array(32).fill(n) });

export class FakeChain implements ChainAccess {
  epoch = 10;
  /** Messages that the pool has, in their order. */
  readonly sent: Sent[] = [];
  readonly channels = new Map<string, ChannelView>();
  readonly keys = new Map<string, KeyInfo>();
  readonly crypto: Crypto;
  /** What the pool says to the next message. */
  refusal: Error | null = null;
  exit = 0;
  private readonly waits = new Map<string, Wait[]>();
  private readonly receipts = new Map<string, MessageReceipt>();
  private nonce = 0n;

  constructor(crypto: Crypto) {
    this.crypto = crypto;
  }

  /** The address of a new key of this node. */
  own(n: number): Address {
    const address = addressOf(this.crypto, keyOfNumber(n));
    this.keys.set(`${address}`, keyOfNumber(n));
    return address;
  }

  foreign(n: number): Address {
    return addressOf(this.crypto, keyOfNumber(n));
  }

  put(address: Address, view: Partial<ChannelView> & Pick<ChannelView, "from" | "to">): void {
    const id = Address.id(BigInt(1000 + this.channels.size));
    const full = { id, balance: 0n, ledger: EMPTY_LEDGER, settlingAt: 0, namedById: false };
    this.channels.set(`${address}`, { ...full, ...this.channels.get(`${address}`), ...view });
  }

  async channel(address: Address): Promise<ChannelView | null> {
    return this.channels.get(`${address}`) ?? null;
  }

  async idOf(address: Address): Promise<Address | null> {
    return this.channels.get(`${address}`)?.id ?? null;
  }

  readonly prefix = "t";
  keyOf = async (address: Address): Promise<Address> => address;
  hasKey = (address: Address): boolean => this.keys.has(`${address}`);
  sign = (address: Address, bytes: Uint8Array) => signBytes(this.crypto, this.keys.get(`${address}`) as KeyInfo, bytes);
  verify: ChainAccess["verify"] = (signature, address, bytes) => verifyBytes(this.crypto, signature, address, bytes);
  hash = (bytes: Uint8Array): Uint8Array => this.crypto.blake2b256(bytes);
  tryOut: ChainAccess["tryOut"] = async () => this.exit;

  async send(draft: Draft, keep: (signed: SignedMessage) => Promise<void>): Promise<void> {
    const bare = { ...draft, nonce: this.nonce++, gasLimit: 1n, gasFeeCap: 0n, gasPremium: 0n };
    const signed = signMessage(this.crypto, this.keys.get(`${draft.from}`) as KeyInfo, bare);
    await keep(signed);
    if (this.refusal !== null) throw this.refusal;
    this.sent.push({ cid: signedMessageCid(signed), draft, signed });
  }

  async resend(signed: SignedMessage): Promise<void> {
    const known = decodeSignedMessage(encodeSignedMessage(signed));
    const cid = signedMessageCid(known);
    if (!this.sent.some((one) => one.cid.equals(cid))) this.sent.push({ cid, draft: known.message, signed: known });
  }

  wait(cid: CID, signal: AbortSignal): Promise<MessageReceipt> {
    const receipt = this.receipts.get(`${cid}`);
    if (receipt !== undefined) return Promise.resolve(receipt);
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.waits.set(`${cid}`, [...(this.waits.get(`${cid}`) ?? []), { resolve, reject }]);
    });
  }

  get isWaitedFor(): boolean {
    return this.waits.size > 0;
  }

  /** Ends all waits with an error. */
  breakOff(error: Error): void {
    const waits = [...this.waits.values()].flat();
    this.waits.clear();
    for (const { reject } of waits) reject(error);
  }

  /** Executes a message: the one that was sent last, if none is named. */
  execute(exitCode = 0, returned: Uint8Array = new Uint8Array(0), cid = this.sent.at(-1)?.cid as CID): void {
    const receipt = { exitCode, return: returned, gasUsed: 0n };
    this.receipts.set(`${cid}`, receipt);
    for (const { resolve } of this.waits.get(`${cid}`) ?? []) resolve(receipt);
  }

  /** Executes the message that makes a channel: it is there then, with what the message sends. */
  executeCreate(robust: Address): void {
    const { draft } = this.sent.at(-1) as Sent;
    const [, inner] = dagCbor.decode(draft.params) as [unknown, Uint8Array];
    const [from, to] = (dagCbor.decode(inner) as Uint8Array[]).map((bytes) => Address.fromBytes(bytes));
    this.put(robust, { from: from as Address, to: to as Address, balance: draft.value });
    const { id } = this.channels.get(`${robust}`) as ChannelView;
    this.execute(0, dagCbor.encode([id.bytes, robust.bytes]));
  }

  async createDraft(from: Address, to: Address, value: bigint): Promise<Draft> {
    const params = dagCbor.encode([cidOfBlock(Uint8Array.of(1)), dagCbor.encode([from.bytes, to.bytes])]);
    return { from, to: Address.id(1), value, method: 2n, params };
  }

  updateDraft: ChainAccess["updateDraft"] = async (from, channel, voucher) => ({
    ...{ from, to: channel, value: 0n, method: 2n },
    params: Uint8Array.of(Number(voucher.lane), Number(voucher.nonce)),
  });
}
