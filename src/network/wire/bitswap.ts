/**
 * Messages of bitswap, which the network speaks under its own prefix: what is wanted, blocks, and who has what.
 * Every one has its length in front. 1.0.0 carries bare blocks, 1.1.0 the prefixes of their CIDs, 1.2.0 adds `have`.
 * Source: boxo bitswap/message; lotus node/modules/chain.go (prefix).
 */
import * as Digest from "multiformats/hashes/digest";
import { concat } from "../../base/bytes.ts";
import { blake2b256, sha256 } from "../../base/digests.ts";
import { int32Of, protobufField, readFields } from "../../base/protobuf.ts";
import { decodeVarint, encodeVarint } from "../../base/varint.ts";
import { CID, cidFromBytes } from "../../types/cid.ts";
import { WireError } from "./cbor.ts";

const PREFIX = "/chain/ipfs/bitswap";
export const BITSWAP_PROTOCOLS = [`${PREFIX}/1.2.0`, `${PREFIX}/1.1.0`, `${PREFIX}/1.0.0`, PREFIX] as const;
/** Those by which peers outside of the network get data of users: the newest first. Source: boxo, bitswap/network/bsnet */
export const PAYLOAD_PROTOCOLS = BITSWAP_PROTOCOLS.map((one) => one.slice("/chain".length));

export const BITSWAP_LIMITS = {
  /** bytes of a message, and of a block. Source: boxo bitswap/network, MessageSizeMax; ipfs block limit */
  messageBytes: 4 << 20,
  blockBytes: 2 << 20,
  /** entries of one message's list of wants. Source: boxo bitswap/internal/defaults, 1024 a peer */
  wants: 1024,
  /** blocks and presences of one message */
  blocks: 1024,
  presences: 2048,
  cidBytes: 128,
} as const;

export type BitswapWant = {
  readonly cid: CID;
  /** higher is wanted first */
  readonly priority: number;
  readonly cancel: boolean;
  /** the block itself, or only to know whether it is there */
  readonly type: "block" | "have";
  readonly sendDontHave: boolean;
};

/** A block as it comes: with version, codec and hash of its CID, or bare (1.0.0). */
export type BitswapBlock = { readonly prefix: Uint8Array | null; readonly data: Uint8Array };

export type BitswapMessage = {
  readonly wants: readonly BitswapWant[];
  /** whether `wants` replaces all wants before */
  readonly full: boolean;
  readonly blocks: readonly BitswapBlock[];
  readonly haves: readonly CID[];
  readonly dontHaves: readonly CID[];
};

const MESSAGE = { wantlist: 1, bareBlock: 2, block: 3, presence: 4 } as const;
const LIST = { entry: 1, full: 2 } as const;
const ENTRY = { cid: 1, priority: 2, cancel: 3, wantType: 4, sendDontHave: 5 } as const;
const BLOCK = { prefix: 1, data: 2 } as const;
const PRESENCE = { cid: 1, type: 2 } as const;
const WANT_HAVE = 1n;
const DONT_HAVE = 1n;
/** Fields of an entry, a block or a presence; unknown ones are few. */
const FEW = 16;

const HASHES: Readonly<Record<number, (bytes: Uint8Array) => Uint8Array>> = {
  45600: blake2b256,
  18: sha256,
};
const DAG_CBOR = 0x71;
const BLAKE2B_256 = 0xb220;
const SHA2_256 = 0x12;

/** What stands before the digest in a CID. */
export function prefixOf({ version, code, multihash }: CID): Uint8Array {
  return concat(...[version, code, multihash.code, multihash.digest.length].map(encodeVarint));
}

/** The CIDs that a block may have come for: the one of its prefix, or for a bare one those of DAG-CBOR; none if unknown. */
export function cidsOf({ prefix, data }: BitswapBlock): CID[] {
  const make = (code: number, hash: number): CID[] => {
    const digest = HASHES[hash]?.(data);
    return digest === undefined ? [] : [CID.createV1(code, Digest.create(hash, digest))];
  };
  if (prefix === null) return [...make(DAG_CBOR, BLAKE2B_256), ...make(DAG_CBOR, SHA2_256)];
  const numbers: number[] = [];
  for (let at = 0; at < prefix.length; ) {
    const varint = decodeVarint(prefix, at);
    if (typeof varint === "string" || numbers.length === 4) return [];
    numbers.push(Number(varint.value));
    at += varint.size;
  }
  const [version, code, hash, length] = numbers;
  return version === 1 && length === 32 && code !== undefined && hash !== undefined ? make(code, hash) : [];
}

/** A message as this version of the protocol spells it; what the version cannot say is left out. */
export function encodeBitswap(message: BitswapMessage, protocol: string): Uint8Array {
  const isNew = protocol.endsWith("/1.2.0");
  const isBare = !isNew && !protocol.endsWith("/1.1.0");
  const entries = message.wants.map(({ cid, priority, cancel, type, sendDontHave }) =>
    protobufField(
      LIST.entry,
      concat(
        protobufField(ENTRY.cid, cid.bytes),
        protobufField(ENTRY.priority, priority),
        ...(cancel ? [protobufField(ENTRY.cancel, true)] : []),
        ...(isNew && type === "have" ? [protobufField(ENTRY.wantType, WANT_HAVE)] : []),
        ...(isNew && sendDontHave ? [protobufField(ENTRY.sendDontHave, true)] : []),
      ),
    ),
  );
  const list = message.full ? [...entries, protobufField(LIST.full, true)] : entries;
  const blocks = message.blocks.map(({ prefix, data }) =>
    isBare || prefix === null
      ? protobufField(MESSAGE.bareBlock, data)
      : protobufField(MESSAGE.block, concat(protobufField(BLOCK.prefix, prefix), protobufField(BLOCK.data, data))),
  );
  const presence = (cid: CID, type: bigint): Uint8Array =>
    protobufField(
      MESSAGE.presence,
      concat(protobufField(PRESENCE.cid, cid.bytes), ...(type === 0n ? [] : [protobufField(PRESENCE.type, type)])),
    );
  const presences = isNew
    ? [...message.haves.map((cid) => presence(cid, 0n)), ...message.dontHaves.map((cid) => presence(cid, DONT_HAVE))]
    : [];
  return concat(protobufField(MESSAGE.wantlist, concat(...list)), ...blocks, ...presences);
}

/** Throws a `FilError` on anything but a message within the limits. */
export function decodeBitswap(bytes: Uint8Array): BitswapMessage {
  const wants: BitswapWant[] = [];
  const blocks: BitswapBlock[] = [];
  const haves: CID[] = [];
  const dontHaves: CID[] = [];
  let full = false;
  const { wants: maxWants, blocks: maxBlocks, presences: maxPresences } = BITSWAP_LIMITS;
  for (const { number, bytes: inner } of readFields(bytes, maxBlocks + maxPresences + FEW)) {
    if (inner === null) continue;
    if (number === MESSAGE.wantlist) {
      for (const { number: field, value, bytes: entry } of readFields(inner, maxWants + FEW)) {
        if (field === LIST.full) full = value !== 0n;
        else if (field === LIST.entry && entry !== null) wants.push(readEntry(entry));
      }
    } else if (number === MESSAGE.bareBlock) blocks.push({ prefix: null, data: inner });
    else if (number === MESSAGE.block) blocks.push(readBlock(inner));
    else if (number === MESSAGE.presence) {
      const { cid, isThere } = readPresence(inner);
      (isThere ? haves : dontHaves).push(cid);
    }
    if (wants.length > maxWants || blocks.length > maxBlocks || haves.length + dontHaves.length > maxPresences)
      throw new WireError({ code: "BAD_FRAME" }, "a bitswap message with too many entries");
  }
  return { wants, full, blocks, haves, dontHaves };
}

function readCid(bytes: Uint8Array): CID {
  if (bytes.length > BITSWAP_LIMITS.cidBytes)
    throw new WireError({ code: "BAD_FRAME" }, `a CID of ${bytes.length} bytes`);
  return cidFromBytes(bytes.slice());
}

function readEntry(bytes: Uint8Array): BitswapWant {
  let cid: CID | null = null;
  let priority = 0;
  let cancel = false;
  let type: BitswapWant["type"] = "block";
  let sendDontHave = false;
  for (const { number, value, bytes: inner } of readFields(bytes, FEW)) {
    if (number === ENTRY.cid && inner !== null) cid = readCid(inner);
    else if (number === ENTRY.priority) priority = int32Of(value);
    else if (number === ENTRY.cancel) cancel = value !== 0n;
    else if (number === ENTRY.wantType) type = value === WANT_HAVE ? "have" : "block";
    else if (number === ENTRY.sendDontHave) sendDontHave = value !== 0n;
  }
  if (cid === null) throw new WireError({ code: "BAD_FRAME" }, "a want without a CID");
  return { cid, priority, cancel, type, sendDontHave };
}

function readBlock(bytes: Uint8Array): BitswapBlock {
  let prefix: Uint8Array = new Uint8Array(0);
  let data: Uint8Array = new Uint8Array(0);
  for (const { number, bytes: inner } of readFields(bytes, FEW)) {
    if (number === BLOCK.prefix && inner !== null) prefix = inner;
    else if (number === BLOCK.data && inner !== null) data = inner;
  }
  return { prefix, data };
}

function readPresence(bytes: Uint8Array): { readonly cid: CID; readonly isThere: boolean } {
  let cid: CID | null = null;
  let isThere = true;
  for (const { number, value, bytes: inner } of readFields(bytes, FEW)) {
    if (number === PRESENCE.cid && inner !== null) cid = readCid(inner);
    else if (number === PRESENCE.type) isThere = value !== DONT_HAVE;
  }
  if (cid === null) throw new WireError({ code: "BAD_FRAME" }, "a presence without a CID");
  return { cid, isThere };
}
