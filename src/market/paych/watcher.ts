/**
 * Watches the channels that pay this node: when one begins to settle, its best vouchers are submitted before it closes, and
 * a voucher that is about to expire is submitted while it counts. Looks again at every head until the chain has seen them.
 * Source: lotus paychmgr/settler at b835fab702eb, which looks once and only at the message that settles.
 */
import { describeError } from "../../base/errors.ts";
import { Turns } from "../../base/turns.ts";
import type { Channel, KeptVoucher } from "./book.ts";
import type { ChannelView } from "./chain-access.ts";
import { isOpenAt, redeemAll, tryRedeem } from "./lanes.ts";
import type { PaychManager } from "./manager.ts";
import type { Vouchers } from "./vouchers.ts";

/** Epochs before a voucher's last one in which it is submitted: two hours. */
const EXPIRY_MARGIN = 240n;
/** Epochs before a voucher is tried again that could not be submitted. */
const RETRY_EPOCHS = 10;
const NOTHING = new Uint8Array(0);

export type WatchNote =
  | { readonly kind: "submitted"; readonly channel: string; readonly lane: bigint; readonly message: string }
  | { readonly kind: "refused"; readonly channel: string; readonly lane: bigint; readonly why: string };

export class PaychWatcher {
  private readonly channels: PaychManager;
  private readonly vouchers: Vouchers;
  private readonly onNote: (note: WatchNote) => void;
  private readonly turns = new Turns();
  /** By channel and number: a record is written anew when its message is refused. */
  private readonly refusedAt = new Map<string, number>();
  private waiting = false;
  private closed = false;

  constructor(channels: PaychManager, vouchers: Vouchers, onNote: (note: WatchNote) => void = () => undefined) {
    this.channels = channels;
    this.vouchers = vouchers;
    this.onNote = onNote;
  }

  /** Looks at all channels on top of the head; one look at a time, and one more for all heads that came meanwhile. */
  headMoved(): void {
    if (this.waiting || this.closed) return;
    this.waiting = true;
    this.turns
      .run(async () => {
        this.waiting = false;
        await this.look();
      })
      .catch(() => undefined);
  }

  /** Resolves when all that was called for has been looked at. */
  idle(): Promise<void> {
    return this.turns.idle();
  }

  /** Forgets what was refused: the chain is another. */
  forget(): void {
    this.refusedAt.clear();
  }

  /** Looks no more, and ends when the look that is under way has. */
  async close(): Promise<void> {
    this.closed = true;
    await this.idle();
  }

  private async look(): Promise<void> {
    const { book, chain } = this.channels;
    for (const channel of book.channels()) {
      if (this.closed) return;
      if (channel.address === null || !chain.hasKey(channel.to)) continue;
      const open = book.vouchers(channel.id).filter(({ submitted }) => submitted === null);
      if (open.length === 0) continue;
      const view = await chain.channel(channel.address);
      if (view !== null) await this.lookAt(channel, view, open);
    }
  }

  private async lookAt(channel: Channel, view: ChannelView, open: readonly KeptVoucher[]): Promise<void> {
    const epoch = this.channels.chain.epoch + 1;
    const isSettling = view.settlingAt !== 0;
    if (isSettling && epoch >= view.settlingAt) return;
    const expires = ({ voucher }: KeptVoucher): boolean =>
      voucher.timeLockMax !== 0n && voucher.timeLockMax - BigInt(epoch) <= EXPIRY_MARGIN;
    if (!isSettling && !open.some(expires)) return;
    for (const one of await this.plan(channel, view, open, epoch)) {
      if (this.closed || (!isSettling && !expires(one))) continue;
      await this.submit(channel, one, epoch);
    }
  }

  /**
   * Vouchers that could be redeemed one after the other, the best of each lane. Those that merge lanes come first if all these
   * are on the chain, and make the vouchers there void; else last, since a lane must be there to be merged.
   */
  private async plan(
    channel: Channel,
    view: ChannelView,
    open: readonly KeptVoucher[],
    epoch: number,
  ): Promise<readonly KeptVoucher[]> {
    const sent = this.channels.book.vouchers(channel.id).filter(({ submitted }) => submitted !== null);
    let ledger = redeemAll(
      view.ledger,
      sent.map(({ voucher }) => voucher),
    );
    const plan: KeptVoucher[] = [];
    const lanes = new Set<bigint>();
    // The last of a lane first; lanes in the order in which they began.
    const rank = ({ voucher: { merges } }: KeptVoucher): number =>
      merges.length === 0 ? 0 : merges.every(({ lane }) => ledger.lanes.has(lane)) ? -1 : 1;
    const ranks = new Map(open.map((one) => [one, rank(one)] as const));
    const rankOf = (one: KeptVoucher): number => ranks.get(one) ?? 0;
    const best = [...open].sort((a, b) => rankOf(a) - rankOf(b) || Number(b.voucher.nonce - a.voucher.nonce));
    for (const one of best) {
      const { voucher } = one;
      if ((lanes.has(voucher.lane) && !hasMerges(one)) || !(await this.counts(channel, one, epoch))) continue;
      const after = tryRedeem(ledger, voucher);
      if (after === null || after.owed > view.balance) continue;
      ledger = after;
      lanes.add(voucher.lane);
      plan.push(one);
    }
    return plan;
  }

  /** Whether a voucher's conditions are met. */
  private async counts(channel: Channel, one: KeptVoucher, epoch: number): Promise<boolean> {
    const { chain } = this.channels;
    const { voucher, secret } = one;
    const refused = this.refusedAt.get(nameOf(channel, one));
    if (refused !== undefined && epoch < refused + RETRY_EPOCHS) return false;
    if (!isOpenAt(voucher, BigInt(epoch))) return false;
    if (voucher.secretHash.length > 0 && secret === null) return false;
    if (voucher.extra === null) return true;
    const opening = { secret: secret ?? NOTHING, proof: NOTHING };
    const address = channel.address as NonNullable<Channel["address"]>;
    return (await chain.tryOut(await chain.updateDraft(channel.to, address, voucher, opening))) === 0;
  }

  private async submit(channel: Channel, one: KeptVoucher, epoch: number): Promise<void> {
    const { lane } = one.voucher;
    const address = channel.address as NonNullable<Channel["address"]>;
    try {
      const message = await this.vouchers.submit(address, one.voucher);
      this.refusedAt.delete(nameOf(channel, one));
      this.onNote({ kind: "submitted", channel: `${address}`, lane, message: `${message}` });
    } catch (error) {
      if (this.refusedAt.size > 10_000) this.refusedAt.clear();
      this.refusedAt.set(nameOf(channel, one), epoch);
      this.onNote({ kind: "refused", channel: `${address}`, lane, why: describeError(error) });
    }
  }
}

const nameOf = ({ id }: Channel, { number }: KeptVoucher): string => `${id}/${number}`;
const hasMerges = ({ voucher }: KeptVoucher): boolean => voucher.merges.length > 0;
