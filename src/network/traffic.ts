/**
 * Bytes on the streams of a host, in all, by peer and by protocol, from the moment at which a stream's protocol is agreed
 * on; and how many a second there are now. Rates follow go-flow-metrics: averages of whole seconds, each new one counting
 * for 1 - 1/e.
 */
import type { Stream } from "@libp2p/interface";

export type Traffic = {
  readonly totalIn: number;
  readonly totalOut: number;
  /** bytes a second */
  readonly rateIn: number;
  readonly rateOut: number;
};

/** Weight of the newest second. Source: libp2p/go-flow-metrics sweeper.go. */
const ALPHA = 1 - Math.exp(-1);
/** A rate below is none. */
const LEAST_RATE = 0.01;
/** Peers and protocols remembered; what was used least lately goes first. */
const MAX_PEERS = 1024;
const MAX_PROTOCOLS = 256;

class Meter {
  total = 0;
  private rate = 0;
  /** Total at the beginning of the second that goes on. */
  private before = 0;
  private second: number;

  constructor(second: number) {
    this.second = second;
  }

  add(bytes: number, second: number): void {
    this.sweep(second);
    this.total += bytes;
  }

  rateAt(second: number): number {
    this.sweep(second);
    return this.rate < LEAST_RATE ? 0 : this.rate;
  }

  private sweep(second: number): void {
    if (second <= this.second) return;
    this.rate += ALPHA * (this.total - this.before - this.rate);
    // Seconds without any.
    this.rate *= (1 - ALPHA) ** (second - this.second - 1);
    this.before = this.total;
    this.second = second;
  }
}

class Both {
  readonly in: Meter;
  readonly out: Meter;

  constructor(second: number) {
    this.in = new Meter(second);
    this.out = new Meter(second);
  }

  at(second: number): Traffic {
    return {
      totalIn: this.in.total,
      totalOut: this.out.total,
      rateIn: this.in.rateAt(second),
      rateOut: this.out.rateAt(second),
    };
  }
}

export class TrafficMeter {
  private readonly clock: () => number;
  private readonly all: Both;
  private readonly peers = new Map<string, Both>();
  private readonly protocols = new Map<string, Both>();

  /** `clock`: milliseconds. */
  constructor(clock: () => number = () => performance.now()) {
    this.clock = clock;
    this.all = new Both(this.second());
  }

  /** Counts the bytes of a stream; `peer`: whose it is, once that is known. */
  watch(stream: Stream, peer: () => string | null): void {
    const { protocol } = stream;
    const inside = stream as unknown as {
      send(data: { readonly byteLength: number }): boolean;
      onData(data: { readonly byteLength: number }): void;
    };
    const { send, onData } = inside;
    inside.send = (data) => {
      this.count("out", data.byteLength, peer(), protocol);
      return send.call(stream, data);
    };
    inside.onData = (data) => {
      this.count("in", data.byteLength, peer(), protocol);
      onData.call(stream, data);
    };
  }

  total(): Traffic {
    return this.all.at(this.second());
  }

  byPeer(): Record<string, Traffic> {
    return this.listed(this.peers);
  }

  byProtocol(): Record<string, Traffic> {
    return this.listed(this.protocols);
  }

  private listed(map: ReadonlyMap<string, Both>): Record<string, Traffic> {
    const second = this.second();
    return Object.fromEntries([...map].map(([name, both]) => [name, both.at(second)]));
  }

  private count(way: "in" | "out", bytes: number, peer: string | null, protocol: string): void {
    const second = this.second();
    this.all[way].add(bytes, second);
    used(this.protocols, protocol, MAX_PROTOCOLS, second)[way].add(bytes, second);
    if (peer !== null) used(this.peers, peer, MAX_PEERS, second)[way].add(bytes, second);
  }

  private second(): number {
    return Math.floor(this.clock() / 1000);
  }
}

/** What is kept under a name, which is the newest from now on. */
function used(map: Map<string, Both>, name: string, most: number, second: number): Both {
  const both = map.get(name) ?? new Both(second);
  map.delete(name);
  map.set(name, both);
  if (map.size > most) map.delete(map.keys().next().value as string);
  return both;
}
