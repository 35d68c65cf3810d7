/**
 * When epochs pass on a local network: by the clock, when a message arrives, or on call. One tipset at a time.
 */
import type { ChainStore } from "../chain/chain-store.ts";
import type { Producer } from "../miner/producer.ts";
import type { MessagePool } from "../mpool/pool.ts";
import type { Tipset } from "../types/block-header.ts";

export class Clock {
  private readonly producer: Producer;
  private readonly chain: ChainStore;
  private automine = true;
  private seconds: number;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private stopped = false;
  private wanted = false;
  /** Called with what made producing fail; the next attempt follows at the next tick. */
  onError: (error: unknown) => void = () => {};

  constructor(producer: Producer, chain: ChainStore, pool: MessagePool, blockTime: number) {
    this.producer = producer;
    this.chain = chain;
    this.seconds = blockTime;
    pool.onChange(({ kind }) => {
      if (kind === "add" && this.automine && this.seconds === 0) this.soon();
    });
  }

  get blockTime(): number {
    return this.seconds;
  }

  /** Begins to make epochs by the clock (not in instant mode). */
  start(): void {
    this.schedule();
  }

  setAutomine(on: boolean): void {
    this.automine = on;
    this.schedule();
  }

  setBlockTime(seconds: number): void {
    this.seconds = seconds;
    this.schedule();
  }

  /** Makes `count` tipsets in successive epochs and returns the last. */
  mine(count: number): Promise<Tipset> {
    return this.turn(async () => {
      let last = this.chain.head;
      for (let i = 0; i < count && !this.stopped; i++) last = await this.producer.produce(this.chain.head.height + 1);
      return last;
    });
  }

  /** Passes `count` null rounds, then makes a tipset. */
  skip(count: number): Promise<Tipset> {
    return this.turn(() => this.producer.produce(this.chain.head.height + 1 + count));
  }

  /** Lets the tipset under way end, then makes no more. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.queue.catch(() => undefined);
  }

  private turn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work);
    this.queue = result.catch(() => undefined);
    return result;
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (this.stopped || !this.automine || this.seconds === 0) return;
    this.timer = setTimeout(() => {
      this.mine(1)
        .catch((error: unknown) => this.onError(error))
        .finally(() => this.schedule());
    }, this.seconds * 1000);
  }

  /** Makes a tipset once the messages of this moment are in, however many they are. */
  private soon(): void {
    if (this.wanted || this.stopped) return;
    this.wanted = true;
    setTimeout(() => {
      this.wanted = false;
      this.mine(1).catch((error: unknown) => this.onError(error));
    }, 0);
  }
}
