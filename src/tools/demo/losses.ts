/**
 * What a bad network does to a node, for demonstrations and tests alone. It is drawn by what is sent, from a seed, and never by the
 * clock: on a machine of any speed the same share is lost of
 *
 * - blocks and messages that the node gossips: nobody gets them,
 * - HTTP requests that it makes: half of them are not sent, of the others a half of the answer comes,
 * - streams that it opens, of any protocol: they break at one of their first pieces of data,
 * - connections: each piece of data that it sends over one breaks it with a tenth of the share, so that of those over which
 *   ten go about the share breaks.
 */
import type { Stream } from "@libp2p/interface";
import type { Network } from "../../network/network.ts";
import type { Random } from "../../sim/random.ts";

export type Losses = { readonly count: () => Readonly<Record<string, number>>; readonly stop: () => void };

/** Pieces of data until a stream breaks that is to break. */
const BREAKS_AT = [1, 8] as const;
/** Pieces of data over a connection of which the share is reckoned. */
const PIECES = 10;

/** What is done to data of a stream, beyond its published interface: both ways pass here. */
type Pipe = Stream & { onData(data: unknown): void };

/** `share`: of one. Whatever is drawn comes from `random`. */
export function loseSome(network: Network, share: number, random: Random): Losses {
  const lost = { messages: 0, streams: 0, connections: 0, requests: 0 };
  let isOver = false;
  const isLost = (kind: keyof typeof lost, chance = share): boolean => {
    if (isOver || !random.chance(chance)) return false;
    lost[kind]++;
    return true;
  };
  for (const name of ["publishMessage", "publishBlock"] as const) {
    const publish = network[name].bind(network) as (given: never) => Promise<number>;
    Object.defineProperty(network, name, {
      value: async (given: never) => (isLost("messages") ? 0 : publish(given)),
    });
  }
  const host = network["host"];
  const watch = (stream: Pipe): void => {
    let left = stream.direction === "outbound" && isLost("streams") ? random.between(...BREAKS_AT) : null;
    /** Whether a piece of data is one at which the stream breaks; it is lost with all behind it. */
    const isBreak = (): boolean => {
      if (left === null || --left > 0 || isOver) return false;
      left = null;
      queueMicrotask(() => stream.abort(lostOnTheWay()));
      return true;
    };
    const [send, onData] = [stream.send.bind(stream), stream.onData.bind(stream)];
    stream.send = (data) => {
      if (isLost("connections", share / PIECES)) {
        const connection = host.getConnections().find(({ streams }) => streams.includes(stream));
        queueMicrotask(() => connection?.abort(lostOnTheWay()));
        return true;
      }
      return isBreak() || send(data);
    };
    stream.onData = (data) => {
      if (!isBreak()) onData(data);
    };
  };
  const opened = network["streamOpened"].bind(network);
  network["streamOpened"] = (stream) => {
    opened(stream);
    watch(stream as Pipe);
  };
  const request = globalThis.fetch;
  globalThis.fetch = async (...args) => {
    if (!isLost("requests")) return request(...args);
    if (random.chance(0.5)) throw new TypeError("fetch failed: lost on the way");
    const { body, status, headers } = await request(...args);
    return new Response(body === null ? null : body.pipeThrough(halved()), { status, headers });
  };
  return {
    count: () => ({ ...lost }),
    stop: () => {
      isOver = true;
    },
  };
}

const lostOnTheWay = (): Error => new Error("lost on the way");

/** A body that ends in the middle. */
function halved(): TransformStream<Uint8Array, Uint8Array> {
  let sent = 0;
  const cut = (): TypeError => new TypeError("terminated: lost on the way");
  return new TransformStream({
    transform(bytes, controller) {
      if (sent++ > 0) return controller.error(cut());
      controller.enqueue(bytes.subarray(0, bytes.length >> 1));
      if (bytes.length < 1 << 16) controller.error(cut());
    },
  });
}
