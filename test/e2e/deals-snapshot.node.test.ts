/** A deal that was made after a snapshot is gone with it, on both sides, and can be made again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import {
  active,
  clientView,
  DEAL_OPTIONS,
  escrow,
  importFile,
  makeFile,
  providerView,
  reached,
  startDeal,
} from "../support/deals.ts";

let folder: string;
let net: Devnet;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-deals-snapshot-"));
  net = await Devnet.open({ ...DEAL_OPTIONS });
});
afterAll(async () => {
  await net.close();
  await rm(folder, { recursive: true });
});

test("back at a snapshot there is no deal and nothing is locked; the same deal is made again", async () => {
  await makeFile(path.join(folder, "one"), 400);
  const root = await importFile(net, path.join(folder, "one"));
  const client = net.accounts[1]?.secp256k1.toString("t") as string;
  const wallet = (): Promise<string> => net.request<string>("WalletBalance", client);
  const before = await wallet();
  const { id } = await net.snapshots.take();
  const wanted = { StartEpoch: net.head.height + 800 };
  const at = net.head.height;
  const deal = await startDeal(net, root, wanted);
  const proposal = (await clientView(net, deal))["Proposal"];
  await active(net, deal);

  await net.snapshots.revert(id);
  expect([await wallet(), await escrow(net, client)]).toEqual([before, { escrow: 0n, locked: 0n }]);
  await expect(clientView(net, deal)).rejects.toThrow(/there is no deal/);
  expect(await net.request("MarketListIncompleteDeals")).toEqual([]);

  expect(net.head.height).toBe(at);
  const again = await startDeal(net, root, wanted);
  expect([(await clientView(net, again))["Proposal"], again]).toEqual([proposal, deal]);
  const { client: bought } = await active(net, deal);
  expect(bought).toMatchObject({ State: "Active", DealId: 0, Error: "" });
  expect((await escrow(net, client)).locked).toBeGreaterThan(0n);
});

test("back at a snapshot a deal that waited to be published has its data, and becomes active again", async () => {
  const { provider } = net.deals;
  if (provider === null) throw new Error("no provider");
  await provider.setRules({ ...provider.rules, publishDelayMs: 3_600_000 });
  await makeFile(path.join(folder, "two"), 500);
  const deal = await startDeal(net, await importFile(net, path.join(folder, "two")));
  const waits = () => reached(() => providerView(net, deal), "Publishing");
  await waits();
  const { id } = await net.snapshots.take();
  for (const isFirst of [true, false]) {
    await waits();
    provider.publishNow();
    expect((await active(net, deal)).provider["Error"]).toBe("");
    if (isFirst) await net.snapshots.revert(id);
  }
});
