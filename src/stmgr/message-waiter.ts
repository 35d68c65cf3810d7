/**
 * Waiting for messages: one index of all that are waited for, by sender and nonce, that follows the head.
 *
 * A wait costs nothing until its message appears: each new head looks its parent's messages up in the index. What was
 * found then stands until its tipset is reverted or enough epochs are on top of it.
 * Source: lotus chain/stmgr/searchwait.go (WaitForMessage) at b835fab702eb.
 */
import { toHex } from "../base/bytes.ts";
import { Turns } from "../base/turns.ts";
import type { Chain, HeadChange } from "../chain/chain.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { Message } from "../types/message.ts";
import { nodeStopped, StateManagerError } from "./errors.ts";
import type { FoundMessage, MessageSearch, SearchOptions } from "./message-search.ts";

export type WaitOptions = SearchOptions & {
  /** Epochs that must be on top of the tipset that executed the message; 0: none. At most a finality. */
  readonly confidence: number;
  readonly signal?: AbortSignal;
};

type Waiter = {
  readonly cid: CID;
  readonly wanted: Message;
  readonly options: WaitOptions;
  candidate: FoundMessage | null;
  readonly settle: (found: FoundMessage) => void;
  readonly fail: (error: unknown) => void;
};

export class MessageWaiter {
  private readonly chain: Chain;
  private readonly search: MessageSearch;
  private readonly bySender = new Map<string, Set<Waiter>>();
  /** Waits whose message was executed, until it is deep enough. */
  private readonly confirming = new Set<Waiter>();
  private readonly turns = new Turns();
  private readonly demands = new Set<(height: number) => void>();
  private readonly stopListening: () => void;
  private closed = false;

  constructor(chain: Chain, search: MessageSearch) {
    this.chain = chain;
    this.search = search;
    this.stopListening = chain.onHeadChange((changes) => {
      if (this.size > 0) this.turns.run(() => this.follow(changes)).catch((error: unknown) => this.failAll(error));
    });
  }

  /** Waits that are under way. */
  get size(): number {
    let size = 0;
    for (const waiters of this.bySender.values()) size += waiters.size;
    return size;
  }

  /** Calls `listener` with the epoch that a wait needs the head to reach: for a clock that stands still until it is asked. */
  onDemand(listener: (height: number) => void): () => void {
    this.demands.add(listener);
    return () => this.demands.delete(listener);
  }

  /** Tells those who listen to demands that somebody waits for the head to reach an epoch. */
  demand(height: number): void {
    for (const listener of this.demands) listener(height);
  }

  /**
   * Resolves when the message was executed and `confidence` epochs are on top of that. Rejects with `StateManagerError`
   * MESSAGE_UNKNOWN, MESSAGE_REPLACED or CONFIDENCE_TOO_HIGH, and with the signal's reason.
   */
  async wait(cid: CID, options: WaitOptions): Promise<FoundMessage> {
    const { confidence, signal } = options;
    if (!(confidence >= 0 && confidence <= CHAIN_LIMITS.finality))
      throw new StateManagerError(
        { code: "CONFIDENCE_TOO_HIGH", confidence },
        `message confidence exceeds maximum: ${confidence} > ${CHAIN_LIMITS.finality}`,
      );
    signal?.throwIfAborted();
    const wanted = await this.search.known(cid);
    // While it was looked up, who waits may have gone away, or the node stopped.
    signal?.throwIfAborted();
    if (this.closed) throw nodeStopped();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.remove(waiter);
        signal?.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter = {
        cid,
        wanted,
        options,
        candidate: null,
        settle: (found) => {
          end();
          resolve(found);
        },
        fail: (error) => {
          end();
          reject(error);
        },
      };
      const onAbort = (): void => waiter.fail(signal?.reason);
      signal?.addEventListener("abort", onAbort);
      this.add(waiter);
      // In the same order as the moves of the head, so that none falls between looking back and listening.
      this.turns.run(() => this.lookBack(waiter)).catch((error: unknown) => waiter.fail(error));
    });
  }

  /** Ends all waits and listens no more. */
  close(): void {
    this.closed = true;
    this.stopListening();
    this.failAll(nodeStopped());
  }

  private async lookBack(waiter: Waiter): Promise<void> {
    const { head } = this.chain;
    const found = await this.search.find(head, waiter.cid, waiter.options);
    if (found !== null && this.isWaiting(waiter)) this.found(waiter, found, head.height);
  }

  private async follow(changes: readonly HeadChange[]): Promise<void> {
    for (const { type, tipset } of changes) {
      if (type === "revert") this.revert(tipset);
      else if (type === "apply") await this.apply(tipset);
    }
  }

  private revert(tipset: Tipset): void {
    const key = tipsetKeyText(tipset.key);
    for (const waiter of this.confirming)
      if (waiter.candidate !== null && tipsetKeyText(waiter.candidate.tipset.key) === key) {
        waiter.candidate = null;
        this.confirming.delete(waiter);
      }
  }

  private async apply(tipset: Tipset): Promise<void> {
    for (const waiter of [...this.confirming]) this.confirm(waiter, tipset.height);
    if (this.bySender.size === 0) return;
    const carrier = await this.chain.parent(tipset);
    if (carrier === null) return;
    for (const { message } of await this.chain.tipsetMessages(carrier))
      for (const waiter of [...(this.bySender.get(senderOf(message)) ?? [])]) {
        const { cid, wanted, options } = waiter;
        try {
          const found = await this.search.executedIn(tipset, carrier, cid, wanted, options.allowReplaced);
          if (found !== null && this.isWaiting(waiter)) this.found(waiter, found, tipset.height);
        } catch (error) {
          waiter.fail(error);
        }
      }
  }

  private found(waiter: Waiter, found: FoundMessage, headHeight: number): void {
    waiter.candidate ??= found;
    this.confirming.add(waiter);
    this.confirm(waiter, headHeight);
    if (!this.isWaiting(waiter)) return;
    this.demand(found.tipset.height + waiter.options.confidence);
  }

  private confirm(waiter: Waiter, headHeight: number): void {
    const { candidate, options } = waiter;
    if (candidate !== null && headHeight - candidate.tipset.height >= options.confidence) waiter.settle(candidate);
  }

  private isWaiting(waiter: Waiter): boolean {
    return this.bySender.get(senderOf(waiter.wanted))?.has(waiter) ?? false;
  }

  private add(waiter: Waiter): void {
    const name = senderOf(waiter.wanted);
    const waiters = this.bySender.get(name) ?? new Set<Waiter>();
    this.bySender.set(name, waiters.add(waiter));
  }

  private remove(waiter: Waiter): void {
    const name = senderOf(waiter.wanted);
    const waiters = this.bySender.get(name);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.bySender.delete(name);
    this.confirming.delete(waiter);
  }

  private failAll(error: unknown): void {
    for (const waiters of [...this.bySender.values()]) for (const waiter of [...waiters]) waiter.fail(error);
  }
}

function senderOf({ from, nonce }: Message): string {
  return `${toHex(from.bytes)}/${nonce}`;
}
