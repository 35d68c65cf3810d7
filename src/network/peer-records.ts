/** What is remembered of peers and of the addresses they came from. */

/** What a peer may do wrong, and how much each weighs. A ban follows at `BAN.points`. */
export const OFFENCES = {
  /** another network: nothing can come of it */
  wrongGenesis: 100,
  /** bytes that are no message of the protocol */
  badFrame: 40,
  tooLarge: 60,
  /** nothing, or not enough, within the time limit */
  tooSlow: 10,
  /** no answer of chain exchange in its time: a busy peer does that, which the reference bans nobody for */
  slowAnswer: 2,
  tooManyRequests: 5,
  /** more connections than one peer needs */
  tooManyConnections: 5,
  /** a chain that does not link, or answers another question */
  badChain: 60,
  badBlock: 60,
  badMessage: 5,
  /** gossip whose signature is not its author's, which no honest peer passes on */
  forged: 20,
  /** gossip on a topic that this node never asked for */
  unwantedTopic: 5,
  /** blocks of bitswap that nobody wanted */
  unwantedBlock: 20,
  /** blocks or answers of a transfer that do not follow from what was asked */
  badTransfer: 40,
  /** vouchers that do not count, are of another channel or were used before */
  badPayment: 20,
  /** promised what it then did not have */
  notFound: 1,
} as const;
export type Offence = keyof typeof OFFENCES;

/** The end of a ban that only the operator lifts. */
export const FOR_EVER = Number.MAX_SAFE_INTEGER;

export const BAN = {
  points: 100,
  firstMs: 10 * 60_000,
  longestMs: 24 * 3_600_000,
  halfLifeMs: 30 * 60_000,
  /** banned identities from one address and port, and from one host, before that is banned itself */
  perPort: 2,
  perHost: 4,
} as const;
/** Peers and addresses remembered; what was longest quiet is forgotten first, what is banned for ever last. */
export const MAX_PEERS = 4096;
export const MAX_ADDRESSES = 8;

export type PeerRecord = {
  readonly id: string;
  readonly points: number;
  /** bans so far */
  readonly bans: number;
  /** milliseconds since 1970; 0 if not banned */
  readonly bannedUntil: number;
  readonly lastOffence: Offence | null;
  /** when `points` was right */
  readonly at: number;
  /** multiaddrs at which the peer was reached, the last one first */
  readonly addresses: readonly string[];
};

/** An address that banned peers came from: `<ip>` or `<ip>:<port>`. */
export type AddressRecord = {
  readonly address: string;
  /** bans of peers that came from here */
  readonly bans: number;
  /** milliseconds since 1970; 0 if not banned */
  readonly bannedUntil: number;
  readonly at: number;
};

/** Where a peer is connected from. */
export type PeerAddress = { readonly ip: string; readonly port: number };
