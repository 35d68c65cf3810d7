/**
 * Filters and subscriptions: what is new since somebody asked last, and what is told as it happens.
 *
 * A block is new when a tipset stands on top of it: then it is executed, and its logs and receipts are in the index. When that
 * tipset is reverted, the block's logs are told again with `removed`. What is new is looked at once for all, one move of the head
 * after another; while nobody asks, nothing is.
 *
 * Bounds: 100 filters a node, an hour without being asked, 10,000 results that wait. Source: lotus at b835fab702eb
 * node/config/def.go (MaxFilters, FilterTTL, MaxFilterResults), chain/events/filter.
 */
import { toHex } from "../../base/bytes.ts";
import { Turns } from "../../base/turns.ts";
import type { HeadChange } from "../../chain/chain.ts";
import { blockHash, messageHash } from "../../chain/eth-index.ts";
import { hex, isWished } from "../../chain/eth-logs.ts";
import { signedMessageCid } from "../../types/message.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import type { EthFilterService, EthNews, NodeParts } from "../services.ts";
import { type LogFilter, MAX_LOGS } from "./codecs.ts";
import { type EthJson, logJson } from "./executed.ts";

export const MAX_FILTERS = 100;
const IDLE_MS = 3_600_000;
const ID_BYTES = 32;

type Listener = { readonly wants: EthNews["kind"]; readonly hear: (news: EthNews) => void };

/** A filter: `logs` null for one of blocks or of what waits. */
type Filter = {
  readonly logs: LogFilter | null;
  readonly stop: () => void;
  results: unknown[];
  isFull: boolean;
  asked: number;
};

type Parts = Pick<NodeParts, "chain" | "pool" | "network" | "now" | "randomBytes" | "run">;

export class EthFilters implements EthFilterService {
  private readonly parts: Parts;
  private readonly listeners = new Set<Listener>();
  private readonly filters = new Map<string, Filter>();
  private readonly turns = new Turns();
  private stopListening: (() => void) | null = null;

  constructor(parts: Parts) {
    this.parts = parts;
    parts.run.onStop(() => {
      for (const id of [...this.filters.keys()]) this.uninstall(id);
      this.listeners.clear();
      this.settle();
    });
  }

  /** Calls `hear` with what is new, in order, until the function that is returned is called. */
  listen(wants: EthNews["kind"], hear: (news: EthNews) => void): () => void {
    const listener = { wants, hear };
    this.listeners.add(listener);
    this.settle();
    return () => {
      this.listeners.delete(listener);
      this.settle();
    };
  }

  /** A new filter's number. `before` looks for results that it begins with; what comes meanwhile is not told twice. */
  async install(
    wants: EthNews["kind"],
    logs: LogFilter | null = null,
    before: () => Promise<readonly EthJson[]> = async () => [],
  ): Promise<string> {
    // What is being told is older than the filter.
    await this.turns.idle();
    this.dropIdle();
    if (this.filters.size >= MAX_FILTERS)
      throw new RpcError(RPC_CODE.limit, `there are ${MAX_FILTERS} filters; remove one with eth_uninstallFilter`);
    const known = new Set<string>();
    const add = (found: readonly unknown[]): void => {
      // One by one: a block may have more logs than a call takes arguments.
      for (const one of found) if (!known.delete(nameOf(one))) filter.results.push(one);
      if (filter.results.length <= MAX_LOGS) return;
      filter.isFull = true;
      filter.results = [];
    };
    let held: unknown[] | null = [];
    const filter: Filter = {
      ...{ logs, results: [], isFull: false, asked: this.parts.now() },
      stop: this.listen(wants, (news) => {
        const found = tell(news, logs);
        if (held === null) add(found);
        else held = held.concat(found);
      }),
    };
    const id = this.newId();
    this.filters.set(id, filter);
    try {
      const first = await before();
      filter.results = [...first];
      for (const one of first) known.add(nameOf(one));
      const later = held;
      held = null;
      add(later);
    } catch (error) {
      this.uninstall(id);
      throw error;
    }
    return id;
  }

  uninstall(id: string): boolean {
    this.filters.get(id)?.stop();
    return this.filters.delete(id);
  }

  /** What is new since the filter was asked last. */
  async changes(id: string): Promise<readonly unknown[]> {
    const filter = this.find(id);
    await this.turns.idle();
    const { results, isFull } = filter;
    filter.results = [];
    filter.isFull = false;
    if (isFull)
      throw new RpcError(
        RPC_CODE.limit,
        `more than ${MAX_LOGS} results came since this filter was asked last; they are lost: ask eth_getLogs for the range`,
      );
    return results;
  }

  /** What a filter of logs looks for. */
  logsOf(id: string): LogFilter {
    const { logs } = this.find(id);
    if (logs !== null) return logs;
    throw new RpcError(RPC_CODE.untyped, "this filter is not one of logs");
  }

  newId(): string {
    return `0x${toHex(this.parts.randomBytes(ID_BYTES))}`;
  }

  private find(id: string): Filter {
    this.dropIdle();
    const filter = this.filters.get(id);
    if (filter === undefined)
      throw new RpcError(RPC_CODE.untyped, "filter not found: it was removed, or not asked for an hour");
    filter.asked = this.parts.now();
    return filter;
  }

  private dropIdle(): void {
    const since = this.parts.now() - IDLE_MS;
    for (const [id, { asked }] of this.filters) if (asked < since) this.uninstall(id);
  }

  /** Hears of the chain and of what waits while somebody hears of it from here. */
  private settle(): void {
    if (this.listeners.size === 0) {
      this.stopListening?.();
      this.stopListening = null;
      return;
    }
    if (this.stopListening !== null) return;
    const { chain, pool } = this.parts;
    const stops = [
      // Nobody waits for it: what fails here must not end the process.
      chain.onHeadChange((changes) => void this.turns.run(() => this.moved(changes)).catch(() => undefined)),
      pool.onChange(({ kind, signed }) => {
        if (kind !== "add" || !this.isWanted("pending")) return;
        const hash = hex(messageHash(signedMessageCid(signed), signed, this.parts.network.chainId));
        this.spread({ kind: "pending", hash, signed });
      }),
    ];
    this.stopListening = () => {
      for (const stop of stops) stop();
    };
  }

  private isWanted(kind: EthNews["kind"]): boolean {
    return [...this.listeners].some(({ wants }) => wants === kind);
  }

  private spread(news: EthNews): void {
    for (const { wants, hear } of [...this.listeners]) if (wants === news.kind) hear(news);
  }

  private async moved(changes: readonly HeadChange[]): Promise<void> {
    const { chain } = this.parts;
    for (const { type, tipset: above } of changes) {
      const removed = type === "revert";
      if (!removed && this.isWanted("block")) {
        // One that is gone meanwhile, as when time was taken back, is nobody's news any more.
        const tipset = await chain.parent(above).catch(() => null);
        if (tipset !== null) this.spread({ kind: "block", tipset });
      }
      if (!this.isWanted("logs")) continue;
      // Receipts that are not here have no logs to tell of: eth_getLogs says so.
      const below = await chain.ethereum?.logsBelow(above).catch(() => null);
      if (below == null || below.logs.length === 0) continue;
      this.spread({ kind: "logs", ...below, removed });
    }
  }
}

/** What tells a log from all others; one that was taken back is another. */
function nameOf(result: unknown): string {
  if (typeof result !== "object" || result === null) return "";
  const { blockHash: block, logIndex, removed } = result as EthJson;
  return `${block} ${logIndex} ${removed}`;
}

/** News as a filter's results. */
export function tell(news: EthNews, logs: LogFilter | null): readonly unknown[] {
  if (news.kind === "block") return [hex(blockHash(news.tipset))];
  if (news.kind === "pending") return [news.hash];
  return logs === null ? [] : logsOf(news, logs);
}

type LogNews = EthNews & { readonly kind: "logs" };
/** Logs of news as JSON: all filters and subscriptions have the same ones. */
const rowsOf = new WeakMap<LogNews, EthJson[]>();

/** Those of a block's logs that are wished, and are in the range. */
export function logsOf(news: LogNews, wish: LogFilter): EthJson[] {
  const { tipset, logs, removed } = news;
  const { from, to, block } = wish;
  const epoch = tipset.height;
  const hash = blockHash(tipset);
  if (typeof from === "object" && "epoch" in from && BigInt(epoch) < from.epoch) return [];
  if (typeof to === "object" && "epoch" in to && BigInt(epoch) > to.epoch) return [];
  if (block !== null && hex(block) !== hex(hash)) return [];
  const rows = rowsOf.get(news) ?? [];
  rowsOf.set(news, rows);
  return logs.flatMap((log, i) => {
    if (!isWished(wish, log)) return [];
    rows[i] ??= { ...logJson(log, i, { hash, epoch }), removed };
    return [rows[i]];
  });
}
