/**
 * Execution in a worker thread: the same jobs and results as `Executor`, while the thread that wants them goes on.
 *
 * The worker has the machine and a cache of blocks; this side has the store, randomness and the judge of proofs, and
 * answers what a run asks. A worker that dies takes nothing with it but its cache: the run is repeated in another.
 * See docs/adr/0006-the-machine-in-a-worker.md.
 */
import { platform } from "#platform";
import type { VmOptions } from "../core/vm.ts";
import { retryLost, WorkerLostError, type WorkerPool } from "../platform/platform.ts";
import { ExecError } from "./errors.ts";
import { Executor, type ExecutorParts } from "./executor.ts";
import { AnsweringEnd, linesWork } from "./line.ts";
import { packMessages, unpackResult } from "./packed.ts";
import { type Answering, answeringFrom, errorOf, ownBytes } from "./replies.ts";
import type {
  Execution,
  ExecutionResult,
  ExecutionRules,
  MessageResult,
  RunOptions,
  SingleInput,
  TipsetInput,
  Trial,
  TrialResult,
} from "./types.ts";
import { type Answered, binary, type MachineAnswer, type MachineJob, tipsetJob } from "./wire.ts";

/** A call takes some 1.2 KiB of the thread's stack; the protocol allows 4096 in a row, and before that, what gas buys. */
const STACK_MIB = 32;

/** Lines that the core logs stay in the worker, where nobody reads them. */
type Parts = Omit<ExecutorParts, "log">;

export type WorkerSettings = {
  /** Whether the worker may wait for answers over shared memory; default: where that works. */
  readonly lines?: boolean;
};

export class WorkerExecutor implements Execution {
  readonly #options: VmOptions;
  readonly #parts: Parts;
  readonly #lines: boolean;
  #pool: WorkerPool | null = null;
  #line: AnsweringEnd | null = null;
  #linesMade = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: VmOptions, parts: Parts, settings: WorkerSettings = {}) {
    this.#options = options;
    this.#parts = parts;
    this.#lines = settings.lines ?? linesWork();
  }

  applyMessage(input: SingleInput, options: RunOptions = {}): Promise<MessageResult> {
    return this.#enqueue({ kind: "message", input: binary(input) }, options) as Promise<MessageResult>;
  }

  applyTipset(input: TipsetInput, rules: ExecutionRules, options: RunOptions = {}): Promise<ExecutionResult> {
    // An upgrade is a function and cannot cross; there are few, and this thread can run the tipsets after them.
    const upgraded = rules.upgrades?.some(({ epoch }) => epoch >= input.parentEpoch && epoch < input.epoch) ?? false;
    if (upgraded) return new Executor(this.#options, this.#parts).applyTipset(input, rules, options);
    return this.#enqueue(tipsetJob(input, rules), options) as Promise<ExecutionResult>;
  }

  simulate({ context, messages }: Trial, options: RunOptions = {}): Promise<TrialResult> {
    const job = { kind: "simulate", context: binary(context), messages: packMessages(messages) } as const;
    return this.#enqueue(job, options) as Promise<TrialResult>;
  }

  /** Starts the worker, which the first job does else. */
  start(): void {
    this.#pool ??= platform.openPool({
      entry: new URL("../../dist/exec/worker.js", import.meta.url),
      size: 1,
      stackMib: STACK_MIB,
    });
  }

  /** Ends the worker as a crash would; for tests. */
  async killWorker(): Promise<boolean> {
    return (await this.#pool?.killOne()) ?? false;
  }

  async close(): Promise<void> {
    await this.#queue;
    this.#closed = true;
    this.#hangUp();
    await this.#pool?.close();
  }

  #enqueue(job: MachineJob, options: RunOptions): Promise<unknown> {
    const turn = this.#queue.then(() => this.#repeat(job, options));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #repeat(job: MachineJob, options: RunOptions): Promise<unknown> {
    return retryLost(
      () =>
        this.#attempt(job, options).catch((error: unknown) => {
          // The line ended with its worker.
          if (error instanceof WorkerLostError || options.signal?.aborted === true) this.#hangUp();
          throw error;
        }),
      (attempts, cause) => new ExecError({ code: "WORKER_LOST", attempts }, `${job.kind}: its workers died`, cause),
    );
  }

  /** One run in one worker: in one go over a line, else in as many rounds as it has questions. */
  async #attempt(job: MachineJob, options: RunOptions): Promise<unknown> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw new WorkerLostError("the executor is closed");
    this.start();
    const answered: Answered[] = [];
    const failed: { with?: unknown } = {};
    const reply = answeringFrom(this.#parts, options.randomness ?? this.#parts.randomness);
    try {
      for (;;) {
        const answer = await this.#send(job, options, answered, reply, (error) => {
          failed.with = error;
        });
        if ("result" in answer) return unpackResult(answer.result);
        if ("asks" in answer) answered.push({ question: answer.asks, reply: ownBytes(await reply(answer.asks)) });
        else if ("lineLost" in answer) this.#hangUp();
        else throw "with" in failed ? failed.with : errorOf(answer.failure);
      }
    } finally {
      this.#line?.rest();
    }
  }

  async #send(
    job: MachineJob,
    { tracing = false, signal }: RunOptions,
    answered: readonly Answered[],
    reply: Answering,
    onFailure: (error: unknown) => void,
  ): Promise<MachineAnswer> {
    const isNew = this.#lines && this.#line === null;
    if (isNew) this.#line = new AnsweringEnd(++this.#linesMade);
    this.#line?.answer(reply, onFailure);
    const far = isNew ? this.#line?.far : undefined;
    const message = {
      vm: this.#options,
      job,
      tracing,
      line: this.#line?.id ?? null,
      answered,
      ...(far === undefined ? {} : { newLine: far }),
    };
    const transfer = far === undefined ? [] : [far.port];
    const limits = signal === undefined ? { transfer } : { transfer, signal };
    return (await (this.#pool as WorkerPool).run(message, limits)) as MachineAnswer;
  }

  #hangUp(): void {
    this.#line?.close();
    this.#line = null;
  }
}
