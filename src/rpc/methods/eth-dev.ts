/** Control of a local network by the names of Ethereum's development networks: Hardhat's, Anvil's, Ganache's. */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concat, utf8 } from "../../base/bytes.ts";
import { messageHash } from "../../chain/eth-index.ts";
import type { ActorEdit } from "../../exec/edits.ts";
import { isFvm } from "../../schema/versions/rows.ts";
import { type Address, PROTOCOL } from "../../types/address.ts";
import { type SignedMessage, signedMessageCid } from "../../types/message.ts";
import { boolean, type Codec, fallback, integer, nullable, spelt } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { contractState, estimateGas } from "../eth/calls.ts";
import { type CallRequest, callRequest, data, ethAddress, hash, quantity } from "../eth/codecs.ts";
import { MIN_PREMIUM } from "../eth/fees.ts";
import { type Group, method, param } from "../method.ts";
import type { DevControl, EthAccountsService, EthDevControl, NodeServices } from "../services.ts";
import { infoFor } from "./dev.ts";

const MAX_BLOCKS = 100_000;
const MAX_SECONDS = 3600;
const address = param("address", ethAddress);
/** Hardhat gives numbers, Anvil 0x text. */
const whole = quantity(53);
const PREMIUM_BLOCKS = 10;

function devOf(node: NodeServices): DevControl {
  if (node.dev === undefined) throw new TypeError("not a local network");
  return node.dev;
}

function hasContracts(node: NodeServices): boolean {
  return isFvm(node.states.networkVersionAt(node.chain.head.height));
}

const NO_CONTRACTS = "this network has no contracts: start the network with --network-version 18 or later and --bundle";

function ethOf(node: NodeServices): EthDevControl {
  const { ethereum } = devOf(node);
  if (ethereum != null) return ethereum;
  if (!hasContracts(node)) throw new RpcError(RPC_CODE.untyped, NO_CONTRACTS);
  const why = "which check its blocks and would refuse what no message has done to its state";
  const instead = "start one of a single node, without --nodes, --listen, --apart and real proofs";
  throw new RpcError(RPC_CODE.untyped, `this network has peers, ${why}: ${instead}`);
}

/** Accounts that this node signs for. */
function accountsOf(node: NodeServices): EthAccountsService {
  const { ethAccounts } = devOf(node);
  if (ethAccounts != null) return ethAccounts;
  if (!hasContracts(node)) throw new RpcError(RPC_CODE.untyped, NO_CONTRACTS);
  const why =
    "ask a node of the process that began the network, or sign with Ethereum's tools and send by eth_sendRawTransaction";
  throw new RpcError(RPC_CODE.untyped, `this node joined the network and has no keys of its accounts: ${why}`);
}

async function edit(node: NodeServices, of: Address, change: Omit<ActorEdit, "address">): Promise<boolean> {
  await ethOf(node).edit([{ address: of.bytes, ...change }]);
  return true;
}

/** Of a transaction what is not of a call. */
type Sent = CallRequest & {
  readonly nonce: bigint | null;
  readonly maxFee: bigint | null;
  readonly maxPriorityFee: bigint | null;
  readonly chainId: bigint | null;
};

/** Kinds of transactions that the network has: as before EIP-155, and EIP-1559. */
const SENDABLE = [0n, 2n];
/** What other kinds have besides. Source: EIP-2930, EIP-4844, EIP-7702. */
const OTHERS_FIELDS = ["accessList", "blobVersionedHashes", "blobs", "authorizationList"];

/** Refuses what would be left out of the message: whoever asks for it would not be told that it is not there. */
function refuseOtherKinds(given: Record<string, unknown>, type: bigint | null, path: string): void {
  if (type !== null && !SENDABLE.includes(type))
    badParams(`${path}.type: 0x0 or 0x2 expected, of which there are transactions on Filecoin`);
  for (const name of OTHERS_FIELDS) {
    const value = given[name] ?? [];
    if (!Array.isArray(value) || value.length > 0) badParams(`${path}.${name}: a transaction on Filecoin has none`);
  }
}

/** Refuses two names of one thing that say different things: which of them holds would be chosen unasked. As go-ethereum does. */
function refuseContradictions(given: Record<string, unknown>, path: string): void {
  const has = (name: string): boolean => (given[name] ?? null) !== null;
  if (has("data") && has("input") && `${given["data"]}`.toLowerCase() !== `${given["input"]}`.toLowerCase())
    badParams(`${path}: data and input are the same thing, and differ; give one of them`);
  for (const name of ["maxFeePerGas", "maxPriorityFeePerGas"])
    if (has("gasPrice") && has(name)) badParams(`${path}: gasPrice stands for ${name}, too; give one of them`);
}

const transaction: Codec<Sent, unknown> = {
  schema: { title: "Transaction", type: "object" },
  decode: (json, path) => {
    const call = callRequest.decode(json, path);
    const given = json as Record<string, unknown>;
    const number = (name: string): bigint | null =>
      nullable(quantity()).decode(given[name] ?? null, `${path}.${name}`) as bigint | null;
    refuseOtherKinds(given, number("type"), path);
    refuseContradictions(given, path);
    return {
      ...call,
      nonce: number("nonce"),
      maxFee: number("maxFeePerGas") ?? number("gasPrice"),
      maxPriorityFee: number("maxPriorityFeePerGas") ?? number("gasPrice"),
      chainId: number("chainId"),
    };
  },
  encode: (value) => value,
};

async function sendTransaction(node: NodeServices, sent: Sent, signal: AbortSignal): Promise<Uint8Array> {
  const control = accountsOf(node);
  const { from, to } = sent;
  if (from === null) return badParams("transaction.from: an address expected");
  if (from.protocol !== PROTOCOL.delegated)
    return badParams("transaction.from: an address of Ethereum's own expected, not one that stands for an actor's id");
  const { chainId } = node.network;
  if (sent.chainId !== null && sent.chainId !== BigInt(chainId))
    return badParams(`transaction.chainId: this is chain ${chainId}, not ${sent.chainId}`);
  const shown = ethAddress.encode(from, "t");
  if ((await contractState(node, node.chain.head, from)) !== null) {
    const instead = "send from an account, or see with eth_call and its `from` what the contract's call would do";
    throw new RpcError(RPC_CODE.untyped, `${shown} is a contract, which sends no messages on Filecoin: ${instead}`);
  }
  const unknown = (): never => {
    const isAlone = devOf(node).ethereum != null;
    const why = isAlone ? "impersonate it (anvil_impersonateAccount) first" : "its key is not here";
    throw new RpcError(RPC_CODE.untyped, `unknown account ${shown}: ${why}`);
  };
  if (!control.has(from)) unknown();
  const gasLimit = sent.gas ?? (await estimateGas(node, node.chain.head, sent, signal));
  const proposed = await node.gas.premium(PREMIUM_BLOCKS, node.chain.head);
  const tip = sent.maxPriorityFee ?? (proposed < MIN_PREMIUM ? MIN_PREMIUM : proposed);
  const maxFee = sent.maxFee ?? 2n * (await node.states.nextBaseFee(node.chain.head)) + tip;
  const receiver = to === null ? null : (to.ethereum as Uint8Array);
  const common = { to: receiver, value: sent.value, input: sent.input, gasLimit, maxFee };
  const signed = (nonce: bigint): SignedMessage => {
    const tx = { ...common, nonce, maxPriorityFee: tip < maxFee ? tip : maxFee };
    return control.signTransaction(tx, from) ?? unknown();
  };
  let pushed: SignedMessage;
  if (sent.nonce === null) pushed = await node.pool.pushNext(from, async (nonce) => signed(nonce));
  else {
    pushed = signed(sent.nonce);
    await node.pool.push(pushed);
  }
  return messageHash(signedMessageCid(pushed), pushed, chainId);
}

/** r, s and v (27 or 28) of a message by EIP-191. */
function signPersonal(node: NodeServices, message: Uint8Array, by: Address): Uint8Array {
  const prefix = utf8(`\x19Ethereum Signed Message:\n${message.length}`);
  const signature = accountsOf(node).sign(by, keccak_256(concat(prefix, message)));
  if (signature === null) throw new RpcError(RPC_CODE.untyped, "unknown account: the network does not have its key");
  return concat(signature.subarray(0, 64), Uint8Array.of(27 + (signature[64] as number)));
}

const admin = { permission: "admin", local: true } as const;
const yes = { ...admin, result: boolean, cost: "wait" } as const;
const slot: Codec<Uint8Array, string> = {
  ...hash,
  decode: (json, path) => {
    const key = quantity().decode(typeof json === "string" ? json.replace(/^0x0+(?=[0-9a-fA-F])/, "0x") : json, path);
    return hash.decode(`0x${key.toString(16).padStart(64, "0")}`, path);
  },
};

async function mineApart(node: NodeServices, count: bigint, interval: bigint | null, signal: AbortSignal) {
  if (count > BigInt(MAX_BLOCKS)) badParams(`count: at most ${MAX_BLOCKS} expected, got ${count}`);
  if (interval === null || interval === 0n) await devOf(node).mine(Number(count), signal);
  else await ethOf(node).mineApart(Number(count), Number(interval), signal);
  return true;
}

/** What evm_mine is given: nothing, the time of the first block, or both things by their names. */
const mined: Codec<{ readonly timestamp: bigint | null; readonly blocks: bigint }, unknown> = {
  schema: { title: "MineOptions", description: "a timestamp, or an object with timestamp and blocks" },
  decode: (json, path) => {
    const isNamed = typeof json === "object" && json !== null && !Array.isArray(json);
    const { timestamp, blocks } = (isNamed ? json : { timestamp: json }) as Record<string, unknown>;
    return {
      timestamp: timestamp == null ? null : whole.decode(timestamp, isNamed ? `${path}.timestamp` : path),
      blocks: blocks == null ? 1n : whole.decode(blocks, `${path}.blocks`),
    };
  },
  encode: (value) => value,
};

async function mineAt(node: NodeServices, { timestamp, blocks }: ReturnType<typeof mined.decode>, signal: AbortSignal) {
  if (timestamp !== null && timestamp <= BigInt(MAX_BLOCKS))
    badParams(`block: a timestamp in seconds since 1970 expected, got ${timestamp}; so many blocks: anvil_mine`);
  if (blocks > BigInt(MAX_BLOCKS)) badParams(`block.blocks: at most ${MAX_BLOCKS} expected, got ${blocks}`);
  if (timestamp !== null) ethOf(node).setNextTimestamp(Number(timestamp));
  await devOf(node).mine(Number(blocks), signal);
  return 0n;
}

const methods = {
  eth_sendTransaction: method({
    summary:
      "Signs a transaction with the key of one of the network's accounts, or for an impersonated one, and sends it.",
    permission: "sign",
    params: [param("transaction", transaction)],
    result: data(32),
    cost: "execute",
    local: true,
    run: ([sent], { node, signal }) => sendTransaction(node, sent, signal),
  }),
  personal_sign: method({
    summary: "Signs bytes by EIP-191 with the key of one of the network's accounts.",
    permission: "sign",
    params: [param("message", data()), address],
    result: data(65),
    local: true,
    run: ([message, by], { node }) => signPersonal(node, message, by),
  }),
  eth_sign: method({
    summary: "The same with the address first.",
    permission: "sign",
    params: [address, param("message", data())],
    result: data(65),
    local: true,
    run: ([by, message], { node }) => signPersonal(node, message, by),
  }),
  anvil_setBalance: method({
    summary: "Sets the balance of an address, attoFIL; a tipset shows it.",
    ...yes,
    params: [address, param("balance", quantity())],
    aliases: ["hardhat_setBalance"],
    run: ([of, balance], { node }) => edit(node, of, { balance }),
  }),
  anvil_setNonce: method({
    summary: "Sets the nonce of an account or of a contract.",
    ...yes,
    params: [address, param("nonce", quantity(64))],
    aliases: ["hardhat_setNonce"],
    run: ([of, nonce], { node }) => edit(node, of, { nonce }),
  }),
  anvil_setCode: method({
    summary: "Makes a contract with this code of an address; its storage, balance and id stay.",
    ...yes,
    params: [address, param("code", data())],
    aliases: ["hardhat_setCode"],
    run: ([of, code], { node }) => edit(node, of, { code }),
  }),
  anvil_setStorageAt: method({
    summary: "Sets 32 bytes of a contract's storage.",
    ...yes,
    params: [address, param("slot", slot), param("value", hash)],
    aliases: ["hardhat_setStorageAt"],
    run: ([of, key, value], { node }) => edit(node, of, { storage: { isWhole: false, slots: [[key, value]] } }),
  }),
  anvil_impersonateAccount: method({
    summary: "From now on eth_sendTransaction sends for this address without its key.",
    ...yes,
    params: [address],
    aliases: ["hardhat_impersonateAccount"],
    run([of], { node }) {
      ethOf(node).impersonate(of, true);
      return true;
    },
  }),
  anvil_stopImpersonatingAccount: method({
    summary: "Ends that.",
    ...yes,
    params: [address],
    aliases: ["hardhat_stopImpersonatingAccount"],
    run([of], { node }) {
      ethOf(node).impersonate(of, false);
      return true;
    },
  }),
  anvil_autoImpersonateAccount: method({
    summary: "Whether that holds for every address.",
    ...yes,
    params: [param("on", fallback(boolean, true))],
    run([on], { node }) {
      ethOf(node).impersonateAll(on);
      return true;
    },
  }),
  anvil_mine: method({
    summary: "Makes tipsets, so many seconds of block time apart if that is given.",
    ...yes,
    params: [param("count", fallback(whole, 1n)), param("seconds", nullable(whole))],
    aliases: ["hardhat_mine"],
    run: ([count, seconds], { node, signal }) => mineApart(node, count, seconds, signal),
  }),
  evm_mine: method({
    summary: "Makes a tipset, or several (blocks), the first of which has a time if one is given.",
    ...admin,
    result: quantity(),
    params: [param("block", fallback(mined, { timestamp: null, blocks: 1n }))],
    cost: "wait",
    run: ([options], { node, signal }) => mineAt(node, options, signal),
  }),
  evm_increaseTime: method({
    summary:
      "Has the next block be so many seconds later than it would be, and those after it follow; epochs do not. The sum of what is to come.",
    ...admin,
    result: quantity(),
    params: [param("seconds", whole)],
    aliases: ["anvil_increaseTime"],
    run: ([seconds], { node }) => BigInt(ethOf(node).passTime(Number(seconds))),
  }),
  evm_setNextBlockTimestamp: method({
    summary: "Seconds since 1970 of the next block.",
    ...yes,
    params: [param("timestamp", whole)],
    aliases: ["anvil_setNextBlockTimestamp"],
    run([timestamp], { node }) {
      ethOf(node).setNextTimestamp(Number(timestamp));
      return true;
    },
  }),
  evm_setAutomine: method({
    summary: "As Devnet.setAutomine.",
    ...yes,
    params: [param("on", fallback(boolean, true))],
    aliases: ["anvil_setAutomine"],
    run([on], { node }) {
      devOf(node).setAutomine(on);
      return true;
    },
  }),
  anvil_getAutomine: method({
    summary: "Whether tipsets are made by themselves.",
    result: boolean,
    aliases: ["hardhat_getAutomine"],
    local: true,
    run: (_, { node }) => ethOf(node).isAutomatic,
  }),
  evm_setIntervalMining: method({
    summary: "Milliseconds between tipsets; 0 makes one whenever a message arrives.",
    ...yes,
    params: [param("milliseconds", integer(0, MAX_SECONDS * 1000))],
    run([milliseconds], { node }) {
      devOf(node).setBlockTime(milliseconds / 1000);
      return true;
    },
  }),
  anvil_setIntervalMining: method({
    summary: "The same in seconds.",
    ...yes,
    params: [param("seconds", integer(0, MAX_SECONDS))],
    run([seconds], { node }) {
      devOf(node).setBlockTime(seconds);
      return true;
    },
  }),
  anvil_nodeInfo: method({
    summary: "What the network is: that of Devnet.info, and where its head is.",
    result: spelt<Record<string, unknown>>({ type: "object" }),
    aliases: ["hardhat_metadata"],
    local: true,
    run(_, { node, session }) {
      const { head } = node.chain;
      const version = `filigree/${node.version}`;
      return { ...infoFor(devOf(node), session), clientVersion: version, currentBlockNumber: head.height };
    },
  }),
};

export const ethDevGroup: Group<typeof methods> & { readonly prefix: "" } = {
  title: "Ethereum: local network",
  summary:
    "What contract developers do to a local network with the FVM, by the names that they know. Not answered by a node of any other network. Of several nodes (`devnet --nodes`, `--listen`) each signs for the network's accounts, and none sets state, impersonates or moves time; a node that joined (`node start`) has no keys of the accounts.",
  prefix: "",
  versions: ["v0", "v1"],
  methods,
};
