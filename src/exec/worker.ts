/**
 * The module that runs in the worker of a `WorkerExecutor`: an `Executor` whose world is what the message brings, a
 * cache of blocks, and the line to the thread that wants the run.
 */
import { platform } from "#platform";
import { failureOf } from "../base/errors.ts";
import { answerMessages } from "../platform/worker-scope.ts";
import { BlockCache } from "./block-cache.ts";
import { Executor } from "./executor.ts";
import { AskingEnd } from "./line.ts";
import { packResult } from "./packed.ts";
import type { RunOptions } from "./types.ts";
import {
  type MachineAnswer,
  type MachineJob,
  type MachineMessage,
  type Question,
  questionKey,
  type Reply,
  tipsetOf,
  whole,
} from "./wire.ts";

/** Bytes of one generation of the cache: the working set of a state of some 10^5 accounts. */
const CACHE_BYTES = 32 << 20;

/** Ends a run that must know what this worker cannot. */
class Unanswered extends Error {}

class Session {
  readonly #executor: Executor;
  readonly #cache = new BlockCache(CACHE_BYTES);
  #line: AskingEnd | null = null;
  #answered = new Map<string, Reply>();
  #open: Question | null = null;

  constructor(vm: MachineMessage["vm"]) {
    const peek = (cid: Uint8Array): Uint8Array | undefined => this.#block(cid);
    const draw = (kind: "ticket" | "beacon") => (tag: number, epoch: number, entropy: Uint8Array) =>
      this.#ask({ kind, tag, epoch, entropy }) ?? new Uint8Array(0);
    const judge = (kind: "post" | "seal") => (info: Uint8Array) => this.#ask({ kind, info })?.[0] === 1;
    this.#executor = new Executor(vm, {
      blocks: { peek, get: async (cid) => peek(cid) },
      randomness: { ticketRandomness: draw("ticket"), beaconRandomness: draw("beacon") },
      proofs: { verifyPoSt: judge("post"), verifySeal: judge("seal") },
    });
  }

  async handle(message: MachineMessage): Promise<MachineAnswer> {
    if (message.newLine !== undefined) this.#line = new AskingEnd(message.newLine);
    if (message.line === null) this.#line = null;
    else if (message.line !== this.#line?.id) return { lineLost: true };
    this.#answered = new Map(message.answered.map(({ question, reply }) => [questionKey(question), reply]));
    this.#open = null;
    try {
      const result = await this.#run(message.job, { tracing: message.tracing });
      if ("blocks" in result) for (const { cid, bytes } of result.blocks) this.#cache.put(cid, bytes);
      return { result: packResult(result) };
    } catch (error) {
      return this.#open === null ? { failure: failureOf(error) } : { asks: this.#open };
    } finally {
      this.#answered = new Map();
    }
  }

  #run(job: MachineJob, options: RunOptions) {
    switch (job.kind) {
      case "tipset":
        return this.#executor.applyTipset(...tipsetOf(job), options);
      case "message":
        return this.#executor.applyMessage(whole(job.input), options);
      case "simulate":
        return this.#executor.simulate({ context: whole(job.context), messages: job.messages }, options);
    }
  }

  #block(cid: Uint8Array): Uint8Array | undefined {
    const known = this.#cache.get(cid);
    if (known !== undefined) return known;
    const block = this.#ask({ kind: "block", cid }) ?? undefined;
    if (block !== undefined) this.#cache.put(cid, block);
    return block;
  }

  #ask(question: Question): Reply {
    if (this.#answered.size > 0) {
      const reply = this.#answered.get(questionKey(question));
      if (reply !== undefined) return reply;
    }
    if (this.#line !== null) return this.#line.ask(question);
    this.#open = question;
    throw new Unanswered(`a ${question.kind} must be known`);
  }
}

let session: Session | null = null;

/** Does the job of a message. Messages of one worker all have the same `vm`. */
export function work(message: MachineMessage): Promise<MachineAnswer> {
  session ??= new Session(message.vm);
  return session.handle(message);
}

answerMessages(platform.environment, work);
