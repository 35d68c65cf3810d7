/** Nodes of one network in one process over loopback: they synchronise, fork and heal, and are not taken in by liars. */
import { afterEach, describe, expect, test } from "vitest";
import { entriesFor } from "../../../src/consensus/base-info.ts";
import { signBytes } from "../../../src/keys/keys.ts";
import { BlockMaker } from "../../../src/miner/block-maker.ts";
import type { ChainSource } from "../../../src/network/chain-source.ts";
import { OFFENCES } from "../../../src/network/peer-records.ts";
import { BITSWAP_PROTOCOLS, decodeBitswap, encodeBitswap } from "../../../src/network/wire/bitswap.ts";
import { withLength, withoutLength } from "../../../src/network/wire/frames.ts";
import type { LocalMiners } from "../../../src/node/local-miners.ts";
import {
  type BlockHeader,
  headerCid,
  headerSigningBytes,
  headerToJson,
  makeTipset,
  type Tipset,
  tipsetKeyText,
} from "../../../src/types/block-header.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";
import { signedMessageCid } from "../../../src/types/message.ts";
import { openBadPeer } from "../../support/bad-peer.ts";
import { cidNumber, plainChain } from "../../support/headers.ts";
import { chainSource, openTestNode, type TestNode, until } from "../../support/network.ts";
import { connect, openPeerNode, type PeerNode } from "../../support/peer-nodes.ts";
import { differences, referenceOf } from "../../support/reference-shapes.ts";

const open: PeerNode[] = [];
const liars: TestNode[] = [];
async function node(...args: Parameters<typeof openPeerNode>): Promise<PeerNode> {
  const made = await openPeerNode(...args);
  open.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(liars.splice(0).map(({ network }) => network.close()));
  await Promise.all(open.splice(0).map((one) => one.close()));
});

/** Objects whose field names are data, and what of the reference's forms is meant to be absent. */
const NAMED = [
  "NetPubsubScores[0].Score.Topics",
  "NetBandwidthStatsByPeer",
  "NetBandwidthStatsByProtocol",
  "NetStat.Peers",
  "NetStat.Protocols",
];
const MEANT = /^NetPubsubScores\[0\]\.Score\.Topics\.\*\.\w+$|^SyncState|^NetStat\.\w+: missing$/;

const keyOf = ({ net }: PeerNode): string => tipsetKeyText(net.head.key);
const agree = (...nodes: readonly PeerNode[]) => until("one head", () => new Set(nodes.map(keyOf)).size === 1, 60_000);
const send = ({ net }: PeerNode) =>
  net.request("MpoolPushMessage", {
    From: `${net.accounts[0]?.secp256k1}`,
    To: `${net.accounts[1]?.secp256k1}`,
    Value: "1",
  });

/** Resolves when each has the other in its mesh of both topics, so that nothing that is published is missed. */
const meshed = (a: PeerNode, b: PeerNode) =>
  until("the mesh", () => [a, b].every(({ peers }) => peers.network?.mesh().every((count) => count > 0)), 30_000);

test("a fresh node takes a chain from one peer, validates every block, then follows it", async () => {
  const a = await node();
  await a.mine(12);
  const b = await node({ peers: { bootstrap: [a.address] } });
  await agree(a, b);
  const [run] = b.peers.syncer.status().ended;
  expect([run?.stage, run?.base?.height, run?.height]).toEqual(["complete", 0, 12]);
  const made = a.net.head;
  const { counts } = b.peers.syncer.status();
  expect(counts.blocks).toBeGreaterThanOrEqual(12);
  expect(counts.winningPost).toEqual({ verified: counts.blocks, declared: 0 });
  await meshed(a, b);
  await a.mine(1);
  await agree(a, b);
  expect(a.net.head.height).toBeGreaterThan(made.height);
  await tellsOfPeers(a, b);
  expect([a.faults, b.faults]).toEqual([[], []]);
}, 120_000);

test("what a peer wants of bitswap before it is there is sent when a tipset brings it", async () => {
  const a = await node();
  await a.mine(2);
  const { header } = await nextBlock(a);
  const wanted = headerCid(header);
  const protocol = BITSWAP_PROTOCOLS[1];
  const got: Uint8Array[] = [];
  const other = await openBadPeer(a.address, {
    [protocol]: (stream) => stream.addEventListener("message", ({ data }) => got.push(data.slice())),
  });
  try {
    const want = { cid: wanted, priority: 1, cancel: false, type: "block", sendDontHave: false } as const;
    const message = { wants: [want], full: true, blocks: [], haves: [], dontHaves: [] };
    await other.say(protocol, withLength(encodeBitswap(message, protocol)), false);
    await until("the want", () => a.peers.network?.bitswap?.wants === 1);
    expect(got).toEqual([]);
    await a.rpc.request("SyncSubmitBlock", { Header: headerToJson(header, "t"), BlsMessages: [], SecpkMessages: [] });
    await until("the block", () => got.length > 0);
    const [block] = decodeBitswap(withoutLength(got[0] as Uint8Array)).blocks;
    expect(`${cidOfBlock(block?.data as Uint8Array)}`).toBe(`${wanted}`);
  } finally {
    await other.close();
  }
}, 60_000);

type Call = <Answer = unknown>(method: string, ...params: readonly unknown[]) => Promise<Answer>;
type Bytes = { readonly TotalIn: number; readonly TotalOut: number };
type Scope = Readonly<
  Record<"NumConnsInbound" | "NumConnsOutbound" | "NumStreamsInbound" | "NumStreamsOutbound" | "NumFD", number>
>;
type Scopes = {
  readonly System: Scope;
  readonly Peers: Record<string, Scope>;
  readonly Protocols: Record<string, Scope>;
};

/** Bytes, connections and streams of a node with one peer; what may be set is held. */
async function tellsOfResources(call: Call, id: string) {
  const total = await call<Bytes>("NetBandwidthStats");
  expect(total.TotalIn).toBeGreaterThan(1000);
  expect(total.TotalOut).toBeGreaterThan(100);
  const byPeer = await call<Record<string, Bytes>>("NetBandwidthStatsByPeer");
  const byProtocol = await call<Record<string, Bytes>>("NetBandwidthStatsByProtocol");
  expect(Object.keys(byPeer)).toEqual([id]);
  expect(byPeer[id]?.TotalIn).toBeLessThanOrEqual((await call<Bytes>("NetBandwidthStats")).TotalIn);
  const exchanged = byProtocol["/fil/chain/xchg/0.0.1"] as Bytes;
  expect(exchanged.TotalIn).toBeGreaterThan(exchanged.TotalOut);
  const { System, Peers, Protocols } = await call<Scopes>("NetStat", "all");
  expect(System.NumConnsInbound + System.NumConnsOutbound).toBe(1);
  expect(System.NumFD).toBe(1);
  expect(Peers).toEqual({ [id]: System });
  const streams = (one: Scope): number => one.NumStreamsInbound + one.NumStreamsOutbound;
  expect(streams(System)).toBeGreaterThan(0);
  const summed = Object.values(Protocols).reduce((sum: number, one) => sum + streams(one), 0);
  expect(summed).toBeLessThanOrEqual(streams(System));
  expect(Object.keys(await call<object>("NetStat", "transient"))).toEqual(["Transient"]);
  await expect(call("NetStat", "svc:ping")).rejects.toThrow("services are not counted");
  await call("NetProtectAdd", [id]);
  expect(await call("NetProtectList")).toEqual([id]);
  await call("NetProtectRemove", [id]);
  expect(await call("NetProtectList")).toEqual([]);
  const before = await call<object>("NetLimit", `peer:${id}`);
  expect(before).toMatchObject({ Conns: 4, FD: 4, Memory: 0 });
  await call("NetSetLimit", `peer:${id}`, { ...before, Streams: 0 });
  await expect(call("NetPing", id)).rejects.toThrow("as many streams as it may");
  await call("NetSetLimit", `peer:${id}`, before);
  expect(await call("NetPing", id)).toEqual(expect.any(Number));
  await expect(call("NetSetLimit", "system", { ...before, Memory: 5 })).rejects.toThrow("limit.Memory");
  await expect(call("NetSetLimit", "transient", before)).rejects.toThrow("transient");
}

/** Two connected nodes at one head, asked over RPC; the answers have the forms of the reference. */
async function tellsOfPeers(a: PeerNode, b: PeerNode): Promise<void> {
  const call: Call = async <Answer>(method: string, ...params: readonly unknown[]) => {
    const result = await b.rpc.request(method, ...params);
    const known = referenceOf("v1", method)?.result;
    if (known !== undefined)
      expect(differences(known, result, method, NAMED).filter((one) => !MEANT.test(one))).toEqual([]);
    return result as Answer;
  };
  const id = (await a.rpc.request("ID")) as string;
  const { ID, Addrs } = (await a.rpc.request("NetAddrsListen")) as { ID: string; Addrs: readonly string[] };
  expect(ID).toBe(id);
  expect(await call("NetPeers")).toEqual([{ ID: id, Addrs }]);
  expect(await call("NetConnectedness", id)).toBe(1);
  expect(await call("NetPing", id)).toBeGreaterThanOrEqual(0);
  expect(await call("NetAgentVersion", id)).toBe("filigree-test");
  expect((await call<{ Protocols: readonly string[] }>("NetPeerInfo", id)).Protocols).toContain(
    "/fil/chain/xchg/0.0.1",
  );
  const [scored] = await call<readonly { Score: { Topics: object } }[]>("NetPubsubScores");
  expect(scored?.Score.Topics).toHaveProperty([`/fil/blocks/${b.net.network.name}`]);
  expect(await call("NetFindPeer", id)).toEqual({ ID: id, Addrs });
  await tellsOfResources(call, id);
  expect(await call("NetAutoNatStatus")).toMatchObject({ Reachability: 0 });
  expect((await call<{ PeerStatus: unknown }>("NodeStatus")).PeerStatus).toEqual({
    PeersToPublishMsgs: 1,
    PeersToPublishBlocks: 1,
  });
  expect((await call<{ ActiveSyncs: readonly unknown[] }>("SyncState")).ActiveSyncs[0]).toMatchObject({
    Stage: 4,
    Message: "",
  });
  await call("NetDisconnect", id);
  await call("NetBlockAdd", { Peers: [id], IPAddrs: ["192.0.2.1"], IPSubnets: [] });
  expect(await call("NetBlockList")).toEqual({ Peers: [id], IPAddrs: ["192.0.2.1"], IPSubnets: [] });
  await until("the end", () => b.peers.network?.connected().length === 0);
  await expect(call("NetConnect", { ID, Addrs })).rejects.toThrow("cannot be reached");
  await call("NetBlockRemove", { Peers: [id], IPAddrs: ["192.0.2.1"], IPSubnets: [] });
  await call("NetConnect", { ID, Addrs });
  expect(await call("NetConnectedness", id)).toBe(1);
  await expect(call("NetBlockAdd", { Peers: [], IPAddrs: [], IPSubnets: ["192.0.2.0/24"] })).rejects.toThrow(
    "IPSubnets",
  );

  // A block that another program made and hands in.
  const { header } = await nextBlock(b);
  const seen: unknown[] = [];
  const stop = a.peers.intake.onBlock((one) => seen.push(`${headerCid(one)}`));
  const json = headerToJson(header, "t");
  await meshed(a, b);
  const wrong = { ...json, ParentBaseFee: "101" };
  await expect(call("SyncSubmitBlock", { Header: wrong, BlsMessages: [], SecpkMessages: [] })).rejects.toThrow(
    "base fee",
  );
  await call("SyncSubmitBlock", { Header: json, BlsMessages: [], SecpkMessages: [] });
  expect(`${b.net.head.key[0]}`).toBe(`${headerCid(header)}`);
  await agree(a, b);
  stop();
  expect(seen).toEqual([`${headerCid(header)}`]);
}

/** The next block that a miner of the network wins, signed, which no node has yet. */
async function nextBlock({ net }: PeerNode) {
  const local = net.local as LocalMiners;
  const { states } = net.node;
  const making = local.making(states);
  const maker = new BlockMaker(making);
  const parent = net.head;
  const baseFee = await states.nextBaseFee(parent);
  for (let epoch = parent.height + 1; epoch < parent.height + 50; epoch++) {
    const drawn = await entriesFor(making, parent, epoch, AbortSignal.timeout(10_000));
    for (const miner of local.miners) {
      const win = await maker.tryFor(miner, parent, epoch, drawn);
      if (win !== null) return maker.make(win, miner.worker, [], baseFee);
    }
  }
  throw new Error("nobody won");
}

test("a fork heals to the heavier chain; messages of the lost one come back and are mined by the other node", async () => {
  const [a, b] = [await node({ miners: [0] }), await node({ miners: [1] })];
  await a.mine(2);
  await connect(a, b);
  await agree(a, b);
  await a.peers.network?.disconnect(b.peers.network?.id ?? "");
  await until("apart", () => [a, b].every(({ peers }) => peers.network?.connected().length === 0));
  const sent = await send(a);
  await a.mine(2);
  expect(a.net.node.pool.size).toBe(0);
  await b.mine(6);
  const lost = a.net.head;
  await connect(a, b);
  await agree(a, b);
  expect(await a.net.node.chain.isCanonical(lost)).toBe(false);
  await a.net.node.pool.settled();
  expect(a.net.node.pool.pending().map((one) => `${signedMessageCid(one)}`)).toEqual([sent.CID["/"]]);
  await meshed(a, b);
  await a.peers.republish();
  await until("the message", () => b.net.node.pool.size === 1);
  await b.mine(1);
  await agree(a, b);
  await a.net.node.pool.settled();
  expect([a.net.node.pool.size, b.net.node.pool.size]).toEqual([0, 0]);
  expect([a.faults, b.faults]).toEqual([[], []]);
}, 120_000);

describe("liars", () => {
  /** What an honest node serves, and a tipset on top that is said to be the head. */
  function lying({ peers, net }: PeerNode, top: Tipset, over: Partial<ChainSource> = {}): ChainSource {
    const { chain } = net.node;
    const honest = peers.served as ChainSource;
    return {
      genesis: honest.genesis,
      head: () => ({ tipset: top, weight: 10n ** 12n }),
      tipset: async (key) => (tipsetKeyText(key) === tipsetKeyText(top.key) ? top : honest.tipset(key)),
      blockMessages: (header) => chain.messages(header),
      ...over,
    };
  }

  test("another genesis, a chain that does not link, an invalid state root: each is scored, and an honest peer serves", async () => {
    const a = await node();
    await a.mine(6);
    const { net } = a;
    const name = net.network.name;
    const first = net.head.blocks[0] as BlockHeader;
    const owner = (net.local as LocalMiners).miners.find(({ address }) => address.equals(first.miner));
    const forged = { ...first, parentStateRoot: cidNumber(9) };
    const signed: BlockHeader = {
      ...forged,
      blockSig: signBytes(net.node.crypto, owner?.worker as never, headerSigningBytes(forged)),
    };
    const wrongState = makeTipset([signed]);
    const unlinked = makeTipset([{ ...first, parents: [cidNumber(1)] }]);
    const other = await openTestNode(chainSource(plainChain([0, 1], 1, 77)), undefined, undefined, {
      networkName: name,
    });
    const badState = await openTestNode(lying(a, wrongState), undefined, undefined, { networkName: name });
    const badLink = await openTestNode(lying(a, unlinked, { tipset: async () => net.head }), undefined, undefined, {
      networkName: name,
    });
    liars.push(badState, badLink, other);

    const fresh = await node();
    for (const liar of [badState, badLink]) await fresh.peers.network?.connect(liar.network.addresses()[0] as string);
    await fresh.peers.network?.connect(other.network.addresses()[0] as string).catch(() => undefined);
    await connect(fresh, a);
    await agree(fresh, a);
    const record = (id: string | undefined) => fresh.peers.book.list().find((one) => one.id === id);
    const scored = (id: string | undefined) => (): boolean =>
      (record(id)?.points ?? 0) > OFFENCES.badBlock / 2 || (record(id)?.bans ?? 0) > 0;
    await until("the wrong state", scored(badState.network.id), 60_000);
    await until("the wrong links", scored(badLink.network.id), 60_000);
    // Both say hello; who reads the other's first lets it go.
    const otherBanned = () => scored(other.network.id)() || other.book.isBanned(fresh.peers.network?.id ?? "");
    await until("the other genesis", otherBanned, 60_000);
    expect(fresh.net.node.chain.bad.reasonOf(headerCid(signed))).toMatch("state");
    expect(record(a.peers.network?.id)?.points ?? 0).toBe(0);
    expect(fresh.faults).toEqual([]);
  }, 120_000);
});
