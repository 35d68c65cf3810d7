/**
 * Entries from drand's gossip topic, with another source for those that do not come: a round is waited for until a little
 * after it is due, then the other is asked. Every entry is verified, each once.
 *
 * What the topic carries is judged here too: entries of the beacon are passed on, others count against who sent them.
 */
import { equal, toHex } from "../base/bytes.ts";
import { sleepFor } from "../base/sleep.ts";
import type { BeaconEntry } from "../types/block-header.ts";
import { type DrandInfo, isChained, sameDrand } from "./drand.ts";
import { BeaconError } from "./errors.ts";
import { decodeDrandMessage } from "./gossip-message.ts";
import type { BeaconSource, VerifiedEntries } from "./source.ts";

export type GossipSourceOptions = {
  readonly info: DrandInfo;
  readonly verified: VerifiedEntries;
  /** Who is asked for what gossip did not bring, for instance `httpSource`. */
  readonly otherwise: BeaconSource;
  /** Milliseconds after a round is due that gossip has. Default 2 s. */
  readonly waitMs?: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/** Rounds back from now that are looked at: older ones help nobody and cost a verification each. */
const MAX_OLD = 32n;
/** Rounds that are waited for at the same time. */
const MAX_WAITING = 256;
/** Milliseconds that a timer can count. */
const MAX_TIMER = 2 ** 31 - 1;

export class GossipSource implements BeaconSource {
  private readonly options: GossipSourceOptions;
  private readonly waiting = new Map<bigint, Set<(entry: BeaconEntry) => void>>();

  constructor(options: GossipSourceOptions) {
    this.options = options;
  }

  /** Name of the topic's network: hexadecimal chain hash. */
  get chainHash(): string {
    return toHex(this.options.info.chainHash);
  }

  /** What gossip is to do with bytes of the topic. Source: drand, its client over gossip (randomnessValidator). */
  received(bytes: Uint8Array): "accept" | "ignore" | "reject" {
    const { info, verified } = this.options;
    const message = decodeDrandMessage(bytes);
    if (message === null) return "reject";
    const { entry, previous } = message;
    const latest = this.latestRound();
    if (entry.round > latest + 1n) return "reject";
    if (entry.round + MAX_OLD < latest) return "ignore";
    const known = verified.get(info, entry.round);
    if (known !== null) return equal(known.data, entry.data) ? "ignore" : "reject";
    if (isChained(info) && previous.length === 0) return "reject";
    if (!verified.check(info, entry, previous)) return "reject";
    for (const take of this.waiting.get(entry.round) ?? []) take(entry);
    return "accept";
  }

  async entry(info: DrandInfo, round: bigint, signal: AbortSignal): Promise<BeaconEntry> {
    const { verified, otherwise, now, waitMs = 2000 } = this.options;
    if (!sameDrand(info, this.options.info))
      throw new BeaconError({ code: "NO_ENTRY", round: `${round}` }, `no source for the beacon of round ${round}`);
    signal.throwIfAborted();
    const known = verified.get(info, round);
    if (known !== null) return known;
    const due = (this.options.info.genesisTime + (Number(round) - 1) * info.period) * 1000;
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    const asked = sleepFor(Math.min(Math.max(0, due + waitMs - now()), MAX_TIMER), both).then(() =>
      otherwise.entry(info, round, both),
    );
    try {
      // Gossip may still bring it while the other source is asked.
      return await Promise.race([this.fromGossip(round, both), asked]);
    } finally {
      ended.abort(new Error("the entry is here"));
    }
  }

  /** The entry when it comes; never, if too many rounds are waited for. */
  private fromGossip(round: bigint, signal: AbortSignal): Promise<BeaconEntry> {
    if (this.waiting.size >= MAX_WAITING && !this.waiting.has(round)) return new Promise(() => undefined);
    const takers = this.waiting.get(round) ?? new Set();
    this.waiting.set(round, takers);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        takers.delete(resolve);
        if (takers.size === 0 && this.waiting.get(round) === takers) this.waiting.delete(round);
        reject(signal.reason);
      };
      takers.add(resolve);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** The round that is due now. */
  private latestRound(): bigint {
    const { info, now } = this.options;
    return BigInt(Math.max(0, Math.floor((now() / 1000 - info.genesisTime) / info.period)) + 1);
  }
}
