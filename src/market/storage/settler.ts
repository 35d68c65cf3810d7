/**
 * Payments of active deals. From actors v13 on the market makes none by itself (FIP-0074): a provider asks for them, several deals in
 * one message, at each deal's end and every so many epochs before it. The message is on the disk, in the records of all its deals,
 * before the pool has it.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { describeError } from "../../base/errors.ts";
import { Turns } from "../../base/turns.ts";
import { bytesToBig } from "../../types/amount.ts";
import { encodeSignedMessage, signedMessageCid } from "../../types/message.ts";
import type { MarketChain, OnChainDeal } from "./chain-access.ts";
import { DealError } from "./errors.ts";
import { type ProviderDeal, proposalOfDeal } from "./provider-record.ts";
import { senderOf } from "./publisher.ts";
import type { RecordBook, Step } from "./record-book.ts";

export type SettlerOptions = {
  readonly book: () => RecordBook<ProviderDeal>;
  readonly chain: MarketChain;
  /** Epochs between two payments of a deal; 0: it is paid at its end alone. */
  readonly every: () => number;
  /** A deal has gone on. */
  readonly onStep: (deal: string) => void;
};

/** A message that asks for payments, and the proposals of its deals. */
export type Settlement = { readonly message: string; readonly deals: readonly string[] };
/** What a message paid for a deal, attoFIL; or the exit code of a deal that it could not pay for. */
export type Paid = { readonly payment: bigint } | { readonly exitCode: number };

/** Deals of one message: some 10^7 gas each, of 10^10 of a block. */
const MOST_DEALS = 256;

export class Settler {
  private readonly options: SettlerOptions;
  private readonly turns = new Turns();
  private isDue = false;
  private hasStopped = false;

  constructor(options: SettlerOptions) {
    this.options = options;
  }

  /** A deal is to be paid: it is, with all others that are due by then. */
  ready(): void {
    if (this.isDue || this.hasStopped) return;
    this.isDue = true;
    void this.turns
      .run(() =>
        this.settle((deal, onChain) => isPayable(deal, onChain, this.options.chain.epoch, this.options.every())),
      )
      // Whoever waits for it asks again.
      .catch(() => undefined)
      .finally(() => {
        this.isDue = false;
      });
  }

  /** Asks for what active deals have earned by now; `wanted`: their names, null for all. Throws `DealError` BAD_ARGUMENT, WRONG_STATE. */
  now(wanted: readonly string[] | null): Promise<readonly Settlement[]> {
    const { chain, book } = this.options;
    if (!chain.paysWhenAsked)
      throw new DealError(
        { code: "BAD_ARGUMENT" },
        "the market pays by itself on this network: from network version 22 on it is asked",
      );
    for (const id of wanted ?? []) {
      const { state } = book().get(id);
      if (state !== "Active")
        throw new DealError({ code: "WRONG_STATE", deal: id, state }, `deal ${id} is in state ${state}, not Active`);
    }
    return this.turns.run(() =>
      this.settle(({ id }, onChain) => (wanted?.includes(id) ?? true) && earnsAt(onChain, chain.epoch)),
    );
  }

  isAtRest(): boolean {
    return !this.isDue;
  }

  async stop(): Promise<void> {
    this.hasStopped = true;
    await this.turns.idle();
  }

  /**
   * One message for each provider, or several where deals are many. What cannot be sent keeps no other from being sent; throws what kept
   * one of them, and says how many went.
   */
  private async settle(wanted: (deal: ProviderDeal, onChain: OnChainDeal) => boolean): Promise<readonly Settlement[]> {
    const { book, chain } = this.options;
    const byProvider = new Map<string, ProviderDeal[]>();
    for (const deal of book().all()) {
      if (deal.state !== "Active" || deal.dealId === null) continue;
      const onChain = await chain.deal(deal.dealId);
      if (onChain === null || !wanted(deal, onChain)) continue;
      const name = `${proposalOfDeal(deal).provider}`;
      byProvider.set(name, [...(byProvider.get(name) ?? []), deal]);
    }
    const sent: Settlement[] = [];
    const failures: unknown[] = [];
    for (const all of byProvider.values()) {
      const deals = all.sort((a, b) => (a.dealId as number) - (b.dealId as number));
      for (let at = 0; at < deals.length && !this.hasStopped; at += MOST_DEALS)
        await this.send(deals.slice(at, at + MOST_DEALS)).then(
          (one) => sent.push(one),
          (error: unknown) => failures.push(error),
        );
    }
    if (failures.length === 0) return sent;
    const [first] = failures;
    if (sent.length === 0 && failures.length === 1) throw first;
    throw new DealError(
      { code: "MESSAGE_FAILED" },
      `${sent.length} messages were sent, ${failures.length} could not be, the first of them because ${describeError(first)}`,
      { cause: first },
    );
  }

  private async send(deals: readonly ProviderDeal[]): Promise<Settlement> {
    const { book, chain, onStep } = this.options;
    const [first] = deals as readonly [ProviderDeal];
    let message = "";
    try {
      const from = await senderOf(chain, proposalOfDeal(first).provider);
      const draft = chain.settleDraft(
        from,
        deals.map(({ dealId }) => dealId as number),
      );
      await chain.messages.send(draft, (signed) => {
        message = `${signedMessageCid(signed)}`;
        const bytes = encodeSignedMessage(signed);
        const steps = deals.map(({ id }, index): Step<ProviderDeal> => {
          const change = { state: "Settling", settle: { cid: message, bytes, index }, error: "" } as const;
          return { id, event: "settling", text: `message ${message}, place ${index}`, change };
        });
        return book().stepAll("Active", steps);
      });
    } catch (error) {
      // Once the records have the message it is theirs to send again.
      if (message === "" || book().get(first.id).settle?.cid !== message) {
        await this.note(deals, describeError(error));
        throw error;
      }
    } finally {
      for (const { id } of deals) onStep(id);
    }
    return { message, deals: deals.map(({ id }) => id) };
  }

  private async note(deals: readonly ProviderDeal[], why: string): Promise<void> {
    const book = this.options.book();
    const text = `its payments could not be asked for: ${why}`;
    for (const { id } of deals) {
      const { state, error, steps } = book.get(id);
      if (state === "Active" && error !== text)
        await book.step({ id, event: "waiting", text, change: { error: text } }, steps);
    }
  }
}

/** Whether a deal is active and has begun. */
function earnsAt({ proposal, activated, slashed }: OnChainDeal, epoch: number): boolean {
  return activated !== null && slashed === null && epoch >= Number(proposal.startEpoch);
}

/**
 * Whether a deal's payments are to be asked for: it has ended, or the epochs between two payments have come round. They begin at
 * multiples of their number, so that deals of whatever start are paid for together.
 */
export function isPayable(
  { settleFrom = 0 }: Pick<ProviderDeal, "settleFrom">,
  onChain: OnChainDeal,
  epoch: number,
  every: number,
): boolean {
  const { proposal, updated } = onChain;
  if (!earnsAt(onChain, epoch) || epoch < settleFrom) return false;
  if (epoch >= Number(proposal.endEpoch)) return true;
  const paidUntil = Math.max(Number(proposal.startEpoch), updated ?? 0);
  return every > 0 && epoch - paidUntil >= every / 2 && Math.floor(epoch / every) > Math.floor(paidUntil / every);
}

/** What a message came to for the deal at an index of it. Source: builtin-actors v18.0.0 actors/market/src/types.rs (SettleDealPaymentsReturn). */
export function paidIn(returned: Uint8Array, index: number): Paid {
  type Failed = readonly (readonly [index: number, exitCode: number])[];
  const [[, failed], settlements] = dagCbor.decode(returned) as [
    readonly [number, Failed],
    readonly (readonly [Uint8Array, boolean])[],
  ];
  const own = failed.find(([at]) => at === index);
  if (own !== undefined) return { exitCode: own[1] };
  const [payment] = settlements[index - failed.filter(([at]) => at < index).length] ?? [new Uint8Array(0)];
  return { payment: bytesToBig(payment) };
}
