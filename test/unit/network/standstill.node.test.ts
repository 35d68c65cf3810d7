/** A node that stands still blames none of its peers for the time, whatever they were at; those who are slow it does. */
import type { Stream } from "@libp2p/interface";
import { afterEach, expect, test } from "vitest";
import { DEADLINES } from "../../../src/network/params.ts";
import { BITSWAP_PROTOCOLS } from "../../../src/network/wire/bitswap.ts";
import { EXCHANGE_PROTOCOL } from "../../../src/network/wire/exchange.ts";
import { HELLO_PROTOCOL } from "../../../src/network/wire/hello.ts";
import { type BadPeer, openBadPeer } from "../../support/bad-peer.ts";
import { plainChain } from "../../support/headers.ts";
import { chainSource, openTestNode, type TestNode, until } from "../../support/network.ts";

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()));
});

const chain = plainChain([0, 1, 2], 1);
/** Deadlines of the protocols, all long over by the clock when this time has passed. */
const SHORT = { hello: 20, exchangeRead: 20, exchangeWrite: 20, bitswapMessage: 20, bitswapIdle: 60_000 };
const STANDSTILL_MS = 400;

async function pair(
  deadlines = SHORT,
): Promise<{ node: TestNode; peer: BadPeer; tick: () => void; asked: () => number }> {
  let tick = (): void => undefined;
  const ownTime = {
    ticker: (callback: () => void) => {
      tick = callback;
      return () => undefined;
    },
    clock: () => 0,
  };
  const objects = { get: async () => undefined };
  const node = await openTestNode(chainSource(chain), undefined, objects, { deadlines, ownTime });
  closing.push(node.network);
  let asked = 0;
  const silent = (stream: Stream): void => {
    stream.addEventListener("message", () => asked++);
  };
  const peer = await openBadPeer(node.network.addresses()[0] as string, { [EXCHANGE_PROTOCOL]: silent });
  closing.push(peer);
  await until("the connection", () => node.network.connected().length === 1);
  return { node, peer, tick: () => tick(), asked: () => asked };
}
const points = ({ book }: TestNode, { id }: BadPeer): string[] =>
  book.list().flatMap((one) => (one.id === id && one.lastOffence !== null ? [one.lastOffence] : []));

const begins: Readonly<Record<string, (peer: BadPeer) => Promise<unknown>>> = {
  hello: (peer) => peer.say(HELLO_PROTOCOL, Uint8Array.of(0x84), false),
  "a request": (peer) => peer.say(EXCHANGE_PROTOCOL, Uint8Array.of(0x83), false),
  "a message of bitswap": (peer) => peer.say(BITSWAP_PROTOCOLS[0] as string, Uint8Array.of(100), false),
};

test.each(Object.entries(begins))("%s that was begun is waited for by the node's own time", async (_, begin) => {
  const { node, peer, tick } = await pair();
  await begin(peer);
  await new Promise((resolve) => setTimeout(resolve, STANDSTILL_MS));
  tick();
  tick();
  expect(points(node, peer)).toEqual([]);
  await until("the offence", () => {
    tick();
    return points(node, peer).length > 0;
  });
  expect(points(node, peer)).toEqual(["tooSlow"]);
});

test("an answer that was asked for, too", async () => {
  const { node, peer, tick, asked } = await pair({ ...DEADLINES, exchangeRead: 20, exchangeWrite: 20 });
  const signal = AbortSignal.timeout(60_000);
  const answer = node.network.exchange.fetch(chain[2]?.key ?? [], 1, { messages: false, signal });
  answer.catch(() => undefined);
  await until("the question", () => asked() > 0);
  await new Promise((resolve) => setTimeout(resolve, STANDSTILL_MS));
  expect(points(node, peer)).toEqual([]);
  await until("the offence", () => {
    tick();
    return points(node, peer).length > 0;
  });
  expect(points(node, peer)).toEqual(["slowAnswer"]);
  await expect(answer).rejects.toMatchObject({ code: "NO_ANSWER" });
});
