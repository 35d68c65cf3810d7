/**
 * Keeps what belongs to a connection: where the gossip stream to a peer broke, or could not be opened, and the connection stays, the
 * implementation opens no other, and the node would tell that peer of no block any more. It is opened again.
 *
 * It reaches into the implementation beyond its published interface (the version of the package is pinned, and a test fails if
 * what is reached for is gone).
 */
import type { GossipSub } from "@libp2p/gossipsub";
import type { Connection } from "@libp2p/interface";
import type { Host } from "./host.ts";
import { byInterval, type Ticker } from "./own-time.ts";

type Insides = {
  readonly peers: ReadonlyMap<string, unknown>;
  readonly streamsOutbound: ReadonlyMap<string, unknown>;
  readonly outboundInflightQueue: { push(wanted: { peerId: Connection["remotePeer"]; connection: Connection }): void };
};

/** Milliseconds between two looks: a stream may take that long to be opened. */
const LOOK_MS = 5000;

/** Begins; what is returned ends it. */
export function keepGossiping(host: Host, ticker: Ticker = byInterval): () => void {
  const inside = host.services.pubsub as GossipSub as unknown as Insides;
  /** Peers that had no stream at the last look: what is being opened is given its time. */
  let before = new Set<string>();
  return ticker(() => {
    const without = new Set<string>();
    for (const connection of host.getConnections()) {
      const { remotePeer: peerId, status } = connection;
      const name = peerId.toString();
      if (status !== "open" || without.has(name)) continue;
      if (!inside.peers.has(name) || inside.streamsOutbound.has(name)) continue;
      without.add(name);
      if (before.has(name)) inside.outboundInflightQueue.push({ peerId, connection });
    }
    before = without;
  }, LOOK_MS);
}
