/**
 * The state manager: what tipsets of any fork do to the state, computed once and kept.
 *
 * Everything that executes or reads goes through here: a block that was just made, a tipset replayed from a file, a call
 * that leaves nothing. Reading and simulating need no producer. Two states belong to a tipset: the one before its messages,
 * which its headers commit to, and the one after them, which the headers on top of it commit to.
 * Source: lotus chain/stmgr at b835fab702eb.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import { nextBaseFee, nextBaseFeeFromPremiums } from "../chain/base-fee.ts";
import type { Chain } from "../chain/chain.ts";
import type { BlockMessages } from "../chain/message-store.ts";
import { randomnessAt } from "../chain/randomness.ts";
import type { TipsetResult } from "../chain/result-store.ts";
import type { ProvenFault } from "../core/fvm.ts";
import type { ChainFacts } from "../core/vm.ts";
import type { ActorEdit } from "../exec/edits.ts";
import type {
  AppliedMessage,
  Execution,
  ExecutionRules,
  FaultHeaders,
  Priority,
  RandomnessSource,
  TrialMessage,
} from "../exec/types.ts";
import { CHAIN_LIMITS, type NetworkParams } from "../params/networks.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import { StateView } from "../state/state-view.ts";
import type { Block } from "../storage/contract.ts";
import type { Address } from "../types/address.ts";
import { type BlockHeader, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { Message } from "../types/message.ts";
import type { CallOutcome, ComputedState } from "./call.ts";
import { type SupplyParts, supplyParts } from "./circulating-supply.ts";
import { decodeEdits, editName, encodeEdits } from "./edits.ts";
import { StateManagerError } from "./errors.ts";
import { type Lookback, lookbackAt } from "./lookback.ts";
import { MessageRuns } from "./message-runs.ts";
import { type FoundMessage, MessageSearch, type SearchOptions } from "./message-search.ts";
import { MessageWaiter, type WaitOptions } from "./message-waiter.ts";
import { chainFacts, tipsetInput } from "./tipset-input.ts";

export type StateManagerOptions = {
  readonly chain: Chain;
  readonly network: NetworkParams;
  readonly rules: ExecutionRules;
  /** Where tipsets are executed, and where calls that leave nothing are. */
  readonly machines: { readonly tipsets: Execution; readonly calls: Execution };
  /** Milliseconds, for durations. */
  readonly now: () => number;
  /** Of faults that are reported to the FVM's miner actors; absent: such a report is an error of the actor. */
  readonly judgeFault?: JudgeFault;
};

/** The fault that headers prove to whoever executes a tipset; null if they prove none. */
export type JudgeFault = (states: StateManager, tipset: Tipset, headers: FaultHeaders) => Promise<ProvenFault | null>;

/** A tipset executed: its result, and what is not kept unless somebody writes it. */
export type ExecutedTipset = {
  readonly result: TipsetResult;
  /** Blocks of the state after it and of its receipts. */
  readonly blocks: readonly Block[];
  readonly applied: readonly AppliedMessage[];
};

export type ExecuteOptions = {
  /** Messages of the tipset's blocks, if they are not stored yet. */
  readonly given?: readonly BlockMessages[];
  /** Keep every call and gas charge. */
  readonly tracing?: boolean;
  /** Which work goes first where machines are shared; default: that of validating. */
  readonly priority?: Priority;
  /** Ends the run where it is in a worker, and before it begins anywhere. */
  readonly signal?: AbortSignal;
};

/** States whose upper nodes are kept. */
const KEPT_VIEWS = 16;

export class StateManager {
  readonly chain: Chain;
  readonly network: NetworkParams;
  readonly rules: ExecutionRules;
  private readonly messages: MessageSearch;
  readonly waiter: MessageWaiter;
  private readonly machines: StateManagerOptions["machines"];
  private readonly judge: JudgeFault | undefined;
  private readonly runs: MessageRuns;
  private readonly running = new Map<string, Promise<TipsetResult>>();
  private readonly views = new BoundedMap<string, Promise<StateView>>(KEPT_VIEWS);
  /** Of the tipsets that are in memory. Every message that is pushed asks for the head's. */
  private readonly baseFees = new WeakMap<Tipset, Promise<bigint>>();

  constructor({ chain, network, rules, machines, now, judgeFault }: StateManagerOptions) {
    this.judge = judgeFault;
    this.chain = chain;
    this.network = network;
    this.rules = rules;
    this.machines = machines;
    this.messages = new MessageSearch(chain, (tipset) => this.result(tipset));
    this.waiter = new MessageWaiter(chain, this.messages);
    this.runs = new MessageRuns(this, machines.calls, now);
  }

  /** Stops listening to the chain; waits that are under way end. */
  close(): void {
    this.waiter.close();
  }

  // Rules.

  networkVersionAt(epoch: number): number {
    return this.rules.networkVersionAt(epoch);
  }

  /** Base fee of the blocks on top of a tipset, attoFIL per gas. */
  nextBaseFee(tipset: Tipset): Promise<bigint> {
    let fee = this.baseFees.get(tipset);
    if (fee === undefined) {
      fee = this.computeBaseFee(tipset);
      this.baseFees.set(tipset, fee);
      fee.catch(() => this.baseFees.delete(tipset));
    }
    return fee;
  }

  private async computeBaseFee(tipset: Tipset): Promise<bigint> {
    const fee = tipset.blocks[0]?.parentBaseFee ?? CHAIN_LIMITS.initialBaseFee;
    if (chainRule("baseFeeFromPremiums", this.networkVersionAt(tipset.height + 1))) {
      const blocks = await Promise.all(tipset.blocks.map((header) => this.chain.messages(header)));
      const messages = blocks.flatMap(({ bls, secp }) => [...bls, ...secp.map(({ message }) => message)]);
      return nextBaseFeeFromPremiums(fee, messages);
    }
    const gas = await this.chain.gasLimits(tipset);
    return nextBaseFee(fee, gas, tipset.blocks.length, this.networkVersionAt(tipset.height));
  }

  /** Circulating supply in the state before a tipset, with its parts. */
  async circulatingSupply(tipset: Tipset): Promise<SupplyParts> {
    const view = await this.stateBefore(tipset);
    const version = this.networkVersionAt(tipset.height);
    return supplyParts(
      this.rules.circulatingSupply,
      { epoch: tipset.height, networkVersion: version },
      view,
      this.chain.blocks,
    );
  }

  // Results and states.

  /**
   * State and receipts after a tipset: known, or computed now, together with the states below it that are missing. Many who
   * ask at once wait for one execution.
   */
  async result(tipset: Tipset): Promise<TipsetResult> {
    const known = await this.chain.knownResult(tipset);
    // Of a fork that was left the state may have been collected, though it is of an epoch whose states are kept.
    const mayBeGone = tipset.height >= this.chain.statesFrom;
    if (known !== null && (!mayBeGone || (await this.isHere(known.stateRoot)))) return known;
    if (tipset.height === 0) return genesisResult(tipset);
    const key = tipsetKeyText(tipset.key);
    const running = this.running.get(key) ?? this.computeResult(tipset).finally(() => this.running.delete(key));
    this.running.set(key, running);
    return running;
  }

  private async isHere(root: CID): Promise<boolean> {
    const { blocks } = this.chain;
    return blocks.peek(root.bytes) !== undefined || (await blocks.has(root.bytes));
  }

  private async computeResult(tipset: Tipset): Promise<TipsetResult> {
    for (const one of await this.missingBelow(tipset)) {
      const { result, blocks } = await this.execute(one);
      await this.putExecuted(one, result, blocks);
    }
    return this.chain.result(tipset);
  }

  /** Keeps a result, with the edits that a local network made of the state after the tipset. */
  private async putExecuted(tipset: Tipset, result: TipsetResult, blocks: readonly Block[]): Promise<void> {
    const edits = decodeEdits(await this.chain.blocks.metadata(editName(tipset)));
    if (edits.length === 0) return this.chain.putResult(tipset, result, blocks);
    await this.chain.blocks.write({ blocks });
    const edited = await this.runs.edit(tipset, result.stateRoot, edits);
    await this.chain.putResult(tipset, { ...result, stateRoot: edited.stateRoot }, edited.blocks);
  }

  /** The tipset, and before it those below whose results must be computed for its state to be there, lowest first. */
  private async missingBelow(tipset: Tipset): Promise<Tipset[]> {
    const missing = [tipset];
    for (let at = tipset; ; ) {
      await this.requireBefore(at);
      const { parentStateRoot } = at.blocks[0] as BlockHeader;
      if (await this.chain.blocks.has(parentStateRoot.bytes)) return missing.reverse();
      const parent = await this.chain.parent(at);
      if (parent === null || parent.height === 0)
        throw new StateManagerError(
          { code: "STATE_MISSING", root: `${parentStateRoot}` },
          `state ${parentStateRoot} is not in this store`,
        );
      missing.push(parent);
      at = parent;
    }
  }

  /** Executes a tipset on the state that its headers name, and keeps nothing. */
  async execute(tipset: Tipset, options: ExecuteOptions = {}): Promise<ExecutedTipset> {
    const { given, ...run } = options;
    await this.requireBefore(tipset);
    const facts = await this.facts(tipset);
    const carried = await tipsetInput(this.chain, tipset, given);
    const input = facts === undefined ? carried : { ...carried, facts };
    const randomness = this.randomness(tipset);
    const executed = await this.machines.tipsets.applyTipset(input, this.rules, { ...run, randomness });
    const { stateRoot, receiptsRoot, blocks, applied } = executed;
    return { result: { stateRoot, receiptsRoot }, blocks, applied };
  }

  /** What actors of the FVM may know of a tipset's chain; undefined before version 16. */
  facts(tipset: Tipset): Promise<ChainFacts | undefined> {
    return chainFacts(this.chain, this.network, tipset, this.networkVersionAt(tipset.height));
  }

  /** The randomness that what is executed at a tipset sees. */
  randomness(tipset: Tipset): RandomnessSource {
    const source = randomnessAt(this.chain, tipset, (epoch) => this.networkVersionAt(epoch));
    const { judge } = this;
    if (judge === undefined || source.digests === undefined) return source;
    const consensusFault = (headers: FaultHeaders) => judge(this, tipset, headers);
    return { ...source, digests: { ...source.digests, consensusFault } };
  }

  /** The state before a tipset's messages: what the reference reads for a tipset in most calls. */
  async stateBefore(tipset: Tipset): Promise<StateView> {
    await this.requireBefore(tipset);
    return this.view((tipset.blocks[0] as BlockHeader).parentStateRoot);
  }

  /** The state of a root; its upper nodes are kept while it is in use. */
  stateAt(root: CID): Promise<StateView> {
    return this.view(root);
  }

  /** The state after a tipset's messages, reward and cron. */
  async stateAfter(tipset: Tipset): Promise<StateView> {
    const { stateRoot } = await this.result(tipset);
    this.requireAfter(tipset);
    return this.view(stateRoot);
  }

  /** Throws `StateManagerError` STATE_COLLECTED if the state before a tipset is none of those that are kept. */
  async requireBefore(tipset: Tipset): Promise<void> {
    if (this.chain.statesFrom === 0 || tipset.height === 0) return;
    const below = await this.chain.parent(tipset);
    if (below !== null) this.requireAfter(below);
  }

  private requireAfter(tipset: Tipset): void {
    const { statesFrom: from } = this.chain;
    const epoch = tipset.height;
    if (epoch === 0 || epoch >= from) return;
    throw new StateManagerError(
      { code: "STATE_COLLECTED", epoch, from },
      `the state after epoch ${epoch} is not kept: this node keeps the genesis' and those from epoch ${from} on ` +
        "(its retention, or the snapshot it began with); ask a node that keeps all",
    );
  }

  private view(root: CID): Promise<StateView> {
    const name = root.toString();
    const known = this.views.get(name);
    if (known !== undefined) return known;
    const opened = StateView.open(this.chain.blocks, root);
    this.views.set(name, opened);
    opened.catch(() => this.views.delete(name));
    return opened;
  }

  /** Key address of an account, in the state before a tipset or, for an actor it makes, after it. */
  async accountKey(address: Address, tipset: Tipset): Promise<Address> {
    const before = await this.stateBefore(tipset);
    return before.accountKey(address).catch(async () => (await this.stateAfter(tipset)).accountKey(address));
  }

  /** The tipset and state that decide power and worker keys for a block of epoch `round` on top of `tipset`. */
  lookback(tipset: Tipset, round: number): Promise<Lookback> {
    return lookbackAt(this, tipset, round);
  }

  // Messages of the past and the future.

  /**
   * What became of a message on the chain that ends with `from`; null if it was not executed there. `message`: the one of
   * the CID, for whoever has it: it need not be in the store then.
   */
  search(from: Tipset, cid: CID, options: SearchOptions, message?: Message): Promise<FoundMessage | null> {
    return this.messages.find(from, cid, options, message);
  }

  /** Resolves when a message was executed and enough epochs are on top of that. */
  wait(cid: CID, options: WaitOptions): Promise<FoundMessage> {
    return this.waiter.wait(cid, options);
  }

  // Running messages that leave nothing, until the `signal` of whoever asks: see `message-runs.ts`.

  /** Runs a message as the machine's own, on the state before a tipset: from any actor, without fees. */
  call(message: Message, tipset: Tipset, signal?: AbortSignal): Promise<CallOutcome> {
    return this.runs.call(message, tipset, signal);
  }

  /** Applies a message as a block would, without fees, after all messages of a tipset and those of `before`. */
  callWithGas(
    message: Message,
    tipset: Tipset,
    before: readonly TrialMessage[],
    signal?: AbortSignal,
  ): Promise<CallOutcome> {
    return this.runs.callWithGas(message, tipset, before, signal);
  }

  /** Runs messages on the state after a tipset, at its epoch: what became of the last. */
  tryAfter(
    tipset: Tipset,
    messages: readonly TrialMessage[],
    edits: readonly ActorEdit[] = [],
    signal?: AbortSignal,
  ): Promise<CallOutcome> {
    return this.runs.tryAfter(tipset, messages, edits, signal);
  }

  /**
   * Changes actors in the state after the head, as no message can; what is built on the head builds on that. For local networks,
   * between two tipsets. Throws `ExecError` NOT_EDITABLE, `ChainError` HEAD_MOVED.
   */
  async editHead(edits: readonly ActorEdit[]): Promise<void> {
    const { head, blocks } = this.chain;
    const edited = await this.runs.edit(head, (await this.result(head)).stateRoot, edits);
    const all = [...decodeEdits(await blocks.metadata(editName(head))), ...edits];
    await this.chain.replaceState(head, edited.stateRoot, edited.blocks, [[editName(head), encodeEdits(all)]]);
  }

  /** Executes a tipset again and tells what became of one of its messages, by its signed or bare CID. */
  replay(tipset: Tipset, cid: CID, signal?: AbortSignal): Promise<CallOutcome> {
    return this.runs.replay(tipset, cid, signal);
  }

  /** The state after a tipset and then `messages` at `height`, and what became of every message on the way. */
  compute(tipset: Tipset, height: number, messages: readonly Message[], signal?: AbortSignal): Promise<ComputedState> {
    return this.runs.compute(tipset, height, messages, signal);
  }
}

/** A genesis was made and not executed: its headers name their own state. */
function genesisResult(tipset: Tipset): TipsetResult {
  const { parentStateRoot, parentMessageReceipts } = tipset.blocks[0] as BlockHeader;
  return { stateRoot: parentStateRoot, receiptsRoot: parentMessageReceipts };
}
