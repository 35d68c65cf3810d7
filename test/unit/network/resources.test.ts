/** Bytes a second, and how many connections and streams a host may have. */
import type { Stream } from "@libp2p/interface";
import { expect, test } from "vitest";
import { type ConnectionUse, parseScope, ResourceLimits, useOf } from "../../../src/network/resources.ts";
import { TrafficMeter } from "../../../src/network/traffic.ts";

const pass = { send: () => true, onData: () => undefined };
const streamOf = (protocol: string) =>
  ({ protocol, ...pass }) as unknown as Stream & { onData(data: Uint8Array): void };

test("bytes are counted in all, by peer and by protocol; rates fade within seconds", () => {
  let now = 0;
  const meter = new TrafficMeter(() => now);
  const [hello, ping] = [streamOf("/hello"), streamOf("/ping")];
  meter.watch(hello, () => "a");
  let peer: string | null = null;
  meter.watch(ping, () => peer);
  hello.send(new Uint8Array(100));
  ping.onData(new Uint8Array(30));
  peer = "b";
  ping.onData(new Uint8Array(12));
  expect(meter.total()).toEqual({ totalIn: 42, totalOut: 100, rateIn: 0, rateOut: 0 });
  expect(meter.byProtocol()).toMatchObject({ "/hello": { totalOut: 100, totalIn: 0 }, "/ping": { totalIn: 42 } });
  expect(meter.byPeer()).toMatchObject({ a: { totalOut: 100 }, b: { totalIn: 12, totalOut: 0 } });
  now = 1000;
  expect(meter.total().rateOut).toBeCloseTo(100 * (1 - Math.exp(-1)), 9);
  now = 4000;
  expect(meter.total().rateOut).toBeCloseTo(100 * (1 - Math.exp(-1)) * Math.exp(-3), 9);
  now = 60_000;
  expect(meter.total()).toEqual({ totalIn: 42, totalOut: 100, rateIn: 0, rateOut: 0 });
  for (let second = 60; second < 90; second++) {
    now = second * 1000;
    hello.send(new Uint8Array(500));
  }
  now = 90_000;
  expect(meter.total().rateOut).toBeCloseTo(500, 3);
});

test("what was used least lately is forgotten, and nothing grows without end", () => {
  const meter = new TrafficMeter(() => 0);
  for (let i = 0; i < 3000; i++) {
    const stream = streamOf(`/p/${i}`);
    meter.watch(stream, () => `peer ${i}`);
    stream.send(new Uint8Array(1));
  }
  expect(Object.keys(meter.byPeer())).toHaveLength(1024);
  expect(Object.keys(meter.byProtocol())).toHaveLength(256);
  expect(meter.total().totalOut).toBe(3000);
});

const stream = (protocol: string, direction: "inbound" | "outbound", buffered = 0) => ({
  protocol,
  direction,
  buffered,
});
const connections: ConnectionUse[] = [
  { peer: "a", direction: "inbound", streams: [stream("/x", "inbound", 5), stream("", "outbound")] },
  { peer: "b", direction: "outbound", streams: [stream("/x", "outbound", 2), stream("/y", "outbound")] },
];

test.each([
  ["system", [1, 3], [1, 1], 7],
  ["peer:b", [0, 2], [0, 1], 2],
  ["proto:/x", [1, 1], [0, 0], 7],
  ["transient", [0, 1], [0, 4], 0],
] as const)("%s has its own", (scope, [streamsIn, streamsOut], [inbound, outbound], memory) => {
  expect(useOf(parseScope(scope), connections, 4)).toEqual({
    streams: { inbound: streamsIn, outbound: streamsOut },
    connections: { inbound, outbound },
    memory,
  });
});

test("limits that were set are held, others are not touched", () => {
  const limits = new ResourceLimits();
  const [a, b] = connections as [ConnectionUse, ConnectionUse];
  const opened = { protocol: "/x", direction: "outbound", buffered: 0 } as const;
  limits.checkConnections(connections, a);
  limits.checkStreams(connections, "b", opened);
  const system = parseScope("system");
  limits.set(system, { ...limits.of(system), connectionsInbound: 0 });
  expect(() => limits.checkConnections(connections, a)).toThrow("as many connections");
  limits.checkConnections(connections, b);
  limits.set(system, { ...limits.of(parseScope("transient")), descriptors: 1 });
  expect(() => limits.checkConnections(connections, b)).toThrow("as many connections");
  const protocol = parseScope("proto:/x");
  limits.set(protocol, { ...limits.of(protocol), streamsOutbound: 0 });
  expect(() => limits.checkStreams(connections, "b", opened)).toThrow("protocol:/x");
  limits.checkStreams(connections, "b", { ...opened, protocol: "/y" });
  for (const bad of ["", "svc:x", "peer:", "system ", "proto"]) expect(() => parseScope(bad), bad).toThrow("no scope");
});
