/**
 * Messages of `/fil/datatransfer/1.2.0`: what two peers say of a channel through which one sends a DAG to the other. They
 * travel on a stream of their own or as extensions of graphsync. Vouchers and selectors are kept as the bytes they came in:
 * what is in them is nobody's affair here, and what comes goes out again to the same byte.
 * Source: go-data-transfer v2.0.0 (rc8), message/message1_1prime/schema.ipldsch.
 */
import { equal } from "../../base/bytes.ts";
import { CBOR_NULL, CborReader } from "../../network/wire/cbor.ts";
import { listOf } from "../../network/wire/common.ts";
import type { CID } from "../../types/cid.ts";
import {
  badFrame,
  cborBoolean,
  cborLink,
  cborMap,
  cborText,
  cborUnsigned,
  inOrder,
  orNull,
  readLink,
  readMap,
} from "../wire/cbor-map.ts";

export const TRANSFER_PROTOCOL = "/fil/datatransfer/1.2.0";
/** Names under which a message is an extension of graphsync: in general, and of the answers to a request and with a block. */
export const TRANSFER_EXTENSION = {
  any: "fil/data-transfer/1.1",
  request: "fil/data-transfer/incoming-request/1.1",
  block: "fil/data-transfer/outgoing-block/1.1",
} as const;

/** Source: go-data-transfer v2.0.0 (rc8), message/types/message_types.go. */
export const MESSAGE_TYPE = {
  new: 0,
  update: 1,
  cancel: 2,
  complete: 3,
  voucher: 4,
  voucherResult: 5,
  restart: 6,
  restartExisting: 7,
} as const;
export type MessageType = keyof typeof MESSAGE_TYPE;

/** A channel: who opened it, the other one (binary identities of peers), and the opener's number for it. */
export type ChannelId = {
  readonly initiator: Uint8Array;
  readonly responder: Uint8Array;
  readonly id: bigint;
};

/** A voucher, or what is answered to one: its type and its CBOR. */
export type TypedVoucher = { readonly type: string; readonly bytes: Uint8Array };

export type TransferRequest = {
  readonly isRequest: true;
  readonly type: MessageType;
  readonly root: CID | null;
  readonly paused: boolean;
  readonly partial: boolean;
  /** Whether the opener is to receive. */
  readonly pull: boolean;
  /** CBOR */
  readonly selector: Uint8Array | null;
  /** CBOR of it is null where there is none. */
  readonly voucher: TypedVoucher;
  readonly id: bigint;
  readonly restart: ChannelId;
};

export type TransferResponse = {
  readonly isRequest: false;
  readonly type: MessageType;
  readonly accepted: boolean;
  readonly paused: boolean;
  readonly id: bigint;
  readonly result: TypedVoucher;
};

/** `order`: whether the fields of its maps stand as the schema names them (go-data-transfer 1) or canonically (2). */
export type TransferMessage = (TransferRequest | TransferResponse) & { readonly order?: "schema" | "canonical" };

export const TRANSFER_LIMITS = {
  /** bytes of a message, of its selector and voucher, and of an identity */
  messageBytes: 128 << 10,
  selectorBytes: 64 << 10,
  voucherBytes: 96 << 10,
  peerBytes: 128,
  typeBytes: 128,
  /** nesting of selectors and vouchers */
  depth: 64,
} as const;

const SCHEMA = {
  message: ["IsRq", "Request", "Response"],
  request: ["BCid", "Type", "Paus", "Part", "Pull", "Stor", "Vouch", "VTyp", "XferID", "RestartChannel"],
  response: ["Type", "Acpt", "Paus", "XferID", "VRes", "VTyp"],
} as const;
const CANONICAL = {
  message: inOrder(SCHEMA.message),
  request: inOrder(SCHEMA.request),
  response: inOrder(SCHEMA.response),
} as const;
const TYPES = Object.keys(MESSAGE_TYPE) as MessageType[];
const NOTHING = new Uint8Array(0);
/** A channel that is none: what messages carry that restart nothing. */
export const NO_CHANNEL: ChannelId = { initiator: NOTHING, responder: NOTHING, id: 0n };
export const NO_VOUCHER: TypedVoucher = { type: "", bytes: CBOR_NULL };

/** Request fields that most messages leave at nothing. */
export function transferRequest(
  fields: Pick<TransferRequest, "type" | "id"> & Partial<TransferRequest>,
): TransferRequest & { readonly isRequest: true } {
  return {
    ...{ root: null, paused: false, partial: false, pull: false, selector: null },
    ...{ voucher: NO_VOUCHER, restart: NO_CHANNEL },
    ...fields,
    isRequest: true,
  };
}

export function transferResponse(
  fields: Pick<TransferResponse, "type" | "id"> & Partial<TransferResponse>,
): TransferResponse & { readonly isRequest: false } {
  return { accepted: false, paused: false, result: NO_VOUCHER, ...fields, isRequest: false };
}

export function encodeTransfer(message: TransferMessage): Uint8Array {
  const order = message.order === "schema" ? SCHEMA : CANONICAL;
  const { isRequest } = message;
  return cborMap(
    {
      IsRq: cborBoolean(isRequest),
      Request: isRequest ? encodeRequest(message, order.request) : CBOR_NULL,
      Response: isRequest ? CBOR_NULL : encodeResponse(message, order.response),
    },
    order.message,
  );
}

function encodeRequest(request: TransferRequest, order: readonly string[]): Uint8Array {
  const { voucher, restart } = request;
  return cborMap(
    {
      BCid: cborLink(request.root),
      Type: cborUnsigned(MESSAGE_TYPE[request.type]),
      Paus: cborBoolean(request.paused),
      Part: cborBoolean(request.partial),
      Pull: cborBoolean(request.pull),
      Stor: request.selector ?? CBOR_NULL,
      Vouch: voucher.bytes,
      VTyp: cborText(voucher.type),
      XferID: cborUnsigned(request.id),
      RestartChannel: listOf([cborText(restart.initiator), cborText(restart.responder), cborUnsigned(restart.id)]),
    },
    order,
  );
}

function encodeResponse(response: TransferResponse, order: readonly string[]): Uint8Array {
  return cborMap(
    {
      Type: cborUnsigned(MESSAGE_TYPE[response.type]),
      Acpt: cborBoolean(response.accepted),
      Paus: cborBoolean(response.paused),
      XferID: cborUnsigned(response.id),
      VRes: response.result.bytes,
      VTyp: cborText(response.result.type),
    },
    order,
  );
}

/** Reads a message; throws `WireError` that says which field is wrong. */
export function decodeTransfer(bytes: Uint8Array): TransferMessage {
  if (bytes.length > TRANSFER_LIMITS.messageBytes)
    badFrame(`a message of data transfer has ${bytes.length} bytes, over ${TRANSFER_LIMITS.messageBytes}`);
  const reader = new CborReader(bytes);
  let isRequest = false;
  let request: (TransferRequest & { readonly names: readonly string[] }) | null = null;
  let response: (TransferResponse & { readonly names: readonly string[] }) | null = null;
  const names = readMap(reader, "message", {
    IsRq: (from, what) => {
      isRequest = from.boolean(what);
    },
    Request: (from) => {
      request = orNull(readRequest)(from, "Request");
    },
    Response: (from) => {
      response = orNull(readResponse)(from, "Response");
    },
  });
  reader.end("message");
  const [wanted, other] = isRequest ? [request, response] : [response, request];
  if (wanted === null) badFrame(`message: IsRq is ${isRequest}, and there is no ${isRequest ? "Request" : "Response"}`);
  if (other !== null) badFrame("message: Request and Response in one");
  const { names: inner, ...fields } = wanted as unknown as TransferMessage & { readonly names: readonly string[] };
  const kind = isRequest ? "request" : "response";
  const isSchema = same(names, SCHEMA.message) && same(inner, SCHEMA[kind]);
  return { ...fields, order: isSchema ? "schema" : "canonical" };
}

const same = (a: readonly string[], b: readonly string[]): boolean => a.every((name, i) => name === b[i]);

function readRequest(reader: CborReader, what: string): TransferRequest & { readonly names: readonly string[] } {
  const fields: { -readonly [Name in keyof TransferRequest]?: TransferRequest[Name] } = {};
  let voucher = NO_VOUCHER.bytes;
  let voucherType = "";
  const { depth, selectorBytes, voucherBytes, typeBytes } = TRANSFER_LIMITS;
  const names = readMap(reader, what, {
    BCid: (from, name) => {
      fields.root = orNull(readLink)(from, name);
    },
    Type: (from, name) => {
      fields.type = readType(from, name);
    },
    Paus: (from, name) => {
      fields.paused = from.boolean(name);
    },
    Part: (from, name) => {
      fields.partial = from.boolean(name);
    },
    Pull: (from, name) => {
      fields.pull = from.boolean(name);
    },
    Stor: (from, name) => {
      const item = from.item(name, depth);
      fields.selector = equal(item, CBOR_NULL) ? null : bounded(item, selectorBytes, name);
    },
    Vouch: (from, name) => {
      voucher = bounded(from.item(name, depth), voucherBytes, name);
    },
    VTyp: (from, name) => {
      voucherType = from.text(typeBytes, name);
    },
    XferID: (from, name) => {
      fields.id = from.unsignedBig(name);
    },
    RestartChannel: (from, name) => {
      fields.restart = readChannelId(from, name);
    },
  });
  return {
    ...(fields as TransferRequest),
    isRequest: true,
    voucher: { type: voucherType, bytes: voucher },
    names,
  };
}

function readResponse(reader: CborReader, what: string): TransferResponse & { readonly names: readonly string[] } {
  const fields: { -readonly [Name in keyof TransferResponse]?: TransferResponse[Name] } = {};
  let result = NO_VOUCHER.bytes;
  let resultType = "";
  const { depth, voucherBytes, typeBytes } = TRANSFER_LIMITS;
  const names = readMap(reader, what, {
    Type: (from, name) => {
      fields.type = readType(from, name);
    },
    Acpt: (from, name) => {
      fields.accepted = from.boolean(name);
    },
    Paus: (from, name) => {
      fields.paused = from.boolean(name);
    },
    XferID: (from, name) => {
      fields.id = from.unsignedBig(name);
    },
    VRes: (from, name) => {
      result = bounded(from.item(name, depth), voucherBytes, name);
    },
    VTyp: (from, name) => {
      resultType = from.text(typeBytes, name);
    },
  });
  return { ...(fields as TransferResponse), isRequest: false, result: { type: resultType, bytes: result }, names };
}

function readType(reader: CborReader, what: string): MessageType {
  const number = reader.unsigned(what);
  return TYPES[number] ?? badFrame(`${what}: no type ${number} of messages`);
}

function readChannelId(reader: CborReader, what: string): ChannelId {
  const { peerBytes } = TRANSFER_LIMITS;
  reader.tuple(3, what);
  const initiator = new Uint8Array(reader.textBytes(peerBytes, `${what}.Initiator`));
  const responder = new Uint8Array(reader.textBytes(peerBytes, `${what}.Responder`));
  return { initiator, responder, id: reader.unsignedBig(`${what}.ID`) };
}

/** A copy, so that a message that is kept does not hold the frame it came in. */
function bounded(item: Uint8Array, most: number, what: string): Uint8Array {
  return item.length <= most
    ? new Uint8Array(item)
    : badFrame(`${what}: ${item.length} bytes, at most ${most} allowed`);
}
