/** One voucher in place of several, agreed on by the nodes of payer and payee over loopback; and those who ask for too much. */
import * as dagCbor from "@ipld/dag-cbor";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { PaychManager } from "../../../src/market/paych/manager.ts";
import { RECONCILE_PROTOCOL, Reconciler } from "../../../src/market/paych/reconciler.ts";
import { Vouchers } from "../../../src/market/paych/vouchers.ts";
import { PaychWatcher } from "../../../src/market/paych/watcher.ts";
import { frameStream } from "../../../src/network/wire/frames.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { bigToBytes } from "../../../src/types/amount.ts";
import { encodeSignature } from "../../../src/types/message.ts";
import { encodeVoucher, type SignedVoucher } from "../../../src/types/voucher.ts";
import { type MarketHost, openMarketHost } from "../../support/market-hosts.ts";
import { FakeChain } from "../../support/paych-chain.ts";
import { until } from "../../support/until.ts";

const CHANNEL = Address.actor(new Uint8Array(20).fill(9));
const PAYER = 1;
const PAYEE = 2;
const signal = new AbortController().signal;

type Side = {
  readonly host: MarketHost;
  readonly chain: FakeChain;
  readonly blocks: MemoryStore;
  readonly channels: PaychManager;
  readonly vouchers: Vouchers;
  readonly reconciler: Reconciler;
};

let crypto: Crypto;
let payer: Side;
let payee: Side;
beforeAll(async () => {
  crypto = await loadCrypto();
});

async function openSide(own: number): Promise<Side> {
  const [host, chain, blocks] = [await openMarketHost(), new FakeChain(crypto), new MemoryStore()];
  chain.own(own);
  const channels = new PaychManager({ blocks, chain, randomBytes: (n) => new Uint8Array(n).fill(1) });
  await channels.start();
  const vouchers = new Vouchers(channels);
  const reconciler = new Reconciler({
    ...{ payments: { channels, vouchers }, blocks, streams: () => host.streams, now: Date.now },
  });
  await reconciler.start();
  return { host, chain, blocks, channels, vouchers, reconciler };
}

/** What the chain has of the channel, for both. */
function setLanes(settlingAt: number, ...lanes: readonly (readonly [lane: bigint, redeemed: bigint, nonce: bigint])[]) {
  const owed = lanes.reduce((sum, [, redeemed]) => sum + redeemed, 0n);
  const ledger = { owed, lanes: new Map(lanes.map(([lane, redeemed, nonce]) => [lane, { redeemed, nonce }] as const)) };
  for (const { chain } of [payer, payee])
    chain.put(CHANNEL, {
      ...{ from: chain.foreign(PAYER), to: chain.foreign(PAYEE), balance: 100n, ledger, settlingAt },
      id: Address.id(1000n),
    });
}

/** A voucher that the payer makes and the payee has. */
async function pay(lane: bigint, amount: bigint): Promise<SignedVoucher> {
  const { voucher } = await payer.vouchers.create(CHANNEL, { lane, amount });
  if (voucher === null) throw new Error("the channel is short of funds");
  await payee.vouchers.add(CHANNEL, voucher, 1n);
  return voucher;
}

beforeEach(async () => {
  [payer, payee] = [await openSide(PAYER), await openSide(PAYEE)];
  setLanes(0, [1n, 2n, 1n], [2n, 3n, 1n], [3n, 4n, 1n]);
  for (const [lane, amount] of [
    [1n, 10n],
    [2n, 20n],
    [3n, 30n],
    [8n, 5n],
  ] as const)
    await pay(lane, amount);
});

afterEach(async () => {
  for (const { host, reconciler, channels } of [payer, payee]) {
    await reconciler.stop();
    await channels.close();
    await host.stop();
  }
});

const ask = (value: bigint | null) => payee.reconciler.ask(CHANNEL, payer.host.address, value, signal);

test("three lanes become one voucher, the same one when it is asked for again; it alone is handed in at the end", async () => {
  await payer.reconciler.setPolicy({ accept: true, least: 5n });
  const { voucher, claims } = await ask(55n);
  expect(claims.map(({ lane, amount }) => [lane, amount])).toEqual([
    [1n, 10n],
    [2n, 20n],
    [3n, 30n],
  ]);
  expect(voucher).toMatchObject({ lane: 9n, amount: 55n, minSettleHeight: 0n, extra: null });
  expect(voucher.merges).toEqual([1n, 2n, 3n].map((lane) => ({ lane, nonce: 3n })));
  // As after an answer that was lost.
  expect(await payer.vouchers.combine(CHANNEL, claims, 55n, 5n)).toEqual(voucher);
  for (const { vouchers } of [payer, payee])
    expect((await vouchers.list(CHANNEL)).filter((one) => one.voucher.lane === 9n)).toHaveLength(1);
  // The lanes are closed; what lane 9 took over could still be redeemed, and counts.
  await expect(payer.vouchers.create(CHANNEL, { lane: 1n, amount: 90n })).rejects.toThrow(
    /lane 1 was merged into lane 9/,
  );
  expect(await payer.vouchers.create(CHANNEL, { lane: 20n, amount: 36n })).toMatchObject({ shortfall: 1n });
  expect((await payee.vouchers.bestSpendable(CHANNEL)).map(({ lane }) => lane)).toEqual([8n, 9n]);
  // Both know it after a restart.
  const again = new PaychManager({ ...payee, randomBytes: (n) => new Uint8Array(n) });
  await again.start();
  expect(await new Vouchers(again).list(CHANNEL)).toEqual(await payee.vouchers.list(CHANNEL));
  await again.close();
  setLanes(payee.chain.epoch + 100, [1n, 2n, 1n], [2n, 3n, 1n], [3n, 4n, 1n]);
  const watcher = new PaychWatcher(payee.channels, payee.vouchers);
  watcher.headMoved();
  await watcher.idle();
  expect(payee.chain.sent.map(({ draft }) => [...draft.params])).toEqual([
    [9, 1],
    [8, 1],
  ]);
  await watcher.close();
});

test("who asks for too much, or a node that makes none, is told so, and nothing is made", async () => {
  await expect(ask(61n)).rejects.toThrow(/61 attoFIL is more than the 60 attoFIL/);
  await payer.reconciler.setPolicy({ accept: true, least: 5n });
  await expect(ask(56n)).rejects.toThrow(
    /56 attoFIL is asked for 60 attoFIL; the difference must be at least 5 attoFIL/,
  );
  await expect(ask(9n)).rejects.toThrow(/no more than these lanes have been paid/);
  await payer.reconciler.setPolicy({ accept: false, least: 0n });
  await expect(ask(null)).rejects.toThrow(/makes no vouchers in place of others/);
  await payer.reconciler.stop();
  await expect(ask(null)).rejects.toThrow(/gave no answer/);
  // Lanes that the chain does not have cannot be taken over.
  setLanes(0, [1n, 2n, 1n]);
  await expect(ask(null)).rejects.toThrow(/made of 2 to 256 others, not of 1/);
  for (const { vouchers } of [payer, payee]) expect(await vouchers.list(CHANNEL)).toHaveLength(4);
});

test("a payer's node answers the payee alone, of its own vouchers, once a lane; what is no request is told so", async () => {
  const claims = (await payee.vouchers.list(CHANNEL)).map(({ voucher }) => voucher).slice(0, 3);
  const asked = async (list: readonly SignedVoucher[], signer: "payee" | "payer" = "payee", value = 50n) => {
    const body = [list.map(encodeVoucher), bigToBytes(value)];
    const text = new TextEncoder().encode(`${RECONCILE_PROTOCOL}\n`);
    const bytes = new Uint8Array([...text, ...dagCbor.encode(body)]);
    const side = signer === "payee" ? payee : payer;
    const signature = side.chain.sign(side.chain.foreign(signer === "payee" ? PAYEE : PAYER), bytes);
    return raw(dagCbor.encode([...body, encodeSignature(signature)]));
  };
  const raw = async (request: Uint8Array): Promise<unknown[]> => {
    const stream = await payee.host.streams.open(payer.host.address, RECONCILE_PROTOCOL, signal);
    const frames = frameStream(stream);
    await frames.write(request, signal);
    return dagCbor.decode<unknown[]>(await frames.read(1 << 20, signal));
  };
  const wrong = (text: RegExp) => [null, 2, expect.stringMatching(text)];
  expect(await asked(claims, "payer")).toEqual(wrong(/not signed by the channel's payee/));
  const [first, second] = claims as [SignedVoucher, SignedVoucher];
  expect(await asked([{ ...first, amount: 40n }, second])).toEqual(wrong(/none that this node made/));
  expect(await asked([first, second, second])).toEqual(wrong(/two vouchers of lane 2/));
  expect(await asked([first, { ...second, channel: Address.id(77n) }])).toEqual(wrong(/none that this node made/));
  expect(await asked([{ ...first, channel: Address.id(77n) }])).toEqual(wrong(/does not pay by channel/));
  expect(await raw(dagCbor.encode({ value: 1 }))).toEqual(wrong(/a request is/));
  await expect(raw(Uint8Array.of(0xff))).rejects.toThrow(/reset/);
  expect(payer.host.offences).toEqual([[payee.host.id, "badFrame"]]);
  expect(await payer.vouchers.list(CHANNEL)).toHaveLength(4);
});

test("a payee takes nothing but what it asked for", async () => {
  const claims = (await payee.vouchers.list(CHANNEL)).map(({ voucher }) => voucher).slice(0, 3);
  const merges = [1n, 2n, 3n];
  const make = async (wanted: object) => {
    const { vouchers, channels } = await openSideWith(claims);
    const { voucher } = await vouchers.create(CHANNEL, { lane: 9n, amount: 60n, merges, ...wanted });
    await channels.close();
    return voucher as SignedVoucher;
  };
  const take = (voucher: SignedVoucher, value = 60n) => payee.vouchers.takeCombined(CHANNEL, claims, value, voucher);
  await expect(take(await make({ minSettleHeight: 5n }))).rejects.toThrow(/conditions that nobody asked for/);
  await expect(take(await make({ timeLockMin: 5n }))).rejects.toThrow(/conditions that nobody asked for/);
  await expect(take(await make({ merges: [1n, 2n] }))).rejects.toThrow(/not the one that was asked for/);
  await expect(take(await make({ lane: 8n }))).rejects.toThrow(/not the one that was asked for/);
  await expect(take(await make({}), 59n)).rejects.toThrow(/not the one that was asked for/);
  await expect(take({ ...(await make({})), nonce: 2n })).rejects.toThrow(/signature is not the payer's/);
  await take(await make({}));
  await until("it is kept", async () => (await payee.vouchers.list(CHANNEL)).length === 5);
});

test("no voucher is lost that is worth more than the one that was claimed: locked, or come meanwhile", async () => {
  const { voucher: locked } = await payer.vouchers.create(CHANNEL, { lane: 3n, amount: 40n, timeLockMin: 10_000n });
  await payee.vouchers.add(CHANNEL, locked as SignedVoucher, 0n);
  const claims = (await payee.vouchers.list(CHANNEL)).map(({ voucher }) => voucher).slice(0, 3);
  await expect(payer.vouchers.combine(CHANNEL, claims, 60n, 0n)).rejects.toThrow(/lane 3 has a later voucher than 2/);
  const { vouchers, channels } = await openSideWith(claims);
  const { voucher } = await vouchers.create(CHANNEL, { lane: 9n, amount: 60n, merges: [1n, 2n, 3n] });
  await channels.close();
  const taken = payee.vouchers.takeCombined(CHANNEL, claims, 60n, voucher as SignedVoucher);
  await expect(taken).rejects.toThrow(/lane 3 has a later voucher/);
  payee.chain.tryOut = async ({ params }) => (params[0] === 3 && params[1] === 3 ? 16 : 0);
  expect((await ask(null)).claims.map(({ lane }) => lane)).toEqual([1n, 2n]);
});

/** The payer's channel with some vouchers alone. */
async function openSideWith(claims: readonly SignedVoucher[]) {
  const channels = new PaychManager({
    ...{ blocks: new MemoryStore(), chain: payer.chain, randomBytes: (n: number) => new Uint8Array(n).fill(2) },
  });
  await channels.start();
  const vouchers = new Vouchers(channels);
  for (const claim of claims) await vouchers.add(CHANNEL, claim, 0n);
  return { channels, vouchers };
}
