/**
 * Bounds a node in memory: forgets states, receipts and messages of old tipsets, as a node with little disk would.
 *
 * Kept are the states of the last `KEPT_TIPSETS` tipsets and of the genesis, everything that they reach, the messages that
 * wait, and the headers of the whole chain. A collection marks what is kept, a little at a time while the node works, and
 * what is written meanwhile is kept too: states that are made then reach only what the head reaches, and what is written.
 */
import { stateName } from "../chain/states-from.ts";
import { possibleLinks } from "../exec/reachable.ts";
import type { MessagePool } from "../mpool/pool.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { MemoryStore } from "../storage/memory.ts";
import { type BlockHeader, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import { type CID, cidFromBytes, cidKey } from "../types/cid.ts";
import { messageCid, signedMessageCid } from "../types/message.ts";
import type { Health, Startable } from "./startable.ts";
import type { Collected, Pin } from "./state-collector.ts";

/** More than a finality (900): see `leastRetention`. */
const KEPT_TIPSETS = 1000;
/** Tipsets from one collection to the next. */
const EVERY = 500;
/** Blocks that are marked before others have their turn. */
const STRETCH = 256;

export type CollectorOptions = {
  readonly store: MemoryStore;
  readonly states: StateManager;
  readonly pool: MessagePool;
  /** Tipsets whose states are kept, and tipsets from one collection to the next; defaults as above. */
  readonly keep?: number;
  readonly every?: number;
};

export class Collector implements Startable {
  readonly name = "collector";
  /** Heads that must be kept with the tipsets below them, as the chain's own is, and messages that wait on top of them. */
  pins: () => readonly Pin[] = () => [];
  private readonly options: Required<CollectorOptions>;
  /** Blocks that are never forgotten: headers. */
  private readonly headers = new Set<string>();
  private lowest: Tipset | null = null;
  /** Epoch of the lowest tipset after which the state is kept, as the collection under way finds it. */
  private from = 0;
  /** Epoch below which no transactions are known any more. */
  private forgotten = 0;
  private since = 0;
  private running: Promise<Collected> | null = null;
  private stopListening: (() => void) | null = null;
  private stopped = false;

  constructor(options: CollectorOptions) {
    this.options = { keep: KEPT_TIPSETS, every: EVERY, ...options };
  }

  async start(): Promise<void> {
    this.stopListening = this.options.states.chain.onHeadChange((changes) => {
      this.since += changes.length;
      if (this.since < this.options.every || this.running !== null) return;
      this.since = 0;
      // The next collection begins anew.
      this.collect().catch(() => undefined);
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.stopListening?.();
    await this.running?.catch(() => undefined);
  }

  health(): Health {
    return { status: this.stopped ? "stopped" : "ok" };
  }

  /** Forgets what need not be kept, or waits for the collection that does so already. `keep`: tipsets, if not as usual. */
  collect(keep = this.options.keep): Promise<Collected> {
    this.running ??= this.run(keep).finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async run(keep: number): Promise<Collected> {
    const { store, states } = this.options;
    store.startCollection();
    const live = new Set<string>();
    let sum = { blocks: 0, bytes: 0 };
    try {
      for (const root of await this.roots(keep)) await this.mark(root, live);
      await states.chain.forgetStatesBelow(this.from);
      await this.forgetTransactions();
    } catch (error) {
      // Nothing is known to be of no use.
      for (const { key } of store.entries()) live.add(key);
      throw error;
    } finally {
      for (const key of this.headers) live.add(key);
      const before = store.totalBytes;
      const blocks = store.endCollection(live);
      sum = { blocks, bytes: before - store.totalBytes };
    }
    const window = { limit: Number.MAX_SAFE_INTEGER, descending: false };
    const names = await store.metadataBetween(stateName(1), stateName(this.from), window);
    await store.write({ metadata: names.map(([name]) => [name, null] as const) });
    return { ...sum, from: this.from, states: names.length, kept: live.size };
  }

  /** Messages below the kept states go, and with them what Ethereum knows them by. */
  private async forgetTransactions(): Promise<void> {
    const { chain } = this.options.states;
    await chain.ethereum?.forgetTransactions(this.forgotten, this.from - 1, (epoch) => chain.tipsetAtOrBefore(epoch));
    this.forgotten = Math.max(this.forgotten, this.from);
  }

  /** Roots of what is kept; notes the headers on the way. */
  private async roots(keep: number): Promise<CID[]> {
    const { states, pool } = this.options;
    const { chain } = states;
    const roots: CID[] = [];
    const { head } = chain;
    const pins = this.pins();
    // As many tipsets as are kept lie below each of them.
    const lowestPin = Math.min(head.height, ...pins.map((pin) => pin.head.height));
    const passed = new Set<string>();
    for (const top of [head, ...pins.map((pin) => pin.head)]) {
      let kept = 0;
      let at: Tipset | null = top;
      let seen = false;
      // Down to where the last collection has been; below that all headers are noted.
      while (at !== null && (kept < keep || !seen)) {
        const name = tipsetKeyText(at.key);
        // Where another head has been; one that was below that.
        if (top !== head && passed.has(name)) break;
        passed.add(name);
        seen ||= this.lowest !== null && name === tipsetKeyText(this.lowest.key);
        for (const cid of at.key) this.headers.add(cidKey(cid));
        if (kept < keep) {
          const first = at.blocks[0] as BlockHeader;
          roots.push(first.parentStateRoot, first.parentMessageReceipts, ...at.blocks.map(({ messages }) => messages));
          const result = await chain.knownResult(at);
          if (result !== null) roots.push(result.stateRoot, result.receiptsRoot);
        }
        if (at.height <= lowestPin) kept++;
        at = await chain.parent(at);
        if (kept === keep && top === head) this.from = at?.height ?? 0;
        if (passed.size % STRETCH === 0) await breath();
      }
    }
    this.lowest = head;
    const genesis = await chain.genesis();
    for (const cid of genesis.key) this.headers.add(cidKey(cid));
    for (const { parentStateRoot, messages } of genesis.blocks) roots.push(parentStateRoot, messages);
    for (const signed of [...pool.pending(), ...pins.flatMap(({ waiting }) => waiting)])
      roots.push(messageCid(signed.message), signedMessageCid(signed));
    return roots;
  }

  private async mark(root: CID, live: Set<string>): Promise<void> {
    const { store } = this.options;
    const stack: (CID | Uint8Array)[] = [root];
    for (let count = 1; stack.length > 0; count++) {
      const cid = stack.pop() as CID | Uint8Array;
      const key = cidKey(cid);
      if (live.has(key)) continue;
      const bytes = store.peek(cid instanceof Uint8Array ? cid : cid.bytes);
      if (bytes === undefined) continue;
      live.add(key);
      if (isDagCbor(cid)) stack.push(...possibleLinks(bytes));
      if (count % STRETCH === 0) await breath();
    }
  }
}

const DAG_CBOR = 0x71;

function isDagCbor(cid: CID | Uint8Array): boolean {
  return (cid instanceof Uint8Array ? cidFromBytes(cid) : cid).code === DAG_CBOR;
}

function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
