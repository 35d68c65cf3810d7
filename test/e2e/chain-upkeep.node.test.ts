/** What operators do with the chain of a running node over RPC: reorgs that are told, pruning, snapshots, the index. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { importSnapshot } from "../../src/chain/import.ts";
import { connect, type SocketLike } from "../../src/client.ts";
import { loadCrypto } from "../../src/core/crypto.ts";
import type { Devnet } from "../../src/node/devnet.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { sourceOf } from "../support/bytes-source.ts";
import { startTestNet, type TestNet } from "../support/devnet.ts";
import { until } from "../support/until.ts";

let folder: string;
let net: TestNet;
let devnet: Devnet;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-upkeep-"));
  net = await startTestNet({ blockTime: 3600, data: folder });
  ({ devnet } = net);
  await devnet.clock.mine(8);
});
afterAll(async () => {
  await net.close();
  await rm(folder, { recursive: true });
});

type Link = { readonly "/": string };
const keyOf = async (height: number): Promise<readonly Link[]> =>
  (await devnet.request<{ Cids: Link[] }>("ChainGetTipSetByHeight", height, [])).Cids;

test("ChainNotify tells a reorg: what is reverted from the top, then what is applied from the bottom", async () => {
  const node = connect(net.url.replace("http", "ws"), {
    WebSocket: WebSocket as unknown as new (url: string) => SocketLike,
  });
  const seen: [string, number, string][] = [];
  const changes = await node.ChainNotify((list) => {
    for (const { Type, Val } of list)
      seen.push([Type, Val["Height"] as number, (Val["Cids"] as Link[]).map((cid) => cid["/"]).join()]);
  });
  await until("the current head", () => seen.length === 1);
  const top = devnet.head.height;
  const old = [await keyOf(top - 1), await keyOf(top)].map((key) => key.map((cid) => cid["/"]).join());
  // A fork of two tipsets, the first after null rounds, and back again.
  await node.ChainSetHead(await keyOf(top - 2));
  await devnet.clock.skip(2);
  const fork = devnet.head;
  await node.ChainSetHead(old[1]?.split(",").map((cid) => ({ "/": cid })) as Link[]);
  await until("all changes", () => seen.length >= 7);
  expect(seen.map(([type, height]) => [type, height])).toEqual([
    ["current", top],
    ["revert", top],
    ["revert", top - 1],
    ["apply", fork.height],
    ["revert", fork.height],
    ["apply", top - 1],
    ["apply", top],
  ]);
  expect(seen.slice(5).map(([, , key]) => key)).toEqual(old);
  expect(seen[1]?.[2]).toBe(old[1]);
  changes.stop();
  node.close();
});

test("a snapshot of a range is written beside the data and can be taken in", async () => {
  const [head, tail] = [await keyOf(devnet.head.height), await keyOf(3)];
  const all = {
    WriteBufferSize: 1 << 20,
    NumWorkers: 1,
    IncludeMessages: true,
    IncludeReceipts: true,
    IncludeStateRoots: true,
  };
  await devnet.request("ChainExportRangeInternal", head, tail, all);
  const [name, ...others] = await readdir(path.join(folder, "snapshots"));
  expect(others).toEqual([]);
  expect(name).toMatch(new RegExp(`^snapshot_3_${devnet.head.height}_\\d+\\.car$`));
  const file = new Uint8Array(await readFile(path.join(folder, "snapshots", name as string)));
  const taken = await importSnapshot(new MemoryStore(), sourceOf(file), { hashes: await loadCrypto() });
  expect(taken.head.key.join()).toBe(devnet.head.key.join());
  expect(taken.statesFrom).toBe(3);
  await expect(devnet.request("ChainExportRangeInternal", tail, head, all)).rejects.toThrow(/epoch 3 or below/);
});

test("states are pruned as far as asked, at least a finality stays, and the index is whole", async () => {
  await expect(devnet.request("ChainPrune", { KeepEpochs: 10 })).rejects.toThrow(/1000/);
  await devnet.request("ChainPrune", { RetainState: -1 });
  expect(devnet.node.chain.statesFrom).toBe(0);
  await devnet.clock.skip(1001);
  await devnet.clock.mine(1);
  await devnet.request("ChainPrune", { RetainState: 0 });
  expect(devnet.node.chain.statesFrom).toBe(0);
  await devnet.request("ChainPrune", { MovingGC: false, RetainState: 0, KeepEpochs: 1000 });
  const from = devnet.node.chain.statesFrom;
  expect(from).toBeGreaterThan(5);
  await expect(devnet.request("StateGetActor", "t01", await keyOf(5))).rejects.toThrow(`from epoch ${from} on`);
  await devnet.request("ChainHotGC", { Threshold: 0, Periodic: false, Moving: false });
  const key = await keyOf(5);
  expect(await devnet.request("ChainValidateIndex", 5, false)).toMatchObject({
    Height: 5,
    TipSetKey: key,
    IsNullRound: false,
  });
  expect(await devnet.request("ChainValidateIndex", 500, false)).toMatchObject({ TipSetKey: [], IsNullRound: true });
  await expect(devnet.request("ChainValidateIndex", devnet.head.height, false)).rejects.toThrow(/below the head's/);
});
