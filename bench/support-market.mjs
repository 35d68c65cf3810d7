/**
 * A provider of a file, in a process of its own: retrievals over graphsync and the gateway over HTTP, without a chain. Prints a line
 * of JSON when it serves, and ends with its input: `node bench/support-market.mjs <bytes>`.
 */
import { createServer } from "node:http";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import { loadCrypto } from "../dist/core/crypto.js";
import { ClientData } from "../dist/market/data/client-data.js";
import { answerIpfs } from "../dist/market/gateway/gateway.js";
import { RetrievalMarket } from "../dist/market/retrieval/part.js";
import { makeIdentity, openHost } from "../dist/network/host.js";
import { OwnTime } from "../dist/network/own-time.js";
import { PeerBook } from "../dist/network/peer-book.js";
import { PeerStreams } from "../dist/network/peer-streams.js";
import { MemoryStore } from "../dist/storage/memory.js";

const NOBODY = new AbortController().signal;

/** Bytes that recur in no block, `count` of them in parts of 1 MiB. */
export function* fileBytes(count) {
  let state = 1;
  for (let at = 0; at < count; at += 1 << 20) {
    const words = new Uint32Array(1 << 18);
    for (let i = 0; i < words.length; i++) words[i] = state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield new Uint8Array(words.buffer, 0, Math.min(1 << 20, count - at));
  }
}

export async function* entry(parts) {
  yield {
    path: "file",
    content: (async function* () {
      yield* parts;
    })(),
  };
}

/** A host with the retrieval market on it, whose blocks are in memory. */
export async function openMarket() {
  const time = new OwnTime();
  const host = await openHost({
    ...{ identity: await makeIdentity(), networkName: "bench", listen: ["/ip4/127.0.0.1/tcp/0"] },
    ...{ peers: new PeerBook(Date.now), guard: () => undefined, userAgent: "filigree-bench", local: true },
  });
  const streams = new PeerStreams({ host, time, onOffence: () => undefined });
  const blocks = new MemoryStore();
  const data = new ClientData({ open: async () => blocks, hashes: await loadCrypto() });
  const market = new RetrievalMarket({
    ...{ blocks: new MemoryStore(), client: data, payments: { channels: null, vouchers: null } },
    ...{ paymentAddress: async () => null, streams: () => streams },
    chain: { placesOf: async () => [], minersOf: async () => [] },
    peerBlock: () => Promise.reject(new Error("no bitswap")),
    peers: () => host.getPeers().map(String),
    addresses: () => ({ libp2p: [`${host.getMultiaddrs()[0]}`], http: [] }),
    ...{ now: Date.now, randomBytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)) },
    onFault: (error) => process.stderr.write(`${error.stack}\n`),
  });
  await market.start();
  return { address: `${host.getMultiaddrs()[0]}`, data, market, blocks };
}

async function main() {
  const { address, data } = await openMarket();
  const store = await data.store();
  const { root } = await store.importFiles("file", entry(fileBytes(Number(process.argv[2]))));
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    const asked = {
      ...{ method: request.method, path: url.pathname, query: url.search.slice(1) },
      header: (name) => request.headers[name],
    };
    answerIpfs(store, asked, NOBODY)
      .then(async ({ status, headers, body }) => {
        response.writeHead(status, { ...headers, connection: "close" });
        if (body === null) response.end();
        else await pipeline(body, response);
      })
      .catch((error) => {
        process.stderr.write(`${error.stack}\n`);
        response.destroy();
      });
  });
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    process.stdout.write(`${JSON.stringify({ root: `${root}`, address, gateway: `http://127.0.0.1:${port}` })}\n`);
  });
  process.stdin.on("end", () => process.exit(0)).resume();
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main();
