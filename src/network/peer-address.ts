/** Where a multiaddr leads: the part that a ban can name. */
import type { Multiaddr } from "@multiformats/multiaddr";
import type { PeerAddress } from "./peer-records.ts";

/** How a socket of both families spells an IPv4 address: the last 32 bits. Source: RFC 4291, 2.5.5.2. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i;

/** IP and port (0 if it has none) of a multiaddr; null for names, relays and what has no IP. IPv4 is IPv4, also where it is mapped. */
export function peerAddress(address: Multiaddr): PeerAddress | null {
  let ip: string | undefined;
  let port = 0;
  for (const { name, value } of address.getComponents()) {
    if (name === "p2p-circuit") return null;
    if ((name === "ip4" || name === "ip6") && ip === undefined) ip = value;
    if ((name === "tcp" || name === "udp") && port === 0) port = Number(value);
  }
  if (ip === undefined) return null;
  const [, high, low] = MAPPED.exec(ip) ?? [];
  if (high === undefined || low === undefined) return { ip, port };
  const bytes = [high, low].map((text) => Number.parseInt(text, 16)).flatMap((half) => [half >> 8, half & 255]);
  return { ip: bytes.join("."), port };
}

/**
 * What all who come from one place share: an IPv4 address, or the network of an IPv6 address (64 bits), of which anybody has
 * 2^64 addresses. Null for this machine, where many nodes are one person's.
 */
export function hostOf(address: Multiaddr): string | null {
  const at = peerAddress(address);
  if (at === null || isLoopback(at)) return null;
  if (!at.ip.includes(":")) return at.ip;
  const [head = "", tail] = at.ip.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  return [...front, ...Array<string>(zeros).fill("0"), ...back]
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, ""))
    .join(":");
}

/** Whether an address is this machine's own, from which everybody on it comes. */
export function isLoopback({ ip }: PeerAddress): boolean {
  return ip === "::1" || /^(?:::ffff:)?127\./.test(ip);
}

/** How a connected peer is dialled: at the address where it was, with its identity; or by that alone, if it came by itself. */
export function dialable(peer: { readonly id: string; readonly address: string; readonly direction: string }): string {
  if (peer.direction !== "outbound") return peer.id;
  return peer.address.includes("/p2p/") ? peer.address : `${peer.address}/p2p/${peer.id}`;
}
