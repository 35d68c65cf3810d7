/** Filecoin.State*: calls without consequences, and finding messages on the chain. */
import { decodeMethodData } from "../../state/state-view.ts";
import type { CID } from "../../types/cid.ts";
import { type Message, type MessageReceipt, messageCid } from "../../types/message.ts";
import type { Json } from "../../types/schema-codec.ts";
import { amount, anyEpoch, epoch, link, message, receipt, type TipsetKey, tipsetKey } from "../codec/chain-types.ts";
import { anyJson, boolean, type Codec, fallback, integer, list, nullable, object, text } from "../codec/codec.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import { group, type MethodContext, method, param } from "../method.ts";
import type { CallOutcome, GasCost, NodeServices } from "../services.ts";
import { viewAt } from "../view.ts";
import { type FoundMessage, findMessage, waitForMessage } from "./wait.ts";

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

export type Trace = {
  readonly Msg: Message;
  readonly MsgRct: MessageReceipt;
  readonly Error: string;
  readonly Duration: number;
};

const nullList: Codec<null, null> = {
  schema: { type: ["array", "null"] },
  nullable: true,
  decode: () => null,
  encode: () => null,
};

const trace = object("ExecutionTrace", {
  Msg: message,
  MsgRct: receipt,
  Error: text(),
  Duration: integer(0, Number.MAX_SAFE_INTEGER),
  GasCharges: nullList,
  Subcalls: nullList,
});

export const invocation = object("InvocResult", {
  MsgCid: link,
  Msg: message,
  MsgRct: receipt,
  GasCost: gasCost,
  ExecutionTrace: trace,
  Error: text(),
  Duration: integer(0, Number.MAX_SAFE_INTEGER),
});

/** What a message did, in the network's terms. */
export function invocationOf(given: Message, { receipt: made, cost, error, duration }: CallOutcome) {
  const nanoseconds = Math.round(duration * 1e6);
  const cid = messageCid(given);
  const inner = { Msg: given, MsgRct: made, Error: error, Duration: nanoseconds, GasCharges: null, Subcalls: null };
  const outer = { MsgCid: cid, Msg: given, MsgRct: made, GasCost: costOf(cid, cost) };
  return { ...outer, ExecutionTrace: inner, Error: error, Duration: nanoseconds };
}

function costOf(cid: CID, cost: GasCost) {
  return {
    Message: cid,
    GasUsed: cost.gasUsed,
    BaseFeeBurn: cost.baseFeeBurn,
    OverEstimationBurn: cost.overEstimationBurn,
    MinerPenalty: cost.minerPenalty,
    MinerTip: cost.minerTip,
    Refund: cost.refund,
    TotalCost: cost.baseFeeBurn + cost.overEstimationBurn + cost.minerTip,
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
  const { key, height } = found.child ?? found.tipset;
  const decoded = await decodedReturn(node, found);
  return { Message: found.cid, Receipt: found.receipt, ReturnDec: decoded, TipSet: key, Height: height };
}

async function decodedReturn(node: NodeServices, found: FoundMessage): Promise<Json> {
  if (found.receipt.return.length === 0) return null;
  try {
    const actor = await (await viewAt(node, found.tipset.key)).requireActor(found.message.to);
    return decodeMethodData(actor.code, found.message.method, "returns", found.receipt.return, node.network.letter);
  } catch {
    // An undescribed return value is no reason to hide the receipt.
    return null;
  }
}

async function search(context: MethodContext, _from: TipsetKey, cid: CID, limit: number, replaced: boolean) {
  const found = await findMessage(context.node, cid, limit, replaced);
  return found === null ? null : lookupOf(context.node, found);
}

const lookback = fallback(anyEpoch, -1);
const allowReplaced = fallback(boolean, true);

export const invokeGroup = group("State: calls and messages", "Calls without consequences; finding messages.", {
  StateCall: method({
    summary: "What a message would do on top of a tipset. Nothing is kept.",
    params: [param("message", message), param("tipsetKey", tipsetKey)],
    result: invocation,
    cost: "execute",
    run: async ([given, key], { node }) =>
      invocationOf(given, await node.simulator.call(given, await node.chain.tipset(key))),
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
    run: async ([cid, confidence, limit, replaced], { node, signal }) =>
      lookupOf(node, await waitForMessage(node, cid, confidence, limit, replaced, signal)),
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
    async run([cid], { node }) {
      const found = await findMessage(node, cid, -1, true);
      if (found === null) throw new RpcError(RPC_CODE.untyped, "message not found on the chain");
      return found.receipt;
    },
  }),
});
