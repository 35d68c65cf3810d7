/**
 * What this node thinks of its peers: offences add up and fade, enough of them end in a ban that grows with each one.
 * Kept over restarts by whoever gives `save`. A fault of this node is never an offence of a peer.
 */
import { FilError } from "../base/errors.ts";

export type PeerBookErrorData = { readonly code: "BAD_PEER_BOOK" };
export class PeerBookError extends FilError<PeerBookErrorData> {}

/** What a peer may do wrong, and how much each weighs. A ban follows at `BAN.points`. */
export const OFFENCES = {
  /** another network: nothing can come of it */
  wrongGenesis: 100,
  /** bytes that are no message of the protocol */
  badFrame: 40,
  tooLarge: 60,
  /** nothing, or not enough, within the time limit */
  tooSlow: 10,
  tooManyRequests: 5,
  /** a chain that does not link, or answers another question */
  badChain: 60,
  badBlock: 60,
  badMessage: 5,
  /** promised what it then did not have */
  notFound: 1,
} as const;
export type Offence = keyof typeof OFFENCES;

export const BAN = { points: 100, firstMs: 10 * 60_000, longestMs: 24 * 3_600_000, halfLifeMs: 30 * 60_000 } as const;
/** Peers remembered; the one longest quiet is forgotten first. */
const MAX_PEERS = 4096;

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
  /** multiaddrs at which the peer was reached */
  readonly addresses: readonly string[];
};

const MAX_ADDRESSES = 8;

export class PeerBook {
  private readonly peers = new Map<string, PeerRecord>();
  private readonly now: () => number;
  private readonly changed: () => void;

  constructor(now: () => number, changed: () => void = () => undefined) {
    this.now = now;
    this.changed = changed;
  }

  /** Adds an offence; tells whether the peer is banned now. */
  report(id: string, offence: Offence): boolean {
    const old = this.record(id);
    const points = old.points + OFFENCES[offence];
    const banned = points >= BAN.points;
    const bans = banned ? old.bans + 1 : old.bans;
    const length = Math.min(BAN.longestMs, BAN.firstMs * 2 ** Math.min(bans - 1, 16));
    this.put({
      ...old,
      points: banned ? 0 : points,
      bans,
      bannedUntil: banned ? this.now() + length : old.bannedUntil,
      lastOffence: offence,
    });
    return banned;
  }

  /** Remembers an address at which the peer answered. */
  reached(id: string, address: string): void {
    const old = this.record(id);
    if (old.addresses[0] === address) return;
    const addresses = [address, ...old.addresses.filter((one) => one !== address)].slice(0, MAX_ADDRESSES);
    this.put({ ...old, addresses });
  }

  isBanned(id: string): boolean {
    const known = this.peers.get(id);
    return known !== undefined && known.bannedUntil > this.now();
  }

  ban(id: string, ms: number): void {
    const old = this.record(id);
    this.put({ ...old, bans: old.bans + 1, bannedUntil: this.now() + ms });
  }

  /** Lifts a ban; tells whether there was one. */
  unban(id: string): boolean {
    if (!this.isBanned(id)) return false;
    this.put({ ...this.record(id), bannedUntil: 0, points: 0 });
    return true;
  }

  list(): PeerRecord[] {
    return [...this.peers.keys()].map((id) => this.record(id));
  }

  encode(): Uint8Array {
    return new TextEncoder().encode(JSON.stringify(this.list()));
  }

  /** Takes what `encode` gave; throws `PeerBookError` on anything else. */
  load(bytes: Uint8Array): void {
    let list: unknown;
    try {
      list = JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw new PeerBookError({ code: "BAD_PEER_BOOK" }, "the stored peers are not JSON", { cause });
    }
    if (!Array.isArray(list) || !list.every(isRecord))
      throw new PeerBookError({ code: "BAD_PEER_BOOK" }, "the stored peers are not a list of records");
    for (const record of list.slice(0, MAX_PEERS)) this.peers.set(record.id, record);
  }

  /** The record as of now, points faded. */
  private record(id: string): PeerRecord {
    const at = this.now();
    const known = this.peers.get(id);
    if (known === undefined) return { id, points: 0, bans: 0, bannedUntil: 0, lastOffence: null, at, addresses: [] };
    const points = known.points * 0.5 ** (Math.max(0, at - known.at) / BAN.halfLifeMs);
    return { ...known, points, at };
  }

  private put(record: PeerRecord): void {
    this.peers.delete(record.id);
    this.peers.set(record.id, record);
    if (this.peers.size > MAX_PEERS) this.peers.delete(this.peers.keys().next().value as string);
    this.changed();
  }
}

function isRecord(value: unknown): value is PeerRecord {
  const one = value as Partial<PeerRecord> | null;
  return (
    typeof one?.id === "string" &&
    [one.points, one.bans, one.bannedUntil, one.at].every((n) => typeof n === "number" && Number.isFinite(n)) &&
    (one.lastOffence === null || (typeof one.lastOffence === "string" && one.lastOffence in OFFENCES)) &&
    Array.isArray(one.addresses) &&
    one.addresses.every((address) => typeof address === "string")
  );
}
