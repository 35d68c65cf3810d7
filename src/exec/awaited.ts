/**
 * Running a machine again until nothing is missing: the native one and the FVM alike.
 *
 * A run asks for blocks and answers (verdicts on proofs, randomness) at once, and is void where one is not at hand. What is missing is
 * fetched or awaited, kept until the job is through, and the job runs again; execution is pure, so it goes the same way up to there.
 */
import { EngineFault } from "../core/errors.ts";
import type { BlockSource } from "../storage/contract.ts";
import { cidKey } from "../types/cid.ts";

export class Awaited {
  private readonly blocks: BlockSource;
  private fetched = new Map<string, Uint8Array>();
  /** Answers of this job that had to be awaited, by question, and what is awaited now. */
  private answers = new Map<string, { readonly answer: unknown }>();
  private pending: Promise<void> = Promise.resolve();

  constructor(blocks: BlockSource) {
    this.blocks = blocks;
  }

  /** A block that the store has at hand, or that was fetched for this job. */
  peek(cid: Uint8Array): Uint8Array | undefined {
    return this.blocks.peek(cid) ?? (this.fetched.size === 0 ? undefined : this.fetched.get(cidKey(cid)));
  }

  /** The same, from the store if it is not at hand; it is at hand from then on. */
  async get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    const known = this.peek(cid);
    if (known !== undefined) return known;
    const { fetched } = this;
    const block = await this.blocks.get(cid);
    if (block !== undefined) fetched.set(cidKey(cid), block);
    return block;
  }

  /** An answer at once, or the fault `ANSWER_PENDING` that makes the run wait for it. */
  answer<Answer>(question: string, ask: () => Answer | Promise<Answer>): Answer {
    const known = this.answers.get(question);
    if (known !== undefined) return known.answer as Answer;
    const answer = ask();
    if (!(answer instanceof Promise)) return answer;
    this.pending = answer.then((settled) => {
      this.answers.set(question, { answer: settled });
    });
    // Whoever awaits it learns of a failure; nobody else must.
    this.pending.catch(() => undefined);
    throw new EngineFault({ code: "ANSWER_PENDING" }, "the run waits for an answer");
  }

  /** Does a job, and does it again whenever something was missing. Faults: those of the job but the ones that are waited for. */
  async repeat<T>(job: () => Promise<T>): Promise<T> {
    try {
      for (;;) {
        try {
          return await job();
        } catch (error) {
          if (!(error instanceof EngineFault)) throw error;
          if (error.data.code === "ANSWER_PENDING") await this.pending;
          else if (error.data.code === "BLOCK_MISSING") await this.fetch(error.data.cid, error);
          else throw error;
        }
      }
    } finally {
      this.fetched = new Map();
      this.answers = new Map();
    }
  }

  private async fetch(cid: Uint8Array, fault: EngineFault): Promise<void> {
    const key = cidKey(cid);
    const block = this.fetched.has(key) ? undefined : await this.blocks.get(cid);
    if (block === undefined) throw fault;
    this.fetched.set(key, block);
  }
}
