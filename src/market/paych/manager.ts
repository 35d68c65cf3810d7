/**
 * The payment channels of a node: one for each pair of payer and payee, with its funds, lanes and vouchers, in both
 * directions. What it answers is on the disk; after `kill -9` the next start goes on where this one was.
 *
 * Above 500 lines by a few: funds and lanes of a channel change under one lock, and are here together.
 * Behaves as the reference's manager; what it adds: locks, secrets, extra calls and merges, messages that are kept before
 * they are sent, and a watcher. Source: lotus paychmgr at b835fab702eb.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { toHex } from "../../base/bytes.ts";
import { KeyedTurns } from "../../base/turns.ts";
import type { BlockStore } from "../../storage/contract.ts";
import { Address } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import { parseCid } from "../../types/cid.ts";
import { MAX_LANE } from "../../types/voucher.ts";
import {
  type Change,
  type Channel,
  type Direction,
  type KeptMessage,
  type KeptVoucher,
  type Note,
  PaychBook,
} from "./book.ts";
import type { ChainAccess, ChannelView } from "./chain-access.ts";
import { Errands, type Outcome } from "./errands.ts";
import { PaychError } from "./errors.ts";
import {
  type Funded,
  type FundOptions,
  FundRequest,
  fill,
  inOrder,
  notEnough,
  notesOf,
  type ReserveNote,
  sumOf,
  unreserved,
} from "./funds.ts";
import { redeemAll } from "./lanes.ts";

export type PaychOptions = {
  readonly blocks: BlockStore;
  readonly chain: ChainAccess;
  readonly randomBytes: (length: number) => Uint8Array;
};

/** What a channel's pair can still spend, attoFIL. */
export type AvailableFunds = {
  readonly channel: Address | null;
  readonly from: Address;
  readonly to: Address;
  readonly confirmed: bigint;
  readonly pending: bigint;
  /** Confirmed, and reserved by nobody. */
  readonly available: bigint;
  readonly pendingAvailable: bigint;
  /** The message under way. */
  readonly pendingMessage: CID | null;
  readonly queued: bigint;
  /** By vouchers, submitted or not. */
  readonly redeemed: bigint;
};

/** Channels of a node, and requests of a pair that wait. */
const MAX_CHANNELS = 100_000;
const MAX_QUEUE = 10_000;
const SETTLE = 3n;
const COLLECT = 4n;
const NOTHING = new Uint8Array(0);

export class PaychManager {
  readonly chain: ChainAccess;
  private readonly options: PaychOptions;
  private readonly turns = new KeyedTurns();
  private errands: Errands;
  private readonly queues = new Map<string, FundRequest[]>();
  private opened: PaychBook | null = null;
  private readonly serving = new Set<Promise<void>>();

  constructor(options: PaychOptions) {
    this.options = options;
    this.chain = options.chain;
    this.errands = this.newErrands();
  }

  private newErrands(): Errands {
    return new Errands({
      book: () => this.book,
      chain: this.chain,
      finish: (message, outcome) => this.finish(message, outcome),
    });
  }

  /** Reads what is kept and goes on with what was under way. */
  async start(): Promise<void> {
    if (this.opened !== null) return;
    this.opened = await PaychBook.open(this.options.blocks);
    this.errands.resume();
  }

  async close(): Promise<void> {
    await this.end("the node is stopping");
  }

  /** Ends what waits; the function that is given reads what is kept then, and goes on with that. */
  async pause(): Promise<() => Promise<void>> {
    await this.end("the network is taken back to an earlier moment");
    await Promise.allSettled(this.serving);
    return async () => {
      this.queues.clear();
      this.opened = await PaychBook.open(this.options.blocks);
      this.errands = this.newErrands();
      this.errands.resume();
    };
  }

  private async end(why: string): Promise<void> {
    const closed = new PaychError({ code: "CLOSED" }, why);
    for (const queue of this.queues.values()) for (const request of queue) request.giveUp(closed);
    await this.errands.close(why);
  }

  get book(): PaychBook {
    if (this.opened === null) throw new PaychError({ code: "CLOSED" }, "the node has not started yet");
    return this.opened;
  }

  // Funds.

  /**
   * Gets the channel of a pair with an amount in it: by what is there, by putting it in, or by making the channel. What `note`
   * says of it is kept with it.
   */
  async get(
    from: Address,
    to: Address,
    amount: bigint,
    options: FundOptions,
    signal?: AbortSignal,
    note?: ReserveNote,
  ): Promise<Funded> {
    if (!options.reserve && options.offChain)
      throw new PaychError({ code: "BAD_ARGUMENT" }, "can't fund payment channels without on-chain operations");
    if (amount < 0n) throw new PaychError({ code: "BAD_ARGUMENT" }, "an amount is not negative");
    const [payer, payee] = [await this.chain.keyOf(from), await this.chain.keyOf(to)];
    if (payer.equals(payee))
      throw new PaychError(
        { code: "BAD_ARGUMENT" },
        `a channel is between two parties; ${this.text(from)} and ${this.text(to)} are the same`,
      );
    const pair = pairOf(payer, payee);
    const queue = this.queues.get(pair) ?? [];
    this.queues.set(pair, queue);
    if (queue.length >= MAX_QUEUE)
      throw new PaychError({ code: "LIMIT" }, `${MAX_QUEUE} requests for funds of this channel wait already`);
    const request = new FundRequest(amount, options, signal, note);
    queue.push(request);
    void this.process(payer, payee);
    return request.answer;
  }

  /** Does for the requests of a pair what can be done now. */
  private process(from: Address, to: Address): Promise<void> {
    const pair = pairOf(from, to);
    const serving = this.turns.run(pair, async () => {
      const queue = this.queues.get(pair) ?? [];
      const requests = inOrder(queue);
      try {
        const left = await this.serve(from, to, requests);
        // Those that came meanwhile have a run of their own.
        const came = queue.filter((one) => one.isActive && !requests.includes(one));
        this.setQueue(pair, [...left.filter((one) => one.isActive), ...came]);
      } catch (error) {
        for (const one of requests) if (one.isActive) one.fail(error);
        this.setQueue(
          pair,
          queue.filter((one) => one.isActive),
        );
      }
    });
    this.serving.add(serving);
    return serving.finally(() => this.serving.delete(serving));
  }

  /**
   * Gives back what somebody set aside and did not spend: others may reserve it. No more is free afterwards than the vouchers
   * leave. `note` is kept with it.
   */
  release(address: Address, amount: bigint, note?: Note): Promise<void> {
    return this.change(address, async (channel) => {
      const view = await this.chain.channel(address);
      const vouchers = this.book.vouchers(channel.id).map(({ voucher }) => voucher);
      const unspent = view === null ? 0n : channel.amount - redeemAll(view.ledger, vouchers).owed;
      const wanted = channel.available + amount;
      const most = unspent > channel.available ? unspent : channel.available;
      await this.book.write({
        channel: { ...channel, available: wanted < most ? wanted : most },
        notes: note === undefined ? [] : [note],
      });
    });
  }

  private setQueue(pair: string, requests: readonly FundRequest[]): void {
    const queue = this.queues.get(pair);
    if (queue === undefined) return;
    queue.splice(0, queue.length, ...requests);
    if (queue.length === 0) this.queues.delete(pair);
  }

  /** Serves requests; gives those that wait for a message. */
  private async serve(from: Address, to: Address, asked: readonly FundRequest[]): Promise<readonly FundRequest[]> {
    if (asked.length === 0) return [];
    const channel = await this.active(from, to);
    const requests = asked.filter(({ isActive }) => isActive);
    if (channel === null) {
      const rest = this.refuseOffChain(from, to, requests);
      if (rest.length === 0) return [];
      const message = await this.createChannel(from, to, rest);
      for (const one of rest) one.settle({ channel: null, message });
      return [];
    }
    if (channel.createMessage !== null || channel.fundMessage !== null) return requests;
    const address = channel.address as Address;
    const { covered, refused, rest } = fill(requests, channel.available);
    for (const one of [...covered, ...rest]) one.begin();
    const used = sumOf(covered);
    const left = { ...channel, available: channel.available - used };
    // What is reserved is on the disk before anybody may spend it.
    if (used > 0n) await this.book.write({ channel: left, notes: notesOf(covered, null, address) });
    for (const one of covered) one.settle({ channel: address, message: null });
    for (const one of refused) one.fail(notEnough(this.text(from), this.text(to), one.amount, true));
    if (rest.length === 0) return [];
    const amount = sumOf(rest);
    const message = amount === 0n ? null : await this.addFunds(left, rest);
    for (const one of rest) one.settle({ channel: address, message });
    return [];
  }

  private text(address: Address): string {
    return address.toString(this.chain.prefix);
  }

  private refuseOffChain(from: Address, to: Address, requests: readonly FundRequest[]): readonly FundRequest[] {
    for (const one of requests)
      if (one.options.offChain) one.fail(notEnough(this.text(from), this.text(to), one.amount, false));
    return requests.filter(({ options }) => !options.offChain);
  }

  private async createChannel(from: Address, to: Address, requests: readonly FundRequest[]): Promise<CID> {
    this.checkRoom();
    for (const one of requests) one.begin();
    const [amount, available] = [sumOf(requests), unreserved(requests)];
    const id = toHex(this.options.randomBytes(16));
    const channel: Channel = {
      ...{ id, address: null, from, to, direction: "outbound", nextLane: 0n, amount: 0n, available: 0n },
      ...{ pending: amount, pendingAvailable: available, createMessage: null, fundMessage: null, settling: false },
    };
    const draft = await this.chain.createDraft(from, to, amount);
    const change = (cid: string): Change => ({
      channel: { ...channel, createMessage: cid },
      notes: notesOf(requests, parseCid(cid), null),
    });
    return this.errands.send(id, "create", draft, change, { removedChannel: id });
  }

  private async addFunds(channel: Channel, requests: readonly FundRequest[]): Promise<CID> {
    const { from, address } = channel;
    const [amount, available] = [sumOf(requests), unreserved(requests)];
    const draft = { from, to: address as Address, value: amount, method: 0n, params: NOTHING };
    const change = (cid: string): Change => ({
      channel: { ...channel, pending: amount, pendingAvailable: available, fundMessage: cid },
      notes: notesOf(requests, parseCid(cid), address),
    });
    return this.errands.send(channel.id, "fund", draft, change, { channel });
  }

  private checkRoom(): void {
    if (this.book.channels().length >= MAX_CHANNELS)
      throw new PaychError({ code: "LIMIT" }, `this node keeps at most ${MAX_CHANNELS} payment channels`);
  }

  /** The channel that a pair uses: one that this node pays into and that nobody has begun to settle. */
  private async active(from: Address, to: Address): Promise<Channel | null> {
    for (const channel of this.book.channels()) {
      if (channel.direction !== "outbound" || channel.settling) continue;
      if (!channel.from.equals(from) || !channel.to.equals(to)) continue;
      if (channel.address === null) return channel;
      if ((await this.chain.channel(channel.address))?.settlingAt === 0) return channel;
    }
    return null;
  }

  /** Brings a channel in line with what became of a message of its, then serves who waited for that. */
  private async finish(message: KeptMessage, outcome: Outcome): Promise<void> {
    const known = this.book.channel(message.channel);
    const end = endOf(message, outcome);
    if (known === undefined) {
      await this.book.write({ message: end });
      return;
    }
    await this.turns.run(pairOf(known.from, known.to), async () => {
      const channel = this.book.channel(message.channel);
      if (channel === undefined) await this.book.write({ message: end });
      else if (message.errand === "submit") await this.finishSubmit(channel, end);
      else if (end.state === "failed" && message.errand === "create")
        await this.book.write({ message: end, removedChannel: channel.id });
      else await this.book.write({ message: end, channel: settled(channel, end, outcome) });
    });
    if (message.errand !== "submit") void this.process(known.from, known.to);
  }

  /** A voucher whose message failed may be submitted again. */
  private async finishSubmit(channel: Channel, message: KeptMessage): Promise<void> {
    const failed = message.state === "failed";
    const vouchers = this.book.vouchers(channel.id).filter(({ submitted }) => failed && submitted === message.cid);
    await this.book.write({ channel, message, vouchers: vouchers.map((one) => ({ ...one, submitted: null })) });
  }

  /** Resolves to the channel once a message that makes it, or adds to it, has done so. */
  async waitReady(message: CID, signal?: AbortSignal): Promise<Address> {
    await this.errands.done(message, signal);
    const kept = this.book.message(message.toString());
    const address = this.book.channel(kept?.channel ?? "")?.address ?? null;
    if (address !== null) return address;
    throw new PaychError({ code: "UNKNOWN_MESSAGE", cid: message.toString() }, "the channel is not kept any more");
  }

  // Channels.

  /** Addresses of the channels that this node tracks. */
  list(): readonly Address[] {
    return this.book.channels().flatMap(({ address }) => (address === null ? [] : [address]));
  }

  /**
   * The record of a channel. One that the chain has is tracked from now on if this node has the key of a party; throws
   * `PaychError` NOT_TRACKED, NO_CHANNEL or NO_KEY.
   */
  async tracked(address: Address): Promise<Channel> {
    const known = await this.find(address);
    if (known !== null) return known;
    const view = await this.view(address);
    return this.turns.run(pairOf(view.from, view.to), async () => {
      const meanwhile = await this.find(address);
      if (meanwhile !== null) return meanwhile;
      const direction = this.directionOf(view, address);
      this.checkRoom();
      const lanes = [...view.ledger.lanes.keys()].reduce((most, lane) => (lane >= most ? lane + 1n : most), 0n);
      const channel: Channel = {
        ...{ id: toHex(this.options.randomBytes(16)), address, from: view.from, to: view.to, direction },
        ...{ nextLane: lanes, amount: direction === "outbound" ? view.balance : 0n, available: 0n },
        ...{ pending: 0n, pendingAvailable: 0n, createMessage: null, fundMessage: null, settling: false },
      };
      await this.book.write({ channel });
      return channel;
    });
  }

  private directionOf({ from, to }: ChannelView, address: Address): Direction {
    if (this.chain.hasKey(from)) return "outbound";
    if (this.chain.hasKey(to)) return "inbound";
    throw new PaychError({ code: "NO_KEY", channel: `${address}` }, "this node has no key of the channel's parties");
  }

  private async find(address: Address): Promise<Channel | null> {
    const same = this.book.channels().find((one) => one.address?.equals(address) === true);
    if (same !== undefined) return same;
    const id = await this.chain.idOf(address);
    if (id === null) return null;
    for (const one of this.book.channels())
      if (one.address !== null && (await this.chain.idOf(one.address))?.equals(id) === true) return one;
    return null;
  }

  /** The channel as the chain has it; throws `PaychError` NO_CHANNEL. */
  async view(address: Address): Promise<ChannelView> {
    const view = await this.chain.channel(address);
    if (view !== null) return view;
    throw new PaychError({ code: "NO_CHANNEL", channel: `${address}` }, "no payment channel is at this address");
  }

  /** The next lane of a channel, which nobody else is given. */
  allocateLane(address: Address): Promise<bigint> {
    return this.change(address, async (channel) => {
      const { nextLane } = channel;
      if (nextLane > MAX_LANE) throw new PaychError({ code: "LIMIT" }, "the channel has no lane left");
      await this.book.write({ channel: { ...channel, nextLane: nextLane + 1n } });
      return nextLane;
    });
  }

  async availableFunds(address: Address): Promise<AvailableFunds> {
    return this.fundsOf(await this.tracked(address));
  }

  /** As `availableFunds`, for the channel that a pair uses; all zero if there is none. */
  async availableFundsOf(from: Address, to: Address): Promise<AvailableFunds> {
    const [payer, payee] = [await this.chain.keyOf(from), await this.chain.keyOf(to)];
    const channel = await this.active(payer, payee);
    if (channel !== null) return this.fundsOf(channel);
    return {
      ...{ channel: null, from: payer, to: payee, confirmed: 0n, pending: 0n, available: 0n },
      ...{ pendingAvailable: 0n, pendingMessage: null, queued: 0n, redeemed: 0n },
    };
  }

  private async fundsOf(channel: Channel): Promise<AvailableFunds> {
    const view = channel.address === null ? null : await this.chain.channel(channel.address);
    const vouchers = this.book.vouchers(channel.id).map(({ voucher }) => voucher);
    const pending = channel.createMessage ?? channel.fundMessage;
    return {
      channel: channel.address,
      from: channel.from,
      to: channel.to,
      confirmed: channel.amount,
      pending: channel.pending,
      available: channel.available,
      pendingAvailable: channel.pendingAvailable,
      pendingMessage: pending === null ? null : parseCid(pending),
      queued: sumOf((this.queues.get(pairOf(channel.from, channel.to)) ?? []).filter(({ isActive }) => isActive)),
      redeemed: view === null ? 0n : redeemAll(view.ledger, vouchers).owed,
    };
  }

  /** Runs `work` with the channel's record; nobody else changes it meanwhile. */
  async change<Result>(address: Address, work: (channel: Channel) => Promise<Result>): Promise<Result> {
    const { id, from, to } = await this.tracked(address);
    return this.turns.run(pairOf(from, to), async () => {
      const channel = this.book.channel(id);
      if (channel === undefined)
        throw new PaychError({ code: "NOT_TRACKED", channel: `${address}` }, "channel not tracked");
      return work(channel);
    });
  }

  /** Sends a message that submits some vouchers of a channel, within its turn. */
  async submit(channel: Channel, from: Address, vouchers: readonly KeptVoucher[], proof: Uint8Array): Promise<CID> {
    const last = vouchers.at(-1) as KeptVoucher;
    const open = { secret: last.secret ?? NOTHING, proof };
    const draft = await this.chain.updateDraft(from, channel.address as Address, last.voucher, open);
    const change = (cid: string): Change => ({
      channel,
      vouchers: vouchers.map((one) => ({ ...one, submitted: cid })),
    });
    return this.errands.send(channel.id, "submit", draft, change, { channel, vouchers });
  }

  /** Begins to settle a channel. */
  settle(address: Address): Promise<CID> {
    return this.control(address, "settle");
  }

  /** Pays out a settled channel. */
  collect(address: Address): Promise<CID> {
    return this.control(address, "collect");
  }

  private control(address: Address, errand: "settle" | "collect"): Promise<CID> {
    return this.change(address, async (channel) => {
      const from = channel.direction === "outbound" ? channel.from : channel.to;
      const method = errand === "settle" ? SETTLE : COLLECT;
      const draft = { from, to: channel.address as Address, value: 0n, method, params: NOTHING };
      const change = (): Change => ({ channel: { ...channel, settling: true } });
      return this.errands.send(channel.id, errand, draft, change, { channel });
    });
  }
}

function pairOf(from: Address, to: Address): string {
  return `${from}/${to}`;
}

function endOf(message: KeptMessage, outcome: Outcome): KeptMessage {
  const what = {
    create: "payment channel creation failed",
    fund: "voucher channel creation failed: adding funds",
    submit: "submitting the voucher failed",
    settle: "settling the channel failed",
    collect: "collecting the channel failed",
  }[message.errand];
  if ("error" in outcome) return { ...message, state: "failed", error: `${what}: ${outcome.error}` };
  const { exitCode } = outcome.receipt;
  return exitCode === 0
    ? { ...message, state: "done" }
    : { ...message, state: "failed", error: `${what} (exit code ${exitCode})` };
}

/** A channel after a message of its has ended. */
function settled(channel: Channel, message: KeptMessage, outcome: Outcome): Channel {
  // One that could not be settled is in use still: the chain says whether somebody else has settled it.
  if (message.errand === "settle") return { ...channel, settling: message.state !== "failed" };
  if (message.errand === "collect") return channel;
  const over = { ...channel, pending: 0n, pendingAvailable: 0n, createMessage: null, fundMessage: null };
  if (message.state === "failed" || "error" in outcome) return over;
  return {
    ...over,
    address: message.errand === "create" ? madeAddress(outcome.receipt.return) : channel.address,
    amount: channel.amount + channel.pending,
    available: channel.available + channel.pendingAvailable,
  };
}

/** The robust address of what the init actor made. */
function madeAddress(returned: Uint8Array): Address {
  const [, robust] = dagCbor.decode(returned) as [Uint8Array, Uint8Array];
  return Address.fromBytes(robust);
}
