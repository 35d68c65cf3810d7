/** Keeps a node connected to the peers that it was told of: each is dialled until it answers, and again when it goes away. */
import type { Sleep } from "../sync/peers.ts";

export type DialerParts = {
  /** Dials a multiaddr; gives the peer's identity. */
  readonly connect: (address: string, signal: AbortSignal) => Promise<string>;
  readonly isConnected: (peer: string) => boolean;
  readonly now: () => number;
  readonly sleep: Sleep;
};

export type DialState = {
  readonly address: string;
  /** Identity, once it answered. */
  readonly peer: string | null;
  /** Why the last attempt failed; null if it did not. */
  readonly failure: string | null;
};

/** Addresses that are kept; a network has a handful. */
const MAX_ADDRESSES = 64;
const LOOK_MS = 1000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
const DIAL_MS = 10_000;

type Entry = { -readonly [K in keyof DialState]: DialState[K] } & { attempts: number; due: number };

export class PeerDialer {
  private readonly parts: DialerParts;
  private readonly entries: Entry[];
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(addresses: readonly string[], parts: DialerParts) {
    this.parts = parts;
    this.entries = [...new Set(addresses)]
      .slice(0, MAX_ADDRESSES)
      .map((address) => ({ address, peer: null, failure: null, attempts: 0, due: 0 }));
  }

  start(): void {
    if (this.entries.length > 0) this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error("the node is stopping"));
    await this.loop;
  }

  states(): readonly DialState[] {
    return this.entries.map(({ address, peer, failure }) => ({ address, peer, failure }));
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await Promise.all(this.entries.map((entry) => this.look(entry)));
      await this.parts.sleep(LOOK_MS, signal).catch(() => undefined);
    }
  }

  private async look(entry: Entry): Promise<void> {
    const { connect, isConnected, now } = this.parts;
    if (entry.peer !== null && isConnected(entry.peer)) {
      entry.attempts = 0;
      return;
    }
    if (now() < entry.due || this.stopping.signal.aborted) return;
    try {
      entry.peer = await connect(entry.address, AbortSignal.any([this.stopping.signal, AbortSignal.timeout(DIAL_MS)]));
      entry.failure = null;
    } catch (error) {
      entry.failure = error instanceof Error ? error.message : String(error);
    }
    entry.due = now() + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(entry.attempts++, 16));
  }
}
