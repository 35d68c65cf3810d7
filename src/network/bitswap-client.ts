/**
 * Blocks from peers by bitswap. One peer is asked for the block, the others whether they have it; who says yes is asked
 * next, if the first does not send it. Bytes are believed when their hash is the CID's.
 */
import { FilError } from "../base/errors.ts";
import { type CID, type CidKey, cidKey } from "../types/cid.ts";
import type { Offence } from "./peer-book.ts";
import { type BitswapBlock, type BitswapMessage, type BitswapWant, cidsOf } from "./wire/bitswap.ts";

export type BitswapErrorData =
  | { readonly code: "NO_PEER" }
  | { readonly code: "NOT_FOUND"; readonly cid: string; readonly tried: number }
  | { readonly code: "TOO_MANY_WANTS" };
export class BitswapError extends FilError<BitswapErrorData> {}

export type BitswapClientParts = {
  /** Peers to ask, best first. */
  readonly peers: () => readonly string[];
  /** Tells a peer of a want; rejects if it cannot be reached. */
  readonly say: (peer: string, want: BitswapWant) => Promise<void>;
  readonly onOffence: (peer: string, offence: Offence) => void;
  /** Milliseconds in which this node got to what peers sent. */
  readonly now: () => number;
};

/** What a peer was asked, or has said. */
type Standing = "asked for it" | "asked whether" | "has it" | "has it not";

type Want = {
  readonly cid: CID;
  readonly peers: Map<string, Standing>;
  readonly promise: Promise<Uint8Array>;
  readonly end: (result: Uint8Array | Error) => void;
  /** callers that still wait */
  waiting: number;
  timer: ReturnType<typeof setTimeout> | undefined;
};

/** Peers asked for one block. */
const MAX_PEERS = 16;
/** Blocks wanted at once. */
const MAX_WANTS = 1024;
/** Milliseconds after which another peer is asked too, and after which the block is given up. */
const NEXT_AFTER = 3000;
const GIVE_UP_AFTER = 60_000;
/** Blocks that came, or were given up, a moment ago: whoever was asked may still send them. */
const RECENT = 4096;
const RECENT_MS = 120_000;

export class BitswapClient {
  private readonly parts: BitswapClientParts;
  private readonly wanted = new Map<CidKey, Want>();
  private readonly recent = new Map<CidKey, number>();

  constructor(parts: BitswapClientParts) {
    this.parts = parts;
  }

  /** The bytes of a block. Rejects with `BitswapError`, or the signal's reason. */
  async getBlock(cid: CID, { signal }: { readonly signal: AbortSignal }): Promise<Uint8Array> {
    signal.throwIfAborted();
    const want = this.wanted.get(cidKey(cid)) ?? this.begin(cid);
    want.waiting++;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason);
        if (--want.waiting === 0)
          want.end(new BitswapError({ code: "NOT_FOUND", cid: `${cid}`, tried: 0 }, "given up"));
      };
      signal.addEventListener("abort", leave, { once: true });
      want.promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
    });
  }

  /** Takes what a peer sent: blocks, and who has what. */
  received(peer: string, { blocks, haves, dontHaves }: Pick<BitswapMessage, "blocks" | "haves" | "dontHaves">): void {
    for (const block of blocks) if (!this.take(block)) this.parts.onOffence(peer, "unwantedBlock");
    for (const cid of haves) {
      const want = this.wanted.get(cidKey(cid));
      if (want?.peers.get(peer) !== "asked whether") continue;
      want.peers.set(peer, "has it");
      if (![...want.peers.values()].includes("asked for it")) this.askNext(want);
    }
    for (const cid of dontHaves) {
      const want = this.wanted.get(cidKey(cid));
      if (want?.peers.has(peer)) this.hasNot(want, peer);
    }
  }

  /** A peer is gone: nothing can come from it. */
  gone(peer: string): void {
    for (const want of this.wanted.values()) if (want.peers.has(peer)) this.hasNot(want, peer);
  }

  /** Ends all wants. */
  stop(): void {
    for (const want of [...this.wanted.values()])
      want.end(new BitswapError({ code: "NO_PEER" }, "the host has stopped"));
  }

  private begin(cid: CID): Want {
    const key = cidKey(cid);
    const peers = this.parts.peers().slice(0, MAX_PEERS);
    if (peers.length === 0) throw new BitswapError({ code: "NO_PEER" }, "no peer to ask for a block");
    if (this.wanted.size >= MAX_WANTS)
      throw new BitswapError({ code: "TOO_MANY_WANTS" }, `more than ${MAX_WANTS} blocks are asked for`);
    let settle: (result: Uint8Array | Error) => void = () => undefined;
    const promise = new Promise<Uint8Array>((resolve, reject) => {
      settle = (result) => (result instanceof Error ? reject(result) : resolve(result));
    });
    const give = setTimeout(() => want.end(this.notFound(want)), GIVE_UP_AFTER);
    const want: Want = {
      cid,
      peers: new Map(peers.map((peer, i) => [peer, i === 0 ? "asked for it" : "asked whether"])),
      promise,
      waiting: 0,
      timer: undefined,
      end: (result) => {
        clearTimeout(give);
        clearTimeout(want.timer);
        if (this.wanted.get(key) !== want) return;
        this.wanted.delete(key);
        this.remember(key);
        settle(result);
        for (const [peer, standing] of want.peers)
          if (standing === "asked for it" || standing === "asked whether") this.say(want, peer, { cancel: true });
      },
    };
    // Whoever waits has a promise of its own.
    promise.catch(() => undefined);
    this.wanted.set(key, want);
    for (const [peer, standing] of want.peers)
      this.say(want, peer, { type: standing === "asked for it" ? "block" : "have" });
    this.watch(want);
    return want;
  }

  /** After a while without the block, another peer is asked for it too. */
  private watch(want: Want): void {
    clearTimeout(want.timer);
    want.timer = setTimeout(() => this.askNext(want), NEXT_AFTER);
  }

  /** Asks the next peer for the block: one that has it, else one that has not said. */
  private askNext(want: Want): void {
    const find = (wanted: Standing) => [...want.peers].find(([, standing]) => standing === wanted)?.[0];
    const peer = find("has it") ?? find("asked whether");
    if (peer === undefined) return;
    want.peers.set(peer, "asked for it");
    this.say(want, peer, { type: "block" });
    this.watch(want);
  }

  private hasNot(want: Want, peer: string): void {
    const was = want.peers.get(peer);
    want.peers.set(peer, "has it not");
    const left = [...want.peers.values()].filter((standing) => standing !== "has it not");
    if (left.length === 0) want.end(this.notFound(want));
    else if (was === "asked for it" && !left.includes("asked for it")) this.askNext(want);
  }

  /** Whether anybody wanted this block, now or a moment ago. */
  private take(block: BitswapBlock): boolean {
    if (this.wanted.size === 0 && !this.hasRecent()) return false;
    const keys = cidsOf(block).map(cidKey);
    const want = keys.map((key) => this.wanted.get(key)).find((found) => found !== undefined);
    want?.end(block.data.slice());
    return want !== undefined || keys.some((key) => this.recent.has(key));
  }

  private say(want: Want, peer: string, entry: Partial<BitswapWant>): void {
    const { cid } = want;
    const full: BitswapWant = { cid, priority: 1, cancel: false, type: "block", sendDontHave: !entry.cancel, ...entry };
    this.parts.say(peer, full).catch(() => {
      if (this.wanted.get(cidKey(cid)) === want) this.hasNot(want, peer);
    });
  }

  private remember(key: CidKey): void {
    this.recent.delete(key);
    this.recent.set(key, this.parts.now());
    if (this.recent.size > RECENT) this.recent.delete(this.recent.keys().next().value as CidKey);
  }

  private hasRecent(): boolean {
    for (const [key, at] of this.recent) {
      if (this.parts.now() - at < RECENT_MS) return true;
      this.recent.delete(key);
    }
    return false;
  }

  private notFound({ cid, peers }: Want): BitswapError {
    const what = `none of ${peers.size} peers has ${cid}`;
    return new BitswapError({ code: "NOT_FOUND", cid: `${cid}`, tried: peers.size }, what);
  }
}
