/** Filecoin.State*: calls without consequences, and finding messages on the chain. */
import { decodeMethodData } from "../../state/state-view.ts";
import type { CallOutcome, GasCost } from "../../stmgr/call.ts";
import { StateManagerError } from "../../stmgr/errors.ts";
import { type FoundMessage, NO_LIMIT } from "../../stmgr/message-search.ts";
import type { CID } from "../../types/cid.ts";
import type { Message, MessageReceipt } from "../../types/message.ts";
import type { Json } from "../../types/schema-codec.ts";
import { amount, anyEpoch, epoch, link, message, receipt, type TipsetKey, tipsetKey } from "../codec/chain-types.ts";
import { anyJson, boolean, type Codec, fallback, integer, list, nullable, object, text } from "../codec/codec.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
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
export function invocationOf({ message: Msg, cid: MsgCid, receipt: MsgRct, cost, error, duration }: CallOutcome) {
  const nanoseconds = Math.round(duration * 1e6);
  const inner = { Msg, MsgRct, Error: error, Duration: nanoseconds, GasCharges: null, Subcalls: null };
  const outer = { MsgCid, Msg, MsgRct, GasCost: costOf(MsgCid, cost) };
  return { ...outer, ExecutionTrace: inner, Error: error, Duration: nanoseconds };
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
    return decodeMethodData(actor.code, sent.method, "returns", made.return, node.network.letter);
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

const lookback = fallback(anyEpoch, NO_LIMIT);
const allowReplaced = fallback(boolean, true);

export const invokeGroup = group("State: calls and messages", "Calls without consequences; finding messages.", {
  StateCall: method({
    summary: "What a message would do on top of a tipset. Nothing is kept.",
    params: [param("message", message), param("tipsetKey", tipsetKey)],
    result: invocation,
    cost: "execute",
    run: async ([given, key], { node }) => invocationOf(await node.states.call(given, await node.chain.tipset(key))),
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
