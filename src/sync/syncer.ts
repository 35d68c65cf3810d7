/**
 * Brings the node to the chains that its peers speak of: headers backwards to what is known, then tipset by tipset forwards,
 * with messages and full validation. What is validated counts at once: the head moves as the way is gone.
 *
 * One target at a time, the one said to be heaviest; beside one that makes no progress others begin. A chain that is invalid
 * is refused and counts against those who vouched for it; what fails because of this node, its disk for instance, counts
 * against nobody and is tried again. Source: lotus chain/sync.go, chain/sync_manager.go.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import { MARKED_BY_OPERATOR } from "../chain/bad-blocks.ts";
import type { Chain } from "../chain/chain.ts";
import { BlockError } from "../consensus/errors.ts";
import { BLOCK_LIMITS } from "../consensus/limits.ts";
import type { FullBlock } from "../consensus/validator.ts";
import { ExchangeError } from "../network/exchange-client.ts";
import { sameKey, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { fetchFull } from "./full-blocks.ts";
import type { HeadChoice } from "./head-choice.ts";
import { type Walk, type WalkParts, walkBack } from "./header-walk.ts";
import { type AskOptions, type Sleep, SyncError, type SyncPeers, type VerifyAhead } from "./peers.ts";
import type { MutableRun, SyncRun, SyncStatus } from "./progress.ts";
import { type Target, Targets } from "./targets.ts";
import { isFaultOfNode, isForEver, type TipsetImport } from "./tipset-import.ts";
import { Trails } from "./trails.ts";
import { Withheld } from "./withheld.ts";

export type SyncerParts = {
  readonly chain: Chain;
  readonly peers: SyncPeers;
  readonly choice: HeadChoice;
  readonly imports: TipsetImport;
  /** Epoch of the network's clock now. */
  readonly epochNow: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly sleep: Sleep;
  /** Peers that must have spoken before a chain is chosen. Source: lotus build (BootstrapPeerThreshold): 4, on small networks 1. */
  readonly minPeers?: number;
  /** Verifies signatures beside validation, in workers. Default: each when it is asked for. */
  readonly ahead?: VerifyAhead;
  /** Hears of faults of this node. */
  readonly onFault: (where: string, error: unknown) => void;
};

/** Milliseconds without progress after which another target begins beside one. */
const STALLED_MS = 5000;
const MAX_ACTIVE = 3;
/**
 * What is fetched holds mining, and its place among few, only while it comes along: so many headers a second, behind some time
 * to begin, or a stretch of whole tipsets in that time. Who claims a chain and sends it by single headers would hold a miner for hours.
 */
const PACE = { startMs: 60_000, headersASecond: 10 } as const;
const SLOW_MS = 10 * 60_000;
const MAX_SLOW = 1024;
/** Attempts at one target that fail because nobody answers, or for reasons that may pass. */
const MAX_ATTEMPTS = 6;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** Epochs between the head and what is being fetched from which on the node counts as behind. */
const BEHIND_EPOCHS = 2;
/** Messages that a stretch of whole tipsets should hold, and its tipsets. */
const STRETCH = { messages: 20_000, least: 4, first: 16, most: 128 } as const;
const MAX_REFUSED = 4096;
const MAX_ENDED = 10;
/** Peers counted before the first choice. */
const MAX_HEARD = 64;

type Active = { readonly target: Target; readonly run: MutableRun; readonly done: Promise<void>; progressAt: number };

export class Syncer {
  private readonly parts: SyncerParts;
  private readonly targets = new Targets();
  private readonly trails = new Trails();
  private readonly active = new Map<string, Active>();
  private readonly ended: SyncRun[] = [];
  private refused = new BoundedMap<string, SyncError>(MAX_REFUSED);
  /** Under what the refusals were made. */
  private refusedUnder: { readonly unmarkings: number; readonly checkpoint: Tipset | null; readonly height: number };
  private readonly heard = new Set<string>();
  /** Peers whose chain came too slowly, and until when what they claim holds no miner. */
  private readonly slow = new BoundedMap<string, number>(MAX_SLOW);
  private readonly withheld: Withheld;
  private readonly stopping = new AbortController();
  private readonly idleWaiters = new Set<() => void>();
  private wake: () => void = () => undefined;
  private readonly loop: Promise<void>;

  constructor(parts: SyncerParts) {
    this.parts = parts;
    this.withheld = new Withheld(parts.now, (error) => parts.onFault("sync", error));
    this.refusedUnder = this.circumstances();
    this.loop = this.work();
  }

  /**
   * A peer spoke of a tipset: as of its own head (`own`, a hello), for which it then answers, or because a block was passed
   * on. `weight`: of the chain with the tipset, or a bound below it.
   */
  inform(peer: string, key: readonly CID[], height: number, weight: bigint, own = true): void {
    if (own && this.heard.size < MAX_HEARD) this.heard.add(peer);
    if (key.length > 0 && height > 0 && height <= this.parts.epochNow() + BLOCK_LIMITS.heightDrift) {
      const refusal = this.refusal(key);
      if (refusal === null) this.targets.add(peer, key, { height, weight, own }, this.activeTargets());
      else if (own) this.blame(refusal, [peer]);
    }
    this.wake();
  }

  status(): SyncStatus {
    return {
      behind: this.isBehind(),
      active: [...this.active.values()].map(({ run }) => ({ ...run })),
      ended: [...this.ended],
      waiting: this.targets.size,
      counts: this.parts.imports.counts,
    };
  }

  /** Whether a chain is being fetched that goes beyond the head, and comes along: then a miner had better wait. */
  isBehind(): boolean {
    const { height } = this.parts.chain.head;
    return [...this.active.values()].some(
      (active) => active.target.height - height > BEHIND_EPOCHS && this.comesAlong(active) && this.isTrusted(active),
    );
  }

  /** Whether any of those who spoke of it has not been too slow lately; this node may have been, so that it is no offence. */
  private isTrusted({ target }: Active): boolean {
    const now = this.parts.now();
    return [...target.peers.keys()].some((peer) => (this.slow.get(peer) ?? 0) <= now);
  }

  private comesAlong({ target, run, progressAt }: Active): boolean {
    const now = this.parts.now();
    if (run.stage !== "headers") return now - progressAt <= PACE.startMs;
    // Also over attempts that broke off: who breaks off himself would have a minute each time.
    const { walkingSince, headers } = target;
    return now - (walkingSince ?? now) <= PACE.startMs + (headers * 1000) / PACE.headersASecond;
  }

  /** Throws `SyncError` TOO_SLOW: others are to have the place. */
  private demandPace(active: Active): void {
    if (this.comesAlong(active)) return;
    const { target, run } = active;
    throw new SyncError(
      { code: "TOO_SLOW", key: target.name },
      `the chain of ${target.name} comes too slowly: ${run.headers} headers, ${run.validated} tipsets so far`,
    );
  }

  /** Resolves when enough peers have spoken and everything that they spoke of is fetched or refused. */
  async waitSynced(signal: AbortSignal): Promise<void> {
    const all = AbortSignal.any([signal, this.stopping.signal]);
    while (!this.isIdle()) {
      all.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const settle = (): void => {
          all.removeEventListener("abort", abort);
          this.idleWaiters.delete(settle);
          resolve();
        };
        const abort = (): void => {
          this.idleWaiters.delete(settle);
          reject(all.reason);
        };
        all.addEventListener("abort", abort, { once: true });
        this.idleWaiters.add(settle);
      });
    }
  }

  /** Ends what is under way and waits for it. */
  async stop(): Promise<void> {
    this.stopping.abort(new SyncError({ code: "STOPPED" }, "synchronisation was stopped"));
    this.wake();
    await this.loop;
    await Promise.all([...this.active.values()].map(({ done }) => done));
  }

  private isIdle(): boolean {
    return this.heard.size >= this.minPeers && this.active.size === 0 && this.targets.size === 0;
  }

  private get minPeers(): number {
    return this.parts.minPeers ?? 1;
  }

  private activeTargets(): ReadonlyMap<string, Target> {
    return new Map([...this.active].map(([name, { target }]) => [name, target]));
  }

  // Choosing what to fetch.

  private async work(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      const hasFailed = await this.startWhatMay().then(
        () => false,
        (error: unknown) => {
          if (!signal.aborted) this.parts.onFault("sync", error);
          return true;
        },
      );
      if (this.isIdle()) for (const settle of [...this.idleWaiters]) settle();
      const pause = hasFailed ? FIRST_RETRY_MS : this.pause();
      const timer = new AbortController();
      await Promise.race([
        woken,
        ...(Number.isFinite(pause) ? [this.parts.sleep(pause, timer.signal).catch(() => undefined)] : []),
      ]);
      timer.abort();
    }
  }

  /** Milliseconds until something may change by itself; infinity if only what wakes the loop can change it. */
  private pause(): number {
    const now = this.parts.now();
    const isFull = this.active.size >= MAX_ACTIVE;
    if (this.targets.size === 0 || this.heard.size < this.minPeers || isFull) return Number.POSITIVE_INFINITY;
    const stalls = [...this.active.values()].map(({ progressAt }) => progressAt + STALLED_MS);
    const next = Math.max(this.targets.nextAt(), ...(this.active.size === 0 ? [] : [Math.max(...stalls)]));
    return Math.max(1, next - now);
  }

  private async startWhatMay(): Promise<void> {
    const { chain, choice, imports } = this.parts;
    if (this.heard.size < this.minPeers || this.targets.size === 0) return;
    const weight = await choice.weight(chain.head);
    const known = new Set<Target>();
    for (const target of this.targets.all()) if (await imports.knows(target.key)) known.add(target);
    this.targets.drop((target) => known.has(target) || (target.weight <= weight && isVouched(target)));
    while (this.mayStart()) {
      const target = this.targets.take(this.parts.now());
      if (target === null) return;
      this.start(target);
    }
  }

  private mayStart(): boolean {
    if (this.stopping.signal.aborted || this.active.size >= MAX_ACTIVE) return false;
    const now = this.parts.now();
    return [...this.active.values()].every(({ progressAt }) => now - progressAt >= STALLED_MS);
  }

  private start(target: Target): void {
    if (target.walkingSince === null) {
      target.walkingSince = this.parts.now();
      target.headers = 0;
    }
    const run: MutableRun = {
      target: { key: target.key, height: target.height, tipset: null },
      base: null,
      stage: "headers",
      height: target.height,
      headers: 0,
      tipsets: 0,
      validated: 0,
      started: this.parts.now(),
      ended: null,
      message: "",
    };
    let end = (): void => undefined;
    const done = new Promise<void>((resolve) => {
      end = resolve;
    });
    const active: Active = { target, run, done, progressAt: this.parts.now() };
    this.active.set(target.name, active);
    void this.follow(active)
      .then(async () => {
        await this.trails.dropKnown((key) => this.parts.imports.knows(key));
        run.stage = "complete";
      })
      .catch((error: unknown) => {
        run.stage = "failed";
        run.message = error instanceof Error ? error.message : String(error);
        if (!this.stopping.signal.aborted) this.failed(active, error);
      })
      .catch((error: unknown) => this.parts.onFault("sync", error))
      .finally(() => {
        this.active.delete(target.name);
        run.ended = this.parts.now();
        this.ended.unshift(run);
        this.ended.splice(MAX_ENDED);
        end();
        this.wake();
      });
  }

  // One target.

  private async follow(active: Active): Promise<void> {
    const { chain, imports, choice } = this.parts;
    const { target, run } = active;
    // Who only passed a block on need not have it: gossip goes on before a block is validated.
    const [first] = [...target.peers].sort(([, a], [, b]) => Number(b) - Number(a));
    const asked = first === undefined ? {} : { from: first[0], vouched: first[1] };
    const options: AskOptions = { signal: this.stopping.signal, ...asked };
    const parts: WalkParts = {
      chain,
      knows: (key) => imports.knows(key),
      refusal: (key) => this.refusal(key),
      fetch: (key, length) => {
        this.demandPace(active);
        return this.parts.peers.fetch(key, length, { ...options, messages: false });
      },
      onTipset: (tipset) => {
        active.progressAt = this.parts.now();
        run.height = tipset.height;
        run.headers += tipset.blocks.length;
        target.headers += tipset.blocks.length;
        if (run.target.tipset === null && sameKey(tipset.key, target.key)) run.target = { ...run.target, tipset };
      },
    };
    const walk = await walkBack(target.key, target.height, parts, this.trails);
    run.base = walk.base;
    run.tipsets = walk.trail.tipsets;
    run.stage = "messages";
    target.walkingSince = null;
    this.withheld.demandPatience(walk.base, target.peers.keys());
    try {
      await this.forwards(active, walk, options);
    } catch (error) {
      const isNothing = run.validated === 0 && error instanceof ExchangeError && error.data.code === "NO_ANSWER";
      throw isNothing ? this.withheld.note(walk.base, target.peers.keys(), error) : error;
    }
    const tipset = await chain.tipset(target.key);
    const vouching = [...target.peers].filter(([, own]) => own).map(([peer]) => peer);
    // What a peer says of its own head is exact: who claims more only wants to be first.
    if (vouching.length > 0 && target.weight > (await choice.weight(tipset)))
      for (const peer of vouching) this.parts.peers.report(peer, "badChain");
  }

  /** Whole tipsets from the bottom up; the next stretch is fetched while one is validated. */
  private async forwards(active: Active, walk: Walk, options: AskOptions): Promise<void> {
    const { imports } = this.parts;
    const { run } = active;
    let wanted: number = STRETCH.first;
    const fetchFrom = (done: number) => {
      const fetched = this.stretch(active, walk, done, wanted, options);
      // Whoever waits for it hears of its failure; until then nobody does.
      fetched.catch(() => undefined);
      return fetched;
    };
    const { tipsets: all } = walk.trail;
    let next = all === 0 ? null : fetchFrom(0);
    let below = walk.base.blocks;
    const over = new AbortController();
    const signal = AbortSignal.any([options.signal, over.signal]);
    try {
      while (next !== null) {
        const tipsets: readonly (readonly FullBlock[])[] = await next;
        // What it fails of, validation will meet as well.
        void this.parts.ahead?.(tipsets, below, signal).catch(() => undefined);
        below = (tipsets.at(-1) ?? []).map(({ header }) => header);
        active.progressAt = this.parts.now();
        wanted = nextStretch(tipsets);
        const after = run.validated + tipsets.length;
        next = after < all ? fetchFrom(after) : null;
        for (const blocks of tipsets) {
          options.signal.throwIfAborted();
          const { height } = await imports.take(blocks);
          active.progressAt = this.parts.now();
          run.height = height;
          run.validated++;
        }
      }
    } finally {
      over.abort(new SyncError({ code: "STOPPED" }, "the way is gone"));
    }
  }

  private async stretch(
    active: Active,
    walk: Walk,
    done: number,
    wanted: number,
    options: AskOptions,
  ): Promise<readonly (readonly FullBlock[])[]> {
    let { key, length } = walk.trail.stretch(done, wanted);
    const parts: (readonly (readonly FullBlock[])[])[] = [];
    while (length > 0) {
      // Not the first of a stretch: that one may have waited for the validation of the stretch before it.
      if (parts.length > 0) this.demandPace(active);
      // Messages of older epochs are kept by those who choose to; a head's last finality by everybody.
      const { trail } = walk;
      const isKept = trail.top - trail.heightAbove(done) <= BLOCK_LIMITS.finality;
      const asked = isKept ? options : { ...options, vouched: false };
      const got = await fetchFull(this.parts.peers, key, length, asked);
      parts.unshift(got);
      length -= got.length;
      key = got[0]?.[0]?.header.parents ?? [];
    }
    return parts.flat();
  }

  // What follows from a failure.

  /**
   * Why a tipset is not worth the way; null if nothing is known against it. What an operator took back, a bad block's
   * mark, a checkpoint, or the head itself, is held against none any more.
   */
  private refusal(key: readonly CID[]): SyncError | null {
    const [before, now] = [this.refusedUnder, this.circumstances()];
    this.refusedUnder = now;
    const holds =
      before.unmarkings === now.unmarkings && before.checkpoint === now.checkpoint && before.height <= now.height;
    if (!holds) this.refused = new BoundedMap(MAX_REFUSED);
    return this.refused.size === 0 ? null : (this.refused.get(tipsetKeyText(key)) ?? null);
  }

  private circumstances() {
    const { bad, checkpoint, head } = this.parts.chain;
    return { unmarkings: bad.unmarkings, checkpoint, height: head.height };
  }

  private failed({ target, run }: Active, error: unknown): void {
    const vouching = [...target.peers].filter(([, own]) => own).map(([peer]) => peer);
    if (error instanceof SyncError && error.data.code === "TOO_SLOW")
      for (const peer of target.peers.keys()) this.slow.set(peer, this.parts.now() + SLOW_MS);
    if (error instanceof SyncError && error.data.code !== "WRONG_MESSAGES" && error.data.code !== "TOO_SLOW") {
      this.refused.set(target.name, error);
      this.blame(error, vouching);
    } else if (isForEver(error) || (error instanceof BlockError && error.code === "MARKED_BAD")) {
      const why = (error as BlockError).message;
      const byOperator = !isForEver(error) && why.endsWith(MARKED_BY_OPERATOR);
      const refusal = new SyncError({ code: "ON_BAD_BLOCK", key: target.name, byOperator }, why);
      this.refused.set(target.name, refusal);
      this.blame(refusal, vouching);
    } else {
      const isOurs = isFaultOfNode(error);
      if (isOurs) this.parts.onFault("sync", error);
      // What broke off on the way goes on where it was, as often as it does.
      else if (run.headers + run.validated > 0) target.attempts = 0;
      if (!isOurs && ++target.attempts >= MAX_ATTEMPTS) return;
      if (isOurs) target.attempts = Math.min(target.attempts + 1, MAX_ATTEMPTS);
      const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (target.attempts - 1));
      target.notBefore = Math.max(this.parts.now() + wait, this.withheld.until(run.base, target.peers.keys()));
      this.targets.putBack(target);
    }
  }

  private blame(refusal: SyncError, peers: readonly string[]): void {
    const { data } = refusal;
    const offence =
      data.code === "OTHER_GENESIS"
        ? "wrongGenesis"
        : data.code === "DUPLICATE_MINER" ||
            data.code === "NO_TIPSET" ||
            (data.code === "ON_BAD_BLOCK" && !data.byOperator)
          ? "badBlock"
          : null;
    if (offence !== null) for (const peer of peers) this.parts.peers.report(peer, offence);
  }
}

function isVouched({ peers }: Target): boolean {
  return [...peers.values()].every((own) => own);
}

/** Tipsets of the next stretch, by the messages of the last one. */
function nextStretch(tipsets: readonly (readonly FullBlock[])[]): number {
  const messages = tipsets.flat().reduce((sum, one) => sum + one.messages.bls.length + one.messages.secp.length, 0);
  const each = messages / Math.max(1, tipsets.length);
  return Math.max(STRETCH.least, Math.min(STRETCH.most, Math.floor(STRETCH.messages / Math.max(1, each))));
}
