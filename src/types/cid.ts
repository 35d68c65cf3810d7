/**
 * Content identifiers in the host: multiformats' `CID`, plus the few forms the chain uses.
 * Digests of small objects are taken with @noble/hashes; bulk hashing belongs to the core.
 */
import { blake2b } from "@noble/hashes/blake2.js";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { FilError } from "../base/errors.ts";

export { CID };

export type CidErrorData = { readonly code: "BAD_CID" };
export class CidError extends FilError<CidErrorData> {}

const DAG_CBOR = 0x71;
const RAW = 0x55;
const BLAKE2B_256 = 0xb220;
const IDENTITY = 0x00;
/** Longest CID text that is looked at. */
const MAX_CID_TEXT = 512;

/** Key of a CID in a JavaScript map: one character a byte of its binary form. */
export type CidKey = string;

export function cidKey(cid: CID | Uint8Array): CidKey {
  const bytes = cid instanceof Uint8Array ? cid : cid.bytes;
  return String.fromCharCode(...bytes);
}

/** CIDv1, dag-cbor, blake2b-256. */
export function cidOfBlock(block: Uint8Array): CID {
  return CID.createV1(DAG_CBOR, Digest.create(BLAKE2B_256, blake2b(block, { dkLen: 32 })));
}

/** Code of a built-in actor below network version 16: an identity CID of a text such as "fil/2/account". */
export function cidOfText(text: string): CID {
  return CID.createV1(RAW, Digest.create(IDENTITY, new TextEncoder().encode(text)));
}

/** The text inside an identity CID, or null for any other CID. */
export function textOfCid(cid: CID): string | null {
  return cid.multihash.code === IDENTITY ? new TextDecoder().decode(cid.multihash.digest) : null;
}

export function parseCid(text: string): CID {
  if (text.length > MAX_CID_TEXT) throw new CidError({ code: "BAD_CID" }, `CID text of ${text.length} characters`);
  try {
    return CID.parse(text);
  } catch (cause) {
    throw new CidError({ code: "BAD_CID" }, `not a CID: ${text}`, { cause });
  }
}

export function cidFromBytes(bytes: Uint8Array): CID {
  try {
    return CID.decode(bytes);
  } catch (cause) {
    throw new CidError({ code: "BAD_CID" }, "bytes are not a CID", { cause });
  }
}
