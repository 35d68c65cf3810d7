/**
 * What peers want of this node by bitswap: a bounded list for each, answered a message at a time from the store of the
 * chain and from nowhere else. What is not there yet stays wanted and is sent when it arrives.
 */
import { type CidKey, cidKey, isIdentity } from "../types/cid.ts";
import { PEER_LIMITS } from "./params.ts";
import { RateLimiter } from "./rate-limit.ts";
import { BITSWAP_LIMITS, type BitswapBlock, type BitswapMessage, type BitswapWant, prefixOf } from "./wire/bitswap.ts";

/** The store that is served: all its blocks are public. */
export type ObjectSource = {
  get(cid: Uint8Array): Promise<Uint8Array | undefined>;
};

export type BitswapServerParts = {
  readonly objects: ObjectSource;
  readonly now: () => number;
  /** Sends a message; rejects if the peer cannot be reached. */
  readonly send: (peer: string, message: BitswapMessage) => Promise<void>;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onFault: (error: unknown) => void;
};

type Ledger = {
  /** Not looked at yet. */
  readonly due: Map<CidKey, BitswapWant>;
  /** Looked for and not found. */
  readonly missing: Map<CidKey, BitswapWant>;
  working: boolean;
};

/** Bytes of blocks that one answer carries, if more than one block. */
const ANSWER_BYTES = 256 << 10;
/** A block up to this is sent at once to who only asked whether it is here. Source: boxo bitswap, maxBlockSizeReplaceHasWithBlock. */
const SEND_ANYWAY = 1024;
/** Answers that are built or sent at the same time, for all peers. */
const MAX_ANSWERS = 16;

export class BitswapServer {
  private readonly parts: BitswapServerParts;
  private readonly ledgers = new Map<string, Ledger>();
  /** Bytes a peer may be sent. */
  private readonly bytes: RateLimiter;
  private readonly waiting: (() => void)[] = [];
  private answers = 0;

  constructor(parts: BitswapServerParts) {
    this.parts = parts;
    this.bytes = new RateLimiter(
      { burst: PEER_LIMITS.bitswapBytesBurst, perSecond: PEER_LIMITS.bitswapBytesPerSecond },
      parts.now,
    );
  }

  /** Takes a peer's wants; those beyond the limit of its list are left out. */
  wants(peer: string, { wants, full }: Pick<BitswapMessage, "wants" | "full">): void {
    if (wants.length === 0 && !full) return;
    const ledger = this.ledgers.get(peer) ?? { due: new Map(), missing: new Map(), working: false };
    this.ledgers.set(peer, ledger);
    if (full) {
      ledger.due.clear();
      ledger.missing.clear();
    }
    for (const want of wants) {
      const key = cidKey(want.cid);
      ledger.due.delete(key);
      ledger.missing.delete(key);
      const hasRoom = ledger.due.size + ledger.missing.size < BITSWAP_LIMITS.wants;
      if (!want.cancel && !isIdentity(want.cid) && hasRoom) ledger.due.set(key, want);
    }
    void this.work(peer, ledger);
  }

  /** The store has grown: what was missing is looked for again. */
  lookAgain(): void {
    for (const [peer, ledger] of this.ledgers) {
      if (ledger.missing.size === 0) continue;
      for (const [key, want] of ledger.missing) ledger.due.set(key, want);
      ledger.missing.clear();
      void this.work(peer, ledger);
    }
  }

  forget(peer: string): void {
    const ledger = this.ledgers.get(peer);
    ledger?.due.clear();
    ledger?.missing.clear();
    this.ledgers.delete(peer);
  }

  /** Wants of all peers that are held. */
  get size(): number {
    let sum = 0;
    for (const { due, missing } of this.ledgers.values()) sum += due.size + missing.size;
    return sum;
  }

  private async work(peer: string, ledger: Ledger): Promise<void> {
    if (ledger.working) return;
    ledger.working = true;
    try {
      while (ledger.due.size > 0) await this.parts.sleep(await this.answerOnce(peer, ledger));
    } catch {
      this.forget(peer);
    } finally {
      ledger.working = false;
    }
  }

  /** Sends one answer; resolves to the milliseconds until the next may go. */
  private async answerOnce(peer: string, ledger: Ledger): Promise<number> {
    await this.turn();
    try {
      const answer = await this.answer(ledger);
      const { blocks, haves, dontHaves } = answer;
      if (blocks.length + haves.length + dontHaves.length > 0) await this.parts.send(peer, answer);
      return this.bytes.owe(
        peer,
        blocks.reduce((sum, { data }) => sum + data.length, 0),
      );
    } finally {
      this.answers--;
      this.waiting.shift()?.();
    }
  }

  /** Waits for one of the places of `MAX_ANSWERS`. */
  private async turn(): Promise<void> {
    while (this.answers >= MAX_ANSWERS) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.answers++;
  }

  /** The next answer: the most wanted first, as far as one message goes. */
  private async answer({ due, missing }: Ledger): Promise<BitswapMessage> {
    const blocks: BitswapBlock[] = [];
    const haves: BitswapWant["cid"][] = [];
    const dontHaves: BitswapWant["cid"][] = [];
    let bytes = 0;
    const order = [...due].sort(([, a], [, b]) => b.priority - a.priority);
    for (const [key, want] of order) {
      // It may have been taken back, or asked for otherwise, while others were looked for.
      if (due.get(key) !== want) continue;
      const data = await this.read(want);
      if (due.get(key) !== want) continue;
      due.delete(key);
      if (data === null) {
        if (want.sendDontHave) dontHaves.push(want.cid);
        else missing.set(key, want);
      } else if (want.type === "have" && data.length > SEND_ANYWAY) haves.push(want.cid);
      else {
        blocks.push({ prefix: prefixOf(want.cid), data });
        bytes += data.length;
      }
      if (bytes >= ANSWER_BYTES) break;
    }
    return { wants: [], full: false, blocks, haves, dontHaves };
  }

  private async read({ cid }: BitswapWant): Promise<Uint8Array | null> {
    try {
      const data = await this.parts.objects.get(cid.bytes);
      return data === undefined || data.length > BITSWAP_LIMITS.blockBytes ? null : data;
    } catch (error) {
      this.parts.onFault(error);
      return null;
    }
  }
}
