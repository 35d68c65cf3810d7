/** Filecoin.GasEstimate*: what a message will need. */
import { estimateFeeCap, estimatePremium, roomyGasLimit } from "../../mpool/fees.ts";
import { CHAIN_LIMITS } from "../../params/networks.ts";
import type { Tipset } from "../../types/block-header.ts";
import type { Message } from "../../types/message.ts";
import { address, amount, int64, message, tipsetKey } from "../codec/chain-types.ts";
import { boolean, fallback, integer, nullable, object, text } from "../codec/codec.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";

/** Blocks whose premiums count as recent. */
const RECENT_BLOCKS = 10;
/** Gas that deleting a payment channel gives back; not to be counted on. Source: lotus node/impl/full/gas.go. */
const PAYCH_COLLECT_REFUND = 76_000n;
const PAYCH_COLLECT = 4n;
/** Epochs of growth that a fee cap may be asked to outlast: a day. */
const MAX_EPOCHS = 2880;

/** What a sender asks of estimates. */
export const sendSpec = nullable(
  object("MessageSendSpec", {
    MaxFee: fallback(amount, 0n),
    MsgUuid: nullable(text(64)),
    MaximizeFeeCap: fallback(boolean, false),
  }),
);

/** Fills in the gas fields that are zero. `maxFee`: attoFIL that gas limit times fee cap may not exceed, 0 for none. */
export async function completeGas(node: NodeServices, given: Message, tipset: Tipset, maxFee = 0n): Promise<Message> {
  const gasLimit = given.gasLimit !== 0n ? given.gasLimit : await estimateLimit(node, given, tipset);
  const gasPremium = given.gasPremium !== 0n ? given.gasPremium : await recentPremium(node, tipset);
  const baseFee = tipset.blocks[0]?.parentBaseFee ?? CHAIN_LIMITS.initialBaseFee;
  const wanted = given.gasFeeCap !== 0n ? given.gasFeeCap : estimateFeeCap(baseFee, gasPremium);
  const affordable = maxFee > 0n ? maxFee / gasLimit : wanted;
  const gasFeeCap = wanted < affordable ? wanted : affordable;
  return { ...given, gasLimit, gasFeeCap, gasPremium: gasPremium < gasFeeCap ? gasPremium : gasFeeCap };
}

async function estimateLimit(node: NodeServices, given: Message, tipset: Tipset): Promise<bigint> {
  const trial: Message = {
    ...given,
    gasLimit: CHAIN_LIMITS.blockGasLimit,
    gasFeeCap: CHAIN_LIMITS.minimumBaseFee + 1n,
    gasPremium: 1n,
  };
  const before = node.pool.pendingOf(given.from).map((signed) => signed.message);
  const outcome = await node.simulator.call(trial, tipset, before);
  const { exitCode, gasUsed } = outcome.receipt;
  if (exitCode !== 0)
    throw new RpcError(
      exitCode === 7 ? RPC_CODE.outOfGas : RPC_CODE.untyped,
      `message execution failed: exit ${exitCode}, reason: ${outcome.error}`,
    );
  return roomyGasLimit(given.method === PAYCH_COLLECT ? gasUsed + PAYCH_COLLECT_REFUND : gasUsed);
}

async function recentPremium(node: NodeServices, tipset: Tipset): Promise<bigint> {
  const premiums: bigint[] = [];
  let at: Tipset | null = tipset;
  for (let i = 0; i < RECENT_BLOCKS && at !== null; i++) {
    for (const { message: one } of await node.chain.tipsetMessages(at)) premiums.push(one.gasPremium);
    at = await node.chain.parent(at);
  }
  return estimatePremium(premiums);
}

/** Empty parameters come back as text: clients feed the answer to readers that want one. */
const completeMessage: typeof message = {
  ...message,
  encode: (value, letter) => {
    const json = message.encode(value, letter);
    return { ...json, Params: json["Params"] ?? "" };
  },
};

export const gasGroup = group("Gas", "What a message will need.", {
  GasEstimateMessageGas: method({
    summary: "The message with its gas limit, fee cap and premium estimated where they are zero.",
    params: [param("message", message), param("spec", sendSpec), param("tipsetKey", tipsetKey)],
    result: completeMessage,
    cost: "execute",
    run: async ([given, spec, key], { node }) =>
      completeGas(node, given, await node.chain.tipset(key), spec?.MaxFee ?? 0n),
  }),
  GasEstimateGasLimit: method({
    summary: "The gas limit that a message needs.",
    params: [param("message", message), param("tipsetKey", tipsetKey)],
    result: int64,
    cost: "execute",
    run: async ([given, key], { node }) => estimateLimit(node, given, await node.chain.tipset(key)),
  }),
  GasEstimateFeeCap: method({
    summary: "A fee cap that outlasts some epochs of a growing base fee, attoFIL per gas.",
    params: [
      param("message", message),
      param("epochs", fallback(integer(0, MAX_EPOCHS), 20)),
      param("tipsetKey", tipsetKey),
    ],
    result: amount,
    async run([given, epochs, key], { node }) {
      const tipset = await node.chain.tipset(key);
      const baseFee = tipset.blocks[0]?.parentBaseFee ?? CHAIN_LIMITS.initialBaseFee;
      return estimateFeeCap(baseFee, given.gasPremium, epochs);
    },
  }),
  GasEstimateGasPremium: method({
    summary: "A premium with which a message enters one of the next blocks, attoFIL per gas.",
    params: [
      param("blocksIncluded", fallback(integer(0, MAX_EPOCHS), 1)),
      param("sender", nullable(address)),
      param("gasLimit", fallback(int64, 0n)),
      param("tipsetKey", tipsetKey),
    ],
    result: amount,
    run: async ([, , , key], { node }) => recentPremium(node, await node.chain.tipset(key)),
  }),
});
