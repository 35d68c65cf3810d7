/** Where a multiaddr leads: the part that a ban can name. */
import type { Multiaddr } from "@multiformats/multiaddr";
import type { PeerAddress } from "./peer-records.ts";

/** IP and port (0 if it has none) of a multiaddr; null for names, relays and what has no IP. */
export function peerAddress(address: Multiaddr): PeerAddress | null {
  let ip: string | undefined;
  let port = 0;
  for (const { name, value } of address.getComponents()) {
    if (name === "p2p-circuit") return null;
    if ((name === "ip4" || name === "ip6") && ip === undefined) ip = value;
    if ((name === "tcp" || name === "udp") && port === 0) port = Number(value);
  }
  return ip === undefined ? null : { ip, port };
}

/** Whether an address is this machine's own, from which everybody on it comes. */
export function isLoopback({ ip }: PeerAddress): boolean {
  return ip === "::1" || /^(?:::ffff:)?127\./.test(ip);
}
