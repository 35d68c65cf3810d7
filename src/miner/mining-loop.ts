/**
 * Makes the blocks of the miners that one node owns, in a network of several: round by round, by the clock.
 *
 * A round: when the blocks of the epoch before have had time to arrive and the beacon has spoken, the head is the base.
 * Every miner tries for a block. Who wins waits until equivocators had time to show themselves, then the head is looked at
 * again: from the base go the blocks that the head has lost, and a heavier chain becomes the base. Then messages are
 * chosen by the quality of the ticket, the slash filter is asked, and keeps the block that is signed; at its epoch's time it
 * is handed on. What a node had signed when it was stopped is handed on, late, when it runs again.
 * A round that nobody wins is a null round. Nothing is made while the node is behind its peers or the beacon is silent.
 * Source: lotus miner/miner.go.
 *
 * Time comes from outside (`now`, `sleep`): a simulator runs this under its own clock.
 */
import { splitMessages } from "../chain/message-store.ts";
import { entriesFor } from "../consensus/base-info.ts";
import { BlockError, isOwnFault } from "../consensus/errors.ts";
import type { FullBlock } from "../consensus/validator.ts";
import type { MessagePool } from "../mpool/pool.ts";
import { headerCid, makeTipset, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { BlockMaker, type BlockMakerOptions, type Win } from "./block-maker.ts";
import type { DraftBlock } from "./draft-block.ts";
import type { OwnMiner } from "./own-sectors.ts";
import { delaysFor, type MiningDelays, Rounds } from "./rounds.ts";
import { SlashError, type SlashFilter } from "./slash-filter.ts";
import { usable } from "./usable.ts";

export type MiningEvent =
  /** Mining waits: the node is behind its peers, or the beacon does not answer. */
  | { readonly kind: "paused"; readonly by: "behind" | "beacon"; readonly epoch: number; readonly error?: unknown }
  | { readonly kind: "resumed"; readonly after: "behind" | "beacon" }
  | { readonly kind: "rebased"; readonly epoch: number; readonly from: Tipset; readonly to: Tipset }
  /** A block was handed on, so many milliseconds after its epoch's time. `again`: it was signed before, and kept. */
  | {
      readonly kind: "made";
      readonly miner: OwnMiner;
      readonly epoch: number;
      readonly late: number;
      readonly again: boolean;
    }
  /** A block was not signed: it would have been a fault. */
  | { readonly kind: "refused"; readonly miner: OwnMiner; readonly error: SlashError }
  | { readonly kind: "failed"; readonly error: unknown };

export type MiningLoopParts = BlockMakerOptions & {
  readonly pool: MessagePool;
  readonly miners: readonly OwnMiner[];
  readonly slash: SlashFilter;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Resolves after so many milliseconds; rejects when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Takes a block that was made: the node's own chain and its peers get it. */
  readonly submit: (block: FullBlock) => Promise<void>;
  /** Whether peers have a chain that this node has not reached yet. */
  readonly isBehind: () => boolean;
  readonly onEvent?: (event: MiningEvent) => void;
  /** Default: scaled to the time between epochs. */
  readonly delays?: MiningDelays;
};

type Drawn = Awaited<ReturnType<typeof entriesFor>>;
/** A base with the beacon's entries for a block on top of it. */
type Base = { readonly tipset: Tipset; readonly drawn: Drawn };

/** Milliseconds: the beacon's answer, trying again after a failure. */
const BEACON_MS = 5000;
const RETRY_MS = 1000;
/** Times that the base of one block may change; then the block is made on what there is. */
const MAX_REBASES = 3;

export class MiningLoop {
  private readonly parts: MiningLoopParts;
  private readonly maker: BlockMaker;
  private readonly delays: MiningDelays;
  private readonly rounds: Rounds;
  private paused: "behind" | "beacon" | null = null;

  constructor(parts: MiningLoopParts) {
    this.parts = parts;
    this.maker = new BlockMaker(parts);
    this.delays = parts.delays ?? delaysFor(parts.times.blockDelay);
    this.rounds = new Rounds(parts.times, this.delays);
  }

  /** What mining waits for, if not for its time. */
  get pausedBy(): "behind" | "beacon" | null {
    return this.paused;
  }

  /** Mines until the signal is aborted. What fails is told and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.step(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.tell({ kind: "failed", error });
        await this.parts.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  /** Waits for the next round, or does it. */
  private async step(signal: AbortSignal): Promise<void> {
    const { states, now, sleep, isBehind } = this.parts;
    const { head } = states.chain;
    const epoch = this.rounds.next(head, now());
    const early = this.rounds.startOf(epoch) - now();
    if (early > 0) return sleep(early, signal);
    if (isBehind()) {
      this.pause("behind", epoch);
      return sleep(this.delays.propagation, signal);
    }
    this.resume("behind");
    if (await this.handOn(epoch - 1, true)) return;
    const base = await this.withBeacon(head, epoch, signal);
    if (base === null) return sleep(RETRY_MS, signal);
    this.rounds.tried(head, epoch);
    await this.round(base, epoch, signal);
  }

  private async round(first: Base, epoch: number, signal: AbortSignal): Promise<void> {
    const { now, sleep } = this.parts;
    let base = first;
    let wins = await this.tryAll(base, epoch, []);
    for (let changes = 0; wins.length > 0; changes++) {
      await sleep(this.delays.equivocation, signal);
      const next = changes === MAX_REBASES ? base.tipset : await this.rebased(base.tipset, epoch);
      if (next === base.tipset) break;
      this.tell({ kind: "rebased", epoch, from: base.tipset, to: next });
      const changed = await this.withBeacon(next, epoch, signal);
      if (changed === null) return;
      base = changed;
      wins = await this.tryAll(base, epoch, wins);
    }
    for (const win of wins) await this.sign(win, signal);
    if (!this.unsettled().some(({ header }) => header.height === epoch)) return;
    const early = this.rounds.timeOf(epoch) - now();
    if (early > 0) await sleep(early, signal);
    await this.handOn(epoch, false);
  }

  /** Hands on kept blocks up to an epoch whose time has come; true if there was one. What fails is tried again later. */
  private async handOn(upTo: number, again: boolean): Promise<boolean> {
    const { now, miners, slash, states, submit } = this.parts;
    let isAny = false;
    for (const block of this.unsettled()) {
      const { header } = block;
      if (header.height > upTo || !(await this.hasAll(header.parents))) continue;
      const late = now() - this.rounds.timeOf(header.height);
      try {
        // A stop between the two: the chain has it, and peers learn of it with the chain.
        const isKnown = await states.chain.blocks.has(headerCid(header).bytes);
        if (!isKnown) await submit(block);
        slash.settle(header);
        if (isKnown) continue;
        isAny = true;
        const miner = miners.find(({ address }) => address.equals(header.miner)) as OwnMiner;
        this.tell({ kind: "made", miner, epoch: header.height, late, again });
      } catch (error) {
        if (error instanceof BlockError && error.action === "reject" && !isOwnFault(error)) slash.settle(header);
        this.tell({ kind: "failed", error });
      }
    }
    return isAny;
  }

  private unsettled(): readonly FullBlock[] {
    return this.parts.slash.unsettled(this.parts.miners.map(({ address }) => address));
  }

  private async hasAll(key: readonly CID[]): Promise<boolean> {
    for (const cid of key) if (!(await this.parts.states.chain.blocks.has(cid.bytes))) return false;
    return true;
  }

  /** The miners that win; those that have signed a block of this epoch do not try again. */
  private async tryAll({ tipset, drawn }: Base, epoch: number, before: readonly Win[]): Promise<Win[]> {
    const wins: Win[] = [];
    for (const miner of this.parts.miners) {
      if (this.parts.slash.hasSigned(miner.address, epoch)) continue;
      const earlier = before.find((win) => win.miner === miner) ?? null;
      const win = await this.maker.tryFor(miner, tipset, epoch, drawn, earlier);
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
    const { chain } = this.parts.states;
    const { head } = chain;
    const newest = head.height < epoch ? head : await chain.tipsetAtOrBefore(epoch - 1, head);
    if (tipsetKeyText(newest.key) === tipsetKeyText(base.key)) return base;
    const kept = base.blocks.filter((_, i) => newest.key.some((cid) => cid.equals(base.key[i])));
    if (kept.length === 0) return newest;
    return kept.length === base.blocks.length ? base : makeTipset(kept);
  }

  /** Signs the block of a win, which is kept then; not if it would be a fault. */
  private async sign(win: Win, signal: AbortSignal): Promise<void> {
    const draft = await this.draft(win, signal);
    try {
      await this.parts.slash.sign(draft.header, win.parent, () => {
        const { header, messages } = this.maker.sign(draft, win.miner);
        return { header, messages: splitMessages(messages) };
      });
    } catch (error) {
      if (!(error instanceof SlashError)) throw error;
      this.tell({ kind: "refused", miner: win.miner, error });
    }
  }

  /** The block with as many of the chosen messages as can be executed: others could not build on it. */
  private async draft(win: Win, signal: AbortSignal): Promise<DraftBlock> {
    const { states, pool } = this.parts;
    const { parent } = win;
    const baseFee = await states.nextBaseFee(parent);
    return usable(await pool.select(baseFee, win.quality, parent), {
      attempt: async (chosen) => {
        const draft = await this.maker.draft(win, chosen, baseFee);
        const given = [splitMessages(chosen)];
        if (chosen.length > 0) await states.execute(makeTipset([draft.header]), { given, priority: "mine", signal });
        return draft;
      },
      drop: ({ message }, reason) => pool.dropNonce(message.from, message.nonce, reason),
    });
  }

  /** The base with the entries of the beacon; null, and a pause, if it does not give them. */
  private async withBeacon(tipset: Tipset, epoch: number, signal: AbortSignal): Promise<Base | null> {
    const end = new AbortController();
    const stop = (): void => end.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    const asked = entriesFor(this.parts, tipset, epoch, end.signal);
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
      if (signal.aborted) throw error;
      this.pause("beacon", epoch, error);
      return null;
    } finally {
      signal.removeEventListener("abort", stop);
      end.abort();
    }
  }

  private pause(by: "behind" | "beacon", epoch: number, error?: unknown): void {
    if (this.paused === by) return;
    this.paused = by;
    this.tell({ kind: "paused", by, epoch, ...(error === undefined ? {} : { error }) });
  }

  private resume(after: "behind" | "beacon"): void {
    if (this.paused !== after) return;
    this.paused = null;
    this.tell({ kind: "resumed", after });
  }

  private tell(event: MiningEvent): void {
    this.parts.onEvent?.(event);
  }
}
