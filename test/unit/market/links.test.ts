import * as dagCbor from "@ipld/dag-cbor";
import * as dagPb from "@ipld/dag-pb";
import * as Digest from "multiformats/hashes/digest";
import { expect, test } from "vitest";
import {
  CODEC,
  decodeBlock,
  linksOf,
  linksOfValue,
  MAX_DATA_DEPTH,
  MAX_LINKS,
  walk,
} from "../../../src/market/data/links.ts";
import { unixfsNode } from "../../../src/market/data/unixfs-node.ts";
import { resolvePath } from "../../../src/market/gateway/resolve.ts";
import type { BlockSource } from "../../../src/storage/contract.ts";
import { CID, cidKey } from "../../../src/types/cid.ts";

let made = 0;
/** Blocks of a DAG under names of their own: a walk does not check them. */
class Blocks implements BlockSource {
  private readonly known = new Map<string, Uint8Array>();

  put(code: number, bytes: Uint8Array): CID {
    const digest = new Uint8Array(32);
    new DataView(digest.buffer).setUint32(28, ++made);
    const cid = CID.createV1(code, Digest.create(0x12, digest));
    this.known.set(cidKey(cid), bytes);
    return cid;
  }

  peek(cid: Uint8Array): Uint8Array | undefined {
    return this.known.get(cidKey(cid));
  }

  async get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    return this.peek(cid);
  }

  async has(cid: Uint8Array): Promise<boolean> {
    return this.peek(cid) !== undefined;
  }
}

const inline = (code: number, bytes: Uint8Array): CID => CID.createV1(code, Digest.create(0, bytes));

async function walked(blocks: Blocks, root: CID, duplicates = false): Promise<string[]> {
  const found: string[] = [];
  for await (const { cid } of walk(blocks, root, { duplicates })) found.push(`${cid}`);
  return found;
}

test("blocks come depth first, those below CIDs that hold a block in their place, each once unless asked for", async () => {
  const blocks = new Blocks();
  const [a, b, c] = [1, 2, 3].map((n) => blocks.put(CODEC.raw, Uint8Array.of(n))) as [CID, CID, CID];
  const inner = blocks.put(CODEC.dagCbor, dagCbor.encode([b, c]));
  const held = inline(CODEC.dagCbor, dagCbor.encode({ x: inline(CODEC.dagCbor, dagCbor.encode([inner])) }));
  const root = blocks.put(CODEC.dagCbor, dagCbor.encode([a, held, held, c, b]));
  expect(await walked(blocks, root)).toEqual([root, a, inner, b, c].map(String));
  expect(await walked(blocks, root, true)).toEqual([root, a, inner, b, c, inner, b, c, c, b].map(String));
  expect(await walked(blocks, held)).toEqual([inner, b, c].map(String));
  const old = CID.createV0(Digest.create(0x12, new Uint8Array(32))) as CID;
  const above = blocks.put(CODEC.dagPb, dagPb.encode({ Links: [{ Hash: old }, { Hash: a }] }));
  await expect(walked(blocks, above)).rejects.toMatchObject({ code: "MISSING_BLOCK", data: { cid: `${old}` } });
});

test("what waits in a walk is bounded", async () => {
  const blocks = new Blocks();
  // Links that are never come to: behind that to the next block.
  const far = Array.from({ length: 500 }, () => {
    const digest = new Uint8Array(32);
    new DataView(digest.buffer).setUint32(0, ++made);
    return CID.createV1(CODEC.raw, Digest.create(0x12, digest));
  });
  let root = blocks.put(CODEC.raw, new Uint8Array(1));
  for (let i = 0; i < 4; i++)
    root = blocks.put(CODEC.dagPb, dagPb.encode({ Links: [root, ...far].map((Hash) => ({ Hash })) }));
  const all = async (mostWaiting: number): Promise<void> => {
    for await (const _ of walk(blocks, root, { mostWaiting }));
  };
  await expect(all(40_000)).rejects.toMatchObject({ code: "LIMIT", message: expect.stringMatching(/wait/) });
  await expect(all(100_000)).rejects.toMatchObject({ code: "MISSING_BLOCK" });
});

test("blocks inside of CIDs inside of CIDs are looked into to a limit", async () => {
  let root = inline(CODEC.dagCbor, dagCbor.encode([]));
  for (let i = 0; i < 33; i++) root = inline(CODEC.dagCbor, dagCbor.encode([root]));
  await expect(walked(new Blocks(), root)).rejects.toMatchObject({ code: "LIMIT" });
});

test("an array of very many values has no links; a map with the fields of a CID is none", () => {
  expect(linksOfValue(new Array(1_000_000).fill(null))).toEqual([]);
  expect(linksOfValue({ "/": "x", bytes: "x", version: 1, code: 0x55, multihash: "x" })).toEqual([]);
});

test("data that is nested too deep is refused before it is decoded", () => {
  const cbor = (depth: number): Uint8Array => new Uint8Array(depth + 1).fill(0x81).fill(0xf6, depth);
  const json = (depth: number): Uint8Array => new TextEncoder().encode(`${"[".repeat(depth)}"]{"${"]".repeat(depth)}`);
  for (const [code, of] of [
    [CODEC.dagCbor, cbor],
    [CODEC.dagJson, json],
  ] as const) {
    const cid = new Blocks().put(code, new Uint8Array(0));
    expect(linksOf(cid, of(MAX_DATA_DEPTH))).toEqual([]);
    for (const depth of [MAX_DATA_DEPTH + 1, 200_000])
      expect(() => decodeBlock(cid, of(depth))).toThrow(expect.objectContaining({ code: "LIMIT" }));
  }
});

test("a block of very many links is refused before it is decoded", () => {
  const repeated = (text: string, count: number, before: readonly number[] = []): Uint8Array => {
    const one = Uint8Array.from(text.match(/../g) as string[], (byte) => Number.parseInt(byte, 16));
    const all = new Uint8Array(before.length + one.length * count);
    all.set(before);
    for (let i = 0; i < count; i++) all.set(one, before.length + one.length * i);
    return all;
  };
  const pb = (count: number): Uint8Array => repeated("12060a0401550000", count);
  const cbor = (count: number): Uint8Array => {
    const size = [count >>> 24, count >>> 16, count >>> 8, count].map((n) => n & 255);
    return repeated("d82a450001550000", count, count < 65_536 ? [0x99, ...size.slice(2)] : [0x9a, ...size]);
  };
  const json = (count: number): Uint8Array =>
    new TextEncoder().encode(`[${Array.from({ length: count }, () => '{"/":"bafkqaaa"}').join()}]`);
  for (const [code, of] of [
    [CODEC.dagPb, pb],
    [CODEC.dagCbor, cbor],
    [CODEC.dagJson, json],
  ] as const) {
    const cid = new Blocks().put(code, new Uint8Array(0));
    expect(linksOf(cid, of(300))).toHaveLength(300);
    expect(() => linksOf(cid, of(MAX_LINKS + 1))).toThrow(expect.objectContaining({ code: "LIMIT" }));
  }
});

test("a path ends at a null inside of a block", async () => {
  const blocks = new Blocks();
  const root = blocks.put(CODEC.dagCbor, dagCbor.encode({ none: null, below: { none: null }, other: 1 }));
  expect((await resolvePath(blocks, root, ["below", "none"])).inner).toBeNull();
  await expect(resolvePath(blocks, root, ["none", "other"])).rejects.toMatchObject({ code: "NO_SUCH_PATH" });
});

test("a node of UnixFS is bounded as any other block, and what is none is refused by name", () => {
  const blocks = new Blocks();
  const Hash = inline(CODEC.raw, Uint8Array.of(1)) as never;
  const many = dagPb.encode({ Links: Array.from({ length: MAX_LINKS + 1 }, () => ({ Name: "", Hash, Tsize: 0 })) });
  expect(() => unixfsNode(blocks.put(CODEC.dagPb, many), many)).toThrow(expect.objectContaining({ code: "LIMIT" }));
  const none = Uint8Array.of(0xff);
  expect(() => unixfsNode(blocks.put(CODEC.dagPb, none), none)).toThrow(expect.objectContaining({ code: "BAD_BLOCK" }));
});
