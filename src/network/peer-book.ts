/**
 * What this node thinks of its peers: offences add up and fade, enough of them end in a ban that grows with each one.
 * Whoever comes back under new identities from where banned ones came is met by bans of the address: first of that
 * address and port, then of the whole host. Kept over restarts by whoever gives `changed` (`peer-book-file.ts`).
 * A fault of this node is never an offence of a peer.
 */
import { decodePeerBook, encodePeerBook } from "./peer-book-file.ts";
import {
  type AddressRecord,
  BAN,
  FOR_EVER,
  MAX_ADDRESSES,
  MAX_PEERS,
  OFFENCES,
  type Offence,
  type PeerAddress,
  type PeerRecord,
} from "./peer-records.ts";

export type { Offence, PeerAddress, PeerRecord } from "./peer-records.ts";

export class PeerBook {
  private readonly peers = new Map<string, PeerRecord>();
  private readonly addresses = new Map<string, AddressRecord>();
  private readonly now: () => number;
  private readonly changed: () => void;

  constructor(now: () => number, changed: () => void = () => undefined) {
    this.now = now;
    this.changed = changed;
  }

  /** Adds an offence; tells whether the peer is banned now. `from`: where it is connected from, if that may be banned. */
  report(id: string, offence: Offence, from: readonly PeerAddress[] = []): boolean {
    const old = this.record(id);
    const points = old.points + OFFENCES[offence];
    const banned = points >= BAN.points;
    const bans = banned ? old.bans + 1 : old.bans;
    this.put({
      ...old,
      points: banned ? 0 : points,
      bans,
      bannedUntil: banned ? Math.max(old.bannedUntil, this.now() + banLength(bans)) : old.bannedUntil,
      lastOffence: offence,
    });
    if (banned) for (const one of from) this.bannedFrom(one);
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

  isAddressBanned({ ip, port }: PeerAddress): boolean {
    return [ip, `${ip}:${port}`].some((key) => (this.addresses.get(key)?.bannedUntil ?? 0) > this.now());
  }

  ban(id: string, ms: number): void {
    const old = this.record(id);
    this.put({ ...old, bans: old.bans + 1, bannedUntil: Math.min(FOR_EVER, this.now() + ms) });
  }

  /** Bans a host, as `bannedAddresses` names it. */
  banAddress(address: string, ms: number): void {
    const at = this.now();
    const bans = (this.addresses.get(address)?.bans ?? 0) + 1;
    this.keepAddress({ address, bans, bannedUntil: Math.min(FOR_EVER, at + ms), at });
    this.changed();
  }

  /** Lifts a ban; tells whether there was one. */
  unban(id: string): boolean {
    if (!this.isBanned(id)) return false;
    this.put({ ...this.record(id), bannedUntil: 0, points: 0 });
    return true;
  }

  /** Lifts the ban of an address as `bannedAddresses` names it; tells whether there was one. */
  unbanAddress(address: string): boolean {
    const known = this.addresses.get(address);
    if (known === undefined || known.bannedUntil <= this.now()) return false;
    this.addresses.delete(address);
    this.changed();
    return true;
  }

  list(): PeerRecord[] {
    return [...this.peers.keys()].map((id) => this.record(id));
  }

  bannedAddresses(): AddressRecord[] {
    return [...this.addresses.values()].filter(({ bannedUntil }) => bannedUntil > this.now());
  }

  encode(): Uint8Array {
    return encodePeerBook({ peers: this.list(), addresses: [...this.addresses.values()] });
  }

  /**
   * Takes what `encode` gave; tells how many of its records were damaged and left out. Throws `PeerBookError` on
   * anything else. A ban ends no later than it could if it began now, however the clock was set; one for ever stays.
   */
  load(bytes: Uint8Array): number {
    const { peers, addresses, damaged } = decodePeerBook(bytes);
    const latest = this.now() + BAN.longestMs;
    const end = (until: number): number => (until === FOR_EVER ? FOR_EVER : Math.min(until, latest));
    for (const one of peers) this.peers.set(one.id, { ...one, bannedUntil: end(one.bannedUntil) });
    for (const one of addresses) this.addresses.set(one.address, { ...one, bannedUntil: end(one.bannedUntil) });
    return damaged;
  }

  /** A peer that came from here was banned. */
  private bannedFrom({ ip, port }: PeerAddress): void {
    for (const [address, allowed] of [
      [`${ip}:${port}`, BAN.perPort],
      [ip, BAN.perHost],
    ] as const) {
      const old = this.addresses.get(address);
      const bans = (old?.bans ?? 0) + 1;
      const at = this.now();
      const until = bans >= allowed ? at + banLength(bans - allowed + 1) : 0;
      this.keepAddress({ address, bans, bannedUntil: Math.max(old?.bannedUntil ?? 0, until), at });
    }
    this.changed();
  }

  private keepAddress(record: AddressRecord): void {
    this.addresses.delete(record.address);
    this.addresses.set(record.address, record);
    forgetOne(this.addresses);
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
    forgetOne(this.peers);
    this.changed();
  }
}

/**
 * Makes room: what was longest quiet goes, but no ban of the operator's while there is anything else, so that nobody gets
 * rid of one by coming under thousands of names.
 */
function forgetOne(records: Map<string, { readonly bannedUntil: number }>): void {
  if (records.size <= MAX_PEERS) return;
  let found: string | undefined;
  for (const [key, { bannedUntil }] of records) {
    found ??= key;
    if (bannedUntil === FOR_EVER) continue;
    found = key;
    break;
  }
  records.delete(found as string);
}

/** Milliseconds of the ban that is the `bans`-th: each is twice as long, up to a day. */
function banLength(bans: number): number {
  return Math.min(BAN.longestMs, BAN.firstMs * 2 ** Math.min(bans - 1, 16));
}
