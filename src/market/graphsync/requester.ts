/**
 * Asking a peer for a DAG: what comes is held against this node's own walk with the same selector, link by link. A block
 * counts when it is the next that the walk wants and its bytes are what its CID says; only then is it kept and told of.
 * Source: go-graphsync v0.17.0, requestmanager/reconciledloader: where the peer lacks a part, or passes over what it sent
 * before, the walk goes on in what is here.
 */
import { platform } from "#platform";
import { toHex } from "../../base/bytes.ts";
import type { Patience } from "../../network/own-time.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import { CidSet } from "../../storage/cid-set.ts";
import { type CID, type CidKey, cidKey } from "../../types/cid.ts";
import { GraphsyncError } from "./errors.ts";
import {
  cidOfReceived,
  type Extensions,
  type GraphsyncMessage,
  type GraphsyncRequest,
  type GraphsyncResponse,
  isFinal,
  type LinkAction,
  STATUS,
} from "./message.ts";
import { Selection } from "./selector.ts";
import { inlineBlock, Traversal, WALK_LIMITS, type WalkLimits, type Wanted } from "./traversal.ts";

/** Where the blocks of a request are kept. */
export type RequestStore = {
  get(cid: Uint8Array): Promise<Uint8Array | undefined>;
  put(cid: CID, bytes: Uint8Array): Promise<void>;
};

export type RequestOptions = {
  readonly root: CID;
  /** CBOR */
  readonly selector: Uint8Array;
  readonly store: RequestStore;
  readonly extensions?: Extensions;
  readonly priority?: number;
  readonly limits?: WalkLimits;
  readonly signal: AbortSignal;
  /**
   * A link was followed: with its block from the peer, verified and kept; or, `bytes` 0, from what was here, came before in
   * this request, or with a DAG that did. Counted as who answers counts them.
   */
  readonly onLink?: (cid: CID, bytes: number) => void;
  /** What the peer says besides, in order with the links; what it throws ends the request. */
  readonly onExtensions?: (extensions: Extensions) => void;
};

export const REQUEST_LIMITS = {
  /** milliseconds without anything from the peer; and while it has paused, or without any link, whatever else it says */
  stallMs: 60_000,
  pausedMs: 30 * 60_000,
  /** bytes of one request that wait to be checked before the peer is held back */
  waitingBytes: 16 << 20,
  waitingLinks: 1 << 17,
  open: 1024,
} as const;

type Item =
  | { readonly kind: "link"; readonly link: CID; readonly action: LinkAction; readonly block: Uint8Array | null }
  | { readonly kind: "extensions"; readonly extensions: Extensions }
  | { readonly kind: "status"; readonly status: number };

type Open = {
  readonly peer: string;
  readonly id: Uint8Array;
  readonly options: RequestOptions;
  readonly items: Item[];
  at: number;
  waitingBytes: number;
  isPaused: boolean;
  failure: Error | null;
  wake: () => void;
  /** Resolves those who bring more, once there is room. */
  drained: () => void;
  /** Runs from one link to the next. */
  unlinked: Patience | null;
};

export class Requester {
  private readonly streams: PeerStreams;
  private readonly send: (peer: string, message: GraphsyncMessage) => Promise<void>;
  private readonly open = new Map<string, Open>();

  constructor(streams: PeerStreams, send: (peer: string, message: GraphsyncMessage) => Promise<void>) {
    this.streams = streams;
    this.send = send;
  }

  /**
   * Resolves when all that the selector chooses was verified and kept. Rejects with `GraphsyncError`, with `DataError` for
   * blocks that are not of their codec, or with the signal's reason.
   */
  async request(peer: string, options: RequestOptions): Promise<void> {
    options.signal.throwIfAborted();
    const traversal = new Traversal(options.root, new Selection(options.selector), options.limits ?? WALK_LIMITS);
    if (this.open.size >= REQUEST_LIMITS.open)
      throw new GraphsyncError({ code: "LIMIT", limit: "requests" }, `${this.open.size} requests are open already`);
    const id = platform.randomBytes(16);
    const nothing = (): void => undefined;
    const open: Open = {
      ...{ peer, id, options, items: [], at: 0, waitingBytes: 0, isPaused: false, failure: null },
      ...{ wake: nothing, drained: nothing, unlinked: null },
    };
    const key = toHex(id);
    this.open.set(key, open);
    const abort = (): void => this.fail(open, options.signal.reason);
    options.signal.addEventListener("abort", abort, { once: true });
    let isOver = false;
    try {
      await this.say(open, "new");
      await this.walk(open, traversal);
      isOver = true;
    } finally {
      options.signal.removeEventListener("abort", abort);
      this.open.delete(key);
      open.unlinked?.end();
      open.drained();
      if (!isOver) this.say(open, "cancel").catch(nothing);
    }
  }

  /** Takes a message's responses and blocks; resolves when there is room for more. */
  async received(peer: string, { responses, blocks }: GraphsyncMessage): Promise<void> {
    const ours = responses.map((response) => ({ response, open: this.open.get(toHex(response.id)) }));
    const known = ours.filter(({ open }) => open?.peer === peer) as { response: GraphsyncResponse; open: Open }[];
    const byCid = new Map<CidKey, Uint8Array>();
    for (const block of known.length === 0 ? [] : blocks) {
      const cid = cidOfReceived(block);
      // A copy: what is kept must not hold the whole message.
      if (cid !== null) byCid.set(cidKey(cid), new Uint8Array(block.data));
    }
    const used = new Set<CidKey>();
    for (const { response, open } of known) this.take(open, response, byCid, used);
    // Blocks of a request that was given up may still come.
    if (known.length === responses.length && used.size < byCid.size) this.streams.report(peer, "unwantedBlock");
    for (const { open } of known) await this.room(open);
  }

  /** A peer is gone: what is open with it ends. */
  gone(peer: string): void {
    for (const open of this.open.values())
      if (open.peer === peer) this.fail(open, new GraphsyncError({ code: "UNREACHABLE" }, `peer ${peer} is gone`));
  }

  stop(): void {
    for (const open of this.open.values())
      this.fail(open, new GraphsyncError({ code: "CLOSED" }, "the node is stopping"));
  }

  private say({ peer, id, options }: Open, type: GraphsyncRequest["type"]): Promise<void> {
    const isNew = type === "new";
    const request: GraphsyncRequest = {
      ...{ id, type, priority: isNew ? (options.priority ?? 1) : 0 },
      root: isNew ? options.root : null,
      selector: isNew ? options.selector : null,
      extensions: isNew ? (options.extensions ?? new Map()) : new Map(),
    };
    return this.send(peer, { requests: [request], responses: [], blocks: [] });
  }

  private take(open: Open, response: GraphsyncResponse, blocks: Map<CidKey, Uint8Array>, used: Set<CidKey>): void {
    if (response.extensions.size > 0) open.items.push({ kind: "extensions", extensions: response.extensions });
    for (const { link, action } of response.metadata) {
      const key = cidKey(link);
      const block = action === "present" ? (blocks.get(key) ?? null) : null;
      if (block !== null) used.add(key);
      open.waitingBytes += block?.length ?? 0;
      open.items.push({ kind: "link", link, action, block });
    }
    open.items.push({ kind: "status", status: response.status });
    open.wake();
  }

  private room(open: Open): Promise<void> | undefined {
    const isFull = (): boolean =>
      open.waitingBytes > REQUEST_LIMITS.waitingBytes || open.items.length - open.at > REQUEST_LIMITS.waitingLinks;
    if (!isFull() || open.failure !== null || !this.open.has(toHex(open.id))) return undefined;
    return new Promise((resolve) => {
      const before = open.drained;
      open.drained = () => {
        before();
        resolve();
      };
    });
  }

  private fail(open: Open, reason: unknown): void {
    open.failure ??= reason instanceof Error ? reason : new Error(`${reason}`);
    open.wake();
    open.drained();
  }

  /** The next thing that the peer said. */
  private async next(open: Open): Promise<Item> {
    for (;;) {
      if (open.failure !== null) throw open.failure;
      const item = open.items[open.at];
      if (item !== undefined) {
        // Freed by and by: nothing is moved for each item.
        open.items[open.at++] = EMPTY;
        if (open.at >= FREED_AT) {
          open.items.splice(0, open.at);
          open.at = 0;
        }
        if (item.kind === "link") {
          open.waitingBytes -= item.block?.length ?? 0;
          open.unlinked?.end();
          open.unlinked = null;
        }
        if (open.waitingBytes < REQUEST_LIMITS.waitingBytes / 2) {
          const { drained } = open;
          open.drained = () => undefined;
          drained();
        }
        return item;
      }
      const { isPaused } = open;
      const ms = isPaused ? REQUEST_LIMITS.pausedMs : REQUEST_LIMITS.stallMs;
      const patience = this.streams.patience(ms, "stalled");
      const stalled = (what: string, limit: number): void =>
        this.fail(
          open,
          new GraphsyncError({ code: "STALLED" }, `peer ${open.peer} has sent ${what} for ${limit / 1000} seconds`),
        );
      patience.signal.addEventListener("abort", () => stalled("nothing", ms), { once: true });
      if (open.unlinked === null) {
        const { pausedMs } = REQUEST_LIMITS;
        open.unlinked = this.streams.patience(pausedMs, "stalled");
        open.unlinked.signal.addEventListener("abort", () => stalled("no block", pausedMs), { once: true });
      }
      await new Promise<void>((resolve) => {
        open.wake = resolve;
        if (open.failure !== null || open.at < open.items.length) resolve();
      });
      patience.end();
    }
  }

  private async walk(open: Open, traversal: Traversal): Promise<void> {
    const missing: CID[] = [];
    const came = new CidSet();
    /** Below this depth the walk goes on in what is here. */
    let localBelow = Number.POSITIVE_INFINITY;
    let end: number | null = null;
    for (let wanted = traversal.next(); wanted !== null; wanted = traversal.next()) {
      if (wanted.depth > localBelow) {
        await this.local(open, traversal, wanted, missing);
        continue;
      }
      localBelow = Number.POSITIVE_INFINITY;
      let item: Item | null = null;
      while (item === null && end === null) {
        const next = await this.next(open);
        if (next.kind === "link") item = next;
        else end = this.heard(open, next);
      }
      if (item === null || item.kind !== "link") {
        if (missing.length > 0) break;
        throw this.bad(open, wanted.cid, `ended with status ${end} before block ${wanted.cid} came`);
      }
      if (!item.link.equals(wanted.cid))
        throw this.bad(open, wanted.cid, `sent ${item.link} where ${wanted.cid} comes next`);
      if (item.block !== null) await this.accept(open, traversal, wanted, item.block, came);
      else if (item.action === "skipped" && wanted.isDone) {
        traversal.skip();
        open.options.onLink?.(wanted.cid, 0);
      } else {
        await this.local(open, traversal, wanted, missing);
        if (item.action === "missing" || item.action === "skipped") localBelow = wanted.depth;
      }
    }
    while (end === null) {
      const next = await this.next(open);
      if (next.kind === "link") throw this.bad(open, next.link, `sent ${next.link}, which was not asked for`);
      end = this.heard(open, next);
    }
    const [lacking] = missing;
    if (lacking !== undefined)
      throw new GraphsyncError(
        { code: "MISSING_BLOCK", cid: `${lacking}` },
        `peer ${open.peer} lacks ${missing.length === 1 ? `block ${lacking}` : `${missing.length} blocks, ${lacking} first`}`,
      );
  }

  /** Takes what is no link; gives the status if it ends the response. Throws `GraphsyncError` REFUSED for one of failure. */
  private heard(open: Open, item: Exclude<Item, { kind: "link" }>): number | null {
    if (item.kind === "extensions") {
      open.options.onExtensions?.(item.extensions);
      return null;
    }
    const { status } = item;
    open.isPaused = status === STATUS.paused;
    if (status >= STATUS.rejected)
      throw new GraphsyncError({ code: "REFUSED", status }, `peer ${open.peer} ${refusal(status)}`);
    return isFinal(status) ? status : null;
  }

  private async accept(
    open: Open,
    traversal: Traversal,
    { cid }: Wanted,
    block: Uint8Array,
    came: CidSet,
  ): Promise<void> {
    const { store, onLink } = open.options;
    traversal.give(block);
    await store.put(cid, block);
    // One that is sent again is not paid for again.
    onLink?.(cid, came.add(cid.bytes) ? block.length : 0);
  }

  /** Follows a link in what is here. */
  private async local(open: Open, traversal: Traversal, { cid }: Wanted, missing: CID[]): Promise<void> {
    const { store, onLink } = open.options;
    const bytes = inlineBlock(cid) ?? (await store.get(cid.bytes));
    if (bytes === undefined) {
      missing.push(cid);
      traversal.skip();
      return;
    }
    traversal.give(bytes);
    onLink?.(cid, 0);
  }

  private bad(open: Open, cid: CID, what: string): GraphsyncError {
    this.streams.report(open.peer, "badTransfer");
    return new GraphsyncError({ code: "BAD_RESPONSE", cid: `${cid}` }, `peer ${open.peer} ${what}`);
  }
}

/** Items that were taken before they are let go. */
const FREED_AT = 4096;
const EMPTY: Item = { kind: "status", status: STATUS.partial };

function refusal(status: number): string {
  switch (status) {
    case STATUS.rejected:
      return "refuses the request";
    case STATUS.busy:
      return "is busy";
    case STATUS.legal:
      return "may not give it";
    case STATUS.notFound:
      return "does not have it";
    case STATUS.cancelled:
      return "has given the request up";
    default:
      return `could not answer (status ${status})`;
  }
}
