/**
 * One libp2p host: transports of the platform, Noise (and TLS where there is one), yamux then mplex, identify, ping,
 * gossipsub with the network's parameters, and a bounded DHT on request.
 *
 * Banned addresses are refused at once, banned peers as soon as they have proved who they are.
 */

import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import { type GossipSub, gossipsub } from "@libp2p/gossipsub";
import { createPeerScoreParams, createTopicScoreParams } from "@libp2p/gossipsub/score";
import { type Identify, identify } from "@libp2p/identify";
import type { ConnectionEncrypter, Libp2p, PrivateKey, Stream } from "@libp2p/interface";
import type { KadDHT } from "@libp2p/kad-dht";
import { mplex } from "@libp2p/mplex";
import { noise } from "@libp2p/noise";
import { peerIdFromString } from "@libp2p/peer-id";
import { type Ping, ping } from "@libp2p/ping";
import { yamux } from "@libp2p/yamux";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { platform } from "#platform";
import { blake2b256 } from "../base/digests.ts";
import { FilError } from "../base/errors.ts";
import { boundedDht, type DhtMode, type DhtOptions } from "./dht.ts";
import {
  BLOCKS_TOPIC_SCORE,
  blocksTopic,
  CONNECTIONS,
  GOSSIP,
  GOSSIP_LIMITS,
  GOSSIP_THRESHOLDS,
  MESSAGES_TOPIC_SCORE,
  messagesTopic,
  OTHER_TOPIC_SCORE,
  PEER_LIMITS,
  PEER_SCORE,
} from "./params.ts";
import { peerAddress } from "./peer-address.ts";
import type { PeerBook } from "./peer-book.ts";
import { streamHook } from "./stream-hook.ts";

export type NetworkErrorData =
  | { readonly code: "BAD_MULTIADDR"; readonly text: string }
  | { readonly code: "BAD_PEER"; readonly text: string }
  | { readonly code: "BAD_IDENTITY" }
  | { readonly code: "BANNED" }
  | { readonly code: "CANNOT_LISTEN"; readonly addresses: readonly string[] };
export class NetworkError extends FilError<NetworkErrorData> {}

export type HostServices = {
  readonly identify: Identify;
  readonly ping: Ping;
  readonly pubsub: GossipSub;
  readonly dht?: KadDHT;
  readonly [name: string]: unknown;
};
export type Host = Libp2p<HostServices>;

export type HostOptions = Pick<DhtOptions, "now" | "time" | "onOffence"> & {
  /** As `makeIdentity` gives. */
  readonly identity: Uint8Array;
  /** Name of the network, which topics and the DHT carry. */
  readonly networkName: string;
  /** Topics besides blocks and messages that may be subscribed to. */
  readonly otherTopics?: readonly string[];
  /** Multiaddrs to listen on; empty: none. */
  readonly listen: readonly string[];
  readonly peers: PeerBook;
  /** Hears of every stream before anybody else; what it throws ends the stream. */
  readonly onStream?: (stream: Stream) => void;
  /** Is given the gossip service before anything reaches it. */
  readonly guard: (pubsub: GossipSub) => void;
  readonly userAgent: string;
  /** Peers at one address are not suspicious: for networks on one machine. */
  readonly local: boolean;
  /** Find peers by the network's DHT; also answer its questions when "server". Default: off. */
  readonly dht?: DhtMode;
  /** For peers that offer neither Noise nor TLS, or ask for it: secio of `secio.ts`. */
  readonly extraEncrypters?: readonly ((components: { readonly privateKey: PrivateKey }) => ConnectionEncrypter)[];
};

/** A new Ed25519 identity, as libp2p's protobuf of a private key. */
export async function makeIdentity(): Promise<Uint8Array> {
  return privateKeyToProtobuf(await generateKeyPair("Ed25519"));
}

function readIdentity(bytes: Uint8Array): PrivateKey {
  try {
    return privateKeyFromProtobuf(bytes);
  } catch (cause) {
    throw new NetworkError(
      { code: "BAD_IDENTITY" },
      'the file "libp2p-host" among the secrets is damaged (no private key of libp2p); restore it from a copy, or move it ' +
        "away and start again: the node then has a new identity",
      { cause },
    );
  }
}

/** A multiaddr of its text; throws `NetworkError` BAD_MULTIADDR. */
export function parseMultiaddr(text: string): Multiaddr {
  try {
    const address = multiaddr(text);
    for (const { name, value } of address.getComponents()) if (name === "p2p") checkIdentity(value ?? "");
    return address;
  } catch (cause) {
    throw new NetworkError(
      { code: "BAD_MULTIADDR", text },
      `not a multiaddr: ${text}; for example /ip4/127.0.0.1/tcp/4001/p2p/12D3KooW...`,
      { cause },
    );
  }
}

/** The library takes any text for an identity in a multiaddr, and fails of it at every dial. */
function checkIdentity(text: string): void {
  try {
    peerIdFromString(text);
  } catch {
    throw new Error(`${text} is no peer's identity`);
  }
}

/** What a dial comes to; where this node's own ban forbids it, the error says so and not by which part of the library. */
export async function dialled<Result>(dial: Promise<Result>): Promise<Result> {
  try {
    return await dial;
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== "DialDeniedError") throw cause;
    throw new NetworkError(
      { code: "BANNED" },
      "this node has banned it, or every host that it has: `filigree net bans` lists bans, and --remove lifts one",
      { cause },
    );
  }
}

/** Opens and starts a host; rejects with `NetworkError`. */
export async function openHost(options: HostOptions): Promise<Host> {
  const { peers, networkName, local, onStream } = options;
  const { transports, encrypters } = await platform.peerToPeer();
  options.listen.forEach(parseMultiaddr);
  const topics = [blocksTopic(networkName), messagesTopic(networkName)];
  const limits = local ? { inboundConnectionThreshold: 1000, maxIncomingPendingConnections: 256 } : {};
  const isBanned = (peer: { toString(): string }): boolean => peers.isBanned(peer.toString());
  const isAddressBanned = (address: Multiaddr): boolean => {
    const from = peerAddress(address);
    return from !== null && peers.isAddressBanned(from);
  };
  try {
    return (await createLibp2p<HostServices>({
      privateKey: readIdentity(options.identity),
      addresses: { listen: [...options.listen] },
      nodeInfo: { userAgent: options.userAgent },
      transports: [...transports],
      connectionEncrypters: [noise(), ...encrypters, ...(options.extraEncrypters ?? [])],
      streamMuxers: [yamux({ maxInboundStreams: PEER_LIMITS.streams }), boundedMplex()],
      connectionManager: { maxConnections: CONNECTIONS.high, ...limits },
      connectionMonitor: { enabled: !local },
      connectionGater: {
        denyDialPeer: isBanned,
        denyDialMultiaddr: (address: Multiaddr) => isAddressBanned(address),
        denyInboundConnection: ({ remoteAddr }: { readonly remoteAddr: Multiaddr }) => isAddressBanned(remoteAddr),
        denyInboundEncryptedConnection: isBanned,
        denyOutboundEncryptedConnection: isBanned,
      },
      ...(onStream === undefined ? {} : { metrics: () => streamHook(onStream) }),
      services: {
        identify: identify(),
        ping: ping(),
        pubsub: (components) => {
          const made = gossipsub(gossipOptions(topics, options.otherTopics ?? [], local))(components);
          options.guard(made);
          return made;
        },
        ...(options.dht === undefined ? {} : { dht: boundedDht({ ...options, mode: options.dht }) }),
      },
    })) as unknown as Host;
  } catch (cause) {
    if (cause instanceof FilError) throw cause;
    throw new NetworkError(
      { code: "CANNOT_LISTEN", addresses: options.listen },
      `cannot listen on ${options.listen.join(", ") || "no address"}`,
      { cause: listenFailure(cause) },
    );
  }
}

/** What the system said of addresses: of the library's error, which is of its settings and with its stack, the lines that tell of one. */
function listenFailure(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  const reasons = [...cause.message.matchAll(/^ *\/\S+: (?:\w*Error: )?(.+)$/gm)].map(([, reason]) => reason);
  return reasons.length === 0 ? cause : new Error([...new Set(reasons)].join(", "), { cause: cause.cause });
}

/**
 * mplex within bounds: it has no limit of open streams, and when it gives a connection up it leaves it open without any.
 * Its own limit of new streams a second counts everybody, and is set above what honest peers need.
 */
function boundedMplex(): ReturnType<typeof mplex> {
  return () => {
    const factory = mplex({ disconnectThreshold: PEER_LIMITS.mplexStreamsPerSecond })();
    const create = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection) => {
      const muxer = create(connection) as ReturnType<typeof create> & { onRemoteStream(stream: unknown): void };
      const abort = muxer.abort.bind(muxer);
      const onRemoteStream = muxer.onRemoteStream.bind(muxer);
      muxer.abort = (error) => {
        abort(error);
        connection.abort(error);
      };
      muxer.onRemoteStream = (stream) => {
        onRemoteStream(stream);
        if (muxer.streams.length > PEER_LIMITS.streams) muxer.abort(new Error("too many streams"));
      };
      return muxer;
    };
    return factory;
  };
}

function gossipOptions(topics: readonly string[], others: readonly string[], local: boolean) {
  const scores = [BLOCKS_TOPIC_SCORE, MESSAGES_TOPIC_SCORE, ...others.map(() => OTHER_TOPIC_SCORE)];
  const off = { meshMessageDeliveriesWeight: 0, meshFailurePenaltyWeight: 0 };
  return {
    D: GOSSIP.D,
    Dscore: GOSSIP.Dscore,
    Dout: GOSSIP.Dout,
    Dlo: GOSSIP.Dlo,
    Dhi: GOSSIP.Dhi,
    Dlazy: GOSSIP.Dlazy,
    gossipFactor: GOSSIP.gossipFactor,
    mcacheLength: GOSSIP.historyLength,
    gossipsubIWantFollowupMs: GOSSIP.iwantFollowupMs,
    floodPublish: true,
    ignoreDuplicatePublishError: true,
    globalSignaturePolicy: "StrictSign" as const,
    asyncValidation: false,
    maxOutboundBufferSize: GOSSIP_LIMITS.outboundBytes,
    maxInboundDataLength: GOSSIP.maxMessageBytes + (64 << 10),
    maxTopicBytesPerPeer: GOSSIP.maxSubscriptions * 1100,
    decodeRpcLimits: {
      maxSubscriptions: GOSSIP.maxSubscriptions,
      maxMessages: 1000,
      maxIhaveMessageIDs: 5000,
      maxIwantMessageIDs: 5000,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 1000,
      maxPeerInfos: 16,
    },
    allowedTopics: [...topics, ...others],
    msgIdFn: ({ data }: { readonly data: Uint8Array }) => blake2b256(data),
    scoreThresholds: GOSSIP_THRESHOLDS,
    scoreParams: createPeerScoreParams({
      appSpecificScore: () => 0,
      appSpecificWeight: PEER_SCORE.appSpecificWeight,
      IPColocationFactorThreshold: PEER_SCORE.ipColocationFactorThreshold,
      // On one machine every peer has the same address.
      IPColocationFactorWeight: local ? 0 : PEER_SCORE.ipColocationFactorWeight,
      behaviourPenaltyThreshold: PEER_SCORE.behaviourPenaltyThreshold,
      behaviourPenaltyWeight: PEER_SCORE.behaviourPenaltyWeight,
      behaviourPenaltyDecay: PEER_SCORE.behaviourPenaltyDecay,
      decayInterval: PEER_SCORE.decayInterval,
      decayToZero: PEER_SCORE.decayToZero,
      retainScore: PEER_SCORE.retainScore,
      topics: Object.fromEntries(
        [...topics, ...others].map((topic, i) => [topic, createTopicScoreParams({ ...scores[i], ...off })] as const),
      ),
    }),
  };
}
