/**
 * What a message will need: gas by trying it after everything that waits before it, prices by looking back.
 * Source: lotus node/impl/gasutils/gasutils.go and node/impl/full/gas.go at b835fab702eb.
 */
import { CHAIN_LIMITS } from "../params/networks.ts";
import { describeCode } from "../state/state-view.ts";
import type { Address } from "../types/address.ts";
import type { Tipset } from "../types/block-header.ts";
import { chainLength, encodeMessage, type Message, type SignedMessage } from "../types/message.ts";
import type { CallOutcome } from "./call.ts";
import { StateManagerError } from "./errors.ts";
import { capFee, feeCapAfter, likelyPremium, MAX_BLOCKS_INCLUDED, type PaidGas, type SendSpec } from "./gas-fees.ts";
import type { StateManager } from "./state-manager.ts";

/** The part of a message pool that is asked. */
export type PendingMessages = {
  /** Waiting messages of a sender (its key address), by nonce. */
  pendingOf(sender: Address): readonly SignedMessage[];
};

export type GasEstimatorOptions = { readonly states: StateManager; readonly pending: PendingMessages };

/** Room above measured gas, in a message that is completed: 1.25. Source: lotus chain/messagepool/config.go. */
const OVERESTIMATION = { numerator: 5n, denominator: 4n } as const;
/** Blocks and epochs that a completed message is priced for. Source: lotus node/impl/full/gas.go. */
const INCLUDED = 10;
const QUEUED = 20;
/**
 * Gas that deleting a payment channel gives back, and that must be there before: the collect method of its actor.
 * Source: lotus v1.0.0 node/impl/full/gas.go; the reference needs it no more, its actors are not deleted.
 */
const CHANNEL_REFUND = 76_000n;
const COLLECT = 4n;

export class GasEstimator {
  private readonly states: StateManager;
  private readonly pending: PendingMessages;

  constructor({ states, pending }: GasEstimatorOptions) {
    this.states = states;
    this.pending = pending;
  }

  /**
   * Tries a message on top of the head, after what the head did to the state and those messages of its sender that wait with other
   * nonces before its own; `tipset` is where its sender is looked up.
   */
  async call(message: Message, tipset: Tipset, signal?: AbortSignal): Promise<CallOutcome> {
    const key = await this.states.accountKey(message.from, tipset);
    const waiting = this.pending.pendingOf(key);
    const rival = waiting.findIndex((one) => one.message.nonce === message.nonce);
    const before = (rival < 0 ? waiting : waiting.slice(0, rival)).map((signed) => ({
      bytes: encodeMessage(signed.message),
      chainLength: chainLength(signed),
    }));
    return this.states.callWithGas(message, this.states.chain.head, before, signal);
  }

  /** Gas that a message uses; throws `StateManagerError` EXECUTION_FAILED. */
  async gasLimit(message: Message, tipset: Tipset, signal?: AbortSignal): Promise<bigint> {
    const trial = { ...message, gasLimit: CHAIN_LIMITS.blockGasLimit, gasFeeCap: 0n, gasPremium: 0n };
    const { receipt, error } = await this.call(trial, tipset, signal);
    if (receipt.exitCode !== 0)
      throw new StateManagerError(
        { code: "EXECUTION_FAILED", exitCode: receipt.exitCode, why: error },
        `message execution failed: exit ${receipt.exitCode}, reason: ${error}`,
      );
    return (await this.deletesChannel(message)) ? receipt.gasUsed + CHANNEL_REFUND : receipt.gasUsed;
  }

  private async deletesChannel({ to, method }: Message): Promise<boolean> {
    if (method !== COLLECT) return false;
    const actor = await (await this.states.stateAfter(this.states.chain.head)).actor(to);
    return actor !== null && describeCode(actor.code)?.actor.name === "paymentchannel";
  }

  /** Fee cap that lasts for `epochs` epochs after a tipset, attoFIL per gas. */
  feeCap(message: Message, epochs: number, tipset: Tipset): bigint {
    const baseFee = tipset.blocks[0]?.parentBaseFee ?? CHAIN_LIMITS.initialBaseFee;
    return feeCapAfter(baseFee, message.gasPremium, epochs);
  }

  /** Premium with which a message is included within `blocks` blocks after a tipset, attoFIL per gas. */
  async premium(blocks: number, tipset: Tipset): Promise<bigint> {
    const included = Math.min(Math.max(blocks, 1), MAX_BLOCKS_INCLUDED);
    const paid: PaidGas[] = [];
    let count = 0;
    let at = await this.states.chain.parent(tipset);
    for (let i = 0; i < 2 * included && at !== null; i++) {
      count += at.blocks.length;
      for (const { message } of await this.states.chain.tipsetMessages(at))
        paid.push({ premium: message.gasPremium, gasLimit: message.gasLimit });
      at = await this.states.chain.parent(at);
    }
    return likelyPremium(paid, count, included);
  }

  /** The message with the gas fields filled in that are zero, within what its sender allows. */
  async complete(message: Message, spec: SendSpec, tipset: Tipset, signal?: AbortSignal): Promise<Message> {
    const { room } = spec;
    const gasLimit = message.gasLimit === 0n ? await this.roomyLimit(message, tipset, room, signal) : message.gasLimit;
    const gasPremium = message.gasPremium === 0n ? await this.premium(INCLUDED, tipset) : message.gasPremium;
    const priced = { ...message, gasLimit, gasPremium };
    const gasFeeCap = message.gasFeeCap === 0n ? this.feeCap(priced, QUEUED, tipset) : message.gasFeeCap;
    return capFee({ ...priced, gasFeeCap }, spec);
  }

  private async roomyLimit(message: Message, tipset: Tipset, room = 0n, signal?: AbortSignal): Promise<bigint> {
    const used = await this.gasLimit(message, tipset, signal);
    const roomy = (used * OVERESTIMATION.numerator) / OVERESTIMATION.denominator + room;
    return roomy > CHAIN_LIMITS.blockGasLimit ? CHAIN_LIMITS.blockGasLimit : roomy;
  }
}
