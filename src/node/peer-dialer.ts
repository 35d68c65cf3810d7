/** Keeps a node connected to the peers that it was told of: each is dialled until it answers, and again when it goes away. */
import type { Sleep } from "../sync/peers.ts";

export type DialerParts = {
  /** Dials a multiaddr; gives the peer's identity. */
  readonly connect: (address: string, signal: AbortSignal) => Promise<string>;
  readonly isConnected: (peer: string) => boolean;
  readonly isBanned: (peer: string) => boolean;
  readonly now: () => number;
  readonly sleep: Sleep;
};

export type DialState = {
  readonly address: string;
  /** Identity, from the address or once it answered. */
  readonly peer: string | null;
  /** Why the last attempt failed; null if it did not. */
  readonly failure: string | null;
};

/** Addresses that are kept; a network has a handful. */
const MAX_ADDRESSES = 64;
const LOOK_MS = 1000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
/** A busy machine takes its time to agree on keys. */
const DIAL_MS = 30_000;

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
      .map((address) => ({ address, peer: peerOf(address), failure: null, attempts: 0, due: 0 }));
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
    const { connect, isConnected, isBanned, now } = this.parts;
    if (entry.peer !== null && isConnected(entry.peer)) {
      entry.attempts = 0;
      return;
    }
    // As soon as the ban is over it is dialled as if for the first time.
    if (entry.peer !== null && isBanned(entry.peer)) {
      entry.failure = `peer ${entry.peer} is banned`;
      entry.attempts = 0;
      entry.due = 0;
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

/** The identity at the end of a multiaddr, or null. */
function peerOf(address: string): string | null {
  return /\/p2p\/([^/]+)$/.exec(address)?.[1] ?? null;
}
