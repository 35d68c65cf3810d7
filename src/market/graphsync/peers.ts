/**
 * Messages of graphsync to and from peers: one stream for what this node says to a peer, any number back. Messages to a peer
 * go out one after the other; who has too much waiting for it is held back. A stream that is quiet for some seconds is
 * closed: others reset it after ten.
 */
import type { Stream } from "@libp2p/interface";
import { isFilError } from "../../base/errors.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import { RateLimiter } from "../../network/rate-limit.ts";
import { type FrameStream, frameStream, LengthScanner, withLength, withoutLength } from "../../network/wire/frames.ts";
import { GraphsyncError } from "./errors.ts";
import {
  decodeGraphsync,
  encodeGraphsync,
  GRAPHSYNC_PROTOCOL,
  type GraphsyncMessage,
  MESSAGE_LIMITS,
} from "./message.ts";

export type GraphsyncPeersParts = {
  readonly streams: PeerStreams;
  /** Takes a message; the next of its stream is read when it resolves. */
  readonly onMessage: (peer: string, message: GraphsyncMessage) => Promise<void>;
  readonly onGone: (peer: string) => void;
  readonly now: () => number;
};

export const LINK_LIMITS = {
  /** milliseconds: a quiet stream of ours; one of a peer's; a message from its first byte; one of ours until it is taken */
  quietMs: 5_000,
  idleMs: 120_000,
  messageMs: 30_000,
  sendMs: 60_000,
  /** requests that a peer may make, change or end at once, and each second afterwards */
  burst: 512,
  perSecond: 64,
  /** messages that wait for one peer */
  queue: 64,
} as const;

type Sender = {
  stream: Stream | null;
  frames: FrameStream | null;
  last: Promise<void>;
  waiting: number;
  quiet: ReturnType<typeof setTimeout> | undefined;
};

export class GraphsyncPeers {
  private readonly parts: GraphsyncPeersParts;
  private readonly senders = new Map<string, Sender>();
  private readonly rate: RateLimiter;
  private stopHearing: () => void = () => undefined;

  constructor(parts: GraphsyncPeersParts) {
    this.parts = parts;
    this.rate = new RateLimiter({ burst: LINK_LIMITS.burst, perSecond: LINK_LIMITS.perSecond }, parts.now);
  }

  async start(): Promise<void> {
    const { streams, onGone } = this.parts;
    await streams.handle(GRAPHSYNC_PROTOCOL, (stream, peer) => this.listen(stream, peer));
    this.stopHearing = streams.onDisconnect((peer) => {
      this.forget(peer);
      onGone(peer);
    });
  }

  async stop(): Promise<void> {
    this.stopHearing();
    await this.parts.streams.unhandle(GRAPHSYNC_PROTOCOL);
    for (const peer of [...this.senders.keys()]) this.forget(peer);
  }

  /** Sends a message behind those that wait; rejects with `GraphsyncError` UNREACHABLE. */
  send(peer: string, message: GraphsyncMessage): Promise<void> {
    const sender = this.senders.get(peer) ?? {
      ...{ stream: null, frames: null, last: Promise.resolve(), waiting: 0, quiet: undefined },
    };
    this.senders.set(peer, sender);
    if (sender.waiting >= LINK_LIMITS.queue)
      return Promise.reject(
        new GraphsyncError({ code: "LIMIT", limit: "requests" }, `${sender.waiting} messages wait for peer ${peer}`),
      );
    sender.waiting++;
    clearTimeout(sender.quiet);
    const sent = sender.last
      .then(() => this.write(peer, sender, message))
      .finally(() => {
        sender.waiting--;
        clearTimeout(sender.quiet);
        if (sender.waiting === 0) sender.quiet = setTimeout(() => void this.rest(peer, sender), LINK_LIMITS.quietMs);
        (sender.quiet as { unref?: () => void } | undefined)?.unref?.();
      });
    sender.last = sent.catch(() => undefined);
    return sent;
  }

  private async write(peer: string, sender: Sender, message: GraphsyncMessage): Promise<void> {
    const patience = this.parts.streams.patience(LINK_LIMITS.sendMs, `peer ${peer} does not take what it asked for`);
    const { signal } = patience;
    try {
      if (sender.stream?.writeStatus !== "writable" || sender.frames === null) {
        sender.stream = await this.parts.streams.open(peer, GRAPHSYNC_PROTOCOL, signal);
        sender.frames = frameStream(sender.stream);
      }
      await sender.frames.write(withLength(encodeGraphsync(message)), signal);
    } catch (cause) {
      sender.stream?.abort(cause instanceof Error ? cause : new Error(`${cause}`));
      sender.stream = null;
      throw new GraphsyncError({ code: "UNREACHABLE" }, `peer ${peer} cannot be reached by graphsync`, { cause });
    } finally {
      patience.end();
    }
  }

  private async rest(peer: string, sender: Sender): Promise<void> {
    const { stream } = sender;
    if (this.senders.get(peer) === sender) this.senders.delete(peer);
    sender.stream = null;
    sender.frames = null;
    await stream?.close().catch(() => undefined);
  }

  private async listen(stream: Stream, peer: string): Promise<void> {
    const { streams, onMessage } = this.parts;
    const frames = frameStream(stream, (limit) => new LengthScanner(limit));
    for (;;) {
      let frame: Uint8Array;
      try {
        frame = await this.read(frames, peer);
      } catch (error) {
        if (isFilError(error, "STREAM_ENDED")) return;
        if (isFilError(error, "FRAME_TOO_LARGE")) streams.report(peer, "tooLarge");
        throw error;
      }
      let message: GraphsyncMessage;
      try {
        message = decodeGraphsync(withoutLength(frame));
      } catch (error) {
        streams.report(peer, "badFrame");
        throw error;
      }
      const requests = message.requests.length;
      if (requests > 0 && !this.rate.allow(peer, requests)) streams.report(peer, "tooManyRequests");
      else await onMessage(peer, message);
    }
  }

  private async read(frames: FrameStream, peer: string): Promise<Uint8Array> {
    const { streams } = this.parts;
    const abort = new AbortController();
    const wait = (ms: number, why: string) => {
      const patience = streams.patience(ms, why);
      patience.signal.addEventListener("abort", () => abort.abort(patience.signal.reason), { once: true });
      return patience;
    };
    let patience = wait(LINK_LIMITS.idleMs, "no message");
    let hasBegun = false;
    try {
      return await frames.read(MESSAGE_LIMITS.bytes, abort.signal, () => {
        if (hasBegun) return;
        hasBegun = true;
        patience.end();
        patience = wait(LINK_LIMITS.messageMs, "the message comes too slowly");
      });
    } catch (error) {
      if (hasBegun && patience.isOver) streams.report(peer, "tooSlow");
      throw error;
    } finally {
      patience.end();
    }
  }

  private forget(peer: string): void {
    const sender = this.senders.get(peer);
    this.senders.delete(peer);
    clearTimeout(sender?.quiet);
    sender?.stream?.abort(new Error("the peer is gone"));
  }
}
