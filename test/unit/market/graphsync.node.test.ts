/** Graphsync between two hosts: whole and partial DAGs, pauses, breaks; and peers that cheat, flood or stand still. */
import * as dagCbor from "@ipld/dag-cbor";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Graphsync } from "../../../src/market/graphsync/graphsync.ts";
import {
  EXTENSION,
  encodeGraphsync,
  GRAPHSYNC_PROTOCOL,
  type GraphsyncMessage,
  type GraphsyncResponse,
  prefixOf,
  STATUS,
} from "../../../src/market/graphsync/message.ts";
import type { RequestOptions } from "../../../src/market/graphsync/requester.ts";
import { RESPONSE_LIMITS, type ResponderHooks } from "../../../src/market/graphsync/responder.ts";
import { ROOT_ONLY, WHOLE_DAG } from "../../../src/market/graphsync/selector.ts";
import { cborUnsigned } from "../../../src/market/wire/cbor-map.ts";
import { frameStream, withLength } from "../../../src/network/wire/frames.ts";
import { type CID, cidKey } from "../../../src/types/cid.ts";
import { Dag, type MarketHost, openMarketHost } from "../../support/market-hosts.ts";
import { until } from "../../support/until.ts";

let server: MarketHost;
let client: MarketHost;
let served: Dag;
let got: Dag;
let hooks: { -readonly [Name in keyof ResponderHooks]?: ResponderHooks[Name] };
let serving: Graphsync;
let asking: Graphsync;
const faults: unknown[] = [];
const signal = new AbortController().signal;

beforeEach(async () => {
  [server, client] = await Promise.all([openMarketHost(), openMarketHost()]);
  [served, got, hooks] = [new Dag(), new Dag(), {}];
  faults.length = 0;
  const admit: ResponderHooks["onRequest"] = async () => ({ blocks: served, isPaused: false, extensions: new Map() });
  serving = new Graphsync({
    streams: server.streams,
    hooks: {
      onRequest: (...args) => (hooks.onRequest ?? admit)(...args),
      onBlock: (...args) => hooks.onBlock?.(...args) ?? { pause: false, extensions: new Map() },
      onEnd: (...args) => hooks.onEnd?.(...args),
      onFault: (error) => faults.push(error),
    },
    now: Date.now,
  });
  const refuse: ResponderHooks["onRequest"] = async () => ({ refused: STATUS.rejected, extensions: new Map() });
  asking = new Graphsync({
    streams: client.streams,
    hooks: { onRequest: refuse, onFault: () => undefined },
    now: Date.now,
  });
  await Promise.all([serving.start(), asking.start()]);
  await client.streams.connect(server.address, signal);
});

afterEach(async () => {
  await Promise.all([serving.stop(), asking.stop()]);
  await Promise.all([server.stop(), client.stop()]);
});

function ask(root: CID, more: Partial<RequestOptions> = {}): Promise<void> {
  const store = {
    get: (cid: Uint8Array) => got.get(cid),
    put: (cid: CID, bytes: Uint8Array) => got.putBlock(cid, bytes),
  };
  return asking.request(server.id, { root, selector: WHOLE_DAG, store, signal, ...more });
}

/** All blocks that are served are here: each was checked against its CID. */
function expectSame(): void {
  expect([...got.blocks.keys()].sort()).toEqual([...served.blocks.keys()].sort());
  expect(got.bytes).toBe(served.bytes);
}

describe("honest peers", () => {
  test("a DAG of many blocks arrives whole, every block once; another one too", async () => {
    const root = served.tree(300, 16, 8000);
    // A second way to what is there, and a leaf that comes again and again.
    const again = served.node([root, root, served.put(Uint8Array.of(1), 0x55), root]);
    let bytes = 0;
    const links: string[] = [];
    await ask(again, {
      onLink: (cid, length) => {
        bytes += length;
        links.push(`${cid}`);
      },
    });
    expectSame();
    expect(bytes).toBe(served.bytes);
    await ask(root, { selector: ROOT_ONLY });
    expect(faults).toEqual([]);
    expect([client.offences, server.offences]).toEqual([[], []]);
    await until("the peer has got so far", () => serving.responder.size === 0);
  });

  test("what is missing is named, the rest comes", async () => {
    const lost = served.put(Uint8Array.of(9, 9), 0x55);
    const root = served.node([served.node({ a: 1 }), lost, served.node({ b: 2 })]);
    served.blocks.delete(cidKey(lost));
    await expect(ask(root)).rejects.toMatchObject({ code: "MISSING_BLOCK", data: { cid: `${lost}` } });
    expect(got.blocks.size).toBe(3);
    const none = new Dag().node("nowhere");
    await expect(ask(none)).rejects.toMatchObject({ code: "REFUSED", data: { status: STATUS.notFound } });
  });

  test("a request that is begun again is sent only what it lacks", async () => {
    const root = served.tree(200, 8, 20_000);
    const abort = new AbortController();
    let count = 0;
    const onLink = (): void => {
      if (++count === 60) abort.abort(new Error("broken off"));
    };
    await expect(ask(root, { signal: abort.signal, onLink })).rejects.toThrow("broken off");
    await until("the peer has got so far", () => serving.responder.size === 0);
    const before = got.bytes;
    expect(got.blocks.size).toBeGreaterThanOrEqual(60);
    let fresh = 0;
    const extensions = new Map([[EXTENSION.doNotSendFirstBlocks, cborUnsigned(60)]]);
    await ask(root, { extensions, onLink: (_, bytes) => (fresh += bytes) });
    expectSame();
    expect(fresh).toBeLessThanOrEqual(served.bytes - before + 20_000);
  });

  test("a response pauses behind a block, and goes on when it may", async () => {
    const root = served.tree(40, 8, 1000);
    const paused: string[] = [];
    let sent = 0;
    hooks.onBlock = (key, _, bytes) => {
      sent += bytes;
      const pause = sent > 10_000 && paused.length === 0;
      if (pause) paused.push(key);
      return { pause, extensions: new Map(pause ? [["pay", cborUnsigned(sent)]] : []) };
    };
    const heard: number[] = [];
    const done = ask(root, { onExtensions: (extensions) => heard.push(...(extensions.get("pay") ?? [])) });
    await until("the peer has got so far", () => heard.length > 0);
    const before = got.blocks.size;
    expect(before).toBeLessThan(served.blocks.size);
    expect(serving.responder.resume(paused[0] as string)).toBe(true);
    await done;
    expectSame();
  });

  test("a responder that goes away, refuses or gives up is told apart", async () => {
    const root = served.tree(20, 8, 100);
    hooks.onRequest = async () => ({ refused: STATUS.legal, extensions: new Map() });
    await expect(ask(root)).rejects.toThrow("may not give it");
    const keys: string[] = [];
    hooks.onRequest = async (_, key) => {
      keys.push(key);
      return { blocks: served, isPaused: true, extensions: new Map() };
    };
    const waiting = ask(root);
    await until("the peer has got so far", () => keys.length === 1 && serving.responder.has(keys[0] as string));
    serving.responder.cancel(keys[0] as string);
    await expect(waiting).rejects.toMatchObject({ code: "REFUSED", data: { status: STATUS.cancelled } });
    const broken = ask(root);
    await until("the peer has got so far", () => keys.length === 2 && serving.responder.has(keys[1] as string));
    await Promise.all([expect(broken).rejects.toMatchObject({ code: "UNREACHABLE" }), server.stop()]);
  });
});

describe("bad requesters", () => {
  async function say(message: Partial<GraphsyncMessage>): Promise<void> {
    const stream = await client.streams.open(server.id, GRAPHSYNC_PROTOCOL, signal);
    const all = { requests: [], responses: [], blocks: [], ...message };
    await frameStream(stream).write(withLength(encodeGraphsync(all)), signal);
    await stream.close();
  }
  const request = (number: number, root: CID, selector = WHOLE_DAG) => {
    const id = new Uint8Array(16);
    new DataView(id.buffer).setUint32(0, number);
    return { id, type: "new" as const, priority: 1, root, selector, extensions: new Map() };
  };

  test("ten thousand requests: a few are open, the rest is refused and told of", async () => {
    const root = served.tree(10, 4, 100);
    hooks.onRequest = async () => ({ blocks: served, isPaused: true, extensions: new Map() });
    for (let at = 0; at < 10_000; at += 250)
      await say({ requests: Array.from({ length: 250 }, (_, i) => request(at + i, root)) });
    await until("the peer has got so far", () => server.offences.length > 50);
    expect(serving.responder.size).toBe(RESPONSE_LIMITS.perPeer);
    expect(new Set(server.offences.map(([, offence]) => offence))).toEqual(new Set(["tooManyRequests"]));
    expect(faults).toEqual([]);
  });

  test("selectors that are too long, too deep or none: refused, nothing is read", async () => {
    const root = served.tree(10, 4, 100);
    const nested = (depth: number): unknown => (depth === 0 ? { ".": {} } : { a: { ">": nested(depth - 1) } });
    const count = (offence: string): number => server.offences.filter(([, one]) => one === offence).length;
    const unions = { "|": Array.from({ length: 2000 }, () => ({ ".": {} })) };
    for (const selector of [{ zz: {} }, unions]) await say({ requests: [request(1, root, dagCbor.encode(selector))] });
    await until("two selectors that are none", () => count("badTransfer") === 2);
    for (const selector of [nested(70), new Uint8Array(70_000)])
      await say({ requests: [request(9, root, dagCbor.encode(selector))] });
    await until("one too deep and one too long", () => count("badFrame") === 2);
    expect(served.reads).toBe(0);
  });

  test("2^60 ways through a DAG are walked as 120 links", async () => {
    let root = served.put(Uint8Array.of(1), 0x55);
    for (let i = 0; i < 60; i++) root = served.node([root, root]);
    await ask(root);
    expect(served.reads).toBeLessThan(130);
    expect(got.blocks.size).toBe(61);
  });

  test("ten thousand siblings are walked in slices; a walk over its limit ends", async () => {
    const leaf = served.put(Uint8Array.of(7), 0x55);
    const root = served.node(Array.from({ length: 10_000 }, () => leaf));
    let links = 0;
    await ask(root, { onLink: () => links++ });
    expect(links).toBe(10_001);
    hooks.onRequest = async () => ({
      ...{ blocks: served, isPaused: false, extensions: new Map() },
      limits: { depth: 10, links: 1000, nodes: 1 << 20, bytes: 1 << 20 },
    });
    await expect(ask(root)).rejects.toMatchObject({ code: "REFUSED", data: { status: STATUS.failed } });
  });
});

describe("bad responders", () => {
  /** Answers whatever is asked with what `answer` makes of the request's id. */
  async function answering(
    answer: (id: Uint8Array) => { response: Partial<GraphsyncResponse>; blocks?: GraphsyncMessage["blocks"] },
  ): Promise<void> {
    hooks.onRequest = async (peer, _, { id }) => {
      const { response, blocks = [] } = answer(id);
      const full = { id, status: STATUS.partial, metadata: [], extensions: new Map(), ...response };
      const stream = await server.streams.open(peer, GRAPHSYNC_PROTOCOL, signal);
      await frameStream(stream).write(withLength(encodeGraphsync({ requests: [], responses: [full], blocks })), signal);
      await stream.close();
      return { blocks: served, isPaused: true, extensions: new Map() };
    };
  }
  const blockOf = (cid: CID) => ({ prefix: prefixOf(cid), data: served.blocks.get(cidKey(cid)) as Uint8Array });
  const present = (link: CID) => ({ link, action: "present" as const });

  test("blocks out of order, false ones, too few and too many", async () => {
    const [a, b] = [served.node("a"), served.node("b")];
    const root = served.node([a, b]);
    await answering(() => ({
      response: { metadata: [present(root), present(b)] },
      blocks: [blockOf(root), blockOf(b)],
    }));
    await expect(ask(root)).rejects.toMatchObject({ code: "BAD_RESPONSE", data: { cid: `${a}` } });
    expect([...got.blocks.keys()]).toEqual([cidKey(root)]);
    // A block whose bytes are others is a block of another CID: the one that is wanted has not come.
    const false_ = { ...blockOf(a), data: dagCbor.encode("A") };
    await answering(() => ({
      response: { status: STATUS.completedFull, metadata: [present(root), present(a)] },
      blocks: [blockOf(root), false_],
    }));
    await expect(ask(root)).rejects.toMatchObject({ code: "MISSING_BLOCK" });
    expect(got.blocks.has(cidKey(a))).toBe(false);
    await answering(() => ({
      response: { status: STATUS.completedFull, metadata: [present(root)] },
      blocks: [blockOf(root)],
    }));
    await expect(ask(root)).rejects.toThrow(/ended with status 20 before/);
    const more = [root, a, b, a].map(present);
    await answering(() => ({ response: { metadata: more }, blocks: [root, a, b].map(blockOf) }));
    await expect(ask(root)).rejects.toThrow(/which was not asked for/);
    expect(new Set(client.offences.map(([, offence]) => offence))).toEqual(new Set(["badTransfer", "unwantedBlock"]));
  });

  test("a block that is sent again with each link to it counts once", async () => {
    const leaf = served.put(Uint8Array.of(1, 2, 3), 0x55);
    const root = served.node([leaf, leaf, leaf]);
    await answering(() => ({
      response: { status: STATUS.completedFull, metadata: [root, leaf, leaf, leaf].map(present) },
      blocks: [root, leaf].map(blockOf),
    }));
    let bytes = 0;
    await ask(root, { onLink: (_, length) => (bytes += length) });
    expect(bytes).toBe(served.bytes);
  });
});
