/**
 * One worker of a pool, as the thread that starts it sees it: one run at a time, questions answered meanwhile, and
 * another worker in its place when it dies. See docs/adr/0006-the-machine-in-a-worker.md.
 */
import { platform } from "#platform";
import { wasmPlace } from "../core/load.ts";
import { retryWithRoom } from "../core/room.ts";
import type { VmOptions } from "../core/vm.ts";
import { retryLost, WorkerLostError, type WorkerPool } from "../platform/platform.ts";
import { builtFile } from "../platform/web.ts";
import { AnsweringEnd } from "./channel.ts";
import { ExecError } from "./errors.ts";
import type { ExecutorParts } from "./executor.ts";
import { type AnyResult, unpackResult } from "./packed.ts";
import { type Answering, answeringFrom, errorOf, ownBytes } from "./replies.ts";
import type { RunOptions } from "./types.ts";
import type { VerifyJob } from "./verify-job.ts";
import type {
  Answered,
  KeyAnswer,
  MachineAnswer,
  MachineJob,
  MachineMessage,
  SignJob,
  SignMessage,
  VerifyMessage,
} from "./wire.ts";

/**
 * A native call takes some 1.2 KiB of the thread's stack; the protocol allows 4096 in a row, and before that, what gas buys. Of the
 * FVM's 1,024 calls each takes what its guest's activations do.
 */
const STACK_MIB = 64;

/** Migrations in a worker are the networks'. */
export type PoolParts = Omit<ExecutorParts, "migrations">;

/** A run, with all that a worker needs for it. */
export type Run = {
  readonly job: MachineJob;
  readonly configuration: { readonly number: number; readonly options: VmOptions };
  readonly world: number;
  readonly parts: PoolParts;
  readonly options: RunOptions;
};

export class Slot {
  /** World of the run under way, or of the last one. */
  world = -1;
  busy = false;
  private readonly channels: boolean;
  private worker: WorkerPool | null = null;
  private channel: AnsweringEnd | null = null;
  private channelsMade = 0;
  /** Configurations that the worker has been told. */
  private readonly told = new Set<number>();
  private closed = false;

  /** `channels`: whether the worker waits for answers over shared memory. */
  constructor(channels: boolean) {
    this.channels = channels;
  }

  get started(): boolean {
    return this.worker !== null;
  }

  /** Starts the worker, which the first run does else. */
  start(): WorkerPool {
    this.worker ??= platform.openPool({
      entry: () => builtFile("exec/worker.js"),
      startWorker: () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
      size: 1,
      stackMib: STACK_MIB,
    });
    return this.worker;
  }

  /** Ends the worker as a crash would; for tests. */
  async kill(): Promise<boolean> {
    return (await this.worker?.killOne()) ?? false;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.hangUp();
    await this.worker?.close();
  }

  /** Verifies signatures; rejects with what the worker threw, or with `WorkerLostError`. */
  async verify(jobs: readonly VerifyJob[]): Promise<readonly boolean[]> {
    return (await this.ask({ verify: jobs, wasm: wasmPlace() })) as readonly boolean[];
  }

  /** A BLS signature; rejects with what the worker threw, or with `WorkerLostError`. */
  async sign(job: SignJob): Promise<Uint8Array> {
    return (await this.ask({ sign: job, wasm: wasmPlace() })) as Uint8Array;
  }

  private ask(message: VerifyMessage | SignMessage): Promise<unknown> {
    return retryWithRoom(async () => {
      if (this.closed) throw new WorkerLostError("the pool is closed");
      const answer = (await this.start().run(message)) as KeyAnswer;
      if ("failure" in answer) throw errorOf(answer.failure);
      return answer.result;
    });
  }

  /** Does a run, in another worker if this one dies; three times at most. */
  run(run: Run): Promise<AnyResult> {
    return retryLost(
      () =>
        retryWithRoom(() => this.attempt(run)).catch((error: unknown) => {
          // The channel ended with its worker.
          if (error instanceof WorkerLostError || run.options.signal?.aborted === true) this.hangUp();
          throw error;
        }),
      (attempts, cause) => new ExecError({ code: "WORKER_LOST", attempts }, `${run.job.kind}: its workers died`, cause),
    );
  }

  /** One run in one worker: in one go over a channel, else in as many rounds as it has questions. */
  private async attempt(run: Run): Promise<AnyResult> {
    run.options.signal?.throwIfAborted();
    if (this.closed) throw new WorkerLostError("the pool is closed");
    const answered: Answered[] = [];
    const failed: { with?: unknown } = {};
    const reply = answeringFrom(run.parts, run.options.randomness ?? run.parts.randomness);
    try {
      for (;;) {
        const answer = await this.send(run, answered, reply, (error) => {
          failed.with = error;
        });
        if ("result" in answer) return unpackResult(answer.result);
        if ("asks" in answer) answered.push({ question: answer.asks, reply: ownBytes(await reply(answer.asks)) });
        else if ("isNew" in answer) this.hangUp();
        else throw "with" in failed ? failed.with : errorOf(answer.failure);
      }
    } finally {
      this.channel?.rest();
    }
  }

  private async send(
    { job, configuration, world, options: { tracing = false, signal } }: Run,
    answered: readonly Answered[],
    reply: Answering,
    onFailure: (error: unknown) => void,
  ): Promise<MachineAnswer> {
    const isNew = this.channels && this.channel === null;
    if (isNew) this.channel = new AnsweringEnd(++this.channelsMade);
    this.channel?.answer(reply, onFailure);
    const far = isNew ? this.channel?.far : undefined;
    const known = this.told.has(configuration.number);
    const message: MachineMessage = {
      configuration: configuration.number,
      ...(known ? {} : { options: configuration.options }),
      world,
      wasm: wasmPlace(),
      job,
      tracing,
      channel: this.channel?.id ?? null,
      answered,
      ...(far === undefined ? {} : { newChannel: far }),
    };
    const transfer = far === undefined ? [] : [far.port];
    const limits = signal === undefined ? { transfer } : { transfer, signal };
    const answer = (await this.start().run(message, limits)) as MachineAnswer;
    if (!("isNew" in answer)) this.told.add(configuration.number);
    return answer;
  }

  /** Forgets what the worker was told: it is another one from now on. */
  private hangUp(): void {
    this.channel?.close();
    this.channel = null;
    this.told.clear();
  }
}
