/** What a retrieval sets aside and pays, and what both sides know of it when the process ends at any moment. */
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { fromUtf8 } from "../../../src/base/bytes.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import type { RetrievalOrder } from "../../../src/market/retrieval/client.ts";
import type { Terms } from "../../../src/market/retrieval/messages.ts";
import { nextReserve } from "../../../src/market/retrieval/reserves.ts";
import type { CID } from "../../../src/types/cid.ts";
import {
  closeRetrievalNodes,
  importFile,
  makeMarket,
  openRetrievalNode,
  type RetrievalNode,
} from "../../support/retrieval-nodes.ts";
import { until } from "../../support/until.ts";

const TERMS: Terms = { pricePerByte: 3n, paymentInterval: 400_000, paymentIntervalIncrease: 0, unsealPrice: 1000n };
const FILE_BYTES = 3_000_000;
let crypto: Crypto;
let client: RetrievalNode;
let provider: RetrievalNode;
let root: CID;
let price: bigint;
const nodes: RetrievalNode[] = [];

beforeAll(async () => {
  crypto = await loadCrypto();
});

beforeEach(async () => {
  nodes.push(await openRetrievalNode(crypto, 1), await openRetrievalNode(crypto, 2));
  [client, provider] = nodes as [RetrievalNode, RetrievalNode];
  client.chain.others.push(provider.chain);
  root = await importFile(provider, FILE_BYTES);
  await provider.market.setAsk(TERMS);
  const { size } = await client.market.query(provider.host.address, root, null, new AbortController().signal);
  price = TERMS.unsealPrice + TERMS.pricePerByte * BigInt(size);
});

afterEach(() => closeRetrievalNodes(nodes));

const order = (more: Partial<RetrievalOrder> = {}): RetrievalOrder => ({
  ...{ root, providers: [provider.host.address], maxPrice: 10n ** 9n, from: client.chain.foreign(1) },
  ...{ signal: new AbortController().signal, ...more },
});
const pair = () => [client.chain.foreign(1), client.chain.foreign(2)] as const;
const funds = () => client.channels.availableFundsOf(...pair());

/** What every batch of a node's store wrote, record by record. */
function watch(node: RetrievalNode): Map<string, unknown>[] {
  const batches: Map<string, unknown>[] = [];
  const write = node.kept.write.bind(node.kept);
  node.kept.write = (batch) => {
    const records = (batch.metadata ?? []).map(
      ([name, value]) => [name.split("/").slice(0, 2).join("/"), value && JSON.parse(fromUtf8(value))] as const,
    );
    batches.push(new Map(records));
    return write(batch);
  };
  return batches;
}

test("a voucher and what it changes of the deal are one write, on both sides", async () => {
  const [paying, paid] = [watch(client), watch(provider)];
  expect(await client.market.retrieve(order())).toMatchObject({ paid: price });
  await until("the provider knows", () => provider.market.book.given()[0]?.state === "completed");
  const amounts = (batches: Map<string, unknown>[], record: string, field: string): string[] => {
    const own = batches.filter((records) => records.has("paych/voucher"));
    return own.map((records) => (records.get(record) as Record<string, string> | undefined)?.[field] ?? "none");
  };
  const payments = amounts(paying, "retrieval/taken", "paid");
  expect(payments.length).toBeGreaterThan(3);
  expect(payments.at(-1)).toBe(`${price}`);
  expect(amounts(paid, "retrieval/given", "received")).toEqual(payments);
  // So are the message that sets the amount aside, and that the deal waits for it.
  const sent = paying.find((records) => (records.get("paych/message") as { errand?: string })?.errand === "create");
  expect(sent?.get("retrieval/taken")).toMatchObject({ pending: { amount: `${price}` } });
  await client.channels.get(...pair(), price, { reserve: false, offChain: false });
  await until("it is there", async () => (await funds()).available === price);
  const before = paying.length;
  await client.market.retrieve(order({ root: await importFile(provider, FILE_BYTES - 1) }));
  const free = paying.slice(before).find((records) => records.has("paych/channel"));
  expect(free?.get("retrieval/taken")).toMatchObject({ pending: null, reserved: expect.stringMatching(/^[1-9]/) });
});

test("all at once by default; by steps as the order says; what is left is free for the next one", async () => {
  expect(await client.market.retrieve(order())).toMatchObject({ paid: price });
  expect(client.chain.sent.map(({ draft }) => draft.value)).toEqual([price]);
  expect(await funds()).toMatchObject({ confirmed: price, available: 0n, redeemed: price });
  await closeRetrievalNodes(nodes);

  nodes.push(await openRetrievalNode(crypto, 1), await openRetrievalNode(crypto, 2));
  [client, provider] = nodes as [RetrievalNode, RetrievalNode];
  client.chain.others.push(provider.chain);
  await importFile(provider, FILE_BYTES);
  await provider.market.setAsk(TERMS);
  const stop = new AbortController();
  const step = 5_000_000n;
  const broken = order({
    ...{ fundStep: step, signal: stop.signal },
    onProgress: ({ bytes }) => bytes > 1_200_000 && stop.abort(new Error("enough")),
  });
  await expect(client.market.retrieve(broken)).rejects.toThrow("enough");
  const [deal] = client.market.book.taken();
  expect(client.chain.sent.map(({ draft }) => draft.value)).toEqual([step]);
  expect(deal).toMatchObject({ state: "failed", reserved: deal?.paid });
  const left = step - (deal?.paid ?? 0n);
  expect(left).toBeGreaterThan(0n);
  expect((await funds()).available).toBe(left);
  // The rest of the file is paid from that first.
  const { paid } = await client.market.retrieve(order({ fundStep: step }));
  const put = client.chain.sent.reduce((sum, { draft }) => sum + draft.value, 0n);
  expect(put).toBe((await funds()).confirmed);
  expect((await funds()).available).toBe(put - paid - (deal?.paid ?? 0n));
  expect(put - paid - (deal?.paid ?? 0n)).toBeLessThan(step);
});

test("what a process that ended had set aside is free when the next one has begun", async () => {
  await client.market.retrieve(order({ fundStep: null }));
  const [deal] = client.market.book.taken();
  if (deal === undefined) throw new Error("no deal");
  // As it stands after an end in the middle: some set aside, some on its way.
  const { message } = await client.channels.get(...pair(), 700n, { reserve: true, offChain: false });
  await client.channels.waitReady(message as CID);
  const more = await client.channels.get(...pair(), 300n, { reserve: true, offChain: false });
  const reserved = deal.paid + 700n;
  const pending = { message: `${more.message}`, amount: 300n };
  await client.market.book.putTaken({ ...deal, state: "ongoing", reserved, pending });
  // What goes on under no number of a retrieval that was begun has not failed.
  await expect(client.market.wait(deal.id, new AbortController().signal)).rejects.toMatchObject({ code: "UNKNOWN" });
  await client.market.stop();
  expect((await funds()).available).toBe(0n);
  client.market = makeMarket(client, client.chain.foreign(1));
  await client.market.start();
  await until("all of it is free", () => client.market.book.takenOf(deal.id)?.reserved === deal.paid);
  expect(client.market.book.takenOf(deal.id)).toMatchObject({ state: "failed", pending: null });
  expect((await funds()).available).toBe(1000n);
});

test("how much is set aside next", () => {
  // reserved, due in all, expected, step, limit
  expect(nextReserve(0n, 10n, 100n, null, 200n)).toBe(100n);
  expect(nextReserve(0n, 10n, 100n, 30n, 200n)).toBe(30n);
  expect(nextReserve(30n, 50n, 100n, 30n, 200n)).toBe(30n);
  expect(nextReserve(30n, 90n, 100n, 30n, 200n)).toBe(60n);
  expect(nextReserve(90n, 95n, 100n, 30n, 200n)).toBe(10n);
  expect(nextReserve(90n, 130n, 100n, 30n, 140n)).toBe(40n);
  expect(nextReserve(0n, 10n, 500n, null, 200n)).toBe(200n);
});
