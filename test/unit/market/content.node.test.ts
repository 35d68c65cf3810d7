/** Who has some content: what a node knows by itself, and what it says and hears over HTTP. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as dagCbor from "@ipld/dag-cbor";
import { base58btc } from "multiformats/bases/base58";
import { base64 } from "multiformats/bases/base64";
import { CID } from "multiformats/cid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromBase64, fromUtf8, toBase64, toHex } from "../../../src/base/bytes.ts";
import { answerRouting } from "../../../src/market/gateway/routing.ts";
import { askIndexer, askRouter } from "../../../src/market/retrieval/ask-routers.ts";
import { labelled } from "../../../src/market/retrieval/chain-access.ts";
import {
  ContentFinder,
  type ContentParts,
  type ContentProvider,
  type OwnPlaces,
} from "../../../src/market/retrieval/content.ts";
import { RetrievalError } from "../../../src/market/retrieval/errors.ts";
import type { ClientDeal } from "../../../src/market/storage/client-record.ts";
import { encodeSignedProposal } from "../../../src/market/storage/proposal.ts";
import type { ProviderDeal } from "../../../src/market/storage/provider-record.ts";
import { pieceCidV1 } from "../../../src/sector/piece/cid.ts";
import { Address } from "../../../src/types/address.ts";

const V1 = CID.parse("bafybeihchr7vmgjaasntayyatmp5sv6xza57iy2h4xj7g46bpjij6yhrmy");
const V0 = V1.toV0();
const RAW = CID.parse("bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4");
const PIECE = pieceCidV1(new Uint8Array(32).fill(7));
const [OWN, OTHER, THIRD] = ["12D3KooWOwn", "12D3KooWOther", "12D3KooWThird"] as const;
const [A, B, C] = [1000n, 1001n, 1002n].map((id) => Address.id(id)) as [Address, Address, Address];
const HTTP = "/ip4/127.0.0.1/tcp/1234/http";
const PLACES: OwnPlaces = { peer: OWN, libp2p: [`/ip4/127.0.0.1/tcp/4001/p2p/${OWN}`], http: [HTTP], isFree: true };
const { signal } = new AbortController();

const signedBy = (provider: Address): Uint8Array =>
  encodeSignedProposal({
    proposal: {
      ...{ pieceCid: PIECE, pieceSize: 2048n, verified: true, client: Address.id(99n), provider, label: "" },
      ...{ startEpoch: 1n, endEpoch: 2n, pricePerEpoch: 0n, providerCollateral: 0n, clientCollateral: 0n },
    },
    signature: { type: 1, data: new Uint8Array(65) },
  } as Parameters<typeof encodeSignedProposal>[0]);
const bought = (provider: Address, more: Partial<ClientDeal>): ClientDeal =>
  ({
    id: `${RAW}`,
    root: `${V1}`,
    state: "Active",
    signed: signedBy(provider),
    keepUnsealed: true,
    ...more,
  }) as ClientDeal;

const finder = (more: Partial<ContentParts> = {}): ContentFinder =>
  new ContentFinder({
    ...{ has: async () => false, own: () => PLACES, clientDeals: () => [], provider: null },
    chain: { placesOf: async () => [], minersOf: async () => [] },
    ...more,
  });

describe("what a node knows", () => {
  test("its own data, by either spelling of its CID, once for each way to it", async () => {
    const one = finder({ has: async (cid) => toHex(cid) === toHex(V1.bytes) });
    const found = await one.find(V0, signal);
    expect(found).toEqual(await one.find(V1, signal));
    expect(found).toEqual([
      {
        ...{ source: "here", miner: null, peer: OWN, addresses: ["/ip4/127.0.0.1/tcp/4001"], deal: null },
        transports: ["transport-bitswap", "transport-graphsync-filecoinv1"],
      },
      {
        ...{ source: "here", miner: null, peer: OWN, addresses: [HTTP], deal: null },
        transports: ["transport-ipfs-gateway-http"],
      },
    ]);
    expect(await one.find(RAW, signal)).toEqual([]);
    const paid = finder({ has: async () => true, own: () => ({ ...PLACES, isFree: false, http: [] }) });
    expect((await paid.find(V1, signal)).map(({ transports }) => transports)).toEqual([
      ["transport-graphsync-filecoinv1"],
    ]);
  });

  test("the deal that brought a block, while it goes on", async () => {
    const deals: Record<string, ProviderDeal> = {
      [`${V1}`]: { state: "Failed", signed: signedBy(B) } as ProviderDeal,
      [`${RAW}`]: { state: "Active", signed: signedBy(A), keepUnsealed: false } as ProviderDeal,
    };
    const provider = {
      index: { dealsOf: async (cid: Uint8Array) => (toHex(cid) === toHex(V1.bytes) ? Object.keys(deals) : []) },
      find: (id: string) => deals[id] ?? null,
    };
    const [first] = await finder({ has: async () => true, provider }).find(V1, signal);
    expect(first?.miner).toEqual(A);
    expect(first?.deal).toEqual({ proposal: RAW, piece: PIECE, isVerified: true, isUnsealed: false });
  });

  test("providers of its user's deals, and miners that the chain names, each once, where they are reached", async () => {
    const deals = [
      bought(A, { peer: `/ip4/192.0.2.1/tcp/9/p2p/${OTHER}` }),
      bought(A, { peer: `/ip4/192.0.2.1/tcp/9/p2p/${OTHER}` }),
      bought(B, { peer: null }),
      bought(B, { peer: THIRD, state: "Failed" }),
      bought(B, { peer: THIRD, root: `${RAW}` }),
    ];
    const places: Record<string, readonly string[]> = {
      [`${A}`]: [`/ip4/192.0.2.2/tcp/9/p2p/${OTHER}`],
      [`${B}`]: [THIRD],
    };
    const chain: ContentParts["chain"] = {
      async placesOf(miner) {
        const found = places[`${miner}`];
        if (found === undefined) throw new RetrievalError({ code: "NO_ANSWER", peer: `${miner}` }, "names no peer");
        return found;
      },
      minersOf: async () => [A, B, C],
    };
    const found = await finder({ clientDeals: () => deals, chain }).find(V0, signal);
    expect(found).toMatchObject([
      {
        ...{ source: "deal", miner: A, peer: OTHER, transports: [], deal: { piece: PIECE, isUnsealed: true } },
        addresses: ["/ip4/192.0.2.2/tcp/9", "/ip4/192.0.2.1/tcp/9"],
      },
      { source: "chain", miner: B, peer: THIRD, addresses: [], deal: null },
      { source: "chain", miner: C, peer: null, addresses: [], deal: null },
    ]);
  });

  test("labels name a root in any base and version, by its hash", () => {
    const hash = toHex(V1.multihash.bytes);
    const texts = [`${V1}`, V1.toString(base64), V1.toString(base58btc), `${V0}`];
    expect(texts.map(labelled)).toEqual([hash, hash, hash, hash]);
    expect(["", "a file of mine", `${V1}/x`, "m"].map(labelled)).toEqual([null, null, null, null]);
  });

  test("only so many search at once", async () => {
    let go = (): void => undefined;
    const gate = new Promise<boolean>((resolve) => {
      go = () => resolve(false);
    });
    const one = finder({ has: () => gate });
    const all = Array.from({ length: 16 }, () => one.find(V1, signal));
    await expect(one.find(V1, signal)).rejects.toThrow(/16 searches are under way/);
    expect((await ask(one, `/cid/${V1}`)).status).toBe(429);
    go();
    await Promise.all(all);
    expect(await one.find(V1, signal)).toEqual([]);
  });
});

type Given = { readonly accept?: string; readonly query?: string; readonly method?: string };
async function ask(
  found: Pick<ContentFinder, "find">,
  path: string,
  { accept, query = "", method = "GET" }: Given = {},
) {
  const header = (name: string): string | undefined => (name === "accept" ? accept : undefined);
  const { status, headers, body } = await answerRouting(found, { method, path, query, header }, signal);
  let text = body === null ? null : "";
  for await (const part of body ?? []) text += fromUtf8(part);
  return { status, headers, text: text as string };
}

const DEAL = { proposal: RAW, piece: PIECE, isVerified: true, isUnsealed: false };
const shared = { source: "here", miner: null, peer: OWN } as const;
const KNOWN: readonly ContentProvider[] = [
  {
    ...{ ...shared, addresses: ["/ip4/127.0.0.1/tcp/4001", "/ip6/::1/tcp/4002/ws"], deal: DEAL },
    transports: ["transport-bitswap", "transport-graphsync-filecoinv1"],
  },
  { ...shared, addresses: [HTTP], transports: ["transport-ipfs-gateway-http"], deal: null },
  { source: "chain", miner: A, peer: OTHER, addresses: [], transports: [], deal: null },
  { source: "chain", miner: B, peer: null, addresses: [], transports: [], deal: null },
];
const known = { find: async () => KNOWN };
const RECORDS = KNOWN.slice(0, 3).map(({ peer, addresses, transports }) => ({
  ...{ Schema: "peer", ID: peer, Addrs: addresses, Protocols: transports },
}));

describe("what it says over HTTP", () => {
  const path = `/routing/v1/providers/${V1}`;

  test("delegated routing: JSON, a line a record, nothing but a head, and nobody", async () => {
    const json = await ask(known, path);
    expect([json.status, json.headers["content-type"]]).toEqual([200, "application/json"]);
    expect(JSON.parse(json.text)).toEqual({ Providers: RECORDS });
    const lines = await ask(known, path, { accept: "application/x-ndjson, application/json" });
    expect(lines.headers["content-type"]).toBe("application/x-ndjson");
    expect(
      lines.text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(RECORDS);
    expect(await ask(known, path, { method: "HEAD" })).toMatchObject({ status: 200, text: null });
    expect((await ask(finder(), path)).status).toBe(404);
    expect((await ask(known, "/routing/v1/providers/nonsense")).status).toBe(422);
    expect((await ask(known, "/routing/v1/peers/x")).status).toBe(501);
  });

  test.each([
    ["filter-protocols=transport-ipfs-gateway-http", [1]],
    ["filter-protocols=unknown,transport-bitswap", [0, 2]],
    ["filter-addrs=http", [1]],
    ["filter-addrs=tcp,unknown", [0, 1, 2]],
    ["filter-addrs=!ip4", [0]],
    ["filter-addrs=tcp,!http,!ws", [0]],
    ["filter-protocols=transport-new", []],
  ])("filters of delegated routing: %s", async (query, expected) => {
    const { status, text } = await ask(known, path, { query });
    const found = status === 404 ? [] : (JSON.parse(text).Providers as { ID: string; Protocols: string[] }[]);
    expect(
      found.map(({ ID, Protocols }) =>
        RECORDS.findIndex((one) => one.ID === ID && `${one.Protocols}` === `${Protocols}`),
      ),
    ).toEqual(expected);
  });

  test("a filter leaves of a record's addresses what it names", async () => {
    const { text } = await ask(known, path, { query: "filter-addrs=tcp,!http,!ws" });
    expect(JSON.parse(text).Providers[0].Addrs).toEqual(["/ip4/127.0.0.1/tcp/4001"]);
    expect((await ask(known, path, { query: `filter-addrs=${"x".repeat(2000)}` })).status).toBe(422);
  });

  test("the indexer's find: metadata names the transports, and of a deal its piece", async () => {
    const { MultihashResults } = JSON.parse((await ask(known, `/cid/${V1}`)).text);
    expect(MultihashResults).toHaveLength(1);
    const [{ Multihash, ProviderResults }] = MultihashResults;
    expect(Multihash).toBe(toBase64(V1.multihash.bytes));
    expect(ProviderResults.map((one: { Provider: unknown }) => one.Provider)).toEqual([
      { ID: OWN, Addrs: KNOWN[0]?.addresses },
      { ID: OWN, Addrs: [HTTP] },
    ]);
    expect(ProviderResults[0].ContextID).toBe(toBase64(RAW.bytes));
    const [first, second] = ProviderResults.map((one: { Metadata: string }) => fromBase64(one.Metadata));
    expect(toHex(first.subarray(0, 4))).toBe("80129012");
    expect(dagCbor.decode(first.subarray(4))).toEqual({ PieceCID: PIECE, VerifiedDeal: true, FastRetrieval: false });
    expect(toHex(second)).toBe("a012");
    const lines = await ask(known, `/cid/${V1}`, { accept: "application/x-ndjson" });
    expect(
      lines.text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(ProviderResults);
    expect((await ask(finder(), `/cid/${V1}`)).status).toBe(404);
    expect((await ask(known, "/cid/nonsense")).status).toBe(400);
  });
});

describe("what it hears", () => {
  const answers = new Map<string, readonly [number, string]>();
  const server = createServer((request, response) => {
    const [status, text] = answers.get(request.url ?? "") ?? [404, ""];
    response.writeHead(status, { "content-type": "application/json" }).end(text);
  });
  let url = "";
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  test("routers and indexers are understood, as this node's own answers are; what is no record is left out", async () => {
    answers.set(`/routing/v1/providers/${V1}`, [200, (await ask(known, `/routing/v1/providers/${V1}`)).text]);
    answers.set(`/cid/${V1}`, [200, (await ask(known, `/cid/${V1}`)).text]);
    expect(await askRouter(url, V1, signal)).toEqual(
      RECORDS.map(({ ID, Addrs, Protocols }) => ({ peer: ID, addresses: Addrs, protocols: Protocols })),
    );
    expect(await askIndexer(`${url}/`, V1, signal)).toEqual([
      { peer: OWN, addresses: KNOWN[0]?.addresses, protocols: ["transport-bitswap"] },
      { peer: OWN, addresses: [HTTP], protocols: ["transport-ipfs-gateway-http"] },
    ]);
    expect(await askRouter(url, RAW, signal)).toEqual([]);
    const odd = {
      Providers: [null, 7, { ID: 8 }, { ID: "x".repeat(600) }, { ID: OTHER, Addrs: [9, "/dns/a"], Protocol: "p" }],
    };
    answers.set(`/routing/v1/providers/${RAW}`, [200, JSON.stringify(odd)]);
    expect(await askRouter(url, RAW, signal)).toEqual([{ peer: OTHER, addresses: ["/dns/a"], protocols: ["p"] }]);
  });

  test.each([
    [500, "", /HTTP status 500/],
    [200, "no JSON", /does not say who has it/],
    [200, " ".repeat((1 << 20) + 1), /an answer of more than 1048576 bytes/],
  ])("status %s, a bad answer: named with the server", async (status, text, why) => {
    answers.set(`/cid/${RAW}`, [status, text]);
    const failed = askIndexer(url, RAW, signal);
    await expect(failed).rejects.toThrow(why);
    await expect(failed).rejects.toThrow(url);
  });
});
