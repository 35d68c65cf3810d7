/** Filecoin.Mpool*: sending messages and looking at those that wait. */
import { signMessage } from "../../keys/keys.ts";
import type { PoolChange } from "../../mpool/parts.ts";
import { PoolError } from "../../mpool/rules.ts";
import type { Origin } from "../../mpool/sender-queue.ts";
import type { SendSpec } from "../../stmgr/gas-fees.ts";
import type { Address, NetworkPrefix } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import { calledBy, EthError, METHOD_CREATE_EXTERNAL, METHOD_INVOKE_EVM } from "../../types/eth-transaction.ts";
import { type Message, type SignedMessage, signedMessageCid } from "../../types/message.ts";
import { EAM } from "../../types/singletons.ts";
import { address, link, message, signedMessage, tipsetKey, uint64 } from "../codec/chain-types.ts";
import { boolean, decimal, fallback, integer, list, nothing, object } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { group, method, param, type Subscribe, subscription } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { keyAt } from "../view.ts";
import { allowed, estimated, sendSpec } from "./gas.ts";

/** Messages of one batch. */
export const MAX_BATCH = 100;
/** Messages of an answer. */
const MANY = 1_000_000;

/** Turns what the pool refuses into the network's error. */
async function pooled<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof PoolError) throw new RpcError(RPC_CODE.untyped, `mpool push: ${error.message}`);
    throw error;
  }
}

export async function push(node: NodeServices, signed: SignedMessage, origin?: Origin): Promise<CID> {
  await pooled(
    node.pool.push(signed, origin).catch((error: unknown) => {
      // What waits already has been taken.
      if (!(error instanceof PoolError && error.code === "ALREADY_PENDING")) throw error;
    }),
  );
  return signedMessageCid(signed);
}

/** Puts messages in, one after the other; the first that is refused ends it. */
export async function pushAll(node: NodeServices, all: readonly SignedMessage[], origin?: Origin): Promise<CID[]> {
  const cids: CID[] = [];
  for (const signed of all) cids.push(await push(node, signed, origin));
  return cids;
}

/** A message that `pushMessage` numbers and prices. */
export function unpriced(wanted: Pick<Message, "from" | "to" | "value" | "method" | "params">): Message {
  return { ...wanted, nonce: 0n, gasLimit: 0n, gasFeeCap: 0n, gasPremium: 0n };
}

/** Estimates, numbers, signs with a key of this node, and pushes; the sender is locked until the message waits. */
export async function pushMessage(node: NodeServices, wanted: Message, spec: SendSpec): Promise<SignedMessage> {
  if (wanted.nonce !== 0n) badParams(`message.Nonce: must be 0, got ${wanted.nonce}: the node chooses it`);
  const key = await keyAt(node, wanted.from, []);
  const sign = key.ethereum === null ? byWallet(node, key) : asTransaction(node, wanted, key);
  const signedWith = async (nonce: bigint): Promise<SignedMessage> => {
    const complete = node.gas.complete({ ...wanted, from: key, nonce }, spec, node.chain.head);
    return sign(await estimated(complete));
  };
  return pooled(node.pool.pushNext(key, signedWith));
}

type Signer = (complete: Message) => SignedMessage;

function byWallet(node: NodeServices, key: Address): Signer {
  const secret = node.keystore.get(key);
  return (complete) => signMessage(node.crypto, secret, complete);
}

/** Messages of an Ethereum account are signed as the transactions that they are. */
function asTransaction(node: NodeServices, wanted: Message, from: Address): Signer {
  const { prefix } = node.network;
  const accounts = node.dev?.ethAccounts;
  if (accounts?.has(from) !== true) return noEthereumKey(node, from);
  const call = transactionCall(wanted, prefix);
  return (complete) => {
    const { nonce, value, gasLimit, gasFeeCap: maxFee, gasPremium: maxPriorityFee } = complete;
    const tx = { ...call, nonce, value, gasLimit, maxFee, maxPriorityFee };
    return accounts.signTransaction(tx, from) ?? noEthereumKey(node, from);
  };
}

function noEthereumKey({ dev, network }: NodeServices, from: Address): never {
  const text = from.toString(network.prefix);
  const sign = "sign a transaction with Ethereum's tools, and send it by eth_sendRawTransaction";
  const hasJoined = dev !== undefined && dev.ethAccounts == null;
  const instead = hasJoined ? `ask a node of the process that began the network, or ${sign}` : sign;
  throw new RpcError(
    RPC_CODE.untyped,
    `no key for ${text} at this node: it is an Ethereum account's, and wallets hold no keys of those: ${instead}`,
  );
}

function transactionCall(wanted: Message, prefix: NetworkPrefix): ReturnType<typeof calledBy> {
  try {
    return calledBy(wanted);
  } catch (error) {
    if (!(error instanceof EthError)) throw error;
    return badParams(
      `message: an Ethereum account sends transactions: with method ${METHOD_INVOKE_EVM} (InvokeEVM) and a CBOR byte string or nothing as parameters to an ID or ${prefix}410 address, ` +
        `or with ${METHOD_CREATE_EXTERNAL} (CreateExternal) to ${EAM.toString(prefix)}; ${error.message}`,
    );
  }
}

export const mpoolGroup = group("Mpool", "Sending messages, and those that wait for a block.", {
  MpoolPush: method({
    summary: "Puts a signed message into the message pool and gives its CID.",
    permission: "write",
    params: [param("message", signedMessage)],
    result: link,
    run: ([signed], { node }) => push(node, signed),
  }),
  MpoolBatchPush: method({
    summary: "Puts signed messages into the message pool, one after the other; the first that is refused ends it.",
    permission: "write",
    params: [param("messages", list(signedMessage, MAX_BATCH))],
    result: list(link, MAX_BATCH),
    run: ([messages], { node }) => pushAll(node, messages),
  }),
  MpoolPushMessage: method({
    summary: "Estimates gas, chooses the nonce, signs with a key of this node, and pushes.",
    permission: "sign",
    params: [param("message", message), param("spec", sendSpec)],
    result: signedMessage,
    cost: "execute",
    run: ([wanted, spec], { node }) => pushMessage(node, wanted, allowed(spec)),
  }),
  MpoolGetNonce: method({
    summary: "The nonce that the next message of a sender should carry, waiting ones counted.",
    params: [param("address", address)],
    result: uint64,
    async run([sender], { node }) {
      return node.pool.nextNonceOf(await keyAt(node, sender, []));
    },
  }),
  MpoolPending: method({
    summary: "All messages that wait, by sender, then nonce.",
    params: [param("tipsetKey", tipsetKey)],
    result: list(signedMessage, MANY),
    cost: "walk",
    run: (_, { node }) => node.pool.pending(),
  }),
  MpoolSelect: method({
    summary: "The messages that a block on top of a tipset would carry.",
    params: [param("tipsetKey", tipsetKey), param("ticketQuality", fallback(decimal(0, 1), 1))],
    result: list(signedMessage, MANY),
    cost: "walk",
    async run([key, quality], { node }) {
      const base = await node.chain.tipset(key);
      return node.pool.select(await node.states.nextBaseFee(base), quality, base);
    },
  }),
  MpoolClear: method({
    summary: "Drops the messages that wait.",
    permission: "write",
    params: [param("clearLocal", fallback(boolean, true))],
    result: nothing,
    async run([local], { node }) {
      await node.pool.clear(local);
      return null;
    },
  }),
  MpoolSub: subscription({
    summary: "Messages as they enter the pool (Type 0) and leave it (Type 1).",
    result: object("MpoolUpdate", { Type: integer(0, 1), Message: signedMessage }),
    run: (_, { node }) => changes(node),
  }),
});

function changes(node: NodeServices): Subscribe<{ Type: number; Message: SignedMessage }> {
  return (emit) =>
    node.pool.onChange(({ kind, signed }: PoolChange) => emit({ Type: kind === "add" ? 0 : 1, Message: signed }));
}
