/** What a platform adds to the peer-to-peer stack: how bytes get from one machine to another. */
import type { Libp2pOptions } from "libp2p";

export type PeerToPeer = {
  readonly transports: NonNullable<Libp2pOptions["transports"]>;
  /** Encryption besides Noise, which every platform has. */
  readonly encrypters: NonNullable<Libp2pOptions["connectionEncrypters"]>;
};
