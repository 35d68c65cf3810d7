/**
 * Running messages and tipsets on a state, over a store that may answer only later.
 *
 * The core asks for blocks and must have them at once. A block that is not at hand voids the run: the instance is thrown
 * away, the block fetched, and everything runs again from the same root. Execution is pure, so the second run goes the
 * same way up to there. Blocks fetched for a run are kept until it is through, so each is fetched once; how many runs
 * that takes is bounded by the number of blocks on the way, and with a store that answers at once there is one.
 */

import { checkNames, type OptionNames } from "../base/options.ts";
import { sleepFor } from "../base/sleep.ts";
import { EngineFault } from "../core/errors.ts";
import type { FvmHost, ProvenFault } from "../core/fvm.ts";
import { switchesStacks } from "../core/fvm-guests.ts";
import { checkVmOptions, type MachineContext, Vm, type VmHost, type VmOptions } from "../core/vm.ts";
import { isFvm } from "../schema/versions/rows.ts";
import type { BlockSource } from "../storage/contract.ts";
import { type Block, type CID, cidKey } from "../types/cid.ts";
import { decodeMessage, encodeMessage } from "../types/message.ts";
import { Awaited } from "./awaited.ts";
import { digestsOf } from "./digests.ts";
import { badEpochs, ExecError } from "./errors.ts";
import { cronMessage, rewardMessage } from "./implicit.ts";
import { type Applied, FvmMachine, type Machine } from "./machine.ts";
import type { Migration, UpgradeBlocks } from "./migration.ts";
import { reachable } from "./reachable.ts";
import { decodeTrace } from "./trace.ts";
import type {
  AppliedKind,
  AppliedMessage,
  ChainDigests,
  Execution,
  ExecutionResult,
  ExecutionRules,
  FaultHeaders,
  MessageInput,
  MessageResult,
  ProofVerifier,
  RandomnessSource,
  RunOptions,
  SingleInput,
  StateUpgrade,
  TipsetInput,
  Trial,
  TrialMessage,
  TrialResult,
} from "./types.ts";
import { MIGRATIONS, type UpgradeName } from "./upgrades.ts";

export type ExecutorParts = {
  readonly blocks: BlockSource;
  readonly randomness: RandomnessSource;
  readonly proofs: ProofVerifier;
  /**
   * The fault that two headers prove to the FVM's miner actor, null if they prove none. Default: undefined, nothing can be judged,
   * and such a report fails.
   */
  readonly consensusFault?: (
    first: Uint8Array,
    second: Uint8Array,
    extra: Uint8Array,
  ) => ProvenFault | null | undefined | Promise<ProvenFault | null | undefined>;
  /** What the names of upgrades stand for. Default: those of the networks. */
  readonly migrations?: Readonly<Record<UpgradeName, Migration>>;
};

const PARTS: OptionNames<ExecutorParts> = {
  ...{ blocks: true, randomness: true, proofs: true },
  ...{ consensusFault: true, migrations: true },
};

/** Runs one job at a time; further ones wait. */
export class Executor implements Execution {
  private readonly options: VmOptions;
  private readonly parts: ExecutorParts;
  private vm: Vm | null = null;
  private fvm: FvmMachine | null = null;
  private randomness: RandomnessSource;
  private readonly awaited: Awaited;
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  /** Throws `OptionError` for an option or a part that there is not. */
  constructor(options: VmOptions, parts: ExecutorParts) {
    checkVmOptions("Executor", options);
    checkNames("Executor", parts, PARTS);
    this.options = options;
    this.parts = parts;
    this.randomness = parts.randomness;
    this.awaited = new Awaited(parts.blocks);
  }

  /**
   * Gives a job an open machine, and runs the job again on a new one whenever a block was missing. The job must have no
   * effect outside of its result.
   */
  run<T>(context: MachineContext, job: (vm: Machine) => T | Promise<T>, options: RunOptions = {}): Promise<T> {
    if (this.closed) return Promise.reject(new ExecError({ code: "CLOSED" }, "the executor is closed; make a new one"));
    const turn = this.queue.then(() => this.attempt(context, job, options));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  applyMessage(input: SingleInput, options: RunOptions = {}): Promise<MessageResult> {
    const { message, ...place } = input;
    const { epoch } = place;
    const tracing = options.tracing ?? false;
    const context = { ...place, tracing };
    return this.run(
      context,
      async (vm) => {
        const applied = await applyOne(vm, "message", message, epoch, tracing);
        const root = vm.flush();
        return { stateRoot: root, applied, blocks: reachable([root], vm.madeBlocks()) };
      },
      options,
    );
  }

  applyTipset(input: TipsetInput, rules: ExecutionRules, options: RunOptions = {}): Promise<ExecutionResult> {
    const { stateRoot, parentEpoch, epoch, baseFee, facts } = input;
    const bad = badEpochs(input);
    if (bad !== null) return Promise.reject(bad);
    const { circulatingSupply } = rules;
    const tracing = options.tracing ?? false;
    const first = Math.min(parentEpoch + 1, epoch);
    // Before an upgrade the state is of the earlier version's kind.
    const isBefore = rules.upgrades?.some((upgrade) => upgrade.epoch === parentEpoch) === true;
    const networkVersion = rules.networkVersionAt(isBefore ? parentEpoch : first);
    const place = { stateRoot, epoch: first, networkVersion, baseFee, circulatingSupply, tracing };
    const context = facts === undefined ? place : { ...place, facts };
    return this.run(
      context,
      (vm) =>
        new TipsetRun(vm, input, rules, {
          ...options,
          tracing,
          context,
          migrate: this.migrate,
          get: this.fetch,
        }).execute(),
      options,
    );
  }

  simulate({ context, messages, edits = [], keep }: Trial, options: RunOptions = {}): Promise<TrialResult> {
    const tracing = options.tracing ?? false;
    const job = async (vm: Machine): Promise<TrialResult> => {
      if (edits.length > 0) editableOf(vm).edit(edits);
      const applied: AppliedMessage[] = [];
      for (const message of messages) applied.push(await tryOne(vm, context, message, tracing));
      const stateRoot = vm.flush();
      return { stateRoot, applied, ...(keep === true ? { blocks: reachable([stateRoot], vm.madeBlocks()) } : {}) };
    };
    return this.run({ ...context, tracing }, job, options);
  }

  /** Lets what is under way end; takes no more. */
  async close(): Promise<void> {
    this.closed = true;
    await this.queue;
    this.vm = null;
    this.fvm = null;
  }

  private readonly migrate: Migrate = ({ name, epoch }, root, blocks) =>
    (this.parts.migrations ?? MIGRATIONS)[name](root, epoch, blocks, this.options);

  private readonly fetch = (cid: Uint8Array): Promise<Uint8Array | undefined> => this.awaited.get(cid);

  private async attempt<T>(
    context: MachineContext,
    job: (vm: Machine) => T | Promise<T>,
    options: RunOptions,
  ): Promise<T> {
    try {
      return await this.work(context, job, options, false);
    } catch (error) {
      const isDeep = error instanceof EngineFault && error.data.code === "HOST_STACK";
      if (!isDeep || !isFvm(context.networkVersion) || !switchesStacks()) throw error;
      return this.work(context, job, options, true);
    }
  }

  private work<T>(
    context: MachineContext,
    job: (vm: Machine) => T | Promise<T>,
    options: RunOptions,
    deep: boolean,
  ): Promise<T> {
    this.randomness = options.randomness ?? this.parts.randomness;
    return this.awaited.repeat(async () => {
      options.signal?.throwIfAborted();
      try {
        const vm = isFvm(context.networkVersion) ? await this.fvmInstance() : await this.instance();
        if (vm instanceof FvmMachine) vm.deep = deep;
        vm.open(context);
        const result = await job(vm);
        vm.close();
        return result;
      } finally {
        if (this.vm?.spent === true) this.vm = null;
        if (this.fvm?.spent === true) this.fvm = null;
      }
    });
  }

  private async instance(): Promise<Vm> {
    this.vm ??= await Vm.create(this.host(), this.options);
    return this.vm;
  }

  private async fvmInstance(): Promise<FvmMachine> {
    const { maxPages } = this.options;
    this.fvm ??= await FvmMachine.create(this.fvmHost(), maxPages === undefined ? {} : { maxPages });
    return this.fvm;
  }

  private host(): VmHost {
    const { awaited } = this;
    const { proofs } = this.parts;
    return {
      peek: (cid) => awaited.peek(cid),
      ticketRandomness: (tag, epoch, entropy) =>
        awaited.answer(`ticket ${tag} ${epoch} ${LATIN1.decode(entropy)}`, () =>
          this.randomness.ticketRandomness(tag, epoch, entropy),
        ),
      beaconRandomness: (tag, epoch, entropy) =>
        awaited.answer(`beacon ${tag} ${epoch} ${LATIN1.decode(entropy)}`, () =>
          this.randomness.beaconRandomness(tag, epoch, entropy),
        ),
      verifyPoSt: (info) => awaited.answer(`post ${LATIN1.decode(info)}`, () => proofs.verifyPoSt(info)),
      verifySeal: (info) => awaited.answer(`seal ${LATIN1.decode(info)}`, () => proofs.verifySeal(info)),
    };
  }

  private fvmHost(): FvmHost {
    const { awaited } = this;
    const { proofs, consensusFault } = this.parts;
    const { peek, verifyPoSt, verifySeal } = this.host();
    const text = (bytes: Uint8Array): string => LATIN1.decode(bytes);
    const digests = (): ChainDigests => digestsOf(this.randomness);
    return {
      peek,
      verifyPoSt,
      verifySeal,
      ticketDigest: (epoch) => awaited.answer(`ticket ${epoch}`, () => digests().ticketDigest(epoch)),
      beaconDigest: (epoch) => awaited.answer(`beacon ${epoch}`, () => digests().beaconDigest(epoch)),
      tipsetCid: (epoch) => awaited.answer(`tipset ${epoch}`, () => digests().tipsetCid(epoch)),
      verifyAggregate: (info) =>
        awaited.answer(`aggregate ${text(info)}`, () => proofs.verifyAggregate?.(info) ?? false),
      verifyReplicaUpdate: (info) =>
        awaited.answer(`update ${text(info)}`, () => proofs.verifyReplicaUpdate?.(info) ?? false),
      consensusFault: (first, second, extra) =>
        awaited.answer(`fault ${first.length} ${second.length} ${[first, second, extra].map(text).join("")}`, () =>
          judged(this.randomness, consensusFault, { first, second, extra }),
        ),
    };
  }
}

/** What the run's chain says of a reported fault, or else the executor's own judge. */
export function judged(
  { digests }: RandomnessSource,
  own: ExecutorParts["consensusFault"],
  headers: FaultHeaders,
): ReturnType<NonNullable<ExecutorParts["consensusFault"]>> {
  if (digests?.consensusFault !== undefined) return digests.consensusFault(headers);
  return own?.(headers.first, headers.second, headers.extra);
}

function editableOf(vm: Machine): FvmMachine {
  if (vm instanceof FvmMachine) return vm;
  const why = "actors are changed from network version 16 on";
  throw new ExecError({ code: "NOT_EDITABLE", address: "" }, why);
}

const NEVER = new AbortController().signal;

type Migrate = (upgrade: StateUpgrade, root: CID, blocks: UpgradeBlocks) => Promise<CID>;

type TipsetRunOptions = {
  readonly context: MachineContext;
  readonly tracing: boolean;
  readonly migrate: Migrate;
  readonly get: NonNullable<UpgradeBlocks["get"]>;
  readonly signal?: AbortSignal;
};

/** Null rounds after which a run lets others have their turn, and gives up blocks that its state has left behind. */
const STRETCH = 1024;

/** One execution of a tipset on one machine. */
class TipsetRun {
  private readonly vm: Machine;
  private readonly input: TipsetInput;
  private readonly rules: ExecutionRules;
  private readonly options: TipsetRunOptions;
  private readonly applied: AppliedMessage[] = [];
  /** Blocks of machines before the last state upgrade or stretch of null rounds, and of the upgrades. */
  private earlier = new Map<string, Block>();

  constructor(vm: Machine, input: TipsetInput, rules: ExecutionRules, options: TipsetRunOptions) {
    this.vm = vm;
    this.input = input;
    this.rules = rules;
    this.options = options;
  }

  async execute(): Promise<ExecutionResult> {
    const { parentEpoch, epoch, blocks, baseFee } = this.input;
    const { tracing } = this.options;
    for (let at = parentEpoch; at < epoch; at++) {
      if (at > parentEpoch) {
        const cron = await this.implicit("cron", cronMessage(at), at);
        if (at - parentEpoch <= STRETCH) this.applied.push(cron);
      }
      await this.upgrade(at);
      if ((at - parentEpoch) % STRETCH === STRETCH - 1) await this.rest(at);
      this.vm.advance(at + 1, this.rules.networkVersionAt(at + 1), baseFee);
    }
    const seen = new Set<string>();
    for (const block of blocks) {
      let tips = 0n;
      let penalty = 0n;
      for (const message of [...block.blsMessages, ...block.secpMessages]) {
        const key = LATIN1.decode(message.bytes);
        if (seen.has(key)) continue;
        const applied = await applyOne(this.vm, "message", message, epoch, tracing);
        seen.add(key);
        tips += applied.minerTip;
        penalty += applied.minerPenalty;
        this.applied.push(applied);
      }
      this.applied.push(
        await this.implicit("reward", rewardMessage(epoch, block.miner, penalty, tips, block.winCount), epoch),
      );
    }
    this.applied.push(await this.implicit("cron", cronMessage(epoch), epoch));
    const receiptsRoot = this.vm.receiptsRoot();
    const stateRoot = this.vm.flush();
    const made = [...this.earlier.values(), ...this.vm.madeBlocks()];
    return { stateRoot, receiptsRoot, applied: this.applied, blocks: reachable([receiptsRoot, stateRoot], made) };
  }

  private async implicit(kind: "reward" | "cron", bytes: Uint8Array, epoch: number): Promise<AppliedMessage> {
    const result = await this.vm.applyImplicit(bytes);
    const applied = described(this.vm, result, kind, bytes, epoch, this.options.tracing);
    if (result.exitCode === 0) return applied;
    throw new ExecError(
      { code: "IMPLICIT_FAILED", exitCode: result.exitCode, what: kind },
      `${kind} at epoch ${epoch} ended with exit code ${result.exitCode}: ${result.why}`,
    );
  }

  /** Between null rounds: an interrupt is heard, and of the blocks made only those stay that the state reaches. */
  private async rest(epoch: number): Promise<void> {
    await sleepFor(0, this.options.signal ?? NEVER);
    const root = this.vm.flush();
    const made = reachable([root], [...this.earlier.values(), ...this.vm.madeBlocks()]);
    this.earlier = new Map(made.map((block) => [cidKey(block.cid), block]));
    this.open(root, epoch);
  }

  /** State upgrades due after an epoch. */
  private async upgrade(epoch: number): Promise<void> {
    for (const upgrade of this.rules.upgrades ?? []) {
      if (upgrade.epoch !== epoch) continue;
      const root = this.vm.flush();
      for (const block of this.vm.madeBlocks()) this.earlier.set(cidKey(block.cid), block);
      const blocks: UpgradeBlocks = {
        peek: (cid) => this.earlier.get(cidKey(cid))?.bytes ?? this.vm.host.peek(cid),
        get: async (cid) => this.earlier.get(cidKey(cid))?.bytes ?? this.options.get(cid),
        put: (block) => this.earlier.set(cidKey(block.cid), block),
      };
      const migrated = await this.options.migrate(upgrade, root, blocks);
      this.open(migrated, epoch);
    }
  }

  /** Opens the machine on the state after an epoch, with what came of its upgrades. */
  private open(stateRoot: CID, epoch: number): void {
    const networkVersion = this.rules.networkVersionAt(epoch + 1);
    this.vm.open({ ...this.options.context, networkVersion, stateRoot, epoch }, this.earlier.values());
  }
}

/** Any byte string as a text of one character a byte: a key for sets. */
const LATIN1 = new TextDecoder("latin1");

async function applyOne(
  vm: Machine,
  kind: AppliedKind,
  message: MessageInput,
  epoch: number,
  tracing: boolean,
): Promise<AppliedMessage> {
  const result = await vm.apply(message.bytes, message.chainLength);
  return described(vm, result, kind, message.bytes, epoch, tracing);
}

async function tryOne(
  vm: Machine,
  context: MachineContext,
  message: TrialMessage,
  tracing: boolean,
): Promise<AppliedMessage> {
  const { epoch, networkVersion } = context;
  if (message.baseFee !== undefined) vm.advance(epoch, networkVersion, message.baseFee);
  const bytes = message.nonceFromState === true ? withNonceOf(vm, message.bytes) : message.bytes;
  if (message.implicit !== true) return applyOne(vm, "message", { ...message, bytes }, epoch, tracing);
  return described(vm, await vm.applyImplicit(bytes), "message", bytes, epoch, tracing);
}

function withNonceOf(vm: Machine, bytes: Uint8Array): Uint8Array {
  const message = decodeMessage(bytes);
  const sender = vm.actor(message.from);
  if (sender === null)
    throw new ExecError(
      { code: "UNKNOWN_SENDER", address: `${message.from}` },
      `sender ${message.from} not found on chain`,
    );
  return encodeMessage({ ...message, nonce: sender.nonce });
}

function described(
  vm: Machine,
  result: Applied,
  kind: AppliedKind,
  bytes: Uint8Array,
  epoch: number,
  tracing: boolean,
): AppliedMessage {
  const trace = tracing ? { trace: decodeTrace(vm.trace()) } : {};
  return { ...result, kind, bytes, epoch, ...trace };
}
