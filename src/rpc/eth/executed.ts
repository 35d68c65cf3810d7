/** A tipset as a block of Ethereum: its transactions, receipts and logs. */
import * as dagCbor from "@ipld/dag-cbor";
import { concat } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { blockHash, messageHash, type PlacedLog } from "../../chain/eth-index.ts";
import { bloomOf, ethereumOf, hex } from "../../chain/eth-logs.ts";
import type { CarriedMessage } from "../../chain/message-store.ts";
import { CHAIN_LIMITS } from "../../params/networks.ts";
import type { StateView } from "../../state/state-view.ts";
import type { Tipset } from "../../types/block-header.ts";
import { inputOf, METHOD_CREATE_EXTERNAL, METHOD_INVOKE_EVM, transactionOf } from "../../types/eth-transaction.ts";
import type { Message, MessageReceipt, SignedMessage } from "../../types/message.ts";
import { EAM } from "../../types/singletons.ts";
import type { NodeServices } from "../services.ts";
import { firstOf } from "./blocks.ts";

export type EthJson = Record<string, unknown>;
export const quantityText = (value: bigint | number): string => `0x${value.toString(16)}`;
const zeros = (bytes: number): string => `0x${"00".repeat(bytes)}`;

/** keccak-256 of RLP of an empty list, and of an empty string: what clients take for "no uncles" and "no transactions". */
const NO_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
const NO_TRANSACTIONS = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";

/** A tipset that was executed, with what became of its messages. */
export type Executed = {
  readonly tipset: Tipset;
  readonly hash: Uint8Array;
  readonly messages: readonly CarriedMessage[];
  readonly receipts: readonly MessageReceipt[];
  /** The state after it, for whoever needs it. */
  readonly view: () => Promise<StateView>;
};

export async function executed(node: NodeServices, tipset: Tipset): Promise<Executed> {
  const { chain, states } = node;
  const messages = tipset.height === 0 ? [] : await chain.tipsetMessages(tipset);
  const { receiptsRoot } = await states.result(tipset);
  const receipts = messages.length === 0 ? [] : await chain.receiptsAt(receiptsRoot);
  return { tipset, hash: blockHash(tipset), messages, receipts, view: () => states.stateAfter(tipset) };
}

/** A message as a transaction; its place in a block is added by whoever knows it. */
export async function transactionJson(
  node: NodeServices,
  { cid, message, signed }: CarriedMessage,
  view: () => Promise<StateView>,
): Promise<EthJson> {
  const { chainId } = node.network;
  const place = { blockHash: null, blockNumber: null, transactionIndex: null };
  const common = {
    hash: hex(messageHash(cid, signed, chainId)),
    nonce: quantityText(message.nonce),
    value: quantityText(message.value),
    gas: quantityText(message.gasLimit),
    ...place,
  };
  const own = signed === null ? null : ownTransaction(signed);
  if (own === null) return { ...common, ...(await nativeJson(message, await view())), chainId: quantityText(chainId) };
  const { kind, to, input, r, s, v, maxFee, maxPriorityFee } = own;
  const fees =
    kind === "eip1559"
      ? {
          ...{ type: "0x2", accessList: [], maxFeePerGas: quantityText(maxFee), yParity: quantityText(v) },
          ...{ maxPriorityFeePerGas: quantityText(maxPriorityFee), gasPrice: quantityText(maxFee) },
        }
      : { type: "0x0", gasPrice: quantityText(maxFee) };
  return {
    ...common,
    ...fees,
    ...(kind === "legacy" ? {} : { chainId: quantityText(chainId) }),
    from: hex(message.from.ethereum ?? new Uint8Array(20)),
    to: to === null ? null : hex(to),
    input: hex(input),
    ...{ r: quantityText(r), s: quantityText(s), v: quantityText(v) },
  };
}

function ownTransaction(signed: SignedMessage) {
  try {
    return transactionOf(signed);
  } catch (error) {
    if (isFilError(error)) return null;
    throw error;
  }
}

/** A message that is no transaction of Ethereum, told as one. */
async function nativeJson(message: Message, view: StateView): Promise<EthJson> {
  const isCreation = message.to.equals(EAM) && message.method === METHOD_CREATE_EXTERNAL;
  const bare = isCreation || message.method === METHOD_INVOKE_EVM ? bareInput(message.params) : null;
  return {
    type: "0x2",
    accessList: [],
    from: hex(await ethereumOf(view, message.from)),
    to: isCreation && bare !== null ? null : hex(await ethereumOf(view, message.to)),
    input: hex(bare ?? nativeInput(message)),
    maxFeePerGas: quantityText(message.gasFeeCap),
    maxPriorityFeePerGas: quantityText(message.gasPremium),
    gasPrice: quantityText(message.gasFeeCap),
    ...{ r: "0x0", s: "0x0", v: "0x0", yParity: "0x0" },
  };
}

function bareInput(params: Uint8Array): Uint8Array | null {
  try {
    return inputOf(params);
  } catch {
    return null;
  }
}

/** Method, codec and parameters by the selector of native methods: `handle_filecoin_method(uint64,uint64,bytes)`. */
function nativeInput({ method, params }: Message): Uint8Array {
  const CBOR = 0x51n;
  return nativeCall(method, params.length === 0 ? 0n : CBOR, params);
}

export function nativeCall(method: bigint, codec: bigint, params: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x86, 0x8e, 0x10, 0xc4), nativeReturn(method, codec, params));
}

/** Exit code, codec and data as Solidity encodes (uint64, uint64, bytes). */
export function nativeReturn(first: bigint, codec: bigint, data: Uint8Array): Uint8Array {
  const words = [first, codec, 96n, BigInt(data.length)];
  const out = new Uint8Array(32 * (words.length + Math.ceil(data.length / 32)));
  const view = new DataView(out.buffer);
  for (const [i, word] of words.entries()) view.setBigUint64(32 * i + 24, word);
  out.set(data, 32 * words.length);
  return out;
}

const placeJson = ({ tipset, hash }: Executed, index: number): EthJson => ({
  blockHash: hex(hash),
  blockNumber: quantityText(tipset.height),
  transactionIndex: quantityText(index),
});

export async function placedTransaction(node: NodeServices, block: Executed, index: number): Promise<EthJson> {
  const carried = block.messages[index] as CarriedMessage;
  return { ...(await transactionJson(node, carried, block.view)), ...placeJson(block, index) };
}

/** The logs of a block, in order: by the index, or by its receipts. */
export async function blockLogs(node: NodeServices, tipset: Tipset): Promise<readonly PlacedLog[]> {
  const { chain, states } = node;
  const { ethereum } = chain;
  if (ethereum === null || tipset.height === 0) return [];
  return (await ethereum.logs(tipset)) ?? ethereum.readLogs(tipset, await states.result(tipset));
}

/** A log with its place; `index` counts within the block. */
export function logJson(log: PlacedLog, index: number, block: { readonly hash: Uint8Array; readonly epoch: number }) {
  return {
    ...{ address: hex(log.address), topics: log.topics.map(hex), data: hex(log.data), removed: false },
    ...{ blockHash: hex(block.hash), blockNumber: quantityText(block.epoch) },
    ...{ transactionIndex: quantityText(log.place), transactionHash: hex(log.hash), logIndex: quantityText(index) },
  };
}

export async function receiptJson(
  node: NodeServices,
  block: Executed,
  logs: readonly PlacedLog[],
  index: number,
): Promise<EthJson> {
  const { message } = block.messages[index] as CarriedMessage;
  const receipt = block.receipts[index] as MessageReceipt;
  const tx = await placedTransaction(node, block, index);
  const used = block.receipts.slice(0, index + 1).reduce((sum, { gasUsed }) => sum + gasUsed, 0n);
  const isGood = receipt.exitCode === 0;
  const place = { hash: block.hash, epoch: block.tipset.height };
  const own = logs.flatMap((log, i) => (log.place === index ? [{ log, i }] : []));
  return {
    ...placeJson(block, index),
    ...{ transactionHash: tx["hash"], from: tx["from"], to: tx["to"], type: tx["type"] },
    contractAddress: tx["to"] === null && isGood ? createdAddress(receipt.return) : null,
    status: isGood ? "0x1" : "0x0",
    gasUsed: quantityText(receipt.gasUsed),
    cumulativeGasUsed: quantityText(used),
    effectiveGasPrice: quantityText(pricePaid(message, receipt.gasUsed, firstOf(block.tipset).parentBaseFee)),
    logs: own.map(({ log, i }) => logJson(log, i, place)),
    logsBloom: hex(bloomOf(own.map(({ log }) => log))),
  };
}

/** Of [id, robust address or null, 20 bytes], what CreateExternal returns. */
function createdAddress(returned: Uint8Array): string | null {
  try {
    const [, , address] = dagCbor.decode<[unknown, unknown, Uint8Array]>(returned);
    return address instanceof Uint8Array && address.length === 20 ? hex(address) : null;
  } catch {
    return null;
  }
}

/** attoFIL that the sender paid for each gas that was used: burnt, as a tip, and for what was asked for in vain. */
export function pricePaid(message: Message, used: bigint, baseFee: bigint): bigint {
  const { gasFeeCap, gasPremium, gasLimit } = message;
  if (used === 0n) return 0n;
  const fee = baseFee < gasFeeCap ? baseFee : gasFeeCap;
  const room = gasFeeCap - fee;
  const tip = (gasPremium < room ? gasPremium : room) * gasLimit;
  const over = gasLimit - (11n * used) / 10n;
  const counted = over > used ? used : over;
  const vain = over < 0n ? 0n : ((gasLimit - used) * counted) / used;
  return (fee * (used + vain) + tip) / used;
}

export async function blockJson(node: NodeServices, block: Executed, whole: boolean): Promise<EthJson> {
  const { tipset, hash, messages, receipts } = block;
  const first = firstOf(tipset);
  const parent = await node.chain.parent(tipset);
  const logs = await blockLogs(node, tipset);
  const { chainId } = node.network;
  const transactions = whole
    ? await Promise.all(messages.map((_, i) => placedTransaction(node, block, i)))
    : messages.map(({ cid, signed }) => hex(messageHash(cid, signed, chainId)));
  return {
    ...{ hash: hex(hash), parentHash: parent === null ? zeros(32) : hex(blockHash(parent)) },
    ...{ number: quantityText(tipset.height), timestamp: quantityText(first.timestamp) },
    ...{ sha3Uncles: NO_UNCLES, miner: zeros(20), stateRoot: zeros(32), receiptsRoot: zeros(32) },
    transactionsRoot: messages.length === 0 ? NO_TRANSACTIONS : zeros(32),
    logsBloom: hex(bloomOf(logs)),
    ...{ difficulty: "0x0", totalDifficulty: "0x0", nonce: zeros(8), mixHash: zeros(32), extraData: "0x", size: "0x0" },
    gasLimit: quantityText(CHAIN_LIMITS.blockGasLimit * BigInt(tipset.blocks.length)),
    gasUsed: quantityText(receipts.reduce((sum, { gasUsed }) => sum + gasUsed, 0n)),
    baseFeePerGas: quantityText(first.parentBaseFee),
    ...{ uncles: [], transactions },
  };
}
