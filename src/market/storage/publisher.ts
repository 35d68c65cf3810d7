/**
 * Publishing of deals that are ready, several in one message. A deal that the market would not take, tried alone, fails
 * alone. The message is on the disk, in the records of all its deals, before the pool has it.
 */
import { describeError } from "../../base/errors.ts";
import { sleepFor } from "../../base/sleep.ts";
import { Turns } from "../../base/turns.ts";
import type { Address } from "../../types/address.ts";
import { encodeSignedMessage, type SignedMessage, signedMessageCid } from "../../types/message.ts";
import type { MarketChain } from "./chain-access.ts";
import { DealError } from "./errors.ts";
import { type ProviderDeal, proposalOfDeal, signedOf } from "./provider-record.ts";
import type { RecordBook, Step } from "./record-book.ts";
import type { DealRules } from "./rules.ts";

export type PublisherOptions = {
  readonly book: () => RecordBook<ProviderDeal>;
  readonly chain: MarketChain;
  readonly rules: () => DealRules;
  /** A deal has gone on. */
  readonly onStep: (deal: string) => void;
  /** A deal fails: what else is to be done about it. */
  readonly failed: (deal: ProviderDeal) => Promise<Partial<ProviderDeal>>;
};

const RETRY_MS = 1000;
const RETRY_MOST_MS = 60_000;

export class Publisher {
  private readonly options: PublisherOptions;
  private readonly turns = new Turns();
  private readonly stopping = new AbortController();
  /** Milliseconds since 1970 from which on what waits is published; null while nothing waits. */
  private due: number | null = null;
  private wake: () => void = () => undefined;
  private running: Promise<void> | null = null;
  private failures = 0;

  constructor(options: PublisherOptions) {
    this.options = options;
  }

  /** Deals that wait to be published, in their order. */
  pending(): readonly ProviderDeal[] {
    return this.options
      .book()
      .all()
      .filter(({ state }) => state === "Publishing");
  }

  /** Until when they wait for others, milliseconds since 1970; null while none does. */
  get dueAt(): number | null {
    return this.pending().length === 0 ? null : this.due;
  }

  /** A deal is ready: it is published with those that become so within the delay. */
  ready(): void {
    if (this.running !== null || this.stopping.signal.aborted) return;
    const { publishDelayMs } = this.options.rules();
    // What could not be sent is tried again sooner or later than others are published, as often as it failed.
    const delay = this.failures === 0 ? publishDelayMs : Math.min(RETRY_MOST_MS, RETRY_MS * 2 ** (this.failures - 1));
    this.due = Date.now() + delay;
    this.running = this.afterDelay(delay).finally(() => {
      this.running = null;
      this.due = null;
      if (this.pending().length > 0) this.ready();
    });
  }

  isAtRest(): boolean {
    return this.running === null;
  }

  /** Publishes what waits, now. */
  now(): void {
    this.wake();
  }

  async stop(): Promise<void> {
    this.stopping.abort(new DealError({ code: "CLOSED" }, "the node is stopping"));
    await this.running;
    await this.turns.idle();
  }

  private async afterDelay(ms: number): Promise<void> {
    const { signal } = this.stopping;
    const early = new AbortController();
    this.wake = () => early.abort();
    const most = this.options.rules().maxDealsPerMessage;
    // Those that are ready at this moment go together even without a delay.
    await sleepFor(this.pending().length >= most ? 0 : ms, AbortSignal.any([signal, early.signal])).catch(
      () => undefined,
    );
    if (signal.aborted) return;
    const hasFailed = await this.publish().catch(() => true);
    this.failures = hasFailed ? this.failures + 1 : 0;
  }

  /** One message for each provider; what does not fit waits for the next. Resolves to whether something could not be sent. */
  private publish(): Promise<boolean> {
    return this.turns.run(async () => {
      const most = this.options.rules().maxDealsPerMessage;
      const byProvider = new Map<string, ProviderDeal[]>();
      for (const deal of this.pending()) {
        const name = `${proposalOfDeal(deal).provider}`;
        const list = byProvider.get(name) ?? [];
        if (list.length < most) byProvider.set(name, [...list, deal]);
      }
      let hasFailed = false;
      for (const deals of byProvider.values()) hasFailed = (await this.tried(deals)) || hasFailed;
      return hasFailed;
    });
  }

  /** What stands in one provider's way is told in its deals, and keeps no other's from being sent. */
  private async tried(deals: readonly ProviderDeal[]): Promise<boolean> {
    try {
      return await this.send(deals);
    } catch (error) {
      for (const { id } of deals)
        if (this.options.book().get(id).state === "Publishing") await this.note({ id }, describeError(error));
      return true;
    }
  }

  private async send(wanted: readonly ProviderDeal[]): Promise<boolean> {
    const { chain, book } = this.options;
    const [first] = wanted;
    if (first === undefined) return false;
    const from = await senderOf(chain, proposalOfDeal(first).provider);
    const good: ProviderDeal[] = [];
    for (const deal of wanted) {
      const exit = await chain.messages.tryOut(chain.publishDraft(from, [signedOf(deal)]));
      if (exit === 0) good.push(deal);
      else await this.refused(deal, exit);
    }
    if (good.length === 0) return false;
    try {
      await chain.messages.send(chain.publishDraft(from, good.map(signedOf)), (signed) => this.keep(good, signed));
      return false;
    } catch (error) {
      // Once the records have the message it is theirs to send again.
      if (book().get((good[0] as ProviderDeal).id).state !== "Publishing") return false;
      if (good.length === 1) {
        await this.note(first, describeError(error));
        return true;
      }
      // Together they may be more than a client has.
      let hasFailed = false;
      for (const deal of good) hasFailed = (await this.send([deal])) || hasFailed;
      return hasFailed;
    } finally {
      for (const { id } of good) this.options.onStep(id);
    }
  }

  /** Writes a message into the records of its deals. */
  private keep(deals: readonly ProviderDeal[], signed: SignedMessage): Promise<void> {
    const cid = `${signedMessageCid(signed)}`;
    const bytes = encodeSignedMessage(signed);
    const steps = deals.map(({ id }, index): Step<ProviderDeal> => {
      const change = { state: "PublishWait", publish: { cid, bytes, index }, error: "" } as const;
      return { id, event: "sent", text: `message ${cid}, place ${index}`, change };
    });
    return this.options.book().stepAll("Publishing", steps);
  }

  private async note({ id }: Pick<ProviderDeal, "id">, text: string): Promise<void> {
    const book = this.options.book();
    if (book.get(id).error !== text) await book.step({ id, event: "waiting", text, change: { error: text } });
  }

  /** The market would not take a deal: why, as far as the chain tells. */
  private async refused(deal: ProviderDeal, exit: number): Promise<void> {
    const { chain, book, failed } = this.options;
    const isThere = await chain.isPublished(proposalOfDeal(deal));
    const text = isThere
      ? "the market has this proposal already"
      : `the market does not take the deal: exit code ${exit}, as when the client's escrow does not cover it any more`;
    await book().end({ id: deal.id, event: "failed", text, change: { error: text } }, deal.steps, () => failed(deal));
    this.options.onStep(deal.id);
  }
}

/** Who sends a provider's messages to the market. */
export async function senderOf(chain: MarketChain, provider: Address): Promise<Address> {
  const { senders } = await chain.provider(provider);
  const found = senders.find((one) => chain.messages.hasKey(one));
  if (found !== undefined) return found;
  throw new DealError({ code: "NOT_A_PROVIDER" }, `no key of a worker or control address of ${provider} is here`);
}
