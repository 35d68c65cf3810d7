/** Retrieval between two nodes: free and for payment, over breaks and restarts, from several providers; and those who cheat. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { WHOLE_DAG } from "../../../src/market/graphsync/selector.ts";
import { plainNode } from "../../../src/market/graphsync/traversal.ts";
import type { RetrievalOrder } from "../../../src/market/retrieval/client.ts";
import { readDataSelector } from "../../../src/market/retrieval/data-selector.ts";
import { paymentVoucher, proposalVoucher, readResponse, type Terms } from "../../../src/market/retrieval/messages.ts";
import { nextPayPoint, owed, sendLimit } from "../../../src/market/retrieval/terms.ts";
import { TransferManager } from "../../../src/market/transfer/manager.ts";
import { Address } from "../../../src/types/address.ts";
import { type CID, cidKey } from "../../../src/types/cid.ts";
import type { SignedVoucher } from "../../../src/types/voucher.ts";
import { Dag } from "../../support/market-hosts.ts";
import {
  closeRetrievalNodes,
  importFile,
  makeMarket,
  openRetrievalNode,
  type RetrievalNode,
  voucherSum,
} from "../../support/retrieval-nodes.ts";
import { until } from "../../support/until.ts";

const PAYER = 1;
const PAYEE = 2;
const FILE_BYTES = 6_500_000;
const TERMS: Terms = {
  pricePerByte: 3n,
  paymentInterval: 1 << 20,
  paymentIntervalIncrease: 1 << 19,
  unsealPrice: 1000n,
};

let crypto: Crypto;
const signal = new AbortController().signal;

beforeAll(async () => {
  crypto = await loadCrypto();
});

const nodes: RetrievalNode[] = [];

async function openNode(own: number): Promise<RetrievalNode> {
  const node = await openRetrievalNode(crypto, own);
  nodes.push(node);
  return node;
}

let client: RetrievalNode;
let provider: RetrievalNode;
let root: CID;

beforeEach(async () => {
  [client, provider] = [await openNode(PAYER), await openNode(PAYEE)];
  client.chain.others.push(provider.chain);
  root = await importFile(provider, FILE_BYTES);
});

afterEach(() => closeRetrievalNodes(nodes));

const order = (more: Partial<RetrievalOrder> = {}): RetrievalOrder => ({
  ...{ root, providers: [provider.host.address], maxPrice: 10n ** 9n, from: client.chain.foreign(PAYER), signal },
  ...more,
});

/** All blocks of the file, with the nodes above them. */
async function sizeOfAll(): Promise<number> {
  return (
    (await provider.market.query(provider.host.address, root, null, signal).catch(() => null))?.size ??
    (await client.market.query(provider.host.address, root, null, signal)).size
  );
}

describe("deals", () => {
  test("free of charge: query, transports, the whole file; again there is nothing to fetch", async () => {
    const quote = await client.market.query(provider.host.address, root, null, signal);
    expect(quote).toMatchObject({ status: "available", pricePerByte: 0n, unsealPrice: 0n });
    expect(quote.size).toBeGreaterThan(FILE_BYTES);
    expect(await client.market.transportsOf(provider.host.address, signal)).toEqual([
      { name: "libp2p", addresses: [provider.host.address] },
      { name: "http", addresses: ["/ip4/127.0.0.1/tcp/80/http"] },
    ]);
    const found = await client.market.find(root, null, signal);
    expect(found).toEqual([{ peer: provider.host.id, quote }]);
    const got = await client.market.retrieve(order({ maxPrice: 0n, from: null, providers: [] }));
    expect(got).toMatchObject({ bytes: quote.size, paid: 0n, wasHere: false });
    expect(await client.data.has(root)).toBe(true);
    expect((await client.data.imports()).map(({ source }) => source)).toEqual(["retrieval"]);
    expect(await client.market.retrieve(order())).toMatchObject({ wasHere: true, paid: 0n, bytes: 0 });
    await until("the provider knows", () => provider.market.book.given()[0]?.state === "completed");
    expect(client.chain.sent).toEqual([]);
    expect([client.host.offences, provider.host.offences, client.faults, provider.faults]).toEqual([[], [], [], []]);
  });

  test("a part of it: by a path it is listed and paid for alone, by a selector the blocks come; what is no path ends well named", async () => {
    await provider.market.setAsk(TERMS);
    const top = plainNode(root, (await (await provider.data.store()).get(root.bytes)) as Uint8Array);
    const links = (top as ReadonlyMap<string, readonly ReadonlyMap<string, CID>[]>).get("Links");
    const part = links?.[2]?.get("Hash") as CID;
    const sizeOf = async (cid: CID) => ((await (await provider.data.store()).get(cid.bytes)) as Uint8Array).length;
    const bytes = (await sizeOf(root)) + (await sizeOf(part));
    const paid = TERMS.unsealPrice + TERMS.pricePerByte * BigInt(bytes);
    // The whole file would cost several times as much.
    const half = order({ maxPrice: paid, select: readDataSelector("Links/2/Hash") });
    const got = await client.market.retrieve(half);
    expect(got).toMatchObject({ bytes, paid, wasHere: false, links: 2 });
    expect(`${got.listed}`).toBe(`${part}`);
    expect((await client.data.imports()).map((one) => `${one.root}`)).toEqual([`${part}`]);
    expect(await client.data.has(part)).toBe(true);
    expect(await client.data.has(root)).toBe(false);
    // The root's links alone: nothing below them that is here already is paid for again.
    const selector = '{"f":{"f>":{"Links":{"r":{"^":0,"$":3,">":{"f":{"f>":{"Hash":{".":{}}}}}}}}}}';
    const more = await client.market.retrieve(order({ select: readDataSelector(selector) }));
    expect(more).toMatchObject({ links: 4, listed: null });
    await expect(client.market.retrieve(order({ select: readDataSelector("Links/99/Hash") }))).rejects.toThrow(
      /there is no Links\/99/,
    );
    await expect(client.market.retrieve(order({ select: readDataSelector("Data") }))).rejects.toThrow(
      /leads to no other/,
    );
    // What no import holds goes with the next removal; the part at the path is one, and stays.
    const store = await client.data.store();
    const other = await store.importDagJson("other", new TextEncoder().encode('{"a":1}'));
    expect(await store.has(root.bytes)).toBe(true);
    await client.data.remove(other.id);
    expect([await store.has(root.bytes), await client.data.has(part)]).toEqual([false, true]);
    for (const [bad, why] of [
      ["/", /a path with at least one segment/],
      ["a/".repeat(61), /a path of 61 segments/],
      ['{"a":', /neither a path nor a selector/],
      [`{"a":${"[".repeat(9000)}`, /nested too deep/],
      ['{"~":{"as":"unixfs",">":{".":{}}}}', /other readings of data/],
      ['{"q":{}}', /no kind "q"/],
    ] as const)
      expect(() => readDataSelector(bad)).toThrow(why);
  });

  test("for payment: to the last byte and the last attoFIL", async () => {
    await provider.market.setAsk(TERMS);
    const size = await sizeOfAll();
    const price = TERMS.unsealPrice + TERMS.pricePerByte * BigInt(size);
    const got = await client.market.retrieve(order({ maxPrice: price }));
    expect(got).toMatchObject({ bytes: size, paid: price });
    expect(await client.data.has(root)).toBe(true);
    await until("the provider knows", () => provider.market.book.given()[0]?.state === "completed");
    const [deal] = provider.market.book.given();
    expect(deal).toMatchObject({ received: price, state: "completed", worthless: 0 });
    expect(deal?.channel.sent).toBe(size);
    // What the client signed is what the provider has, in one lane, in as many vouchers as there were intervals.
    expect([await voucherSum(client), await voucherSum(provider)]).toEqual([price, price]);
    const [address] = provider.channels.list();
    const vouchers = await provider.vouchers.list(address as Address);
    expect(vouchers.length).toBeGreaterThan(3);
    expect(new Set(vouchers.map(({ voucher }) => voucher.lane)).size).toBe(1);
    expect(client.market.book.taken()).toMatchObject([{ state: "completed", paid: price, bytes: size }]);
    expect([client.host.offences, provider.host.offences, client.faults, provider.faults]).toEqual([[], [], [], []]);
  });

  test("too dear, nobody to pay, not there, nobody there: refused by name, nothing is paid", async () => {
    await provider.market.setAsk(TERMS);
    await expect(client.market.retrieve(order({ maxPrice: 100n }))).rejects.toThrow(/it costs .* may be spent/);
    await expect(client.market.retrieve(order({ from: null }))).rejects.toThrow(/no address that pays was given/);
    const other = await importFile(client, 10);
    const nowhere = order({ root: other });
    expect(await client.market.retrieve(nowhere)).toMatchObject({ wasHere: true });
    await client.data.remove((await client.data.imports())[0]?.id as number);
    await expect(client.market.retrieve(nowhere)).rejects.toThrow(/does not have it: no whole DAG/);
    await expect(client.market.retrieve({ ...nowhere, providers: [] })).rejects.toThrow(
      /none of the node's peers has it/,
    );
    await expect(
      client.market.retrieve(
        order({ providers: ["/ip4/127.0.0.1/tcp/1/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf"] }),
      ),
    ).rejects.toThrow(/cannot be reached/);
    expect(await voucherSum(client)).toBe(0n);
    await expect(provider.market.setAsk({ ...TERMS, paymentInterval: 0 })).rejects.toMatchObject({ code: "BAD_ASK" });
  });

  test("providers by their miner's address, also by what the chain has deals for; begun, waited for, given up", async () => {
    const miner = Address.id(1000);
    const [second] = [await openNode(PAYEE)];
    for (const node of [client, second]) node.places.set(`${miner}`, ["/ip4/127.0.0.1/tcp/1", provider.host.address]);
    await expect(client.market.query(`${Address.id(1001)}`, root, null, signal)).rejects.toThrow(/01001 cannot be/);
    expect(await client.market.query(`${miner}`, root, null, signal)).toMatchObject({ status: "available" });
    // No peer of the second has it: the chain is asked.
    expect(await second.market.find(root, null, signal)).toEqual([]);
    second.miners.push(miner);
    expect(await second.market.find(root, null, signal)).toMatchObject([{ peer: provider.host.id }]);
    const { signal: _, ...begun } = order({ providers: [`${miner}`], maxPrice: 0n, from: null });
    const id = client.market.begin(begun);
    await client.market.wait(id, signal);
    expect(client.market.book.takenOf(id)).toMatchObject({ state: "completed", peer: provider.host.id });
    await expect(client.market.wait(7n, signal)).rejects.toMatchObject({ code: "UNKNOWN" });
    expect(() => client.market.cancel(id)).toThrow(/no retrieval \d+ is under way/);
    const given = second.market.begin({ ...begun, onProgress: () => second.market.cancel(given) });
    await expect(second.market.wait(given, signal)).rejects.toMatchObject({ code: "CANCELLED" });
    expect(second.market.book.takenOf(given)?.state).toBe("failed");
  });

  test("data that costs something is no free block", async () => {
    expect(await provider.market.freeBlock(root.bytes)).toBeInstanceOf(Uint8Array);
    await provider.market.setAsk({ ...TERMS, unsealPrice: 0n });
    expect(await provider.market.freeBlock(root.bytes)).toBe(undefined);
    await provider.market.setAsk({ ...TERMS, pricePerByte: 0n });
    expect(await provider.market.freeBlock(root.bytes)).toBe(undefined);
  });

  test("a provider that goes in the middle: the next one gives the rest, and is paid for the rest alone", async () => {
    await provider.market.setAsk(TERMS);
    const second = await openNode(PAYEE);
    client.chain.others.push(second.chain);
    await second.market.setAsk({ ...TERMS, unsealPrice: 0n });
    await importFile(second, FILE_BYTES);
    const size = await sizeOfAll();
    let stopped: Promise<void> | null = null;
    const got = await client.market.retrieve(
      order({
        providers: [provider.host.address, second.host.address],
        onProgress: ({ peer, bytes }) => {
          if (peer === provider.host.id && bytes > 3_000_000) stopped ??= provider.host.stop();
        },
      }),
    );
    await stopped;
    expect(await client.data.has(root)).toBe(true);
    expect(got.bytes).toBe(size);
    const [first] = client.market.book.taken().filter(({ peer }) => peer === provider.host.id);
    const [rest] = client.market.book.taken().filter(({ peer }) => peer === second.host.id);
    expect([first?.state, rest?.state]).toEqual(["failed", "completed"]);
    expect((first?.bytes ?? 0) + (rest?.bytes ?? 0)).toBe(size);
    expect(rest?.paid).toBe(BigInt(rest?.bytes ?? 0) * TERMS.pricePerByte);
    expect(first?.paid).toBeLessThanOrEqual(TERMS.unsealPrice + BigInt(first?.bytes ?? 0) * TERMS.pricePerByte);
    expect(got.paid).toBe((first?.paid ?? 0n) + (rest?.paid ?? 0n));
  });

  test("connections that break and a provider that starts anew: the deal goes on, nothing is paid twice", async () => {
    await provider.market.setAsk(TERMS);
    const size = await sizeOfAll();
    let breaks = 0;
    const got = await client.market.retrieve(
      order({
        onProgress: ({ bytes }) => {
          if (bytes < (breaks + 1) * 2_000_000 || breaks === 3) return;
          breaks++;
          if (breaks === 2) {
            const old = provider.market;
            provider.market = makeMarket(provider, provider.chain.foreign(PAYEE));
            void old.stop().then(() => provider.market.start());
          }
          for (const connection of client.host.host.getConnections()) connection.abort(new Error("broken"));
        },
      }),
    );
    expect(breaks).toBe(3);
    const price = TERMS.unsealPrice + TERMS.pricePerByte * BigInt(size);
    expect(got).toMatchObject({ bytes: size, paid: price });
    await until("the provider knows", () => provider.market.book.given()[0]?.state === "completed");
    expect(provider.market.book.given()).toMatchObject([{ received: price }]);
    expect(provider.market.book.given()).toHaveLength(1);
    expect(await voucherSum(provider)).toBe(price);
  });

  test("a payment that was lost with its connection is said again", async () => {
    await provider.market.setAsk({ ...TERMS, paymentInterval: 3 << 20 });
    const price = TERMS.unsealPrice + TERMS.pricePerByte * BigInt(await sizeOfAll());
    const { transfers } = (client.market as unknown as { running: { transfers: TransferManager } }).running;
    const say = transfers.sendVoucher.bind(transfers);
    let said = 0;
    transfers.sendVoucher = async (...payment) => {
      if (++said !== 2) return say(...payment);
      for (const connection of client.host.host.getConnections()) connection.abort(new Error("broken"));
    };
    expect(await client.market.retrieve(order())).toMatchObject({ paid: price });
    await until("the provider knows", () => provider.market.book.given()[0]?.state === "completed");
    expect(provider.market.book.given()).toMatchObject([{ received: price, worthless: 0 }]);
    expect(provider.host.offences).toEqual([]);
  });

  test("a deal whose place was needed while it waited for a payment goes on, and nothing is paid twice", async () => {
    await provider.market.setAsk({ ...TERMS, paymentInterval: 50_000, paymentIntervalIncrease: 0 });
    const small = await importFile(provider, 200_000);
    const { size } = await client.market.query(provider.host.address, small, null, signal);
    const price = TERMS.unsealPrice + TERMS.pricePerByte * BigInt(size);
    const transfersOf = ({ market }: RetrievalNode) =>
      (market as unknown as { running: { transfers: TransferManager } }).running.transfers;
    const { responder } = transfersOf(provider).graphsync as unknown as {
      responder: { readonly tasks: ReadonlyMap<string, unknown>; yield(task: unknown): void };
    };
    const transfers = transfersOf(client);
    const say = transfers.sendVoucher.bind(transfers);
    let said = 0;
    transfers.sendVoucher = async (...payment) => {
      if (++said !== 2) return say(...payment);
      for (const task of responder.tasks.values()) responder.yield(task);
    };
    expect(await client.market.retrieve(order({ root: small }))).toMatchObject({ paid: price });
    await until("the provider knows", () => provider.market.book.given()[0]?.state === "completed");
    expect(provider.market.book.given()).toMatchObject([{ received: price, worthless: 0 }]);
    expect(said).toBeGreaterThan(2);
  });

  test("what recurs in a DAG and is partly here: the rest comes, each byte of it paid", async () => {
    const dag = new Dag();
    const shared = dag.node(Array.from({ length: 4 }, (_, i) => dag.put(Uint8Array.of(i), 0x55)));
    const rest = Array.from({ length: 3 }, (_, i) => dag.put(new Uint8Array(500).fill(i), 0x55));
    const again = dag.node([shared, shared, shared, ...rest]);
    const putAll = async (node: RetrievalNode, keep: (key: string) => boolean): Promise<void> => {
      const { put, end } = await (await node.data.store()).incoming();
      for (const [key, bytes] of dag.blocks) if (keep(key)) await put(cids.get(key) as CID, bytes);
      end();
    };
    const cids = new Map([again, shared, ...rest].map((cid) => [cidKey(cid) as string, cid]));
    for (let i = 0; i < 4; i++) {
      const leaf = dag.put(Uint8Array.of(i), 0x55);
      cids.set(cidKey(leaf), leaf);
    }
    const lacking = new Set(rest.map((cid) => cidKey(cid) as string));
    await putAll(provider, () => true);
    await putAll(client, (key) => !lacking.has(key));
    await provider.market.setAsk({ ...TERMS, paymentInterval: 600, paymentIntervalIncrease: 0, unsealPrice: 0n });
    const got = await client.market.retrieve(order({ root: again }));
    expect(got).toMatchObject({ bytes: 1500, paid: 4500n });
    expect(await client.data.has(again)).toBe(true);
    expect(client.host.offences).toEqual([]);
  });
});

describe("those who cheat", () => {
  /** Pulls by hand; `pay` says what becomes of each request for payment. */
  async function pull(
    terms: Terms,
    pay: (deal: {
      readonly id: bigint;
      say(voucher: ReturnType<typeof paymentVoucher>): Promise<void>;
      readonly got: number;
    }) => Promise<void>,
  ): Promise<{ readonly got: number; readonly why: string }> {
    await client.market.stop();
    const transfers = new TransferManager({
      streams: client.host.streams,
      validators: [],
      now: Date.now,
      onFault: (error) => client.faults.push(error),
    });
    await transfers.start();
    const peer = await client.host.streams.connect(provider.host.address, signal);
    const id = BigInt(Math.floor(Math.random() * 1e9));
    const abort = new AbortController();
    let got = 0;
    let why = "";
    const pulled = transfers.pull(peer, {
      ...{ root, selector: WHOLE_DAG, id, isRestart: false, skip: 0, signal: abort.signal },
      voucher: proposalVoucher({ payload: root, id, selector: null, piece: null, terms }),
      store: { get: async () => undefined, put: async () => undefined },
      onLink: (_, bytes) => {
        got += bytes;
      },
      onData: () => undefined,
      onResponse: ({ result }) => {
        if (result.type === "") return;
        const { owed: due, message } = readResponse(result);
        if (message !== "") why = message;
        if (due > 0n)
          void pay({ id, say: (voucher) => transfers.sendVoucher(peer, id, voucher), got }).catch((error: unknown) =>
            abort.abort(error),
          );
      },
    });
    try {
      await pulled;
    } catch (error) {
      why ||= `${error}`;
    }
    await transfers.stop();
    return { got, why };
  }

  async function lane(): Promise<{ readonly channel: Address; readonly lane: bigint }> {
    const { channel, message } = await client.channels.get(
      client.chain.foreign(PAYER),
      provider.chain.foreign(PAYEE),
      10n ** 9n,
      { reserve: true, offChain: false },
    );
    const ready = channel ?? (await client.channels.waitReady(message as CID));
    return { channel: ready, lane: await client.channels.allocateLane(ready) };
  }

  const priced: Terms = { ...TERMS, unsealPrice: 0n };
  const provided = (): number => provider.market.book.given().reduce((sum, { channel }) => sum + channel.sent, 0);

  test("whoever does not pay gets one interval and nothing more", async () => {
    await provider.market.setAsk(priced);
    const { got, why } = await pull(priced, async () => {
      throw new Error("enough");
    });
    expect(why).toContain("enough");
    expect(got).toBeLessThan(nextPayPoint(priced, 0) + (1 << 20) + 1);
    expect(provided()).toBeLessThan(nextPayPoint(priced, 0) + (1 << 20) + 1);
    expect(provider.market.book.given()[0]?.received).toBe(0n);
  });

  test("offers below the ask are refused, with what is asked", async () => {
    await provider.market.setAsk(TERMS);
    for (const [offer, why] of [
      [{ ...TERMS, pricePerByte: 2n }, /price per byte: .* asked/],
      [{ ...TERMS, unsealPrice: 1n }, /unseal price: .* asked/],
      [{ ...TERMS, paymentInterval: 1 << 22 }, /payment interval: at most 1048576/],
      [{ ...TERMS, paymentIntervalIncrease: 1 << 22 }, /increase: at most/],
      [{ ...TERMS, paymentInterval: 0 }, /needs a payment interval/],
    ] as const)
      expect((await pull(offer, async () => undefined)).why).toMatch(why);
    expect(provider.market.book.given()).toEqual([]);
  });

  test("payments that are short, replayed, of another channel or forged get nobody further", async () => {
    await provider.market.setAsk(priced);
    const { channel, lane: own } = await lane();
    // Short: one attoFIL a time.
    let total = 0n;
    let kept: SignedVoucher | null = null;
    const short = await pull(priced, async ({ id, say }) => {
      if (total === 3n) throw new Error("enough");
      const { voucher } = await client.vouchers.create(channel, { lane: own, amount: ++total });
      kept = voucher as SignedVoucher;
      await say(paymentVoucher({ id, channel, voucher: kept }));
    });
    expect(short.got).toBeLessThan(nextPayPoint(priced, 0) + (1 << 20) + 1);
    expect(provider.market.book.given()[0]?.received).toBe(3n);
    // Replayed: the same voucher for another deal is worth nothing, and not for long.
    let replays = 0;
    const replayed = await pull(priced, async ({ id, say }) => {
      replays++;
      await say(paymentVoucher({ id, channel, voucher: kept as unknown as SignedVoucher }));
    });
    expect(replayed.why).toBe("too many payments that are worth nothing");
    expect(replays).toBe(9);
    expect(provider.host.offences.filter(([, offence]) => offence === "badPayment").length).toBeGreaterThan(5);
    // Of another deal, by its name.
    const other = await pull(priced, async ({ id, say }) => {
      await say(paymentVoucher({ id: id + 1n, channel, voucher: kept as unknown as SignedVoucher }));
    });
    expect(other.why).toMatch(/the payment names deal/);
    // Forged: more than the payer signed.
    const forged = await pull(priced, async ({ id, say }) => {
      const { voucher } = await client.vouchers.create(channel, { lane: own, amount: ++total });
      await say(
        paymentVoucher({ id, channel, voucher: { ...(voucher as NonNullable<typeof voucher>), amount: 10n ** 8n } }),
      );
    });
    expect(forged.why).toMatch(/signature is not the payer's/);
    // Of a channel that pays somebody else.
    const elsewhere = Address.actor(new Uint8Array(20).fill(55));
    for (const chain of [client.chain, provider.chain])
      chain.put(elsewhere, { from: client.chain.foreign(PAYER), to: client.chain.foreign(7), balance: 10n ** 9n });
    const astray = await pull(priced, async ({ id, say }) => {
      const { voucher } = await client.vouchers.create(elsewhere, { lane: 0n, amount: 10n ** 8n });
      await say(paymentVoucher({ id, channel: elsewhere, voucher: voucher as NonNullable<typeof voucher> }));
    });
    expect(astray.why).toMatch(/does not pay/);
    expect(provider.faults).toEqual([]);
  });
});

describe("terms", () => {
  test("pay points, limits and what is owed, as the reference reckons them", () => {
    const terms: Terms = { pricePerByte: 2n, paymentInterval: 1000, paymentIntervalIncrease: 100, unsealPrice: 50n };
    expect([0, 999, 1000, 2099, 2100, 3300].map((bytes) => nextPayPoint(terms, bytes))).toEqual([
      ...[1000, 1000, 2100, 2100, 3300, 4600],
    ]);
    expect([0n, 50n, 51n, 2049n, 2050n, 4250n].map((paid) => sendLimit(terms, paid))).toEqual([
      ...[1000, 1000, 1000, 1000, 2100, 3300],
    ]);
    expect(owed(terms, 0, 0n, false)).toBe(50n);
    expect([999, 1000, 2000, 2100].map((sent) => owed(terms, sent, 50n, false))).toEqual([0n, 2000n, 2000n, 4200n]);
    expect(owed(terms, 2000, 50n, true)).toBe(4000n);
    expect(owed({ ...terms, pricePerByte: 0n }, 1 << 30, 50n, true)).toBe(0n);
    expect(sendLimit({ ...terms, pricePerByte: 0n }, 0n)).toBe(null);
    expect(nextPayPoint({ ...terms, paymentIntervalIncrease: 0 }, 5000)).toBe(6000);
  });
});
