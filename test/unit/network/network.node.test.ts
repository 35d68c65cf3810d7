/** Two and three hosts on loopback: what they tell and fetch, and what becomes of those that lie. */
import { afterEach, describe, expect, test } from "vitest";
import { describeError } from "../../../src/base/errors.ts";
import { answerRequest } from "../../../src/network/exchange-server.ts";
import { parseMultiaddr } from "../../../src/network/host.ts";
import { decodeExchangeResponse, EXCHANGE_STATUS } from "../../../src/network/wire/exchange.ts";
import { Address } from "../../../src/types/address.ts";
import { SIGNATURE_TYPE } from "../../../src/types/message.ts";
import { plainChain, plainHeader } from "../../support/headers.ts";
import { chainSource, openTestNode, type TestNode } from "../../support/network.ts";
import { until } from "../../support/until.ts";

const open: TestNode[] = [];
async function node(...args: Parameters<typeof openTestNode>): Promise<TestNode> {
  const made = await openTestNode(...args);
  open.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ network }) => network.close()));
});

const chain = plainChain([0, 1, 2, 5, 6], 3);
const head = chain[4];
const signal = () => AbortSignal.timeout(10_000);

describe.each([
  ["TCP", "/ip4/127.0.0.1/tcp/0"],
  ["WebSocket", "/ip4/127.0.0.1/tcp/0/ws"],
])("over %s", (_name, listen) => {
  test("hello both ways, then a chain is fetched", async () => {
    const a = await node(chainSource(chain), [listen]);
    const b = await node(chainSource(chain.slice(0, 1)), []);
    await b.network.connect(a.network.addresses()[0] as string);
    await until("hellos", () => a.hellos.length === 1 && b.hellos.length === 1);
    expect(b.hellos[0]?.hello.heaviest.join()).toBe(head?.key.join());
    await until("timing", () => b.network.connected()[0]?.timing !== null);
    const got = await b.network.exchange.fetch(head?.key ?? [], 10, { messages: true, signal: signal() });
    expect(got.map(({ tipset }) => tipset.height)).toEqual([6, 5, 2, 1, 0]);
    expect(got[0]?.messages?.blsIncludes).toHaveLength(3);
    // Hello, ping, gossip and exchange are streams of one connection; whoever connects again has the same one.
    await b.network.connect(a.network.addresses()[0] as string);
    expect([a, b].map(({ network }) => network.connected().length)).toEqual([1, 1]);
  });
});

test("a network that cannot be joined leaves no port open", async () => {
  const listeners = (): number => process.getActiveResourcesInfo().filter((one) => one === "TCPServerWrap").length;
  await until("the ports of other tests to close", () => listeners() === 0);
  // Its name is read once for the host, which is open then, and once more when it is joined.
  let reads = 0;
  const topic = {
    get name(): string {
      if (reads++ > 0) throw new RangeError("no such topic");
      return "/topic";
    },
    validate: () => "accept" as const,
  };
  await expect(node(chainSource(chain), ["/ip4/127.0.0.1/tcp/0"], undefined, { topics: [topic] })).rejects.toThrow(
    "no such topic",
  );
  await until("the port to close", () => listeners() === 0);
});

test("an address where nobody can listen is told in the system's words, without the library's settings and stack", async () => {
  // RFC 5737: no machine has it.
  const refused = await node(chainSource(chain), ["/ip4/203.0.113.7/tcp/4001"]).catch((error: Error) => error);
  expect(refused).toMatchObject({ data: { code: "CANNOT_LISTEN" } });
  const text = describeError(refused);
  expect(text).toMatch(/^cannot listen on \/ip4\/203\.0\.113\.7\/tcp\/4001: \S[^\n]*$/);
  expect(text).not.toMatch(/faultTolerance/);
});

test("a multiaddr whose identity is none is refused before it is dialled", () => {
  const identity = "12D3KooWHb1okCwri9iboVTMhkfWvDtBGCYXYLuvfJ7CS49D47dh";
  expect(`${parseMultiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${identity}`)}`).toContain(identity);
  for (const [text, why] of [
    ["/ip4/127.0.0.1/tcp/1/p2p/zzz", /zzz is no peer's identity/],
    [`/ip4/127.0.0.1/tcp/1/p2p/${identity.slice(0, -1)}`, /is no peer's identity/],
    [`/ip4/127.0.0.1/tcp/1/p2p/zzz/p2p-circuit/p2p/${identity}`, /zzz is no peer's identity/],
    ["/ip4/127.0.0.1/tcp/99999", /65535/],
    ["127.0.0.1:1", /not a multiaddr/],
  ] as const) {
    const refusal = (() => {
      try {
        return parseMultiaddr(text);
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toMatchObject({ data: { code: "BAD_MULTIADDR", text } });
    expect(describeError(refusal)).toMatch(why);
  }
});

describe("chain exchange", () => {
  test("messages come once each, with the indexes of every block", async () => {
    const signed = (nonce: bigint) => ({
      message: {
        to: Address.id(101),
        from: Address.id(100),
        nonce,
        value: 0n,
        gasLimit: 1n,
        gasFeeCap: 0n,
        gasPremium: 0n,
        method: 0n,
        params: new Uint8Array(0),
      },
      signature: { type: SIGNATURE_TYPE.secp256k1, data: new Uint8Array(65) },
    });
    const messages = new Map([
      [Address.id(1000).toString(), { bls: [], secp: [signed(0n), signed(1n)] }],
      [Address.id(1001).toString(), { bls: [signed(9n).message], secp: [signed(1n)] }],
    ]);
    const a = await node(chainSource(chain, messages));
    const b = await node(chainSource(chain.slice(0, 1)), []);
    await b.network.connect(a.network.addresses()[0] as string);
    const [top] = await b.network.exchange.fetch(head?.key ?? [], 1, { messages: true, signal: signal() });
    expect(top?.messages?.secp).toHaveLength(2);
    expect(top?.messages?.bls).toHaveLength(1);
    const byMiner = (miner: number) => top?.tipset.blocks.findIndex((h) => h.miner.equals(Address.id(miner))) ?? -1;
    expect(top?.messages?.secpIncludes[byMiner(1000)]).toHaveLength(2);
    expect(top?.messages?.secpIncludes[byMiner(1002)]).toHaveLength(0);
  });

  test("who has not the messages says so, and is not taken for a liar", async () => {
    const a = await node({ ...chainSource(chain), blockMessages: async () => null });
    const b = await node(chainSource(chain.slice(0, 1)), []);
    await b.network.connect(a.network.addresses()[0] as string);
    const asked = b.network.exchange.fetch(head?.key ?? [], 3, { messages: true, signal: signal() });
    await expect(asked).rejects.toMatchObject({ code: "NO_ANSWER" });
    expect(b.book.list().filter(({ lastOffence }) => lastOffence !== null)).toEqual([]);
    expect(await b.network.exchange.fetch(head?.key ?? [], 3, { messages: false, signal: signal() })).toHaveLength(3);
  });

  test("no room for even one tipset is said, too", async () => {
    const request = { head: head?.key ?? [], length: 3, headers: true, messages: false };
    const answer = async (room: number) =>
      decodeExchangeResponse(await answerRequest(chainSource(chain), request, () => room-- > 0));
    expect(await answer(0)).toMatchObject({ status: EXCHANGE_STATUS.goAway, chain: [] });
    expect(await answer(2)).toMatchObject({ status: EXCHANGE_STATUS.partial, chain: [{}, {}] });
    expect(await answer(3)).toMatchObject({ status: EXCHANGE_STATUS.ok, chain: [{}, {}, {}] });
  });

  test("a tipset that nobody has is no answer, and no peer is no answer either", async () => {
    const a = await node(chainSource(chain));
    const b = await node(chainSource(chain.slice(0, 1)), []);
    const other = plainChain([0, 3], 1, 5)[1];
    await expect(b.network.exchange.fetch(other?.key ?? [], 1, { messages: false, signal: signal() })).rejects.toThrow(
      "no peer",
    );
    await b.network.connect(a.network.addresses()[0] as string);
    await expect(b.network.exchange.fetch(other?.key ?? [], 1, { messages: false, signal: signal() })).rejects.toThrow(
      "the one peer at hand did not give the chain",
    );
  });

  test("who answers with another chain is found out and, at the second time, banned", async () => {
    const other = plainChain([0, 1, 2, 5, 6], 3, 99);
    const lying = { ...chainSource(other), genesis: chainSource(chain).genesis, tipset: async () => other[4] ?? null };
    const a = await node(lying);
    const b = await node(chainSource(chain.slice(0, 1)), []);
    await b.network.connect(a.network.addresses()[0] as string);
    const ask = () => b.network.exchange.fetch(head?.key ?? [], 2, { messages: false, signal: signal() });
    await expect(ask()).rejects.toThrow();
    await expect(ask()).rejects.toThrow();
    expect(b.book.isBanned(a.network.id)).toBe(true);
    await until("cut off", () => b.network.connected().length === 0);
    await expect(b.network.connect(a.network.addresses()[0] as string)).rejects.toThrow();
  });
});

test("a peer of another genesis is banned and let go", async () => {
  const a = await node(chainSource(chain));
  const b = await node(chainSource(plainChain([0], 1, 77)), []);
  await b.network.connect(a.network.addresses()[0] as string);
  await until("the ban", () => a.book.isBanned(b.network.id) || b.book.isBanned(a.network.id));
  await until("the end", () => b.network.connected().length === 0);
});

test("a peer is cut off by a limit that the operator lowered, and not blamed for it", async () => {
  const a = await node(chainSource(chain));
  const b = await node(chainSource(chain), []);
  const scope = `peer:${b.network.id}`;
  a.network.setLimit(scope, { ...a.network.limit(scope), connections: 0 });
  await b.network.connect(a.network.addresses()[0] as string).catch(() => undefined);
  await until("the end", () => a.network.connected().length + b.network.connected().length === 0);
  expect(a.book.list().filter(({ lastOffence }) => lastOffence !== null)).toEqual([]);
  a.network.setLimit(scope, { ...a.network.limit(scope), connections: 1 });
  await b.network.connect(a.network.addresses()[0] as string);
  await until("a connection that stays", () => a.network.connected().length === 1);
});

describe("gossip", () => {
  test("a block reaches all three by way of the middle; what is rejected goes no further", async () => {
    const source = chainSource(chain);
    const [a, b, c] = [await node(source), await node(source), await node(source, [])];
    await a.network.connect(b.network.addresses()[0] as string);
    await c.network.connect(b.network.addresses()[0] as string);
    const block = (height: number, timestamp = 0n) => ({
      header: plainHeader({ height, timestamp }),
      blsMessages: [],
      secpMessages: [],
    });
    let tries = 0n;
    await until("the mesh", () => {
      void a.network.publishBlock(block(1, tries++)).catch(() => undefined);
      return c.blocks.some(({ header }) => header.height === 1);
    });
    b.verdict = "reject";
    await a.network.publishBlock(block(2));
    await until("the middle", () => b.blocks.some(({ header }) => header.height === 2));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(c.blocks.some(({ header }) => header.height === 2)).toBe(false);
    expect(b.book.list().find(({ id }) => id === a.network.id)?.lastOffence).toBe("badBlock");
  });

  test("a validator of ours that throws is our fault and no offence", async () => {
    const source = chainSource(chain);
    const [a, b] = [await node(source), await node(source)];
    b.verdict = new Error("disk full");
    await a.network.connect(b.network.addresses()[0] as string);
    let tries = 0n;
    await until("the fault", () => {
      const header = plainHeader({ height: 3, timestamp: tries++ });
      // Nobody may have subscribed yet.
      void a.network.publishBlock({ header, blsMessages: [], secpMessages: [] }).catch(() => undefined);
      return b.faults.length > 0;
    });
    expect(b.book.list().filter(({ points }) => points > 0)).toEqual([]);
  });
});
