/**
 * Workers that execute for all nodes of a process: the same jobs and results as `Executor`, while the thread that wants
 * them goes on.
 *
 * A worker keeps machines by their configuration and one cache of blocks for all; stores, randomness and verifiers stay
 * with the thread that wants a run. Which worker does a run, and in what order runs are done, changes no result.
 *
 *   who waits        runs wait by priority (validate, mine, call), then in the order in which they came
 *   who goes where   a run goes to the free worker that served its node last (whose cache knows the node's blocks), tipsets
 *                    else from the front, calls from the back; workers start when they are wanted
 *   signatures       are verified by a worker that is free, never by the first one, and else by whoever asked
 *   what is kept     of two workers and more, the first is never given to calls, the last never to tipsets
 *
 * See docs/adr/0006-the-machine-in-a-worker.md.
 */
import { platform } from "#platform";
import { checkNames, checkWhole, type OptionNames } from "../base/options.ts";
import { checkVmOptions, type VmOptions } from "../core/vm.ts";
import { MAX_WORKERS, WorkerLostError } from "../platform/platform.ts";
import { channelsWork } from "./channel.ts";
import { type AnyResult, packMessages } from "./packed.ts";
import { type PoolParts, type Run, Slot } from "./slot.ts";
import type {
  Execution,
  ExecutionResult,
  ExecutionRules,
  MessageResult,
  Priority,
  RunOptions,
  SingleInput,
  TipsetInput,
  Trial,
  TrialResult,
} from "./types.ts";
import type { VerifyJob } from "./verify-job.ts";
import { binary, type MachineJob, type SignJob, tipsetJob } from "./wire.ts";

export type PoolSettings = {
  /** Workers at most, at least 1. Default: as many as the platform has cores, but 2 at least and 4 at most. */
  readonly size?: number;
  /** Whether workers may wait for answers over shared memory. Default: where that works. */
  readonly channels?: boolean;
};

const PARTS: OptionNames<PoolParts> = { blocks: true, randomness: true, proofs: true, consensusFault: true };

const FEWEST = 2;
const MOST = 4;

type Waiting = Run & {
  readonly priority: Priority;
  readonly resolve: (result: AnyResult) => void;
  readonly reject: (reason: unknown) => void;
};

const ORDER: readonly Priority[] = ["validate", "mine", "call"];

export class ExecutionPool {
  private readonly slots: readonly Slot[];
  private readonly queues: Readonly<Record<Priority, Waiting[]>> = { validate: [], mine: [], call: [] };
  private readonly configurations: { number: number; options: VmOptions }[] = [];
  private readonly running = { tipsets: 0, calls: 0 };
  private worlds = 0;
  private closed = false;

  /** Throws `OptionError` for a size that no pool can have, and for a setting that there is not. */
  constructor(settings: PoolSettings = {}) {
    checkNames<PoolSettings>("ExecutionPool", settings, { size: true, channels: true });
    const { size, channels = channelsWork() } = settings;
    const count = checkWhole("size", size ?? Math.min(MOST, Math.max(FEWEST, platform.cores)), [1, MAX_WORKERS]);
    this.slots = Array.from({ length: count }, () => new Slot(channels));
  }

  /** Most workers that the pool starts. */
  get size(): number {
    return this.slots.length;
  }

  /** Workers that it has started. */
  get started(): number {
    return this.slots.filter((slot) => slot.started).length;
  }

  /** An execution for one node: its machine's configuration, its store and its sources. Throws `OptionError` as `Executor` does. */
  client(options: VmOptions, parts: PoolParts): PoolClient {
    checkVmOptions("ExecutionPool.client", options);
    checkNames("ExecutionPool.client", parts, PARTS);
    return new PoolClient(this, this.configuration(options), ++this.worlds, parts);
  }

  /** Starts the first worker, which the first run does else. */
  start(): void {
    if (!this.closed) this.slots[0]?.start();
  }

  /** Ends a worker that has been started as a crash would; for tests. */
  async killWorker(): Promise<boolean> {
    const slot = this.slots.find(({ busy }) => busy) ?? this.slots.find(({ started }) => started);
    return (await slot?.kill()) ?? false;
  }

  /** Ends the workers. Runs that wait, or are under way, reject with `WorkerLostError` or `WORKER_LOST`. */
  async close(): Promise<void> {
    this.closed = true;
    for (const priority of ORDER)
      for (const { reject } of this.queues[priority].splice(0)) reject(new WorkerLostError("the pool is closed"));
    await Promise.all(this.slots.map((slot) => slot.close()));
  }

  /** Waits for a worker and does a run; an aborted one leaves the queue. For `PoolClient`. */
  execute(run: Run, priority: Priority): Promise<AnyResult> {
    const { signal } = run.options;
    return new Promise<AnyResult>((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      if (this.closed) return reject(new WorkerLostError("the pool is closed"));
      const queue = this.queues[priority];
      const leave = (): void => {
        const at = queue.indexOf(waiting);
        if (at >= 0) queue.splice(at, 1);
        // One that is under way is rejected by its worker's end.
        if (at >= 0) waiting.reject(signal?.reason);
      };
      const settle =
        <Value>(how: (value: Value) => void) =>
        (value: Value): void => {
          signal?.removeEventListener("abort", leave);
          how(value);
        };
      const waiting: Waiting = { ...run, priority, resolve: settle(resolve), reject: settle(reject) };
      signal?.addEventListener("abort", leave);
      queue.push(waiting);
      this.next();
    });
  }

  /**
   * Verifies signatures in a worker that is free now, all of a list one after another; null if there is none, so that
   * nothing ever waits for it. The first worker is left to tipsets. Rejects where a worker dies or a job has wrong lengths:
   * whoever asks verifies it himself then.
   */
  verify(jobs: readonly VerifyJob[]): Promise<readonly boolean[]> | null {
    const slot = this.closed ? undefined : this.slots.slice(1).findLast(({ busy }) => !busy);
    if (slot === undefined) return null;
    slot.busy = true;
    return slot.verify(jobs).finally(() => {
      slot.busy = false;
      this.next();
    });
  }

  /** Signs in a worker that is free now; null if none is. Otherwise as `verify`. */
  sign(job: SignJob): Promise<Uint8Array> | null {
    const slot = this.closed ? undefined : this.slots.slice(1).findLast(({ busy }) => !busy);
    if (slot === undefined) return null;
    slot.busy = true;
    return slot.sign(job).finally(() => {
      slot.busy = false;
      this.next();
    });
  }

  private configuration(options: VmOptions): { number: number; options: VmOptions } {
    const same = (other: VmOptions): boolean =>
      other.source === options.source &&
      other.asset === options.asset &&
      other.profile === options.profile &&
      other.maxPages === options.maxPages;
    let found = this.configurations.find((one) => same(one.options));
    if (found === undefined) {
      found = { number: this.configurations.length, options };
      this.configurations.push(found);
    }
    return found;
  }

  /** Gives waiting runs to free workers. */
  private next(): void {
    for (;;) {
      const priority = ORDER.find((one) => this.queues[one].length > 0 && this.mayStart(one));
      const slot = priority === undefined ? undefined : this.freeSlot(priority, this.queues[priority][0] as Waiting);
      if (priority === undefined || slot === undefined) return;
      this.give(slot, this.queues[priority].shift() as Waiting);
    }
  }

  /** Whether one more run of a kind leaves a worker to the other kind. */
  private mayStart(priority: Priority): boolean {
    const most = Math.max(1, this.slots.length - 1);
    return (priority === "call" ? this.running.calls : this.running.tipsets) < most;
  }

  private freeSlot(priority: Priority, { world }: Waiting): Slot | undefined {
    const several = this.slots.length > 1;
    const tipsets = several ? this.slots.slice(0, -1) : this.slots;
    const calls = several ? this.slots.slice(1).reverse() : this.slots;
    const free = (priority === "call" ? calls : tipsets).filter(({ busy }) => !busy);
    return free.find((slot) => slot.world === world) ?? free[0];
  }

  private give(slot: Slot, run: Waiting): void {
    const kind = run.priority === "call" ? "calls" : "tipsets";
    slot.busy = true;
    slot.world = run.world;
    this.running[kind]++;
    slot
      .run(run)
      .then(run.resolve, run.reject)
      .finally(() => {
        slot.busy = false;
        this.running[kind]--;
        this.next();
      });
  }
}

/** One node's execution in a pool. */
export class PoolClient implements Execution {
  private readonly pool: ExecutionPool;
  private readonly configuration: Run["configuration"];
  private readonly world: number;
  private readonly parts: PoolParts;
  private readonly underWay = new Set<Promise<unknown>>();
  private closed = false;

  constructor(pool: ExecutionPool, configuration: Run["configuration"], world: number, parts: PoolParts) {
    this.pool = pool;
    this.configuration = configuration;
    this.world = world;
    this.parts = parts;
  }

  applyMessage(input: SingleInput, options: RunOptions = {}): Promise<MessageResult> {
    return this.run({ kind: "message", input: binary(input) }, options, "call") as Promise<MessageResult>;
  }

  async applyTipset(input: TipsetInput, rules: ExecutionRules, options: RunOptions = {}): Promise<ExecutionResult> {
    return (await this.run(tipsetJob(input, rules), options, "validate")) as ExecutionResult;
  }

  simulate({ context, messages, ...more }: Trial, options: RunOptions = {}): Promise<TrialResult> {
    const job: MachineJob = { kind: "simulate", context: binary(context), messages: packMessages(messages), ...more };
    return this.run(job, options, "call") as Promise<TrialResult>;
  }

  /** Lets what is under way end; takes no more. The pool goes on. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled(this.underWay);
  }

  private run(job: MachineJob, options: RunOptions, priority: Priority): Promise<AnyResult> {
    if (this.closed) return Promise.reject(new WorkerLostError("the executor is closed"));
    const { pool, configuration, world, parts } = this;
    const done = pool.execute({ job, configuration, world, parts, options }, options.priority ?? priority);
    this.underWay.add(done);
    const forget = (): boolean => this.underWay.delete(done);
    done.then(forget, forget);
    return done;
  }
}
