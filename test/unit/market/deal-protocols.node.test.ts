/** A deal between two nodes over libp2p, its data by HTTP; and what peers send that is no question. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { BOOST_PROTOCOLS, encodeBoostAnswer } from "../../../src/market/storage/boost-messages.ts";
import {
  decodeAskResponse,
  encodeAskRequest,
  encodeAskResponse,
  LEGACY_PROTOCOLS,
} from "../../../src/market/storage/legacy-messages.ts";
import { DealServer, remoteLink } from "../../../src/market/storage/protocols.ts";
import { frameStream } from "../../../src/network/wire/frames.ts";
import { Address } from "../../../src/types/address.ts";
import { FakeMarket, MINER, rootOf } from "../../support/market-chain.ts";
import { openMarketHost } from "../../support/market-hosts.ts";
import { newDisk, openNode, PAYLOAD, settle } from "../../support/market-node.ts";
import { until } from "../../support/until.ts";

const crypto = await loadCrypto();
const market = new FakeMarket(crypto);
const [selling, buying] = [await openMarketHost(), await openMarketHost()];
const source = createServer((_, response) => response.end(PAYLOAD));
await new Promise<void>((resolve) => source.listen(0, "127.0.0.1", resolve));
const seller = await openNode(market, newDisk());
const buyer = await openNode(market, newDisk(), {
  linkTo: (_, peer) => remoteLink(buying.streams, peer ?? ""),
  servedAt: () => `http://127.0.0.1:${(source.address() as AddressInfo).port}`,
});
const server = new DealServer(selling.streams, seller.provider, Date.now);
await server.start();
afterAll(async () => {
  await server.stop();
  await Promise.all([seller.stop(), buyer.stop()]);
  await Promise.all([selling.stop(), buying.stop()]);
  source.close();
});

const soon = (): AbortSignal => AbortSignal.timeout(20_000);
/** One question as it is, and the answer's bytes. */
async function ask(protocol: string, question: Uint8Array): Promise<Uint8Array> {
  const stream = await buying.streams.open(selling.address, protocol, soon());
  try {
    const frames = frameStream(stream);
    await frames.write(question, soon());
    return await frames.read(1 << 20, soon());
  } finally {
    await stream.close().catch(() => undefined);
  }
}

test("a provider is found among the peers by its worker's signature, whatever the others say, or do not", async () => {
  const liar = await openMarketHost();
  const signed = { ...(await seller.provider.ask(MINER)), signature: { type: 1 as const, data: new Uint8Array(65) } };
  await liar.streams.handle(LEGACY_PROTOCOLS.ask, async (stream) => {
    const frames = frameStream(stream);
    await frames.read(1 << 20, soon());
    await frames.write(encodeAskResponse(signed), soon());
  });
  const { client } = buyer;
  const strangers = [buying.address, liar.address];
  expect(await client.providerAmong(MINER, [...strangers, selling.address])).toBe(selling.address);
  expect(await client.providerAmong(MINER, strangers)).toBeNull();
  expect(await client.providerAmong(MINER, [])).toBeNull();
  await expect(client.providerAmong(MINER, strangers, AbortSignal.abort(new Error("given up")))).rejects.toThrow(
    "given up",
  );
  await liar.stop();
});

test("a client asks, offers, serves its data, and sees its deal active", async () => {
  const { ask: terms } = await buyer.client.ask(MINER, selling.address);
  expect(terms).toMatchObject({ price: 500_000_000n, maxPieceSize: 2048n });
  const { id } = await buyer.client.deal({
    ...{ root: rootOf(2), wallet: market.client, miner: MINER, peer: selling.address, duration: 518_400 },
    startEpoch: 3000,
  });
  await until("the deal to be active", async () => {
    await settle();
    market.mine();
    return buyer.client.get(id).state === "Active";
  });
  const [sold] = seller.provider.list();
  expect(sold).toMatchObject({ id, state: "Active", peer: buying.id, source: { kind: "http" }, dealId: 0 });
  const told = (await buyer.client.log(id)).map(({ text }) => text).join("\n");
  expect(told).toMatch(/the provider takes the deal[\s\S]*; 700 of 700 bytes[\s\S]*deal 0, message/);
  // One that the provider does not take.
  const cheap = { root: rootOf(3), wallet: market.client, miner: MINER, peer: selling.address, duration: 518_400 };
  const { id: refused } = await buyer.client.deal({ ...cheap, price: 1n, startEpoch: 3000 });
  await until("the deal to be refused", async () => {
    await settle();
    market.mine();
    return buyer.client.get(refused).state === "Failed";
  });
  expect(buyer.client.get(refused).error).toMatch(/price: at least 476 attoFIL/);
}, 60_000);

test("an ask of another provider is none, and who does not answer is named", async () => {
  expect(decodeAskResponse(await ask(LEGACY_PROTOCOLS.ask, encodeAskRequest(Address.id(9))))).toBeNull();
  await expect(buyer.client.ask(Address.id(9), selling.address)).rejects.toThrow(/is not the provider f09/);
  await expect(seller.client.ask(MINER, null)).resolves.toMatchObject({ ask: { seqNo: 0n } });
  await expect(buyer.client.ask(MINER, buying.address)).rejects.toMatchObject({ data: { code: "NO_ANSWER" } });
});

test("a provider of the older form alone is offered the deal in it", async () => {
  const old = await openMarketHost();
  const heard: string[] = [];
  await old.streams.handle(BOOST_PROTOCOLS.dealBefore, async (stream) => {
    const frames = frameStream(stream);
    heard.push(new TextDecoder("latin1").decode(await frames.read(1 << 20, soon())));
    await frames.write(encodeBoostAnswer({ accepted: false, message: "not now" }), soon());
  });
  const { id } = await buyer.client.deal({
    ...{ root: rootOf(4), wallet: market.client, miner: MINER, peer: old.address, duration: 518_400, price: 600n },
    startEpoch: 3000,
  });
  await until("the answer", async () => {
    await settle();
    market.mine();
    return buyer.client.get(id).state === "Failed";
  });
  expect(buyer.client.get(id).error).toBe("not now");
  expect(heard[0]).toContain("ClientDealProposal");
  expect(heard[0]).not.toContain("RemoveUnsealedCopy");
  await old.stop();
}, 60_000);

test("what is no question ends the stream and is an offence; questions without end are too many", async () => {
  const no = Uint8Array.of(0xa1, 0x61, 0x78, 0x01);
  for (const protocol of [...Object.values(BOOST_PROTOCOLS), ...Object.values(LEGACY_PROTOCOLS)])
    await expect(ask(protocol, no)).rejects.toThrow();
  expect(selling.offences.splice(0)).toEqual(Array.from({ length: 6 }, () => [buying.id, "badFrame"]));
  const long = new Uint8Array(300_000).fill(0x61);
  long.set([0x7a, 0x00, 0x04, 0x93, 0xdb]);
  await expect(ask(BOOST_PROTOCOLS.deal, long)).rejects.toThrow();
  await until("the length to be an offence", () => selling.offences.length === 1);
  expect(selling.offences.splice(0)).toEqual([[buying.id, "tooLarge"]]);
  for (let i = 0; i < 1000 && selling.offences.length === 0; i++)
    await ask(LEGACY_PROTOCOLS.ask, encodeAskRequest(MINER)).catch(() => null);
  expect(selling.offences[0]).toEqual([buying.id, "tooManyRequests"]);
});

test("funds that the provider's chain does not have yet are no reason to give a deal up", async () => {
  const behind = await openMarketHost();
  let refusals = 0;
  await behind.streams.handle(BOOST_PROTOCOLS.deal, async (stream) => {
    const frames = frameStream(stream);
    await frames.read(1 << 20, soon());
    const message = "the deal is refused: clientBalance: 600 attoFIL free in the client's escrow; 0 FIL was offered";
    await frames.write(
      encodeBoostAnswer(refusals++ === 0 ? { accepted: false, message } : { accepted: true, message: "" }),
      soon(),
    );
  });
  const { id } = await buyer.client.deal({
    ...{ root: rootOf(5), wallet: market.client, miner: MINER, peer: behind.address, duration: 518_400, price: 600n },
    startEpoch: 3000,
  });
  await until("the deal to be taken", async () => {
    await settle();
    market.mine();
    return buyer.client.get(id).state === "Waiting";
  });
  expect(refusals).toBe(2);
  expect((await buyer.client.log(id)).map(({ event }) => event)).toContain("refused");
  await behind.stop();
}, 60_000);
