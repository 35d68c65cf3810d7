/** Hosts as an operator names them. */
import { expect, test } from "vitest";
import { netGroup } from "../../../src/rpc/methods/net.ts";

const decode = (ip: unknown): unknown => {
  const [acl] = netGroup.methods.NetBlockAdd.params;
  return acl.codec.decode({ Peers: [], IPAddrs: [ip], IPSubnets: [] }, "acl").IPAddrs[0];
};

test("a host that is banned is an IP address, in the spelling that connections have", () => {
  for (const ip of ["192.0.2.7", "0.0.0.0", "255.255.255.255", "::1", "2001:db8::7"]) expect(decode(ip)).toBe(ip);
  expect(decode("2001:DB8:0:0:0:0:0:7")).toBe("2001:db8::7");
  for (const bad of [
    "",
    "host.example",
    "192.0.2",
    "192.0.2.256",
    "0x7f.0.0.1",
    "1.2.3.4/24",
    "1.2.3.4:80",
    "::g",
    "[::1]",
    "1",
  ])
    expect(() => decode(bad), bad).toThrow(/acl\.IPAddrs.*: an IP address expected/);
});
