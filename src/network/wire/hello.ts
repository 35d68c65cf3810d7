/** Messages of `/fil/hello/1.0.0`. Source: lotus node/hello/hello.go. */
import * as dagCbor from "@ipld/dag-cbor";
import { bigToBytes, bytesToBig } from "../../types/amount.ts";
import type { CID } from "../../types/cid.ts";
import { CborReader } from "./cbor.ts";
import { MAX_TIPSET_BLOCKS, readCid } from "./common.ts";

export const HELLO_PROTOCOL = "/fil/hello/1.0.0";
/** Bytes of a hello: a key of `MAX_TIPSET_BLOCKS` CIDs and some numbers. */
export const MAX_HELLO_BYTES = 64 << 10;

/** What a node says of itself when it meets another. */
export type Hello = {
  readonly heaviest: readonly CID[];
  /** epoch of `heaviest` */
  readonly height: number;
  readonly weight: bigint;
  readonly genesis: CID;
};

/** When a hello arrived and when this answer left: nanoseconds since 1970. */
export type HelloReply = { readonly arrival: bigint; readonly sent: bigint };

/** Longest big integer of the chain, bytes. */
const MAX_BIG = 128;

export function encodeHello(hello: Hello): Uint8Array {
  return dagCbor.encode([[...hello.heaviest], hello.height, bigToBytes(hello.weight), hello.genesis]);
}

/** Throws a `FilError` on anything but a hello. */
export function decodeHello(bytes: Uint8Array): Hello {
  const reader = new CborReader(bytes);
  reader.tuple(4, "hello");
  const blocks = reader.array(MAX_TIPSET_BLOCKS, "HeaviestTipSet");
  const heaviest = Array.from({ length: blocks }, () => readCid(reader, "HeaviestTipSet"));
  const height = reader.epoch("HeaviestTipSetHeight");
  const weight = bytesToBig(reader.byteString(MAX_BIG, "HeaviestTipSetWeight"));
  const genesis = readCid(reader, "GenesisHash");
  reader.end("hello");
  return { heaviest, height, weight, genesis };
}

export function encodeHelloReply(reply: HelloReply): Uint8Array {
  return dagCbor.encode([reply.arrival, reply.sent]);
}

export function decodeHelloReply(bytes: Uint8Array): HelloReply {
  const reader = new CborReader(bytes);
  reader.tuple(2, "hello reply");
  const reply = { arrival: reader.integer("TArrival"), sent: reader.integer("TSent") };
  reader.end("hello reply");
  return reply;
}
