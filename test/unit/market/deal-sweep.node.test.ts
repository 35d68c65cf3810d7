/** Data that stayed for as long as one could go back to before its deal's end goes at the first start after that; nothing else does. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { carOfBlocks } from "../../../src/market/data/car-out.ts";
import { PayloadIndex } from "../../../src/market/storage/payload-index.ts";
import { cidFromBytes } from "../../../src/types/cid.ts";
import { FakeMarket, MINER, rootOf } from "../../support/market-chain.ts";
import { type MarketNode, newDisk, openNode, settle } from "../../support/market-node.ts";

const crypto = await loadCrypto();
const WANTED = { root: rootOf(1), miner: MINER, peer: null, duration: 518_400, price: 500n, startEpoch: 2000 };

/** Files that the provider holds once a deal is active and its node was closed. */
async function activeDeal(market: FakeMarket, disk: ReturnType<typeof newDisk>): Promise<string> {
  const node: MarketNode = await openNode(market, disk, { mayGoBack: () => true });
  await node.client.deal({ ...WANTED, wallet: market.client });
  for (let i = 0; i < 300 && node.provider.list()[0]?.state !== "Active"; i++) {
    await settle();
    market.mine();
  }
  const [deal] = node.provider.list();
  expect([deal?.state, deal?.error]).toEqual(["Active", ""]);
  await node.stop();
  return deal?.id as string;
}

test("files of deals that need none go when nothing can be gone back to", async () => {
  const market = new FakeMarket(crypto);
  const disk = newDisk();
  const { files } = disk.files;
  const id = await activeDeal(market, disk);
  expect([...files.keys()]).toEqual([id]);

  // One that was made and taken back; one of a record that this version cannot read; what is no deal's at all.
  const [takenBack, ofLater, stuck] = [2, 3, 4].map((n) => `${rootOf(n)}`) as [string, string, string];
  const foreign = ["read me.txt", "notes", "backup", `${takenBack}.bak`];
  for (const name of [takenBack, ofLater, ...foreign]) files.set(name, Uint8Array.of(1));
  await disk.store.write({ metadata: [[`deals/provider/deal/${ofLater}`, Uint8Array.of(0xff)]] });
  const bytes = utf8("a block");
  const cid = cidFromBytes(Uint8Array.of(1, 0x55, 0x12, 32, ...crypto.sha256(bytes)));
  const index = new PayloadIndex({
    store: disk.store,
    hashes: crypto,
    read: async () => null,
    isHere: async () => false,
  });
  const parts: Uint8Array[] = [];
  for await (const part of carOfBlocks(
    cid,
    (async function* () {
      yield { cid, bytes };
    })(),
  ))
    parts.push(part);
  const car = Uint8Array.from(parts.flatMap((part) => [...part]));
  const source = { size: car.length, read: async (from: number, length: number) => car.slice(from, from + length) };
  const { signal } = new AbortController();
  expect(await index.add(id, source, signal)).toEqual({ blocks: 1, why: null });
  await (await openNode(market, disk, { mayGoBack: () => true })).stop();
  expect([...files.keys()]).toEqual([id, takenBack, ofLater, ...foreign]);

  // One that cannot be removed, as a folder of that name, keeps no node from starting.
  files.set(stuck, Uint8Array.of(1));
  const remove = disk.files.remove.bind(disk.files);
  disk.files.remove = (name) => (name === stuck ? Promise.reject(new Error("EISDIR")) : remove(name));
  const node = await openNode(market, disk);
  expect([...files.keys()]).toEqual([ofLater, ...foreign, stuck]);
  // An active deal's blocks can still be had, out of its sector.
  expect(await index.hasBlocksOf(id)).toBe(true);
  await node.stop();

  // Over while one could go back: its blocks can be had by nobody, and what was noted of them stays as long.
  const key = `deals/provider/deal/${id}`;
  const record = dagCbor.decode((await disk.store.metadata(key)) as Uint8Array) as object;
  await disk.store.write({ metadata: [[key, dagCbor.encode({ ...record, state: "Expired" })]] });
  await (await openNode(market, disk, { mayGoBack: () => true })).stop();
  expect(await index.hasBlocksOf(id)).toBe(true);
  await (await openNode(market, disk)).stop();
  expect(await index.hasBlocksOf(id)).toBe(false);
});

test("a deal whose data waits for its sector keeps it", async () => {
  const market = new FakeMarket(crypto);
  const disk = newDisk();
  let node = await openNode(market, disk);
  await node.client.deal({ ...WANTED, wallet: market.client });
  for (let i = 0; i < 300 && disk.files.files.size === 0; i++) {
    await settle();
    market.mine();
  }
  await node.stop();
  const names = [...disk.files.files.keys()];
  expect(names).toHaveLength(1);
  node = await openNode(market, disk);
  expect([...disk.files.files.keys()]).toEqual(names);
  await node.stop();
});
