/** Gossip by flooding: what is new and accepted goes on to every peer but the one that it came from. */
import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import { blake2b } from "../base/digests.ts";
import type { Verdict } from "../network/gossip.ts";

export type Topic = "blocks" | "messages";

export type SimGossipParts = {
  readonly peers: () => readonly number[];
  readonly send: (to: number, topic: Topic, data: Uint8Array) => void;
  /** What is to be done with a message; a throw is a fault of this node. */
  readonly validate: (topic: Topic, data: Uint8Array, from: number) => Promise<Verdict>;
  readonly onFault: (where: string, error: unknown) => void;
};

/** Messages remembered as seen, and validations at once: as `src/network/gossip.ts` bounds them. */
const MAX_SEEN = 4096;
const MAX_VALIDATING = 256;

export class SimGossip {
  private readonly parts: SimGossipParts;
  private readonly seen = new BoundedMap<string, true>(MAX_SEEN);
  private validating = 0;

  constructor(parts: SimGossipParts) {
    this.parts = parts;
  }

  /** Validations that are under way. */
  get open(): number {
    return this.validating;
  }

  publish(topic: Topic, data: Uint8Array, only?: readonly number[]): number {
    this.seen.set(nameOf(data), true);
    const peers = only ?? this.parts.peers();
    for (const peer of peers) this.parts.send(peer, topic, data);
    return peers.length;
  }

  async received(topic: Topic, data: Uint8Array, from: number): Promise<void> {
    const name = nameOf(data);
    if (this.seen.get(name) === true || this.validating >= MAX_VALIDATING) return;
    this.seen.set(name, true);
    this.validating++;
    try {
      if ((await this.parts.validate(topic, data, from)) !== "accept") return;
      for (const peer of this.parts.peers()) if (peer !== from) this.parts.send(peer, topic, data);
    } catch (error) {
      this.parts.onFault(topic, error);
    } finally {
      this.validating--;
    }
  }
}

const names = new WeakMap<Uint8Array, string>();

/** The same bytes pass all nodes: they are hashed once. */
function nameOf(data: Uint8Array): string {
  let name = names.get(data);
  if (name === undefined) {
    name = toHex(blake2b(data, 20));
    names.set(data, name);
  }
  return name;
}
