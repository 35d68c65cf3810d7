/**
 * Block headers and tipsets in the host.
 *
 * A header is the tuple of 16 in the order of the `BlockHeader` type below; its CID is blake2b-256 of that tuple, its
 * signature is made over the tuple with a null signature. A tipset is the set of headers with the same parents and
 * epoch, ordered by ticket (blake2b-256 of the VRF proof, bytewise; the CID decides between equal tickets).
 * Source: lotus chain/types/blockheader.go, tipset.go.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { BoundedMap } from "../base/bounded-map.ts";
import { compare, equal, toBase64 } from "../base/bytes.ts";
import { headLength } from "../base/cbor-head.ts";
import { blake2b256 } from "../base/digests.ts";
import { FilError } from "../base/errors.ts";
import { Address, type NetworkPrefix } from "./address.ts";
import { bigToBytes, bytesToBig } from "./amount.ts";
import { CID, cidOfBlock } from "./cid.ts";
import { decodeSignature, encodeSignature, type Signature } from "./message.ts";
import { integerToJson, type Json } from "./schema-codec.ts";
import { readUsualHeader } from "./usual-header.ts";

export type HeaderErrorData = { readonly code: "BAD_HEADER" | "BAD_TIPSET"; readonly field: string };
export class HeaderError extends FilError<HeaderErrorData> {}

/** An epoch: a whole number. The chain's own type has 64 bits; no epoch beyond 2^53 - 1 will ever come, and none is read. */
export type Epoch = number;

export type BeaconEntry = { readonly round: bigint; readonly data: Uint8Array };
export type PoStProof = { readonly postProof: bigint; readonly proofBytes: Uint8Array };

export type BlockHeader = {
  readonly miner: Address;
  /** Ticket's VRF proof; absent in a genesis header only. */
  readonly ticket: Uint8Array | null;
  readonly electionProof: { readonly winCount: bigint; readonly vrfProof: Uint8Array } | null;
  readonly beaconEntries: readonly BeaconEntry[];
  readonly winPoStProof: readonly PoStProof[];
  readonly parents: readonly CID[];
  readonly parentWeight: bigint;
  readonly height: Epoch;
  readonly parentStateRoot: CID;
  readonly parentMessageReceipts: CID;
  /** Root of [BLS message AMT, secp256k1 message AMT]. */
  readonly messages: CID;
  readonly blsAggregate: Signature | null;
  /** Unix time, seconds. */
  readonly timestamp: bigint;
  readonly blockSig: Signature | null;
  readonly forkSignaling: bigint;
  /** attoFIL per unit of gas */
  readonly parentBaseFee: bigint;
};

function bad(field: string, why: string): never {
  throw new HeaderError({ code: "BAD_HEADER", field }, `header field ${field}: ${why}`);
}

function headerTuple(h: BlockHeader): unknown[] {
  if (typeof h !== "object" || h === null) bad("", "object expected");
  return [
    h.miner instanceof Address ? h.miner.bytes : bad("Miner", "address expected"),
    optional(h.ticket, (ticket) => [asBytes(ticket, "Ticket")]),
    optional(h.electionProof, (proof) => {
      const { winCount, vrfProof } = asObject(proof, "ElectionProof");
      return [asInteger(asBig(winCount, "WinCount"), "WinCount"), asBytes(vrfProof, "ElectionProof")];
    }),
    asList(h.beaconEntries, "BeaconEntries").map((entry) => {
      const { round, data } = asObject(entry, "BeaconEntries");
      return [asUnsigned(asBig(round, "BeaconEntries"), "BeaconEntries"), asBytes(data, "BeaconEntries")];
    }),
    asList(h.winPoStProof, "WinPoStProof").map((proof) => {
      const { postProof, proofBytes } = asObject(proof, "WinPoStProof");
      return [asInteger(asBig(postProof, "WinPoStProof"), "WinPoStProof"), asBytes(proofBytes, "WinPoStProof")];
    }),
    asList(h.parents, "Parents").map((parent) => asCid(parent, "Parents")),
    bigToBytes(h.parentWeight),
    typeof h.height === "number" ? asEpoch(h.height, "Height") : bad("Height", "number expected"),
    asCid(h.parentStateRoot, "ParentStateRoot"),
    asCid(h.parentMessageReceipts, "ParentMessageReceipts"),
    asCid(h.messages, "Messages"),
    h.blsAggregate === null ? null : encodeSignature(h.blsAggregate),
    asUnsigned(asBig(h.timestamp, "Timestamp"), "Timestamp"),
    h.blockSig === null ? null : encodeSignature(h.blockSig),
    asUnsigned(asBig(h.forkSignaling, "ForkSignaling"), "ForkSignaling"),
    bigToBytes(h.parentBaseFee),
  ];
}

/**
 * What is known of a header, which never changes: its bytes, of which its fields are views if it was read from them, and its
 * CID once it was asked for. Both are asked for at every step of its way.
 */
type Known = { readonly bytes: Uint8Array; cid: CID | null };
const known = new WeakMap<BlockHeader, Known>();

function knownOf(header: BlockHeader): Known {
  let facts = known.get(header);
  if (facts === undefined) {
    // Copied out of the encoder's larger buffer, which would be kept with them.
    facts = { bytes: dagCbor.encode(headerTuple(header)).slice(), cid: null };
    known.set(header, facts);
  }
  return facts;
}

/** CBOR of a header. Throws `HeaderError`, `AmountError`, `MessageError` for what `decodeHeader` would refuse. */
export function encodeHeader(header: BlockHeader): Uint8Array {
  return knownOf(header).bytes.slice();
}

export function headerCid(header: BlockHeader): CID {
  const facts = knownOf(header);
  facts.cid ??= cidOfBlock(facts.bytes);
  return facts.cid;
}

/** What signatures cover of the headers asked for last: it is asked for at the door, in the validation and by watchers. */
const signed = new BoundedMap<BlockHeader, Uint8Array>(64);

/** The bytes that a block's signature covers. */
export function headerSigningBytes(header: BlockHeader): Uint8Array {
  let bytes = signed.get(header);
  if (bytes === undefined) {
    bytes = withoutSignature(header, knownOf(header).bytes);
    signed.set(header, bytes);
  }
  return bytes.slice();
}

/** CBOR of null. */
const NULL = 0xf6;

/** The bytes of a header, null in place of its signature: two fields stand behind it. */
function withoutSignature(header: BlockHeader, whole: Uint8Array): Uint8Array {
  const baseFee = bigToBytes(header.parentBaseFee).length;
  const behind = headLength(header.forkSignaling) + headLength(baseFee) + baseFee;
  // A type byte stands before a signature's data.
  const signature = header.blockSig === null ? 0 : 1 + header.blockSig.data.length;
  const from = whole.length - behind - headLength(signature) - signature;
  const bytes = new Uint8Array(from + 1 + behind);
  bytes.set(whole.subarray(0, from));
  bytes[from] = NULL;
  bytes.set(whole.subarray(whole.length - behind), from + 1);
  return bytes;
}

/** Reads a header; throws a `FilError` unless the bytes are exactly those that `encodeHeader` gives. */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  if (bytes instanceof Uint8Array) {
    const own = new Uint8Array(bytes);
    const usual = readUsualHeader(own);
    if (usual !== null) {
      known.set(usual, { bytes: own, cid: null });
      return usual;
    }
  }
  return decodeHeaderCarefully(bytes);
}

/** As `decodeHeader`, for any header. */
export function decodeHeaderCarefully(bytes: Uint8Array): BlockHeader {
  const header = readHeader(bytes);
  // A number may have been a float, which DAG-CBOR readers take for an integer.
  if (!equal(encodeHeader(header), bytes)) bad("", "not in its canonical form");
  return header;
}

function readHeader(bytes: Uint8Array): BlockHeader {
  if (!(bytes instanceof Uint8Array)) return bad("", "bytes expected");
  let t: unknown;
  try {
    t = dagCbor.decode(bytes);
  } catch (cause) {
    throw new HeaderError({ code: "BAD_HEADER", field: "" }, "header is not canonical DAG-CBOR", { cause });
  }
  if (!Array.isArray(t) || t.length !== 16) return bad("", "array of 16 expected");
  const ticket = optional(t[1], (v) => asBytes(asTuple(v, 1, "Ticket")[0], "Ticket"));
  const election = optional(t[2], (v) => {
    const [winCount, proof] = asTuple(v, 2, "ElectionProof");
    return { winCount: asInteger(winCount, "WinCount"), vrfProof: asBytes(proof, "ElectionProof") };
  });
  return {
    miner: Address.fromBytes(asBytes(t[0], "Miner")),
    ticket,
    electionProof: election,
    beaconEntries: asList(t[3], "BeaconEntries").map((v) => {
      const [round, data] = asTuple(v, 2, "BeaconEntries");
      return { round: asUnsigned(round, "BeaconEntries"), data: asBytes(data, "BeaconEntries") };
    }),
    winPoStProof: asList(t[4], "WinPoStProof").map((v) => {
      const [postProof, proofBytes] = asTuple(v, 2, "WinPoStProof");
      return { postProof: asInteger(postProof, "WinPoStProof"), proofBytes: asBytes(proofBytes, "WinPoStProof") };
    }),
    parents: asList(t[5], "Parents").map((v) => asCid(v, "Parents")),
    parentWeight: bytesToBig(asBytes(t[6], "ParentWeight")),
    height: asEpoch(t[7], "Height"),
    parentStateRoot: asCid(t[8], "ParentStateRoot"),
    parentMessageReceipts: asCid(t[9], "ParentMessageReceipts"),
    messages: asCid(t[10], "Messages"),
    blsAggregate: optional(t[11], (v) => decodeSignature(asBytes(v, "BLSAggregate"))),
    timestamp: asUnsigned(t[12], "Timestamp"),
    blockSig: optional(t[13], (v) => decodeSignature(asBytes(v, "BlockSig"))),
    forkSignaling: asUnsigned(t[14], "ForkSignaling"),
    parentBaseFee: bytesToBig(asBytes(t[15], "ParentBaseFee")),
  };
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null ? null : read(value);
}

function asObject(value: unknown, field: string): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : bad(field, "object expected");
}

function asBig(value: unknown, field: string): bigint {
  return typeof value === "bigint" ? value : bad(field, "bigint expected");
}

function asList(value: unknown, field: string): readonly unknown[] {
  // Copied, so that a hole in a sparse list is an element, and refused.
  return Array.isArray(value) ? Array.from(value) : bad(field, "list expected");
}

function asTuple(value: unknown, length: number, field: string): readonly unknown[] {
  return Array.isArray(value) && value.length === length ? value : bad(field, `array of ${length} expected`);
}

function asBytes(value: unknown, field: string): Uint8Array {
  return value instanceof Uint8Array ? value : bad(field, "byte string expected");
}

function asWhole(value: unknown, field: string): bigint {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : bad(field, "integer expected");
}

function asInteger(value: unknown, field: string): bigint {
  const whole = asWhole(value, field);
  return BigInt.asIntN(64, whole) === whole ? whole : bad(field, "not a 64-bit integer");
}

function asEpoch(value: unknown, field: string): Epoch {
  const epoch = Number(asWhole(value, field));
  return Number.isSafeInteger(epoch) ? epoch : bad(field, "beyond every epoch");
}

function asUnsigned(value: unknown, field: string): bigint {
  const whole = asWhole(value, field);
  return BigInt.asUintN(64, whole) === whole ? whole : bad(field, "not an unsigned 64-bit integer");
}

function asCid(value: unknown, field: string): CID {
  return CID.asCID(value) ?? bad(field, "link expected");
}

/** Headers of one epoch with the same parents, in ticket order. */
export type Tipset = {
  readonly key: readonly CID[];
  readonly blocks: readonly BlockHeader[];
  readonly height: Epoch;
};

/** Makes a tipset; throws `HeaderError` if there is no header, one is there twice, or they differ in epoch or parents. */
export function makeTipset(headers: readonly BlockHeader[]): Tipset {
  const first = headers[0];
  if (first === undefined) throw new HeaderError({ code: "BAD_TIPSET", field: "" }, "a tipset without blocks");
  if (headers.length === 1) return { key: [headerCid(first)], blocks: [first], height: first.height };
  const sorted = headers
    .map((header) => ({ header, cid: headerCid(header), ticket: blake2b256(header.ticket ?? new Uint8Array(0)) }))
    .sort((a, b) => compare(a.ticket, b.ticket) || compare(a.cid.bytes, b.cid.bytes));
  for (const [i, { header, cid }] of sorted.entries()) {
    if (i > 0 && cid.equals((sorted[i - 1] as (typeof sorted)[0]).cid))
      throw new HeaderError({ code: "BAD_TIPSET", field: "Cids" }, `a tipset with block ${cid} twice`);
    if (header.height !== first.height || !sameKey(header.parents, first.parents))
      throw new HeaderError(
        { code: "BAD_TIPSET", field: "Parents" },
        "blocks of one tipset differ in epoch or parents",
      );
  }
  return { key: sorted.map(({ cid }) => cid), blocks: sorted.map(({ header }) => header), height: first.height };
}

/** Whether two tipsets are the same. */
export function sameKey(a: readonly CID[], b: readonly CID[]): boolean {
  return a.length === b.length && a.every((cid, i) => equal(cid.bytes, (b[i] as CID).bytes));
}

const keyTexts = new WeakMap<readonly CID[], string>();

/** Text of a tipset's key, for maps. Kept with the key, which must not change afterwards: the head's is asked for all the time. */
export function tipsetKeyText(key: readonly CID[]): string {
  let text = keyTexts.get(key);
  if (text === undefined) {
    text = key.join(",");
    keyTexts.set(key, text);
  }
  return text;
}

function signatureToJson(signature: Signature | null): Json {
  return signature === null ? null : { Type: signature.type, Data: toBase64(signature.data) };
}

export function linkToJson(cid: CID): Json {
  return { "/": cid.toString() };
}

export function headerToJson(h: BlockHeader, prefix: NetworkPrefix): Record<string, Json> {
  const list = (items: readonly Json[]): Json => (items.length === 0 ? null : items);
  return {
    Miner: h.miner.toString(prefix),
    Ticket: h.ticket === null ? null : { VRFProof: toBase64(h.ticket) },
    ElectionProof:
      h.electionProof === null
        ? null
        : { WinCount: integerToJson(h.electionProof.winCount), VRFProof: toBase64(h.electionProof.vrfProof) },
    BeaconEntries: list(h.beaconEntries.map((e) => ({ Round: integerToJson(e.round), Data: toBase64(e.data) }))),
    WinPoStProof: list(
      h.winPoStProof.map((p) => ({ PoStProof: integerToJson(p.postProof), ProofBytes: toBase64(p.proofBytes) })),
    ),
    Parents: h.parents.map(linkToJson),
    ParentWeight: h.parentWeight.toString(),
    Height: h.height,
    ParentStateRoot: linkToJson(h.parentStateRoot),
    ParentMessageReceipts: linkToJson(h.parentMessageReceipts),
    Messages: linkToJson(h.messages),
    BLSAggregate: signatureToJson(h.blsAggregate),
    Timestamp: integerToJson(h.timestamp),
    BlockSig: signatureToJson(h.blockSig),
    ForkSignaling: integerToJson(h.forkSignaling),
    ParentBaseFee: h.parentBaseFee.toString(),
  };
}

export function tipsetToJson(tipset: Tipset, prefix: NetworkPrefix): Record<string, Json> {
  return {
    Cids: tipset.key.map(linkToJson),
    Blocks: tipset.blocks.map((header) => headerToJson(header, prefix)),
    Height: tipset.height,
  };
}
