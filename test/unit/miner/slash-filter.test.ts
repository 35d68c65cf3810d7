/** What a node's own miners may sign: never what they would be punished for, also after a restart. */
import { expect, test } from "vitest";
import { faultBetween } from "../../../src/consensus/consensus-fault.ts";
import { SlashFilter } from "../../../src/miner/slash-filter.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { type BlockHeader, headerCid, makeTipset } from "../../../src/types/block-header.ts";
import { plainMessage } from "../../support/header-tree.ts";
import { cidNumber, plainChain, plainHeader } from "../../support/headers.ts";

const chain = plainChain([0, 1, 2, 3], 2);
const at = (height: number) => chain[height] as (typeof chain)[number];
const miner = Address.id(1000);
const block = (height: number, parent: ReturnType<typeof at>, over: Partial<BlockHeader> = {}) =>
  plainHeader({ miner, height, parents: parent.key, blockSig: null, ...over });

const allow = (filter: SlashFilter, header: BlockHeader, parent: ReturnType<typeof at>) =>
  filter.sign(header, parent, () => ({ header, messages: { bls: [], secp: [] } }));

test("one block an epoch: the same bytes again, nothing else, also by another filter on the same facts", async () => {
  const store = new MemoryStore();
  const filter = await SlashFilter.open(store);
  const first = block(4, at(3));
  await allow(filter, first, at(3));
  await allow(filter, first, at(3));
  const second = block(4, at(2), { messages: cidNumber(9) });
  const fault = { code: "WOULD_BE_FAULT", data: { kind: "double-fork mining", epoch: 4 } };
  await expect(allow(filter, second, at(2))).rejects.toMatchObject(fault);
  const again = await SlashFilter.open(store);
  await allow(again, first, at(3));
  await expect(allow(again, second, at(2))).rejects.toMatchObject(fault);
  expect([again.hasSigned(miner, 4), again.hasSigned(miner, 5), again.hasSigned(Address.id(1001), 4)]).toEqual([
    true,
    false,
    false,
  ]);
  await allow(again, block(4, at(2), { miner: Address.id(1001) }), at(2));
});

test("one block on the same parents, whatever epoch it is of", async () => {
  const filter = await SlashFilter.open(new MemoryStore());
  await allow(filter, block(4, at(3)), at(3));
  await expect(allow(filter, block(6, at(3)), at(3))).rejects.toMatchObject({ data: { kind: "time-offset mining" } });
});

test("an own block is not left out where a sibling of it is a parent", async () => {
  const filter = await SlashFilter.open(new MemoryStore());
  const own = block(4, at(3));
  await allow(filter, own, at(3));
  const signed = { ...own, blockSig: { type: 2 as const, data: new Uint8Array(96).fill(1) } };
  const sibling = plainHeader({ miner: Address.id(1001), height: 4, parents: at(3).key });
  const without = makeTipset([sibling]);
  const offence = block(5, without);
  await expect(allow(filter, offence, without)).rejects.toMatchObject({ data: { kind: "parent-grinding" } });
  // It is what the network punishes.
  expect(faultBetween(signed, offence, sibling)?.kind).toBe("parent-grinding");
  const both = makeTipset([signed, sibling]);
  await allow(filter, block(5, both), both);
});

test("a fork on which an own block never stood may be built on", async () => {
  const filter = await SlashFilter.open(new MemoryStore());
  await allow(filter, block(4, at(3)), at(3));
  const elsewhere = makeTipset([plainHeader({ miner: Address.id(1001), height: 4, parents: at(2).key })]);
  await allow(filter, block(5, elsewhere), elsewhere);
});

test("of two that ask at once one is refused, and what cannot be kept is not allowed", async () => {
  const store = new MemoryStore();
  const filter = await SlashFilter.open(store);
  const asked = [block(4, at(3)), block(4, at(3), { messages: cidNumber(9) })].map((one) => allow(filter, one, at(3)));
  expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  const full = {
    metadataWith: (prefix: string) => store.metadataWith(prefix),
    write: () => Promise.reject(new Error("disk full")),
  };
  const failing = await SlashFilter.open(full);
  await expect(allow(failing, block(5, at(2)), at(2))).rejects.toThrow("disk full");
  expect(failing.hasSigned(miner, 5)).toBe(false);
});

test("what was signed is kept in one write with its note, and found again until it was handed on", async () => {
  const store = new MemoryStore();
  const writes: string[][] = [];
  const seen = {
    metadataWith: (prefix: string) => store.metadataWith(prefix),
    write: (...args: Parameters<MemoryStore["write"]>) => {
      writes.push((args[0].metadata ?? []).map(([name]) => name));
      return store.write(...args);
    },
  };
  const filter = await SlashFilter.open(seen);
  const blockSig = { type: 2 as const, data: new Uint8Array(96).fill(1) };
  const bls = plainMessage(0, 7);
  const secp = { message: plainMessage(0, 8), signature: { type: 1 as const, data: new Uint8Array(65) } };
  const unsigned = block(4, at(3));
  const signed = { header: { ...unsigned, blockSig }, messages: { bls: [bls], secp: [secp] } };
  expect(await filter.sign(unsigned, at(3), () => signed)).toBe(signed);
  expect(writes).toEqual([[`slash/${miner}/0000000000000004`, `signed/${miner}/0000000000000004`]]);
  const [kept] = (await SlashFilter.open(store)).unsettled([miner, Address.id(1001)]);
  expect(headerCid(kept?.header as BlockHeader)).toEqual(headerCid(signed.header));
  expect(kept?.messages).toEqual(signed.messages);
  expect((await SlashFilter.open(store)).unsettled([Address.id(1001)])).toEqual([]);

  filter.settle(signed.header);
  expect(filter.unsettled([miner])).toEqual([]);
  await allow(filter, block(5, at(2)), at(2));
  expect((await SlashFilter.open(store)).unsettled([miner]).map(({ header }) => header.height)).toEqual([5]);
});

test("what would be a fault is not even signed, and few blocks wait", async () => {
  const store = new MemoryStore();
  const filter = await SlashFilter.open(store);
  await allow(filter, block(4, at(3)), at(3));
  const never = (): never => {
    throw new Error("signed");
  };
  await expect(filter.sign(block(6, at(3)), at(3), never)).rejects.toMatchObject({ code: "WOULD_BE_FAULT" });
  for (let height = 10; height < 40; height++)
    await allow(filter, block(height, at(3), { parents: [cidNumber(height)] }), at(3));
  const heights = (await SlashFilter.open(store)).unsettled([miner]).map(({ header }) => header.height);
  expect(heights).toEqual(Array.from({ length: 16 }, (_, i) => 24 + i));
  expect(filter.unsettled([miner]).map(({ header }) => header.height)).toEqual(heights);
});

test("facts older than anything punished are forgotten: by the chain, not by an epoch that somebody names; nothing is claimed of their blocks", async () => {
  const store = new MemoryStore();
  const filter = await SlashFilter.open(store);
  const signed: BlockHeader[] = [];
  for (const [height, below] of [
    [10, 9],
    [1000, 999],
    [1811, 1810],
    [90_000, 1811],
  ] as const) {
    const header = block(height, at(3), { parents: [cidNumber(height)] });
    signed.push(header);
    await allow(filter, header, { ...at(3), height: below });
  }
  expect((await store.metadataWith("slash/")).map(([name]) => Number(name.split("/")[2]))).toEqual([
    1000, 1811, 90_000,
  ]);
  // A late one, or a head that goes far back, is nobody else's.
  expect(signed.map((header) => [filter.isOwn(header), filter.isForeign(header)])).toEqual([
    [false, false],
    [true, false],
    [true, false],
    [true, false],
  ]);
  expect(filter.isForeign(block(1812, at(3)))).toBe(true);
  expect((await SlashFilter.open(store)).isForeign(block(10, at(3)))).toBe(true);
});
