/**
 * The protocol by which a payee asks the payer's node for one voucher in place of several (`reconcile.ts`), both sides of it; and
 * the payer's policy: whether it answers, and by how much less than the sum it wants to be asked for.
 *
 * Own protocol, `/fil/paych/reconcile/1.0.0`, a frame of DAG-CBOR each way: [[voucher, …], value, signature of the payee over the
 * first two] and [voucher or null, status, message]; vouchers and signature as byte strings, the value as big-endian bytes.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat, fromUtf8, utf8 } from "../../base/bytes.ts";
import { describeError, isFilError } from "../../base/errors.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import { RateLimiter } from "../../network/rate-limit.ts";
import { frameStream } from "../../network/wire/frames.ts";
import type { BlockStore } from "../../storage/contract.ts";
import type { Address } from "../../types/address.ts";
import { bigToBytes, bytesToBig } from "../../types/amount.ts";
import { decodeSignature, encodeSignature } from "../../types/message.ts";
import { decodeVoucher, encodeVoucher, MAX_MERGES, type SignedVoucher } from "../../types/voucher.ts";
import { answerWithin, askPeerWithin } from "../wire/question.ts";
import { PaychError } from "./errors.ts";
import type { PaymentChannels } from "./part.ts";
import { checkClaims, isSurpassed, sumOfClaims } from "./reconcile.ts";

export const RECONCILE_PROTOCOL = "/fil/paych/reconcile/1.0.0";

/** What a payer's node does when it is asked. */
export type ReconcilePolicy = {
  readonly accept: boolean;
  /** attoFIL that the value must be below the vouchers' sum at least. */
  readonly least: bigint;
};

export type ReconcilerParts = {
  readonly payments: Pick<PaymentChannels, "channels" | "vouchers">;
  readonly blocks: BlockStore;
  /** This node's peers; null: it has none. */
  readonly streams: () => PeerStreams | null;
  readonly now: () => number;
};

/** What became of a request. */
export type Reconciled = {
  readonly voucher: SignedVoucher;
  /** In place of which. */
  readonly claims: readonly SignedVoucher[];
};

const STATUS = { done: 0, refused: 1, wrong: 2 } as const;
const POLICY = "reconcile/policy";
const DEFAULT: ReconcilePolicy = { accept: true, least: 0n };
const MAX_REQUEST = 1 << 20;
const MAX_ANSWER = 128 << 10;
const MAX_TEXT = 1000;
const MAX_AMOUNT = 32;
/** Milliseconds that a question and its answer may take: the payer tries out each voucher. */
const ANSWER_MS = 60_000;
const RATE = { burst: 8, perSecond: 0.2 } as const;
/** Before what the payee signs, so that it is a signature of nothing else. */
const DOMAIN = utf8("/fil/paych/reconcile/1.0.0\n");

export class Reconciler {
  readonly name = "reconcile";
  private readonly parts: ReconcilerParts;
  private readonly rate: RateLimiter;
  private served: PeerStreams | null = null;

  constructor(parts: ReconcilerParts) {
    this.parts = parts;
    this.rate = new RateLimiter(RATE, parts.now);
  }

  async start(): Promise<void> {
    const streams = this.parts.streams();
    this.served = streams;
    await streams?.handle(RECONCILE_PROTOCOL, (stream, peer) =>
      answerWithin(streams, peer, this.rate, ANSWER_MS, async (signal) => {
        const frames = frameStream(stream);
        await frames.write(await this.answer(await frames.read(MAX_REQUEST, signal)), signal);
      }),
    );
  }

  async stop(): Promise<void> {
    await this.served?.unhandle(RECONCILE_PROTOCOL);
    this.served = null;
  }

  health(): { readonly status: "ok" } {
    return { status: "ok" };
  }

  async policy(): Promise<ReconcilePolicy> {
    const kept = await this.parts.blocks.metadata(POLICY);
    if (kept === undefined) return DEFAULT;
    const { accept, least } = JSON.parse(fromUtf8(kept)) as { accept: boolean; least: string };
    return { accept, least: BigInt(least) };
  }

  async setPolicy({ accept, least }: ReconcilePolicy): Promise<void> {
    if (least < 0n) throw new PaychError({ code: "BAD_ARGUMENT" }, "a difference is not negative");
    const bytes = utf8(JSON.stringify({ accept, least: least.toString() }));
    await this.parts.blocks.write({ metadata: [[POLICY, bytes]] }, { sync: true });
  }

  /** Answers a payee; nothing that it sends makes this throw. */
  private async answer(bytes: Uint8Array): Promise<Uint8Array> {
    try {
      const { accept, least } = await this.policy();
      if (!accept) throw new PaychError({ code: "REFUSED" }, "this node makes no vouchers in place of others");
      return encodeAnswer(await this.combine(bytes, least), STATUS.done, "");
    } catch (error) {
      const status = isFilError(error, "REFUSED") ? STATUS.refused : STATUS.wrong;
      return encodeAnswer(null, status, describeError(error).slice(0, MAX_TEXT));
    }
  }

  private async combine(bytes: Uint8Array, least: bigint): Promise<SignedVoucher> {
    const { channels, vouchers } = this.parts.payments;
    const { claims, value, signed, signature } = decodeRequest(bytes);
    const [{ channel: named }] = claims as [SignedVoucher];
    const id = await channels.chain.idOf(named);
    for (const address of channels.list()) {
      if (id === null || (await channels.chain.idOf(address))?.equals(id) !== true) continue;
      const view = await channels.view(address);
      if (!channels.chain.hasKey(view.from)) continue;
      if (!channels.chain.verify(decodeSignature(signature), view.to, signed))
        throw new PaychError({ code: "BAD_VOUCHER" }, "the request is not signed by the channel's payee");
      return vouchers.combine(address, claims, value, least);
    }
    throw new PaychError({ code: "NO_CHANNEL", channel: `${named}` }, `this node does not pay by channel ${named}`);
  }

  /**
   * Asks the payer's node, at `peer`, for one voucher in place of the best of each lane of a channel; keeps and gives it. Lanes with
   * a later voucher that is worth more, and locked for now, stay as they are. `value`: attoFIL that it is to be over, at most their sum; null: their sum. What is refused rejects with `PaychError` REFUSED.
   */
  async ask(address: Address, peer: string, value: bigint | null, signal: AbortSignal): Promise<Reconciled> {
    const { channels, vouchers } = this.parts.payments;
    const streams = this.parts.streams();
    if (streams === null) throw new PaychError({ code: "NO_ANSWER", peer }, "this node has no peers");
    const view = await channels.view(address);
    if (!channels.chain.hasKey(view.to))
      throw new PaychError({ code: "NO_KEY", channel: `${address}` }, "this node does not have the payee's key");
    const best = await vouchers.bestSpendable(address, signal);
    const known = (await vouchers.list(address)).map(({ voucher }) => voucher);
    const claims = best
      .filter((one) => view.ledger.lanes.has(one.lane) && !isSurpassed(known, one))
      .slice(0, MAX_MERGES);
    const wanted = value ?? sumOfClaims(claims);
    checkClaims(view.ledger, claims, wanted, 0n);
    const signed = encodeClaims(claims, wanted);
    const signature = encodeSignature(channels.chain.sign(view.to, concat(DOMAIN, signed)));
    const request = dagCbor.encode([...(dagCbor.decode(signed) as unknown[]), signature]);
    const { voucher, status, message } = await exchange(streams, peer, request, signal);
    if (status !== STATUS.done || voucher === null)
      throw new PaychError({ code: "REFUSED" }, `the payer's node at ${peer} makes no such voucher: ${message}`);
    await vouchers.takeCombined(address, claims, wanted, voucher);
    return { voucher, claims };
  }
}

const encodeClaims = (claims: readonly SignedVoucher[], value: bigint): Uint8Array =>
  dagCbor.encode([claims.map(encodeVoucher), bigToBytes(value)]);

function wrong(why: string): never {
  throw new PaychError({ code: "BAD_ARGUMENT" }, why);
}

type Request = {
  readonly claims: readonly SignedVoucher[];
  readonly value: bigint;
  /** What the payee signs, and its signature. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
};

function decodeRequest(bytes: Uint8Array): Request {
  const request: unknown = dagCbor.decode(bytes);
  if (!Array.isArray(request) || request.length !== 3) wrong("a request is [vouchers, value, signature]");
  const [list, value, signature] = request as unknown[];
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_MERGES)
    return wrong(`a request has 1 to ${MAX_MERGES} vouchers`);
  if (!(value instanceof Uint8Array) || value.length > MAX_AMOUNT || !(signature instanceof Uint8Array))
    return wrong("value and signature are byte strings");
  const claims = list.map((one: unknown) =>
    one instanceof Uint8Array ? decodeVoucher(one) : wrong("a voucher is a byte string"),
  );
  return { claims, value: bytesToBig(value), signed: concat(DOMAIN, dagCbor.encode([list, value])), signature };
}

const encodeAnswer = (voucher: SignedVoucher | null, status: number, message: string): Uint8Array =>
  dagCbor.encode([voucher === null ? null : encodeVoucher(voucher), status, message]);

type Answer = { readonly voucher: SignedVoucher | null; readonly status: number; readonly message: string };

function decodeAnswer(bytes: Uint8Array): Answer {
  const answer: unknown = dagCbor.decode(bytes);
  if (!Array.isArray(answer) || answer.length !== 3) wrong("an answer is [voucher, status, message]");
  const [voucher, status, message] = answer as unknown[];
  if (typeof status !== "number" || typeof message !== "string") return wrong("the answer's status or message is none");
  if (voucher !== null && !(voucher instanceof Uint8Array)) return wrong("a voucher is a byte string");
  return { voucher: voucher === null ? null : decodeVoucher(voucher), status, message: message.slice(0, MAX_TEXT) };
}

async function exchange(streams: PeerStreams, peer: string, bytes: Uint8Array, signal: AbortSignal): Promise<Answer> {
  const question = { protocol: RECONCILE_PROTOCOL, bytes, most: MAX_ANSWER };
  try {
    return decodeAnswer(await askPeerWithin(streams, peer, question, ANSWER_MS, signal));
  } catch (cause) {
    signal.throwIfAborted();
    const why = `the payer's node at ${peer} gave no answer: ${describeError(cause)}`;
    throw new PaychError({ code: "NO_ANSWER", peer }, why, { cause });
  }
}
