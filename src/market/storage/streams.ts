/** What the storage market asks of the network. */
import type { Stream } from "@libp2p/interface";
import type { Offence } from "../../network/peer-book.ts";

/** Streams to peers and from them; `src/network` gives it. */
export type DealStreams = {
  handle(protocol: string, handler: (stream: Stream, peer: string) => Promise<void>): Promise<void>;
  unhandle(protocol: string): Promise<void>;
  /** `peer`: an identity, or a multiaddr that ends with it. */
  open(peer: string, protocol: string, signal: AbortSignal): Promise<Stream>;
  /** Dials a multiaddr; resolves to the peer's identity. */
  connect(address: string, signal: AbortSignal): Promise<string>;
  report(peer: string, offence: Offence): void;
};
