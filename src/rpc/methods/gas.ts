/** Filecoin.GasEstimate*: what a message will need. */
import { StateManagerError } from "../../stmgr/errors.ts";
import { MAX_QUEUE_EPOCHS, type SendSpec } from "../../stmgr/gas-fees.ts";
import { address, amount, int64, message, tipsetKey } from "../codec/chain-types.ts";
import { boolean, fallback, integer, nullable, object, text } from "../codec/codec.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import { group, method, param } from "../method.ts";

const OUT_OF_GAS = 7;
/** Blocks within which a message shall be included: more are taken for fewer. */
const MAX_BLOCKS = 2880;

/** What a sender asks of estimates. */
export const sendSpec = nullable(
  object("MessageSendSpec", {
    MaxFee: fallback(amount, 0n),
    MsgUuid: nullable(text(64)),
    MaximizeFeeCap: fallback(boolean, false),
  }),
);

/** What the sender of a message allows. */
export function allowed(spec: { readonly MaxFee: bigint; readonly MaximizeFeeCap: boolean } | null): SendSpec {
  return { maxFee: spec?.MaxFee ?? 0n, maximizeFeeCap: spec?.MaximizeFeeCap ?? false };
}

/** Turns a failed trial into the network's error. */
export async function estimated<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof StateManagerError) || error.data.code !== "EXECUTION_FAILED") throw error;
    throw new RpcError(error.data.exitCode === OUT_OF_GAS ? RPC_CODE.outOfGas : RPC_CODE.untyped, error.message);
  }
}

/** Empty parameters come back as text: clients feed the answer to readers that want one. */
const completeMessage: typeof message = {
  ...message,
  encode: (value, prefix) => {
    const json = message.encode(value, prefix);
    return { ...json, Params: json["Params"] ?? "" };
  },
};

export const gasGroup = group("Gas", "What a message will need.", {
  GasEstimateMessageGas: method({
    summary: "The message with its gas limit, fee cap and premium estimated where they are zero.",
    params: [param("message", message), param("spec", sendSpec), param("tipsetKey", tipsetKey)],
    result: completeMessage,
    cost: "execute",
    run: async ([given, spec, key], { node, signal }) =>
      estimated(node.gas.complete(given, allowed(spec), await node.chain.tipset(key), signal)),
  }),
  GasEstimateGasLimit: method({
    summary: "The gas that a message uses when it is tried after those that wait before it.",
    params: [param("message", message), param("tipsetKey", tipsetKey)],
    result: int64,
    cost: "execute",
    run: async ([given, key], { node, signal }) =>
      estimated(node.gas.gasLimit(given, await node.chain.tipset(key), signal)),
  }),
  GasEstimateFeeCap: method({
    summary: "A fee cap that outlasts some epochs of a growing base fee, attoFIL per gas.",
    params: [
      param("message", message),
      param("epochs", fallback(integer(0, MAX_QUEUE_EPOCHS), 20)),
      param("tipsetKey", tipsetKey),
    ],
    result: amount,
    run: async ([given, epochs, key], { node }) => node.gas.feeCap(given, epochs, await node.chain.tipset(key)),
  }),
  GasEstimateGasPremium: method({
    summary: "A premium with which a message enters one of the next blocks, attoFIL per gas.",
    params: [
      param("blocksIncluded", fallback(integer(0, MAX_BLOCKS), 1)),
      param("sender", nullable(address)),
      param("gasLimit", fallback(int64, 0n)),
      param("tipsetKey", tipsetKey),
    ],
    result: amount,
    cost: "walk",
    run: async ([blocks, , , key], { node }) => node.gas.premium(blocks, await node.chain.tipset(key)),
  }),
});
