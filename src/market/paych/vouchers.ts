/**
 * Vouchers of a node's channels: made, checked, taken in, submitted. A voucher that this makes or takes in is on the disk
 * before the caller has it.
 * Source: lotus paychmgr/paych.go at b835fab702eb; of it, the checks of one that has conditions are ours.
 */
import { equal } from "../../base/bytes.ts";
import { sleepFor } from "../../base/sleep.ts";
import type { Address } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import {
  checkVoucherFields,
  encodeVoucher,
  MAX_LANE,
  type Merge,
  type SignedVoucher,
  signingBytes,
} from "../../types/voucher.ts";
import type { Channel, KeptVoucher, Note } from "./book.ts";
import type { ChannelView, Opening } from "./chain-access.ts";
import { badVoucher, PaychError, shortOf } from "./errors.ts";
import { checkLanesFree, hasConditions, type Ledger, redeem, redeemAll } from "./lanes.ts";
import type { PaychManager } from "./manager.ts";
import { checkClaims, checkLast, takesOver } from "./reconcile.ts";
import { partsOf, type Schedule } from "./schedule.ts";

/** What a voucher shall say; the rest is nothing. */
export type Wanted = Pick<SignedVoucher, "lane" | "amount"> &
  Partial<Pick<SignedVoucher, "timeLockMin" | "timeLockMax" | "secretHash" | "extra" | "minSettleHeight">> & {
    /** Lanes that it takes over. */
    readonly merges?: readonly bigint[];
  };

/** A voucher, or what the channel lacks for it, attoFIL. */
export type Made =
  | { readonly voucher: SignedVoucher; readonly shortfall: 0n }
  | { readonly voucher: null; readonly shortfall: bigint };

/** Vouchers of one channel. */
const MAX_VOUCHERS = 1_000_000;
function full(): never {
  throw new PaychError({ code: "LIMIT" }, `the channel has ${MAX_VOUCHERS} vouchers; settle it and use another`);
}
const NEVER = new AbortController().signal;
/** Vouchers that are signed before other work gets its turn. */
const SIGNED_A_TURN = 8;
const NOTHING = new Uint8Array(0);
const NO_OPENING: Opening = { secret: NOTHING, proof: NOTHING };

export class Vouchers {
  private readonly channels: PaychManager;

  constructor(channels: PaychManager) {
    this.channels = channels;
  }

  /** Vouchers of a channel in the order in which they came. */
  async list(address: Address): Promise<readonly KeptVoucher[]> {
    const { id } = await this.channels.tracked(address);
    return this.channels.book.vouchers(id);
  }

  /** Makes and signs the next voucher of a lane; `amount` is the lane's new total. `note` is kept with it. */
  create(address: Address, wanted: Wanted, note?: () => Note): Promise<Made> {
    return this.channels.change(address, async (channel) => {
      const view = await this.channels.view(address);
      const voucher = this.sign(channel, view, wanted);
      try {
        await this.keep(channel, view, voucher, null, 0n, note);
        return { voucher, shortfall: 0n };
      } catch (error) {
        if (error instanceof PaychError && error.data.code === "SHORTFALL")
          return { voucher: null, shortfall: BigInt(error.data.shortfall) };
        throw error;
      }
    });
  }

  /**
   * Makes the vouchers of a schedule in a lane that nobody else is given, all or none, in one write; or tells what the channel
   * lacks for them, attoFIL.
   */
  async schedule(
    address: Address,
    schedule: Schedule,
  ): Promise<{ readonly vouchers: readonly SignedVoucher[]; readonly shortfall: bigint }> {
    const parts = partsOf(schedule);
    return this.channels.change(address, async (channel) => {
      const view = await this.channels.view(address);
      const { nextLane: lane } = channel;
      const kept = this.channels.book.vouchers(channel.id);
      if (kept.length + parts.length > MAX_VOUCHERS) full();
      const made: SignedVoucher[] = [];
      for (const part of parts) {
        made.push(this.sign(channel, view, { ...part, lane }, BigInt(made.length)));
        if (made.length % SIGNED_A_TURN === 0) await sleepFor(0, NEVER);
      }
      // The last one is over all that the others are.
      const last = made.at(-1) as SignedVoucher;
      try {
        await this.check(...([channel.address as Address, view, kept.map(({ voucher }) => voucher), last] as const));
      } catch (error) {
        if (error instanceof PaychError && error.data.code === "SHORTFALL")
          return { vouchers: [], shortfall: BigInt(error.data.shortfall) };
        throw error;
      }
      await this.channels.book.write({
        channel: { ...channel, nextLane: lane + 1n },
        vouchers: made.map((voucher, i) => ({ number: kept.length + i, voucher, secret: null, submitted: null })),
      });
      return { vouchers: made, shortfall: 0n };
    });
  }

  /** `ahead`: vouchers of the lane that are made and not kept yet. */
  private sign(channel: Channel, view: ChannelView, wanted: Wanted, ahead = 0n): SignedVoucher {
    const { chain } = this.channels;
    if (!chain.hasKey(channel.from))
      throw new PaychError(
        { code: "NO_KEY", channel: `${channel.address}` },
        "this node does not have the payer's key",
      );
    if (wanted.lane > MAX_LANE) throw new PaychError({ code: "BAD_ARGUMENT" }, `lane ${wanted.lane} is above 2^63 - 1`);
    const kept = this.channels.book.vouchers(channel.id).map(({ voucher }) => voucher);
    const next = (lane: bigint): bigint =>
      kept.reduce(
        (most, one) => (one.lane === lane && one.nonce >= most ? one.nonce + 1n : most),
        (view.ledger.lanes.get(lane)?.nonce ?? 0n) + 1n,
      );
    const merges = (wanted.merges ?? []).map((lane): Merge => ({ lane, nonce: next(lane) }));
    const bare = checkVoucherFields({
      ...{ timeLockMin: 0n, timeLockMax: 0n, secretHash: NOTHING, extra: null, minSettleHeight: 0n },
      ...wanted,
      channel: view.namedById ? view.id : (channel.address as Address),
      nonce: next(wanted.lane) + ahead,
      merges,
      signature: null,
    });
    return { ...bare, signature: chain.sign(channel.from, signingBytes(bare)) };
  }

  /**
   * Takes a voucher in. Gives what it is surely worth beyond those before it, attoFIL: one with conditions is kept and worth
   * nothing. Throws `PaychError` if it does not count, or is worth less than `least`. What `note` makes of its worth is kept
   * with a voucher that was not here before.
   */
  async add(
    address: Address,
    voucher: SignedVoucher,
    least: bigint,
    secret: Uint8Array = NOTHING,
    note?: (gained: bigint) => Note,
  ): Promise<bigint> {
    const { view } = await this.inbound(address);
    return this.channels.change(address, (channel) =>
      this.keep(channel, view, voucher, secret.length === 0 ? null : secret, least, note),
    );
  }

  /**
   * Makes one voucher over `value` that takes over the lanes of some others, which the payee gives up for it; the payer's side of
   * `reconcile.ts`. Gives the same one again if it was made before. Throws `PaychError` REFUSED or BAD_VOUCHER.
   */
  combine(address: Address, claims: readonly SignedVoucher[], value: bigint, least: bigint): Promise<SignedVoucher> {
    return this.channels.change(address, async (channel) => {
      const view = await this.channels.view(address);
      const known = this.channels.book.vouchers(channel.id).map(({ voucher }) => voucher);
      for (const claim of claims)
        if (!known.some((one) => sameVoucher(one, claim)))
          badVoucher(`voucher ${claim.nonce} of lane ${claim.lane} is none that this node made`);
      const again = known.find((one) => one.amount === value && takesOver(one, claims));
      if (again !== undefined) return again;
      checkClaims(view.ledger, claims, value, least);
      checkLast(known, claims);
      for (const claim of claims)
        if (!(await this.checkSpendable(address, claim)))
          badVoucher(`voucher ${claim.nonce} of lane ${claim.lane} could not be redeemed now`);
      const merges = claims.map(({ lane }) => lane);
      const voucher = this.sign(channel, view, { lane: channel.nextLane, amount: value, merges });
      await this.keep(channel, view, voucher, null, 0n, undefined, true);
      return voucher;
    });
  }

  /** Takes in what the payer has made of some vouchers for `value`; throws `PaychError` BAD_VOUCHER if it is anything else. */
  async takeCombined(
    address: Address,
    claims: readonly SignedVoucher[],
    value: bigint,
    combined: SignedVoucher,
  ): Promise<void> {
    const { view } = await this.inbound(address);
    await this.channels.change(address, (channel) => {
      const known = this.channels.book.vouchers(channel.id).map(({ voucher }) => voucher);
      const isUsed = (lane: bigint): boolean =>
        view.ledger.lanes.has(lane) || known.some((one) => one.lane === lane && !sameVoucher(one, combined));
      if (hasConditions(combined) || combined.minSettleHeight !== 0n)
        badVoucher("the combined voucher has conditions that nobody asked for");
      if (combined.amount !== value || !takesOver(combined, claims) || isUsed(combined.lane))
        badVoucher("the combined voucher is not the one that was asked for");
      // One that came while the payer was asked.
      checkLast(known, claims);
      return this.keep(channel, view, combined, null, 0n, undefined, true);
    });
  }

  private async inbound(address: Address): Promise<{ readonly view: ChannelView }> {
    const view = await this.channels.view(address);
    if (!this.channels.chain.hasKey(view.to) && !this.channels.chain.hasKey(view.from))
      throw new PaychError(
        { code: "NO_KEY", channel: `${address}` },
        `cannot add voucher for channel ${address}: wallet does not have key for address ${view.to}`,
      );
    return { view };
  }

  /** Checks a voucher of a channel and keeps it; within the channel's turn. */
  private async keep(
    channel: Channel,
    view: ChannelView,
    voucher: SignedVoucher,
    secret: Uint8Array | null,
    least: bigint,
    note?: (gained: bigint) => Note,
    agreed = false,
  ): Promise<bigint> {
    const kept = this.channels.book.vouchers(channel.id);
    const same = kept.find((one) => sameVoucher(one.voucher, voucher));
    if (same !== undefined) {
      if (secret !== null && same.secret === null)
        await this.channels.book.write({ channel, vouchers: [{ ...same, secret }] });
      return 0n;
    }
    if (secret !== null && !equal(this.channels.chain.hash(secret), voucher.secretHash))
      badVoucher("the secret is not the one that the voucher is locked with");
    const known = kept.map((one) => one.voucher);
    await this.check(channel.address as Address, view, known, voucher, agreed);
    const gained = sureGain(view.ledger, known, voucher);
    if (gained < least)
      throw new PaychError(
        { code: "TOO_LITTLE", gained: gained.toString(), wanted: least.toString() },
        `addVoucher: supplied token amount too low; minD=${least}, D=${gained}; v.Amt=${voucher.amount}${
          hasConditions(voucher) ? "; a voucher with conditions is worth nothing until it is redeemed" : ""
        }`,
      );
    if (kept.length >= MAX_VOUCHERS) full();
    const nextLane = channel.nextLane > voucher.lane ? channel.nextLane : voucher.lane + 1n;
    await this.channels.book.write({
      channel: { ...channel, nextLane },
      vouchers: [{ number: kept.length, voucher, secret, submitted: null }],
      notes: note === undefined ? [] : [note(gained)],
    });
    return gained;
  }

  /**
   * Throws `PaychError` BAD_VOUCHER or SHORTFALL for what would not count on top of the chain and of all vouchers that are
   * known, once its conditions are met. `agreed`: it stands in place of vouchers that are known, and may be worth less.
   */
  private async check(
    address: Address,
    view: ChannelView,
    known: readonly SignedVoucher[],
    voucher: SignedVoucher,
    agreed = false,
  ): Promise<void> {
    const { chain } = this.channels;
    const named = await chain.idOf(voucher.channel);
    if (named?.equals(view.id) !== true || (view.namedById && voucher.channel.protocol !== 0))
      badVoucher(
        `voucher ChannelAddr doesn't match channel address, got ${voucher.channel.toString(chain.prefix)}, expected ${(view.namedById ? view.id : address).toString(chain.prefix)}`,
      );
    const { signature } = voucher;
    if (signature === null || !chain.verify(signature, view.from, signingBytes(voucher)))
      badVoucher("the voucher's signature is not the payer's");
    if (view.settlingAt !== 0 && chain.epoch >= view.settlingAt) badVoucher("the channel has settled");
    checkLanesFree(view.ledger, known, voucher);
    const { owed } = redeem(agreed ? view.ledger : redeemAll(view.ledger, known), voucher);
    if (owed > view.balance) shortOf(owed - view.balance);
  }

  /** As the reference checks a voucher: also throws for one that has conditions. */
  async checkValid(address: Address, voucher: SignedVoucher): Promise<void> {
    if (voucher.extra !== null) badVoucher("voucher is Message Locked");
    if (voucher.timeLockMax !== 0n) badVoucher("voucher is Max Time Locked");
    if (voucher.timeLockMin !== 0n) badVoucher("voucher is Min Time Locked");
    if (voucher.secretHash.length > 0) badVoucher("voucher is Hash Locked");
    const view = await this.channels.view(address);
    const { id } = await this.channels.tracked(address);
    await this.check(
      address,
      view,
      this.channels.book.vouchers(id).map((one) => one.voucher),
      voucher,
    );
  }

  /** Whether submitting a voucher would succeed now. */
  async checkSpendable(address: Address, voucher: SignedVoucher, open = NO_OPENING): Promise<boolean> {
    const { to } = await this.channels.view(address);
    const { id } = await this.channels.tracked(address);
    const kept = this.channels.book.vouchers(id).find((one) => sameVoucher(one.voucher, voucher));
    if (kept !== undefined && kept.submitted !== null) return false;
    const secret = open.secret.length > 0 ? open.secret : (kept?.secret ?? NOTHING);
    const draft = await this.channels.chain.updateDraft(to, address, voucher, { ...open, secret });
    return (await this.channels.chain.tryOut(draft)) === 0;
  }

  /** The voucher of each lane that is worth most and could be submitted now; of lanes that such a one takes over none besides. */
  async bestSpendable(address: Address, signal?: AbortSignal): Promise<readonly SignedVoucher[]> {
    const best = new Map<bigint, SignedVoucher>();
    const closed = new Set<bigint>();
    const byWorth = [...(await this.list(address))].sort((a, b) => (a.voucher.amount < b.voucher.amount ? 1 : -1));
    const isMerging = ({ voucher }: KeptVoucher): boolean => voucher.merges.length > 0;
    for (const { voucher } of [...byWorth.filter(isMerging), ...byWorth.filter((one) => !isMerging(one))]) {
      signal?.throwIfAborted();
      if (best.has(voucher.lane) || closed.has(voucher.lane) || !(await this.checkSpendable(address, voucher)))
        continue;
      best.set(voucher.lane, voucher);
      for (const { lane } of voucher.merges) closed.add(lane);
    }
    return [...best.values()].sort((a, b) => (a.lane < b.lane ? -1 : 1));
  }

  /** Sends a voucher to its channel in the payee's name. Those of its lane before it count as submitted with it. */
  submit(address: Address, voucher: SignedVoucher, open = NO_OPENING): Promise<CID> {
    return this.channels.change(address, async (channel) => {
      const kept = this.channels.book.vouchers(channel.id);
      const known = kept.find((one) => sameVoucher(one.voucher, voucher));
      if (known !== undefined && known.submitted !== null)
        throw new PaychError({ code: "ALREADY_SUBMITTED" }, "cannot submit voucher that has already been submitted");
      const secret = open.secret.length > 0 ? open.secret : (known?.secret ?? null);
      const own: KeptVoucher = { number: known?.number ?? kept.length, voucher, secret, submitted: null };
      const earlier = kept.filter(
        (one) => one.voucher.lane === voucher.lane && one.voucher.nonce < voucher.nonce && one.submitted === null,
      );
      const { chain } = this.channels;
      const from = chain.hasKey(channel.to) ? channel.to : channel.from;
      return this.channels.submit(channel, from, [...earlier, own], open.proof);
    });
  }
}

/** What a voucher adds to what is surely owed, by those without conditions alone. */
function sureGain(chain: Ledger, known: readonly SignedVoucher[], voucher: SignedVoucher): bigint {
  if (hasConditions(voucher)) return 0n;
  const sure = redeemAll(
    chain,
    known.filter((one) => !hasConditions(one)),
  );
  return redeemAll(sure, [voucher]).owed - sure.owed;
}

function sameVoucher(a: SignedVoucher, b: SignedVoucher): boolean {
  return a.lane === b.lane && a.nonce === b.nonce && equal(encodeVoucher(a), encodeVoucher(b));
}
