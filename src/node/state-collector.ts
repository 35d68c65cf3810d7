/**
 * Keeps the states of the last epochs and collects the rest, while the node runs; of any store.
 *
 * Collected are blocks that a state below the last epochs reaches and no state reaches that is kept: the states of the last
 * epochs on every fork, the genesis', and what is written while the collection runs (a new state reaches what its base
 * reaches, and what is written). Headers, messages and receipts stay: whatever has their form is never taken (`chain-form.ts`).
 * A node in memory that was told nothing has `collector.ts`, which gives up old messages and receipts too: it drops what it
 * did not mark, as only a store that can list all that it holds at once lets it.
 *
 * A crash loses nothing: the epoch from which states are kept is on the disk before the first block goes; blocks go before
 * those that link to them, and a state's name goes last, so that the next collection finds what is left of it.
 */

import type { Chain } from "../chain/chain.ts";
import { parseStateName, stateName } from "../chain/states-from.ts";
import { linksOf, possibleLinks } from "../exec/reachable.ts";
import { CidSet } from "../storage/cid-set.ts";
import type { WriteWatch } from "../storage/contract.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import { CID } from "../types/cid.ts";
import type { SignedMessage } from "../types/message.ts";
import { isChainForm } from "./chain-form.ts";
import type { Health, Startable } from "./startable.ts";

export type StateCollectorOptions = {
  readonly chain: Chain;
  /** Epochs below the head whose states are kept, at least 1. */
  readonly keep: number;
  /** Epochs from one collection to the next; default: a quarter of those kept, at least `MIN_EVERY`. */
  readonly every?: number;
  /** Blocks that go as one write; default `BATCH`. */
  readonly batch?: number;
  readonly onError?: (error: unknown) => void;
};

/** A head to which the chain may be taken back, and the messages that wait on top of it. */
export type Pin = { readonly head: Tipset; readonly waiting: readonly SignedMessage[] };

/** What a collection came to. */
export type Collected = {
  /** Epoch of the lowest tipset after which the state is kept. */
  readonly from: number;
  /** States that went, blocks of them, and their bytes. */
  readonly states: number;
  readonly blocks: number;
  readonly bytes: number;
  /** Blocks that the kept states have. */
  readonly kept: number;
};

const MIN_EVERY = 120;
/** Blocks that are looked at before others have their turn. */
const STRETCH = 256;
/** Blocks that go as one batch, and names of states that are read at once. */
const BATCH = 512;
/** Bounds of the names of all states but the genesis'. */
const FIRST = stateName(1);
const LAST = stateName(Number.MAX_SAFE_INTEGER);
/** Codes of blocks that a store has: DAG-CBOR, CBOR, raw. */
const DAG_CBOR = 0x71;
const STORED = new Set([DAG_CBOR, 0x51, 0x55]);
const IDENTITY = 0x00;
/** CIDv1, dag-cbor, blake2b-256 of 32 bytes: of nearly every block. */
const USUAL = [0x01, 0x71, 0xa0, 0xe4, 0x02, 0x20];

/** Whether a CID names a block with links, one without, or (a commitment, an identity) none that a store has. */
function kindOf(cid: Uint8Array): "links" | "leaf" | "none" {
  if (USUAL.every((byte, i) => cid[i] === byte)) return "links";
  try {
    const { code, multihash } = CID.decode(cid);
    if (multihash.code === IDENTITY || !STORED.has(code)) return "none";
    return code === DAG_CBOR ? "links" : "leaf";
  } catch {
    return "none";
  }
}

export class StateCollector implements Startable {
  readonly name = "collector";
  /** Heads below which as many epochs must be kept as below the chain's own. */
  pins: () => readonly Pin[] = () => [];
  private readonly options: Required<Omit<StateCollectorOptions, "onError">>;
  private readonly onError: (error: unknown) => void;
  /** Epoch of the head at the last collection. */
  private last = 0;
  private running: Promise<Collected> | null = null;
  private stopListening: (() => void) | null = null;
  private stopped = false;
  private failure: unknown = null;

  constructor({ onError = () => undefined, ...options }: StateCollectorOptions) {
    this.options = { every: Math.max(MIN_EVERY, Math.ceil(options.keep / 4)), batch: BATCH, ...options };
    this.onError = onError;
  }

  get keep(): number {
    return this.options.keep;
  }

  async start(): Promise<void> {
    const { chain } = this.options;
    // What a collection left that was ended comes with the next tipset.
    const isLeft = (await this.names(FIRST, stateName(chain.statesFrom), 1)).length > 0;
    this.last = isLeft ? Number.NEGATIVE_INFINITY : chain.head.height;
    this.stopListening = chain.onHeadChange(() => {
      if (!(chain.head.height - this.last >= this.options.every) || this.running !== null) return;
      void this.collect().catch(() => undefined);
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.stopListening?.();
    await this.running?.catch(() => undefined);
  }

  health(): Health {
    if (this.stopped) return { status: "stopped" };
    return this.failure === null ? { status: "ok" } : { status: "failing", reason: `${this.failure}` };
  }

  /** Collects now, or waits for the collection that is under way. `keep`: epochs, if fewer or more than usual. */
  collect(keep = this.options.keep): Promise<Collected> {
    this.running ??= this.run(keep)
      .then(
        (collected) => {
          this.failure = null;
          return collected;
        },
        (error: unknown) => {
          this.failure = error;
          this.onError(error);
          throw error;
        },
      )
      .finally(() => {
        this.running = null;
      });
    return this.running;
  }

  private async run(keep: number): Promise<Collected> {
    const { chain } = this.options;
    const store = chain.blocks;
    this.last = chain.head.height;
    const height = Math.min(chain.head.height, ...this.pins().map((pin) => pin.head.height));
    const lowest = await chain.tipsetAtOrBefore(Math.max(0, height - keep));
    const from = Math.max(lowest.height, chain.statesFrom);
    const none = { from, states: 0, blocks: 0, bytes: 0, kept: 0 };
    if ((await this.names(FIRST, stateName(from), 1)).length === 0) return none;
    // From before the next write on: what was written earlier is there when that one is.
    const watch = store.watchWrites();
    try {
      await chain.forgetStatesBelow(from);
      const live = await this.mark(from);
      return { ...none, ...(await this.sweep(from, live, watch)), kept: live.size };
    } finally {
      watch.stop();
    }
  }

  /** The first names of states with `low <= name < high`. */
  private async names(low: string, high: string, limit: number): Promise<string[]> {
    const found = await this.options.chain.blocks.metadataBetween(low, high, { limit, descending: false });
    return found.map(([name]) => name);
  }

  // What is kept.

  private async mark(from: number): Promise<CidSet> {
    const { chain } = this.options;
    const live = new CidSet();
    for (const { parentStateRoot } of (await chain.genesis()).blocks) await this.markFrom(parentStateRoot, live);
    // Those of the head's chain, whoever noted them or did not; then those of every fork.
    for (let at: Tipset | null = chain.head; at !== null && at.height >= from; at = await chain.parent(at)) {
      const result = await chain.knownResult(at);
      if (result !== null) await this.markFrom(result.stateRoot, live);
      if (at.height > from) await this.markFrom((at.blocks[0] as BlockHeader).parentStateRoot, live);
    }
    for (let low = stateName(from); ; ) {
      const names = await this.names(low, LAST, BATCH);
      for (const name of names) await this.markFrom(parseStateName(name).root, live);
      const last = names.at(-1);
      if (last === undefined) return live;
      low = `${last}\0`;
    }
  }

  private async markFrom(root: CID, live: CidSet): Promise<void> {
    const open: Uint8Array[] = [root.bytes];
    for (let cid = open.pop(); cid !== undefined; cid = open.pop()) {
      const kind = kindOf(cid);
      if (kind === "none" || live.has(cid)) continue;
      const bytes = await this.read(cid);
      if (bytes === undefined) continue;
      live.add(cid);
      if (kind === "links") for (const link of possibleLinks(bytes)) open.push(link);
      if (live.size % STRETCH === 0) await this.breath();
    }
  }

  // What goes.

  private async sweep(from: number, live: CidSet, watch: WriteWatch) {
    const sum = { states: 0, blocks: 0, bytes: 0 };
    for (;;) {
      const names = await this.names(FIRST, stateName(from), BATCH);
      if (names.length === 0) return sum;
      for (const name of names) {
        const { blocks, bytes } = await this.remove(name, live, watch);
        sum.states++;
        sum.blocks += blocks;
        sum.bytes += bytes;
      }
    }
  }

  /** Removes a state, blocks before those that link to them, and its name with the last of them. */
  private async remove(name: string, live: CidSet, watch: WriteWatch): Promise<{ blocks: number; bytes: number }> {
    const { batch } = this.options;
    const store = this.options.chain.blocks;
    const seen = new CidSet();
    let held: Uint8Array[] = [];
    let [blocks, bytes, looked] = [0, 0, 0];
    const flush = (last: boolean): Promise<void> => {
      // Looked at in the turn in which the removal is sent off: what is written later comes after it.
      const removed = held.filter((cid) => !watch.has(cid));
      blocks += removed.length;
      held = [];
      return store.write({ removed, ...(last ? { metadata: [[name, null] as const] } : {}) });
    };
    type Step = { readonly cid: Uint8Array; readonly links: Uint8Array[] };
    const path: Step[] = [];
    const enter = async (cid: Uint8Array): Promise<void> => {
      const kind = kindOf(cid);
      if (kind === "none" || live.has(cid) || watch.has(cid) || !seen.add(cid)) return;
      if (++looked % STRETCH === 0) await this.breath();
      const block = await this.read(cid);
      if (block === undefined) return;
      if (kind === "links" && (await isChainForm(block, (link) => this.read(link)))) return;
      bytes += block.length;
      path.push({ cid, links: kind === "links" ? linksOf(block) : [] });
    };
    await enter(parseStateName(name).root.bytes);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const link = top.links.pop();
      if (link !== undefined) await enter(link);
      else {
        path.pop();
        held.push(top.cid);
        if (held.length >= batch) await flush(false);
      }
    }
    await flush(true);
    return { blocks, bytes };
  }

  private async read(cid: Uint8Array): Promise<Uint8Array | undefined> {
    const store = this.options.chain.blocks;
    return store.peek(cid) ?? (await store.get(cid));
  }

  private async breath(): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    if (this.stopped) throw new Error("the node is stopping; the collection goes on after the next start");
  }
}
