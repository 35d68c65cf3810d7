/**
 * Bitswap, for objects of the chain or for data of users: one stream to a peer for what this node says, one back for what the peer says.
 *
 * Written here because no library speaks all versions that the network's peers do and bounds what a peer can ask.
 * Bounds: messages a second, wants, bytes a second and streams of a peer; length of a message, time from its first byte
 * to its last; answers built at once.
 */
import type { Connection, Stream } from "@libp2p/interface";
import { isFilError } from "../base/errors.ts";
import type { CID } from "../types/cid.ts";
import { BitswapClient } from "./bitswap-client.ts";
import { BitswapServer, type ObjectSource } from "./bitswap-server.ts";
import type { Host } from "./host.ts";
import type { OwnTime, Patience } from "./own-time.ts";
import { type Deadlines, PEER_LIMITS } from "./params.ts";
import type { Offence } from "./peer-book.ts";
import { RateLimiter } from "./rate-limit.ts";
import { BITSWAP_LIMITS, type BitswapMessage, type BitswapWant, decodeBitswap, encodeBitswap } from "./wire/bitswap.ts";
import { type FrameStream, frameStream, LengthScanner, withLength, withoutLength } from "./wire/frames.ts";

export type BitswapParts = {
  readonly host: Host;
  /** Names of its versions, the newest first. */
  readonly protocols: readonly string[];
  readonly objects: ObjectSource;
  readonly deadlines: Deadlines;
  readonly time: OwnTime;
  /** Peers to ask, best first. */
  readonly peers: () => readonly string[];
  readonly now: () => number;
  readonly onOffence: (peer: string, offence: Offence) => void;
  readonly onFault: (error: unknown) => void;
};

/** Bytes of a message: what a block and its neighbours need. */
const MAX_FRAME = BITSWAP_LIMITS.messageBytes;
/** Messages that wait to be sent to one peer. */
const MAX_QUEUE = 256;

/** What is said to one peer, one message after another. */
type Sender = {
  stream: Stream | null;
  frames: FrameStream | null;
  /** The last message that waits or is being sent. */
  queue: Promise<void>;
  waiting: number;
  /** Wants that the next message carries, and the promise of its end. */
  wants: BitswapWant[];
  said: Promise<void>;
};

export class Bitswap {
  private readonly parts: BitswapParts;
  private readonly client: BitswapClient;
  private readonly server: BitswapServer;
  private readonly rate: RateLimiter;
  private readonly senders = new Map<string, Sender>();
  private readonly gone = ({ detail }: CustomEvent<{ toString(): string }>): void => this.forget(detail.toString());

  constructor(parts: BitswapParts) {
    const { objects, now, time, onOffence, onFault } = parts;
    const late = (): number => time.late;
    const send = (peer: string, message: BitswapMessage): Promise<void> => this.enqueue(peer, () => message);
    const say = (peer: string, want: BitswapWant): Promise<void> => this.say(peer, want);
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    this.parts = parts;
    const rate = { burst: PEER_LIMITS.bitswapBurst, perSecond: PEER_LIMITS.bitswapPerSecond };
    this.rate = new RateLimiter(rate, now, late);
    this.client = new BitswapClient({ peers: parts.peers, say, onOffence, now: time.now });
    this.server = new BitswapServer({ objects, now, send, sleep, onFault });
  }

  async start(): Promise<void> {
    const { host, protocols } = this.parts;
    await host.handle([...protocols], (stream, connection) => this.listen(stream, connection), {
      maxInboundStreams: PEER_LIMITS.inboundStreams,
      maxOutboundStreams: PEER_LIMITS.outboundStreams,
    });
    host.addEventListener("peer:disconnect", this.gone as EventListener);
  }

  async stop(): Promise<void> {
    const { host, protocols } = this.parts;
    host.removeEventListener("peer:disconnect", this.gone as EventListener);
    await host.unhandle([...protocols]);
    this.client.stop();
    for (const peer of [...this.senders.keys()]) this.forget(peer);
  }

  /** The bytes of a block, from peers only. Rejects with `BitswapError`, or the signal's reason. */
  getBlock(cid: CID, options: { readonly signal: AbortSignal }): Promise<Uint8Array> {
    return this.client.getBlock(cid, options);
  }

  /** The store has grown; who waits for what is in it now gets it. */
  lookAgain(): void {
    this.server.lookAgain();
  }

  /** Wants of peers that are held. */
  get wants(): number {
    return this.server.size;
  }

  private async listen(stream: Stream, connection: Connection): Promise<void> {
    const { onOffence } = this.parts;
    const peer = connection.remotePeer.toString();
    const frames = frameStream(stream, (limit) => new LengthScanner(limit));
    try {
      for (;;) this.received(peer, await readMessage(frames, this.parts, () => onOffence(peer, "tooSlow")));
    } catch (error) {
      if (isFilError(error, "STREAM_ENDED")) await stream.close().catch(() => undefined);
      else stream.abort(error as Error);
      if (isFilError(error) && error.code !== "STREAM_ENDED")
        onOffence(peer, error.code === "FRAME_TOO_LARGE" ? "tooLarge" : "badFrame");
    }
  }

  private received(peer: string, frame: Uint8Array): void {
    if (!this.rate.allow(peer)) {
      this.parts.onOffence(peer, "tooManyRequests");
      return;
    }
    const message = decodeBitswap(withoutLength(frame));
    this.client.received(peer, message);
    this.server.wants(peer, message);
  }

  private sender(peer: string): Sender {
    const done = Promise.resolve();
    const fresh = { stream: null, frames: null, queue: done, waiting: 0, wants: [], said: done };
    const sender = this.senders.get(peer) ?? fresh;
    this.senders.set(peer, sender);
    return sender;
  }

  /** Tells a peer of a want, in one message with all others that wait meanwhile. */
  private say(peer: string, want: BitswapWant): Promise<void> {
    const sender = this.sender(peer);
    const isFirst = sender.wants.length === 0;
    const isFull = sender.wants.length >= BITSWAP_LIMITS.wants || (isFirst && sender.waiting >= MAX_QUEUE);
    if (isFull) return Promise.reject(new RangeError("too many wants wait"));
    sender.wants.push(want);
    if (isFirst)
      sender.said = this.enqueue(peer, () => ({
        ...{ full: false, blocks: [], haves: [], dontHaves: [] },
        wants: sender.wants.splice(0),
      }));
    return sender.said;
  }

  /** Sends behind what is being sent to the peer already. `make` is called when its turn has come. */
  private enqueue(peer: string, make: () => BitswapMessage): Promise<void> {
    const sender = this.sender(peer);
    if (sender.waiting >= MAX_QUEUE) return Promise.reject(new RangeError("too many messages wait for the peer"));
    sender.waiting++;
    const sent = sender.queue
      .then(() => this.write(peer, sender, make()))
      .finally(() => {
        sender.waiting--;
      });
    sender.queue = sent.catch(() => undefined);
    return sent;
  }

  private async write(peer: string, sender: Sender, message: BitswapMessage): Promise<void> {
    const signal = AbortSignal.timeout(this.parts.deadlines.bitswapMessage);
    if (sender.stream?.writeStatus !== "writable" || sender.frames === null) {
      const connection = this.parts.host.getConnections().find((one) => one.remotePeer.toString() === peer);
      if (connection === undefined) throw new RangeError(`peer ${peer} is not connected`);
      sender.stream = await connection.newStream([...this.parts.protocols], { signal });
      sender.frames = frameStream(sender.stream);
    }
    try {
      await sender.frames.write(withLength(encodeBitswap(message, sender.stream.protocol)), signal);
    } catch (error) {
      sender.stream?.abort(error as Error);
      sender.stream = null;
      throw error;
    }
  }

  private forget(peer: string): void {
    this.client.gone(peer);
    this.server.forget(peer);
    this.senders.get(peer)?.stream?.abort(new Error("the peer is gone"));
    this.senders.delete(peer);
  }
}

/** The next message. A stream without any is let go; one that comes too slowly is told of. */
async function readMessage(
  frames: FrameStream,
  { deadlines, time }: Pick<BitswapParts, "deadlines" | "time">,
  onSlow: () => void,
): Promise<Uint8Array> {
  const abort = new AbortController();
  const wait = (ms: number, why: string): Patience => {
    const patience = time.patience(ms, why);
    patience.signal.addEventListener("abort", () => abort.abort(patience.signal.reason), { once: true });
    return patience;
  };
  let patience = wait(deadlines.bitswapIdle, "no message");
  let begun = false;
  try {
    return await frames.read(MAX_FRAME, abort.signal, () => {
      if (begun) return;
      begun = true;
      patience.end();
      patience = wait(deadlines.bitswapMessage, "the message comes too slowly");
    });
  } catch (error) {
    if (begun && patience.isOver) onSlow();
    throw error;
  } finally {
    patience.end();
  }
}
