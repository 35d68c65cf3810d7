/** A libp2p peer that keeps no rules: it opens streams, says any bytes, and answers as it likes. */
import { generateKeyPair } from "@libp2p/crypto/keys";
import { identify } from "@libp2p/identify";
import type { Connection, PrivateKey, Stream } from "@libp2p/interface";
import { mplex } from "@libp2p/mplex";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p, type Libp2p } from "libp2p";
import { concat, utf8 } from "../../src/base/bytes.ts";
import { protobufField } from "../../src/base/protobuf.ts";
import { withLength } from "../../src/network/wire/frames.ts";

export type BadPeer = {
  readonly id: string;
  readonly host: Libp2p;
  readonly key: PrivateKey;
  readonly connection: Connection;
  /** Opens a stream and sends bytes on it. */
  say(protocol: string, bytes: Uint8Array, end?: boolean): Promise<Stream>;
  /** All that comes back on a new stream for these bytes; what came so far if it is cut. */
  ask(protocol: string, bytes: Uint8Array): Promise<Uint8Array>;
  /** Sends messages of gossipsub on one stream that stays open. */
  gossip(...messages: readonly Uint8Array[]): Promise<void>;
  /** A published message, signed as it must be unless `forge` changes the signature. */
  signed(topic: string, data: Uint8Array, forge?: boolean): Promise<Uint8Array>;
  close(): Promise<void>;
};

const MESHSUB = "/meshsub/1.1.0";
const RPC = { subscription: 1, publish: 2, control: 3 } as const;
const MESSAGE = { from: 1, data: 2, seqno: 3, topic: 4, signature: 5 } as const;
let sequence = 0n;

export async function openBadPeer(
  victim: string,
  handlers: Readonly<Record<string, (stream: Stream) => void>> = {},
  muxer: "yamux" | "mplex" = "yamux",
): Promise<BadPeer> {
  const key = await generateKeyPair("Ed25519");
  const host = await createLibp2p({
    privateKey: key,
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [muxer === "yamux" ? yamux() : mplex()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify() },
  });
  for (const [protocol, handler] of Object.entries(handlers)) await host.handle(protocol, handler);
  const connection = await host.dial(multiaddr(victim));
  let mesh: Stream | null = null;
  const peer: BadPeer = {
    ...{ id: host.peerId.toString(), host, key, connection },
    async say(protocol, bytes, end = true) {
      const stream = await connection.newStream(protocol);
      stream.addEventListener("message", () => undefined);
      stream.send(bytes);
      if (end) await stream.close();
      return stream;
    },
    async ask(protocol, bytes) {
      const stream = await connection.newStream(protocol);
      const parts: Uint8Array[] = [];
      const ended = new Promise<void>((resolve) => {
        stream.addEventListener("message", ({ data }) => parts.push(data.slice()));
        stream.addEventListener("end", () => resolve());
        stream.addEventListener("close", () => resolve());
      });
      stream.send(bytes);
      await stream.close();
      await ended;
      return concat(...parts);
    },
    async gossip(...messages) {
      if (mesh?.writeStatus !== "writable") mesh = await connection.newStream(MESHSUB);
      for (const message of messages)
        if (!mesh.send(withLength(message))) await mesh.onDrain({ signal: AbortSignal.timeout(5000) });
    },
    async signed(topic, data, forge = false) {
      const seqno = new Uint8Array(8);
      new DataView(seqno.buffer).setBigUint64(0, BigInt(Date.now()) * 1000n + sequence++);
      const body = concat(
        protobufField(MESSAGE.from, host.peerId.toMultihash().bytes),
        protobufField(MESSAGE.data, data),
        protobufField(MESSAGE.seqno, seqno),
        protobufField(MESSAGE.topic, utf8(topic)),
      );
      const signature = (await key.sign(concat(utf8("libp2p-pubsub:"), body))).slice();
      if (forge) signature[0] = (signature[0] as number) ^ 1;
      return protobufField(RPC.publish, concat(body, protobufField(MESSAGE.signature, signature)));
    },
    async close() {
      await host.stop();
    },
  };
  return peer;
}

/** A message of gossipsub that subscribes to a topic. */
export function subscribe(topic: string): Uint8Array {
  return protobufField(RPC.subscription, concat(protobufField(1, true), protobufField(2, utf8(topic))));
}

/** A message of gossipsub with `count` claims to have messages that nobody knows. */
export function iHave(topic: string, count: number): Uint8Array {
  const entries = Array.from({ length: count }, () => {
    const id = new Uint8Array(32);
    new DataView(id.buffer).setBigUint64(0, sequence++);
    return protobufField(1, concat(protobufField(1, utf8(topic)), protobufField(2, id)));
  });
  return protobufField(RPC.control, concat(...entries));
}
