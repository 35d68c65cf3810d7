/** dag-pb blocks as nodes of UnixFS, as far as paths and ranges need them. */
import type * as dagPb from "@ipld/dag-pb";
import { murmur3128 } from "@multiformats/murmur3";
import { UnixFS } from "ipfs-unixfs";
import { utf8 } from "../../base/bytes.ts";
import { CID } from "../../types/cid.ts";
import { decodeBlock } from "./links.ts";

export type UnixfsNode =
  | { readonly kind: "folder"; readonly links: readonly dagPb.PBLink[] }
  | { readonly kind: "shard"; readonly links: readonly dagPb.PBLink[]; readonly fanout: number }
  | {
      readonly kind: "file";
      readonly size: bigint;
      /** Bytes in the block itself, before those of its links. */
      readonly inline: bigint;
      readonly data: Uint8Array;
      readonly parts: readonly { readonly cid: CID; readonly size: bigint }[];
    }
  /** A link to a path, or what is no UnixFS. */
  | { readonly kind: "other"; readonly links: readonly dagPb.PBLink[] };

export type FileNode = Extract<UnixfsNode, { kind: "file" }>;

/** Deepest shard: 64 bits of hash. */
export const MAX_SHARDS = 22;
/** Widest shard that is looked into. */
const MAX_FANOUT = 1024;

/** Reads a dag-pb block; what is no UnixFS is "other". Throws `DataError` for what is no dag-pb, and for too many links. */
export function unixfsNode(cid: CID, bytes: Uint8Array): UnixfsNode {
  const node = decodeBlock(cid, bytes) as dagPb.PBNode;
  const other: UnixfsNode = { kind: "other", links: node.Links };
  if (node.Data === undefined) return other;
  let data: UnixFS;
  try {
    data = UnixFS.unmarshal(node.Data);
  } catch {
    return other;
  }
  if (data.type === "directory") return { kind: "folder", links: node.Links };
  if (data.type === "hamt-sharded-directory") {
    const fanout = Number(data.fanout ?? 256n);
    const isPower = fanout >= 8 && fanout <= MAX_FANOUT && (fanout & (fanout - 1)) === 0;
    return isPower ? { kind: "shard", links: node.Links, fanout } : other;
  }
  if (data.type !== "file" && data.type !== "raw") return other;
  if (data.blockSizes.length !== node.Links.length) return other;
  const own = data.data ?? new Uint8Array(0);
  const inline = BigInt(own.length);
  const parts = node.Links.map(({ Hash }, i) => ({ cid: Hash, size: data.blockSizes[i] as bigint }));
  return { kind: "file", size: parts.reduce((sum, { size }) => sum + size, inline), inline, data: own, parts };
}

/** A block of bytes as a file. */
export function rawFile(bytes: Uint8Array): FileNode {
  const size = BigInt(bytes.length);
  return { kind: "file", size, inline: size, data: bytes, parts: [] };
}

/** Hexadecimal digits before the names in a shard. */
export function prefixLength(fanout: number): number {
  return (fanout - 1).toString(16).length;
}

/**
 * Which of a shard's links leads to a name: the entry itself, or a shard below. `level` is how many shards are above.
 * Source: IPFS specifications, unixfs; the hash is the first 64 bits of MurmurHash3 x64 128.
 */
export async function shardLink(
  { links, fanout }: Extract<UnixfsNode, { kind: "shard" }>,
  name: string,
  level: number,
): Promise<{ readonly cid: CID; readonly isEntry: boolean } | null> {
  const bits = Math.log2(fanout);
  const digest = await murmur3128.encode(utf8(name));
  const hash = digest.subarray(0, 8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const shift = 64 - bits * (level + 1);
  if (shift < 0) return null;
  const index = Number((hash >> BigInt(shift)) & BigInt(fanout - 1));
  const prefix = index.toString(16).toUpperCase().padStart(prefixLength(fanout), "0");
  for (const { Name = "", Hash } of links) {
    if (Name === prefix + name) return { cid: asCid(Hash), isEntry: true };
    if (Name === prefix) return { cid: asCid(Hash), isEntry: false };
  }
  return null;
}

export function asCid(cid: unknown): CID {
  return CID.asCID(cid) as CID;
}
