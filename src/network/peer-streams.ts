/**
 * Streams of protocols that other rooms speak: who serves one is given each stream that a peer opens; who speaks one is given
 * a stream to a peer. What a stream's owner throws ends the stream.
 */
import type { Stream } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { multiaddr } from "@multiformats/multiaddr";
import { dialled, type Host } from "./host.ts";
import type { OwnTime, Patience } from "./own-time.ts";
import { PEER_LIMITS } from "./params.ts";
import { hostOf } from "./peer-address.ts";
import type { Offence } from "./peer-book.ts";

export type PeerStreamsParts = {
  readonly host: Host;
  readonly time: OwnTime;
  readonly onOffence: (peer: string, offence: Offence) => void;
};

/** Reads what a peer says on a stream that it opened; the stream is closed when it resolves, and reset when it rejects. */
export type StreamHandler = (stream: Stream, peer: string) => Promise<void>;

export class PeerStreams {
  private readonly parts: PeerStreamsParts;
  /** Streams that peers opened, by protocol. */
  private readonly inbound = new Map<string, Set<Stream>>();

  constructor(parts: PeerStreamsParts) {
    this.parts = parts;
  }

  /** This node's identity. */
  get id(): string {
    return this.parts.host.peerId.toString();
  }

  async handle(protocol: string, handler: StreamHandler): Promise<void> {
    const open = new Set<Stream>();
    this.inbound.set(protocol, open);
    await this.parts.host.handle(
      protocol,
      async (stream, connection) => {
        open.add(stream);
        try {
          await handler(stream, connection.remotePeer.toString());
          await stream.close().catch(() => undefined);
        } catch (error) {
          stream.abort(error instanceof Error ? error : new Error(`${error}`));
        } finally {
          open.delete(stream);
        }
      },
      { maxInboundStreams: PEER_LIMITS.inboundStreams, maxOutboundStreams: PEER_LIMITS.outboundStreams },
    );
  }

  /** Serves a protocol no more; the streams of it that are open are reset, so that nobody speaks to nobody. */
  async unhandle(protocol: string): Promise<void> {
    await this.parts.host.unhandle(protocol);
    for (const stream of this.inbound.get(protocol) ?? []) stream.abort(new Error("the protocol is served no more"));
    this.inbound.delete(protocol);
  }

  /** A stream to a peer, by its identity or a multiaddr that ends with it; dials it if it is not connected. */
  async open(peer: string, protocol: string, signal: AbortSignal): Promise<Stream> {
    const { host } = this.parts;
    const target = peer.startsWith("/") ? multiaddr(peer) : peerIdFromString(peer);
    return dialled(host.dialProtocol(target, protocol, { signal }));
  }

  /** Dials a multiaddr; resolves to the peer's identity. */
  async connect(address: string, signal: AbortSignal): Promise<string> {
    const connection = await dialled(this.parts.host.dial(multiaddr(address), { signal }));
    return connection.remotePeer.toString();
  }

  /** Hears of every peer to which no connection is left, until the returned function is called. */
  onDisconnect(listener: (peer: string) => void): () => void {
    const { host } = this.parts;
    const heard = ({ detail }: CustomEvent<{ toString(): string }>): void => listener(detail.toString());
    host.addEventListener("peer:disconnect", heard as EventListener);
    return () => host.removeEventListener("peer:disconnect", heard as EventListener);
  }

  /** Where a peer is connected from, as `hostOf` of `peer-address.ts` says; null also for who is not connected. */
  hostOf(peer: string): string | null {
    const connection = this.parts.host.getConnections().find(({ remotePeer }) => remotePeer.toString() === peer);
    return connection === undefined ? null : hostOf(connection.remoteAddr);
  }

  report(peer: string, offence: Offence): void {
    this.parts.onOffence(peer, offence);
  }

  /** A deadline in this node's own time. Whoever begins one ends it. */
  patience(ms: number, why: string): Patience {
    return this.parts.time.patience(ms, why);
  }
}
