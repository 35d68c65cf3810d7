/** Codecs of the chain's types in the network's spelling: addresses, amounts, CIDs, messages, blocks, tipsets. */
import { fromBase64, toBase64 } from "../../base/bytes.ts";
import { Address } from "../../types/address.ts";
import { type BlockHeader, headerToJson, linkToJson, type Tipset, tipsetToJson } from "../../types/block-header.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import {
  type Message,
  type MessageReceipt,
  messageFromJson,
  messageToJson,
  receiptToJson,
  type Signature,
  type SignedMessage,
  signatureFromJson,
  signedMessageFromJson,
  signedMessageToJson,
} from "../../types/message.ts";
import type { Json } from "../../types/schema-codec.ts";
import { badParams } from "../errors.ts";
import {
  boolean,
  type Codec,
  expected,
  fallback,
  integer,
  integer64,
  type JsonSchema,
  list,
  nullable,
  object,
  within,
} from "./codec.ts";

/** Blocks of a tipset key that is looked at. */
const MAX_KEY = 100;
/** Digits of an amount: those of 128 bytes, the longest integer on chain. */
const MAX_DIGITS = 309;
/** Runs of a bitfield. */
const MAX_RUNS = 100_000;
/** Bytes of a byte string, of message parameters above all. */
const MAX_BYTES = 1 << 20;

export type LinkJson = { readonly "/": string };
export type TipsetKey = readonly CID[];
type JsonObject = Record<string, Json>;

export const address: Codec<Address, string> = {
  schema: { title: "Address", type: "string", pattern: "^[ft][0-4]" },
  decode(json, path) {
    if (typeof json !== "string" || json === "") return expected(path, "address", json);
    return within(path, () => Address.parse(json));
  },
  encode: (value, prefix) => value.toString(prefix),
};

/** How the network spells an address that is not there. */
export const NO_ADDRESS = "<empty>";

/** An address, or none. */
export const maybeAddress: Codec<Address | null, string> = {
  schema: { title: "Address or none", type: "string", pattern: "^([ft][0-4].*|<empty>)$" },
  nullable: true,
  decode: (json, path) =>
    json === null || json === undefined || json === "" || json === NO_ADDRESS ? null : address.decode(json, path),
  encode: (value, prefix) => value?.toString(prefix) ?? NO_ADDRESS,
};

export const link: Codec<CID, LinkJson> = {
  schema: { title: "CID", type: "object", properties: { "/": { type: "string" } }, required: ["/"] },
  decode(json, path) {
    const found = typeof json === "object" && json !== null ? (json as Record<string, unknown>)["/"] : undefined;
    if (typeof found !== "string") return expected(path, '{"/": "<CID>"}', json);
    return within(path, () => parseCid(found));
  },
  encode: (value) => linkToJson(value) as LinkJson,
};

/** A tipset key: a list of block CIDs; null or an empty list means the head. */
export const tipsetKey: Codec<TipsetKey, readonly LinkJson[] | null> = fallback(
  { ...list(link, MAX_KEY), schema: { title: "TipSetKey", ...list(link, MAX_KEY).schema } },
  [],
);

/** attoFIL, or any other big integer: decimal text. */
export const amount: Codec<bigint, string> = {
  schema: { title: "BigInt", type: "string", pattern: `^-?[0-9]{1,${MAX_DIGITS}}$` },
  decode(json, path) {
    if (typeof json !== "string" || !/^-?\d+$/.test(json)) return expected(path, "decimal text", json);
    return json.length <= MAX_DIGITS
      ? BigInt(json)
      : badParams(`${path}: at most ${MAX_DIGITS} digits expected, got ${json.length}`);
  },
  encode: (value) => value.toString(),
};

/** Base64 of RFC 4648; null is no bytes. */
export function bytes(limit = MAX_BYTES): Codec<Uint8Array, string> {
  return {
    schema: { title: "Bytes", type: "string", contentEncoding: "base64" },
    nullable: true,
    decode(json, path) {
      if (json === null || json === undefined) return new Uint8Array(0);
      if (typeof json !== "string") return expected(path, "base64 text", json);
      if (json.length > Math.ceil(limit / 3) * 4)
        return badParams(`${path}: at most ${limit} bytes expected, got base64 text of ${json.length} characters`);
      return within(path, () => fromBase64(json));
    },
    encode: toBase64,
  };
}

/** An epoch that exists or will: not before the genesis. */
export const epoch = integer(0, Number.MAX_SAFE_INTEGER);
/** An epoch, or a number of them, where negative ones mean something. */
export const anyEpoch = integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
export const uint64 = integer64(0n, (1n << 64n) - 1n);
export const int64 = integer64(-(1n << 63n), (1n << 63n) - 1n);
export const actorMethod = uint64;
export const sectorNumber = integer64(0n, (1n << 63n) - 1n);

/** Run lengths of a bitfield, zeros first. */
export const bitfieldRuns: Codec<readonly bigint[], readonly (number | string)[]> = {
  ...list(uint64, MAX_RUNS),
  schema: { title: "BitField", ...list(uint64, MAX_RUNS).schema },
};

const integers = { anyOf: [{ type: "integer" }, { type: "string", pattern: "^-?[0-9]{16,20}$" }] };
/** Bytes in an answer, null if there are none. */
export const maybeBytes: JsonSchema = { type: ["string", "null"], contentEncoding: "base64" };
const base64 = { type: ["string", "null"], contentEncoding: "base64" };

/** A schema of an object with all its fields required. */
export function shape(title: string, properties: Record<string, JsonSchema>): JsonSchema {
  return { title, type: "object", properties, required: Object.keys(properties) };
}

const signatureSchema = shape("Signature", { Type: { type: "integer" }, Data: base64 });
const messageFields = {
  Version: { type: "integer" },
  To: address.schema,
  From: address.schema,
  Nonce: integers,
  Value: amount.schema,
  GasLimit: integers,
  GasFeeCap: amount.schema,
  GasPremium: amount.schema,
  Method: integers,
  Params: base64,
};

export const signature: Codec<Signature, JsonObject> = {
  schema: signatureSchema,
  decode: (json, path) => within(path, () => signatureFromJson(json)),
  encode: ({ type, data }) => ({ Type: type, Data: toBase64(data) }),
};

/** A message: fields that are absent count as zero, except To and From. */
export const message: Codec<Message, JsonObject> = {
  schema: {
    title: "Message",
    type: "object",
    properties: { ...messageFields, CID: link.schema },
    required: ["To", "From"],
  },
  decode: (json, path) => within(path, () => messageFromJson(json)),
  encode: messageToJson,
};

/** A message whose nonce may be yet to choose. */
export const prototype = object("MessagePrototype", { Message: message, ValidNonce: boolean });

export const signedMessage: Codec<SignedMessage, JsonObject> = {
  schema: {
    title: "SignedMessage",
    type: "object",
    properties: { Message: message.schema, Signature: signatureSchema, CID: link.schema },
    required: ["Message", "Signature"],
  },
  decode: (json, path) => within(path, () => signedMessageFromJson(json)),
  encode: signedMessageToJson,
};

export const receipt: Codec<MessageReceipt, JsonObject> = {
  schema: shape("MessageReceipt", {
    ExitCode: { type: "integer" },
    Return: base64,
    GasUsed: { type: "integer" },
    EventsRoot: nullable(link).schema,
  }),
  decode: (json, path) => expected(path, "nothing of this kind", json),
  encode: receiptToJson,
};

const list0 = (items: JsonSchema): JsonSchema => ({ type: ["array", "null"], items });
const object0 = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: "null" }] });

const headerSchema = shape("BlockHeader", {
  Miner: address.schema,
  Ticket: object0(shape("Ticket", { VRFProof: base64 })),
  ElectionProof: object0(shape("ElectionProof", { WinCount: integers, VRFProof: base64 })),
  BeaconEntries: list0(shape("BeaconEntry", { Round: integers, Data: base64 })),
  WinPoStProof: list0(shape("PoStProof", { PoStProof: integers, ProofBytes: base64 })),
  Parents: { type: "array", items: link.schema },
  ParentWeight: amount.schema,
  Height: integers,
  ParentStateRoot: link.schema,
  ParentMessageReceipts: link.schema,
  Messages: link.schema,
  BLSAggregate: object0(signatureSchema),
  Timestamp: integers,
  BlockSig: object0(signatureSchema),
  ForkSignaling: integers,
  ParentBaseFee: amount.schema,
});

export const header: Codec<BlockHeader, JsonObject> = {
  schema: headerSchema,
  decode: (json, path) => expected(path, "nothing of this kind", json),
  encode: headerToJson,
};

export const tipset: Codec<Tipset, JsonObject> = {
  schema: shape("TipSet", {
    Cids: { type: "array", items: link.schema },
    Blocks: { type: "array", items: headerSchema },
    Height: integers,
  }),
  decode: (json, path) => expected(path, "nothing of this kind", json),
  encode: tipsetToJson,
};
