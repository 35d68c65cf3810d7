/** Peer to peer in Node and Deno: TCP, WebSocket and, beside Noise, TLS. */
import { BroadcastChannel as NodeChannel } from "node:worker_threads";
import { tcp } from "@libp2p/tcp";
import { tls } from "@libp2p/tls";
import { webSockets } from "@libp2p/websockets";
import { WebSocket } from "ws";
import type { PeerToPeer } from "./peer-to-peer.ts";

/** What libp2p expects of its runtime, and Node 20 does not have yet or Deno has in its imitation of Node alone. */
function fillIn(): void {
  // The lock of its peer store opens a channel to other threads that is never closed. Node lets it go by `unref`; in Deno, whose global
  // channel has no such method, a process that had peers did not end.
  const { unref } = NodeChannel.prototype;
  if (!("unref" in BroadcastChannel.prototype)) Object.assign(BroadcastChannel.prototype, { unref });
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
