/**
 * Makes the blocks of the miners that one node owns, in a network of several: round by round, by the clock.
 *
 * A round: when the blocks of the epoch before have had time to arrive and the beacon has spoken, the head is the base.
 * Every miner tries for a block. Who wins waits until equivocators had time to show themselves, then the head is looked at
 * again: from the base go the blocks that the head has lost, and a heavier chain becomes the base. Then messages are
 * chosen by the quality of the ticket, the slash filter is asked, and keeps the block that is signed; at its epoch's time it
 * is handed on. What a node had signed when it was stopped is handed on, late, when it runs again.
 * A block of an own miner that was not signed here is somebody else's who mines with it: one of the two makes no more blocks of it,
 * before the two sign different ones of an epoch, which is a consensus fault. What a predecessor made is no such block.
 * A round that nobody wins is a null round. Nothing is made while the node is behind its peers or the beacon is silent.
 * Source: lotus miner/miner.go.
 *
 * Time comes from outside (`now`, `sleep`): a simulator runs this under its own clock.
 */

import { FilError } from "../base/errors.ts";
import type { EpochTimes } from "../beacon/drand.ts";
import type { FullBlock } from "../consensus/validator.ts";
import { type BlockHeader, headerCid, makeTipset, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { Win } from "./block-maker.ts";
import type { MiningSite } from "./mining-site.ts";
import type { HeldMiner } from "./own-sectors.ts";
import { delaysFor, type MiningDelays, Rounds } from "./rounds.ts";
import { SlashError, type SlashFilter } from "./slash-filter.ts";

type Pause = "behind" | "beacon" | "node";

export type MiningEvent =
  /** Mining waits: the node is behind its peers, the beacon does not answer, or the node does not. */
  | { readonly kind: "paused"; readonly by: Pause; readonly epoch: number; readonly error?: unknown }
  | { readonly kind: "resumed"; readonly after: Pause }
  | { readonly kind: "rebased"; readonly epoch: number; readonly from: Tipset; readonly to: Tipset }
  /** A block was handed on, so many milliseconds after its epoch's time. `again`: it was signed before, and kept. */
  | {
      readonly kind: "made";
      readonly miner: HeldMiner;
      readonly epoch: number;
      readonly late: number;
      readonly again: boolean;
    }
  /** A block was not signed: it would have been a fault. */
  | { readonly kind: "refused"; readonly miner: HeldMiner; readonly error: SlashError }
  /** Somebody else mines with the miner: this loop makes no more blocks of it. */
  | { readonly kind: "rival"; readonly miner: HeldMiner; readonly error: RivalError }
  | { readonly kind: "failed"; readonly error: unknown };

export type RivalErrorData = { readonly code: "MINED_TWICE"; readonly miner: string; readonly epoch: number };
/** A block of a miner is there that this process did not make. */
export class RivalError extends FilError<RivalErrorData> {}

export type MiningLoopParts<Draw> = {
  /** The node that the loop lives in, or one that it asks. */
  readonly site: MiningSite<Draw>;
  readonly times: EpochTimes;
  readonly miners: readonly HeldMiner[];
  readonly slash: SlashFilter;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Resolves after so many milliseconds; rejects when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onEvent?: (event: MiningEvent) => void;
  /** Default: scaled to the time between epochs. */
  readonly delays?: MiningDelays;
  /** Epochs at the start in which nothing is made, and looked whether somebody else mines with these miners. Default 0. */
  readonly watchFirst?: number;
  /** The clock is one that somebody moves ahead, as in a demonstration: no leap of it says anything. Default: no. */
  readonly isMoved?: boolean;
};

/** A base with the beacon's entries for a block on top of it. */
type Base<Draw> = { readonly tipset: Tipset; readonly drawn: Draw };

/** Milliseconds: the beacon's answer, trying again after a failure. */
const BEACON_MS = 5000;
const RETRY_MS = 1000;
/** Times that the base of one block may change; then the block is made on what there is. */
const MAX_REBASES = 3;

/**
 * Epochs by which the clock may be off after a wait: beyond it, it was set, or the machine slept; and what was noted of the time is void.
 */
const MAX_LEAP = 10;

/** `watchFirst` of a process that joins a network: of two with one miner's key neither knows of the other. */
export const WATCHED_EPOCHS = 2;

export class MiningLoop<Draw> {
  private readonly parts: MiningLoopParts<Draw>;
  private readonly delays: MiningDelays;
  private readonly rounds: Rounds;
  private paused: Pause | null = null;
  /** Epoch of the head when it was seen last. */
  private tip = 0;
  /**
   * The epoch, by the clock, in which this loop began: up to it blocks may be a predecessor's, also where the node has not fetched them
   * yet, as its folder is new, or older than they are.
   */
  private first: number | null = null;
  /** When the wait ends that lasts now. */
  private due: number | null = null;
  /** Miners that somebody else mines with. */
  private readonly left = new Set<HeldMiner>();
  /** Blocks that this loop signed and did not try to hand on yet: nobody else can have them. */
  private readonly fresh = new Set<string>();

  constructor(parts: MiningLoopParts<Draw>) {
    this.parts = parts;
    this.delays = parts.delays ?? delaysFor(parts.times.blockDelay);
    this.rounds = new Rounds(parts.times, this.delays);
  }

  /** What mining waits for, if not for its time. */
  get pausedBy(): Pause | null {
    return this.paused;
  }

  /** Mines until the signal is aborted, or all miners are mined with elsewhere. What fails is told and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.miners.length > 0) {
      try {
        await this.step(signal);
        this.resume("node");
      } catch (error) {
        if (signal.aborted) return;
        if (this.parts.site.isAway(error)) this.pause("node", this.tip, error);
        else this.tell({ kind: "failed", error });
        await this.wait(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  /** Waits, an epoch at most: a clock may be set meanwhile. */
  private async wait(ms: number, signal: AbortSignal): Promise<void> {
    const { now, sleep } = this.parts;
    const bounded = Math.min(ms, this.epochMs);
    this.due = now() + bounded;
    await sleep(bounded, signal);
    this.noteLeap();
    this.due = null;
  }

  /**
   * After a leap of the clock the loop looks about as at its start: where it began with a clock that was wrong, blocks of a predecessor
   * would be somebody else's, or none made until a far epoch; where the machine slept, somebody may have stepped in.
   */
  private noteLeap(): void {
    const { due, epochMs } = this;
    if (due !== null && this.parts.isMoved !== true && Math.abs(this.parts.now() - due) > MAX_LEAP * epochMs)
      this.first = null;
  }

  private get epochMs(): number {
    return 1000 * this.parts.times.blockDelay;
  }

  /** Those that blocks are made of. */
  private get miners(): readonly HeldMiner[] {
    return this.parts.miners.filter((miner) => !this.left.has(miner));
  }

  /** Takes a block of anybody whose signature is good, also one that no head has: of one of these miners it must be signed here. */
  see(header: BlockHeader): void {
    this.noteLeap();
    const miner = this.miners.find(({ address }) => address.equals(header.miner));
    if (miner === undefined || this.first === null || header.height <= this.first) return;
    if (this.parts.slash.isForeign(header)) this.leave(miner, header);
  }

  /** A block that was signed here is somebody's who called for it, who may hand it on at any time. */
  calledFor(header: BlockHeader): void {
    this.fresh.delete(`${headerCid(header)}`);
  }

  private leave(miner: HeldMiner, header: BlockHeader): void {
    this.left.add(miner);
    const [name, epoch] = [`${miner.address}`, header.height];
    const error = new RivalError(
      { code: "MINED_TWICE", miner: name, epoch },
      `somebody else mines with ${name}: the block ${headerCid(header)} of epoch ${epoch} was not made here. Two blocks of one epoch are a ` +
        "consensus fault, for which the miner is fined and excluded: no more blocks of it are made here. Let one process alone mine with it",
    );
    this.tell({ kind: "rival", miner, error });
  }

  /** Waits for the next round, or does it. */
  private async step(signal: AbortSignal): Promise<void> {
    const { site, now } = this.parts;
    const head = await site.head();
    this.tip = head.height;
    const epoch = this.rounds.next(head, now());
    const current = Math.max(epoch, this.rounds.current(now()));
    this.first ??= current;
    for (const header of head.blocks) this.see(header);
    if (this.miners.length === 0) return;
    const early = this.rounds.startOf(epoch) - now();
    if (early > 0) return this.wait(early, signal);
    if (await site.isBehind()) {
      this.pause("behind", epoch);
      return this.wait(this.delays.propagation, signal);
    }
    this.resume("behind");
    if (await this.handOn(epoch - 1, true)) return;
    if (current < this.first + (this.parts.watchFirst ?? 0))
      return this.wait(Math.max(0, this.rounds.startOf(current + 1) - now()), signal);
    const base = await this.withBeacon(head, epoch, signal);
    if (base === null) return this.wait(RETRY_MS, signal);
    this.rounds.tried(head, epoch);
    await this.round(base, epoch, signal);
  }

  private async round(first: Base<Draw>, epoch: number, signal: AbortSignal): Promise<void> {
    const { now } = this.parts;
    let base = first;
    let wins = await this.tryAll(base, epoch, []);
    for (let changes = 0; wins.length > 0; changes++) {
      await this.wait(this.delays.equivocation, signal);
      const next = changes === MAX_REBASES ? base.tipset : await this.rebased(base.tipset, epoch);
      if (next === base.tipset) break;
      this.tell({ kind: "rebased", epoch, from: base.tipset, to: next });
      const changed = await this.withBeacon(next, epoch, signal);
      if (changed === null) return;
      base = changed;
      wins = await this.tryAll(base, epoch, wins);
    }
    this.fresh.clear();
    for (const win of wins) await this.sign(win, signal);
    if (!this.unsettled().some(({ header }) => header.height === epoch)) return;
    const early = this.rounds.timeOf(epoch) - now();
    // The clock was set back: what was signed is kept, and handed on when its time comes.
    if (early > this.epochMs) return;
    if (early > 0) await this.wait(early, signal);
    await this.handOn(epoch, false);
  }

  /** Hands on kept blocks up to an epoch whose time has come; true if there was one. What fails is tried again later. */
  private async handOn(upTo: number, again: boolean): Promise<boolean> {
    const { now, slash, site } = this.parts;
    let isAny = false;
    for (const block of this.unsettled()) {
      const { header } = block;
      const miner = this.miners.find(({ address }) => address.equals(header.miner));
      if (miner === undefined || header.height > upTo || !(await this.hasAll(header.parents))) continue;
      const late = now() - this.rounds.timeOf(header.height);
      try {
        // A stop between the two: the chain has it, and peers learn of it with the chain.
        const cid = headerCid(header);
        const isKnown = await site.hasBlock(cid);
        // Two that make the same block do no harm, until what waits is another for each.
        const isFresh = this.fresh.delete(`${cid}`) && header.height > (this.first ?? 0);
        if (isFresh && isKnown) this.leave(miner, header);
        if (!isKnown) await site.submit(block);
        slash.settle(header);
        if (isKnown) continue;
        isAny = true;
        this.tell({ kind: "made", miner, epoch: header.height, late, again });
      } catch (error) {
        if (site.isRefused(error)) slash.settle(header);
        if (site.isAway(error)) throw error;
        this.tell({ kind: "failed", error });
      }
    }
    return isAny;
  }

  private unsettled(): readonly FullBlock[] {
    return this.parts.slash.unsettled(this.miners.map(({ address }) => address));
  }

  private async hasAll(key: readonly CID[]): Promise<boolean> {
    for (const cid of key) if (!(await this.parts.site.hasBlock(cid))) return false;
    return true;
  }

  /** The miners that win; those that have signed a block of this epoch do not try again. */
  private async tryAll({ tipset, drawn }: Base<Draw>, epoch: number, before: readonly Win[]): Promise<Win[]> {
    const wins: Win[] = [];
    for (const miner of this.miners) {
      if (this.parts.slash.hasSigned(miner.address, epoch)) continue;
      const earlier = before.find((win) => win.miner === miner) ?? null;
      const win = await this.parts.site.tryFor(miner, tipset, epoch, drawn, earlier);
      if (win !== null) wins.push(win);
    }
    return wins;
  }

  /**
   * What to build on instead of `base` now that some time has passed: the same tipset without the blocks that the head
   * has lost, which are those of equivocators; nothing is added to it. Or the newest tipset below the epoch on the chain
   * that the head is on, if that is another chain.
   */
  private async rebased(base: Tipset, epoch: number): Promise<Tipset> {
    const newest = await this.parts.site.newestBelow(epoch);
    if (tipsetKeyText(newest.key) === tipsetKeyText(base.key)) return base;
    const kept = base.blocks.filter((_, i) => newest.key.some((cid) => cid.equals(base.key[i])));
    if (kept.length === 0) return newest;
    return kept.length === base.blocks.length ? base : makeTipset(kept);
  }

  /** Signs the block of a win, which is kept then; not if it would be a fault. */
  private async sign(win: Win, signal: AbortSignal): Promise<void> {
    const { site, slash } = this.parts;
    const { header, sign } = await site.block(win, signal);
    // One that was signed here before, on somebody's call, may have been handed on by whoever called.
    let isNew = false;
    try {
      const signed = await slash.sign(header, win.parent, () => {
        isNew = !slash.isOwn(header);
        return sign();
      });
      if (isNew) this.fresh.add(`${headerCid(signed.header)}`);
    } catch (error) {
      if (!(error instanceof SlashError)) throw error;
      this.tell({ kind: "refused", miner: win.miner, error });
    }
  }

  /** The base with the entries of the beacon; null, and a pause, if it does not give them. */
  private async withBeacon(tipset: Tipset, epoch: number, signal: AbortSignal): Promise<Base<Draw> | null> {
    const end = new AbortController();
    const stop = (): void => end.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    const asked = this.parts.site.draw(tipset, epoch, end.signal);
    const late = this.parts.sleep(BEACON_MS, end.signal).then(() => {
      throw new Error(`no answer for ${BEACON_MS / 1000} s`);
    });
    asked.catch(() => undefined);
    late.catch(() => undefined);
    try {
      const drawn = await Promise.race([asked, late]);
      this.resume("beacon");
      return { tipset, drawn };
    } catch (error) {
      if (signal.aborted || this.parts.site.isAway(error)) throw error;
      this.pause("beacon", epoch, error);
      return null;
    } finally {
      signal.removeEventListener("abort", stop);
      end.abort();
    }
  }

  private pause(by: Pause, epoch: number, error?: unknown): void {
    if (this.paused === by) return;
    this.paused = by;
    this.tell({ kind: "paused", by, epoch, ...(error === undefined ? {} : { error }) });
  }

  private resume(after: Pause): void {
    if (this.paused !== after) return;
    this.paused = null;
    this.tell({ kind: "resumed", after });
  }

  private tell(event: MiningEvent): void {
    this.parts.onEvent?.(event);
  }
}
