/**
 * What the network's peers agree on, and what one node allows itself.
 * Sources: lotus node/modules/lp2p/pubsub.go, node/config/def.go, build/params_shared_funcs.go, node/hello, chain/exchange.
 */

export const blocksTopic = (network: string): string => `/fil/blocks/${network}`;
export const messagesTopic = (network: string): string => `/fil/msgs/${network}`;
export const drandTopic = (chainHash: string): string => `/drand/pubsub/v0.0.0/${chainHash}`;
export const dhtProtocol = (network: string): string => `/fil/kad/${network}/kad/1.0.0`;

/** Source: lotus node/modules/lp2p/pubsub.go. */
export const GOSSIP = {
  D: 8,
  Dscore: 6,
  Dout: 3,
  Dlo: 6,
  Dhi: 12,
  Dlazy: 12,
  gossipFactor: 0.1,
  historyLength: 10,
  iwantFollowupMs: 5000,
  /** bytes of a message: go-libp2p-pubsub's default, which the network keeps */
  maxMessageBytes: 1 << 20,
  maxSubscriptions: 100,
} as const;

export const GOSSIP_THRESHOLDS = {
  gossipThreshold: -500,
  publishThreshold: -1000,
  graylistThreshold: -2500,
  acceptPXThreshold: 1000,
  opportunisticGraftThreshold: 3.5,
} as const;

const HOUR = 3_600_000;

/** Factor by which a counter decays each second so that it is below `decayToZero` after `ms`. Source: go-libp2p-pubsub ScoreParameterDecay. */
export function decayOver(ms: number): number {
  return DECAY_TO_ZERO ** (1000 / ms);
}
export const DECAY_TO_ZERO = 0.01;

export const PEER_SCORE = {
  appSpecificWeight: 1,
  ipColocationFactorThreshold: 5,
  ipColocationFactorWeight: -100,
  behaviourPenaltyThreshold: 6,
  behaviourPenaltyWeight: -10,
  behaviourPenaltyDecay: decayOver(HOUR),
  decayInterval: 1000,
  decayToZero: DECAY_TO_ZERO,
  retainScore: 6 * HOUR,
} as const;

export const BLOCKS_TOPIC_SCORE = {
  topicWeight: 0.1,
  timeInMeshWeight: 0.00027,
  timeInMeshQuantum: 1000,
  timeInMeshCap: 1,
  firstMessageDeliveriesWeight: 5,
  firstMessageDeliveriesDecay: decayOver(HOUR),
  firstMessageDeliveriesCap: 100,
  invalidMessageDeliveriesWeight: -1000,
  invalidMessageDeliveriesDecay: decayOver(HOUR),
} as const;

export const MESSAGES_TOPIC_SCORE = {
  topicWeight: 0.1,
  timeInMeshWeight: 0.0002778,
  timeInMeshQuantum: 1000,
  timeInMeshCap: 1,
  firstMessageDeliveriesWeight: 0.5,
  firstMessageDeliveriesDecay: decayOver(HOUR / 6),
  firstMessageDeliveriesCap: 100,
  invalidMessageDeliveriesWeight: -1000,
  invalidMessageDeliveriesDecay: decayOver(HOUR),
} as const;

/** drand's topic, and others that a node joins. Source: lotus node/modules/lp2p/pubsub.go, drandTopicParams. */
export const OTHER_TOPIC_SCORE = {
  topicWeight: 0.5,
  timeInMeshWeight: 0.00027,
  timeInMeshQuantum: 1000,
  timeInMeshCap: 1,
  firstMessageDeliveriesWeight: 5,
  firstMessageDeliveriesDecay: decayOver(HOUR),
  firstMessageDeliveriesCap: 25,
  invalidMessageDeliveriesWeight: -1000,
  invalidMessageDeliveriesDecay: decayOver(HOUR),
} as const;

/** Source: lotus node/config/def.go. */
export const CONNECTIONS = { low: 150, high: 180, graceMs: 20_000 } as const;

/** Bytes a second that an answer of chain exchange must bring. Source: lotus chain/exchange/client.go, 50 KiB/s. */
export const MIN_ANSWER_SPEED = 50 << 10;

/** Time limits of the protocols, milliseconds. Sources: lotus node/hello/hello.go, chain/exchange/{client,server}.go. */
export const DEADLINES = {
  hello: 10_000,
  exchangeRead: 10_000,
  exchangeWrite: 60_000,
  /** bitswap, ours: from the first byte of a message to its last; a stream without messages */
  bitswapMessage: 30_000,
  bitswapIdle: 120_000,
} as const;
export type Deadlines = Readonly<Record<keyof typeof DEADLINES, number>>;

/** What one peer may gossip; ours. The network's messages are some ten a second, its blocks some kilobytes an epoch. */
export const GOSSIP_LIMITS = {
  bytesBurst: 8 << 20,
  bytesPerSecond: 2 << 20,
  /** messages, subscriptions and entries of control */
  itemsBurst: 4000,
  itemsPerSecond: 500,
  /** ids of messages in a control entry that count as one item */
  idsPerItem: 16,
  /** bytes that wait for a peer that does not read; beyond, its stream ends */
  outboundBytes: 8 << 20,
  /** by how much peers on one machine may do more */
  localFactor: 8,
} as const;

/** What one node allows one peer; ours, there is no rate limit in libp2p. */
export const PEER_LIMITS = {
  /** requests of chain exchange that may come at once, and each second afterwards */
  exchangeBurst: 128,
  exchangePerSecond: 32,
  /** hellos */
  helloBurst: 4,
  helloPerSecond: 0.1,
  /** messages of bitswap, and bytes of blocks that are sent */
  bitswapBurst: 256,
  bitswapPerSecond: 64,
  bitswapBytesBurst: 32 << 20,
  bitswapBytesPerSecond: 8 << 20,
  /** connections of one peer: one, and those of a dial at the same time from both sides; and of one host */
  connections: 4,
  connectionsPerHost: 16,
  /** streams of all protocols that one connection may hold open */
  streams: 256,
  mplexStreamsPerSecond: 512,
  /** streams of one protocol that one connection may hold open */
  inboundStreams: 16,
  outboundStreams: 32,
  /** bytes of chain-exchange responses that this node builds at the same time, for all peers */
  exchangeBytesInFlight: 256 << 20,
} as const;

/** What the DHT may take; ours. An answer has some 20 peers (go-libp2p-kad-dht's bucket size) of 150 bytes. */
export const DHT_LIMITS = {
  /** streams that one connection may hold open */
  streams: 4,
  /** milliseconds that a stream may wait for its next question */
  messageMs: 10_000,
  /** bytes of all questions of a stream, and of an answer */
  questionBytes: 64 << 10,
  answerBytes: 64 << 10,
  /** questions of a peer at once, and each second afterwards */
  burst: 64,
  perSecond: 16,
  peersOfAnswer: 20,
  addresses: 8,
  /** peers that wait to be tried for the table of routes */
  updates: 256,
  /** peers, beside those connected, whose addresses are remembered */
  found: 512,
  /** peers that are looked for at the same time for who asks this node, and milliseconds for each: others count what we ask, too */
  lookups: 4,
  lookupMs: 30_000,
} as const;
