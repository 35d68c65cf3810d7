/** Data over HTTP: from where it broke off, and sources that lie, that never end, that are slow: each by its name, bounded. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { signBytes } from "../../../src/keys/keys.ts";
import { answerOffer, answerStatus } from "../../../src/market/storage/answers.ts";
import { encodeHttpSource, newUuid, uuidBytes } from "../../../src/market/storage/boost-messages.ts";
import { encodeProposal } from "../../../src/market/storage/proposal.ts";
import { pull } from "../../../src/market/storage/pull.ts";
import { pieceCidV1 } from "../../../src/sector/piece/cid.ts";
import { MemorySectorStore } from "../../../src/sector/store.ts";
import { Address } from "../../../src/types/address.ts";
import { FakeMarket, MINER, rootOf } from "../../support/market-chain.ts";
import { newDisk, openNode, PAYLOAD, PIECE } from "../../support/market-node.ts";
import { keyOfNumber } from "../../support/paych-chain.ts";
import { until } from "../../support/until.ts";

type Serve = (request: IncomingMessage, response: ServerResponse, ask: number) => void;
const DATA = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) & 0xff);
let server: Server | null = null;

async function serve(handler: Serve): Promise<string> {
  let asked = 0;
  server = createServer((request, response) => handler(request, response, ++asked));
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/data`;
}
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

const firstOf = ({ headers }: IncomingMessage): number => Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
/** A source as it should be. */
function right(data: Uint8Array): Serve {
  return (request, response) => {
    const from = firstOf(request);
    const headers = { "content-length": data.length - from };
    if (from === 0) response.writeHead(200, headers);
    else response.writeHead(206, { ...headers, "content-range": `bytes ${from}-${data.length - 1}/${data.length}` });
    response.end(data.subarray(from));
  };
}
const fetched = (url: string, files: MemorySectorStore, more = {}) =>
  pull({
    ...{ url, headers: { "x-key": "v" }, size: DATA.length, files, name: "d", signal: new AbortController().signal },
    ...more,
  });

test("data comes whole, with the headers that were agreed on; what is there is not asked for", async () => {
  const seen: unknown[] = [];
  const url = await serve((request, response, ask) => {
    seen.push(request.headers["x-key"], request.headers["accept-encoding"]);
    right(DATA)(request, response, ask);
  });
  const files = new MemorySectorStore();
  const progress: number[] = [];
  await fetched(url, files, { onProgress: (bytes: number) => progress.push(bytes) });
  expect(files.files.get("d")).toEqual(DATA);
  expect(progress.at(-1)).toBe(DATA.length);
  await fetched(url, files);
  expect(seen).toEqual(["v", "identity"]);
});

test("a source that breaks off is asked for the rest; one without ranges is begun again", async () => {
  const ranges: (string | undefined)[] = [];
  const url = await serve((request, response, ask) => {
    ranges.push(request.headers.range);
    if (ask > 1) return right(DATA)(request, response, ask);
    response.writeHead(200, { "content-length": DATA.length });
    response.write(DATA.subarray(0, 2000), () => response.destroy());
  });
  const files = new MemorySectorStore();
  await expect(fetched(url, files)).rejects.toMatchObject({ data: { code: "TRANSFER" } });
  expect(await files.size("d")).toBe(2000);
  await fetched(url, files);
  expect(files.files.get("d")).toEqual(DATA);
  expect(ranges).toEqual([undefined, "bytes=2000-"]);
  server?.close();
  const plain = await serve((_, response) => response.end(DATA));
  const begun = new MemorySectorStore();
  await begun.write("d", 0, new Uint8Array(100));
  await fetched(plain, begun);
  expect(begun.files.get("d")).toEqual(DATA);
});

type Lie = readonly [what: string, reason: string, handler: Serve];
test.each<Lie>([
  ["another status", "STATUS", (_, response) => response.writeHead(404).end()],
  ["a redirect", "UNREACHABLE", (_, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end()],
  ["a range of another place", "RANGE", (_, r) => r.writeHead(206, { "content-range": "bytes 0-9/5000" }).end(DATA)],
  ["a range of other data", "RANGE", (_, r) => r.writeHead(206, { "content-range": "bytes 100-1/9" }).end(DATA)],
  ["a range without saying which", "RANGE", (_, r) => r.writeHead(206).end(DATA)],
  [
    "more than was agreed on",
    "TOO_LONG",
    (_, r) => r.writeHead(200, { "content-length": 6000 }).end(new Uint8Array(6000)),
  ],
  [
    "no end",
    "TOO_LONG",
    (_, response) => {
      const more = (): void => void response.write(new Uint8Array(65_536), (error) => error == null && more());
      more();
    },
  ],
  ["less than was agreed on", "TOO_SHORT", (_, response) => response.writeHead(200).end(DATA.subarray(0, 10))],
  ["nothing for long", "SLOW", () => undefined],
  [
    "a byte now and then",
    "SLOW",
    (_, response) => {
      const timer = setInterval(() => response.write("x"), 5);
      response.on("close", () => clearInterval(timer));
    },
  ],
])("a source that sends %s is named: %s", async (_, reason, handler) => {
  const url = await serve(handler);
  const files = new MemorySectorStore();
  await files.write("d", 0, DATA.subarray(0, 100));
  // Short for sources that are slow on purpose alone: a busy machine makes the others slow too.
  const more = reason === "SLOW" ? { limits: { windowMs: 150, windowBytes: 1000 } } : {};
  await expect(fetched(url, files, more)).rejects.toMatchObject({ data: { code: "TRANSFER", reason } });
  expect(((await files.size("d")) ?? 0) <= DATA.length).toBe(true);
});

test("nobody listens there; and a caller who goes ends it with its own reason", async () => {
  const files = new MemorySectorStore();
  await expect(fetched("http://127.0.0.1:9/", files)).rejects.toMatchObject({ data: { reason: "UNREACHABLE" } });
  const url = await serve(() => undefined);
  const gone = new Error("gone");
  await expect(fetched(url, files, { signal: AbortSignal.timeout(20) })).rejects.toThrow(/timeout|aborted/i);
  await expect(fetched(url, files, { signal: AbortSignal.abort(gone) })).rejects.toBe(gone);
});

const crypto = await loadCrypto();
/** A deal whose data comes from a source. */
async function dealFrom(handler: Serve) {
  const url = await serve(handler);
  const market = new FakeMarket(crypto);
  market.balances.set("f0101", { escrow: 10n ** 18n, locked: 0n });
  const node = await openNode(market, newDisk());
  const proposal = {
    ...{ pieceCid: pieceCidV1(PIECE.commP), pieceSize: 1024n, verified: false, client: market.client, provider: MINER },
    ...{ label: "", startEpoch: 2000n, endEpoch: 520_400n, pricePerEpoch: 500n, providerCollateral: 5000n },
    clientCollateral: 0n,
  };
  const uuid = newUuid((n) => new Uint8Array(n).fill(1));
  const params = encodeHttpSource({ url: `${new URL(`/piece/${proposal.pieceCid}`, url)}`, headers: {} });
  const offer = {
    ...{ uuid, isOffline: false, root: rootOf(1), removeUnsealed: false, skipAnnounce: true },
    signed: { proposal, signature: signBytes(crypto, keyOfNumber(1), encodeProposal(proposal)) },
    transfer: { type: "http", clientId: "", params, size: BigInt(PAYLOAD.length) },
  };
  expect(await answerOffer(node.provider, offer, "peer")).toEqual({ accepted: true, message: "" });
  const status = () =>
    answerStatus(node.provider, { uuid, signature: signBytes(crypto, keyOfNumber(1), uuidBytes(uuid)) });
  return { market, node, status };
}

test("a deal's data is fetched, though its source breaks off; what it is decides the commitment", async () => {
  const { node, status } = await dealFrom((request, response, ask) => {
    if (ask > 1) return right(PAYLOAD)(request, response, ask);
    response.writeHead(200, { "content-length": PAYLOAD.length });
    response.write(PAYLOAD.subarray(0, 300), () => response.destroy());
  });
  await until("the data to be here", () => node.provider.list()[0]?.state === "Funding");
  expect(await status()).toMatchObject({ received: 700n, transferSize: 700n, deal: { status: "Transferred" } });
  const log = await node.provider.log(node.provider.list()[0]?.id as string);
  expect(log.map(({ event }) => event)).toEqual(["made", "interrupted", "transferred", "verified"]);
  await node.stop();
});

test("other data of the same length fails the deal, and its client is told why", async () => {
  const { node, status, market } = await dealFrom(right(new Uint8Array(PAYLOAD.length)));
  await until("the deal to fail", () => node.provider.list()[0]?.state === "Failed");
  expect((await status()).deal?.error).toMatch(/the data is another than the deal's/);
  expect(market.held(Address.id(1000)).locked).toBe(0n);
  await node.stop();
});
