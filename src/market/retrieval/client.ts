/**
 * Retrieving a DAG from providers, for payment or free of it: a query, a deal, and a transfer that pays as it is asked to, for
 * blocks that are verified and for nothing else, and never more than the caller said. What came stays here: a transfer that
 * breaks goes on where it was, and the next provider is asked for the rest alone.
 */
import { describeError, isFilError } from "../../base/errors.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import type { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import type { CID } from "../../types/cid.ts";
import type { ClientStore } from "../data/client-store.ts";
import { GraphsyncError } from "../graphsync/errors.ts";
import { STATUS } from "../graphsync/message.ts";
import { Selection, WHOLE_DAG } from "../graphsync/selector.ts";
import { inlineBlock, Traversal } from "../graphsync/traversal.ts";
import type { TransferManager } from "../transfer/manager.ts";
import type { TransferResponse, TypedVoucher } from "../transfer/message.ts";
import type { RetrievalBook, TakenDeal } from "./book.ts";
import { type DataSelector, rootAt } from "./data-selector.ts";
import { RetrievalError } from "./errors.ts";
import {
  DEAL_STATUS,
  type DealResponse,
  paymentVoucher,
  proposalVoucher,
  type QueryResponse,
  readResponse,
  type Terms,
} from "./messages.ts";
import type { Payer, PaymentLane } from "./payments.ts";
import { askQuery } from "./query.ts";
import { nextReserve, type Reserves } from "./reserves.ts";
import { nextPayPoint } from "./terms.ts";

export type RetrievalOrder = {
  readonly root: CID;
  /** What of it; default: the whole DAG. What is taken as a whole, a DAG or the part at a path, is listed among the imports. */
  readonly select?: DataSelector;
  /** Identities or multiaddrs of providers, or addresses of miners, tried in their order. */
  readonly providers: readonly string[];
  /** attoFIL that may be spent in all. */
  readonly maxPrice: bigint;
  /** attoFIL that are put into the payment channel at a time; null: all that it is to cost, at once, as the reference does. */
  readonly fundStep?: bigint | null;
  /** Who pays; needed where something is asked. */
  readonly from: Address | null;
  /** Number of the deal with the first provider; default: one of chance. */
  readonly id?: bigint;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: RetrievalProgress) => void;
};

export type RetrievalProgress = {
  readonly peer: string;
  readonly bytes: number;
  readonly links: number;
  readonly paid: bigint;
};

export type Retrieved = RetrievalProgress & {
  /** Whether all was here already. */
  readonly wasHere: boolean;
  /** The DAG that is listed now; null where a selector chose blocks of it. */
  readonly listed: CID | null;
};

export type ClientParts = {
  readonly streams: PeerStreams;
  readonly transfers: TransferManager;
  readonly book: () => RetrievalBook;
  readonly store: () => Promise<ClientStore>;
  readonly payer: Payer;
  readonly reserves: Reserves;
  /** Connects to a provider, however it is named; resolves to its identity. Rejects with `RetrievalError` NO_ANSWER. */
  readonly reach: (provider: string, signal: AbortSignal) => Promise<string>;
  /** Work that goes on by itself, until the node stops. */
  readonly meanwhile: (work: (signal: AbortSignal) => Promise<void>) => void;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Milliseconds before a broken transfer is begun again; each time as many more. Default 500. */
  readonly restartMs?: number;
};

/** Times that a broken transfer is begun again with one provider before the next one is tried, and the pause before. */
const RESTARTS = 5;
export const RESTART_MS = 500;
/** Providers that one order names. */
export const MAX_PROVIDERS = 64;
const NOBODY = "none of the node's peers has it, and no other provider of it is known; name one";
const BREAKS = ["UNREACHABLE", "STALLED", "BROKEN"];

export class RetrievalClient {
  private readonly parts: ClientParts;
  /** Roots that are being retrieved. */
  private readonly open = new Set<string>();

  constructor(parts: ClientParts) {
    this.parts = parts;
  }

  /** What a provider asks. Rejects with `RetrievalError` NO_ANSWER. */
  query(peer: string, root: CID, signal: AbortSignal): Promise<QueryResponse> {
    return askQuery(this.parts.streams, peer, root, null, signal);
  }

  /** Rejects with `RetrievalError` that says what each provider said, or with the signal's reason. */
  async retrieve(order: RetrievalOrder): Promise<Retrieved> {
    const name = `${order.root}`;
    if (this.open.has(name)) throw new RetrievalError({ code: "BUSY" }, `${name} is being retrieved already`);
    this.open.add(name);
    try {
      const store = await this.parts.store();
      const incoming = await store.incoming();
      try {
        return await this.fromProviders(order, store, incoming.put);
      } finally {
        incoming.end();
      }
    } finally {
      this.open.delete(name);
    }
  }

  private async fromProviders(
    order: RetrievalOrder,
    store: ClientStore,
    put: (cid: CID, bytes: Uint8Array) => Promise<void>,
  ): Promise<Retrieved> {
    const failures: string[] = [];
    let spent = 0n;
    let bytes = 0;
    for (const [i, provider] of order.providers.slice(0, MAX_PROVIDERS).entries()) {
      const isFirst = i === 0;
      const here = await linksHere(store, order);
      if (here.isWhole) break;
      const deal = new Deal(this.parts, order, provider, { get: (cid) => store.get(cid), put }, { spent, isFirst });
      try {
        await deal.run(here.links);
        const listed = await this.list(order, store, provider);
        return {
          ...deal.progress,
          paid: spent + deal.progress.paid,
          bytes: bytes + deal.progress.bytes,
          ...{ wasHere: false, listed },
        };
      } catch (error) {
        order.signal.throwIfAborted();
        failures.push(`${provider}: ${describeError(error)}`);
        if (!isFilError(error)) throw error;
      } finally {
        spent += deal.progress.paid;
        bytes += deal.progress.bytes;
      }
    }
    const { isWhole, links } = await linksHere(store, order);
    if (isWhole) {
      const listed = await this.list(order, store, "here");
      return { peer: "", bytes, links, paid: spent, wasHere: true, listed };
    }
    throw new RetrievalError(
      { code: "FAILED", tried: failures },
      failures.length === 0 ? NOBODY : `no provider gave it: ${failures.join("; ")}`,
    );
  }

  private async list({ root, select, signal }: RetrievalOrder, store: ClientStore, from: string): Promise<CID | null> {
    if (select?.path === null) return null;
    const whole = select === undefined ? root : await rootAt(store, root, select.path as readonly string[]);
    await store.listRetrieval(whole, from, signal);
    return whole;
  }
}

/** One deal with one provider. */
class Deal {
  private readonly parts: ClientParts;
  private readonly order: RetrievalOrder;
  private readonly provider: string;
  private readonly store: {
    get(cid: Uint8Array): Promise<Uint8Array | undefined>;
    put(cid: CID, bytes: Uint8Array): Promise<void>;
  };
  /** attoFIL that other deals of the order took; whether there was none. */
  private readonly spentBefore: bigint;
  private readonly isFirst: boolean;
  private record: TakenDeal | null = null;
  private peer = "";
  private lane: PaymentLane | null = null;
  private quote: QueryResponse | null = null;
  /** Whether the provider wants to be paid; whether all data is here. */
  private isAsked = false;
  private hasAll = false;
  private paying: Promise<void> | null = null;
  private readonly failed = new AbortController();
  private wasAccepted = false;
  /** What the provider says is wrong. */
  private refusal: string | null = null;
  /** The last payment; and the one that the provider may not have heard of. */
  private last: TypedVoucher | null = null;
  private unsaid: TypedVoucher | null = null;

  constructor(
    parts: ClientParts,
    order: RetrievalOrder,
    provider: string,
    store: Deal["store"],
    { spent, isFirst }: { readonly spent: bigint; readonly isFirst: boolean },
  ) {
    this.parts = parts;
    this.order = order;
    this.provider = provider;
    this.store = store;
    this.spentBefore = spent;
    this.isFirst = isFirst;
  }

  get progress(): RetrievalProgress {
    const { bytes = 0, links = 0, paid = 0n } = this.record ?? {};
    return { peer: this.peer, bytes, links, paid };
  }

  /** `here`: links, the first ones, whose blocks are here already. */
  async run(here: number): Promise<void> {
    const { streams, transfers } = this.parts;
    const { order, provider } = this;
    this.peer = await this.parts.reach(provider, order.signal);
    const quote = await askQuery(streams, this.peer, order.root, null, order.signal);
    this.quote = quote;
    if (quote.status !== "available")
      throw new RetrievalError(
        { code: "UNAVAILABLE", peer: this.peer },
        `the provider does not have it${quote.message === "" ? "" : `: ${quote.message}`}`,
      );
    this.checkPrice(quote);
    const id = this.isFirst && order.id !== undefined ? order.id : newDealId(this.parts.randomBytes);
    const { pricePerByte, unsealPrice, paymentInterval, paymentIntervalIncrease } = quote;
    const terms: Terms = { pricePerByte, unsealPrice, paymentInterval, paymentIntervalIncrease };
    await this.keep({
      ...{ id, peer: this.peer, root: `${order.root}`, terms, bytes: 0, links: here, paid: 0n },
      ...{ reserved: 0n, pending: null, channel: null, lane: null },
      ...{ state: "ongoing", message: "", at: this.parts.now() },
    });
    const selector = order.select?.selector ?? WHOLE_DAG;
    const voucher = proposalVoucher({ payload: order.root, id, selector, piece: null, terms });
    const signal = AbortSignal.any([order.signal, this.failed.signal]);
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          await transfers.pull(this.peer, {
            ...{ root: order.root, selector, voucher, id, store: this.store, signal },
            ...{ isRestart: this.wasAccepted, skip: this.deal.links },
            onLink: (number, bytes) => this.arrived(number, bytes),
            onData: () => {
              this.hasAll = true;
              this.payIfDue();
            },
            onResponse: (response) => this.heard(response),
          });
          break;
        } catch (error) {
          // A provider that is full ends what waits, and goes on with it later.
          const isBusy = error instanceof GraphsyncError && "status" in error.data && error.data.status === STATUS.busy;
          const isBreak = BREAKS.some((code) => isFilError(error, code)) || (isBusy && this.wasAccepted);
          if (!isBreak || attempt >= RESTARTS || signal.aborted) throw error;
          this.unsaid = this.last;
          await new Promise((resolve) => setTimeout(resolve, (this.parts.restartMs ?? RESTART_MS) * (attempt + 1)));
          await this.parts.reach(provider, signal).catch(() => undefined);
        }
      }
      // One payment may be followed by the next.
      while (this.paying !== null) await this.paying;
      await this.keep({ ...this.deal, state: "completed", at: this.parts.now() });
    } catch (error) {
      while (this.paying !== null) await (this.paying as Promise<void>).catch(() => undefined);
      await transfers.cancel(this.peer, id);
      const message = this.refusal ?? describeError(error);
      await this.keep({ ...this.deal, state: "failed", message, at: this.parts.now() });
      if (this.failed.signal.aborted) throw this.failed.signal.reason;
      if (this.refusal === null) throw error;
      throw new RetrievalError({ code: "UNAVAILABLE", peer: this.peer }, this.refusal, { cause: error });
    } finally {
      const { reserved, paid, pending } = this.deal;
      const { reserves, meanwhile } = this.parts;
      if (pending !== null) meanwhile((stopped) => reserves.giveBack(id, stopped));
      else if (reserved > paid)
        await reserves.giveBack(id, order.signal).catch((error: unknown) => {
          // It is tried again when the node starts.
          if (!isFilError(error)) throw error;
        });
    }
  }

  private get deal(): TakenDeal {
    return this.record as TakenDeal;
  }

  private async keep(record: TakenDeal): Promise<void> {
    this.record = record;
    await this.parts.book().putTaken(record);
  }

  private checkPrice(quote: QueryResponse): void {
    const { order } = this;
    const price = this.expected(quote);
    const limit = this.order.maxPrice - this.spentBefore;
    if (price > limit) throw tooDear(price, limit);
    const asks = quote.pricePerByte > 0n || quote.unsealPrice > 0n;
    if (asks && (this.order.from === null || quote.paymentAddress === null))
      throw new RetrievalError(
        { code: "NO_PAYER" },
        this.order.from === null
          ? `the provider asks ${filText(price)}, and no address that pays was given`
          : "the provider asks for payment and names no address for it",
      );
    if (asks && order.from?.equals(quote.paymentAddress as Address) === true)
      throw new RetrievalError({ code: "NO_PAYER" }, `${order.from} would pay itself; name another payer`);
  }

  /** attoFIL that it is to cost at least: what a part of a DAG comes to is told by its blocks alone. */
  private expected(quote: QueryResponse): bigint {
    return this.order.select === undefined ? priceOf(quote) : quote.unsealPrice;
  }

  private arrived(number: number, bytes: number): void {
    if (number <= this.deal.links) return;
    this.record = { ...this.deal, links: number, bytes: this.deal.bytes + bytes };
    this.order.onProgress?.(this.progress);
    this.payIfDue();
  }

  private heard({ type, accepted, result }: TransferResponse): void {
    if (type === "new" && accepted) this.wasAccepted = true;
    if (result.type === "") return;
    let response: DealResponse;
    try {
      response = readResponse(result);
    } catch (error) {
      this.parts.streams.report(this.peer, "badFrame");
      this.failed.abort(error);
      return;
    }
    if (response.message !== "") this.refusal = response.message;
    const asks = [DEAL_STATUS.fundsNeeded, DEAL_STATUS.fundsNeededUnseal, DEAL_STATUS.fundsNeededLastPayment];
    if (!(asks as readonly number[]).includes(response.status)) return;
    this.isAsked = true;
    this.payIfDue();
  }

  /** Pays, if it was asked for and is due by this node's own reckoning; one payment at a time. */
  private payIfDue(): void {
    if (!this.isAsked || this.paying !== null || this.failed.signal.aborted || this.order.signal.aborted) return;
    const total = this.dueNow();
    const { unsaid } = this;
    if (total === null && unsaid === null) return;
    this.isAsked = false;
    // Each payment is over all that was paid before, too.
    this.paying = (total === null ? this.tell(unsaid as TypedVoucher) : this.pay(total))
      .catch((error: unknown) => this.failed.abort(error))
      .finally(() => {
        this.paying = null;
        this.payIfDue();
      });
  }

  /** attoFIL, in all, that is due; null for nothing. Blocks that are verified count, whatever the provider says it sent. */
  private dueNow(): bigint | null {
    const { terms, bytes, paid } = this.deal;
    const { pricePerByte, unsealPrice } = terms;
    const total = unsealPrice + BigInt(bytes) * pricePerByte;
    if (total <= paid) return null;
    if (paid < unsealPrice || this.hasAll) return total;
    const paidBytes = pricePerByte === 0n ? 0n : (paid - unsealPrice) / pricePerByte;
    return bytes >= nextPayPoint(terms, Number(paidBytes)) ? total : null;
  }

  private async pay(total: bigint): Promise<void> {
    const { order, quote, deal } = this;
    const to = quote?.paymentAddress ?? null;
    const limit = order.maxPrice - this.spentBefore;
    if (total > limit) throw tooDear(total, limit);
    if (order.from === null || to === null)
      throw new RetrievalError({ code: "NO_PAYER" }, "the provider asks for payment where none was agreed on");
    const { payer, reserves, book } = this.parts;
    if (total > deal.reserved) {
      const { reserved } = deal;
      const expected = this.expected(quote as QueryResponse);
      const more = nextReserve(reserved, total, expected, order.fundStep ?? null, limit);
      const set = (record: TakenDeal): void => void (this.record = record);
      const keep = (record: TakenDeal): Promise<void> => this.keep(record);
      const channel = await reserves.add(() => this.deal, set, keep, [order.from, to], more, order.signal);
      this.lane ??= { channel, lane: await payer.lane(channel) };
      if (!this.lane.channel.equals(channel))
        throw new RetrievalError({ code: "FAILED", tried: [] }, `channel ${this.lane.channel} was closed meanwhile`);
    }
    const { channel, lane } = this.lane as PaymentLane;
    // It is paid as soon as somebody has it: the deal says so from the moment that there is one.
    const paid = { ...this.deal, paid: total, channel: `${channel}`, lane: `${lane}`, at: this.parts.now() };
    const { records, done } = book().noteTaken(paid);
    const voucher = await payer.pay({ channel, lane }, total, {
      records,
      done: () => {
        done();
        this.record = { ...this.deal, ...{ paid: total, channel: paid.channel, lane: paid.lane, at: paid.at } };
      },
    });
    await this.tell(paymentVoucher({ id: deal.id, channel, voucher }));
  }

  /** A payment that does not reach the provider is said again when it asks. */
  private async tell(payment: TypedVoucher): Promise<void> {
    this.last = payment;
    this.unsaid = payment;
    try {
      await this.parts.transfers.sendVoucher(this.peer, this.deal.id, payment);
      this.unsaid = null;
    } catch (error) {
      if (!isFilError(error, "UNREACHABLE")) throw error;
    }
  }
}

/** attoFIL that all of it costs, as far as the provider says how much it is. */
export function priceOf({ size, pricePerByte, unsealPrice }: QueryResponse): bigint {
  return unsealPrice + BigInt(size) * pricePerByte;
}

function tooDear(price: bigint, limit: bigint): RetrievalError {
  return new RetrievalError(
    { code: "TOO_DEAR", price: `${price}`, limit: `${limit}` },
    `it costs ${filText(price)}, and ${filText(limit < 0n ? 0n : limit)} may be spent`,
  );
}

/** A number of chance for a deal; 48 bits, which JSON bears too. */
export function newDealId(randomBytes: (length: number) => Uint8Array): bigint {
  return randomBytes(6).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Links of a walk, the first ones without a gap, whose blocks are here; and whether those are all. */
async function linksHere(
  store: ClientStore,
  { root, select, signal }: RetrievalOrder,
): Promise<{ readonly links: number; readonly isWhole: boolean }> {
  const traversal = new Traversal(root, new Selection(select?.selector ?? WHOLE_DAG));
  let links = 0;
  for (let wanted = traversal.next(); wanted !== null; wanted = traversal.next()) {
    signal.throwIfAborted();
    links++;
    // Who gives it does not walk below it again either.
    if (wanted.isDone) {
      traversal.skip();
      continue;
    }
    const bytes = inlineBlock(wanted.cid) ?? (await store.get(wanted.cid.bytes));
    if (bytes === undefined) return { links: links - 1, isWhole: false };
    traversal.give(bytes);
  }
  return { links, isWhole: true };
}
