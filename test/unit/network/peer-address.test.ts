import { multiaddr } from "@multiformats/multiaddr";
import { expect, test } from "vitest";
import { hostOf, isLoopback, peerAddress } from "../../../src/network/peer-address.ts";

test("IP and port of a multiaddr, and none where there is none", () => {
  expect(peerAddress(multiaddr("/ip4/192.0.2.1/tcp/4001/ws"))).toEqual({ ip: "192.0.2.1", port: 4001 });
  expect(peerAddress(multiaddr("/ip6/2001:db8::1/udp/5"))).toEqual({ ip: "2001:db8::1", port: 5 });
  // As a listener of both families sees it.
  expect(peerAddress(multiaddr("/ip6/::ffff:192.0.2.1/tcp/5"))).toEqual({ ip: "192.0.2.1", port: 5 });
  expect(peerAddress(multiaddr("/dns4/example.org/tcp/1"))).toBe(null);
  expect(peerAddress(multiaddr("/ip4/192.0.2.1/tcp/1/p2p-circuit"))).toBe(null);
});

test("loopback", () => {
  const of = (ip: string) => isLoopback({ ip, port: 1 });
  expect(["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"].map(of)).toEqual([true, true, true, true]);
  expect(["12.7.0.1", "192.0.2.127", "::2"].map(of)).toEqual([false, false, false]);
});

test("the host that many identities share", () => {
  const host = (text: string): string | null => hostOf(multiaddr(text));
  expect(host("/ip4/1.2.3.4/tcp/1")).toBe("1.2.3.4");
  expect(host("/ip6/::ffff:1.2.3.4/tcp/1")).toBe("1.2.3.4");
  expect(host("/ip6/2001:db8:1:2:3:4:5:6/tcp/1")).toBe("2001:db8:1:2");
  expect(host("/ip6/2001:db8::6/udp/1/quic-v1")).toBe("2001:db8:0:0");
  expect(host("/ip6/2001:db8:0:0:ffff::/tcp/1")).toBe("2001:db8:0:0");
  for (const none of [
    "/ip4/127.0.0.1/tcp/1",
    "/ip6/::1/tcp/1",
    "/ip6/::ffff:127.0.0.1/tcp/1",
    "/dns4/example.com/tcp/1",
  ])
    expect(host(none)).toBe(null);
});
