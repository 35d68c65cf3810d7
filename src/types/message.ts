/**
 * Messages, signatures and receipts in the host, with their CBOR and the JSON of the network's RPC.
 *
 * A message on chain is the tuple [version 0, to, from, nonce, value, gas limit, gas fee cap, gas premium, method,
 * params]; its CID is what is signed. A signature is a type byte (1 secp256k1, 2 BLS, 3 delegated) and its data. The
 * CID of a signed message is that of the signed tuple for secp256k1, of the bare message for BLS.
 * Source: lotus chain/types; serialization-vectors.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat, equal, fromBase64, toBase64 } from "../base/bytes.ts";
import { describeValue, FilError } from "../base/errors.ts";
import { Address, type NetworkPrefix } from "./address.ts";
import { bigToBytes, bytesToBig } from "./amount.ts";
import { type CID, cidOfBlock } from "./cid.ts";
import { integerOf, integerToJson, type Json } from "./schema-codec.ts";

export type MessageErrorData = { readonly code: "BAD_MESSAGE"; readonly field: string };
export class MessageError extends FilError<MessageErrorData> {}

export const SIGNATURE_TYPE = { secp256k1: 1, bls: 2, delegated: 3 } as const;
/** Longest signature, type byte included. */
const MAX_SIGNATURE = 200;

export type Message = {
  readonly to: Address;
  readonly from: Address;
  readonly nonce: bigint;
  /** attoFIL */
  readonly value: bigint;
  /** gas */
  readonly gasLimit: bigint;
  /** attoFIL per unit of gas */
  readonly gasFeeCap: bigint;
  readonly gasPremium: bigint;
  readonly method: bigint;
  readonly params: Uint8Array;
};

export type Signature = { readonly type: number; readonly data: Uint8Array };
export type SignedMessage = { readonly message: Message; readonly signature: Signature };
export type MessageReceipt = {
  readonly exitCode: number;
  readonly return: Uint8Array;
  readonly gasUsed: bigint;
  /** Root of its events; null for none, absent before network version 18. */
  readonly eventsRoot?: CID | null;
};

function bad(field: string, why: string): never {
  throw new MessageError({ code: "BAD_MESSAGE", field }, `message field ${field}: ${why}`);
}

function messageTuple(m: Message): unknown[] {
  if (typeof m !== "object" || m === null) bad("", "object expected");
  return [
    0,
    addressBytes(m.to, "To"),
    addressBytes(m.from, "From"),
    unsigned(m.nonce, "Nonce"),
    bigToBytes(m.value),
    signed(m.gasLimit, "GasLimit"),
    bigToBytes(m.gasFeeCap),
    bigToBytes(m.gasPremium),
    unsigned(m.method, "Method"),
    m.params instanceof Uint8Array ? m.params : bad("Params", "bytes expected"),
  ];
}

function addressBytes(address: Address, field: string): Uint8Array {
  return address instanceof Address ? address.bytes : bad(field, "address expected");
}

/** CBOR of a message. Throws `MessageError`, `AmountError` for what `decodeMessage` would refuse. */
export function encodeMessage(message: Message): Uint8Array {
  return dagCbor.encode(messageTuple(message));
}

/** What is asked of a message several times on its way, and never changes. */
type Identity = { readonly cid: CID; readonly length: number };
const identities = new WeakMap<Message | SignedMessage, Identity>();

function identityOf(what: Message | SignedMessage, encode: () => Uint8Array): Identity {
  let identity = identities.get(what);
  if (identity === undefined) {
    const bytes = encode();
    identity = { cid: cidOfBlock(bytes), length: bytes.length };
    identities.set(what, identity);
  }
  return identity;
}

function bareIdentity(message: Message): Identity {
  return identityOf(message, () => encodeMessage(message));
}

/** Of the form that blocks hold: for BLS the bare message. */
function chainIdentity(signed: SignedMessage): Identity {
  if (signed.signature.type === SIGNATURE_TYPE.bls) return bareIdentity(signed.message);
  return identityOf(signed, () => encodeSignedMessage(signed));
}

export function messageCid(message: Message): CID {
  return bareIdentity(message).cid;
}

/** Reads a message; throws `MessageError` unless the bytes are exactly those that `encodeMessage` gives. */
export function decodeMessage(bytes: Uint8Array): Message {
  const message = messageFromTuple(decodeTuple(bytes, 10));
  if (!equal(encodeMessage(message), bytes)) bad("", "not in its canonical form");
  return message;
}

function decodeTuple(bytes: Uint8Array, length: number): readonly unknown[] {
  if (!(bytes instanceof Uint8Array)) bad("", "bytes expected");
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
  } catch (cause) {
    throw new MessageError({ code: "BAD_MESSAGE", field: "" }, "message is not canonical DAG-CBOR", { cause });
  }
  if (!Array.isArray(value) || value.length !== length) bad("", `array of ${length} expected`);
  return value as unknown[];
}

function messageFromTuple(tuple: readonly unknown[]): Message {
  const integer = (at: number, field: string): bigint => {
    const value = tuple[at];
    if (typeof value === "bigint") return value;
    return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : bad(field, "integer expected");
  };
  const bytes = (at: number, field: string): Uint8Array => {
    const value = tuple[at];
    return value instanceof Uint8Array ? value : bad(field, "byte string expected");
  };
  if (integer(0, "Version") !== 0n) bad("Version", "must be 0");
  return {
    to: Address.fromBytes(bytes(1, "To")),
    from: Address.fromBytes(bytes(2, "From")),
    nonce: unsigned(integer(3, "Nonce"), "Nonce"),
    value: bytesToBig(bytes(4, "Value")),
    gasLimit: signed(integer(5, "GasLimit"), "GasLimit"),
    gasFeeCap: bytesToBig(bytes(6, "GasFeeCap")),
    gasPremium: bytesToBig(bytes(7, "GasPremium")),
    method: unsigned(integer(8, "Method"), "Method"),
    params: bytes(9, "Params"),
  };
}

function unsigned(value: bigint, field: string): bigint {
  const fits = typeof value === "bigint" && value >= 0n && value < 1n << 64n;
  return fits ? value : bad(field, "not an unsigned 64-bit integer");
}

function signed(value: bigint, field: string): bigint {
  const fits = typeof value === "bigint" && BigInt.asIntN(64, value) === value;
  return fits ? value : bad(field, "not a 64-bit integer");
}

/** Type byte and data. Throws `MessageError` for what `decodeSignature` would refuse. */
export function encodeSignature(signature: Signature): Uint8Array {
  const { type, data } = signature ?? {};
  if (!(data instanceof Uint8Array)) bad("Signature", "bytes expected");
  if (!isSignatureType(type)) bad("Signature", `unknown signature type ${describeValue(type)}`);
  if (data.length >= MAX_SIGNATURE) bad("Signature", `${data.length + 1} bytes, over ${MAX_SIGNATURE}`);
  return concat(Uint8Array.of(signature.type), signature.data);
}

export function decodeSignature(bytes: Uint8Array): Signature {
  if (!(bytes instanceof Uint8Array)) bad("Signature", "bytes expected");
  const type = bytes[0];
  if (!isSignatureType(type)) return bad("Signature", `unknown signature type ${type}`);
  if (bytes.length > MAX_SIGNATURE) bad("Signature", `${bytes.length} bytes, over ${MAX_SIGNATURE}`);
  return { type, data: bytes.slice(1) };
}

function isSignatureType(type: unknown): type is number {
  return type === SIGNATURE_TYPE.secp256k1 || type === SIGNATURE_TYPE.bls || type === SIGNATURE_TYPE.delegated;
}

/** CBOR of a message with its signature. Throws `MessageError`, `AmountError` for what `decodeSignedMessage` would refuse. */
export function encodeSignedMessage(signed: SignedMessage): Uint8Array {
  if (typeof signed !== "object" || signed === null) bad("", "object expected");
  return dagCbor.encode([messageTuple(signed.message), encodeSignature(signed.signature)]);
}

/** As `decodeMessage`, for a message with its signature. */
export function decodeSignedMessage(bytes: Uint8Array): SignedMessage {
  const [message, signature] = decodeTuple(bytes, 2);
  if (!Array.isArray(message) || message.length !== 10) bad("Message", "array of 10 expected");
  if (!(signature instanceof Uint8Array)) return bad("Signature", "byte string expected");
  const signed = { message: messageFromTuple(message as unknown[]), signature: decodeSignature(signature) };
  if (!equal(encodeSignedMessage(signed), bytes)) bad("", "not in its canonical form");
  return signed;
}

/** CID under which a signed message is known. */
export function signedMessageCid(signed: SignedMessage): CID {
  return chainIdentity(signed).cid;
}

/** Bytes that a secp256k1 signature adds to a message on chain: head of the pair, head of the byte string (2), type, 65. */
export const SECP256K1_CHAIN_BYTES = 69;

/** Length of `encodeMessage`, bytes. */
export function messageLength(message: Message): number {
  return bareIdentity(message).length;
}

/** Length of the message on chain, bytes: what gas is charged for. */
export function chainLength(signed: SignedMessage): number {
  return chainIdentity(signed).length;
}

/** Length of `encodeSignedMessage`, bytes. */
export function signedLength(signed: SignedMessage): number {
  if (signed.signature.type !== SIGNATURE_TYPE.bls) return chainIdentity(signed).length;
  return 1 + messageLength(signed.message) + dagCbor.encode(encodeSignature(signed.signature)).length;
}

export function messageToJson(message: Message, prefix: NetworkPrefix): Record<string, Json> {
  return {
    Version: 0,
    To: message.to.toString(prefix),
    From: message.from.toString(prefix),
    Nonce: integerToJson(message.nonce),
    Value: message.value.toString(),
    GasLimit: integerToJson(message.gasLimit),
    GasFeeCap: message.gasFeeCap.toString(),
    GasPremium: message.gasPremium.toString(),
    Method: integerToJson(message.method),
    Params: message.params.length === 0 ? null : toBase64(message.params),
    CID: { "/": messageCid(message).toString() },
  };
}

export function signedMessageToJson(signed: SignedMessage, prefix: NetworkPrefix): Record<string, Json> {
  return {
    Message: messageToJson(signed.message, prefix),
    Signature: { Type: signed.signature.type, Data: toBase64(signed.signature.data) },
    CID: { "/": signedMessageCid(signed).toString() },
  };
}

export function receiptToJson(receipt: MessageReceipt): Record<string, Json> {
  return {
    ExitCode: receipt.exitCode,
    Return: receipt.return.length === 0 ? null : toBase64(receipt.return),
    GasUsed: Number(receipt.gasUsed),
    EventsRoot: receipt.eventsRoot == null ? null : { "/": receipt.eventsRoot.toString() },
  };
}

/** Reads a message in the network's JSON; absent numbers count as zero. `to` and `from` must be there. */
export function messageFromJson(json: unknown): Message {
  const fields = asObject(json, "");
  const text = (name: string): string => {
    const value = fields[name];
    return typeof value === "string" && value !== "" ? value : bad(name, "address expected");
  };
  const integer = (name: string): bigint => {
    return integerOf(fields[name] ?? 0) ?? bad(name, "integer expected");
  };
  const amount = (name: string): bigint => {
    const value = fields[name] ?? "0";
    if (typeof value === "string" && /^-?\d{1,80}$/.test(value === "" ? "0" : value)) return BigInt(value);
    return bad(name, "decimal text expected");
  };
  const params = fields["Params"] ?? "";
  if (integer("Version") !== 0n) bad("Version", "must be 0");
  return {
    to: Address.parse(text("To")),
    from: Address.parse(text("From")),
    nonce: unsigned(integer("Nonce"), "Nonce"),
    value: amount("Value"),
    gasLimit: signed(integer("GasLimit"), "GasLimit"),
    gasFeeCap: amount("GasFeeCap"),
    gasPremium: amount("GasPremium"),
    method: unsigned(integer("Method"), "Method"),
    params: typeof params === "string" ? fromBase64(params) : bad("Params", "base64 text expected"),
  };
}

export function signedMessageFromJson(json: unknown): SignedMessage {
  const fields = asObject(json, "");
  return { message: messageFromJson(fields["Message"]), signature: signatureFromJson(fields["Signature"]) };
}

export function signatureFromJson(json: unknown): Signature {
  const signature = asObject(json, "Signature");
  const { Type: type, Data: data } = signature;
  if (!isSignatureType(type)) return bad("Signature.Type", "1, 2 or 3 expected");
  if (typeof data !== "string") return bad("Signature.Data", "base64 text expected");
  const bytes = fromBase64(data);
  if (bytes.length >= MAX_SIGNATURE) bad("Signature.Data", `${bytes.length} bytes`);
  return { type, data: bytes };
}

function asObject(json: unknown, field: string): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return bad(field, "object expected");
  return json as Record<string, unknown>;
}
