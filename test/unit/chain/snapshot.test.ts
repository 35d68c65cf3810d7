/** Snapshots: what stands in them and in which order, taking them in, and every way in which a file can be wrong. */
import * as dagCbor from "@ipld/dag-cbor";
import * as Digest from "multiformats/hashes/digest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { concat, utf8 } from "../../../src/base/bytes.ts";
import { Chain } from "../../../src/chain/chain.ts";
import { type ExportOptions, exportChain, exportRange } from "../../../src/chain/export.ts";
import { type ImportOptions, importSnapshot } from "../../../src/chain/import.ts";
import { encodeMetadata } from "../../../src/chain/snapshot-format.ts";
import { parseStateName } from "../../../src/chain/states-from.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { carHeader, readCar, writeCar } from "../../../src/storage/car.ts";
import type { Block } from "../../../src/storage/contract.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { type BlockHeader, decodeHeader, encodeHeader } from "../../../src/types/block-header.ts";
import { CID, cidFromBytes, cidOfBlock } from "../../../src/types/cid.ts";
import { gather, sourceOf } from "../../support/bytes-source.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

const ROOTS = 5;
const HEIGHT = 24;

let net: Devnet;
let crypto: Crypto;

beforeAll(async () => {
  crypto = await loadCrypto();
  net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
  for (let i = 0; i < 4; i++) {
    for (const key of ["bls", "secp256k1"] as const)
      await net.request(
        "MpoolPushMessage",
        { From: `${net.accounts[i]?.[key]}`, To: `${net.accounts[0]?.id}`, Value: `${i + 1}` },
        null,
      );
    await net.clock.mine(3);
    await net.clock.skip(2);
  }
});
afterAll(() => net.close());

const exported = (options: Partial<ExportOptions> = {}): Promise<Uint8Array> =>
  gather(exportChain(net.node.chain, net.head, { recentRoots: ROOTS, skipOldMessages: false, ...options }));

const taken = (file: Uint8Array, options: Partial<ImportOptions> = {}, store = new MemoryStore()) =>
  importSnapshot(store, sourceOf(file), { hashes: crypto, ...options });

const headerOf = ({ bytes }: Block): BlockHeader | null => {
  try {
    return decodeHeader(bytes);
  } catch {
    return null;
  }
};

test("format 1: the head as roots, headers down to the genesis, each block once, and after each header what is its", async () => {
  const { roots, blocks } = readCar(await exported());
  expect(roots.map((root) => `${CID.decode(root)}`)).toEqual(net.head.key.map(String));
  expect(new Set(blocks.map(({ cid }) => `${CID.decode(cid)}`)).size).toBe(blocks.length);
  for (const { cid, bytes } of blocks) expect(`${CID.decode(cid)}`).toBe(`${cidOfBlock(bytes)}`);
  const headers = blocks.map(headerOf).filter((one) => one !== null);
  expect(net.head.height).toBe(HEIGHT);
  expect(headers.map(({ height }) => height)).toEqual(
    Array.from({ length: HEIGHT + 1 }, (_, i) => HEIGHT - i).filter(
      (epoch) => ![4, 5, 10, 11, 16, 17, 22, 23].includes(epoch),
    ),
  );
  // The messages of the head, then its state, from the root.
  const names = blocks.map(({ cid }) => `${CID.decode(cid)}`);
  const top = headers[0] as BlockHeader;
  expect(names[0]).toBe(`${net.head.key[0]}`);
  expect(names[1]).toBe(`${top.messages}`);
  expect(names.indexOf(`${top.parentStateRoot}`)).toBeLessThan(names.indexOf(`${net.head.blocks[0]?.parents[0]}`));
  // No receipts: the reference leaves them out. The empty array of receipts is one of messages, too.
  const empty = headers.find(({ parentMessageReceipts }) => !names.includes(`${parentMessageReceipts}`));
  expect(empty).toBeDefined();
  for (const { height, parentStateRoot, messages } of headers) {
    expect(names.includes(`${messages}`)).toBe(true);
    if (height > HEIGHT - ROOTS || height === 0) expect(names).toContain(`${parentStateRoot}`);
    // The first tipset's is the genesis', which is always there.
    if (height > 1 && height <= HEIGHT - ROOTS - 3) expect(names).not.toContain(`${parentStateRoot}`);
  }
});

test("messages of old epochs and receipts are there as asked for; a range holds what is wanted of its epochs", async () => {
  const names = async (file: Promise<Uint8Array>) => readCar(await file).blocks.map(({ cid }) => `${CID.decode(cid)}`);
  const old = (await net.node.chain.tipsetAtOrBefore(1)).blocks[0] as BlockHeader;
  const all = await names(exported());
  const fewer = await names(exported({ skipOldMessages: true }));
  expect(all).toContain(`${old.messages}`);
  expect(fewer).not.toContain(`${old.messages}`);
  const receipts = new Set<string>();
  for (let at = net.head; at.height > HEIGHT - ROOTS; at = await net.node.chain.tipset(at.blocks[0]?.parents ?? []))
    receipts.add(`${at.blocks[0]?.parentMessageReceipts}`);
  for (const root of receipts) expect(await names(exported({ receipts: true }))).toContain(root);
  const above = 18;
  const range = { above, messages: true, receipts: false, stateRoots: false };
  const part = await names(gather(exportRange(net.node.chain, net.head, range)));
  expect(part).not.toContain(`${net.head.blocks[0]?.parentStateRoot}`);
  expect(part).toContain(`${(await net.node.chain.tipsetAtOrBefore(above + 1)).blocks[0]?.messages}`);
  expect(part).toContain(`${(await net.node.chain.genesis()).blocks[0]?.parentStateRoot}`);
  expect(part).toContain(`${(await net.node.chain.genesis()).key[0]}`);
});

test("without old messages, the head can still move down to the lowest state, also of a chain with Ethereum's index", async () => {
  const store = new MemoryStore();
  await taken(await exported({ skipOldMessages: true }), {}, store);
  const chain = await Chain.open({ blocks: store, chainId: 1 });
  const lowest = await chain.tipsetAtOrBefore(chain.statesFrom);
  await chain.setHead(lowest);
  expect(chain.head.height).toBe(HEIGHT - ROOTS);
});

test("of a chain without old messages none are exported, which is said at once; what there is can be", async () => {
  const store = new MemoryStore();
  const { messagesFrom } = await taken(await exported({ skipOldMessages: true }), {}, store);
  const chain = await Chain.open({ blocks: store });
  const refused = { data: { code: "MESSAGES_NOT_KEPT", from: messagesFrom } };
  const options = { recentRoots: ROOTS, skipOldMessages: true };
  expect(() => exportChain(chain, chain.head, { ...options, skipOldMessages: false })).toThrowError(
    `messages are kept from epoch ${messagesFrom} on`,
  );
  const range = { above: 3, messages: true, receipts: false, stateRoots: false };
  await expect((async () => exportRange(chain, chain.head, range))()).rejects.toMatchObject(refused);
  expect(await gather(exportChain(chain, chain.head, options))).toEqual(await exported({ skipOldMessages: true }));
  const within = { ...range, above: messagesFrom - 1 };
  expect(await gather(exportRange(chain, chain.head, within))).toEqual(
    await gather(exportRange(net.node.chain, net.head, within)),
  );
});

test("format 2 begins with its metadata, in the reference's bytes, and ends like format 1", async () => {
  const [one, two] = [await exported(), await exported({ version: 2 })];
  const { roots, blocks } = readCar(two);
  expect(roots).toHaveLength(1);
  const first = blocks[0] as Block;
  expect(CID.decode(roots[0] as Uint8Array).toString()).toBe(CID.decode(first.cid).toString());
  // A map of three in the order of their names' lengths: source lotus chain/store/cbor_gen.go.
  const text = (name: string): Uint8Array => concat(Uint8Array.of(0x60 + name.length), utf8(name));
  const link = concat(Uint8Array.of(0xd8, 0x2a, 0x58, 0x27, 0), (net.head.key[0] as CID).bytes);
  const expected = concat(
    Uint8Array.of(0xa3),
    concat(text("F3Data"), Uint8Array.of(0xf6)),
    concat(text("Version"), Uint8Array.of(2)),
    concat(text("HeadTipsetKey"), Uint8Array.of(0x81), link),
  );
  expect(first.bytes).toEqual(expected);
  const head = carHeader(net.head.key).length;
  expect(two.subarray(two.length - (one.length - head))).toEqual(one.subarray(head));
});

test.each([1, 2] as const)(
  "format %i is taken in: the same chain, which goes on and is found by epoch and message",
  async (version) => {
    const store = new MemoryStore();
    const genesis = (await net.node.chain.genesis()).key[0] as CID;
    const stages = new Set<string>();
    const report = await taken(
      await exported({ version }),
      { genesis, onProgress: ({ stage }) => stages.add(stage) },
      store,
    );
    expect(report).toMatchObject({ version, tipsets: 17, resumedAt: 0, f3: 0, messagesFrom: 0 });
    expect([...stages]).toEqual(["blocks", "headers", "index"]);
    const chain = await Chain.open({ blocks: store });
    expect(chain.head.key.join()).toBe(net.head.key.join());
    expect(chain.statesFrom).toBe(report.statesFrom);
    // States of the tipsets above epoch 19 are in it: of 20, 21 and 24; the lowest is that after 19.
    expect(report.statesFrom).toBe(19);
    for (let epoch = 0; epoch <= HEIGHT; epoch++)
      expect((await chain.tipsetAtOrBefore(epoch)).key.join()).toBe(
        (await net.node.chain.tipsetAtOrBefore(epoch)).key.join(),
      );
    for (const tipset of [await net.node.chain.tipsetAtOrBefore(1), await net.node.chain.tipsetAtOrBefore(7)])
      for (const { message } of await net.node.chain.tipsetMessages(tipset))
        expect((await chain.locate(message))?.key.join()).toBe(tipset.key.join());
    await expect(taken(await exported(), {}, store)).rejects.toMatchObject({ code: "NOT_EMPTY" });
  },
);

test("certificates of F3 are checked and passed over, however long they are", async () => {
  const data = new Uint8Array(9 << 20).fill(7);
  const cid = CID.createV1(0x55, Digest.create(0xb220, crypto.blake2b256(data)));
  const metadata = encodeMetadata({ head: net.head.key, f3: cid });
  const rest = readCar(await exported()).blocks;
  const file = (certificates: Block): Uint8Array => writeCar([metadata.cid], [metadata, certificates, ...rest]);
  const report = await taken(file({ cid: cid.bytes, bytes: data }));
  expect(report).toMatchObject({ version: 2, f3: data.length });
  const changed = data.slice();
  changed[5_000_000] = 1 ^ (data[5_000_000] as number);
  await expect(taken(file({ cid: cid.bytes, bytes: changed }))).rejects.toMatchObject({ code: "WRONG_BYTES" });
  await expect(taken(writeCar([metadata.cid], [metadata, ...rest]))).rejects.toMatchObject({ code: "BAD_METADATA" });
});

test("an import that was ended goes on where it was; of another file it begins anew, and leaves nothing of the first", async () => {
  const store = new MemoryStore();
  const file = await exported();
  const stop = new AbortController();
  await expect(
    taken(file, { signal: stop.signal, onProgress: ({ done }) => done > 0 && stop.abort(new Error("enough")) }, store),
  ).rejects.toThrow("enough");
  await expect(Chain.open({ blocks: store })).rejects.toMatchObject({ code: "IMPORT_UNFINISHED" });
  const again = await taken(file, {}, store);
  expect(again.resumedAt).toBeGreaterThan(0);
  expect((await Chain.open({ blocks: store })).head.height).toBe(HEIGHT);

  // Ended while the index was written, then the chain of an earlier head.
  const other = new MemoryStore();
  const late = new AbortController();
  const ended = taken(
    file,
    { signal: late.signal, onProgress: ({ stage }) => stage === "index" && late.abort(new Error("late")) },
    other,
  );
  // A short chain is written in one go: the end comes before it or not at all.
  await ended.catch(() => undefined);
  if ((await other.metadata("head")) !== undefined) await other.write({ metadata: [["head", null]] });
  const lower = await net.node.chain.tipsetAtOrBefore(9);
  await taken(await gather(exportChain(net.node.chain, lower, { recentRoots: 3, skipOldMessages: false })), {}, other);
  const chain = await Chain.open({ blocks: other });
  expect(chain.head.height).toBe(9);
  expect(await other.metadataWith("height/0000000000000013")).toEqual([]);
  const states = await other.metadataWith("state/");
  expect(Math.max(...states.map(([name]) => parseStateName(name).epoch))).toBeLessThan(9);
  expect((await other.metadataWith("result/")).length).toBeLessThanOrEqual(states.length + 1);
});

test("files that are no whole snapshot are refused by name, and leave no chain", async () => {
  const file = await exported();
  const { roots, blocks } = readCar(file);
  const states = (await net.node.chain.tipsetAtOrBefore(HEIGHT)).blocks[0] as BlockHeader;
  const isNot = (cid: CID) => (block: Block) => !cidFromBytes(block.cid).equals(cid);
  const parent = net.head.blocks[0]?.parents[0] as CID;
  const without = (cid: CID): Uint8Array => writeCar(roots, blocks.filter(isNot(cid)));
  const flipped = file.slice();
  flipped[file.length - 1] = 1 ^ (file[file.length - 1] as number);
  const odd = CID.createV1(0x71, {
    code: 0x1b,
    size: 32,
    digest: new Uint8Array(32),
    bytes: Uint8Array.of(0x1b, 32, ...new Uint8Array(32)),
  });
  const metadata = (version: number): Uint8Array => {
    const bytes = dagCbor.encode({ Version: version, HeadTipsetKey: net.head.key, F3Data: null });
    return writeCar([cidOfBlock(bytes).bytes], [{ cid: cidOfBlock(bytes).bytes, bytes }, ...blocks]);
  };
  const leaf = blocks[blocks.length - 1] as Block;
  const more: Block[] = [];
  const put = (bytes: Uint8Array): CID => {
    const cid = cidOfBlock(bytes);
    more.push({ cid: cid.bytes, bytes });
    return cid;
  };
  const withHead = (fields: Partial<BlockHeader>): Uint8Array => {
    const head = put(encodeHeader({ ...(net.head.blocks[0] as BlockHeader), ...fields }));
    return writeCar([head.bytes], [...blocks, ...more]);
  };
  const listsOf = (list: CID): CID => put(dagCbor.encode([list, list]));
  const full = (links: readonly CID[], values: readonly CID[]) => [Uint8Array.of(255), links, values];
  let node = full([], new Array(8).fill(net.head.key[0]));
  for (let i = 0; i < 20; i++) node = full(new Array(8).fill(put(dagCbor.encode(node))), []);
  const bomb = put(dagCbor.encode([20, 8, node]));
  const faults: readonly (readonly [what: string, file: Uint8Array, code: string])[] = [
    ["cut in a block", file.subarray(0, file.length - 3), "TRUNCATED"],
    ["cut in the header", file.subarray(0, 20), "TRUNCATED"],
    ["cut between blocks", writeCar(roots, blocks.slice(0, -1)), "INCOMPLETE"],
    ["cut after a few blocks", writeCar(roots, blocks.slice(0, 2)), "INCOMPLETE"],
    ["empty", new Uint8Array(0), "TRUNCATED"],
    ["text", utf8("this is no CAR file, whatever its name says. ".repeat(9)), "BAD_CAR"],
    ["compressed", concat(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), file), "COMPRESSED"],
    ["no roots", writeCar([], blocks), "NO_ROOTS"],
    ["only roots", writeCar(roots, []), "BROKEN_CHAIN"],
    ["a changed bit", flipped, "WRONG_BYTES"],
    ["a block of unknown hash", writeCar(roots, [...blocks, { cid: odd.bytes, bytes: utf8("x") }]), "UNKNOWN_HASH"],
    ["a header less", without(parent), "BROKEN_CHAIN"],
    ["the genesis less", without((await net.node.chain.genesis()).key[0] as CID), "BROKEN_CHAIN"],
    ["the newest state less", without(states.parentStateRoot), "INCOMPLETE"],
    ["messages of a recent tipset less", without(states.messages), "INCOMPLETE"],
    ["the head is no header", writeCar([leaf.cid], blocks), "BROKEN_CHAIN"],
    ["metadata of a later version", metadata(3), "BAD_METADATA"],
    ["the head twice", writeCar([...roots, ...roots], blocks), "BROKEN_CHAIN"],
    ["more null rounds than can be", withHead({ height: 2 ** 52 }), "BROKEN_CHAIN"],
    ["a list of messages that counts too few", withHead({ messages: listsOf(bomb) }), "BROKEN_CHAIN"],
  ];
  for (const [what, bytes, code] of faults) {
    const store = new MemoryStore();
    await expect(taken(bytes, {}, store), what).rejects.toMatchObject({ code });
    expect(await store.metadata("head"), what).toBeUndefined();
  }
  const [{ timestamp }] = net.head.blocks as [BlockHeader];
  const clock = { epochSeconds: 3600, now: Number(timestamp) };
  await expect(taken(file, { clock })).resolves.toMatchObject({ version: 1 });
  for (const wrong of [{ now: clock.now - 100_000 }, { epochSeconds: 3599 }])
    await expect(taken(file, { clock: { ...clock, ...wrong } })).rejects.toMatchObject({ code: "BROKEN_CHAIN" });
  const other = cidOfBlock(utf8("another genesis"));
  await expect(taken(file, { genesis: other })).rejects.toMatchObject({ code: "WRONG_GENESIS" });
});
