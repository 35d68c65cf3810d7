/** Sectors that wait: for an epoch, for a time, or until somebody wakes them. One listener and one timer for all. */
import { describeError } from "../../base/errors.ts";
import type { SealingChain } from "./chain.ts";
import { SealingError } from "./errors.ts";

/** `patient`: that epochs pass for it is not asked for, where they pass when somebody needs them. */
export type Until =
  | { readonly untilEpoch: number; readonly patient?: true }
  | { readonly untilTime: number }
  | { readonly idle: true };
type Sleeper = { readonly until: Until; readonly wake: () => void };

/** Milliseconds: longest timer, so that a clock that is set does not let sectors sleep. */
const MAX_TIMER = 60_000;
/** Milliseconds until the head is asked for again after that failed. */
const RETRY_MS = 2000;

export class Wakes {
  private readonly chain: SealingChain;
  private readonly now: () => number;
  private readonly sleepers = new Map<number, Sleeper>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopListening: () => void = () => undefined;
  private isLooking = false;
  private hasMoved = false;
  private stopped = false;
  /** Why the head could not be asked for last; empty if it could. */
  failure = "";

  constructor(chain: SealingChain, now: () => number) {
    this.chain = chain;
    this.now = now;
  }

  /** `onHead` is called with every head too. */
  start(onHead: () => void): void {
    this.stopListening = this.chain.onHeadChange(() => {
      this.look();
      onHead();
    });
  }

  stop(): void {
    this.stopped = true;
    this.stopListening();
    clearTimeout(this.timer);
    for (const { wake } of [...this.sleepers.values()]) wake();
  }

  isAsleep(sector: number): boolean {
    return this.sleepers.has(sector);
  }

  /** Whether a head is being looked at. */
  get isBusy(): boolean {
    return this.isLooking;
  }

  wake(sector: number): void {
    this.sleepers.get(sector)?.wake();
  }

  /** Resolves when it is time, or when the sector is woken; rejects when the signal is aborted. */
  until(sector: number, until: Until, signal: AbortSignal): Promise<void> {
    if (this.stopped) return Promise.reject(new SealingError({ code: "STOPPED" }, "the miner is stopping"));
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.sleepers.delete(sector);
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        end();
        reject(signal.reason);
      };
      const wake = (): void => {
        end();
        resolve();
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      this.sleepers.set(sector, { until, wake });
      if ("untilEpoch" in until) {
        if (until.patient !== true) this.chain.need(until.untilEpoch);
        this.look();
      }
      this.schedule();
    });
  }

  /** Wakes those whose epoch has come; heads that come meanwhile are looked at once more. */
  private look(): void {
    if (this.stopped) return;
    this.hasMoved = this.isLooking;
    if (this.isLooking) return;
    this.isLooking = true;
    this.chain
      .head()
      .then(({ epoch }) => {
        this.failure = "";
        for (const { until, wake } of [...this.sleepers.values()])
          if ("untilEpoch" in until && until.untilEpoch <= epoch) wake();
      })
      .catch((error: unknown) => {
        this.failure = describeError(error);
        if (!this.stopped) setTimeout(() => this.look(), RETRY_MS);
      })
      .finally(() => {
        this.isLooking = false;
        if (this.hasMoved) this.look();
      });
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const times = [...this.sleepers.values()].flatMap(({ until }) => ("untilTime" in until ? [until.untilTime] : []));
    if (times.length === 0 || this.stopped) return;
    const wait = Math.max(0, Math.min(MAX_TIMER, Math.min(...times) - this.now()));
    this.timer = setTimeout(() => {
      const now = this.now();
      for (const { until, wake } of [...this.sleepers.values()])
        if ("untilTime" in until && until.untilTime <= now) wake();
      this.schedule();
    }, wait);
  }
}
