/**
 * What a retrieval sets aside in a payment channel: put in a step at a time, noted with the deal, and given back as far as it
 * was not spent when the deal ends, also after the process ended in the middle of it.
 */
import { isFilError } from "../../base/errors.ts";
import type { Address } from "../../types/address.ts";
import { Address as AddressOf } from "../../types/address.ts";
import { parseCid } from "../../types/cid.ts";
import type { RetrievalBook, TakenDeal } from "./book.ts";
import type { Payer } from "./payments.ts";

/**
 * attoFIL to set aside next: what lacks to `total`, and beyond it what the deal is expected to cost in all, a step at a time.
 * Never more than `limit` in all, which `total` is within.
 */
export function nextReserve(
  reserved: bigint,
  total: bigint,
  expected: bigint,
  step: bigint | null,
  limit: bigint,
): bigint {
  const lacks = total - reserved;
  const ahead = expected - reserved;
  const wanted = step === null || ahead < step ? ahead : step;
  const most = limit - reserved;
  const more = wanted > lacks ? wanted : lacks;
  return more < most ? more : most;
}

export class Reserves {
  private readonly payer: Payer;
  private readonly book: () => RetrievalBook;

  constructor(payer: Payer, book: () => RetrievalBook) {
    this.payer = payer;
    this.book = book;
  }

  /** Sets an amount aside for a deal. `set`: its record has changed, and is kept as it is; `keep` keeps it. */
  async add(
    deal: () => TakenDeal,
    set: (deal: TakenDeal) => void,
    keep: (deal: TakenDeal) => Promise<void>,
    [from, to]: readonly [Address, Address],
    amount: bigint,
    signal: AbortSignal,
  ): Promise<Address> {
    const channel = await this.payer.reserve(
      from,
      to,
      amount,
      (message, known) => {
        // More may come while it is written.
        const after = (one: TakenDeal): TakenDeal =>
          message === null
            ? { ...one, channel: `${known}`, reserved: one.reserved + amount }
            : { ...one, pending: { message: `${message}`, amount } };
        const { records, done } = this.book().noteTaken(after(deal()));
        return {
          records,
          done: () => {
            done();
            set(after(deal()));
          },
        };
      },
      signal,
    );
    const { pending } = deal();
    if (pending !== null) await keep(arrived(deal(), channel));
    return channel;
  }

  /** Gives back what a deal that has ended did not spend. */
  async giveBack(id: bigint, signal: AbortSignal): Promise<void> {
    const book = this.book();
    let deal = book.takenOf(id);
    if (deal === undefined) return;
    if (deal.pending !== null) {
      const channel = await this.outcome(deal.pending.message, signal);
      deal = channel === null ? { ...deal, pending: null } : arrived(deal, channel);
      await book.putTaken(deal);
    }
    if (deal.channel === null || deal.reserved <= deal.paid) return;
    const over = { ...deal, reserved: deal.paid };
    await this.payer.release(AddressOf.parse(deal.channel), deal.reserved - deal.paid, book.noteTaken(over));
  }

  /** The channel, once the message has done its part; null if it failed. Rejects with the signal's reason. */
  private async outcome(message: string, signal: AbortSignal): Promise<Address | null> {
    try {
      return await this.payer.reserved(parseCid(message), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isFilError(error) && !isFilError(error, "CLOSED")) return null;
      throw error;
    }
  }
}

function arrived(deal: TakenDeal, channel: Address): TakenDeal {
  return { ...deal, channel: `${channel}`, reserved: deal.reserved + (deal.pending?.amount ?? 0n), pending: null };
}
