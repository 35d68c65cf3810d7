/**
 * Executions that the nodes of one process share: what one node has executed, another takes over if it would have come to
 * the same, and only then. Beside the result stands everything that the run asked of its surroundings: which blocks it read
 * and which randomness it drew. A node takes the result only if its own store holds every one of those blocks and its own
 * chain draws the same randomness; what a run does follows from these, from its input and from the rules, which all nodes
 * share. One taking in `CHECKED` is executed all the same, and must come out equal.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import { equal } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import type {
  DrawRandomness,
  Execution,
  ExecutionResult,
  ExecutionRules,
  RandomnessSource,
  RunOptions,
  TipsetInput,
} from "../exec/types.ts";
import type { BlockSource } from "../storage/contract.ts";
import { CID, cidKey } from "../types/cid.ts";

/** Of so many results that are taken over, one is computed by the node itself, too. */
const CHECKED = 16;
/** Executions that are remembered: those of the last epochs on all forks, some 50 kB each. */
const KEPT = 256;

export type SharedRunsErrorData = { readonly code: "RUN_DIFFERS" };
/** A node came to another result than the one whose result it would have taken: execution is not deterministic. */
export class SharedRunsError extends FilError<SharedRunsErrorData> {}

type Draw = {
  readonly kind: Exclude<keyof RandomnessSource, "digests">;
  readonly tag: number;
  readonly epoch: number;
  readonly entropy: Uint8Array;
  readonly answer: Uint8Array;
};

type Run = { readonly result: ExecutionResult; readonly reads: readonly Uint8Array[]; readonly draws: readonly Draw[] };

/** What the nodes of a simulation share. */
export class SharedRuns {
  /** Results that were taken over; of these, those computed again and found equal. */
  taken = 0;
  checked = 0;
  readonly runs = new BoundedMap<string, Run>(KEPT);
}

/** What a node reads while it executes, noted down. */
export class NotedReads implements BlockSource {
  private readonly blocks: BlockSource;
  private read = new Map<string, Uint8Array>();

  constructor(blocks: BlockSource) {
    this.blocks = blocks;
  }

  peek(cid: Uint8Array): Uint8Array | undefined {
    const key = cidKey(cid);
    if (!this.read.has(key)) this.read.set(key, cid.slice());
    return this.blocks.peek(cid);
  }

  get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    return this.blocks.get(cid);
  }

  /** Whether a block is at hand; this is no read of a run. */
  holds(cid: Uint8Array): boolean {
    return this.blocks.peek(cid) !== undefined;
  }

  /** What was read since the last time. */
  take(): readonly Uint8Array[] {
    const read = [...this.read.values()];
    this.read = new Map();
    return read;
  }
}

/** A node's execution that takes over what others have executed. `reads`: what `own` reads its blocks from. */
export class SharingExecution implements Execution {
  private readonly own: Execution;
  private readonly reads: NotedReads;
  private readonly shared: SharedRuns;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(own: Execution, reads: NotedReads, shared: SharedRuns) {
    this.own = own;
    this.reads = reads;
    this.shared = shared;
  }

  applyMessage: Execution["applyMessage"] = (input, options) =>
    this.inTurn(() => this.own.applyMessage(input, options));

  simulate: Execution["simulate"] = (trial, options) => this.inTurn(() => this.own.simulate(trial, options));

  applyTipset(input: TipsetInput, rules: ExecutionRules, options: RunOptions = {}): Promise<ExecutionResult> {
    return this.inTurn(async () => {
      if (options.tracing === true || options.randomness === undefined)
        return this.own.applyTipset(input, rules, options);
      const name = nameOf(input);
      const known = this.shared.runs.get(name);
      if (known === undefined || !(await this.isOurs(known, options.randomness)))
        return this.compute(name, input, rules, { ...options, randomness: options.randomness });
      this.shared.taken++;
      if (this.shared.taken % CHECKED !== 0) return known.result;
      const again = await this.own.applyTipset(input, rules, options);
      if (!isSame(again, known.result))
        throw new SharedRunsError({ code: "RUN_DIFFERS" }, `two nodes execute epoch ${input.epoch} differently`);
      this.shared.checked++;
      return again;
    });
  }

  close(): Promise<void> {
    return this.own.close();
  }

  /** One run at a time, so that what is read is that run's. */
  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(run);
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private async compute(
    name: string,
    input: TipsetInput,
    rules: ExecutionRules,
    options: RunOptions & { readonly randomness: RandomnessSource },
  ): Promise<ExecutionResult> {
    const draws: Draw[] = [];
    this.reads.take();
    const result = await this.own.applyTipset(input, rules, {
      ...options,
      randomness: noted(options.randomness, draws),
    });
    this.shared.runs.set(name, { result, reads: this.reads.take(), draws });
    return result;
  }

  /** Whether this node's store and chain would give a run the same. */
  private async isOurs({ reads, draws }: Run, randomness: RandomnessSource): Promise<boolean> {
    for (const cid of reads) if (!this.reads.holds(cid)) return false;
    for (const { kind, tag, epoch, entropy, answer } of draws)
      if (!equal(await randomness[kind](tag, epoch, entropy), answer)) return false;
    return true;
  }
}

/** The same randomness; what is drawn is noted down. */
function noted(randomness: RandomnessSource, draws: Draw[]): RandomnessSource {
  const noting =
    (kind: Exclude<keyof RandomnessSource, "digests">): DrawRandomness =>
    (tag, epoch, entropy) => {
      const asked = { kind, tag, epoch, entropy: entropy.slice() };
      const answer = randomness[kind](tag, epoch, entropy);
      const note = (given: Uint8Array): Uint8Array => {
        draws.push({ ...asked, answer: given });
        return given;
      };
      return answer instanceof Uint8Array ? note(answer) : answer.then(note);
    };
  return { ticketRandomness: noting("ticketRandomness"), beaconRandomness: noting("beaconRandomness") };
}

const LATIN1 = new TextDecoder("latin1");

function nameOf({ stateRoot, parentEpoch, epoch, baseFee, blocks }: TipsetInput): string {
  const parts: unknown[] = [cidKey(stateRoot), parentEpoch, epoch, baseFee];
  for (const { miner, winCount, blsMessages, secpMessages } of blocks) {
    parts.push(`${miner}`, winCount);
    for (const messages of [blsMessages, secpMessages]) {
      parts.push(messages.length);
      for (const { bytes, chainLength } of messages) parts.push(bytes.length, LATIN1.decode(bytes), chainLength);
    }
  }
  return parts.join();
}

function isSame(a: unknown, b: unknown): boolean {
  const cid = CID.asCID(a);
  if (cid !== null) return cid.equals(CID.asCID(b) ?? undefined);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return equal(a, b);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  );
}
