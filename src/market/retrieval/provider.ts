/**
 * A provider of retrievals: answers queries, decides on proposals by its ask, and is paid as it gives. What was sent and paid
 * is on the disk at every pause, so that a deal goes on over restarts of both sides.
 * Source: go-fil-markets v1.28.3, retrievalmarket/impl (requestvalidation, providerstates).
 */
import { equal } from "../../base/bytes.ts";
import { describeError, isFilError } from "../../base/errors.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import type { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import { WHOLE_DAG } from "../graphsync/selector.ts";
import type { Note } from "../paych/book.ts";
import { badVoucher } from "../paych/errors.ts";
import type { GivenChannel, PullValidator, Verdict } from "../transfer/manager.ts";
import type { TypedVoucher } from "../transfer/message.ts";
import type { DealState, GivenDeal, RetrievalBook } from "./book.ts";
import {
  DEAL_STATUS,
  type DealResponse,
  type Proposal,
  readPayment,
  readProposal,
  responseVoucher,
  type Terms,
  VOUCHER_TYPE,
} from "./messages.ts";
import { isTheirFault, type Payee } from "./payments.ts";
import { badTerms, owed, sendLimit } from "./terms.ts";

export type ProviderParts = {
  readonly streams: PeerStreams;
  readonly book: () => RetrievalBook;
  /** All blocks of the node's user, which anybody may have at the ask. */
  readonly blocks: () => Promise<{ get(cid: Uint8Array): Promise<Uint8Array | undefined> }>;
  readonly payee: Payee;
  /** Where payments go; null: nowhere, and only free deals are made. */
  readonly paymentAddress: () => Promise<Address | null>;
  readonly now: () => number;
};

export const PROVIDER_LIMITS = {
  /** deals that are under way: of one peer, of all peers of one host (an address on the internet), and of all */
  perPeer: 64,
  perHost: 256,
  all: 4096,
  /** of a proposal with its selector, which is kept while the deal is under way */
  proposalBytes: 16 << 10,
  /** payments of a deal that are worth nothing */
  worthless: 8,
  /**
   * milliseconds after which a deal counts no more that was paid for and did not go on, and one that was not paid for: it may
   * go on, but keeps no place from others
   */
  staleMs: 10 * 60_000,
  unpaidMs: 60_000,
} as const;

export class RetrievalProvider implements PullValidator {
  readonly voucherType: string = VOUCHER_TYPE.proposal;
  private readonly parts: ProviderParts;

  constructor(parts: ProviderParts) {
    this.parts = parts;
  }

  async open(channel: GivenChannel): Promise<Verdict> {
    let proposal: Proposal;
    try {
      proposal = readProposal(channel.voucher);
    } catch (error) {
      if (!isFilError(error)) throw error;
      this.parts.streams.report(channel.peer, "badTransfer");
      return rejected(null);
    }
    const { id, terms } = proposal;
    const answer = (status: number, message: string): Verdict => rejected({ id, status, owed: 0n, message });
    const { proposalBytes } = PROVIDER_LIMITS;
    if (channel.voucher.bytes.length > proposalBytes)
      return answer(DEAL_STATUS.rejected, `a proposal of more than ${proposalBytes} bytes`);
    const known = this.parts.book().givenOf(channel);
    if (known !== undefined) return answer(DEAL_STATUS.rejected, `there is a deal ${id} already`);
    if (!proposal.payload.equals(channel.root)) return answer(DEAL_STATUS.rejected, "incorrect CID for this proposal");
    if (!equal(proposal.selector ?? WHOLE_DAG, channel.selector))
      return answer(DEAL_STATUS.rejected, "incorrect selector specified for this proposal");
    if (
      id !== channel.id &&
      this.parts
        .book()
        .given()
        .some((one) => one.channel.peer === channel.peer && one.channel.id === id)
    )
      return answer(DEAL_STATUS.rejected, `there is a deal ${id} already`);
    const blocks = await this.parts.blocks();
    if ((await blocks.get(channel.root.bytes)) === undefined)
      return answer(DEAL_STATUS.notFound, `no block ${channel.root} is here`);
    const why = this.refusal(channel.peer, terms) ?? (await this.unpayable(terms));
    if (why !== null) return answer(DEAL_STATUS.rejected, why);
    const deal: GivenDeal = {
      ...{ channel, terms, received: 0n, worthless: 0, state: "ongoing", message: "", at: this.parts.now() },
      host: this.parts.streams.hostOf(channel.peer),
    };
    await this.parts.book().putGiven(deal);
    const needsUnseal = terms.unsealPrice > 0n;
    const status = needsUnseal ? DEAL_STATUS.fundsNeededUnseal : DEAL_STATUS.accepted;
    const result = responseVoucher({ id, status, owed: owed(terms, 0, 0n, false), message: "" });
    return {
      accepted: true,
      result,
      limit: sendLimit(terms, 0n),
      paused: needsUnseal,
      finalization: isDueAtEnd(terms),
    };
  }

  /** Why a proposal's terms are not enough, with what is asked and what was offered; null if they are. */
  private refusal(peer: string, offered: Terms): string | null {
    const { ask } = this.parts.book();
    const bad = badTerms(offered);
    if (bad !== null) return bad;
    if (offered.pricePerByte < ask.pricePerByte)
      return `price per byte: ${filText(ask.pricePerByte)} asked, ${filText(offered.pricePerByte)} offered`;
    if (offered.unsealPrice < ask.unsealPrice)
      return `unseal price: ${filText(ask.unsealPrice)} asked, ${filText(offered.unsealPrice)} offered`;
    if (offered.paymentInterval > ask.paymentInterval)
      return `payment interval: at most ${ask.paymentInterval} bytes, ${offered.paymentInterval} offered`;
    if (offered.paymentIntervalIncrease > ask.paymentIntervalIncrease)
      return `payment interval increase: at most ${ask.paymentIntervalIncrease} bytes, ${offered.paymentIntervalIncrease} offered`;
    const now = this.parts.now();
    const { perPeer, perHost, all, staleMs, unpaidMs } = PROVIDER_LIMITS;
    const open = this.parts
      .book()
      .given()
      .filter(({ state, at, received }) => state === "ongoing" && now - at < (received > 0n ? staleMs : unpaidMs));
    const host = this.parts.streams.hostOf(peer);
    const own = open.filter(({ channel }) => channel.peer === peer).length;
    if (own >= perPeer) return `${own} retrievals of yours are under way, as many as may be`;
    const near = host === null ? 0 : open.filter((one) => one.host === host).length;
    if (near >= perHost) return `${near} retrievals from ${host} are under way, as many as may be`;
    return open.length >= all ? `${open.length} retrievals are under way, as many as may be` : null;
  }

  private async unpayable({ pricePerByte, unsealPrice }: Terms): Promise<string | null> {
    if (pricePerByte === 0n && unsealPrice === 0n) return null;
    return (await this.parts.paymentAddress()) === null ? "this provider has no address to be paid at" : null;
  }

  async find(peer: string, id: bigint): Promise<GivenChannel | null> {
    const deal = this.parts.book().givenOf({ peer, id });
    // A copy: what the book has changes when it is written.
    return deal === undefined || deal.state !== "ongoing" ? null : { ...deal.channel, marks: [...deal.channel.marks] };
  }

  async restart(channel: GivenChannel): Promise<Verdict> {
    const deal = this.parts.book().givenOf(channel);
    if (deal === undefined || deal.state !== "ongoing") return rejected(null);
    await this.parts.book().putGiven({ ...deal, channel, at: this.parts.now() });
    const { terms, received } = deal;
    const id = idOf(deal);
    const limit = sendLimit(terms, received);
    const needsUnseal = received < terms.unsealPrice;
    const paused = needsUnseal || (limit !== null && channel.sent >= limit);
    const waiting = needsUnseal ? DEAL_STATUS.fundsNeededUnseal : DEAL_STATUS.fundsNeeded;
    const status = paused ? waiting : DEAL_STATUS.ongoing;
    const result = responseVoucher({ id, status, owed: owed(terms, channel.sent, received, false), message: "" });
    return { accepted: true, result, limit, paused, finalization: isDueAtEnd(terms) };
  }

  async voucher(channel: GivenChannel, voucher: TypedVoucher): Promise<Verdict> {
    const deal = this.parts.book().givenOf(channel);
    if (deal === undefined || deal.state !== "ongoing") return rejected(null);
    const { streams, now } = this.parts;
    const fail = (message: string): Verdict =>
      rejected({ id: idOf(deal), status: DEAL_STATUS.errored, owed: 0n, message });
    const after = (gained: bigint): GivenDeal => ({
      ...{ ...deal, channel, received: deal.received + gained },
      ...{ worthless: deal.worthless + (gained === 0n ? 1 : 0), at: now() },
    });
    let paid: GivenDeal | null = null;
    let gained: bigint;
    try {
      gained = await this.take(deal, voucher, (worth) => {
        paid = after(worth);
        return this.parts.book().noteGiven(paid);
      });
    } catch (error) {
      if (isTheirFault(error)) streams.report(channel.peer, "badPayment");
      else if (!isFilError(error)) throw error;
      return fail(describeError(error));
    }
    if (paid === null) {
      paid = after(gained);
      await this.parts.book().putGiven(paid);
    }
    // One may come twice when a connection breaks.
    if (paid.worthless > 1 && gained === 0n) streams.report(channel.peer, "badPayment");
    if (paid.worthless > PROVIDER_LIMITS.worthless) return fail("too many payments that are worth nothing");
    return this.standing(channel, paid);
  }

  private async take(deal: GivenDeal, voucher: TypedVoucher, note: (gained: bigint) => Note): Promise<bigint> {
    const payment = readPayment(voucher);
    if (payment.id !== idOf(deal)) badVoucher(`the payment names deal ${payment.id}`);
    const to = await this.parts.paymentAddress();
    return to === null ? 0n : this.parts.payee.take(to, payment.channel, payment.voucher, note);
  }

  async due(channel: GivenChannel): Promise<Verdict> {
    const deal = this.parts.book().givenOf(channel);
    if (deal === undefined || deal.state !== "ongoing") return rejected(null);
    const seen = { ...deal, channel, at: this.parts.now() };
    await this.parts.book().putGiven(seen);
    return this.standing(channel, seen);
  }

  /** What is owed now, and what follows. */
  private standing({ sent, state }: GivenChannel, deal: GivenDeal): Verdict {
    const { terms, received } = deal;
    const atEnd = state === "finalizing";
    const left = owed(terms, sent, received, atEnd);
    const needsUnseal = received < terms.unsealPrice;
    const limit = sendLimit(terms, received);
    const waits = left > 0n || (!atEnd && limit !== null && sent >= limit);
    const status = needsUnseal
      ? DEAL_STATUS.fundsNeededUnseal
      : atEnd
        ? left > 0n
          ? DEAL_STATUS.fundsNeededLastPayment
          : DEAL_STATUS.completed
        : DEAL_STATUS.fundsNeeded;
    const speaks = waits || atEnd;
    const result = speaks ? responseVoucher({ id: idOf(deal), status, owed: left, message: "" }) : null;
    return { accepted: true, result, limit, paused: needsUnseal, finalization: atEnd ? left > 0n : isDueAtEnd(terms) };
  }

  async ended(channel: GivenChannel, why: string | null): Promise<void> {
    const deal = this.parts.book().givenOf(channel);
    if (deal === undefined) return;
    const state: DealState = why === null ? "completed" : "failed";
    const ended = { ...deal, channel, state, message: why ?? "", at: this.parts.now() };
    await this.parts.book().putGiven(ended);
  }

  blocks(): ReturnType<ProviderParts["blocks"]> {
    return this.parts.blocks();
  }
}

/** Whether something is left to pay when all data is sent; else the transfer ends with its data. */
const isDueAtEnd = ({ pricePerByte }: Terms): boolean => pricePerByte > 0n;

function idOf({ channel }: GivenDeal): bigint {
  return readProposal(channel.voucher).id;
}

function rejected(response: DealResponse | null): Verdict {
  const result = response === null ? null : responseVoucher(response);
  return { accepted: false, result, limit: null, paused: false, finalization: false };
}
