/** What became of a message that was run outside of its tipset, or again: for StateCall, StateReplay and estimates. */

import type { TraceCall } from "../exec/trace.ts";
import type { AppliedMessage } from "../exec/types.ts";
import { type CID, cidFromBytes } from "../types/cid.ts";
import { decodeMessage, type Message, type MessageReceipt, messageCid } from "../types/message.ts";

/** attoFIL that a message cost, by where it went. */
export type GasCost = {
  readonly gasUsed: bigint;
  readonly baseFeeBurn: bigint;
  readonly overEstimationBurn: bigint;
  readonly minerPenalty: bigint;
  readonly minerTip: bigint;
  readonly refund: bigint;
  /** What the sender held for it, less the refund. */
  readonly totalCost: bigint;
};

export type CallOutcome = {
  /** The message as it ran: with the nonce and the gas limit that it was given. */
  readonly message: Message;
  readonly cid: CID;
  readonly receipt: MessageReceipt;
  /** Null for messages that pay nothing: implicit ones. */
  readonly cost: GasCost | null;
  /** Why it failed; empty if it did not. */
  readonly error: string;
  /** Calls with their gas charges, outermost first; empty without tracing. */
  readonly trace: readonly TraceCall[];
  /** Milliseconds, of everything that was run for it. */
  readonly duration: number;
};

/** A state that was computed, and what became of every message on the way. */
export type ComputedState = { readonly root: CID; readonly trace: readonly CallOutcome[] };

function eventsOf({ eventsRoot }: AppliedMessage): Pick<MessageReceipt, "eventsRoot"> {
  if (eventsRoot === undefined) return {};
  return { eventsRoot: eventsRoot === null ? null : cidFromBytes(eventsRoot) };
}

export function outcomeOf(applied: AppliedMessage, implicit: boolean, duration: number): CallOutcome {
  const message = decodeMessage(applied.bytes);
  const { exitCode, gasUsed, baseFeeBurn, overestimationBurn, minerPenalty, minerTip, refund } = applied;
  const totalCost = message.gasFeeCap * message.gasLimit - refund;
  return {
    message,
    cid: messageCid(message),
    receipt: { exitCode, return: applied.return, gasUsed, ...eventsOf(applied) },
    cost: implicit
      ? null
      : { gasUsed, baseFeeBurn, overEstimationBurn: overestimationBurn, minerPenalty, minerTip, refund, totalCost },
    error: applied.why,
    trace: applied.trace ?? [],
    duration,
  };
}
