/** Graphsync of a node: requests of its own and answers to those of peers, over the same streams. */
import type { PeerStreams } from "../../network/peer-streams.ts";
import { GraphsyncPeers } from "./peers.ts";
import { Requester, type RequestOptions } from "./requester.ts";
import { Responder, type ResponderHooks } from "./responder.ts";

export type GraphsyncParts = {
  readonly streams: PeerStreams;
  readonly hooks: ResponderHooks;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export class Graphsync {
  readonly responder: Responder;
  private readonly requester: Requester;
  private readonly peers: GraphsyncPeers;

  constructor({ streams, hooks, now }: GraphsyncParts) {
    this.peers = new GraphsyncPeers({
      streams,
      now,
      onMessage: async (peer, message) => {
        if (message.requests.length > 0) await this.responder.received(peer, message.requests);
        if (message.responses.length > 0) await this.requester.received(peer, message);
      },
      onGone: (peer) => {
        this.responder.gone(peer);
        this.requester.gone(peer);
      },
    });
    const send: GraphsyncPeers["send"] = (peer, message) => this.peers.send(peer, message);
    this.responder = new Responder(streams, send, hooks, now);
    this.requester = new Requester(streams, send);
  }

  start(): Promise<void> {
    return this.peers.start();
  }

  async stop(): Promise<void> {
    this.responder.stop();
    this.requester.stop();
    await this.peers.stop();
  }

  /** As `Requester.request`. */
  request(peer: string, options: RequestOptions): Promise<void> {
    return this.requester.request(peer, options);
  }
}
