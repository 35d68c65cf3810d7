/** Retrieval's parts one by one against who asks too much, at the wrong time, or again. */
import { beforeEach, describe, expect, test } from "vitest";
import { fromUtf8, utf8 } from "../../../src/base/bytes.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { ClientStore } from "../../../src/market/data/client-store.ts";
import { type GraphsyncRequest, prefixOf, STATUS } from "../../../src/market/graphsync/message.ts";
import { REQUEST_LIMITS, Requester } from "../../../src/market/graphsync/requester.ts";
import { keyOf, RESPONSE_LIMITS, Responder, type ResponderHooks } from "../../../src/market/graphsync/responder.ts";
import { WHOLE_DAG } from "../../../src/market/graphsync/selector.ts";
import { type GivenDeal, RetrievalBook, type TakenDeal } from "../../../src/market/retrieval/book.ts";
import { proposalVoucher } from "../../../src/market/retrieval/messages.ts";
import { RetrievalMarket, type RetrievalOptions } from "../../../src/market/retrieval/part.ts";
import { payeeOf } from "../../../src/market/retrieval/payments.ts";
import { PROVIDER_LIMITS, RetrievalProvider } from "../../../src/market/retrieval/provider.ts";
import {
  MANAGER_LIMITS,
  type PullValidator,
  TransferManager,
  type Verdict,
} from "../../../src/market/transfer/manager.ts";
import {
  encodeTransfer,
  TRANSFER_EXTENSION,
  type TransferRequest,
  transferRequest,
} from "../../../src/market/transfer/message.ts";
import type { PeerStreams } from "../../../src/network/peer-streams.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { type CID, cidKey } from "../../../src/types/cid.ts";
import { Dag } from "../../support/market-hosts.ts";
import { until } from "../../support/until.ts";

const root = new Dag().node("root");
const TERMS = { pricePerByte: 0n, unsealPrice: 0n, paymentInterval: 1, paymentIntervalIncrease: 0 };

/** Something that is decided when the test says so. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe("a responder alone", () => {
  const request = (root: CID, number = 0) => ({
    ...{ id: new Uint8Array(16).fill(number), type: "new" as const, priority: 1, root },
    ...{ selector: WHOLE_DAG, extensions: new Map() },
  });
  const ended: [key: string, status: number | null][] = [];
  let onRequest: ResponderHooks["onRequest"];
  let sending: (peer: string) => Promise<void>;
  let onBlock: NonNullable<ResponderHooks["onBlock"]>;
  let responder: Responder;
  let served: Dag;
  let now = 0;
  const hosts = new Map<string, string>();
  const faults: unknown[] = [];

  beforeEach(() => {
    hosts.clear();
    ended.length = 0;
    faults.length = 0;
    served = new Dag();
    onRequest = async () => ({ blocks: served, isPaused: false, extensions: new Map() });
    onBlock = () => ({ pause: false, extensions: new Map() });
    sending = async () => undefined;
    responder = new Responder(
      { report: () => undefined, hostOf: (peer: string) => hosts.get(peer) ?? null } as unknown as PeerStreams,
      (peer) => sending(peer),
      {
        onRequest: (...args) => onRequest(...args),
        onBlock: (...args) => onBlock(...args),
        onEnd: (key, status) => ended.push([key, status]),
        onFault: (error) => faults.push(error),
      },
      () => now,
    );
  });

  test("identities without number from one host, and paused requests, keep nobody out", async () => {
    const root = served.node("a");
    onRequest = async () => ({ blocks: served, isPaused: true, extensions: new Map() });
    const ask = async (peer: string, host: string, count = 1): Promise<void> => {
      hosts.set(peer, host);
      for (let i = 0; i < count; i++) await responder.received(peer, [request(root, i)]);
    };
    const { perPeer, perHost, all, yieldMs } = RESPONSE_LIMITS;
    for (let i = 0; i < 10; i++) await ask(`one ${i}`, "1.1.1.1", perPeer + 5);
    await until("the host has what it may have", () => responder.size === perHost);
    for (let i = 0; i < all / perPeer; i++) await ask(`many ${i}`, `2.2.2.${i}`, perPeer);
    await until("all places are taken", () => responder.size === all);
    await ask("late", "3.3.3.3");
    expect(responder.has(keyOf("late", new Uint8Array(16)))).toBe(false);
    now += yieldMs + 1;
    await ask("late", "3.3.3.3");
    await until("one that waited made room", () => responder.has(keyOf("late", new Uint8Array(16))));
    expect([responder.size, faults]).toEqual([all, []]);
    // It may be begun again: nobody who pays for it loses what was paid.
    expect(ended.map(([, status]) => status)).toEqual([null]);
    responder.gone("one 0");
    expect(responder.size).toBe(all - perPeer + 1);
  });

  test("one request said twice counts once; one given up while it is decided on never begins", async () => {
    let decide: () => void = () => undefined;
    const decided = new Promise<void>((resolve) => {
      decide = resolve;
    });
    onRequest = async () => {
      await decided;
      return { blocks: served, isPaused: true, extensions: new Map() };
    };
    const root = served.node("a");
    const [twice, given] = [request(root, 1), request(root, 2)];
    await responder.received("p", [twice, twice, given, { ...given, type: "cancel" }]);
    await responder.received("gone", [request(root, 3)]);
    responder.gone("gone");
    decide();
    await until("the two that nobody wants have ended", () => ended.length === 2);
    expect([responder.size, responder.has(keyOf("p", twice.id))]).toEqual([1, true]);
    expect(ended).toEqual([
      [keyOf("p", given.id), null],
      [keyOf("gone", new Uint8Array(16).fill(3)), null],
    ]);
    responder.gone("p");
    expect(responder.size).toBe(0);
  });

  test("peers that take nothing hold nobody else up", async () => {
    const root = served.node("a");
    sending = (peer) => (peer.startsWith("slow") ? new Promise(() => undefined) : Promise.resolve());
    for (let i = 0; i < 2 * RESPONSE_LIMITS.atOnce; i++) await responder.received(`slow ${i}`, [request(root)]);
    await responder.received("p", [request(root)]);
    await until("the other one has its answer", () => ended.length === 1);
    expect(ended).toEqual([[keyOf("p", new Uint8Array(16)), STATUS.completedFull]]);
  });

  test("a response that is resumed while its message is on its way goes on behind it", async () => {
    const root = served.tree(20, 4, 100);
    const key = keyOf("p", new Uint8Array(16));
    let atOnce = 0;
    let most = 0;
    let paused = 0;
    onBlock = () => ({ pause: paused++ < 5, extensions: new Map() });
    sending = async () => {
      most = Math.max(most, ++atOnce);
      responder.resume(key);
      for (let i = 0; i < 20; i++) await Promise.resolve();
      atOnce--;
    };
    await responder.received("p", [request(root)]);
    await until("it has ended", () => ended.length === 1);
    expect([ended, most, faults]).toEqual([[[key, STATUS.completedFull]], 1, []]);
  });
});

describe("a requester alone", () => {
  const patiences: { readonly ms: number; readonly abort: AbortController; ended: boolean }[] = [];
  const streams = {
    report: () => undefined,
    patience: (ms: number) => {
      const one = { ms, abort: new AbortController(), ended: false };
      patiences.push(one);
      return { signal: one.abort.signal, isOver: false, end: () => void (one.ended = true) };
    },
  } as unknown as PeerStreams;
  let asked: GraphsyncRequest | null;
  let requester: Requester;
  const dag = new Dag();
  const leaves = Array.from({ length: 200 }, (_, i) => dag.put(new Uint8Array(256 << 10).fill(i), 0x55));
  const wide = dag.node(leaves);
  const running = (ms: number) => patiences.filter((one) => one.ms === ms && !one.ended);

  beforeEach(() => {
    patiences.length = 0;
    asked = null;
    requester = new Requester(streams, async (_, { requests }) => {
      asked ??= requests[0] ?? null;
    });
  });
  const request = (put: () => Promise<void>, signal = new AbortController().signal) =>
    requester.request("p", {
      ...{ root: wide, selector: WHOLE_DAG, extensions: new Map(), signal, onLink: () => undefined },
      store: { get: async () => undefined, put },
    });
  const say = (status: number, cids: readonly CID[]): Promise<void> =>
    requester.received("p", {
      requests: [],
      responses: [
        {
          ...{ id: asked?.id ?? new Uint8Array(16), status, extensions: new Map() },
          metadata: cids.map((link) => ({ link, action: "present" as const })),
        },
      ],
      blocks: cids.map((cid) => ({ prefix: prefixOf(cid), data: dag.blocks.get(cidKey(cid)) as Uint8Array })),
    });

  test("a source that says nothing is given up, and one that says something all the time and sends no block", async () => {
    const { stallMs, pausedMs } = REQUEST_LIMITS;
    const silent = request(async () => undefined);
    await until("it waits", () => running(stallMs).length === 1);
    running(stallMs)[0]?.abort.abort();
    await expect(silent).rejects.toMatchObject({ code: "STALLED", message: "peer p has sent nothing for 60 seconds" });
    asked = null;
    const talking = request(async () => undefined);
    await until("it waits", () => running(stallMs).length === 1);
    const waits = patiences.length;
    await say(STATUS.partial, [wide]);
    await until("it waits anew from the first block on", () => patiences.length >= waits + 2);
    const [overall] = running(pausedMs);
    for (let i = 0; i < 10; i++) {
      await say(i % 2 === 0 ? STATUS.paused : STATUS.partial, []);
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect(overall?.ended).toBe(false);
    overall?.abort.abort();
    await expect(talking).rejects.toMatchObject({ code: "STALLED", message: /no block for 1800 seconds/ });
    expect(patiences.filter(({ ended, abort }) => !ended && !abort.signal.aborted)).toEqual([]);
  });

  test("a source that sends more than can be kept is held back", async () => {
    const stop = new AbortController();
    const disk = gate();
    const stuck = request(() => disk.opened, stop.signal);
    await until("it has asked", () => asked !== null);
    await say(STATUS.partial, [wide]);
    let taken = 0;
    let held = false;
    for (let i = 0; i < leaves.length && !held; i++) {
      const room = say(STATUS.partial, [leaves[i] as CID]).then(() => taken++);
      held = (await Promise.race([room, new Promise((resolve) => setTimeout(resolve, 50, "held"))])) === "held";
    }
    expect(held).toBe(true);
    expect(taken).toBeLessThanOrEqual(REQUEST_LIMITS.waitingBytes / (256 << 10) + 1);
    stop.abort(new Error("enough"));
    disk.open();
    await expect(stuck).rejects.toThrow("enough");
  });
});

describe("transfers", () => {
  const reports: string[] = [];
  const streams = {
    report: (_: string, offence: string) => reports.push(offence),
    hostOf: () => null,
    open: () => Promise.reject(new Error("nobody there")),
    patience: () => ({ signal: new AbortController().signal, isOver: false, end: () => undefined }),
  } as unknown as PeerStreams;
  /** A request of graphsync that carries one of data transfer. */
  const request = (
    number: number,
    type: GraphsyncRequest["type"],
    more: Partial<TransferRequest>,
  ): GraphsyncRequest => {
    const voucher = { type: "v", bytes: Uint8Array.of(0xf6) };
    const message = transferRequest({ type: "new", id: 7n, voucher, ...more });
    const extensions = new Map([[TRANSFER_EXTENSION.any as string, encodeTransfer(message)]]);
    return { id: new Uint8Array(16).fill(number), type, priority: 1, root, selector: WHOLE_DAG, extensions };
  };
  const pull = { root, selector: WHOLE_DAG, pull: true };

  test("a channel that is given up as it begins gives no more than is under way", async () => {
    const dag = new Dag();
    const wide = dag.node(Array.from({ length: 200 }, (_, i) => dag.put(Uint8Array.of(i), 0x55)));
    let [reads, ends, moments] = [0, 0, 0];
    const validator = {
      voucherType: "v",
      open: async () => ({ accepted: true, result: null, limit: null, paused: false, finalization: false }),
      blocks: async () => ({
        get: (cid: Uint8Array) => {
          reads++;
          return dag.get(cid);
        },
      }),
      ended: async () => {
        ends++;
      },
    } as unknown as PullValidator;
    // At every moment on the way from the request to its first block.
    for (let wait = 0; wait < 40; wait++) {
      [reads, ends] = [0, 0];
      const transfers = new TransferManager({
        ...{ streams, validators: [validator], now: Date.now, onFault: (error: unknown) => expect(error).toBe(null) },
      });
      await transfers.graphsync.responder.received("p", [
        { ...request(1, "new", { ...pull, root: wide }), root: wide },
      ]);
      for (let i = 0; i < wait; i++) await Promise.resolve();
      const { given } = transfers as unknown as { given: ReadonlyMap<string, unknown> };
      const [isOpen, before] = [given.size === 1, reads];
      const { take } = transfers as unknown as { take(peer: string, message: TransferRequest): void };
      take.call(transfers, "p", transferRequest({ type: "cancel", id: 7n }));
      await new Promise((resolve) => setTimeout(resolve));
      if (!isOpen || before > 0) continue;
      moments++;
      expect(ends).toBe(1);
      expect(reads).toBeLessThan(20);
    }
    expect(moments).toBeGreaterThan(0);
  });

  test("a restart waits for the payment that is being taken; more payments than may wait are refused", async () => {
    const heard: string[] = [];
    const taken = gate();
    const verdict: Verdict = { accepted: true, result: null, limit: null, paused: true, finalization: false };
    const said = (what: string): Verdict => {
      heard.push(what);
      return verdict;
    };
    const validator = {
      voucherType: "v",
      open: async () => said("open"),
      restart: async () => said("restart"),
      voucher: async () => {
        await taken.opened;
        return said("voucher");
      },
      blocks: async () => ({ get: async () => undefined }),
    } as unknown as PullValidator;
    const faults: unknown[] = [];
    const transfers = new TransferManager({
      ...{ streams, validators: [validator], now: Date.now, onFault: (error: unknown) => faults.push(error) },
    });
    const { responder } = transfers.graphsync;
    const say = (...one: Parameters<typeof request>) => responder.received("p", [request(...one)]);
    await say(1, "new", pull);
    await until("the channel is open", () => responder.size === 1 && heard.length === 1);
    const { waiting } = MANAGER_LIMITS;
    for (let i = 0; i < waiting + 10; i++) await say(1, "update", { type: "voucher" });
    await say(2, "new", { ...pull, type: "restart" });
    for (let i = 0; i < 50; i++) await Promise.resolve();
    taken.open();
    await until("it is begun again", () => heard.includes("restart"));
    expect(heard.slice(0, 2)).toEqual(["open", "voucher"]);
    expect(heard.indexOf("restart")).toBe(heard.length - 1);
    expect(heard.filter((what) => what === "voucher").length).toBeLessThanOrEqual(waiting + 1);
    expect(new Set(reports)).toEqual(new Set(["tooManyRequests"]));
    expect(faults).toEqual([]);
  });
});

test("deals from one host, and deals that nobody pays, keep nobody out", async () => {
  const book = await RetrievalBook.open(new MemoryStore());
  const { perHost, unpaidMs, perPeer } = PROVIDER_LIMITS;
  let now = 1_000_000;
  const hosts = new Map<string, string>();
  const provider = new RetrievalProvider({
    streams: { report: () => undefined, hostOf: (peer: string) => hosts.get(peer) ?? null } as unknown as PeerStreams,
    ...{ book: () => book, blocks: async () => ({ get: async () => new Uint8Array(1) }), now: () => now },
    ...{ payee: { take: async () => 0n }, paymentAddress: async () => null },
  });
  const ask = async (peer: string, host: string, id: number): Promise<boolean> => {
    hosts.set(peer, host);
    const terms = { ...TERMS, paymentInterval: 1 << 20 };
    const voucher = proposalVoucher({ payload: root, id: BigInt(id), selector: WHOLE_DAG, piece: null, terms });
    const channel = { peer, id: BigInt(id), root, selector: WHOLE_DAG, voucher, links: 0, sent: 0, marks: [] };
    return (await provider.open({ ...channel, state: "ongoing" })).accepted;
  };
  for (let i = 0; i < perHost; i++) expect(await ask(`${i % Math.ceil(perHost / perPeer)}`, "1.1.1.1", i)).toBe(true);
  expect(await ask("another", "1.1.1.1", 0)).toBe(false);
  expect(await ask("another", "2.2.2.2", 0)).toBe(true);
  now += unpaidMs;
  expect(await ask("a third", "1.1.1.1", 0)).toBe(true);
});

describe("what is kept", () => {
  const given = (id: number, more: Partial<GivenDeal> = {}): GivenDeal => ({
    host: null,
    channel: {
      ...{ peer: "p", id: BigInt(id), root, selector: WHOLE_DAG, links: 1, sent: 1, marks: [[0, 0]] },
      ...{ voucher: { type: "v", bytes: WHOLE_DAG }, state: "ongoing" },
    },
    ...{ terms: TERMS, received: 0n, worthless: 0, state: "ongoing", message: "", at: id },
    ...more,
  });

  test("a deal that has ended is kept without what its peer chose; the oldest make room, also after a restart", async () => {
    const blocks = new MemoryStore();
    const book = await RetrievalBook.open(blocks);
    await book.putGiven(given(1));
    await book.putGiven(given(1, { state: "failed" }));
    const [ended] = (await RetrievalBook.open(blocks)).given();
    expect([ended?.channel.selector.length, ended?.channel.voucher.bytes.length, ended?.channel.marks]).toEqual([
      ...[0, 0, []],
    ]);
    const taken = (id: number): TakenDeal => ({
      ...{ id: BigInt(id), peer: "p", root: `${root}`, terms: TERMS, bytes: 0, links: 0, paid: 0n },
      ...{ reserved: 0n, pending: null },
      ...{ channel: null, lane: null, state: "ongoing", message: "", at: -id },
    });
    await book.putTaken(taken(1));
    const [[, stored]] = (await blocks.metadataWith("retrieval/taken/")) as [[string, Uint8Array]];
    const { id: _, at: __, ...rest } = JSON.parse(fromUtf8(stored)) as Record<string, unknown>;
    const metadata = Array.from({ length: 10_000 }, (_, i): [string, Uint8Array] => [
      `retrieval/taken/${i + 1}`,
      utf8(JSON.stringify({ ...rest, id: `${i + 1}`, at: -i - 1 })),
    ]);
    await blocks.write({ metadata });
    const again = await RetrievalBook.open(blocks);
    await again.putTaken(taken(10_001));
    expect(again.taken()).toHaveLength(10_000);
    // Nobody goes on with what an earlier process began.
    expect(again.taken()[0]).toMatchObject({ state: "failed", message: "the node stopped meanwhile" });
    // The highest number changed longest ago.
    expect(again.taken().some(({ id }) => id === 10_000n)).toBe(false);
  });

  test("a removal that is under way takes nothing of a delivery that begins", async () => {
    const crypto = await loadCrypto();
    const walked = gate();
    const kept = new MemoryStore();
    const everyBlock = kept.everyBlock.bind(kept);
    kept.everyBlock = async function* () {
      for await (const block of everyBlock()) {
        await walked.opened;
        yield block;
      }
    };
    const store = new ClientStore(kept, crypto);
    const entry = (path: string) =>
      (async function* () {
        yield {
          path,
          content: (async function* () {
            yield Uint8Array.of(path.length);
          })(),
        };
      })();
    const { id, root: file } = await store.importFiles("f", entry("f"));
    const removed = store.remove(id);
    await until("it is out of the list", async () => (await store.imports()).length === 0);
    const delivery = store.incoming();
    walked.open();
    const { end } = await delivery;
    expect(await store.has(file.bytes)).toBe(true);
    await removed;
    expect(await store.has(file.bytes)).toBe(true);
    end();
  });

  test("a DAG of which somebody else keeps a part is listed, and whole when that part is gone", async () => {
    const crypto = await loadCrypto();
    const giver = new ClientStore(new MemoryStore(), crypto);
    const entry = async function* (path: string) {
      const content = async function* () {
        yield Uint8Array.of(path.length);
      };
      yield { path, content: content() };
    };
    const { root: file } = await giver.importFiles("f", entry("f"));
    let isLent = true;
    const store = new ClientStore(new MemoryStore(), crypto, () =>
      isLent
        ? {
            ...{ peek: () => undefined, get: (cid) => giver.get(cid), has: (cid) => giver.has(cid) },
            piece: async () => null,
          }
        : null,
    );
    expect(await store.listRetrieval(file, "here")).toMatchObject({ root: file, source: "retrieval" });
    isLent = false;
    expect(await store.listRetrieval(file, "here")).toMatchObject({ root: file });
    expect(await store.imports()).toHaveLength(1);
  });
});

test("sizes are found out for a few DAGs at a time, once for all who ask for one, and for one host's no others wait", async () => {
  let walks = 0;
  let peers: PeerStreams | null = null;
  const store = { has: async () => true, peek: () => undefined, get: () => new Promise(() => walks++) };
  const market = new RetrievalMarket({
    ...{ client: { store: async () => store }, blocks: new MemoryStore(), streams: () => peers, now: Date.now },
  } as unknown as RetrievalOptions);
  await market.start();
  // "4 of 1.1.1.1" is a peer of that host.
  peers = { hostOf: (peer: string) => peer.split(" of ")[1] ?? null } as unknown as PeerStreams;
  const { answer } = market as unknown as {
    answer(query: { payload: CID; piece: null }, peer: string): Promise<unknown>;
  };
  const ask = (number: number, peer: string): Promise<unknown> =>
    answer.call(market, { payload: new Dag().node(number), piece: null }, peer);
  const begin = (number: number, peer: string): void => void ask(number, peer).catch(() => undefined);
  const refused = (number: number, peer: string, why: RegExp) =>
    expect(ask(number, peer)).rejects.toMatchObject({ code: "BUSY", message: expect.stringMatching(why) });
  // Each is asked for twice.
  for (let i = 0; i < 16; i++) begin(i % 8, `${i % 4} of 1.1.1.1`);
  await until("all walk", () => walks >= 8);
  await refused(8, "0 of 1.1.1.1", /^2 DAGs .* for peer 0 of 1\.1\.1\.1/);
  await refused(8, "9 of 1.1.1.1", /^8 DAGs .* for the host of peer 9/);
  begin(8, "0 of 2.2.2.2");
  await until("another host's", () => walks >= 9);
  for (let i = 9; i < 32; i++) begin(i, `0 of 3.3.3.${i}`);
  await until("as many as may be", () => walks >= 32);
  await refused(32, "0 of 4.4.4.4", /^32 DAGs .* here/);
  expect(walks).toBe(32);
});

test("vouchers of a channel that is being settled pay nothing", async () => {
  const to = Address.id(7n);
  const view = { to, settlingAt: 5 };
  const payee = payeeOf({
    channels: { view: async () => view, chain: { keyOf: async (address: Address) => address } },
    vouchers: { add: async () => 1n },
  } as unknown as Parameters<typeof payeeOf>[0]);
  const note = () => ({ records: [], done: () => undefined });
  await expect(payee.take(to, to, {} as never, note)).rejects.toMatchObject({ code: "BAD_VOUCHER" });
  view.settlingAt = 0;
  expect(await payee.take(to, to, {} as never, note)).toBe(1n);
});
