/** Hosts on loopback for the protocols of the markets, and DAGs of known shape. */

import * as dagCbor from "@ipld/dag-cbor";
import { sha256 } from "@noble/hashes/sha2.js";
import * as Digest from "multiformats/hashes/digest";
import { type Host, makeIdentity, openHost } from "../../src/network/host.ts";
import { OwnTime } from "../../src/network/own-time.ts";
import type { Offence } from "../../src/network/peer-book.ts";
import { PeerBook } from "../../src/network/peer-book.ts";
import { PeerStreams } from "../../src/network/peer-streams.ts";
import { CID, cidKey } from "../../src/types/cid.ts";

export type MarketHost = {
  readonly host: Host;
  readonly streams: PeerStreams;
  readonly id: string;
  readonly address: string;
  /** What was reported, by peer. */
  readonly offences: [peer: string, offence: Offence][];
  stop(): Promise<void>;
};

export async function openMarketHost(): Promise<MarketHost> {
  const time = new OwnTime();
  const offences: MarketHost["offences"] = [];
  const onOffence = (...one: [peer: string, offence: Offence]): void => void offences.push(one);
  const host = await openHost({
    ...{
      time,
      now: Date.now,
      onOffence,
      identity: await makeIdentity(),
      networkName: "testing",
      listen: ["/ip4/127.0.0.1/tcp/0"],
    },
    ...{ peers: new PeerBook(Date.now), guard: () => undefined, userAgent: "filigree-test", local: true },
  });
  const streams = new PeerStreams({ host, time, onOffence });
  return {
    ...{ host, streams, offences, id: host.peerId.toString(), address: `${host.getMultiaddrs()[0]}` },
    async stop() {
      time.stop();
      await host.stop();
    },
  };
}

/** Blocks under their CIDs. */
export class Dag {
  readonly blocks = new Map<string, Uint8Array>();
  reads = 0;

  put(bytes: Uint8Array, code: number): CID {
    const cid = CID.createV1(code, Digest.create(0x12, sha256(bytes)));
    this.blocks.set(cidKey(cid), bytes);
    return cid;
  }

  node(value: unknown): CID {
    return this.put(dagCbor.encode(value), 0x71);
  }

  /** A tree of `width` links a node over leaves of `size` bytes, all different. */
  tree(leaves: number, width: number, size: number): CID {
    let level = Array.from({ length: leaves }, (_, i) => {
      const bytes = new Uint8Array(size).map((_, at) => (at * 7 + i) & 0xff);
      new DataView(bytes.buffer).setUint32(0, i);
      return this.put(bytes, 0x55);
    });
    do {
      const above: CID[] = [];
      for (let at = 0; at < level.length; at += width) above.push(this.node(level.slice(at, at + width)));
      level = above;
    } while (level.length > 1);
    return level[0] as CID;
  }

  get bytes(): number {
    return [...this.blocks.values()].reduce((sum, { length }) => sum + length, 0);
  }

  async get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    this.reads++;
    return this.blocks.get(cidKey(cid));
  }

  async putBlock(cid: CID, bytes: Uint8Array): Promise<void> {
    this.blocks.set(cidKey(cid), bytes);
  }
}
