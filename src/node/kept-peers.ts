/** The peer book among a node's facts: read at the start, written some time after a change and at the end. */
import { Turns } from "../base/turns.ts";
import { PeerBook } from "../network/peer-book.ts";
import type { BlockStore } from "../storage/contract.ts";
import type { Sleep } from "../sync/peers.ts";

const FACT = "net/peers";
/** Milliseconds that changes are collected for one write. */
const DELAY_MS = 2000;

export type KeptPeersParts = {
  readonly store: BlockStore;
  readonly now: () => number;
  readonly sleep: Sleep;
  readonly onFault: (where: string, error: unknown) => void;
};

export class KeptPeers {
  readonly book: PeerBook;
  private readonly parts: KeptPeersParts;
  private readonly turns = new Turns();
  private readonly stopping = new AbortController();
  private due = false;

  constructor(parts: KeptPeersParts) {
    this.parts = parts;
    this.book = new PeerBook(parts.now, () => this.changed());
  }

  /** What cannot be read is left out and told of: the node starts without it. */
  async load(): Promise<void> {
    const bytes = await this.parts.store.metadata(FACT);
    if (bytes === undefined) return;
    try {
      const damaged = this.book.load(bytes);
      if (damaged > 0) throw new Error(`${damaged} records of the peer book are damaged and were left out`);
    } catch (error) {
      this.parts.onFault("peers", error);
    }
  }

  /** Writes what is not written yet. */
  async stop(): Promise<void> {
    this.stopping.abort(new Error("the node is stopping"));
    await this.save();
  }

  private changed(): void {
    if (this.due || this.stopping.signal.aborted) return;
    this.due = true;
    this.parts
      .sleep(DELAY_MS, this.stopping.signal)
      .then(() => this.save())
      .catch((error: unknown) => {
        if (!this.stopping.signal.aborted) this.parts.onFault("peers", error);
      });
  }

  private save(): Promise<void> {
    return this.turns.run(async () => {
      if (!this.due) return;
      this.due = false;
      await this.parts.store.write({ metadata: [[FACT, this.book.encode()]] });
    });
  }
}
