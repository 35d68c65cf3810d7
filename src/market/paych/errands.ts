/**
 * Messages of payment channels: each is on the disk before the pool has it, and followed until it is some epochs deep or has
 * failed, also by the process that comes after this one.
 */
import { describeError, isFilError } from "../../base/errors.ts";
import { sleepFor } from "../../base/sleep.ts";
import type { CID } from "../../types/cid.ts";
import { parseCid } from "../../types/cid.ts";
import {
  decodeSignedMessage,
  encodeSignedMessage,
  type MessageReceipt,
  type SignedMessage,
  signedMessageCid,
} from "../../types/message.ts";
import type { Change, Errand, KeptMessage, PaychBook } from "./book.ts";
import type { ChainAccess, Draft } from "./chain-access.ts";
import { PaychError } from "./errors.ts";

/** What became of a message: its receipt, or why there is none. */
export type Outcome = { readonly receipt: MessageReceipt } | { readonly error: string };

/** Codes of a wait that will never end well: another message has the nonce, or the node does not know the message. */
const OVER = ["MESSAGE_REPLACED", "MESSAGE_UNKNOWN"];
/** Milliseconds before a wait that broke off is begun again. */
const RETRY_MS = 1_000;

type Listener = (error: PaychError | null) => void;

export type ErrandOptions = {
  readonly book: () => PaychBook;
  readonly chain: ChainAccess;
  /** Brings a channel's record in line with what became of its message; called in that channel's turn. */
  readonly finish: (message: KeptMessage, outcome: Outcome) => Promise<void>;
};

export class Errands {
  private readonly options: ErrandOptions;
  private readonly closing = new AbortController();
  private readonly running = new Set<Promise<void>>();
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(options: ErrandOptions) {
    this.options = options;
  }

  /** Sends a message for a channel. `change` is written together with its record, before the pool has it. */
  async send(
    channel: string,
    errand: Errand,
    draft: Draft,
    change: (cid: string) => Change,
    undo: Change,
  ): Promise<CID> {
    const { chain, book } = this.options;
    let kept: KeptMessage | null = null;
    const keep = async (signed: SignedMessage): Promise<void> => {
      const cid = signedMessageCid(signed).toString();
      const before = kept;
      const message: KeptMessage = {
        ...{ cid, channel, errand, state: "sent", error: "" },
        bytes: encodeSignedMessage(signed),
      };
      // An attempt whose nonce was taken meanwhile is forgotten with the record of the next one.
      await book().write({ ...change(cid), message, ...(before === null ? {} : { removedMessage: before.cid }) });
      kept = message;
    };
    const sent = (): KeptMessage | null => kept;
    try {
      await chain.send(draft, keep);
    } catch (error) {
      const refused = sent();
      if (refused !== null) await book().write({ ...undo, removedMessage: refused.cid });
      throw error;
    }
    const message = sent() as KeptMessage;
    this.follow(message);
    return parseCid(message.cid);
  }

  /** Goes on with what an earlier process left under way. */
  resume(): void {
    const { chain, book } = this.options;
    for (const message of book().messages())
      if (message.state === "sent") this.follow(message, () => chain.resend(decodeSignedMessage(message.bytes)));
  }

  private follow(message: KeptMessage, first: () => Promise<void> = async () => undefined): void {
    const run = first()
      .then(() => this.receiptOf(message))
      .then(
        (receipt): Outcome => ({ receipt }),
        (error: unknown): Outcome | null =>
          this.closing.signal.aborted || isFilError(error, "CLOSED") ? null : { error: describeError(error) },
      )
      .then(async (outcome) => {
        if (outcome === null) return;
        await this.options.finish(message, outcome);
        this.tell(message.cid);
      })
      // A store that refuses: the record says "sent" still, and the next start goes on with it.
      .catch(() => undefined)
      .finally(() => this.running.delete(run));
    this.running.add(run);
  }

  /** Waits for a message. What says nothing of the message itself, as a store that cannot be read now, is waited out. */
  private async receiptOf({ cid }: KeptMessage): Promise<MessageReceipt> {
    const { signal } = this.closing;
    for (;;) {
      try {
        return await this.options.chain.wait(parseCid(cid), signal);
      } catch (error) {
        if (signal.aborted || isFilError(error, "CLOSED") || OVER.some((code) => isFilError(error, code))) throw error;
        await sleepFor(RETRY_MS, signal);
      }
    }
  }

  /** Resolves when a message has done its work; rejects with `PaychError` if it failed or is none of ours. */
  async done(cid: CID, signal?: AbortSignal): Promise<void> {
    const name = cid.toString();
    const message = this.options.book().message(name);
    if (message === undefined)
      throw new PaychError({ code: "UNKNOWN_MESSAGE", cid: name }, `Could not find wait msg cid ${name}`);
    const failure = failureOf(message);
    if (failure !== null) throw failure;
    if (message.state === "done") return;
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const set = this.listeners.get(name) ?? new Set<Listener>();
      this.listeners.set(name, set);
      const listener: Listener = (error) => {
        end();
        if (error === null) resolve();
        else reject(error);
      };
      const onAbort = (): void => {
        end();
        reject(signal?.reason);
      };
      const end = (): void => {
        set.delete(listener);
        if (set.size === 0) this.listeners.delete(name);
        signal?.removeEventListener("abort", onAbort);
      };
      set.add(listener);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  private tell(cid: string): void {
    const message = this.options.book().message(cid);
    if (message === undefined) return;
    for (const listener of [...(this.listeners.get(cid) ?? [])]) listener(failureOf(message));
  }

  /** Ends the waits; what is under way stays so on the disk. */
  async close(why: string): Promise<void> {
    this.closing.abort(new PaychError({ code: "CLOSED" }, why));
    for (const set of [...this.listeners.values()])
      for (const listener of [...set]) listener(new PaychError({ code: "CLOSED" }, why));
    await Promise.all(this.running);
  }
}

function failureOf({ state, error, cid }: KeptMessage): PaychError | null {
  return state === "failed" ? new PaychError({ code: "MESSAGE_FAILED", cid }, error) : null;
}
