/** Filecoin.Net*, the rest: bytes, connections and streams of the node's host, what they may be, and who is kept. */
import { isFilError } from "../../base/errors.ts";
import { CONNECTIONS } from "../../network/params.ts";
import type { ScopeLimit, ScopeUse } from "../../network/resources.ts";
import type { Traffic } from "../../network/traffic.ts";
import { decimal, fallback, integer, list, nothing, object, record, spelt, text } from "../codec/codec.ts";
import { badParams } from "../errors.ts";
import { method, param } from "../method.ts";
import { MANY_PEERS, netOf, peerId } from "./net-parts.ts";

const MOST = Number.MAX_SAFE_INTEGER;
const MAX_STREAMS = 1 << 30;
const count = integer(0, MOST);
const stats = object("Stats", {
  TotalIn: count,
  TotalOut: count,
  RateIn: decimal(0, MOST),
  RateOut: decimal(0, MOST),
});
const scopeStat = object("ScopeStat", {
  NumStreamsInbound: count,
  NumStreamsOutbound: count,
  NumConnsInbound: count,
  NumConnsOutbound: count,
  NumFD: count,
  Memory: count,
});
const streams = integer(0, MAX_STREAMS);
const conns = integer(0, CONNECTIONS.high);
const netLimit = object("NetLimit", {
  Memory: fallback(integer(0, MOST), 0),
  Streams: streams,
  StreamsInbound: streams,
  StreamsOutbound: streams,
  Conns: conns,
  ConnsInbound: conns,
  ConnsOutbound: conns,
  FD: conns,
});
const scope = param("scope", text(256));
/** The reference leaves out what it has nothing of. */
const netStat = spelt<Record<string, unknown>>({
  title: "NetStat",
  type: "object",
  properties: {
    System: scopeStat.schema,
    Transient: scopeStat.schema,
    Services: record(scopeStat).schema,
    Protocols: record(scopeStat).schema,
    Peers: record(scopeStat).schema,
  },
});

function statsOf({ totalIn, totalOut, rateIn, rateOut }: Traffic) {
  return { TotalIn: totalIn, TotalOut: totalOut, RateIn: rateIn, RateOut: rateOut };
}

function statOf({ streams: of, connections, memory }: ScopeUse) {
  return {
    NumStreamsInbound: of.inbound,
    NumStreamsOutbound: of.outbound,
    NumConnsInbound: connections.inbound,
    NumConnsOutbound: connections.outbound,
    NumFD: connections.inbound + connections.outbound,
    Memory: memory,
  };
}

function mapped<T, R>(values: Readonly<Record<string, T>>, work: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, work(value)]));
}

/** Runs what reads a scope; a wrong one is the caller's. */
function inScope<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isFilError(error, "BAD_SCOPE")) return badParams(`scope: ${error.message}`);
    throw error;
  }
}

const peers = param("peers", list(peerId, 1000));

export const netResourceMethods = {
  NetBandwidthStats: method({
    summary: "Bytes of all streams since the node started, and how many a second there are now.",
    result: stats,
    run: (_, { node }) => statsOf(netOf(node).traffic.total()),
  }),
  NetBandwidthStatsByPeer: method({
    summary: "The same by peer, of the peers that were there lately.",
    result: record(stats),
    run: (_, { node }) => mapped(netOf(node).traffic.byPeer(), statsOf),
  }),
  NetBandwidthStatsByProtocol: method({
    summary: "The same by protocol.",
    result: record(stats),
    run: (_, { node }) => mapped(netOf(node).traffic.byProtocol(), statsOf),
  }),
  NetStat: method({
    summary:
      "Connections, streams and bytes in their buffers: of system, transient, proto:<protocol>, peer:<identity>, or all of them; services are not counted.",
    params: [scope],
    result: netStat,
    run([name], { node }) {
      const net = netOf(node);
      const of = (one: string) => inScope(() => statOf(net.use(one)));
      const named = (prefix: string, names: readonly string[]) =>
        names.length === 0 ? {} : Object.fromEntries(names.map((one) => [one, of(`${prefix}:${one}`)]));
      if (name === "all") {
        const known = net.scopes;
        return {
          System: of("system"),
          Transient: of("transient"),
          ...(known.protocols.length === 0 ? {} : { Protocols: named("proto", known.protocols) }),
          ...(known.peers.length === 0 ? {} : { Peers: named("peer", known.peers) }),
        };
      }
      const found = of(name);
      if (name === "system") return { System: found };
      if (name === "transient") return { Transient: found };
      const at = name.indexOf(":");
      return { [name.startsWith("proto") ? "Protocols" : "Peers"]: { [name.slice(at + 1)]: found } };
    },
  }),
  NetLimit: method({
    summary: "How many connections and streams a scope may have; bytes (Memory) have no limit of their own.",
    params: [scope],
    result: netLimit,
    run([name], { node }) {
      const limit = inScope(() => netOf(node).limit(name));
      return {
        Memory: 0,
        Streams: limit.streams,
        StreamsInbound: limit.streamsInbound,
        StreamsOutbound: limit.streamsOutbound,
        Conns: limit.connections,
        ConnsInbound: limit.connectionsInbound,
        ConnsOutbound: limit.connectionsOutbound,
        FD: limit.descriptors,
      };
    },
  }),
  NetSetLimit: method({
    summary: "Sets how many connections and streams a scope may have, until the node stops; what is open stays.",
    permission: "admin",
    params: [scope, param("limit", netLimit)],
    result: nothing,
    run([name, given], { node }) {
      const net = netOf(node);
      if (given.Memory !== 0) badParams("limit.Memory: 0 expected: this node limits no memory of connections");
      if (name === "transient") badParams("scope: the limit of transient cannot be set: libp2p's own holds");
      const limit: ScopeLimit = {
        streams: given.Streams,
        streamsInbound: given.StreamsInbound,
        streamsOutbound: given.StreamsOutbound,
        connections: given.Conns,
        connectionsInbound: given.ConnsInbound,
        connectionsOutbound: given.ConnsOutbound,
        descriptors: given.FD,
      };
      inScope(() => net.setLimit(name, limit));
      return null;
    },
  }),
  NetProtectAdd: method({
    summary: "Protects peers: when there are too many connections, theirs are closed last.",
    permission: "admin",
    params: [peers],
    result: nothing,
    async run([ids], { node }) {
      for (const id of ids) await netOf(node).protect(id, true);
      return null;
    },
  }),
  NetProtectRemove: method({
    summary: "Protects peers no more.",
    permission: "admin",
    params: [peers],
    result: nothing,
    async run([ids], { node }) {
      for (const id of ids) await netOf(node).protect(id, false);
      return null;
    },
  }),
  NetProtectList: method({
    summary: "The peers that are protected and connected.",
    result: list(peerId, MANY_PEERS),
    run(_, { node }) {
      const net = netOf(node);
      const here = new Set(net.connected().map(({ id }) => id));
      return net.protected.filter((id) => here.has(id));
    },
  }),
};
