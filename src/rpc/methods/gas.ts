/** Filecoin.GasEstimate*: what a message will need. */
import { toBase64 } from "../../base/bytes.ts";
import { estimateFeeCap, estimatePremium, roomyGasLimit } from "../../mpool/fees.ts";
import { CHAIN_LIMITS } from "../../params/networks.ts";
import type { Tipset } from "../../types/block-header.ts";
import { type Message, messageFromJson, messageToJson } from "../../types/message.ts";
import { epochAt, keyAt } from "../arguments.ts";
import type { MethodTable } from "../dispatcher.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import type { NodeServices } from "../services.ts";
import { read } from "./common.ts";

/** Blocks whose premiums count as recent. */
const RECENT_BLOCKS = 10;
/** Gas that deleting a payment channel gives back; not to be counted on. Source: lotus node/impl/full/gas.go. */
const PAYCH_COLLECT_REFUND = 76_000n;
const PAYCH_COLLECT = 4n;

/** Fills in the gas fields that are zero. `maxFee`: attoFIL that gas limit times fee cap may not exceed, 0 for none. */
export async function completeGas(node: NodeServices, message: Message, tipset: Tipset, maxFee = 0n): Promise<Message> {
  const gasLimit = message.gasLimit !== 0n ? message.gasLimit : await estimateLimit(node, message, tipset);
  const gasPremium = message.gasPremium !== 0n ? message.gasPremium : await recentPremium(node, tipset);
  const baseFee = tipset.blocks[0]?.parentBaseFee ?? CHAIN_LIMITS.initialBaseFee;
  const wanted = message.gasFeeCap !== 0n ? message.gasFeeCap : estimateFeeCap(baseFee, gasPremium);
  const affordable = maxFee > 0n ? maxFee / gasLimit : wanted;
  const gasFeeCap = wanted < affordable ? wanted : affordable;
  return { ...message, gasLimit, gasFeeCap, gasPremium: gasPremium < gasFeeCap ? gasPremium : gasFeeCap };
}

async function estimateLimit(node: NodeServices, message: Message, tipset: Tipset): Promise<bigint> {
  const trial: Message = {
    ...message,
    gasLimit: CHAIN_LIMITS.blockGasLimit,
    gasFeeCap: CHAIN_LIMITS.minimumBaseFee + 1n,
    gasPremium: 1n,
  };
  const before = node.pool.pendingOf(message.from).map((signed) => signed.message);
  const outcome = await node.simulator.call(trial, tipset, before);
  const { exitCode, gasUsed } = outcome.receipt;
  if (exitCode !== 0)
    throw new RpcError(
      exitCode === 7 ? RPC_CODE.outOfGas : RPC_CODE.untyped,
      `message execution failed: exit ${exitCode}, reason: ${outcome.error}`,
    );
  return roomyGasLimit(message.method === PAYCH_COLLECT ? gasUsed + PAYCH_COLLECT_REFUND : gasUsed);
}

async function recentPremium(node: NodeServices, tipset: Tipset): Promise<bigint> {
  const premiums: bigint[] = [];
  let at: Tipset | null = tipset;
  for (let i = 0; i < RECENT_BLOCKS && at !== null; i++) {
    for (const { message } of await node.chain.tipsetMessages(at)) premiums.push(message.gasPremium);
    at = await node.chain.parent(at);
  }
  return estimatePremium(premiums);
}

/** `MaxFee` of a message send specification, attoFIL; 0 for none. */
export function maxFeeOf(spec: unknown): bigint {
  const fee = (spec as { MaxFee?: unknown } | null)?.MaxFee;
  return typeof fee === "string" && /^\d{1,40}$/.test(fee) ? BigInt(fee) : 0n;
}

export function gasMethods(node: NodeServices): MethodTable {
  return {
    "Filecoin.GasEstimateMessageGas": read(async (params) => {
      const message = messageFromJson(params[0]);
      const tipset = await node.chain.tipset(keyAt(params, 2));
      const complete = await completeGas(node, message, tipset, maxFeeOf(params[1]));
      // Empty parameters come back as they went in: clients feed the answer to readers that want text.
      return { ...messageToJson(complete, node.network.letter), Params: toBase64(complete.params) };
    }),
    "Filecoin.GasEstimateGasLimit": read(async (params) => {
      const tipset = await node.chain.tipset(keyAt(params, 1));
      return Number(await estimateLimit(node, messageFromJson(params[0]), tipset));
    }),
    "Filecoin.GasEstimateFeeCap": read(async (params) => {
      const message = messageFromJson(params[0]);
      const tipset = await node.chain.tipset(keyAt(params, 2));
      const baseFee = tipset.blocks[0]?.parentBaseFee ?? CHAIN_LIMITS.initialBaseFee;
      return estimateFeeCap(baseFee, message.gasPremium, epochAt(params, 1, "epochs", 20)).toString();
    }),
    "Filecoin.GasEstimateGasPremium": read(async (params) =>
      (await recentPremium(node, await node.chain.tipset(keyAt(params, 3)))).toString(),
    ),
  };
}
