/**
 * The wires between the nodes: who is connected with whom, how long bytes take, which get lost, arrive twice or out of
 * order, and which pairs a partition keeps apart.
 *
 * A connection is a stream of bytes that its two ends hold; what is lost on the way of a stream is sent again and comes
 * late. Gossip has no such care: what is lost is lost, and no order holds. A connection breaks when an end crashes or a
 * partition comes between; then nothing that was on its way arrives.
 */
import type { Life, VirtualClock } from "./clock.ts";
import type { Random } from "./random.ts";

export type LinkFaults = {
  /** Probability that a gossip message is lost; that bytes of a stream are sent again. */
  readonly loss: number;
  readonly duplicate: number;
  /** Probability that a message is held up so long that later ones overtake it. */
  readonly reorder: number;
  /** Share of the links that are slow. */
  readonly slow: number;
};

export const NO_FAULTS: LinkFaults = { loss: 0, duplicate: 0, reorder: 0, slow: 0 };

type Link = {
  latency: number;
  readonly jitter: number;
  readonly bytesPerMs: number;
  /** In place of that of all links. */
  loss?: number;
};
type Connection = { readonly ends: readonly [Life, Life]; isOpen: boolean };

/** What a node of the links hears. */
export type LinkEnd = {
  readonly life: Life;
  /** Whether it takes, and keeps, a connection with another. */
  wants(other: number): boolean;
  opened(other: number): void;
  closed(other: number): void;
};

/** Milliseconds: a resend, being held up, the time until a broken connection is dialled again. */
const RESEND_MS = 400;
const HELD_UP_MS = [1000, 9000] as const;
const REDIAL_MS = [300, 4000] as const;
/** Bytes on the way at once, of all links together; the property of bounded memory holds it against this. */
export const MAX_ON_THE_WAY = 64 << 20;

export class Links {
  /** Bytes that are on their way. */
  onTheWay = 0;
  faults: LinkFaults;
  private readonly clock: VirtualClock;
  private readonly random: Random;
  private readonly links = new Map<string, Link>();
  private readonly connections = new Map<string, Connection>();
  private readonly ends = new Map<number, LinkEnd>();
  private groups: readonly (readonly number[])[] = [];
  readonly pairs: readonly (readonly [number, number])[];

  /** Who is linked with whom: `pairs`, by default a ring with chords. */
  constructor(
    clock: VirtualClock,
    random: Random,
    nodes: number,
    faults: LinkFaults,
    pairs: readonly (readonly [number, number])[] = pairsOf(nodes, random),
  ) {
    this.clock = clock;
    this.random = random;
    this.faults = faults;
    this.pairs = pairs;
    for (const [a, b] of this.pairs) {
      const isSlow = random.chance(faults.slow);
      this.links.set(nameOf(a, b), {
        latency: isSlow ? random.between(300, 2500) : random.between(5, 150),
        jitter: isSlow ? 800 : 60,
        bytesPerMs: isSlow ? random.between(4, 40) : 2000,
      });
    }
  }

  /** A node comes up: it dials whoever it knows and is dialled. */
  join(node: number, end: LinkEnd): void {
    this.ends.set(node, end);
    this.dialAll();
  }

  /** A node is gone, without a word. */
  leave(node: number): void {
    this.ends.delete(node);
    this.breakAll((a, b) => a === node || b === node);
  }

  partition(groups: readonly (readonly number[])[]): void {
    this.groups = groups;
    this.breakAll((a, b) => !this.canReach(a, b));
  }

  heal(): void {
    this.groups = [];
    this.dialAll();
  }

  /** Changes the link of a pair from now on: milliseconds that bytes take at least, and the share of losses. */
  shape(a: number, b: number, { latency, loss }: { readonly latency?: number; readonly loss?: number }): void {
    const link = this.links.get(nameOf(a, b));
    if (link === undefined) throw new RangeError(`nodes ${a} and ${b} have no link`);
    if (latency !== undefined) link.latency = latency;
    if (loss !== undefined) link.loss = loss;
  }

  get isParted(): boolean {
    return this.groups.length > 0;
  }

  /** Closes a connection that an end does not want any more. */
  cut(a: number, b: number): void {
    this.breakAll((x, y) => (x === a && y === b) || (x === b && y === a));
  }

  /** The peers that a node is connected with. */
  peersOf(node: number): number[] {
    return this.pairs
      .filter(([a, b]) => (a === node || b === node) && this.connections.get(nameOf(a, b))?.isOpen === true)
      .map(([a, b]) => (a === node ? b : a));
  }

  /** Nodes that are up and can reach each other over some way, without partitions and over any node of `through`. */
  islands(through: (node: number) => boolean): number[][] {
    const rest = new Set([...this.ends.keys()].filter(through));
    const out: number[][] = [];
    for (const first of rest) {
      const island = [first];
      rest.delete(first);
      for (const node of island) for (const peer of this.peersOf(node)) if (rest.delete(peer)) island.push(peer);
      out.push(island.sort((a, b) => a - b));
    }
    return out;
  }

  /** Sends bytes; `arrive` is called at the other end, if they get there. `gossip`: nobody sends them again. */
  send(from: number, to: number, bytes: number, arrive: () => void, gossip = false): void {
    const connection = this.connections.get(nameOf(from, to));
    const link = this.links.get(nameOf(from, to));
    if (connection?.isOpen !== true || link === undefined) return;
    const { duplicate, reorder } = this.faults;
    const { loss = this.faults.loss } = link;
    if (gossip && this.random.chance(loss)) return;
    let ms = link.latency + this.random.between(0, link.jitter) + bytes / link.bytesPerMs;
    if (!gossip) while (this.random.chance(loss)) ms += RESEND_MS;
    if (gossip && this.random.chance(reorder)) ms += this.random.between(...HELD_UP_MS);
    const copies = gossip && this.random.chance(duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.onTheWay += bytes;
      this.clock.after(ms + copy * this.random.between(1, 500), () => {
        this.onTheWay -= bytes;
        if (connection.isOpen && connection.ends.every(({ alive }) => alive)) arrive();
      });
    }
  }

  private canReach(a: number, b: number): boolean {
    return this.groups.length === 0 || this.groups.some((group) => group.includes(a) && group.includes(b));
  }

  /** Dials whoever is not connected. */
  dialAll(): void {
    for (const [a, b] of this.pairs) this.dial(a, b);
  }

  private dial(a: number, b: number): void {
    const [one, other] = [this.ends.get(a), this.ends.get(b)];
    if (one === undefined || other === undefined) return;
    this.clock.after(this.random.between(...REDIAL_MS), () => {
      const isOpen = this.connections.get(nameOf(a, b))?.isOpen === true;
      if (isOpen || !one.life.alive || !other.life.alive || !this.canReach(a, b)) return;
      if (!one.wants(b) || !other.wants(a)) return;
      this.connections.set(nameOf(a, b), { ends: [one.life, other.life], isOpen: true });
      one.opened(b);
      other.opened(a);
    });
  }

  private breakAll(isBroken: (a: number, b: number) => boolean): void {
    for (const [a, b] of this.pairs) {
      const connection = this.connections.get(nameOf(a, b));
      if (connection?.isOpen !== true || !isBroken(a, b)) continue;
      connection.isOpen = false;
      this.ends.get(a)?.closed(b);
      this.ends.get(b)?.closed(a);
    }
  }
}

function nameOf(a: number, b: number): string {
  return `${Math.min(a, b)}-${Math.max(a, b)}`;
}

/** Every node with every other. */
export function allPairs(nodes: number): (readonly [number, number])[] {
  return Array.from({ length: nodes }, (_, a) => a).flatMap((a) =>
    Array.from({ length: nodes - a - 1 }, (_, i) => [a, a + 1 + i] as const),
  );
}

/** A ring, so that all are connected, and some chords: up to four neighbours for most. */
function pairsOf(nodes: number, random: Random): (readonly [number, number])[] {
  const names = new Map<string, readonly [number, number]>();
  const add = (a: number, b: number): void => {
    if (a !== b) names.set(nameOf(a, b), [Math.min(a, b), Math.max(a, b)]);
  };
  for (let i = 0; i < nodes; i++) {
    add(i, (i + 1) % nodes);
    add(i, random.between(0, nodes - 1));
  }
  return [...names.values()];
}
