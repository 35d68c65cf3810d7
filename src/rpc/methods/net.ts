/** Filecoin.Net*: the node's peers, whom it lets in, and what it thinks of them. */
import { FOR_EVER } from "../../network/peer-records.ts";
import { decimal, integer, list, nothing, nullable, object, record, text } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { group, method, param } from "../method.ts";
import type { NetService } from "../services.ts";
import { ipOf, MANY_PEERS, netOf, peerId } from "./net-parts.ts";
import { netResourceMethods } from "./net-resources.ts";

const MAX_ADDRESSES = 64;
const NANOS_PER_MS = 1_000_000;
/** What libp2p of Go calls the states of a connection. Source: go-libp2p core/network. */
const CONNECTEDNESS = { notConnected: 0, connected: 1 } as const;
/** Reachability that nobody has found out. Source: go-libp2p core/network. */
const UNKNOWN_REACHABILITY = 0;

const addresses = list(text(512), MAX_ADDRESSES);
const addrInfo = object("AddrInfo", { ID: peerId, Addrs: addresses });
const peer = param("peer", peerId);
const score = decimal(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
const count = decimal(0, Number.MAX_SAFE_INTEGER);
const hostText = text(64);
const host = {
  ...hostText,
  /** An IP address in the one spelling that connections have; a ban of anything else would never hold. */
  decode(json: unknown, path: string): string {
    const given = hostText.decode(json, path);
    return ipOf(given) ?? badParams(`${path}: an IP address expected, got ${JSON.stringify(given)}`);
  },
};
const listOf = (hosts: typeof hostText) =>
  object("NetBlockList", {
    Peers: list(peerId, MANY_PEERS),
    IPAddrs: list(hosts, MANY_PEERS),
    IPSubnets: list(hostText, MANY_PEERS),
  });
/** What is listed, and by the same names lifted, may also be an address with a port. */
const blockList = listOf(hostText);

function addressesOf(net: NetService, id: string): string[] {
  const connected = net.connected().filter((one) => one.id === id);
  return [...new Set(connected.map(({ address }) => withoutId(address)))];
}

/** A multiaddr without the identity at its end, as the reference writes it beside the identity. */
function withoutId(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, "");
}

function notConnected(id: string): never {
  throw new RpcError(RPC_CODE.untyped, `peer ${id} is not connected`);
}

export const netGroup = group("Net", "The node's peers, whom it lets in, and what it thinks of them.", {
  ID: method({
    summary: "The node's identity among its peers.",
    result: text(),
    run: (_, { node }) => netOf(node).id,
  }),
  NetAddrsListen: method({
    summary: "The node's identity and the addresses at which it listens.",
    result: addrInfo,
    run(_, { node }) {
      const net = netOf(node);
      return { ID: net.id, Addrs: net.addresses().map(withoutId) };
    },
  }),
  NetPeers: method({
    summary: "The peers that are connected, with their addresses.",
    result: list(addrInfo, MANY_PEERS),
    run(_, { node }) {
      const net = netOf(node);
      const ids = [...new Set(net.connected().map(({ id }) => id))];
      return ids.map((id) => ({ ID: id, Addrs: addressesOf(net, id) }));
    },
  }),
  NetConnectedness: method({
    summary: "Whether a peer is connected: 1 if it is, else 0.",
    params: [peer],
    result: integer(0, 4),
    run: ([id], { node }) =>
      netOf(node)
        .connected()
        .some((one) => one.id === id)
        ? CONNECTEDNESS.connected
        : CONNECTEDNESS.notConnected,
  }),
  NetConnect: method({
    summary: "Connects to a peer at one of its addresses.",
    permission: "write",
    params: [param("peer", addrInfo)],
    result: nothing,
    cost: "wait",
    async run([{ ID: id, Addrs: at }], { node, signal }) {
      const net = netOf(node);
      if (net.connected().some((one) => one.id === id)) return null;
      if (at.length === 0) badParams("peer.Addrs: an address expected, got none");
      let last: unknown = null;
      for (const address of at) {
        try {
          await net.connect(`${withoutId(address)}/p2p/${id}`, signal);
          return null;
        } catch (error) {
          signal.throwIfAborted();
          last = error;
        }
      }
      throw new RpcError(
        RPC_CODE.untyped,
        `peer ${id} cannot be reached: ${last instanceof Error ? last.message : last}`,
      );
    },
  }),
  NetDisconnect: method({
    summary: "Closes the connections to a peer.",
    permission: "write",
    params: [peer],
    result: nothing,
    async run([id], { node }) {
      await netOf(node).disconnect(id);
      return null;
    },
  }),
  NetFindPeer: method({
    summary: "Addresses of a peer that is connected, was reached before, or is known to the network's DHT.",
    params: [peer],
    result: addrInfo,
    cost: "wait",
    async run([id], { node, signal }) {
      const net = netOf(node);
      const here = addressesOf(net, id);
      const before = net.peers.list().find((one) => one.id === id)?.addresses ?? [];
      const known = [...new Set([...here, ...before.map(withoutId)])];
      const found = known.length > 0 ? known : (await net.find(id, signal)).slice(0, MAX_ADDRESSES);
      if (found.length === 0) throw new RpcError(RPC_CODE.untyped, `no address of peer ${id} is known`);
      return { ID: id, Addrs: found };
    },
  }),
  NetPing: method({
    summary: "Nanoseconds that a peer takes to answer.",
    params: [peer],
    result: count,
    cost: "wait",
    async run([id], { node, signal }) {
      const ms = await netOf(node).ping(id, signal);
      return ms === null ? notConnected(id) : Math.round(ms * NANOS_PER_MS);
    },
  }),
  NetAgentVersion: method({
    summary: "What a connected peer says that it is.",
    params: [peer],
    result: text(1 << 16),
    async run([id], { node }) {
      return (await netOf(node).details(id))?.agent ?? notConnected(id);
    },
  }),
  NetPeerInfo: method({
    summary: "What is known of a connected peer; the connection manager of this node keeps no tags and values.",
    params: [peer],
    result: object("ExtendedPeerInfo", {
      ID: text(),
      Agent: text(1 << 16),
      Addrs: addresses,
      Protocols: list(text(), 1000),
      ConnMgrMeta: nullable(nothing),
    }),
    async run([id], { node }) {
      const net = netOf(node);
      const found = (await net.details(id)) ?? notConnected(id);
      return { ID: id, Agent: found.agent, Addrs: addressesOf(net, id), Protocols: found.protocols, ConnMgrMeta: null };
    },
  }),
  NetPubsubScores: method({
    summary: "Scores of the connected peers in the gossip mesh.",
    result: list(
      object("PubsubScore", {
        ID: text(),
        Score: object("PeerScoreSnapshot", {
          Score: score,
          Topics: record(
            object("TopicScoreSnapshot", {
              TimeInMesh: count,
              FirstMessageDeliveries: count,
              MeshMessageDeliveries: count,
              InvalidMessageDeliveries: count,
            }),
          ),
          AppSpecificScore: score,
          IPColocationFactor: count,
          BehaviourPenalty: count,
        }),
      }),
      MANY_PEERS,
    ),
    run: (_, { node }) =>
      netOf(node)
        .scores()
        .map(({ id, score: whole, topics, behaviourPenalty, sameAddress }) => ({
          ID: id,
          Score: {
            Score: whole,
            Topics: Object.fromEntries(
              topics.map((one) => [
                one.topic,
                {
                  TimeInMesh: Math.round(one.meshMs * NANOS_PER_MS),
                  FirstMessageDeliveries: one.firstDeliveries,
                  MeshMessageDeliveries: one.meshDeliveries,
                  InvalidMessageDeliveries: one.invalidDeliveries,
                },
              ]),
            ),
            // Nothing but gossip counts in the mesh; offences elsewhere end in bans.
            AppSpecificScore: 0,
            IPColocationFactor: sameAddress,
            BehaviourPenalty: behaviourPenalty,
          },
        })),
  }),
  NetAutoNatStatus: method({
    summary: "Whether the node can be reached from outside: 0, not known; nobody is asked.",
    result: object("NatInfo", { Reachability: integer(0, 2), PublicAddrs: addresses }),
    run(_, { node }) {
      netOf(node);
      return { Reachability: UNKNOWN_REACHABILITY, PublicAddrs: [] };
    },
  }),
  ...netResourceMethods,
  NetBlockAdd: method({
    summary: "Lets peers and hosts in no more; those that are connected are cut off.",
    permission: "admin",
    params: [param("acl", listOf(host))],
    result: nothing,
    run([{ Peers, IPAddrs, IPSubnets }], { node }) {
      const net = netOf(node);
      refuseSubnets(IPSubnets);
      for (const id of Peers) net.ban(id, FOR_EVER);
      for (const ip of IPAddrs) net.banAddress(ip, FOR_EVER);
      return null;
    },
  }),
  NetBlockRemove: method({
    summary: "Lifts the bans of peers and hosts, whoever set them.",
    permission: "admin",
    params: [param("acl", blockList)],
    result: nothing,
    run([{ Peers, IPAddrs, IPSubnets }], { node }) {
      const { peers } = netOf(node);
      refuseSubnets(IPSubnets);
      for (const id of Peers) peers.unban(id);
      for (const ip of IPAddrs) peers.unbanAddress(ip);
      return null;
    },
  }),
  NetBlockList: method({
    summary: "Peers and hosts that are banned now, by the operator or for what they did.",
    result: blockList,
    run(_, { node }) {
      const { peers } = netOf(node);
      return {
        Peers: peers
          .list()
          .filter(({ id }) => peers.isBanned(id))
          .map(({ id }) => id),
        IPAddrs: peers.bannedAddresses().map(({ address }) => address),
        IPSubnets: [],
      };
    },
  }),
});

function refuseSubnets(subnets: readonly string[]): void {
  if (subnets.length > 0) badParams("acl.IPSubnets: none expected: this node bans peers and single hosts only");
}
