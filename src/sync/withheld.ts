/**
 * Messages that peers do not give: above which tipset, and from when on each peer is asked for them again. Every later head of such a
 * chain leads over the same tipset, so that without this each would ask for them anew. Each peer has a wait of its own: what one keeps
 * back, again and again, makes nobody wait for another.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import { ExchangeError } from "../network/exchange-client.ts";
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";

/** Pairs of a tipset and a peer. */
const MAX_KNOWN = 1024;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** Attempts after which the operator hears of it: some seconds in which the peer had none. */
const TOLD_AT = 4;

type Failed = { readonly attempts: number; readonly until: number; readonly error: ExchangeError };

const nameOf = (base: Tipset, peer: string): string => `${tipsetKeyText(base.key)} ${peer}`;

export class Withheld {
  private readonly failed = new BoundedMap<string, Failed>(MAX_KNOWN);
  private readonly now: () => number;
  private readonly onStuck: (error: ExchangeError) => void;

  constructor(now: () => number, onStuck: (error: ExchangeError) => void) {
    this.now = now;
    this.onStuck = onStuck;
  }

  /** Throws what was answered last, while it is too early to ask any of the peers again. */
  demandPatience(base: Tipset, peers: Iterable<string>): void {
    let last: ExchangeError | undefined;
    for (const peer of peers) {
      const known = this.failed.get(nameOf(base, peer));
      if (known === undefined || known.until <= this.now()) return;
      last = known.error;
    }
    if (last !== undefined) throw last;
  }

  /** Takes note of a failure of the way above `base`, of which nothing came; gives what is to be told of it. */
  note(base: Tipset, peers: Iterable<string>, cause: ExchangeError): ExchangeError {
    const error = new ExchangeError(
      cause.data,
      `messages above epoch ${base.height}: ${cause.message}. Connect to a peer that keeps its whole chain, or begin with a snapshot of it`,
      { cause },
    );
    let most = 0;
    for (const peer of peers) {
      const attempts = (this.failed.get(nameOf(base, peer))?.attempts ?? 0) + 1;
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 16));
      this.failed.set(nameOf(base, peer), { attempts, until: this.now() + wait, error });
      most = Math.max(most, attempts);
    }
    if (most === TOLD_AT) this.onStuck(error);
    return error;
  }

  /** From when on one of the peers is asked for the way above `base` again; 0 if that is now. */
  until(base: Tipset | null, peers: Iterable<string>): number {
    if (base === null) return 0;
    const waits = Array.from(peers, (peer) => this.failed.get(nameOf(base, peer))?.until ?? 0);
    return waits.length === 0 ? 0 : Math.min(...waits);
  }
}
