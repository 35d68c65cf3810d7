/**
 * Content identifiers in the host: multiformats' `CID`, plus the few forms the chain uses.
 */
import * as base2 from "multiformats/bases/base2";
import * as base8 from "multiformats/bases/base8";
import * as base10 from "multiformats/bases/base10";
import * as base16 from "multiformats/bases/base16";
import * as base32 from "multiformats/bases/base32";
import * as base36 from "multiformats/bases/base36";
import * as base58 from "multiformats/bases/base58";
import * as base64 from "multiformats/bases/base64";
import * as base256emoji from "multiformats/bases/base256emoji";
import * as identity from "multiformats/bases/identity";
import type { MultibaseCodec } from "multiformats/bases/interface";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { blake2b256 } from "../base/digests.ts";
import { FilError } from "../base/errors.ts";

export { CID };

export type CidErrorData = { readonly code: "BAD_CID" };
export class CidError extends FilError<CidErrorData> {}

/** A block of the chain or its state, named by its binary CID: what stores and machines pass around by the thousand. */
export type Block = { readonly cid: Uint8Array; readonly bytes: Uint8Array };

const DAG_CBOR = 0x71;
const RAW = 0x55;
const BLAKE2B_256 = 0xb220;
const IDENTITY = 0x00;
/** Every base that multiformats knows. */
const BASES = [base2, base8, base10, base16, base32, base36, base58, base64, base256emoji, identity].flatMap((family) =>
  Object.values(family as Readonly<Record<string, MultibaseCodec<string>>>),
);
/** Reads a text of any base by its prefix. */
const ANY_BASE = {
  decode(text: string): Uint8Array<ArrayBuffer> {
    const base = BASES.find(({ prefix }) => text.startsWith(prefix));
    if (base === undefined) throw new CidError({ code: "BAD_CID" }, "no base of this prefix");
    return base.decoder.decode(text);
  },
};
/** Longest CID text that is looked at. */
const MAX_CID_TEXT = 512;

/** Key of a CID in a JavaScript map: one character a byte of its binary form. */
export type CidKey = string;

/** Arguments that a call takes on any stack. */
const MOST_ARGUMENTS = 4096;

/** An identity CID is as long as whoever makes it likes. */
function longKey(bytes: Uint8Array): CidKey {
  let key = "";
  for (let at = 0; at < bytes.length; at += MOST_ARGUMENTS)
    key += String.fromCharCode(...bytes.subarray(at, at + MOST_ARGUMENTS));
  return key;
}

export function cidKey(cid: CID | Uint8Array): CidKey {
  const b = cid instanceof Uint8Array ? cid : cid.bytes;
  // Nearly every CID has 38 bytes. Spelt out, that takes a twelfth of the time of a spread.
  if (b.length !== 38) return b.length > MOST_ARGUMENTS ? longKey(b) : String.fromCharCode(...b);
  // biome-ignore format: one row of bytes
  return String.fromCharCode(
    b[0]!, b[1]!, b[2]!, b[3]!, b[4]!, b[5]!, b[6]!, b[7]!, b[8]!, b[9]!, b[10]!, b[11]!, b[12]!, b[13]!, b[14]!, b[15]!,
    b[16]!, b[17]!, b[18]!, b[19]!, b[20]!, b[21]!, b[22]!, b[23]!, b[24]!, b[25]!, b[26]!, b[27]!, b[28]!, b[29]!,
    b[30]!, b[31]!, b[32]!, b[33]!, b[34]!, b[35]!, b[36]!, b[37]!,
  );
}

/** How the bytes of a chain's CID begin: version 1, dag-cbor, blake2b-256 of 32 bytes. */
const CHAIN_PREFIX = Uint8Array.of(1, DAG_CBOR, 0xa0, 0xe4, 0x02, 0x20);
const CHAIN_CID_BYTES = CHAIN_PREFIX.length + 32;

/** Whether bytes are a CID of version 1, dag-cbor, blake2b-256. */
export function isChainCid(bytes: Uint8Array): boolean {
  return bytes.length === CHAIN_CID_BYTES && CHAIN_PREFIX.every((byte, i) => bytes[i] === byte);
}

/** The CID of bytes for which `isChainCid` holds; it keeps them. */
export function cidFromChainBytes(bytes: Uint8Array): CID {
  const hash = bytes.subarray(2) as Uint8Array<ArrayBuffer>;
  const digest = hash.subarray(4) as Uint8Array<ArrayBuffer>;
  return new CID(1, DAG_CBOR, new Digest.Digest(BLAKE2B_256, 32, digest, hash), bytes as Uint8Array<ArrayBuffer>);
}

/** CIDv1, dag-cbor, blake2b-256. */
export function cidOfBlock(block: Uint8Array): CID {
  const bytes = new Uint8Array(CHAIN_CID_BYTES);
  bytes.set(CHAIN_PREFIX);
  bytes.set(blake2b256(block), CHAIN_PREFIX.length);
  return cidFromChainBytes(bytes);
}

/** Code of a built-in actor below network version 16: an identity CID of a text such as "fil/2/account". */
export function cidOfText(text: string): CID {
  return CID.createV1(RAW, Digest.create(IDENTITY, new TextEncoder().encode(text)));
}

/** Whether a CID carries its block in itself. */
export function isIdentity(cid: CID): boolean {
  return cid.multihash.code === IDENTITY;
}

/** The text inside an identity CID, or null for any other CID. */
export function textOfCid(cid: CID): string | null {
  return cid.multihash.code === IDENTITY ? new TextDecoder().decode(cid.multihash.digest) : null;
}

export function parseCid(text: string): CID {
  if (typeof text !== "string") throw new CidError({ code: "BAD_CID" }, "a CID's text is expected");
  if (text.length > MAX_CID_TEXT) throw new CidError({ code: "BAD_CID" }, `CID text of ${text.length} characters`);
  try {
    return CID.parse(text, ANY_BASE);
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
