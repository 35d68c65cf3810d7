/**
 * Hello: two nodes tell each other their genesis and heaviest tipset as soon as they are connected.
 * The one that answers gives its clock, from which the other learns round trip and offset.
 * A peer of another genesis is let go. Source: lotus node/hello/hello.go.
 */
import type { Connection, Stream } from "@libp2p/interface";
import { isFilError } from "../base/errors.ts";
import type { ChainSource } from "./chain-source.ts";
import type { Host } from "./host.ts";
import type { OwnTime } from "./own-time.ts";
import { type Deadlines, PEER_LIMITS } from "./params.ts";
import type { Offence } from "./peer-book.ts";
import { RateLimiter } from "./rate-limit.ts";
import { frameStream } from "./wire/frames.ts";
import {
  decodeHello,
  decodeHelloReply,
  encodeHello,
  encodeHelloReply,
  HELLO_PROTOCOL,
  type Hello,
  MAX_HELLO_BYTES,
} from "./wire/hello.ts";

/** Round trip and clock offset of a peer, milliseconds; a positive offset: its clock is ahead. */
export type PeerTiming = { readonly roundTrip: number; readonly clockOffset: number };

export type HelloParts = {
  readonly host: Host;
  readonly chain: ChainSource;
  readonly deadlines: Deadlines;
  readonly time: OwnTime;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly onHello: (peer: string, hello: Hello) => void;
  readonly onTiming: (peer: string, timing: PeerTiming) => void;
  readonly onOffence: (peer: string, offence: Offence) => void;
};

const MAX_REPLY_BYTES = 64;
const NANOS = 1_000_000n;

export class HelloService {
  private readonly parts: HelloParts;
  private readonly rate: RateLimiter;
  /** Connections whose first hello came: it belongs to the connection, however often that breaks and is made again. */
  private readonly greeted = new WeakSet<Connection>();
  private readonly greet = (
    event: CustomEvent<{ peerId: { toString(): string }; protocols: string[]; connection: Connection }>,
  ) => {
    if (event.detail.protocols.includes(HELLO_PROTOCOL)) void this.say(event.detail.connection).catch(() => undefined);
  };

  constructor(parts: HelloParts) {
    this.parts = parts;
    const { now, time } = parts;
    const rate = { burst: PEER_LIMITS.helloBurst, perSecond: PEER_LIMITS.helloPerSecond };
    this.rate = new RateLimiter(rate, now, () => time.late);
  }

  async start(): Promise<void> {
    const { host } = this.parts;
    await host.handle(HELLO_PROTOCOL, (stream, connection) => this.answer(stream, connection), {
      maxInboundStreams: PEER_LIMITS.helloBurst,
      maxOutboundStreams: PEER_LIMITS.helloBurst,
    });
    host.addEventListener("peer:identify", this.greet as EventListener);
  }

  async stop(): Promise<void> {
    this.parts.host.removeEventListener("peer:identify", this.greet as EventListener);
    await this.parts.host.unhandle(HELLO_PROTOCOL);
  }

  /** Says hello on a connection and learns the peer's timing. */
  async say(connection: Connection): Promise<PeerTiming> {
    const { chain, now } = this.parts;
    const peer = connection.remotePeer.toString();
    const signal = AbortSignal.timeout(this.parts.deadlines.hello);
    const stream = await connection.newStream(HELLO_PROTOCOL, { signal });
    try {
      const frames = frameStream(stream);
      const { tipset, weight } = chain.head();
      const sent = now();
      await frames.write(
        encodeHello({ heaviest: tipset.key, height: tipset.height, weight, genesis: chain.genesis }),
        signal,
      );
      await stream.close({ signal });
      const reply = decodeHelloReply(await frames.read(MAX_REPLY_BYTES, signal));
      const back = now();
      const between = Number((reply.sent - reply.arrival) / NANOS);
      const roundTrip = Math.max(0, back - sent - between);
      const clockOffset = Number(reply.arrival / NANOS) - sent - roundTrip / 2;
      const timing = { roundTrip, clockOffset };
      this.parts.onTiming(peer, timing);
      return timing;
    } catch (error) {
      stream.abort(error as Error);
      if (isFilError(error, "BAD_FRAME")) this.parts.onOffence(peer, "badFrame");
      throw error;
    }
  }

  private async answer(stream: Stream, connection: Connection): Promise<void> {
    const { chain, now, onOffence, time, deadlines } = this.parts;
    const peer = connection.remotePeer.toString();
    const patience = time.patience(deadlines.hello, "the hello comes too slowly");
    const { signal } = patience;
    try {
      const isFirst = !this.greeted.has(connection);
      this.greeted.add(connection);
      if (!isFirst && !this.rate.allow(peer)) {
        onOffence(peer, "tooManyRequests");
        throw new RangeError("too many hellos");
      }
      const frames = frameStream(stream);
      const bytes = await frames.read(MAX_HELLO_BYTES, signal);
      const arrival = BigInt(now()) * NANOS;
      const hello = decodeHello(bytes);
      if (!hello.genesis.equals(chain.genesis)) {
        onOffence(peer, "wrongGenesis");
        await connection.close({ signal });
        return;
      }
      await frames.write(encodeHelloReply({ arrival, sent: BigInt(now()) * NANOS }), signal);
      await stream.close({ signal });
      this.parts.onHello(peer, hello);
    } catch (error) {
      stream.abort(error as Error);
      if (isFilError(error) && error.code !== "STREAM_ENDED")
        onOffence(peer, error.code === "FRAME_TOO_LARGE" ? "tooLarge" : "badFrame");
      else if (patience.isOver) onOffence(peer, "tooSlow");
    } finally {
      patience.end();
    }
  }
}
