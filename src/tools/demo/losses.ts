/**
 * What a bad network does to a node, for tests alone: of gossip that it publishes, of streams that it opens or is opened, and
 * of HTTP requests that it makes a share is lost; each second the same share of its connections breaks.
 */
import type { Stream } from "@libp2p/interface";
import type { Network } from "../../network/network.ts";

export type Losses = { readonly count: () => Readonly<Record<string, number>>; readonly stop: () => void };

/** Longest time that a stream lives which is to break, milliseconds. */
const BREAK_MS = 300;
const LOOK_MS = 1000;

/** `share`: of one. */
export function loseSome(network: Network, share: number): Losses {
  const lost = { messages: 0, streams: 0, connections: 0, requests: 0 };
  const isLost = (kind: keyof typeof lost): boolean => {
    if (Math.random() >= share) return false;
    lost[kind]++;
    return true;
  };
  const breaking = (stream: Stream): Stream => {
    if (isLost("streams"))
      setTimeout(() => stream.abort(new Error("lost on the way")), Math.random() * BREAK_MS).unref();
    return stream;
  };
  for (const name of ["publishMessage", "publishBlock"] as const) {
    const publish = network[name].bind(network) as (given: never) => Promise<number>;
    Object.defineProperty(network, name, {
      value: async (given: never) => (isLost("messages") ? 0 : publish(given)),
    });
  }
  const { streams } = network;
  const [open, handle] = [streams.open.bind(streams), streams.handle.bind(streams)];
  streams.open = async (...args) => breaking(await open(...args));
  streams.handle = (protocol, handler) => handle(protocol, (stream, peer) => handler(breaking(stream), peer));
  const request = globalThis.fetch;
  globalThis.fetch = async (...args) => {
    if (!isLost("requests")) return request(...args);
    if (Math.random() < 0.5) throw new TypeError("fetch failed: lost on the way");
    const { body, status, headers } = await request(...args);
    let sent = 0;
    const half = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        if (sent++ > 0) return controller.error(new TypeError("terminated: lost on the way"));
        controller.enqueue(bytes.subarray(0, bytes.length >> 1));
        if (bytes.length < 1 << 16) controller.error(new TypeError("terminated: lost on the way"));
      },
    });
    return new Response(body === null ? null : body.pipeThrough(half), { status, headers });
  };
  const timer = setInterval(() => {
    for (const { id } of network.connected())
      if (isLost("connections")) void network.disconnect(id).catch(() => undefined);
  }, LOOK_MS);
  timer.unref();
  return { count: () => ({ ...lost }), stop: () => clearInterval(timer) };
}
