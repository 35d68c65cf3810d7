/**
 * When a miner tries for a block. The tipset of an epoch gets some time to reach everybody, then miners try for the epoch
 * after it; what they win goes out at that epoch's own time.
 *
 * Waiting is scaled to the time between epochs: as the main network has 10 s for propagation and 2 s for equivocators to
 * show themselves in 30 s. Source: lotus build/buildconstants/params_mainnet.go (PropagationDelaySecs, EquivocationDelaySecs).
 */
import type { EpochTimes } from "../beacon/drand.ts";
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";

export type MiningDelays = {
  /** Milliseconds from an epoch's time until its blocks are taken to be everywhere. */
  readonly propagation: number;
  /** Milliseconds between choosing a base and signing on top of it. */
  readonly equivocation: number;
};

const MAINNET = { epoch: 30, propagation: 10, equivocation: 2 } as const;
/**
 * Null rounds that one block may stand on: each costs a beacon entry and a run of cron. A network that stood still for
 * longer comes back in several steps.
 */
const MAX_NULL_ROUNDS = 64;

export function delaysFor(blockDelaySeconds: number): MiningDelays {
  const scaled = (seconds: number): number => (1000 * blockDelaySeconds * seconds) / MAINNET.epoch;
  return { propagation: scaled(MAINNET.propagation), equivocation: scaled(MAINNET.equivocation) };
}

export class Rounds {
  private readonly times: EpochTimes;
  private readonly delays: MiningDelays;
  /** The base that was tried on last, and the epoch. */
  private last: { readonly key: string; readonly epoch: number } | null = null;

  constructor(times: EpochTimes, delays: MiningDelays) {
    this.times = times;
    this.delays = delays;
  }

  /** Time of an epoch's blocks, milliseconds since 1970. */
  timeOf(epoch: number): number {
    return 1000 * (this.times.genesisTime + epoch * this.times.blockDelay);
  }

  /** From when on blocks of an epoch are tried for. */
  startOf(epoch: number): number {
    return this.timeOf(epoch - 1) + this.delays.propagation;
  }

  /** The epoch whose round it is by the clock, whatever chain there is. */
  current(now: number): number {
    const { genesisTime, blockDelay } = this.times;
    return Math.floor((now - 1000 * genesisTime - this.delays.propagation) / (1000 * blockDelay)) + 1;
  }

  /** The epoch that is to be tried for on top of a base: the one whose round it is, or the first that was not tried yet. */
  next(base: Tipset, now: number): number {
    const tried = this.last?.key === tipsetKeyText(base.key) ? this.last.epoch : 0;
    return Math.max(base.height + 1, tried + 1, Math.min(this.current(now), base.height + 1 + MAX_NULL_ROUNDS));
  }

  /** An epoch was tried for on top of a base. */
  tried(base: Tipset, epoch: number): void {
    this.last = { key: tipsetKeyText(base.key), epoch };
  }
}
