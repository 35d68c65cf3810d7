/** A signed block as it is kept until it was handed on: DAG-CBOR [header, [BLS messages], [signed secp256k1 messages]], each as bytes. */
import * as dagCbor from "@ipld/dag-cbor";
import type { FullBlock } from "../consensus/validator.ts";
import { decodeHeader, encodeHeader } from "../types/block-header.ts";
import { decodeMessage, decodeSignedMessage, encodeMessage, encodeSignedMessage } from "../types/message.ts";

export function encodeSignedBlock({ header, messages }: FullBlock): Uint8Array {
  return dagCbor.encode([
    encodeHeader(header),
    messages.bls.map(encodeMessage),
    messages.secp.map(encodeSignedMessage),
  ]);
}

/** Reads what `encodeSignedBlock` wrote; throws on anything else. */
export function decodeSignedBlock(bytes: Uint8Array): FullBlock {
  const [header, bls, secp] = dagCbor.decode<[Uint8Array, Uint8Array[], Uint8Array[]]>(bytes);
  return {
    header: decodeHeader(header),
    messages: { bls: bls.map(decodeMessage), secp: secp.map(decodeSignedMessage) },
  };
}
