/** `filigree net` and `filigree sync` as users type them, on nodes that have each other as peers. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { LocalNetwork } from "../../src/node/local-network.ts";
import { type KeptProcess, type Outcome, startKeptProcess } from "../support/kept-process.ts";
import { networkOptions } from "../support/local-network.ts";
import { until } from "../support/until.ts";

// Machines may have much else to do.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let net: LocalNetwork;
let url: string;
let kept: KeptProcess;

beforeAll(async () => {
  kept = startKeptProcess(".");
  net = await LocalNetwork.open(networkOptions({ nodes: 2, miners: 1, blockTime: 4, seed: "commands" }));
  ({ url } = await (net.nodes[0] as LocalNetwork["nodes"][number]).serve());
});
afterAll(async () => {
  await kept.close();
  await net?.close();
});

const filigree = (...args: readonly string[]): Promise<Outcome> => kept.run([...args, "--rpc", url]);

test("where all nodes of a local network are is told by any of them", async () => {
  const { nodes } = (await json("net", "nodes")) as { nodes: unknown[] };
  const [miner] = net.describe().miners;
  expect(nodes).toEqual([
    {
      ...{ node: 0, rpc: url, page: new URL("/", url).href, miners: [miner?.address], tokenFile: null },
      multiaddrs: net.nodes[0]?.peers.addresses(),
    },
  ]);
  expect((await filigree("net", "nodes")).out).toContain(`Node 0  ${url}  mines as ${miner?.address}`);
});

const json = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
  JSON.parse((await filigree(...args, "--json")).out) as Record<string, never>;

test("identity, peers, scores and bans of a node; it connects where it is told to", async () => {
  const [first, second] = net.nodes.map(({ peers }) => peers) as [
    (typeof net.nodes)[0]["peers"],
    (typeof net.nodes)[0]["peers"],
  ];
  await until("a connection", () => first.network?.connected().length === 1);
  const other = second.network?.id as string;
  const [id, peers, scores, wrong] = await Promise.all([
    json("net", "id"),
    filigree("net", "peers", "--agent"),
    json("net", "scores"),
    filigree("net", "connect", "127.0.0.1:1"),
  ]);
  expect(id).toMatchObject({ id: first.network?.id, addresses: first.addresses() });
  expect(peers.out).toMatch(new RegExp(`^peer +address +agent\n${other} +/ip4/127.0.0.1/tcp/\\d+ +filigree-test\n$`));
  expect(scores).toMatchObject({ scores: [{ id: other }] });
  expect(wrong).toMatchObject({ code: 64, err: expect.stringContaining("/p2p/<identity> expected") });
  expect(await json("net", "bans", "--add", other, "--add", "192.0.2.7")).toEqual({
    peers: [other],
    hosts: ["192.0.2.7"],
  });
  for (const name of ["nonsense", "1.2.3.400"])
    expect(await filigree("net", "bans", "--add", name)).toMatchObject({
      ...{ code: 64, err: expect.stringContaining("the identity of a peer (12D3KooW…) or an IP address expected") },
    });
  await until("the end", () => first.network?.connected().length === 0);
  expect(await filigree("net", "connect", second.addresses()[0] as string)).toMatchObject({
    ...{ code: 1, err: expect.stringContaining("this node has banned it") },
  });
  const lifted = await filigree("net", "bans", "--remove", other, "--remove", "192.0.2.7");
  expect(lifted.out).toBe("nobody is banned\n");
  expect(await filigree("net", "bans", "--remove", other)).toMatchObject({
    ...{ code: 1, err: expect.stringContaining(`${other} is not banned`) },
  });
  const address = second.addresses()[0] as string;
  expect(await json("net", "connect", address)).toEqual({ connected: [other] });
  // The other node may have come back by itself meanwhile.
  expect(new Set(first.network?.connected().map((one) => one.id))).toEqual(new Set([other]));
});

test("who has some content: by RPC, by command, by delegated routing and as an indexer, asked by the next", async () => {
  const [first] = net.nodes as [(typeof net.nodes)[0]];
  const path = fileURLToPath(import.meta.url);
  const { Root } = (await first.dispatcher.request("ClientImport", { Path: path, IsCAR: false })) as {
    Root: { readonly "/": string };
  };
  const root = Root["/"];
  const id = first.peers.network?.id as string;
  const { origin, port } = new URL(url);
  const gateway = `/ip4/127.0.0.1/tcp/${port}/http`;
  const answer = await fetch(`${origin}/routing/v1/providers/${root}`);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
  const addresses = first.peers.addresses().map((one) => one.replace(`/p2p/${id}`, ""));
  const [byPeers, byHttp] = [
    { peer: id, addresses, protocols: ["transport-bitswap", "transport-graphsync-filecoinv1"] },
    { peer: id, addresses: [gateway], protocols: ["transport-ipfs-gateway-http"] },
  ];
  expect(await answer.json()).toEqual({
    Providers: [byPeers, byHttp].map(({ peer, addresses: Addrs, protocols: Protocols }) => ({
      ...{ Schema: "peer", ID: peer, Addrs, Protocols },
    })),
  });
  expect((await fetch(`${origin}/cid/${root}`)).status).toBe(200);
  const found = await json("client", "find", root, "--router", origin, "--indexer", origin);
  expect(found["providers"]).toEqual([
    { source: "here", miner: null, ...byPeers },
    { source: "here", miner: null, ...byHttp },
    { source: origin, miner: null, ...byPeers },
    { source: origin, miner: null, ...byHttp },
    { source: origin, miner: null, ...byPeers, protocols: ["transport-bitswap"] },
    { source: origin, miner: null, ...byHttp },
  ]);
});

test("what was fetched is shown, and a wait ends once the node is with the clock", async () => {
  const { chain } = (net.nodes[0] as LocalNetwork["nodes"][number]).node;
  // At the genesis a node may be with the clock as well, its first epochs being null rounds or still to come.
  await until("a first tipset", () => chain.head.height > 0, 200_000);
  const waited = await json("sync", "wait", "--timeout", "200");
  expect(waited["epoch"]).toBeGreaterThan(0);
  const status = await filigree("sync", "status");
  expect(status.out).toMatch(/^head at epoch \d+, \d+ epochs? behind the clock/);
  expect(await json("sync", "status")).toMatchObject({ behind: expect.any(Number), syncs: expect.any(Array) });
});
