/** Makes blocks of UnixFS in a store, those that no importer would make among them. */
import * as dagPb from "@ipld/dag-pb";
import { UnixFS } from "ipfs-unixfs";
import { sha256 } from "multiformats/hashes/sha2";
import type { BlockStore } from "../../src/storage/contract.ts";
import { CID } from "../../src/types/cid.ts";

type Part = readonly [CID, bigint];

export function dagOf<Store extends BlockStore>(store: Store) {
  const put = async (code: number, bytes: Uint8Array): Promise<CID> => {
    const cid = CID.createV1(code, await sha256.digest(bytes));
    await store.write({ blocks: [{ cid: cid.bytes, bytes }] });
    return cid;
  };
  const node = (data: UnixFS, links: readonly (readonly [string, CID])[]): Promise<CID> => {
    const Links = links.map(([Name, Hash]) => ({ Name, Hash: Hash as never, Tsize: 0 }));
    return put(0x70, dagPb.encode({ Data: data.marshal(), Links }));
  };
  const raw = (bytes: Uint8Array): Promise<CID> => put(0x55, bytes);
  const file = (parts: readonly Part[]): Promise<CID> => {
    const blockSizes = parts.map(([, size]) => size);
    return node(
      new UnixFS({ type: "file", blockSizes }),
      parts.map(([cid]) => ["", cid] as const),
    );
  };
  const shard = (links: readonly (readonly [string, CID])[]): Promise<CID> =>
    node(new UnixFS({ type: "hamt-sharded-directory", fanout: 256n, hashType: 0x22n }), links);
  return {
    ...{ store, raw, file, shard },
    folder: (links: readonly (readonly [string, CID])[]) => node(new UnixFS({ type: "directory" }), links),
    /** A file of 1,024 equal parts at each level, above a byte. */
    async fileBomb(levels: number): Promise<CID> {
      let cid = await raw(new Uint8Array(1));
      for (let level = 0; level < levels; level++) {
        const part: Part = [cid, 1024n ** BigInt(level)];
        cid = await file(Array.from({ length: 1024 }, () => part));
      }
      return cid;
    },
    /** A folder whose 256 shards are the same at each level. */
    async shardBomb(levels: number): Promise<CID> {
      let cid = await shard([["00name", await raw(new Uint8Array(1))]]);
      const prefix = (n: number) => n.toString(16).toUpperCase().padStart(2, "0");
      for (let level = 0; level < levels; level++) {
        const below = cid;
        cid = await shard(Array.from({ length: 256 }, (_, n) => [prefix(n), below] as const));
      }
      return cid;
    },
  };
}
