/**
 * When epochs pass on a local network: by the clock, when somebody needs them, or on call. One tipset at a time.
 *
 * In instant mode (block time 0) time stands still until a message arrives. Then tipsets are made until no message that
 * can be paid for is left, and one more, which shows what became of the last of them; and when a wait asks for epochs on
 * top of its message, those pass too.
 */
import { Alert } from "../base/alert.ts";
import { describeError, FilError, isFilError } from "../base/errors.ts";
import { type Bounds, checkNumber, checkWhole, OptionError } from "../base/options.ts";
import type { Rewind } from "../base/rewind.ts";
import { Turns } from "../base/turns.ts";
import type { Produced, TipsetProducer } from "../miner/producer.ts";
import type { MessagePool } from "../mpool/pool.ts";
import { nodeStopped, StateManagerError } from "../stmgr/errors.ts";
import { LOOKBACK } from "../stmgr/lookback.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import { spellError } from "../types/address-text.ts";
import type { Tipset } from "../types/block-header.ts";
import { checkBlockTime } from "./devnet-options.ts";
import type { Health, Startable } from "./startable.ts";

export type ClockOptions = {
  readonly producer: TipsetProducer;
  readonly states: StateManager;
  readonly pool: MessagePool;
  /** Seconds between epochs; 0: instant mode. */
  readonly blockTime: number;
  /** Whether tipsets are made by themselves. Default: yes. */
  readonly automine?: boolean;
  /** What each tipset waits for: that others have done what there was to do on top of the one before it. */
  readonly ready?: () => Promise<void> | undefined;
};

export type ClockErrorData =
  /** Nobody won any of the epochs from `epoch` on. */
  { readonly code: "NO_WINNER"; readonly epoch: number; readonly tried: number };
export class ClockError extends FilError<ClockErrorData> {}

/** Epochs without a block after which it is no bad luck any more. */
const MAX_EMPTY = 100;

/** Tipsets or null rounds that can be asked for at once. */
const COUNTS: Bounds = [0, 2 ** 31 - 1];
/** Seconds that can be passed at once: ten years. */
const SECONDS: Bounds = [0, 10 * 365 * 86_400];
/** Milliseconds of making tipsets before others have their turn. */
const STRETCH_MS = 20;
/** Milliseconds that a tipset under way has to end when the clock is stopped. */
const GRACE_MS = 1000;

export class Clock implements Startable {
  readonly name = "clock";
  /** Active while tipsets are not made that should be. */
  readonly alert = new Alert("miner", "clock");
  /** Called with what made producing fail; the next attempt follows at the next tick. */
  onError: (error: unknown) => void = () => {};
  private readonly producer: TipsetProducer;
  private readonly states: StateManager;
  private readonly pool: MessagePool;
  private readonly turns = new Turns();
  private readonly stopListening: readonly (() => void)[];
  private automine: boolean;
  private readonly ready: () => Promise<void> | undefined;
  private seconds: number;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;
  private readonly giveUp = new AbortController();
  /** Ends what was asked of time that is taken back. */
  private demands = new AbortController();
  private wanted = false;
  /** When others had their turn last, milliseconds. */
  private breathed = 0;
  private failure: unknown = null;

  constructor({ producer, states, pool, blockTime, automine = true, ready }: ClockOptions) {
    this.producer = producer;
    this.states = states;
    this.pool = pool;
    this.seconds = blockTime;
    this.automine = automine;
    this.ready = ready ?? (() => undefined);
    this.stopListening = [
      pool.onChange(({ kind }) => {
        if (kind === "add" && this.instant) this.soon();
      }),
      states.waiter.onDemand((height) => {
        const { signal } = this.demands;
        if (this.instant) this.attempt(() => this.passUntil(height, signal));
      }),
    ];
  }

  get isAutomatic(): boolean {
    return this.automine;
  }

  get blockTime(): number {
    return this.seconds;
  }

  private get instant(): boolean {
    return this.automine && this.seconds === 0;
  }

  /** Begins to make epochs by the clock; in instant mode, for the messages that wait already. */
  async start(): Promise<void> {
    this.refuseStopped();
    this.schedule();
  }

  /** Does work between two tipsets: none is made meanwhile. */
  async between<Result>(work: () => Promise<Result>): Promise<Result> {
    this.refuseStopped();
    return this.turns.run(work);
  }

  /** How epochs pass, and what the producer knows; time itself is the head's epoch. */
  remember(): Rewind {
    const { automine, seconds } = this;
    const produced = this.producer.remember?.();
    return async (changed) => {
      await produced?.(changed);
      this.demands.abort();
      this.demands = new AbortController();
      this.automine = automine;
      this.seconds = seconds;
      this.schedule();
    };
  }

  setAutomine(on: boolean): void {
    this.refuseStopped();
    this.automine = on;
    this.schedule();
  }

  setBlockTime(seconds: number): void {
    this.refuseStopped();
    this.seconds = checkBlockTime(seconds);
    this.schedule();
  }

  /** Makes `count` tipsets in successive epochs and returns the last; `signal` ends it early. */
  async mine(count: number, signal?: AbortSignal): Promise<Tipset> {
    checkWhole("count", count, COUNTS);
    this.refuseStopped();
    return this.turns.run(async () => {
      for (let i = 0; i < count && !this.stopped && signal?.aborted !== true; i++) await this.next();
      return this.states.chain.head;
    });
  }

  /** Makes tipsets until the head stands at an epoch, or above it; `signal` ends it early. */
  async mineTo(epoch: number, signal?: AbortSignal): Promise<Tipset> {
    checkWhole("epoch", epoch, COUNTS);
    this.refuseStopped();
    await this.passUntil(epoch, signal);
    return this.states.chain.head;
  }

  /** The epoch that stands so many seconds of the chain's time after the head, or a part of an epoch more. */
  epochIn(seconds: number): number {
    checkNumber("seconds", seconds, SECONDS);
    return this.states.chain.head.height + Math.ceil(seconds / this.states.network.blockDelaySeconds);
  }

  /**
   * Passes `count` null rounds, then makes a tipset; one that `signal` ends is not made. Throws `OptionError` for more than elections can look
   * back over.
   */
  async skip(count: number, signal?: AbortSignal): Promise<Tipset> {
    checkWhole("count", count, COUNTS);
    this.refuseStopped();
    return this.turns.run(async () => {
      try {
        signal?.throwIfAborted();
        return (await this.next(count, signal)).tipset;
      } catch (cause) {
        // Thrown before anything is made; a network without elections passes any number.
        if (!isFilError(cause, "LOOKBACK_AHEAD")) throw cause;
        const why = `too many null rounds for a network with miners: who may win is looked up ${LOOKBACK} epochs back, which must lie below the head; pass fewer, and make a tipset in between`;
        throw new OptionError("count", `${count} are ${why}`, { cause });
      }
    });
  }

  /**
   * Lets the tipset under way end, then makes no more. One that takes long, as one after very many null rounds does, is
   * given up where it runs in a worker: nothing of it was told to anybody.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    for (const stop of this.stopListening) stop();
    const late = setTimeout(
      () => this.giveUp.abort(new StateManagerError({ code: "CLOSED" }, "the node is stopping")),
      GRACE_MS,
    );
    await this.turns.idle();
    clearTimeout(late);
  }

  health(): Health {
    if (this.stopped) return { status: "stopped" };
    return this.failure === null ? { status: "ok" } : { status: "failing", reason: `${this.failure}` };
  }

  /** The next tipset; epochs that nobody wins are null rounds. Throws `ClockError` NO_WINNER after very many of those. */
  private async next(nullRounds = 0, signal?: AbortSignal): Promise<Produced> {
    await this.breathe();
    await this.ready();
    const ends = signal === undefined ? this.giveUp.signal : AbortSignal.any([this.giveUp.signal, signal]);
    const first = this.states.chain.head.height + 1 + nullRounds;
    for (let epoch = first; epoch < first + MAX_EMPTY; epoch++) {
      const made = await this.producer.produce(epoch, ends);
      if (made !== null) return made;
    }
    const why = (await this.producer.whyNobody?.(first)) ?? "";
    throw new ClockError(
      { code: "NO_WINNER", epoch: first, tried: MAX_EMPTY },
      `no miner won any of ${MAX_EMPTY} epochs from ${first} on${why === "" ? "" : ` (${why})`}: the chain stands until one can ` +
        "make blocks; start a miner again, end the fault of its sectors, or go back to a snapshot",
    );
  }

  /** In long rows of tipsets others have their turn now and then: timers, requests, the collection of old states. */
  private async breathe(): Promise<void> {
    if (performance.now() - this.breathed < STRETCH_MS) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.breathed = performance.now();
  }

  /** What is asked of a clock that has stopped would never come, and say nothing. */
  private refuseStopped(): void {
    if (this.stopped) throw nodeStopped();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (this.instant && this.pool.size > 0) this.soon();
    if (this.stopped || !this.automine || this.seconds === 0) return;
    this.timer = setTimeout(() => {
      this.attempt(() => this.mine(1)).finally(() => this.schedule());
    }, this.seconds * 1000);
  }

  /** Makes tipsets once the messages of this moment are in, however many they are. */
  private soon(): void {
    if (this.wanted || this.stopped) return;
    this.wanted = true;
    setTimeout(() => {
      this.wanted = false;
      this.attempt(() => this.minePayable());
    }, 0);
  }

  private minePayable(): Promise<void> {
    return this.turns.run(async () => {
      while (!this.stopped) {
        const before = this.pool.size;
        const { messages } = await this.next();
        // What is carried leaves the pool. If nothing has, tipsets would be made for ever; whatever came meanwhile has asked for its own.
        if (messages === 0 || this.pool.size >= before) return;
      }
    });
  }

  private passUntil(height: number, signal?: AbortSignal): Promise<void> {
    return this.turns.run(async () => {
      while (this.states.chain.head.height < height && !this.stopped && signal?.aborted !== true) await this.next();
    });
  }

  private async attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.failure = null;
      this.alert.resolve("tipsets are made again");
    } catch (error) {
      const isEnd = this.stopped && (error instanceof DOMException || isFilError(error, "CLOSED"));
      if (this.giveUp.signal.aborted || isEnd) return;
      this.failure = error;
      spellError(this.states.network.prefix, error);
      this.alert.raise(describeError(error));
      this.onError(error);
    }
  }
}
