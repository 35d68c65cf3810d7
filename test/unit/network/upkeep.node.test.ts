/** What breaks between two nodes comes back: the gossip stream of a connection that stays; and connections that break often ban nobody. */
import { afterEach, expect, test } from "vitest";
import { keepGossiping } from "../../../src/network/upkeep.ts";
import { plainChain, plainHeader } from "../../support/headers.ts";
import { chainSource, openTestNode, type TestNode } from "../../support/network.ts";
import { until } from "../../support/until.ts";

const open: TestNode[] = [];
async function pair(): Promise<readonly [TestNode, TestNode]> {
  const source = chainSource(plainChain([0, 1, 2], 1));
  const [a, b] = [await openTestNode(source), await openTestNode(source, [])];
  open.push(a, b);
  await b.network.connect(a.network.addresses()[0] as string);
  return [a, b];
}
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ network }) => network.close()));
});

test("a gossip stream that breaks while its connection stays is opened again", async () => {
  const [a, b] = await pair();
  let nonce = 0;
  const publish = (): Promise<number> =>
    b.network.publishBlock({ header: plainHeader({ height: ++nonce }), blsMessages: [], secpMessages: [] });
  await until("the topic to be known", async () => (await publish()) > 0);
  const host = b.network["host"];
  const [connection] = host.getConnections();
  const gossip = () =>
    (connection?.streams ?? []).filter(
      ({ protocol, direction, status }) =>
        direction === "outbound" && status === "open" && /meshsub|floodsub/.test(protocol),
    );
  expect(gossip()).toHaveLength(1);
  for (const stream of gossip()) stream.abort(new Error("lost on the way"));
  await until("the stream to be gone", () => gossip().length === 0);
  let look: () => void = () => undefined;
  const stop = keepGossiping(host, (tick) => {
    look = tick;
    return () => undefined;
  });
  // What may be on its way already is given its time.
  look();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(gossip()).toHaveLength(0);
  look();
  await until("another stream", () => gossip().length === 1);
  look();
  look();
  const seen = a.blocks.length;
  await until("a block to arrive", async () => {
    await publish();
    return a.blocks.length > seen;
  });
  expect([gossip().length, host.getConnections().length]).toEqual([1, 1]);
  stop();
});

test("a connection that breaks again and again is nobody's offence", async () => {
  const [a, b] = await pair();
  for (let i = 1; i <= 12; i++) {
    await until("hellos", () => a.hellos.length >= i && b.hellos.length >= i);
    if (i === 12) break;
    for (const connection of b.network["host"].getConnections()) connection.abort(new Error("lost on the way"));
    await until("the break", () => a.network.connected().length + b.network.connected().length === 0);
    await b.network.connect(a.network.addresses()[0] as string);
  }
  expect([a.book.list(), b.book.list()].flat().map(({ points, bans }) => [points, bans])).toEqual([[0, 0]]);
  // On one connection they are counted as before.
  const [connection] = b.network["host"].getConnections();
  for (let i = 0; i < 8; i++) await b.network.greet(`${connection?.remotePeer}`).catch(() => undefined);
  expect(a.book.list().map(({ lastOffence }) => lastOffence)).toEqual(["tooManyRequests"]);
});
