/** Filecoin.State*: calls without consequences, and finding messages on the chain. */

import { CHAIN_LIMITS } from "../../params/networks.ts";
import { decodeMethodData } from "../../state/state-view.ts";
import type { CallOutcome, GasCost } from "../../stmgr/call.ts";
import { StateManagerError } from "../../stmgr/errors.ts";
import { type FoundMessage, NO_LIMIT } from "../../stmgr/message-search.ts";
import type { Address } from "../../types/address.ts";
import type { Tipset } from "../../types/block-header.ts";
import type { CID } from "../../types/cid.ts";
import type { Json } from "../../types/schema-codec.ts";
import {
  amount,
  anyEpoch,
  epoch,
  link,
  maybeAddress,
  message,
  receipt,
  type TipsetKey,
  tipsetKey,
} from "../codec/chain-types.ts";
import { anyJson, boolean, fallback, integer, list, nullable, object, text } from "../codec/codec.ts";
import { trace } from "../codec/trace.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, type MethodContext, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";

const gasCost = object("MsgGasCost", {
  Message: nullable(link),
  GasUsed: amount,
  BaseFeeBurn: amount,
  OverEstimationBurn: amount,
  MinerPenalty: amount,
  MinerTip: amount,
  Refund: amount,
  TotalCost: amount,
});

const invocation = object("InvocResult", {
  MsgCid: link,
  Msg: message,
  MsgRct: receipt,
  GasCost: gasCost,
  ExecutionTrace: trace,
  Error: text(),
  Duration: integer(0, Number.MAX_SAFE_INTEGER),
});

/** What a message did, in the network's terms. */
function invocationOf(outcome: CallOutcome) {
  const { message: Msg, cid: MsgCid, receipt: MsgRct, cost, error, duration, trace: calls } = outcome;
  const ExecutionTrace = { calls, message: Msg, receipt: MsgRct };
  const Duration = Math.round(duration * 1e6);
  return { MsgCid, Msg, MsgRct, GasCost: costOf(MsgCid, cost), ExecutionTrace, Error: error, Duration };
}

/** Implicit messages cost nothing, and their costs name no message. */
function costOf(cid: CID, cost: GasCost | null) {
  return {
    Message: cost === null ? null : cid,
    GasUsed: cost?.gasUsed ?? 0n,
    BaseFeeBurn: cost?.baseFeeBurn ?? 0n,
    OverEstimationBurn: cost?.overEstimationBurn ?? 0n,
    MinerPenalty: cost?.minerPenalty ?? 0n,
    MinerTip: cost?.minerTip ?? 0n,
    Refund: cost?.refund ?? 0n,
    TotalCost: cost?.totalCost ?? 0n,
  };
}

const lookup = object("MsgLookup", {
  Message: link,
  Receipt: receipt,
  ReturnDec: anyJson,
  TipSet: list(link, 100),
  Height: epoch,
});

async function lookupOf(node: NodeServices, found: FoundMessage) {
  const { key, height } = found.tipset;
  const decoded = await decodedReturn(node, found);
  return { Message: found.cid, Receipt: found.receipt, ReturnDec: decoded, TipSet: key, Height: height };
}

async function decodedReturn(
  node: NodeServices,
  { message: sent, receipt: made, tipset }: FoundMessage,
): Promise<Json> {
  if (made.exitCode !== 0 || made.return.length === 0) return null;
  try {
    const actor = await (await node.states.stateBefore(tipset)).requireActor(sent.to);
    return decodeMethodData(actor.code, sent.method, "returns", made.return, node.network.prefix);
  } catch {
    // An undescribed return value is no reason to hide the receipt.
    return null;
  }
}

async function search({ node }: MethodContext, from: TipsetKey, cid: CID, limit: number, replaced: boolean) {
  try {
    const tipset = await node.chain.tipset(from);
    const found = await node.states.search(tipset, cid, { lookback: limit, allowReplaced: replaced });
    return found === null ? null : await lookupOf(node, found);
  } catch (error) {
    if (!replaced && error instanceof StateManagerError && error.code === "MESSAGE_REPLACED") return null;
    throw error;
  }
}

/** Messages that are tried at once, and entries of an answer. */
const MAX_TRIALS = 100;
const MANY = 10_000_000;

const match = object("MessageMatch", { To: maybeAddress, From: maybeAddress });

async function listMessages(
  node: NodeServices,
  to: Address | null,
  from: Address | null,
  key: TipsetKey,
  height: number,
  signal: AbortSignal,
): Promise<CID[]> {
  const start = await node.chain.tipset(key);
  const one = to ?? from ?? badParams("match: To or From expected, got neither");
  // Whoever is not there has no messages either.
  if ((await (await node.states.stateAfter(start)).lookupId(one)) === null) return [];
  const breath = breather(signal);
  const out: CID[] = [];
  for (let at: Tipset | null = start; at !== null && at.height >= height; at = await node.chain.parent(at)) {
    await breath();
    for (const { cid, message: sent } of await node.chain.tipsetMessages(at))
      if ((to === null || sent.to.equals(to)) && (from === null || sent.from.equals(from))) out.push(cid);
  }
  return out;
}

const lookback = fallback(anyEpoch, NO_LIMIT);
const allowReplaced = fallback(boolean, true);

export const invokeGroup = group("State: calls and messages", "Calls without consequences; finding messages.", {
  StateCall: method({
    summary: "What a message would do on top of a tipset. Nothing is kept.",
    params: [param("message", message), param("tipsetKey", tipsetKey)],
    result: invocation,
    cost: "execute",
    run: async ([given, key], { node, signal }) =>
      invocationOf(await node.states.call(given, await node.chain.tipset(key), signal)),
  }),
  StateReplay: method({
    summary:
      "Executes a tipset again and tells what became of one of its messages; without a key, the tipset that has it.",
    params: [param("tipsetKey", tipsetKey), param("message", link)],
    result: invocation,
    cost: "execute",
    async run([key, cid], { node, signal }) {
      if (key.length > 0) return invocationOf(await node.states.replay(await node.chain.tipset(key), cid, signal));
      const found = await node.states.search(node.chain.head, cid, { lookback: NO_LIMIT, allowReplaced: true });
      if (found === null) throw new RpcError(RPC_CODE.untyped, `didn't find msg ${cid}`);
      const carrier = await node.chain.tipset(found.tipset.blocks[0]?.parents ?? []);
      return invocationOf(await node.states.replay(carrier, found.cid, signal));
    },
  }),
  StateCompute: method({
    summary: "The state after a tipset and then some messages at an epoch, and what each message did. Nothing is kept.",
    params: [param("height", epoch), param("messages", list(message, MAX_TRIALS)), param("tipsetKey", tipsetKey)],
    result: object("ComputeStateOutput", { Root: link, Trace: list(invocation, MANY) }),
    cost: "execute",
    async run([height, messages, key], { node, signal }) {
      const tipset = await node.chain.tipset(key);
      if (height < tipset.height)
        return badParams(`height: at least ${tipset.height}, the tipset's, expected, got ${height}`);
      const gas = messages.reduce((sum, { gasLimit }) => sum + (gasLimit > 0n ? gasLimit : 0n), 0n);
      if (gas > CHAIN_LIMITS.blockGasLimit)
        return badParams(`messages: gas limits of at most ${CHAIN_LIMITS.blockGasLimit} in all expected, got ${gas}`);
      const { root, trace: outcomes } = await node.states.compute(tipset, height, messages, signal);
      return { Root: root, Trace: outcomes.map(invocationOf) };
    },
  }),
  StateListMessages: method({
    summary: "CIDs of the messages to or from an address, from a tipset down to an epoch.",
    params: [param("match", match), param("tipsetKey", tipsetKey), param("toHeight", anyEpoch)],
    result: list(link, MANY),
    cost: "walk",
    run: ([{ To, From }, key, height], { node, signal }) => listMessages(node, To, From, key, height, signal),
  }),
  StateWaitMsg: method({
    summary: "Waits until a message has been executed and some epochs stand on top of it.",
    params: [
      param("message", link),
      param("confidence", fallback(epoch, 0)),
      param("lookback", lookback),
      param("allowReplaced", allowReplaced),
    ],
    result: lookup,
    cost: "wait",
    async run([cid, confidence, limit, replaced], { node, signal }) {
      const options = { confidence, lookback: limit, allowReplaced: replaced, signal };
      return lookupOf(node, await node.states.wait(cid, options));
    },
  }),
});

/** The order of the older interface. */
export const invokeV0Group = group(
  "State: calls and messages, v0",
  "Methods of the older interface.",
  {
    StateSearchMsg: method({
      summary: "Finds a message on the chain; null if it is not there.",
      params: [param("message", link), param("lookback", lookback), param("allowReplaced", allowReplaced)],
      result: nullable(lookup),
      cost: "walk",
      run: ([cid, limit, replaced], context) => search(context, [], cid, limit, replaced),
    }),
  },
  ["v0"],
);

export const invokeV1Group = group(
  "State: calls and messages, v1",
  "Methods whose parameters changed since the older interface.",
  {
    StateSearchMsg: method({
      summary: "Finds a message on the chain, from a tipset down; null if it is not there.",
      params: [
        param("from", tipsetKey),
        param("message", link),
        param("lookback", lookback),
        param("allowReplaced", allowReplaced),
      ],
      result: nullable(lookup),
      cost: "walk",
      run: ([from, cid, limit, replaced], context) => search(context, from, cid, limit, replaced),
    }),
  },
  ["v1"],
);

export const receiptGroup = group("State: receipts", "Receipts by message.", {
  StateGetReceipt: method({
    summary: "The receipt of a message.",
    params: [param("message", link), param("tipsetKey", tipsetKey)],
    result: receipt,
    cost: "walk",
    async run([cid, key], { node }) {
      const from = await node.chain.tipset(key);
      const found = await node.states.search(from, cid, { lookback: NO_LIMIT, allowReplaced: true });
      if (found === null) throw new RpcError(RPC_CODE.untyped, "message not found on the chain");
      return found.receipt;
    },
  }),
});
