/** What a bad network does in demonstrations: the same for the same seed, by what is sent; and nothing once it is stopped. */
import { afterEach, expect, test } from "vitest";
import { Random } from "../../../src/sim/random.ts";
import { type Losses, loseSome } from "../../../src/tools/demo/losses.ts";
import { plainChain, plainHeader } from "../../support/headers.ts";
import { chainSource, openTestNode, type TestNode } from "../../support/network.ts";
import { until } from "../../support/until.ts";

const open: TestNode[] = [];
const request = globalThis.fetch;
afterEach(async () => {
  globalThis.fetch = request;
  await Promise.all(open.splice(0).map(({ network }) => network.close()));
});

async function node(...listen: string[]): Promise<TestNode> {
  const made = await openTestNode(chainSource(plainChain([0, 1], 1)), listen);
  open.push(made);
  return made;
}

/** Which of so many messages and requests are lost; nobody is there to get them. */
async function lostOf(seed: string, share: number, count: number): Promise<string> {
  const { network } = await node();
  let sent = 0;
  Object.defineProperty(network, "publishBlock", { configurable: true, writable: true, value: async () => ++sent });
  globalThis.fetch = async () => new Response(new Uint8Array(100));
  const losses = loseSome(network, share, new Random(seed));
  let seen = "";
  for (let i = 0; i < count; i++) {
    const before = sent;
    await network.publishBlock({ header: plainHeader({ height: i }), blsMessages: [], secpMessages: [] });
    const { length } = await fetch("http://nowhere")
      .then(
        async (answer) => new Uint8Array(await answer.arrayBuffer()),
        () => ({ length: 0 }),
      )
      .catch(() => ({ length: 0 }));
    seen += `${sent === before ? "-" : "m"}${length === 100 ? "r" : "-"}`;
  }
  expect(losses.count()).toMatchObject({
    messages: [...seen].filter((one, i) => i % 2 === 0 && one === "-").length,
    requests: [...seen].filter((one, i) => i % 2 === 1 && one === "-").length,
  });
  return seen;
}

test("the same seed loses the same, another one something else, and of many the share", async () => {
  const one = await lostOf("one", 0.05, 300);
  expect(await lostOf("one", 0.05, 300)).toBe(one);
  expect(await lostOf("two", 0.05, 300)).not.toBe(one);
  const lost = [...one].filter((what) => what === "-").length;
  expect(lost).toBeGreaterThan(12);
  expect(lost).toBeLessThan(55);
});

test("streams and connections break by what goes over them; what is stopped loses nothing more", async () => {
  const [a, b] = [await node("/ip4/127.0.0.1/tcp/0"), await node()];
  await a.network.streams.handle("/echo", async (stream) => {
    for await (const bytes of stream) stream.send(bytes);
  });
  const losses: Losses = loseSome(b.network, 0.5, new Random("streams"));
  const echo = async (): Promise<boolean> => {
    const signal = AbortSignal.timeout(5000);
    const stream = await b.network.streams.open(a.network.addresses()[0] as string, "/echo", signal);
    let got = 0;
    const reading = (async () => {
      for await (const bytes of stream) if ((got += bytes.byteLength) >= 10) break;
    })();
    for (let i = 0; i < 10; i++) stream.send(Uint8Array.of(i));
    await reading;
    await stream.close();
    return got === 10;
  };
  const counts = { good: 0, bad: 0 };
  for (let i = 0; i < 12; i++) counts[(await echo().catch(() => false)) ? "good" : "bad"]++;
  expect(counts.bad).toBeGreaterThan(3);
  const { streams, connections } = losses.count();
  expect([Number(streams) > 0, Number(connections) > 0]).toEqual([true, true]);
  losses.stop();
  await until("a good one", () => echo().catch(() => false));
  for (let i = 0; i < 3; i++) expect(await echo()).toBe(true);
  expect(losses.count()).toEqual({ ...losses.count(), streams, connections });
});
