/** A deal whose data its provider fetches by HTTP over a stream between the peers, also after a break; and what is refused. */
import { afterAll, expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import type { Download } from "../../../src/market/gateway/gateway.ts";
import type { GatewayRequest } from "../../../src/market/gateway/request.ts";
import {
  fetchFromPeer,
  HttpStreamServer,
  placeOfUrl,
  TRANSFER_HTTP_PROTOCOL,
} from "../../../src/market/storage/http-streams.ts";
import { DealServer, remoteLink } from "../../../src/market/storage/protocols.ts";
import { basicAuth, HttpStream, tokenOf } from "../../../src/market/wire/http.ts";
import { FakeMarket, MINER, rootOf } from "../../support/market-chain.ts";
import { openMarketHost } from "../../support/market-hosts.ts";
import { newDisk, openNode, PAYLOAD, settle } from "../../support/market-node.ts";
import { until } from "../../support/until.ts";

const market = new FakeMarket(await loadCrypto());
const [selling, buying] = [await openMarketHost(), await openMarketHost()];
const asked: (string | undefined)[] = [];
const seller = await openNode(market, newDisk(), {
  fetchFromPeer: (url, init) => fetchFromPeer(selling.streams, url, init),
});
const buyer = await openNode(market, newDisk(), {
  linkTo: (_, peer) => remoteLink(buying.streams, peer ?? ""),
  ownAddress: () => buying.address,
  placeOf: async (miner) => (miner.equals(MINER) ? selling.address : null),
});
/** As the piece gateway, of one piece; the first answer ends too early. */
async function gateway({ header }: GatewayRequest): Promise<Download> {
  const range = header("range");
  asked.push(range);
  const from = Number(/^bytes=(\d+)-/.exec(range ?? "bytes=0-")?.[1]);
  async function* body(): AsyncGenerator<Uint8Array> {
    yield PAYLOAD.subarray(from, from + 300);
    if (asked.length === 1) return;
    yield PAYLOAD.subarray(from + 300);
  }
  const said = { "content-length": `${PAYLOAD.length - from}` };
  if (range === undefined) return { status: 200, headers: said, body: body() };
  const place = `bytes ${from}-${PAYLOAD.length - 1}/${PAYLOAD.length}`;
  return { status: 206, headers: { ...said, "content-range": place }, body: body() };
}
const files = new HttpStreamServer({
  ...{ streams: buying.streams, gateway },
  pieceOf: (token) => buyer.client.pieceOfToken(token),
});
const server = new DealServer(selling.streams, seller.provider, Date.now);
await Promise.all([server.start(), files.start()]);
afterAll(async () => {
  await Promise.all([server.stop(), files.stop()]);
  await Promise.all([seller.stop(), buyer.stop()]);
  await Promise.all([selling.stop(), buying.stop()]);
});

const wanted = { wallet: market.client, miner: MINER, peer: selling.address, duration: 518_400, startEpoch: 3000 };
const soon = (): AbortSignal => AbortSignal.timeout(60_000);

test("a provider that the chain names fetches a deal's data from its client's peer, and goes on where it broke off", async () => {
  const { id } = await buyer.client.deal({ ...wanted, root: rootOf(2), peer: null, transfer: "libp2p" });
  await until("the deal to be active", async () => {
    await settle();
    market.mine();
    return buyer.client.get(id).state === "Active";
  });
  expect(buyer.client.get(id).peer).toBe(selling.address);
  const [sold] = seller.provider.list();
  expect(sold).toMatchObject({ state: "Active", size: 700, source: { url: `libp2p://${buying.address}` } });
  expect(asked).toEqual([undefined, "bytes=300-"]);
});

test("who knows no token gets nothing, what is no HTTP ends the stream, and a provider asks the peer alone that offers", async () => {
  const url = `libp2p://${buying.address}`;
  const init = { headers: {}, signal: soon(), mayDial: true };
  expect((await fetchFromPeer(selling.streams, url, init)).status).toBe(401);
  const wrong = { ...init, headers: { Authorization: basicAuth("no such") } };
  expect((await fetchFromPeer(selling.streams, url, wrong)).status).toBe(401);
  for (const text of [
    "hello\r\n\r\n",
    `GET / HTTP/1.1\r\na: ${"b".repeat(20_000)}\r\n\r\n`,
    "GET / HTTP/1.1\r\nno field\r\n\r\n",
    `GET / HTTP/1.1\r\na:${" ".repeat(10_000)}\n\r\n\r\n`,
  ]) {
    const stream = await selling.streams.open(buying.address, TRANSFER_HTTP_PROTOCOL, soon());
    const http = new HttpStream(stream);
    await http.write(new TextEncoder().encode(text), soon()).catch(() => undefined);
    const head = await http.readHead(soon()).catch(() => null);
    expect(head === null || head.start.startsWith("HTTP/1.1 405")).toBe(true);
  }
  // Nor does a source hold a provider that says how long its answer is in no number.
  await selling.streams.handle(TRANSFER_HTTP_PROTOCOL, async (stream) => {
    const http = new HttpStream(stream);
    await http.readHead(soon());
    await http.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 0.5\r\n\r\nmore"), soon());
  });
  await expect(fetchFromPeer(buying.streams, `libp2p://${selling.address}`, init)).rejects.toThrow(
    /length that is none/,
  );
  await selling.streams.unhandle(TRANSFER_HTTP_PROTOCOL);
  const { id } = await buyer.client.deal({
    ...{ ...wanted, root: rootOf(3) },
    source: { url: url.replace(/.$/, "9"), headers: {} },
  });
  await until("the offer to be refused", async () => {
    await settle();
    market.mine();
    return buyer.client.get(id).state === "Failed";
  });
  expect(buyer.client.get(id).error).toMatch(/transferUrl: the peer that offers/);
});

test("URLs of peers, and tokens as they are written", () => {
  const peer = "12D3KooWJShdvDHHZ1u5Jq4bpWYb6VC7KSDk9SpvJKBmfFSo56nh";
  const address = `/ip4/1.2.3.4/tcp/5678/p2p/${peer}`;
  expect(placeOfUrl(`libp2p://${address}`)).toEqual({ address, peer });
  for (const url of ["http:///ip4/1.2.3.4/tcp/1", "libp2p:///ip4/1.2.3.4/tcp/1", `libp2p:///p2p/${peer}`, "libp2p://"])
    expect(placeOfUrl(url)).toBeNull();
  expect(tokenOf(basicAuth("a:b"))).toBe("a:b");
  for (const header of [undefined, "Bearer x", "Basic !", "Basic YQ=="]) expect(tokenOf(header)).toBeNull();
});
