/** What a snapshot's file begins with (`snapshot-format.ts`), for whoever reads one: its head, whichever format it has. */
import { blake2b } from "@noble/hashes/blake2.js";
import { equal } from "../base/bytes.ts";
import { CarIndex, type IndexOptions } from "../storage/car-index.ts";
import { type ByteSource, CarReader } from "../storage/car-reader.ts";
import { type BlockHashes, checkBlock } from "../storage/check-block.ts";
import type { Block } from "../storage/contract.ts";
import { type CID, cidFromBytes } from "../types/cid.ts";
import { decodeMetadata, MAX_KEY, SnapshotError } from "./snapshot-format.ts";

export type SnapshotHead = {
  /** What the file names: key of the tipset that it ends with; of a file that is no chain, its roots. */
  readonly head: readonly CID[];
  readonly version: 1 | 2;
  /** Bytes of F3 certificates, which are compared with their CID and passed over. */
  readonly f3: number;
};

/** First bytes of compressed files. */
const MAGIC = [
  { format: "zstd", bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  { format: "gzip", bytes: [0x1f, 0x8b] },
];

/** Opens a snapshot's file, or any CAR file with roots. Throws `SnapshotError`, `CarError`. */
export async function openSnapshot(source: ByteSource): Promise<CarReader> {
  const begin = await source.read(0, 4);
  const found = MAGIC.find(({ bytes }) => bytes.every((byte, i) => begin[i] === byte));
  if (found !== undefined)
    throw new SnapshotError(
      { code: "COMPRESSED", format: found.format },
      `the file is compressed with ${found.format}; decompress it first (${found.format === "zstd" ? "zstd -d" : "gunzip"})`,
    );
  const reader = await CarReader.open(source);
  const { length } = reader.roots;
  if (length === 0 || length > MAX_KEY)
    throw new SnapshotError({ code: "NO_ROOTS" }, `${length} roots: a snapshot names its head`);
  return reader;
}

/** The head, read from the metadata of a file that was opened, if it has some; the reader stands behind that then. */
export async function readHead(reader: CarReader, hashes: BlockHashes): Promise<SnapshotHead> {
  const roots = reader.roots.map(cidFromBytes);
  const [root] = roots as [CID];
  const plain = { head: roots, version: 1 as const, f3: 0 };
  if (roots.length > 1) return plain;
  const first = reader.at;
  const section = await reader.next();
  const metadata =
    section !== null && equal(section.block.cid, root.bytes) ? decodeMetadata(root, section.block.bytes) : null;
  if (section === null || metadata === null) {
    reader.at = first;
    return plain;
  }
  checkFileBlock(section.block, first, hashes);
  const f3 = metadata.f3 === null ? 0 : await skipCertificates(reader, metadata.f3);
  return { head: metadata.head, version: 2, f3 };
}

/** A snapshot's file by CID, and its head. Throws as `openSnapshot`, and what `onBlock` throws. */
export async function indexSnapshot(
  source: ByteSource,
  hashes: BlockHashes,
  options: Omit<IndexOptions, "reader"> = {},
): Promise<SnapshotHead & { readonly blocks: CarIndex }> {
  const reader = await openSnapshot(source);
  const found = await readHead(reader, hashes);
  return { ...found, blocks: await CarIndex.open(source, { ...options, reader }) };
}

/** Checks the block of certificates, which may be far larger than others, and passes over it. */
async function skipCertificates(reader: CarReader, cid: CID): Promise<number> {
  const hash = blake2b.create({ dkLen: 32 });
  const { at } = reader;
  let length = 0;
  for await (const piece of reader.pieces()) {
    const rest = length === 0 ? piece.subarray(cid.bytes.length) : piece;
    if (length === 0 && !equal(piece.subarray(0, cid.bytes.length), cid.bytes))
      throw new SnapshotError(
        { code: "BAD_METADATA", cid: `${cid}` },
        `the second block of the snapshot is not the one of F3 certificates, ${cid}`,
      );
    hash.update(rest as Uint8Array<ArrayBuffer>);
    length += piece.length;
  }
  if (length === 0 || !equal(hash.digest(), cid.multihash.digest)) throw wrongBytes(cid, at);
  return length - cid.bytes.length;
}

/** Compares a block, which stands at a byte of the file, with its CID. Throws `SnapshotError`. */
export function checkFileBlock(block: Block, at: number, hashes: BlockHashes): void {
  const verdict = checkBlock(block, hashes);
  if (verdict === "right") return;
  const cid = cidFromBytes(block.cid);
  if (verdict === "wrong") throw wrongBytes(cid, at);
  throw new SnapshotError(
    { code: "UNKNOWN_HASH", cid: `${cid}`, at },
    `block ${cid} at byte ${at} cannot be checked: its hash 0x${cid.multihash.code.toString(16)} is none that chains use`,
  );
}

function wrongBytes(cid: CID, at: number): SnapshotError {
  return new SnapshotError(
    { code: "WRONG_BYTES", cid: `${cid}`, at },
    `the bytes of block ${cid} at byte ${at} are not what its CID says: the file is damaged or forged`,
  );
}
