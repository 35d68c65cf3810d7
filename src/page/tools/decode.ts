/** What a text is: a CID, an address of either kind, or bytes (hex or base64) of a header, a message or DAG-CBOR. Needs no node. */
import * as dagCbor from "@ipld/dag-cbor";
import { fromHex, toHex } from "../../base/bytes.ts";
import { commitmentOfCidV1, commitmentOfSealedCid, pieceOfCidV2 } from "../../sector/piece/cid.ts";
import { Address } from "../../types/address.ts";
import { decodeHeader, headerCid, headerToJson } from "../../types/block-header.ts";
import { type CID, parseCid, textOfCid } from "../../types/cid.ts";
import {
  decodeMessage,
  decodeSignedMessage,
  messageCid,
  messageToJson,
  signedMessageCid,
  signedMessageToJson,
} from "../../types/message.ts";

export type Decoded = { readonly what: string; readonly value: unknown };

/** Characters that are looked at. */
export const MOST_TEXT = 2_000_000;

const CODECS: Readonly<Record<number, string>> = {
  85: "raw",
  112: "dag-pb",
  113: "dag-cbor",
  61697: "fil-commitment-unsealed",
  61698: "fil-commitment-sealed",
};
const HASHES: Readonly<Record<number, string>> = {
  0: "identity",
  18: "sha2-256",
  45600: "blake2b-256",
  4114: "sha2-256-trunc254-padded",
  4113: "fr32-sha2-256-trunc254-padded-binary-tree",
  45569: "poseidon-bls12_381-a2-fc1",
};

/** Characters of bytes that are pasted: twice 32 MiB and some white space. */
const MOST_PASTED = 70_000_000;

/** Bytes of hex (with or without 0x) or base64; null for anything else. Throws `Error` for more than a page should hold. */
export function bytesOf(text: string): Uint8Array | null {
  if (text.length > MOST_PASTED) throw new Error(`at most ${MOST_PASTED} characters are read`);
  const plain = text.replace(/\s+/g, "");
  const hex = plain.replace(/^0x/i, "");
  // Without a group, which engines remember each turn of, and end at some millions.
  if (hex.length % 2 === 0 && /^[0-9a-f]+$/i.test(hex)) return fromHex(hex.toLowerCase());
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(plain)) return null;
  try {
    return Uint8Array.from(atob(plain.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}

/** Throws `Error` with what was expected. */
export function decode(text: string): Decoded {
  const wanted = text.trim();
  if (wanted.length > MOST_TEXT) throw new Error(`at most ${MOST_TEXT} characters are looked at`);
  return asAddress(wanted) ?? asCid(wanted) ?? asBytes(wanted) ?? fail();
}

function fail(): never {
  throw new Error("a CID, an address (t…, f…, 0x and 40 digits), or bytes in hex or base64 are expected");
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

const PROTOCOLS = ["ID", "secp256k1 key", "actor", "BLS key", "delegated"];

function asAddress(text: string): Decoded | null {
  const address = /^0x[0-9a-f]{40}$/i.test(text)
    ? attempt(() => Address.fromEthereum(fromHex(text.slice(2).toLowerCase())))
    : /^[ft][0-4]/.test(text)
      ? attempt(() => Address.parse(text))
      : null;
  if (address === null) return null;
  const { protocol, payload, actorId, ethereum } = address;
  const value = {
    Protocol: `${protocol}: ${PROTOCOLS[protocol]}`,
    MainNetwork: address.toString("f"),
    TestNetworks: address.toString("t"),
    ...(actorId === null ? { Payload: toHex(payload) } : { ActorID: `${actorId}` }),
    ...(ethereum === null ? {} : { Ethereum: `0x${toHex(ethereum)}` }),
    Bytes: toHex(address.bytes),
  };
  return { what: "an address", value };
}

function asCid(text: string): Decoded | null {
  const cid = attempt(() => parseCid(text));
  if (cid === null) return null;
  const { version, code, multihash } = cid;
  const value = {
    Version: version,
    Codec: CODECS[code] ?? `0x${code.toString(16)}`,
    Hash: HASHES[multihash.code] ?? `0x${multihash.code.toString(16)}`,
    Digest: toHex(multihash.digest),
    ...(textOfCid(cid) === null ? {} : { Text: textOfCid(cid) }),
    ...pieceFacts(cid),
  };
  return { what: "a CID", value };
}

function pieceFacts(cid: CID): object {
  const v2 = attempt(() => pieceOfCidV2(cid)) ?? null;
  if (v2 !== null)
    return { Is: "a piece CID v2", PayloadBytes: v2.payloadSize, PaddedBytes: v2.paddedSize, CommP: toHex(v2.commP) };
  const v1 = attempt(() => commitmentOfCidV1(cid)) ?? null;
  if (v1 !== null) return { Is: "a piece CID v1 (CommP or CommD)", Commitment: toHex(v1) };
  const sealed = attempt(() => commitmentOfSealedCid(cid)) ?? null;
  return sealed === null ? {} : { Is: "a sealed sector's CommR", Commitment: toHex(sealed) };
}

function asBytes(text: string): Decoded | null {
  const bytes = bytesOf(text);
  if (bytes === null) return null;
  const header = attempt(() => decodeHeader(bytes));
  if (header !== null)
    return { what: "a block header", value: { CID: `${headerCid(header)}`, ...headerToJson(header, "t") } };
  const signed = attempt(() => decodeSignedMessage(bytes));
  if (signed !== null)
    return {
      what: "a signed message",
      value: { CID: `${signedMessageCid(signed)}`, ...signedMessageToJson(signed, "t") },
    };
  const message = attempt(() => decodeMessage(bytes));
  if (message !== null)
    return { what: "a message", value: { CID: `${messageCid(message)}`, ...messageToJson(message, "t") } };
  const value = attempt(() => dagCbor.decode(bytes));
  return value === null
    ? { what: `${bytes.length} bytes that are no DAG-CBOR`, value: toHex(bytes) }
    : { what: "DAG-CBOR", value: shown(value, 0) };
}

const MOST_DEPTH = 40;

/** Bytes as hex, links and big numbers as texts. */
function shown(value: unknown, depth: number): unknown {
  if (depth > MOST_DEPTH) return "…";
  if (value instanceof Uint8Array) return `0x${toHex(value)}`;
  if (typeof value === "bigint") return `${value}`;
  if (typeof value !== "object" || value === null) return value;
  if ("multihash" in value) return { "/": String(value) };
  if (Array.isArray(value)) return value.map((one) => shown(one, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shown(one, depth + 1)]));
}
