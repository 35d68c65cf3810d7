/** Peer to peer in Node and Deno: TCP, WebSocket and, beside Noise, TLS. */
import { tcp } from "@libp2p/tcp";
import { tls } from "@libp2p/tls";
import { webSockets } from "@libp2p/websockets";
import { WebSocket } from "ws";
import type { PeerToPeer } from "./peer-to-peer.ts";

/** What libp2p expects of its runtime and Node 20 does not have yet. */
function fillIn(): void {
  // biome-ignore lint/suspicious/noExplicitAny: the types already know the method
  const promise = Promise as any;
  promise.withResolvers ??= function withResolvers(this: PromiseConstructor) {
    let resolve: unknown;
    let reject: unknown;
    const made = new this((good, bad) => {
      resolve = good;
      reject = bad;
    });
    return { promise: made, resolve, reject };
  };
  // biome-ignore lint/suspicious/noExplicitAny: ws is the same interface
  (globalThis as any).WebSocket ??= WebSocket;
}

export function openPeerToPeer(): PeerToPeer {
  fillIn();
  return { transports: [tcp(), webSockets()], encrypters: [tls()] };
}
