/**
 * Transactions of Ethereum, and the messages that they are on chain.
 *
 * A transaction becomes a message from the f410 address of its signer: to a contract with method InvokeEVM and its input as a CBOR
 * byte string, or, without a receiver, to the address manager with method CreateExternal. The signature (type 3) keeps the
 * transaction's kind:
 *
 *   EIP-1559        r, s, v (65 bytes), v 0 or 1
 *   before EIP-155  1, r, s, v, v 27 or 28
 *   EIP-155         2, r, s, v, v 2 * chain id + 35 or 36 in as many bytes as it needs
 *
 * from which, and from the chain id, the transaction and its hash are known again. Access lists are refused unless they are empty.
 * Source: lotus at b835fab702eb chain/types/ethtypes; EIP-155, EIP-1559.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concat, equal } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { Address, PROTOCOL } from "./address.ts";
import { type Message, SIGNATURE_TYPE, type Signature, type SignedMessage } from "./message.ts";
import { decodeRlp, encodeRlp, integerBytes, integerFrom, type Rlp } from "./rlp.ts";
import { EAM } from "./singletons.ts";

export type EthErrorData = { readonly code: "BAD_TRANSACTION" };
export class EthError extends FilError<EthErrorData> {}

export type EthKind = "eip1559" | "eip155" | "legacy";

export type EthTransaction = {
  readonly kind: EthKind;
  readonly nonce: bigint;
  /** 20 bytes; null makes a contract. */
  readonly to: Uint8Array | null;
  /** attoFIL */
  readonly value: bigint;
  readonly input: Uint8Array;
  readonly gasLimit: bigint;
  /** attoFIL per gas; equal but for EIP-1559. */
  readonly maxFee: bigint;
  readonly maxPriorityFee: bigint;
  readonly r: bigint;
  readonly s: bigint;
  readonly v: bigint;
};

export const METHOD_CREATE_EXTERNAL = 4n;
/** FRC-42 number of "InvokeEVM". */
export const METHOD_INVOKE_EVM = 3_844_450_837n;
const TYPE_1559 = 2;
const TYPE_2930 = 1;
const PREFIX = { legacy: 1, eip155: 2 } as const;
/** v of EIP-155 for chain id 0. */
const LEAST_V_155 = 35n;
/** First byte of an RLP list. */
const LIST = 0xc0;

function bad(why: string): never {
  throw new EthError({ code: "BAD_TRANSACTION" }, `bad transaction: ${why}`);
}

function bytesOf(value: Rlp | undefined): Uint8Array {
  return value instanceof Uint8Array ? value.slice() : bad("a byte string is a list");
}

function receiverOf(value: Rlp | undefined): Uint8Array | null {
  const bytes = bytesOf(value);
  if (bytes.length === 0) return null;
  return bytes.length === 20 ? bytes : bad(`a receiver of ${bytes.length} bytes`);
}

/** Reads a raw transaction. Throws `EthError`, `RlpError`. `chainId`: the network's, which it must be for. */
export function decodeTransaction(raw: Uint8Array, chainId: number): EthTransaction {
  const first = raw[0] ?? bad("nothing");
  if (first === TYPE_2930) bad("EIP-2930 transactions are not supported");
  if (first === TYPE_1559) return decode1559(decodeRlp(raw.subarray(1)), chainId);
  return first >= LIST ? decodeLegacy(decodeRlp(raw), chainId) : bad(`unknown type ${first}`);
}

function decode1559(list: Rlp, chainId: number): EthTransaction {
  if (list instanceof Uint8Array || list.length !== 12) return bad("12 items expected");
  const [chain, nonce, priority, fee, gas, to, value, input, access, v, r, s] = list;
  if (integerFrom(chain) !== BigInt(chainId)) bad(`it is for chain ${integerFrom(chain)}, this is ${chainId}`);
  if (access instanceof Uint8Array || access === undefined || access.length > 0) bad("access lists must be empty");
  const parity = integerFrom(v);
  if (parity > 1n) bad("v must be 0 or 1");
  return {
    ...{ kind: "eip1559", nonce: integerFrom(nonce, 8), to: receiverOf(to), value: integerFrom(value) },
    ...{ input: bytesOf(input), gasLimit: integerFrom(gas, 8), maxFee: integerFrom(fee) },
    ...{ maxPriorityFee: integerFrom(priority), v: parity, r: integerFrom(r), s: integerFrom(s) },
  };
}

function decodeLegacy(list: Rlp, chainId: number): EthTransaction {
  if (list instanceof Uint8Array || list.length !== 9) return bad("9 items expected");
  const [nonce, price, gas, to, value, input, v, r, s] = list;
  const sign = integerFrom(v);
  const isOld = sign === 27n || sign === 28n;
  if (!isOld && parityOf155(sign, chainId) === null) bad(`v ${sign} is not that of chain ${chainId}`);
  const fee = integerFrom(price);
  return {
    ...{
      kind: isOld ? "legacy" : "eip155",
      nonce: integerFrom(nonce, 8),
      to: receiverOf(to),
      value: integerFrom(value),
    },
    ...{ input: bytesOf(input), gasLimit: integerFrom(gas, 8), maxFee: fee, maxPriorityFee: fee },
    ...{ v: sign, r: integerFrom(r), s: integerFrom(s) },
  };
}

/** 0 or 1, or null for the v of another chain. */
function parityOf155(v: bigint, chainId: number): 0 | 1 | null {
  const rest = v - 2n * BigInt(chainId) - 35n;
  return rest === 0n ? 0 : rest === 1n ? 1 : null;
}

function fieldsOf(tx: EthTransaction): Rlp[] {
  const { nonce, maxFee, gasLimit, to, value, input } = tx;
  return [...[nonce, maxFee, gasLimit].map(integerBytes), to ?? new Uint8Array(0), integerBytes(value), input];
}

function fields1559(tx: EthTransaction, chainId: number): Rlp[] {
  const { nonce, maxPriorityFee, maxFee, gasLimit, to, value, input } = tx;
  const numbers = [BigInt(chainId), nonce, maxPriorityFee, maxFee, gasLimit].map(integerBytes);
  return [...numbers, to ?? new Uint8Array(0), integerBytes(value), input, []];
}

const typed = (list: Rlp[]): Uint8Array => concat(Uint8Array.of(TYPE_1559), encodeRlp(list));

/** The raw transaction, as `decodeTransaction` reads it. */
export function encodeTransaction(tx: EthTransaction, chainId: number): Uint8Array {
  const signature = [tx.v, tx.r, tx.s].map(integerBytes);
  if (tx.kind === "eip1559") return typed([...fields1559(tx, chainId), ...signature]);
  return encodeRlp([...fieldsOf(tx), ...signature]);
}

/** 32 bytes by which Ethereum knows a transaction. */
export function transactionHash(tx: EthTransaction, chainId: number): Uint8Array {
  return keccak_256(encodeTransaction(tx, chainId));
}

/** 32 bytes that its signature is over. */
export function signingDigest(tx: EthTransaction, chainId: number): Uint8Array {
  if (tx.kind === "eip1559") return keccak_256(typed(fields1559(tx, chainId)));
  const none = new Uint8Array(0);
  const more = tx.kind === "eip155" ? [integerBytes(BigInt(chainId)), none, none] : [];
  return keccak_256(encodeRlp([...fieldsOf(tx), ...more]));
}

export type RecoverKey = {
  readonly secp256k1: { recover(digest: Uint8Array, signature: Uint8Array): Uint8Array | null };
};

/** The f410 address of the signer; null if nobody signed this. */
export function signerOf(crypto: RecoverKey, tx: EthTransaction, chainId: number): Address | null {
  const parity = tx.kind === "eip1559" ? tx.v : tx.kind === "legacy" ? tx.v - 27n : parityOf155(tx.v, chainId);
  if (parity === null) return null;
  const signature = concat(word(tx.r), word(tx.s), Uint8Array.of(Number(parity)));
  const key = crypto.secp256k1.recover(signingDigest(tx, chainId), signature);
  return key === null ? null : Address.fromEthereum(keccak_256(key.subarray(1)).slice(12));
}

function word(value: bigint): Uint8Array {
  const bytes = integerBytes(value);
  return concat(new Uint8Array(32 - bytes.length), bytes);
}

/** The signed message that a transaction is on chain. */
export function messageOfTransaction(tx: EthTransaction, from: Address): SignedMessage {
  const { to, input, nonce, value, gasLimit, maxFee, maxPriorityFee } = tx;
  const message: Message = {
    ...{ to: to === null ? EAM : Address.fromEthereum(to), from, nonce, value, gasLimit },
    ...{ gasFeeCap: maxFee, gasPremium: maxPriorityFee },
    method: to === null ? METHOD_CREATE_EXTERNAL : METHOD_INVOKE_EVM,
    params: input.length === 0 ? input : dagCbor.encode(input),
  };
  const rs = concat(word(tx.r), word(tx.s));
  const v = tx.v === 0n ? Uint8Array.of(0) : integerBytes(tx.v);
  const data = tx.kind === "eip1559" ? concat(rs, v) : concat(Uint8Array.of(PREFIX[tx.kind]), rs, v);
  return { message, signature: { type: SIGNATURE_TYPE.delegated, data } };
}

/** The transaction behind a message with a delegated signature. Throws `EthError` for one that no transaction gives. */
export function transactionOf({ message, signature }: SignedMessage): EthTransaction {
  if (signature.type !== SIGNATURE_TYPE.delegated) bad("its signature is not delegated");
  if (message.from.protocol !== PROTOCOL.delegated || message.from.ethereum === null)
    bad("its sender is not Ethereum's");
  const { kind, r, s, v } = signatureParts(signature);
  const { nonce, value, gasLimit, gasFeeCap: maxFee, gasPremium } = message;
  if (kind !== "eip1559" && gasPremium !== maxFee) bad("its premium is not its price");
  return { ...{ kind, nonce, value, gasLimit, maxFee, maxPriorityFee: gasPremium }, ...calledBy(message), r, s, v };
}

/** What a message does as a transaction. Throws `EthError` for one that no transaction gives. */
export function calledBy(message: Pick<Message, "to" | "method" | "params">): Pick<EthTransaction, "to" | "input"> {
  return { to: contractOf(message), input: inputOf(message.params) };
}

function signatureParts({ data }: Signature): Pick<EthTransaction, "kind" | "r" | "s" | "v"> {
  const number = (bytes: Uint8Array): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const isNew = data.length === 65;
  const kind: EthKind = isNew ? "eip1559" : data[0] === PREFIX.legacy ? "legacy" : "eip155";
  if (!isNew && (data.length < 66 || data.length > 74 || (kind === "eip155" && data[0] !== PREFIX.eip155)))
    bad(`a signature of ${data.length} bytes`);
  const [r, s, v] = isNew
    ? [data.subarray(0, 32), data.subarray(32, 64), data.subarray(64)]
    : [data.subarray(1, 33), data.subarray(33, 65), data.subarray(65)];
  if (kind !== "eip1559" && v[0] === 0) bad("v has leading zeros");
  const sign = number(v);
  // Of each kind its own, so that no two messages are one transaction.
  if (kind === "legacy" ? sign !== 27n && sign !== 28n : kind === "eip155" && sign < LEAST_V_155)
    bad(`v ${sign} is of another kind`);
  return { kind, r: number(r), s: number(s), v: sign };
}

function contractOf({ to, method }: Pick<Message, "to" | "method">): Uint8Array | null {
  if (method === METHOD_CREATE_EXTERNAL && to.equals(EAM)) return null;
  if (method !== METHOD_INVOKE_EVM) bad(`method ${method} is no transaction's`);
  return to.ethereum ?? bad("its receiver has no address of Ethereum");
}

/** The bytes in a CBOR byte string that is all there is; none for none. */
export function inputOf(params: Uint8Array): Uint8Array {
  if (params.length === 0) return params;
  let value: unknown;
  try {
    value = dagCbor.decode(params);
  } catch {
    return bad("its parameters are no CBOR");
  }
  if (!(value instanceof Uint8Array) || !equal(dagCbor.encode(value), params)) bad("its parameters are no byte string");
  return (value as Uint8Array).length === 0 ? bad("its parameters are an empty byte string") : (value as Uint8Array);
}
