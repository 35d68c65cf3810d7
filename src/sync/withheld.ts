/**
 * Ways forward whose messages no peer gives: above which tipset, of whom they were asked, and from when on they are asked for
 * again. Every later head of such a chain leads over the same tipset, so that without this each would ask for them anew. A peer
 * that is not among those asked may have them, and is asked at once.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import { ExchangeError } from "../network/exchange-client.ts";
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";

const MAX_WAYS = 64;
const MAX_ASKED = 64;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** Attempts after which the operator hears of it: some seconds in which nobody had them. */
const TOLD_AT = 4;

type Way = {
  readonly asked: ReadonlySet<string>;
  readonly attempts: number;
  readonly until: number;
  readonly error: ExchangeError;
};

export class Withheld {
  private readonly ways = new BoundedMap<string, Way>(MAX_WAYS);
  private readonly now: () => number;
  private readonly onStuck: (error: ExchangeError) => void;

  constructor(now: () => number, onStuck: (error: ExchangeError) => void) {
    this.now = now;
    this.onStuck = onStuck;
  }

  /** Throws what was answered last, while it is too early to ask the same peers again. */
  demandPatience(base: Tipset, peers: Iterable<string>): void {
    const way = this.ways.get(tipsetKeyText(base.key));
    if (way === undefined || way.until <= this.now()) return;
    if ([...peers].every((peer) => way.asked.has(peer))) throw way.error;
  }

  /** Takes note of a failure of the way above `base`, of which nothing came; gives what is to be told of it. */
  note(base: Tipset, peers: Iterable<string>, cause: ExchangeError): ExchangeError {
    const name = tipsetKeyText(base.key);
    const old = this.ways.get(name);
    const attempts = (old?.attempts ?? 0) + 1;
    const error = new ExchangeError(
      cause.data,
      `messages above epoch ${base.height}: ${cause.message}. Connect to a peer that keeps its whole chain, or begin with a snapshot of it`,
      { cause },
    );
    const asked = new Set([...(old?.asked ?? []), ...peers].slice(-MAX_ASKED));
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 16));
    this.ways.set(name, { asked, attempts, until: this.now() + wait, error });
    if (attempts === TOLD_AT) this.onStuck(error);
    return error;
  }

  /** From when on the way above `base` is asked for again; 0 if nothing is known against it. */
  until(base: Tipset | null): number {
    return base === null ? 0 : (this.ways.get(tipsetKeyText(base.key))?.until ?? 0);
  }
}
