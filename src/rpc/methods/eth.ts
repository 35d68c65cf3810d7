/** Ethereum's interface to the chain: eth_*, net_* and web3_*. What is meant by its blocks: `src/rpc/eth/blocks.ts`. */

import { equal } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { messageHash } from "../../chain/eth-index.ts";
import type { CarriedMessage } from "../../chain/message-store.ts";
import type { Address } from "../../types/address.ts";
import type { Tipset } from "../../types/block-header.ts";
import { decodeTransaction, messageOfTransaction, signerOf, transactionHash } from "../../types/eth-transaction.ts";
import { boolean, decimal, fallback, list, nullable, spelt, text } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { cidOfTransaction, findBlock, knownMessage, latest, requireBlock } from "../eth/blocks.ts";
import { callAt, contractState, estimateGas, storageAt } from "../eth/calls.ts";
import { blockRef, callRequest, data, ethAddress, hash, quantity } from "../eth/codecs.ts";
import {
  blockJson,
  blockLogs,
  type EthJson,
  executed,
  placedTransaction,
  receiptJson,
  transactionJson,
} from "../eth/executed.ts";
import { feeHistory, MIN_PREMIUM } from "../eth/fees.ts";
import { logFilter, logsOfRange } from "../eth/log-search.ts";
import { overrides } from "../eth/overrides.ts";
import { type Group, method, param, withNativeNames } from "../method.ts";
import type { NodeServices } from "../services.ts";

const MAX_ACCOUNTS = 1000;
const MAX_HISTORY = 1024;
const MAX_PERCENTILES = 100;
const PREMIUM_BLOCKS = 10;

const objectOrNull = spelt<EthJson | null>({ anyOf: [{ type: "object" }, { type: "null" }] });
const objects = spelt<readonly EthJson[]>({ type: "array", items: { type: "object" } });
const block = param("block", blockRef());
const number = param("number", blockRef(false));

/** A block of which something is asked that others answer with null. */
async function blockOrNull<Result>(
  node: NodeServices,
  tipset: Promise<Tipset | null>,
  of: (block: Awaited<ReturnType<typeof executed>>) => Promise<Result> | Result,
): Promise<Result | null> {
  const found = await tipset;
  return found === null ? null : of(await executed(node, found));
}

type Found = { readonly carrier: Tipset; readonly index: number } | { readonly waiting: CarriedMessage };

async function indexedPlace({ chain, network }: NodeServices, wanted: Uint8Array) {
  const at = (await chain.ethereum?.placeOf(wanted)) ?? null;
  if (at === null) return null;
  const carrier = await chain.tipsetAtOrBefore(at.epoch);
  const found = (await chain.tipsetMessages(carrier))[at.place];
  // The head may have moved since.
  const isIt = found !== undefined && equal(messageHash(found.cid, found.signed, network.chainId), wanted);
  return isIt ? { carrier, index: at.place } : null;
}

/** Where a transaction is: in an executed block, waiting, or (null) nowhere. A replaced one is nowhere. */
async function locate(node: NodeServices, wanted: Uint8Array): Promise<Found | null> {
  const indexed = await indexedPlace(node, wanted);
  if (indexed !== null) return indexed;
  const cid = await cidOfTransaction(node, wanted);
  const waiting = node.pool.get(cid.bytes);
  const carried = await knownMessage(node, cid);
  if (carried === null) return null;
  const { head } = node.chain;
  const found = await node.states.search(head, cid, { lookback: -1, allowReplaced: false }).catch((error: unknown) => {
    if (isFilError(error, "MESSAGE_REPLACED")) return null;
    throw error;
  });
  if (found === null)
    return waiting === undefined ? null : { waiting: { cid, message: waiting.message, signed: waiting } };
  const carrier = await node.chain.parent(found.tipset);
  if (carrier === null) return null;
  const index = (await node.chain.tipsetMessages(carrier)).findIndex((one) => one.cid.equals(cid));
  return index < 0 ? null : { carrier, index };
}

async function nonceOf(node: NodeServices, address: Address, tipset: Tipset, isPending: boolean): Promise<bigint> {
  const contract = await contractState(node, tipset, address);
  if (contract !== null) return contract.nonce;
  const view = await node.states.stateAfter(tipset);
  const actor = await view.actor(address);
  if (actor === null) return 0n;
  if (!isPending) return actor.nonce;
  return node.pool.nextNonceOf(address).catch((error: unknown) => {
    // An actor that sends no messages.
    if (isFilError(error, "UNKNOWN_SENDER")) return actor.nonce;
    throw error;
  });
}

async function priorityFee(node: NodeServices): Promise<bigint> {
  const premium = await node.gas.premium(PREMIUM_BLOCKS, node.chain.head);
  return premium < MIN_PREMIUM ? MIN_PREMIUM : premium;
}

async function sendRaw(node: NodeServices, raw: Uint8Array): Promise<Uint8Array> {
  const { chainId } = node.network;
  const tx = decodeTransaction(raw, chainId);
  const from = signerOf(node.crypto, tx, chainId);
  if (from === null) throw new RpcError(RPC_CODE.badParams, "raw: nobody signed this transaction");
  await node.pool.push(messageOfTransaction(tx, from));
  return transactionHash(tx, chainId);
}

async function atIndex(node: NodeServices, tipset: Promise<Tipset | null>, index: bigint): Promise<EthJson | null> {
  return blockOrNull(node, tipset, (one) =>
    index < BigInt(one.messages.length) ? placedTransaction(node, one, Number(index)) : null,
  );
}

const hashParam = param("hash", hash);
const index = param("index", quantity(32));
const byHash = (node: NodeServices, wanted: Uint8Array): Promise<Tipset | null> => findBlock(node, { hash: wanted });

const methods = {
  web3_clientVersion: method({
    summary: "What the node is.",
    result: text(),
    run: (_, { node }) => `filigree/${node.version}`,
  }),
  net_version: method({
    summary: "The chain id, in decimal.",
    result: text(),
    run: (_, { node }) => `${node.network.chainId}`,
  }),
  net_listening: method({ summary: "True.", result: boolean, run: () => true }),
  eth_chainId: method({
    summary: "The chain id.",
    result: quantity(),
    run: (_, { node }) => BigInt(node.network.chainId),
  }),
  eth_protocolVersion: method({
    summary: "The network version.",
    result: quantity(),
    run: (_, { node }) => BigInt(node.states.networkVersionAt(node.chain.head.height)),
  }),
  eth_syncing: method({ summary: "False: what is here was executed.", result: boolean, run: () => false }),
  eth_accounts: method({
    summary:
      "Those of a local network, at each node of the process that began it, which has their keys; else none, also at a node that joined.",
    result: list(ethAddress, MAX_ACCOUNTS),
    run: (_, { node }) => node.dev?.ethAccounts?.accounts ?? [],
  }),
  eth_blockNumber: method({
    summary: "Number of the latest block: the epoch of the tipset below the head.",
    result: quantity(),
    run: async (_, { node }) => BigInt((await latest(node)).height),
  }),
  eth_getBlockByNumber: method({
    summary: "A block by name or epoch, with its transactions or their hashes; null if it is not there yet.",
    params: [number, param("whole", fallback(boolean, false))],
    result: objectOrNull,
    run: ([ref, whole], { node }) => blockOrNull(node, findBlock(node, ref), (one) => blockJson(node, one, whole)),
  }),
  eth_getBlockByHash: method({
    summary: "A block by its hash, with its transactions or their hashes; null if it is not there.",
    params: [hashParam, param("whole", fallback(boolean, false))],
    result: objectOrNull,
    cost: "walk",
    run: ([wanted, whole], { node }) => blockOrNull(node, byHash(node, wanted), (one) => blockJson(node, one, whole)),
  }),
  eth_getBlockTransactionCountByNumber: method({
    summary: "How many transactions a block has.",
    params: [number],
    result: nullable(quantity()),
    run: ([ref], { node }) => blockOrNull(node, findBlock(node, ref), ({ messages }) => BigInt(messages.length)),
  }),
  eth_getBlockTransactionCountByHash: method({
    summary: "How many transactions a block has.",
    params: [hashParam],
    result: nullable(quantity()),
    cost: "walk",
    run: ([wanted], { node }) => blockOrNull(node, byHash(node, wanted), ({ messages }) => BigInt(messages.length)),
  }),
  eth_getBlockReceipts: method({
    summary: "The receipts of all transactions of a block; null if it is not there yet.",
    params: [block],
    result: spelt<readonly EthJson[] | null>({ anyOf: [objects.schema, { type: "null" }] }),
    cost: "walk",
    run: ([ref], { node }) =>
      blockOrNull(node, findBlock(node, ref), async (one) => {
        const logs = await blockLogs(node, one.tipset);
        return Promise.all(one.messages.map((_, i) => receiptJson(node, one, logs, i)));
      }),
  }),
  eth_getTransactionByHash: method({
    summary: "A transaction, also one that waits; null if it is nowhere, or was replaced.",
    params: [hashParam],
    result: objectOrNull,
    cost: "walk",
    async run([wanted], { node }) {
      const found = await locate(node, wanted);
      if (found === null) return null;
      if ("waiting" in found)
        return transactionJson(node, found.waiting, () => node.states.stateAfter(node.chain.head));
      return placedTransaction(node, await executed(node, found.carrier), found.index);
    },
  }),
  eth_getTransactionByBlockNumberAndIndex: method({
    summary: "A transaction by its place.",
    params: [number, index],
    result: objectOrNull,
    run: ([ref, at], { node }) => atIndex(node, findBlock(node, ref), at),
  }),
  eth_getTransactionByBlockHashAndIndex: method({
    summary: "A transaction by its place.",
    params: [hashParam, index],
    result: objectOrNull,
    cost: "walk",
    run: ([wanted, at], { node }) => atIndex(node, byHash(node, wanted), at),
  }),
  eth_getTransactionReceipt: method({
    summary: "What became of a transaction, with its logs; null until its block is executed.",
    params: [hashParam],
    result: objectOrNull,
    cost: "walk",
    async run([wanted], { node }) {
      const found = await locate(node, wanted);
      if (found === null || "waiting" in found) return null;
      const one = await executed(node, found.carrier);
      return receiptJson(node, one, await blockLogs(node, one.tipset), found.index);
    },
  }),
  eth_getTransactionCount: method({
    summary: "The nonce of an account's next transaction after a block (pending: after what waits), or of a contract.",
    params: [param("address", ethAddress), block],
    result: quantity(),
    cost: "walk",
    run: async ([address, ref], { node }) =>
      nonceOf(node, address, await requireBlock(node, ref, true), ref === "pending"),
  }),
  eth_getBalance: method({
    summary: "The balance of an address after a block, attoFIL.",
    params: [param("address", ethAddress), block],
    result: quantity(),
    cost: "walk",
    async run([address, ref], { node }) {
      const view = await node.states.stateAfter(await requireBlock(node, ref, true));
      return (await view.actor(address))?.balance ?? 0n;
    },
  }),
  eth_getCode: method({
    summary: "The code of a contract after a block; none for what is no contract.",
    params: [param("address", ethAddress), block],
    result: data(),
    cost: "walk",
    run: async ([address, ref], { node }) =>
      (await contractState(node, await requireBlock(node, ref, true), address))?.code ?? new Uint8Array(0),
  }),
  eth_getStorageAt: method({
    summary: "A contract's storage: 32 bytes after a block.",
    params: [param("address", ethAddress), param("key", quantity()), block],
    result: data(32),
    cost: "execute",
    async run([address, key, ref], { node }) {
      const at = new Uint8Array(32);
      for (let i = 31, rest = key; rest > 0n; i--, rest >>= 8n) at[i] = Number(rest & 0xffn);
      return storageAt(node, await requireBlock(node, ref, true), address, at);
    },
  }),
  eth_call: method({
    summary: "What a call returns on the state after a block; error 3 with the data of a revert. It costs nothing.",
    params: [param("call", callRequest), block, param("overrides", overrides)],
    result: data(),
    cost: "execute",
    run: async ([request, ref, edits], { node, signal }) =>
      callAt(node, await requireBlock(node, ref, true), request, signal, edits),
  }),
  eth_estimateGas: method({
    summary: "A limit of gas with which a call succeeds, on top of the head and of what waits of its sender.",
    params: [param("call", callRequest), block, param("overrides", overrides)],
    result: quantity(),
    cost: "execute",
    run: async ([request, ref, edits], { node, signal }) =>
      estimateGas(
        node,
        ref === "latest" ? node.chain.head : await requireBlock(node, ref, true),
        request,
        signal,
        edits,
      ),
  }),
  eth_sendRawTransaction: method({
    summary: "Takes a signed transaction (EIP-1559, EIP-155 or before) into the pool; its hash.",
    // As lotus has it: who may send on may send.
    permission: "read",
    params: [param("raw", data())],
    result: data(32),
    run: ([raw], { node }) => sendRaw(node, raw),
  }),
  eth_gasPrice: method({
    summary: "Base fee of the head and the proposed tip, attoFIL per gas.",
    result: quantity(),
    run: async (_, { node }) => (await node.states.nextBaseFee(node.chain.head)) + (await priorityFee(node)),
  }),
  eth_maxPriorityFeePerGas: method({
    summary: "The proposed tip, attoFIL per gas; never 0.",
    result: quantity(),
    run: (_, { node }) => priorityFee(node),
  }),
  eth_feeHistory: method({
    summary: "Base fees, use of gas and tips of some blocks up to one.",
    params: [
      param("count", quantity(32)),
      number,
      param("percentiles", nullable(list(decimal(0, 100), MAX_PERCENTILES))),
    ],
    result: spelt<EthJson>({ type: "object" }),
    cost: "walk",
    async run([count, ref, percentiles], { node, signal }) {
      if (count > BigInt(MAX_HISTORY)) throw new RpcError(RPC_CODE.badParams, `count: at most ${MAX_HISTORY} blocks`);
      const falling = percentiles?.findIndex((one, i) => i > 0 && one < (percentiles[i - 1] as number)) ?? -1;
      if (falling > 0)
        badParams(
          `percentiles[${falling}]: ${percentiles?.[falling]} comes behind ${percentiles?.[falling - 1]}; give them in rising order`,
        );
      return feeHistory(node, await requireBlock(node, ref, true), { count: Number(count), percentiles, signal });
    },
  }),
  eth_getLogs: method({
    summary: "The logs of a block or a range of blocks, by address and topics.",
    params: [param("filter", logFilter)],
    result: objects,
    cost: "walk",
    run: ([filter], { node, signal }) => logsOfRange(node, filter, signal),
  }),
};

export const ethGroup: Group<typeof methods> & { readonly prefix: "" } = {
  title: "Ethereum",
  summary:
    "Ethereum's interface. A block is a tipset, its number the epoch; the latest is the one below the head, whose messages were executed.",
  prefix: "",
  versions: ["v0", "v1"],
  methods: withNativeNames(methods),
};
