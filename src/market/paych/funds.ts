/**
 * Requests for funds in the channel of a pair: they queue while a message is under way, and what one message can do for all
 * of them is done by one message. Pure bookkeeping; who sends is `manager.ts`.
 * Source: lotus paychmgr/simple.go at b835fab702eb.
 */
import type { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import type { CID } from "../../types/cid.ts";
import type { Note } from "./book.ts";
import { PaychError } from "./errors.ts";

export type FundOptions = {
  /** Sets the amount aside for the caller; else it is put in for whoever reserves it later. */
  readonly reserve: boolean;
  /** Only what is in the channel already: nothing is sent. */
  readonly offChain: boolean;
};

/** The channel, if it is made; the message to wait for, if there is one. */
export type Funded = { readonly channel: Address | null; readonly message: CID | null };

/** What is noted of an amount that is set aside: in the channel, or by a message that puts it there. */
export type ReserveNote = (message: CID | null, channel: Address | null) => Note;

export class FundRequest {
  /** attoFIL */
  readonly amount: bigint;
  readonly options: FundOptions;
  readonly note: ReserveNote | null;
  readonly answer: Promise<Funded>;
  private resolve!: (funded: Funded) => void;
  private reject!: (error: unknown) => void;
  private ended = false;
  private begun = false;

  constructor(amount: bigint, options: FundOptions, signal?: AbortSignal, note: ReserveNote | null = null) {
    this.note = note;
    this.amount = amount;
    this.options = options;
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    if (signal?.aborted === true) this.giveUp(signal.reason);
    signal?.addEventListener("abort", () => this.giveUp(signal.reason), { once: true });
  }

  /** It is being served: who asked gets it, and is told, even if it is given up meanwhile. */
  begin(): void {
    this.begun = true;
  }

  giveUp(reason: unknown): void {
    if (!this.begun) this.fail(reason);
  }

  /** Whether somebody waits for it. */
  get isActive(): boolean {
    return !this.ended;
  }

  settle(funded: Funded): void {
    this.ended = true;
    this.resolve(funded);
  }

  fail(error: unknown): void {
    this.ended = true;
    this.reject(error);
  }
}

/** Off-chain first, then what reserves, each with the smallest first. */
export function inOrder(requests: readonly FundRequest[]): FundRequest[] {
  const rank = ({ options }: FundRequest): number => (options.offChain ? 0 : options.reserve ? 1 : 2);
  return requests
    .filter(({ isActive }) => isActive)
    .sort((a, b) => rank(a) - rank(b) || (a.amount < b.amount ? -1 : a.amount > b.amount ? 1 : 0));
}

export const sumOf = (requests: readonly FundRequest[]): bigint =>
  requests.reduce((sum, { amount }) => sum + amount, 0n);

export const notesOf = (
  requests: readonly FundRequest[],
  message: CID | null,
  channel: Address | null,
): readonly Note[] => requests.flatMap(({ note }) => (note === null ? [] : [note(message, channel)]));

/** What of some requests nobody reserves. */
export const unreserved = (requests: readonly FundRequest[]): bigint =>
  sumOf(requests.filter(({ options }) => !options.reserve));

export type Filled = {
  /** Those that the free funds cover. */
  readonly covered: readonly FundRequest[];
  /** Off-chain requests that they do not cover. */
  readonly refused: readonly FundRequest[];
  /** Those for which a message is needed. */
  readonly rest: readonly FundRequest[];
};

/** Which of some requests (`inOrder`) `available` attoFIL cover, the first ones first. */
export function fill(requests: readonly FundRequest[], available: bigint): Filled {
  const covered: FundRequest[] = [];
  const refused: FundRequest[] = [];
  let left = available;
  for (const [i, request] of requests.entries()) {
    const { amount, options } = request;
    if (options.reserve && amount <= left) {
      left -= amount;
      covered.push(request);
    } else if (options.offChain) refused.push(request);
    else return { covered, refused, rest: requests.slice(i) };
  }
  return { covered, refused, rest: [] };
}

/** `amount` is what would have to be put in. */
export function notEnough(from: string, to: string, amount: bigint, exists: boolean): PaychError {
  const next = `filigree paych add-funds ${from} ${to} "${filText(amount)}"`;
  const why = exists
    ? `not enough funds available in the payment channel; add some: ${next}`
    : `payment channel doesn't exist; create it: ${next}`;
  return new PaychError({ code: "NOT_ENOUGH_FUNDS" }, why);
}
