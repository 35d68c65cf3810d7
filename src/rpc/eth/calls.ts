/**
 * Calls and estimates of Ethereum's interface, on the state after a block.
 *
 * An account's call runs as its message would, without fees. A sender that is nobody yet is made a placeholder first, as its first
 * transaction would find it; a contract's call runs as an implicit message. What fails is error 3 with the revert's data.
 * Source: lotus at b835fab702eb node/impl/eth/gas.go (applyMessage, ethGasSearch).
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat, equal, toHex } from "../../base/bytes.ts";
import type { ActorEdit } from "../../exec/edits.ts";
import type { TrialMessage } from "../../exec/types.ts";
import { CHAIN_LIMITS } from "../../params/networks.ts";
import { readManifest } from "../../state/manifest.ts";
import type { CallOutcome } from "../../stmgr/call.ts";
import { Address } from "../../types/address.ts";
import type { Tipset } from "../../types/block-header.ts";
import { METHOD_CREATE_EXTERNAL, METHOD_INVOKE_EVM } from "../../types/eth-transaction.ts";
import { chainLength, encodeMessage, type Message, SECP256K1_CHAIN_BYTES } from "../../types/message.ts";
import { EAM, SYSTEM } from "../../types/singletons.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import type { NodeServices } from "../services.ts";
import type { CallRequest } from "./codecs.ts";

/** JSON-RPC code of a reverted call. */
const REVERTED = 3;
/** Actors that may send messages. */
const SENDERS = ["account", "ethaccount", "placeholder"];
/** Room above measured gas: 1.25. Source: lotus chain/messagepool/config.go. */
const OVERESTIMATION = { numerator: 5n, denominator: 4n } as const;
const NULL_ADDRESS = Address.fromEthereum(new Uint8Array(20));

export function messageOfCall({ from, to, value, input }: CallRequest, gasLimit: bigint): Message {
  return {
    ...{ from: from ?? NULL_ADDRESS, to: to ?? EAM, nonce: 0n, value, gasLimit, gasFeeCap: 0n, gasPremium: 0n },
    method: to === null ? METHOD_CREATE_EXTERNAL : METHOD_INVOKE_EVM,
    params: input.length === 0 ? input : dagCbor.encode(input),
  };
}

/** The messages by which a call is tried on the state after a tipset: what must be there first, and the call itself. */
async function trialsOf(
  node: NodeServices,
  tipset: Tipset,
  message: Message,
  edits: readonly ActorEdit[],
): Promise<TrialMessage[]> {
  const view = await node.states.stateAfter(tipset);
  const actor = await view.actor(message.from);
  const bytes = encodeMessage(message);
  const own = { bytes, chainLength: bytes.length + SECP256K1_CHAIN_BYTES, baseFee: 0n };
  if (actor === null) {
    const nothing = { value: 0n, method: 0n, params: new Uint8Array(0) };
    const first = { ...message, ...nothing, from: SYSTEM, to: message.from, gasLimit: CHAIN_LIMITS.blockGasLimit };
    return [
      { bytes: encodeMessage(first), chainLength: 0, implicit: true },
      { ...own, nonceFromState: true },
    ];
  }
  const isMadeContract = edits.some((one) => one.code !== undefined && equal(one.address, message.from.bytes));
  if (isMadeContract) return [{ ...own, implicit: true, nonceFromState: true }];
  const { codes } = await readManifest(node.chain.blocks, view);
  const name = [...codes].find(([, code]) => code.equals(actor.code))?.[0] ?? "";
  return [SENDERS.includes(name) ? { ...own, nonceFromState: true } : { ...own, implicit: true, nonceFromState: true }];
}

/** Runs a call on the state after a tipset; the bytes that it returns. Error 3 where it fails. `signal`: its caller went away. */
export async function callAt(
  node: NodeServices,
  tipset: Tipset,
  request: CallRequest,
  signal: AbortSignal,
  edits: readonly ActorEdit[] = [],
): Promise<Uint8Array> {
  const limit = CHAIN_LIMITS.blockGasLimit;
  const gas = request.gas === null || request.gas === 0n || request.gas > limit ? limit : request.gas;
  const outcome = await node.states.tryAfter(
    tipset,
    await trialsOf(node, tipset, messageOfCall(request, gas), edits),
    edits,
    signal,
  );
  requireSuccess(outcome);
  return request.to === null ? new Uint8Array(0) : bytesOf(outcome.receipt.return);
}

/** The byte string in what a contract returned; what is none, as it is. */
function bytesOf(returned: Uint8Array): Uint8Array {
  if (returned.length === 0) return returned;
  try {
    const value: unknown = dagCbor.decode(returned);
    return value instanceof Uint8Array ? value : returned;
  } catch {
    return returned;
  }
}

function requireSuccess({ receipt, error }: CallOutcome): void {
  if (receipt.exitCode === 0) return;
  const data = bytesOf(receipt.return);
  const reason = revertReason(data) ?? error;
  const why = reason === "" ? "" : `: ${reason}`;
  throw new RpcError(REVERTED, `execution reverted${why} (exit code ${receipt.exitCode})`, `0x${toHex(data)}`);
}

/** The text of `Error(string)`, or the number of `Panic(uint256)`; null for other data. */
export function revertReason(data: Uint8Array): string | null {
  const selector = toHex(data.subarray(0, 4));
  const word = (i: number): bigint => BigInt(`0x${toHex(data.subarray(4 + 32 * i, 36 + 32 * i))}`);
  if (selector === "4e487b71" && data.length === 36) return `panic 0x${word(0).toString(16)}`;
  if (selector !== "08c379a0" || data.length < 68 || word(0) !== 32n) return null;
  const length = word(1);
  if (length > BigInt(data.length - 68)) return null;
  // A contract may say anything: what is no text must not hide that it reverted.
  return new TextDecoder().decode(data.subarray(68, 68 + Number(length)));
}

/** A limit of gas with which a call succeeds, after the messages of its sender that wait. */
export async function estimateGas(
  node: NodeServices,
  tipset: Tipset,
  request: CallRequest,
  signal: AbortSignal,
  edits: readonly ActorEdit[] = [],
): Promise<bigint> {
  const isHead = tipset === node.chain.head;
  const waiting = isHead ? node.pool.pendingOf(request.from ?? NULL_ADDRESS) : [];
  const before = waiting.map((signed) => ({
    bytes: encodeMessage(signed.message),
    chainLength: chainLength(signed),
  }));
  const run = async (gas: bigint): Promise<CallOutcome> => {
    // The search ends with its caller, not only with its answer; so does a run of it, over all that its sender has waiting.
    signal.throwIfAborted();
    const trials = await trialsOf(node, tipset, messageOfCall(request, gas), edits);
    return node.states.tryAfter(tipset, [...before, ...trials], edits, signal);
  };
  const most = CHAIN_LIMITS.blockGasLimit;
  const measured = await run(most);
  requireSuccess(measured);
  let high = roomy(measured.receipt.gasUsed);
  // What is not charged for being on chain, a contract's call, may use less than any message must have.
  const least = roomy(node.minGas(encodeMessage(messageOfCall(request, most)).length + SECP256K1_CHAIN_BYTES));
  const atLeast = (gas: bigint): bigint => (gas < least ? least : gas);
  if ((await run(high)).receipt.exitCode === 0) return atLeast(high);
  // A call inside of it needs more at hand than is used: the limit is doubled, then the room halved down to a hundredth.
  let low = high;
  for (; high < most; low = high) {
    high = high * 2n > most ? most : high * 2n;
    if ((await run(high)).receipt.exitCode === 0) break;
  }
  while (high - low > high / 100n) {
    const middle = (low + high) / 2n;
    if ((await run(middle)).receipt.exitCode === 0) high = middle;
    else low = middle;
  }
  return atLeast(roomy(high));
}

function roomy(gas: bigint): bigint {
  const more = (gas * OVERESTIMATION.numerator) / OVERESTIMATION.denominator;
  return more > CHAIN_LIMITS.blockGasLimit ? CHAIN_LIMITS.blockGasLimit : more;
}

const GET_STORAGE_AT = 5n;

/** 32 bytes of a contract's storage; zeros for what is no contract. */
export async function storageAt(
  node: NodeServices,
  tipset: Tipset,
  contract: Address,
  key: Uint8Array,
): Promise<Uint8Array> {
  const state = await contractState(node, tipset, contract);
  if (state === null) return new Uint8Array(32);
  const message: Message = {
    ...{ from: SYSTEM, to: contract, nonce: 0n, value: 0n, gasLimit: CHAIN_LIMITS.blockGasLimit },
    ...{ gasFeeCap: 0n, gasPremium: 0n, method: GET_STORAGE_AT, params: dagCbor.encode([key]) },
  };
  const { receipt, error } = await node.states.tryAfter(tipset, [
    { bytes: encodeMessage(message), chainLength: 0, implicit: true },
  ]);
  if (receipt.exitCode !== 0)
    throw new RpcError(RPC_CODE.untyped, `reading storage ended with exit code ${receipt.exitCode}: ${error}`);
  const value = bytesOf(receipt.return);
  return value.length > 32 ? value.subarray(0, 32) : concat(new Uint8Array(32 - value.length), value);
}

export type ContractState = { readonly code: Uint8Array; readonly nonce: bigint };

/** Code and nonce of a contract; null for what is none. A contract that destroyed itself has neither. */
export async function contractState(
  node: NodeServices,
  tipset: Tipset,
  address: Address,
): Promise<ContractState | null> {
  const view = await node.states.stateAfter(tipset);
  const actor = await view.actor(address);
  if (actor === null) return null;
  const { codes } = await readManifest(node.chain.blocks, view).catch(() => ({ codes: new Map() }));
  if (codes.get("evm")?.equals(actor.code) !== true) return null;
  // [code, hash, storage, (transient, from actors v16 on,) nonce, tombstone]
  const state = dagCbor.decode<unknown[]>(await blockOf(node, actor.head.bytes));
  const [nonce, tombstone] = state.slice(-2);
  if (tombstone !== null) return { code: new Uint8Array(0), nonce: 0n };
  const code = await blockOf(node, (state[0] as { bytes: Uint8Array }).bytes);
  return { code, nonce: BigInt(nonce as number) };
}

async function blockOf(node: NodeServices, cid: Uint8Array): Promise<Uint8Array> {
  const { blocks } = node.chain;
  const bytes = blocks.peek(cid) ?? (await blocks.get(cid));
  if (bytes === undefined) throw new RpcError(RPC_CODE.untyped, "a block of the contract's state is not here");
  return bytes;
}
