/**
 * Piece CIDs, versions 1 and 2, and the other commitment CIDs; pure arithmetic and encoding.
 *
 *     v1   CIDv1, codec fil-commitment-unsealed (0xf101), multihash sha2-256-trunc254-padded (0x1012), 32 bytes
 *     v2   CIDv1, codec raw (0x55), multihash fr32-sha2-256-trunc254-padded-binary-tree (0x1011), digest:
 *          varint of the zero bytes after the payload · height of the tree (1 byte) · 32 bytes
 *
 * The height counts levels above 32-byte leaves, so the padded size is 32 · 2^height; v2 therefore also tells the
 * payload's size: 127/128 of the padded size less the zero bytes. Sources: FRC-0069; multicodec table.
 */
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { describeValue } from "../../base/errors.ts";
import { checkBytes, SectorError } from "../params.ts";
import { checkRecord } from "../shape.ts";

/** What is known of a piece once its payload was read. */
export type PieceCommitment = {
  /** Root of the piece's tree, 32 bytes. */
  readonly commP: Uint8Array;
  /** Bytes of the payload. */
  readonly payloadSize: number;
  /** Bytes of the piece after Fr32 and zero extension: 32 · 2^height. */
  readonly paddedSize: number;
  /** Levels of the tree above its leaves, at least 2. */
  readonly height: number;
};

export const MIN_PADDED_BYTES = 128;

const UNSEALED_CODEC = 0xf101;
const SEALED_CODEC = 0xf102;
const RAW_CODEC = 0x55;
const SHA256_TRUNC254 = 0x1012;
const POSEIDON_A2_FC1 = 0xb401;
const FR32_TREE = 0x1011;
/** Tallest tree whose sizes are exact numbers: 2^52 padded bytes. */
const MAX_HEIGHT = 47;

/** Smallest padded size that holds `payloadSize` bytes: a power of two, at least 128. */
export function paddedBytesOf(payloadSize: number): number {
  let padded = MIN_PADDED_BYTES;
  while ((padded / 128) * 127 < payloadSize) padded *= 2;
  return padded;
}

/** Payload bytes that a padded size holds at most. */
export function unpaddedBytesOf(paddedSize: number): number {
  return (paddedSize / 128) * 127;
}

/** Piece CID version 1 of a commitment: also the CID of a sector's CommD. Throws `BAD_LENGTH`. */
export function pieceCidV1(commP: Uint8Array): CID {
  return CID.createV1(UNSEALED_CODEC, Digest.create(SHA256_TRUNC254, commitment(commP)));
}

/** CID of a sector's replica commitment, CommR. Throws `BAD_LENGTH`. */
export function sealedCid(commR: Uint8Array): CID {
  return CID.createV1(SEALED_CODEC, Digest.create(POSEIDON_A2_FC1, commitment(commR)));
}

function commitment(bytes: Uint8Array): Uint8Array {
  checkBytes("commitment", bytes);
  return bytes;
}

/**
 * Whether so many zero bytes may follow a payload: fewer than half of what the tree holds, or a smaller tree would do. In
 * the smallest tree that leaves payloads of 65 bytes and more. Source: go-fil-commcid PieceCidV2ToDataCommitment.
 */
function isPadding(zeros: number, paddedSize: number): boolean {
  return zeros >= 0 && zeros < Math.floor(unpaddedBytesOf(paddedSize) / 2);
}

/** Smallest payload that has a piece CID of version 2. */
export const MIN_V2_PAYLOAD_BYTES = 65;

/**
 * Piece CID version 2, which carries the sizes. Throws `BAD_LENGTH`, or `OUT_OF_RANGE` for sizes that contradict each
 * other, among them a payload that a smaller tree would hold, and one below 65 bytes.
 */
export function pieceCidV2(piece: PieceCommitment): CID {
  checkRecord("piece", piece);
  commitment(piece.commP);
  const { height, paddedSize, payloadSize } = piece;
  const whole = [height, paddedSize, payloadSize].every((size) => Number.isSafeInteger(size));
  let zeros = whole ? unpaddedBytesOf(paddedSize) - payloadSize : Number.NaN;
  const fits =
    whole && height >= 2 && height <= MAX_HEIGHT && paddedSize === 32 * 2 ** height && Number.isSafeInteger(zeros);
  if (!fits || payloadSize < 0 || !isPadding(zeros, paddedSize))
    throw new SectorError(
      { code: "OUT_OF_RANGE", what: "payload size", value: Number.isFinite(payloadSize) ? payloadSize : Number.NaN },
      `${describeValue(payloadSize)} bytes are no payload of a piece of ${describeValue(paddedSize)} bytes and height ${describeValue(height)}`,
    );
  const bytes: number[] = [];
  for (; zeros >= 128; zeros = Math.floor(zeros / 128)) bytes.push((zeros % 128) + 128);
  bytes.push(zeros, piece.height);
  return CID.createV1(RAW_CODEC, Digest.create(FR32_TREE, Uint8Array.of(...bytes, ...piece.commP)));
}

/** A CID's parts; of what is no CID, parts that are those of none. */
function partsOf(cid: CID): {
  readonly code: number;
  readonly multihash: { readonly code: number; readonly digest: Uint8Array };
} {
  const found = cid?.multihash?.digest instanceof Uint8Array ? cid : null;
  return found ?? { code: -1, multihash: { code: -1, digest: new Uint8Array(0) } };
}

/** The 32 bytes of a version 1 piece CID or CommD CID, or null if it is none. */
export function commitmentOfCidV1(cid: CID): Uint8Array | null {
  const bytes = bytesOfCidV1(cid);
  return bytes === null ? null : commitmentIn(bytes);
}

/**
 * The 32 bytes of what has the form of such a CID, whatever they are, or null if it has not: the chain looks at the form alone, and
 * may have a deal of a piece that is none. Source: go-fil-commcid commcid.go, validateFilecoinCidSegments.
 */
export function bytesOfCidV1(cid: CID): Uint8Array | null {
  const { code, multihash } = partsOf(cid);
  const fits = code === UNSEALED_CODEC && multihash.code === SHA256_TRUNC254 && multihash.digest.length === 32;
  return fits ? multihash.digest : null;
}

/** The 32 bytes of a CommR CID, or null if it is none. A Poseidon digest is any field element: its bit 254 may be set. */
export function commitmentOfSealedCid(cid: CID): Uint8Array | null {
  const { code, multihash } = partsOf(cid);
  const fits = code === SEALED_CODEC && multihash.code === POSEIDON_A2_FC1 && multihash.digest.length === 32;
  return fits ? multihash.digest : null;
}

/** What a version 2 piece CID says, or null if it is none or says something impossible. */
export function pieceOfCidV2(cid: CID): PieceCommitment | null {
  const { code, multihash } = partsOf(cid);
  if (code !== RAW_CODEC || multihash.code !== FR32_TREE) return null;
  const digest = multihash.digest;
  let zeros = 0;
  let at = 0;
  for (let byte = 128; byte >= 128; at++) {
    if (at >= digest.length - 33 || at > 7) return null;
    byte = digest[at] as number;
    zeros += (byte % 128) * 128 ** at;
    if (at > 0 && byte === 0) return null;
  }
  const height = digest[at] as number;
  const commP = commitmentIn(digest.subarray(at + 1));
  if (commP === null || height < 2 || height > MAX_HEIGHT) return null;
  const paddedSize = 32 * 2 ** height;
  const payloadSize = unpaddedBytesOf(paddedSize) - zeros;
  return !isPadding(zeros, paddedSize) ? null : { commP, payloadSize, paddedSize, height };
}

function commitmentIn(digest: Uint8Array): Uint8Array | null {
  return digest.length === 32 && (digest[31] as number) < 0x40 ? digest.slice() : null;
}
