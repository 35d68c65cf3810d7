/**
 * Storage deals of a network on disk: from a file to a proven sector, through an end of the network; data brought by hand;
 * and deals that are refused or fail, with what becomes of their funds.
 */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkState } from "../../src/core/state-check.ts";
import { retrievalChain } from "../../src/market/retrieval/chain-access.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { parseCid } from "../../src/types/cid.ts";
import {
  active,
  clientView,
  DEAL_OPTIONS,
  escrow,
  importFile,
  type Link,
  makeFile,
  providerView,
  reached,
  spentBy,
  startDeal,
} from "../support/deals.ts";
import { until } from "../support/until.ts";

const DURATION = 518_400n;
let folder: string;
let data: string;
let net: Devnet;
let client: string;
let root: Link;
const start = { client: 0n };

const open = async (): Promise<void> => {
  net = await Devnet.open({ ...DEAL_OPTIONS, data });
  client = net.accounts[1]?.secp256k1.toString("t") as string;
};
const ask = <T>(method: string, ...params: readonly unknown[]): Promise<T> => net.request<T>(method, ...params);
const wallet = async (): Promise<bigint> => BigInt(await ask<string>("WalletBalance", client));

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-deals-"));
  data = path.join(folder, "net");
  await makeFile(path.join(folder, "one"), 700);
  await makeFile(path.join(folder, "two"), 300);
  await open();
  start.client = await wallet();
});
afterAll(async () => {
  await net.close();
  await rm(folder, { recursive: true });
});

test("a file is stored: funds, data, publishing, sector; the network stops meanwhile, and the sums are right", async () => {
  root = await importFile(net, path.join(folder, "one"));
  const price = await ask<{ Price: string }>("ClientQueryAsk", "", net.miner.toString("t"));
  expect(price).toMatchObject({ Price: "500000000", MinPieceSize: 128, MaxPieceSize: 2048 });
  const deal = await startDeal(net, root);
  // Wherever it is by now, the next start goes on from there.
  await reached(() => clientView(net, deal), "Waiting");
  await net.close();
  await open();
  const { client: bought, provider: sold } = await active(net, deal);
  expect(bought).toMatchObject({ DealId: 0, Error: "", Activated: sold["Activated"], Slashed: null });
  expect(sold).toMatchObject({ DealId: 0, Sector: 1, Error: "", PublishMessage: bought["PublishMessage"] });
  expect(sold["Log"].map(({ Event }: { Event: string }) => Event)).toEqual(
    expect.arrayContaining(["transferred", "verified", "funded", "sent", "published", "placed", "activated"]),
  );
  // Of 1 KiB at 500,000,000 for a GiB: rounded down.
  const perEpoch = BigInt(bought["Proposal"].StoragePricePerEpoch);
  expect([bought["Proposal"].PieceSize, perEpoch]).toEqual([1024, (500_000_000n * 1024n) >> 30n]);
  const total = perEpoch * DURATION;
  expect(await escrow(net, client)).toEqual({ escrow: total, locked: total });
  const { fees, sent } = await spentBy(net, client);
  expect(sent).toBe(total);
  expect(await wallet()).toBe(start.client - total - fees);
  const collateral = BigInt(bought["Proposal"].ProviderCollateral);
  expect(await escrow(net, net.miner.toString("t"))).toEqual({ escrow: collateral, locked: collateral });
  for (const one of [client, net.miner.toString("t")]) expect(await ask("MarketGetReserved", one)).toBe("0");
  // The chain knows the sector by the deal, and the data has left its waiting room.
  const status = await ask<Record<string, unknown>>("SectorsStatus", 1, true);
  expect(status["Deals"]).toEqual([0]);
  expect(await readdir(path.join(data, "deals"))).toEqual([]);
  const info = await ask<Record<string, unknown>>("ClientGetDealInfo", deal);
  expect(info).toMatchObject({ State: 7, DealID: 0, PieceCID: bought["Proposal"].PieceCID, Verified: false });
  expect(await ask("ClientGetDealStatus", info["State"])).toBe("StorageDealActive");
  // The provider shows that the piece is in its sector, as the chain knows that.
  const shown = await ask<Record<string, unknown>>("Filigree.ClientVerifyDeal", deal);
  expect(shown).toMatchObject({ Sector: 1, Offset: 0, SectorBytes: 2048 });
  expect(shown["CommD"]).toEqual(status["CommD"]);
  expect(await ask("MarketListIncompleteDeals")).toMatchObject([{ ProposalCid: deal, State: 7, SectorNumber: 1 }]);
  const { chain, states } = net.node;
  // Whoever looks for the data finds its miner by the chain.
  const { minersOf, placesOf } = retrievalChain(states);
  const { signal } = new AbortController();
  expect((await minersOf(parseCid(root["/"]), signal)).map(String)).toEqual([`${net.miner}`]);
  expect(await minersOf(parseCid(bought["Proposal"].PieceCID["/"]), signal)).toEqual([]);
  await expect(placesOf(net.miner)).rejects.toThrow(/names no peer on the chain/);
  const { Proposal } = bought;
  expect(await ask("Filigree.RetrievalProviders", root)).toMatchObject([
    { KnownBy: "chain", Miner: `${net.miner.toString("t")}`, ID: "" },
  ]);
  await net.serve();
  expect(await ask("Filigree.RetrievalProviders", root)).toMatchObject([
    { KnownBy: "here", Miner: net.miner.toString("t"), Deal: { ProposalCid: deal, PieceCID: Proposal.PieceCID } },
  ]);
  for (const block of [null, root])
    expect(await ask("Filigree.ProviderIndex", block)).toEqual([{ Proposal: deal, Blocks: 1 }]);
  expect(await ask("Filigree.ProviderIndex", deal)).toEqual([]);
  const { stateRoot } = await states.result(net.head);
  expect((await checkState(stateRoot, net.head.height, chain.blocks, { profile: "devnet" })).complaints).toEqual([]);
}, 120_000);

test("what is refused fails at the client with the field, the limit and what was offered; its funds are free again", async () => {
  const before = await escrow(net, client);
  const failed = async (more: Record<string, unknown>): Promise<string> => {
    const deal = await startDeal(net, root, more);
    return (await reached(() => clientView(net, deal), "Failed"))["Error"];
  };
  expect(await failed({ Price: "7" })).toBe(
    "the deal is refused: price: at least 476 attoFIL an epoch, as the ask says; 7 attoFIL was offered",
  );
  const rules = await ask<Record<string, unknown>>("Filigree.ProviderRules");
  await ask("Filigree.ProviderSetRules", { ...rules, DeniedClients: [client] });
  expect(await failed({ Price: "501" })).toMatch(/client: none of the denied list/);
  await ask("Filigree.ProviderSetRules", rules);
  for (const kind of ["Online", "Offline", "Verified", "Unverified"]) {
    await ask(`DealsSetConsider${kind}StorageDeals`, false);
    expect(await ask(`DealsConsider${kind}StorageDeals`)).toBe(false);
  }
  await ask("DealsSetPieceCidBlocklist", []);
  await ask("Filigree.ProviderSetRules", rules);
  expect(await ask("DealsConsiderOnlineStorageDeals")).toBe(true);
  await expect(ask("Filigree.ProviderSetRules", { ...rules, MinDuration: 7 })).rejects.toThrow(/MinDuration/);
  await ask("MarketSetAsk", "1000000000", "1", 1000, 128, 512);
  expect(await ask("MarketGetAsk")).toMatchObject({ Ask: { Price: "1000000000", SeqNo: 1, MaxPieceSize: 512 } });
  // A piece of 1024: no deal is made, and nothing goes into escrow for it.
  for (const Price of [null, "7"])
    await expect(startDeal(net, root, { Price, MaxPrice: "1000" })).rejects.toThrow(
      /a piece of 1024 bytes, and the provider takes pieces of 128 to 512 bytes; nothing was paid/,
    );
  await expect(ask("MarketSetAsk", "1", "1", 1000, 128, 4096)).rejects.toThrow(/does not fit a sector of 2048/);
  expect(await ask("MarketPendingDeals")).toMatchObject({ Deals: [] });
  await ask("MarketPublishPendingDeals");
  expect(await ask("MarketGetReserved", client)).toBe("0");
  const now = await escrow(net, client);
  expect(now.locked).toBe(before.locked);
  // What was put in for them is there still, and can be taken out.
  const free = now.escrow - now.locked;
  expect(free).toBeGreaterThan(0n);
  await ask("MarketWithdraw", client, client, free.toString());
  await net.clock.mine(2);
  expect(await escrow(net, client)).toEqual({ escrow: now.locked, locked: now.locked });
}, 120_000);

test("a price above the limit makes no deal and is named; a deal is renewed from its end on, at most at its price", async () => {
  await ask("MarketSetAsk", "500000000", "1", 100_000, 128, 2048);
  const wanted = {
    Root: root,
    Wallet: client,
    Miner: net.miner.toString("t"),
    Duration: Number(DURATION),
    Price: null,
  };
  const more = { StartEpoch: null, Collateral: null };
  const count = async () => (await ask<unknown[]>("Filigree.ClientDeals")).length;
  const before = await count();
  await expect(ask("Filigree.ClientDeal", { ...wanted, ...more, MaxPrice: "475" })).rejects.toThrow(
    /asks 476 attoFIL an epoch, 246,?758,?400 attoFIL in all, and 475 attoFIL an epoch may be spent/,
  );
  expect(await count()).toBe(before);
  const [first] = await ask<{ ProposalCid: Link; Proposal: Record<string, unknown> }[]>("Filigree.ClientDeals");
  const old = first as NonNullable<typeof first>;
  await expect(ask("Filigree.ClientRenewDeal", old.ProposalCid, { MaxPrice: "1" })).rejects.toThrow(/may be spent/);
  const renewed = await ask<Link>("Filigree.ClientRenewDeal", old.ProposalCid);
  const { Proposal } = await clientView(net, renewed);
  const { StartEpoch, EndEpoch, ProviderCollateral, ...same } = old.Proposal;
  expect(Number(ProviderCollateral)).toBeGreaterThan(0);
  expect(StartEpoch).toBeLessThan(EndEpoch as number);
  expect(Proposal).toMatchObject({ ...same, StartEpoch: EndEpoch, EndEpoch: Number(EndEpoch) + Number(DURATION) });
  // One that begins in half a year no provider takes by its rules.
  expect((await reached(() => clientView(net, renewed), "Failed"))["Error"]).toMatch(/startEpoch/);
});

test("the same file once more is another deal; data that is brought by hand must be the deal's", async () => {
  const second = await importFile(net, path.join(folder, "two"));
  const deal = await startDeal(net, second, { Offline: true, Price: "100000" });
  await reached(() => providerView(net, deal), "WaitingForData");
  await expect(ask("MarketImportDealData", deal, path.join(folder, "nothing"))).rejects.toThrow(/there is no file/);
  await writeFile(path.join(folder, "large"), new Uint8Array(600));
  await expect(ask("MarketImportDealData", deal, path.join(folder, "large"))).rejects.toThrow(/room for 1 to 508/);
  await writeFile(path.join(folder, "wrong"), new Uint8Array(400));
  await ask("MarketImportDealData", deal, path.join(folder, "wrong"));
  const refused = await reached(() => providerView(net, deal), "WaitingForData");
  expect(refused["Error"]).toMatch(/another than the deal's/);
  const car = path.join(folder, "two.car");
  await ask("ClientDealPieceCID", second, car);
  await ask("MarketImportDealData", deal, car);
  await until("the data to be the deal's", async () => {
    const { State, Received } = await providerView(net, deal);
    return !["WaitingForData", "Verifying", "Failed"].includes(State) && Received > 0;
  });
  await expect(ask("MarketImportDealData", deal, car)).rejects.toThrow(/is in state \w+: it waits for no data/);
}, 120_000);

test("a raw piece: the file's own bytes are sealed, and come back by their piece, whole and in ranges, without their client", async () => {
  const bytes = await makeFile(path.join(folder, "raw"), 500);
  const { Root, ImportID } = await ask<{ Root: Link; ImportID: number }>("ClientImport", {
    Path: path.join(folder, "raw"),
  });
  // The file is the piece: as whoever commits to its bytes finds.
  const { Root: cid } = await ask<{ Root: Link }>("ClientCalcCommP", path.join(folder, "raw"));
  expect(await ask("Filigree.ClientRawPieceCID", Root)).toEqual({ PayloadSize: 500, PieceSize: 512, PieceCID: cid });
  const wanted = { Root, Wallet: client, Miner: net.miner.toString("t"), Duration: Number(DURATION), Raw: true };
  const more = { Price: null, MaxPrice: "1000", StartEpoch: net.head.height + 700, Collateral: null };
  await expect(ask("Filigree.ClientDeal", { ...wanted, ...more, Root: root, Transfer: "graphsync" })).rejects.toThrow(
    /no raw piece/,
  );
  const deal = await ask<Link>("Filigree.ClientDeal", { ...wanted, ...more });
  const { provider: sold } = await active(net, deal);
  expect(sold["Proposal"]).toMatchObject({ PieceCID: cid, PieceSize: 512, Label: cid["/"] });
  await ask("ClientRemoveImport", ImportID);
  const { url } = await net.serve();
  const get = (range: Record<string, string>) => fetch(new URL(`/piece/${cid["/"]}`, url), { headers: range });
  const whole = await get({});
  expect(whole.headers.get("content-type")).toBe("application/octet-stream");
  expect(new Uint8Array(await whole.arrayBuffer())).toEqual(bytes);
  const part = await get({ range: "bytes=123-321" });
  expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 123-321/500"]);
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.subarray(123, 322));
}, 120_000);
