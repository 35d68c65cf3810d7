/**
 * Messages of `/fil/chain/xchg/0.0.1`: ranges of the chain, newest tipset first.
 * Source: lotus chain/exchange/protocol.go, cbor_gen.go.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat } from "../../base/bytes.ts";
import { type BlockHeader, decodeHeader, encodeHeader } from "../../types/block-header.ts";
import type { CID } from "../../types/cid.ts";
import {
  decodeMessage,
  decodeSignedMessage,
  encodeMessage,
  encodeSignedMessage,
  type Message,
  type SignedMessage,
} from "../../types/message.ts";
import { CBOR_MAJOR, CBOR_NULL, CborReader, cborHead, WireError } from "./cbor.ts";
import { listOf, MAX_LIST, MAX_TIPSET_BLOCKS, readCid } from "./common.ts";

export const EXCHANGE_PROTOCOL = "/fil/chain/xchg/0.0.1";
export const EXCHANGE_LIMITS = {
  /** tipsets of one request: the finality of the chain */
  tipsets: 900,
  /** bytes of a request */
  requestBytes: 64 << 10,
  /** bytes of a response */
  responseBytes: 120 << 20,
} as const;

export const EXCHANGE_OPTION = { headers: 1, messages: 2 } as const;
export const EXCHANGE_STATUS = {
  ok: 0,
  partial: 101,
  notFound: 201,
  goAway: 202,
  internalError: 203,
  badRequest: 204,
} as const;

export type ExchangeRequest = {
  readonly head: readonly CID[];
  /** tipsets, from the head down */
  readonly length: number;
  readonly headers: boolean;
  readonly messages: boolean;
};

/** Messages of a tipset, each once, and for each block the indexes of its own. */
export type CompactedMessages = {
  readonly bls: readonly Message[];
  readonly blsIncludes: readonly (readonly number[])[];
  readonly secp: readonly SignedMessage[];
  readonly secpIncludes: readonly (readonly number[])[];
};

export type ExchangeTipset = {
  /** in the order of the tipset; empty when only messages were asked for */
  readonly blocks: readonly BlockHeader[];
  readonly messages: CompactedMessages | null;
};

export type ExchangeResponse = {
  readonly status: number;
  readonly errorMessage: string;
  readonly chain: readonly ExchangeTipset[];
};

const MAX_ERROR_TEXT = 8192;

export function encodeExchangeRequest(request: ExchangeRequest): Uint8Array {
  const options = (request.headers ? EXCHANGE_OPTION.headers : 0) | (request.messages ? EXCHANGE_OPTION.messages : 0);
  return dagCbor.encode([[...request.head], request.length, options]);
}

/** Throws a `FilError` on anything but a request; what it asks for is for the server to judge. */
export function decodeExchangeRequest(bytes: Uint8Array): ExchangeRequest {
  const reader = new CborReader(bytes);
  reader.tuple(3, "request");
  const blocks = reader.array(MAX_TIPSET_BLOCKS, "Head");
  const head = Array.from({ length: blocks }, () => readCid(reader, "Head"));
  const length = reader.unsigned("Length");
  const options = reader.unsigned("Options");
  reader.end("request");
  const wants = (bit: number): boolean => Math.floor(options / bit) % 2 === 1;
  return { head, length, headers: wants(EXCHANGE_OPTION.headers), messages: wants(EXCHANGE_OPTION.messages) };
}

function encodeIncludes(includes: readonly (readonly number[])[]): Uint8Array {
  return listOf(includes.map((own) => listOf(own.map((index) => cborHead(CBOR_MAJOR.unsigned, index)))));
}

function encodeCompacted(messages: CompactedMessages): Uint8Array {
  return concat(
    cborHead(CBOR_MAJOR.array, 4),
    listOf(messages.bls.map(encodeMessage)),
    encodeIncludes(messages.blsIncludes),
    listOf(messages.secp.map(encodeSignedMessage)),
    encodeIncludes(messages.secpIncludes),
  );
}

export function encodeExchangeTipset({ blocks, messages }: ExchangeTipset): Uint8Array {
  return concat(
    cborHead(CBOR_MAJOR.array, 2),
    listOf(blocks.map(encodeHeader)),
    messages === null ? CBOR_NULL : encodeCompacted(messages),
  );
}

/** A response of tipsets that are encoded already. */
export function encodeExchangeResponse(status: number, errorMessage: string, chain: readonly Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(errorMessage);
  return concat(
    cborHead(CBOR_MAJOR.array, 3),
    cborHead(CBOR_MAJOR.unsigned, status),
    cborHead(CBOR_MAJOR.text, text.length),
    text,
    listOf(chain),
  );
}

function readIncludes(reader: CborReader, messages: number, what: string): number[][] {
  return Array.from({ length: reader.array(MAX_TIPSET_BLOCKS, what) }, () =>
    Array.from({ length: reader.array(MAX_LIST, what) }, () => {
      const index = reader.unsigned(what);
      if (index >= messages)
        throw new WireError({ code: "BAD_FRAME" }, `${what}: index ${index} of ${messages} messages`);
      return index;
    }),
  );
}

function readCompacted(reader: CborReader): CompactedMessages | null {
  if (reader.isNull()) return null;
  reader.tuple(4, "Messages");
  // A tipset's messages may be more than a block's; each block has its own limit in the indexes.
  const max = MAX_LIST * 4;
  const bls = Array.from({ length: reader.array(max, "Bls") }, () => decodeMessage(reader.item("Bls")));
  const blsIncludes = readIncludes(reader, bls.length, "BlsIncludes");
  const secp = Array.from({ length: reader.array(max, "Secpk") }, () => decodeSignedMessage(reader.item("Secpk")));
  const secpIncludes = readIncludes(reader, secp.length, "SecpkIncludes");
  return { bls, blsIncludes, secp, secpIncludes };
}

/** Throws a `FilError` on anything but a response. */
export function decodeExchangeResponse(bytes: Uint8Array): ExchangeResponse {
  const reader = new CborReader(bytes);
  reader.tuple(3, "response");
  const status = reader.unsigned("Status");
  const errorMessage = reader.text(MAX_ERROR_TEXT, "ErrorMessage");
  const chain = Array.from({ length: reader.array(EXCHANGE_LIMITS.tipsets, "Chain") }, () => {
    reader.tuple(2, "tipset");
    const count = reader.array(MAX_TIPSET_BLOCKS, "Blocks");
    const blocks = Array.from({ length: count }, () => decodeHeader(reader.item("Blocks")));
    return { blocks, messages: readCompacted(reader) };
  });
  reader.end("response");
  return { status, errorMessage, chain };
}
