/**
 * Snapshots against the reference's writer: a chain made to bring out the order of blocks (branches that share what lies
 * below them, links met twice in a block, raw data, identity CIDs, codecs that are left out, tipsets of one to three blocks).
 * The digests are of what a program in Go wrote of it that walks in the order of lotus (chain/store/snapshot.go at 04e7c94a7d64)
 * and writes with its libraries, go-car v0.6.2 and cbor-gen v0.3.1; the node itself was not run.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { expect, test } from "vitest";
import { concat, toHex, utf8 } from "../../../src/base/bytes.ts";
import { blake2b256 } from "../../../src/base/digests.ts";
import { exportChain } from "../../../src/chain/export.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { encodeHeader, makeTipset, type Tipset } from "../../../src/types/block-header.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";
import { plainHeader } from "../../support/headers.ts";

const RAW = 0x55;
const DAG_PB = 0x70;
const HEIGHTS = [0, 1, 2, 4, 5, 9, 10, 11, 12];
const DEPTH = 3;

function madeChain(): { readonly store: MemoryStore; readonly chain: readonly Tipset[] } {
  const store = new MemoryStore();
  const keep = (cid: CID, bytes: Uint8Array): CID => {
    store.writeNow({ blocks: [{ cid: cid.bytes, bytes }] });
    return cid;
  };
  const node = (value: unknown): CID => {
    const bytes = dagCbor.encode(value);
    return keep(cidOfBlock(bytes), bytes);
  };
  const as = (codec: number, text: string): CID =>
    keep(CID.createV1(codec, cidOfBlock(utf8(text)).multihash), utf8(text));
  const inline = CID.createV1(RAW, Digest.create(0, utf8("fil/2/account")));
  /** A tree that shares branches with those of other numbers. */
  const tree = (number: number, depth: number): CID =>
    depth === 0
      ? node([number & 3, as(RAW, `raw ${number % 5}`), inline, as(DAG_PB, "left out")])
      : node([tree(number >> 1, depth - 1), { a: tree(number, depth - 1), b: [number, tree(number >> 1, depth - 1)] }]);
  const chain: Tipset[] = [];
  for (const height of HEIGHTS) {
    const parents = chain.at(-1)?.key ?? [node("before the genesis")];
    const headers = Array.from({ length: height === 0 ? 1 : 1 + (height % 3) }, (_, i) =>
      plainHeader({
        ...{ height, parents, miner: Address.id(1000 + i), ticket: new Uint8Array(96).fill(height * 31 + i * 7) },
        messages: node([tree(height + i, 1), tree(i, 1)]),
        parentStateRoot: tree(height, DEPTH),
        parentMessageReceipts: node(["receipts", height]),
      }),
    );
    const tipset = makeTipset(headers);
    for (const [i, header] of tipset.blocks.entries()) keep(tipset.key[i] as CID, encodeHeader(header));
    chain.push(tipset);
  }
  return { store, chain };
}

async function exported(recentRoots: number, skipOldMessages: boolean): Promise<Uint8Array> {
  const { store, chain } = madeChain();
  const source = {
    blocks: store,
    statesFrom: 0,
    messagesFrom: 0,
    parent: async ({ height }: Tipset) => chain[HEIGHTS.indexOf(height) - 1] ?? null,
  };
  const parts: Uint8Array[] = [];
  for await (const part of exportChain(source, chain.at(-1) as Tipset, { recentRoots, skipOldMessages }))
    parts.push(part);
  return concat(...parts);
}

test.each([
  [100, false, 24043, "e24e28005a2bf33ec03293c1e9a1644964e2d4477fcc4c2e8f520207de4cd533"],
  [3, true, 19916, "08ccb63f1c2402444c9d4b306d3f6367082f5c8e9f87327970924d5232f83661"],
  [0, true, 14678, "600d9b7d465817547582146ba8f769e1f97a39852618c4b3dfbf50a747728c52"],
])("the file is the reference's, byte by byte: states of %i epochs, older messages left out: %s", async (...given) => {
  const [recentRoots, skipOldMessages, bytes, digest] = given;
  const file = await exported(recentRoots, skipOldMessages);
  expect([file.length, toHex(blake2b256(file))]).toEqual([bytes, digest]);
});
