/**
 * Running messages outside of their tipset, or tipsets again: nothing that is run here is kept.
 * Source: lotus chain/stmgr/call.go and utils.go (ComputeState) at b835fab702eb.
 */
import type { Chain } from "../chain/chain.ts";
import type { ChainFacts, MachineContext } from "../core/vm.ts";
import type { ActorEdit } from "../exec/edits.ts";
import type { AppliedMessage, Execution, ExecutionRules, RandomnessSource, TrialMessage } from "../exec/types.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import type { Address } from "../types/address.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { encodeMessage, type Message } from "../types/message.ts";
import { type CallOutcome, type ComputedState, outcomeOf } from "./call.ts";
import { StateManagerError } from "./errors.ts";
import { carriedInput, unsignedInput } from "./tipset-input.ts";

/** The part of a state manager that is asked. */
type States = {
  readonly chain: Chain;
  readonly rules: ExecutionRules;
  accountKey(address: Address, tipset: Tipset): Promise<Address>;
  randomness(tipset: Tipset): RandomnessSource;
  facts(tipset: Tipset): Promise<ChainFacts | undefined>;
  requireBefore(tipset: Tipset): Promise<void>;
  result(tipset: Tipset): Promise<{ readonly stateRoot: CID }>;
  execute(
    tipset: Tipset,
    options: { readonly tracing: true; readonly priority: "call"; readonly signal?: AbortSignal },
  ): Promise<{ readonly applied: readonly AppliedMessage[] }>;
};

/** A tipset is executed again for somebody who looks: with its trace, and after everything else. */
const AGAIN = { tracing: true, priority: "call" } as const;

/** The signal as an option, if there is one. */
function ended(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** Runs that somebody asks for end with the `signal` of whoever asks, while they wait or are in a worker. */
export class MessageRuns {
  private readonly states: States;
  private readonly calls: Execution;
  private readonly now: () => number;

  /** `now`: milliseconds, for durations. */
  constructor(states: States, calls: Execution, now: () => number) {
    this.states = states;
    this.calls = calls;
    this.now = now;
  }

  /**
   * Runs a message as the machine's own, on the state before a tipset and after those of the tipset's messages that are the
   * same sender's: from any actor, without fees, within its gas limit, at most that of a block.
   */
  async call(message: Message, tipset: Tipset, signal?: AbortSignal): Promise<CallOutcome> {
    const base = await this.withoutUpgrade(tipset);
    const carried = await this.states.chain.tipsetMessages(base);
    const before = carried.filter((one) => one.message.from.equals(message.from)).map(carriedInput);
    const limit = CHAIN_LIMITS.blockGasLimit;
    const gasLimit = message.gasLimit <= 0n || message.gasLimit > limit ? limit : message.gasLimit;
    const input = unsignedInput({ ...message, gasLimit }, message.from);
    return this.tryLast(base, [...before, { ...input, implicit: true, nonceFromState: true }], signal);
  }

  /**
   * Applies a message as a block of the next epoch would: on the state after a tipset with its rewards and cron, which the reference
   * leaves out (a reward may make a later message dearer), after all messages of `before`, with the nonce that its sender has then;
   * without fees, if its fee cap is 0.
   */
  async callWithGas(
    message: Message,
    tipset: Tipset,
    before: readonly TrialMessage[],
    signal?: AbortSignal,
  ): Promise<CallOutcome> {
    const started = this.now();
    const input = unsignedInput(message, await this.states.accountKey(message.from, tipset));
    const free = message.gasFeeCap === 0n ? { baseFee: 0n } : {};
    const messages: readonly TrialMessage[] = [...before, { ...input, nonceFromState: true, ...free }];
    const { stateRoot } = await this.states.result(tipset);
    const context = { ...(await this.contextOf(tipset, this.epochAfter(tipset))), stateRoot };
    const options = { randomness: this.states.randomness(tipset), tracing: true, ...ended(signal) };
    const { applied } = await this.calls.simulate({ context, messages }, options);
    return outcomeOf(applied.at(-1) as AppliedMessage, false, this.now() - started);
  }

  /** The next epoch; that of the tipset where an upgrade comes between, which calls do not run. */
  private epochAfter({ height }: Tipset): number {
    return this.states.rules.upgrades?.some(({ epoch }) => epoch === height) === true ? height : height + 1;
  }

  /**
   * Runs messages on the state after a tipset, at its epoch, one after another: what became of the last. Without fees where its fee
   * cap is 0. `edits`: actors that are otherwise than in that state.
   */
  async tryAfter(
    tipset: Tipset,
    messages: readonly TrialMessage[],
    edits: readonly ActorEdit[] = [],
    signal?: AbortSignal,
  ): Promise<CallOutcome> {
    const started = this.now();
    const { stateRoot } = await this.states.result(tipset);
    const context = { ...(await this.contextOf(tipset)), stateRoot };
    const options = { randomness: this.states.randomness(tipset), ...ended(signal) };
    const { applied } = await this.calls.simulate({ context, messages, edits }, options);
    return outcomeOf(applied.at(-1) as AppliedMessage, messages.at(-1)?.implicit === true, this.now() - started);
  }

  /** A state, at a tipset's epoch, with actors changed: its root and its blocks. */
  async edit(tipset: Tipset, stateRoot: CID, edits: readonly ActorEdit[]) {
    const context = { ...(await this.contextOf(tipset)), stateRoot };
    const options = { randomness: this.states.randomness(tipset) };
    const edited = await this.calls.simulate({ context, messages: [], edits, keep: true }, options);
    return { stateRoot: edited.stateRoot, blocks: edited.blocks ?? [] };
  }

  private async tryLast(tipset: Tipset, messages: readonly TrialMessage[], signal?: AbortSignal): Promise<CallOutcome> {
    const started = this.now();
    await this.states.requireBefore(tipset);
    const options = { randomness: this.states.randomness(tipset), tracing: true, ...ended(signal) };
    const { applied } = await this.calls.simulate({ context: await this.contextOf(tipset), messages }, options);
    const implicit = messages.at(-1)?.implicit === true;
    return outcomeOf(applied.at(-1) as AppliedMessage, implicit, this.now() - started);
  }

  private async contextOf(tipset: Tipset, epoch = tipset.height): Promise<MachineContext> {
    const { parentStateRoot, parentBaseFee } = tipset.blocks[0] as BlockHeader;
    const { networkVersionAt, circulatingSupply } = this.states.rules;
    const facts = await this.states.facts(tipset);
    return {
      stateRoot: parentStateRoot,
      epoch,
      networkVersion: networkVersionAt(epoch),
      baseFee: parentBaseFee,
      circulatingSupply,
      ...(facts === undefined ? {} : { facts }),
    };
  }

  /** The tipset or the first one below it at which no upgrade of the state is due: calls do not run those. */
  private async withoutUpgrade(tipset: Tipset): Promise<Tipset> {
    let at = tipset;
    for (;;) {
      const parent = await this.states.chain.parent(at);
      const from = parent?.height ?? 0;
      const due = this.states.rules.upgrades?.some(({ epoch }) => epoch >= from && epoch <= at.height) ?? false;
      if (!due || parent === null) return at;
      at = parent;
    }
  }

  /** Executes a tipset again and tells what became of one of its messages, by its signed or bare CID. */
  async replay(tipset: Tipset, cid: CID, signal?: AbortSignal): Promise<CallOutcome> {
    const started = this.now();
    const carried = await this.states.chain.tipsetMessages(tipset);
    const at = carried.findIndex((one) => one.cid.equals(cid));
    const { applied } = at < 0 ? { applied: [] } : await this.states.execute(tipset, { ...AGAIN, ...ended(signal) });
    const found = applied.filter(({ kind }) => kind === "message")[at];
    if (found === undefined)
      throw new StateManagerError(
        { code: "MESSAGE_NOT_IN_TIPSET", cid: `${cid}` },
        "given message not found in tipset",
      );
    return { ...outcomeOf(found, false, this.now() - started), cid };
  }

  /**
   * The state after a tipset and then `messages` at `height`, and what became of every message on the way, those of the
   * tipset included. Cron of epochs between is not run, and no upgrade: throws `StateManagerError` UPGRADE_BETWEEN where one is due. As in
   * the reference, messages are charged for their bare length.
   */
  async compute(
    tipset: Tipset,
    height: number,
    messages: readonly Message[],
    signal?: AbortSignal,
  ): Promise<ComputedState> {
    const due = this.states.rules.upgrades?.find(({ epoch }) => epoch >= tipset.height && epoch < height);
    if (due !== undefined && messages.length > 0)
      throw new StateManagerError(
        { code: "UPGRADE_BETWEEN", epoch: due.epoch + 1 },
        `from epoch ${due.epoch + 1} on the state is another one, of a later network version: messages can be tried up to epoch ${due.epoch}, or on a tipset of epoch ${due.epoch + 1} or later`,
      );
    const started = this.now();
    const { stateRoot } = await this.states.result(tipset);
    const { applied } =
      tipset.height === 0 ? { applied: [] } : await this.states.execute(tipset, { ...AGAIN, ...ended(signal) });
    const trace = applied.map((one) => outcomeOf(one, one.kind !== "message", this.now() - started));
    if (messages.length === 0) return { root: stateRoot, trace };
    const networkVersion = this.states.rules.networkVersionAt(height);
    const context = { ...(await this.contextOf(tipset)), stateRoot, epoch: height, networkVersion };
    const trials = messages
      .map((message) => encodeMessage(message))
      .map((bytes) => ({ bytes, chainLength: bytes.length }));
    const options = { randomness: this.states.randomness(tipset), tracing: true, ...ended(signal) };
    const more = await this.calls.simulate({ context, messages: trials }, options);
    const rest = more.applied.map((one) => outcomeOf(one, false, this.now() - started));
    return { root: more.stateRoot, trace: [...trace, ...rest] };
  }
}
