/**
 * The lives of deals: each goes from state to state alone and beside the others. A step looks at the record and the world,
 * does one thing, and says which event came of it; one that was cut off is done again from its beginning.
 *
 * Errors: a `StepFailure` ends the deal, and so does the deadline of its state. Whatever else a step throws (the node is
 * not there, the disk is full) leaves the deal where it is, is told in its record, and is tried again after a pause that
 * grows to a minute.
 */
import { describeError, FilError } from "../../base/errors.ts";
import { DealError } from "./errors.ts";
import type { Change, DealRecord, RecordBook } from "./record-book.ts";

/** What came of a step: an event, or something to wait for first. */
export type Outcome<R> =
  | { readonly event: string; readonly text: string; readonly change: Change<R> }
  /** Looks again when the head has come to an epoch; 0: with the next head. */
  | { readonly untilEpoch: number; readonly pauseMs?: number }
  /** Milliseconds. */
  | { readonly pauseMs: number }
  /** Nothing happens by itself here. */
  | { readonly idle: true };

export type StepOf<R> = (record: R, signal: AbortSignal) => Promise<Outcome<R>>;

/** Thrown by a step: the deal ends. */
export class StepFailure extends FilError<{ readonly code: "FAILED" | "DEADLINE" }> {}

export type LivesOptions<R extends DealRecord> = {
  readonly book: RecordBook<R>;
  /** By state; a state without a step is an end. */
  readonly steps: Readonly<Record<string, StepOf<R>>>;
  readonly chain: { readonly epoch: number; onHeadChange(listener: () => void): () => void };
  /** Last epoch of a deal in its state; null where there is none. */
  readonly deadline: (record: R) => number | null;
  /** State that a failure leads to, with what else is to be done about it. */
  readonly failed: (record: R, text: string) => Promise<Change<R>>;
  readonly onChange?: (record: R) => void;
};

const WAIT_FIRST = 1000;
const WAIT_MOST = 60_000;

type Visit = { readonly abort: AbortController; readonly deadline: number | null };

export class Lives<R extends DealRecord> {
  private readonly options: LivesOptions<R>;
  private readonly stopping = new AbortController();
  private readonly living = new Map<string, Promise<void>>();
  private readonly visits = new Map<string, Visit>();
  /** Those that wait for a head: from which epoch on, and what wakes them. */
  private readonly sleeping = new Map<string, { readonly epoch: number; readonly wake: () => void }>();
  private stopListening: (() => void) | null = null;

  constructor(options: LivesOptions<R>) {
    this.options = options;
  }

  /** Goes on with all deals. */
  start(): void {
    this.stopListening = this.options.chain.onHeadChange(() => this.headMoved());
    for (const { id } of this.options.book.all()) this.live(id);
  }

  /** Ends what is under way; it is done again at the next start. */
  async stop(): Promise<void> {
    this.stopListening?.();
    this.stopping.abort(new DealError({ code: "CLOSED" }, "the node is stopping"));
    for (const { abort } of this.visits.values()) abort.abort(this.stopping.signal.reason);
    await Promise.allSettled(this.living.values());
  }

  /** Lets a deal live, or look again if it waits. */
  live(id: string): void {
    this.sleeping.get(id)?.wake();
    if (this.stopListening === null || this.stopping.signal.aborted || this.living.has(id)) return;
    const life = this.steps(id).finally(() => {
      this.living.delete(id);
      // An event that came as the life ended has its turn.
      if (this.hasStep(id) && !this.stopping.signal.aborted) this.live(id);
    });
    this.living.set(id, life);
  }

  /** Whether every deal waits: for a head, for time, or for somebody to do something; in these states within its step. */
  isAtRest(waiting: readonly string[] = []): boolean {
    const { book } = this.options;
    return [...this.living.keys()].every((id) => this.sleeping.has(id) || waiting.includes(book.find(id)?.state ?? ""));
  }

  private hasStep(id: string): boolean {
    const { state } = this.options.book.find(id) ?? {};
    return state !== undefined && this.options.steps[state] !== undefined;
  }

  private headMoved(): void {
    const { epoch } = this.options.chain;
    for (const { epoch: due, wake } of [...this.sleeping.values()]) if (epoch >= due) wake();
    for (const { abort, deadline } of this.visits.values())
      if (deadline !== null && epoch > deadline) abort.abort(tooLate(deadline));
  }

  private async steps(id: string): Promise<void> {
    const { book } = this.options;
    for (let failures = 0; this.hasStep(id) && !this.stopping.signal.aborted; ) {
      const record = book.get(id);
      const deadline = this.options.deadline(record);
      const abort = new AbortController();
      this.visits.set(id, { abort, deadline });
      try {
        if (deadline !== null && this.options.chain.epoch > deadline) throw tooLate(deadline);
        const step = this.options.steps[record.state] as StepOf<R>;
        const outcome = await step(record, abort.signal);
        failures = 0;
        if ("event" in outcome) await this.took(record, outcome.event, outcome.text, { error: "", ...outcome.change });
        else await this.wait(record, outcome, abort.signal);
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        const reason = abort.signal.aborted ? abort.signal.reason : error;
        await (reason instanceof StepFailure
          ? this.fail(record, describeError(reason))
          : this.note(record, describeError(reason))
        ).catch(() => undefined);
        if (!(reason instanceof StepFailure))
          await this.wait(
            book.get(id),
            { pauseMs: Math.min(WAIT_MOST, WAIT_FIRST * 2 ** failures++) },
            abort.signal,
          ).catch(() => undefined);
      } finally {
        this.visits.delete(id);
      }
    }
  }

  private async took(record: R, event: string, text: string, change: Change<R>): Promise<void> {
    const after = await this.options.book.step({ id: record.id, event, text, change }, record.steps);
    this.options.onChange?.(after);
  }

  private async fail(record: R, text: string): Promise<void> {
    const { book, failed, onChange } = this.options;
    const step = { id: record.id, event: "failed", text, change: { error: text } as Change<R> };
    if (await book.end(step, record.steps, () => failed(record, text))) onChange?.(book.get(record.id));
  }

  /** Tells in the record why it waits; once for each reason. */
  private async note(record: R, text: string): Promise<void> {
    if (record.error !== text) await this.took(record, "waiting", text, { error: text } as Change<R>);
  }

  /** Resolves when a deal has to look again: at once if something happened to it since `record`. */
  private wait({ id, steps }: R, outcome: Outcome<R>, signal: AbortSignal): Promise<void> {
    if (this.options.book.get(id).steps !== steps) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const done = (end: () => void) => (): void => {
        clearTimeout(timer);
        this.sleeping.delete(id);
        signal.removeEventListener("abort", aborted);
        end();
      };
      const aborted = done(() => reject(signal.reason));
      const wake = done(resolve);
      const { pauseMs } = outcome as { readonly pauseMs?: number };
      const timer = pauseMs === undefined ? undefined : setTimeout(wake, pauseMs);
      const epoch = "untilEpoch" in outcome ? outcome.untilEpoch : Number.POSITIVE_INFINITY;
      this.sleeping.set(id, { epoch, wake });
      signal.addEventListener("abort", aborted, { once: true });
      if (signal.aborted) aborted();
    });
  }
}

function tooLate(deadline: number): StepFailure {
  return new StepFailure({ code: "DEADLINE" }, `it should have been done by epoch ${deadline}`);
}
