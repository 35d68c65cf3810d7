/**
 * A miner's messages, each under the name of its intention (`precommit/7`), one for each.
 *
 * Before a message goes out, it is on the disk, signed. After a restart the same message goes out again, never a second
 * one. A message that does not get into a block is replaced with a higher fee, within its limit; one whose nonce another
 * message has taken is made anew, once that cannot change any more. A message counts as executed when enough epochs are on
 * top of it; until a finality of them is, the chain is asked anew whenever somebody asks, so that no fork that takes it back is missed.
 */
import { fromBase64, fromUtf8, toBase64, utf8 } from "../../base/bytes.ts";
import type { Rewind } from "../../base/rewind.ts";
import { KeyedTurns } from "../../base/turns.ts";
import { BLOCK_LIMITS } from "../../consensus/limits.ts";
import type { BlockStore } from "../../storage/contract.ts";
import type { Address } from "../../types/address.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import {
  decodeSignedMessage,
  encodeSignedMessage,
  type MessageReceipt,
  type SignedMessage,
  signedMessageCid,
} from "../../types/message.ts";
import type { MinerCall } from "./calls.ts";
import type { MinerChain, Outcome } from "./chain.ts";
import { MinerError } from "./errors.ts";
import { senderFor } from "./sender.ts";

/** Where records are kept: facts of a store. */
export type TrackerStore = Pick<BlockStore, "metadata" | "metadataWith" | "write">;

/** A message that was executed and is deep enough. */
export type Executed = { readonly cid: CID; readonly receipt: MessageReceipt; readonly height: number };

/** What is kept of an intention. */
export type Intention = {
  readonly key: string;
  /** Name of the method. */
  readonly name: string;
  readonly signed: SignedMessage;
  /** attoFIL */
  readonly maxFee: bigint;
  /** Height of the head when it, or what it replaces, was first sent. */
  readonly sentAt: number;
  /** Height of the head when this message was sent. */
  readonly lastSentAt: number;
  readonly executed: Executed | null;
};

/** Epochs that a message waits before a higher fee replaces it. */
const REPLACE_AFTER = 10;
/** Epochs after which a message that waits is handed to the pool again, in case it was lost. */
const RESEND_AFTER = 5;

export class MessageTracker {
  private readonly chain: MinerChain;
  private readonly store: TrackerStore;
  private readonly prefix: string;
  private readonly turns = new KeyedTurns();
  /** Waits that look at the newest head. */
  private looking = 0;
  /** Heights at which a message of a key was handed to the pool last. */
  private readonly handed = new Map<string, number>();
  /** Heights at which another message was first seen in the place of a key's. */
  private readonly displaced = new Map<string, number>();

  constructor(chain: MinerChain, store: TrackerStore) {
    this.chain = chain;
    this.store = store;
    this.prefix = `miner/${chain.miner.actorId}/message/`;
  }

  /**
   * Sends the message of an intention and gives its CID; if it was sent before, by an earlier process too, the CID of that
   * one, whatever `call` is. `from`: who sends it; default: who may and can. Throws `MinerError` NO_SENDER, REFUSED.
   */
  send(key: string, call: MinerCall, from?: Address): Promise<CID> {
    return this.turns.run(key, async () => {
      const known = await this.find(key);
      if (known !== null) {
        if (known.executed === null) await this.handOver(known);
        return signedMessageCid(known.signed);
      }
      return signedMessageCid((await this.sendNew(key, call, from)).signed);
    });
  }

  /**
   * Resolves when the message of an intention was executed, whatever its exit code, and `confidence` epochs are on top of
   * that. Rejects with `MinerError` UNKNOWN_INTENTION, and with the signal's reason.
   */
  async wait(key: string, confidence: number, signal?: AbortSignal): Promise<Executed> {
    for (;;) {
      signal?.throwIfAborted();
      const moved = this.nextHead(signal);
      this.looking++;
      try {
        const executed = await this.check(key, confidence).finally(() => this.looking--);
        if (executed !== null) return executed;
        await moved.seen;
      } finally {
        moved.stop();
      }
    }
  }

  /** Whether all waits are for the next head, and none looks at the newest. */
  get isIdle(): boolean {
    return this.looking === 0;
  }

  /**
   * What `wait` would resolve with, if it can now; else null, and the message is seen to: handed to the pool again where it
   * was lost, replaced where it waits too long.
   */
  check(key: string, confidence: number): Promise<Executed | null> {
    return this.turns.run(key, () => this.look(key, confidence));
  }

  /** An intention as it is kept; null if there is none. Throws `MinerError` BAD_RECORD. */
  async find(key: string): Promise<Intention | null> {
    const bytes = await this.store.metadata(this.prefix + key);
    return bytes === undefined ? null : parse(key, bytes);
  }

  /** Forgets an intention, so that it can be sent anew: for one that was executed. */
  forget(key: string): Promise<void> {
    return this.turns.run(key, () => this.remove([key]));
  }

  /** Forgets all intentions whose names begin with `prefix` and for which `isOver` holds. */
  async prune(prefix: string, isOver: (key: string) => boolean): Promise<void> {
    const found = await this.store.metadataWith(this.prefix + prefix);
    const over = found.map(([name]) => name.slice(this.prefix.length)).filter(isOver);
    if (over.length > 0) await this.remove(over);
  }

  /** What is remembered beside the records. */
  remember(): Rewind {
    const [handed, displaced] = [[...this.handed], [...this.displaced]];
    return () => {
      refill(this.handed, handed);
      refill(this.displaced, displaced);
    };
  }

  /** Forgets what is remembered beside the records. */
  readonly forgetHeights: Rewind = () => {
    this.handed.clear();
    this.displaced.clear();
  };

  private async look(key: string, confidence: number): Promise<Executed | null> {
    const found = await this.find(key);
    if (found === null) throw new MinerError({ code: "UNKNOWN_INTENTION", key }, `nothing was sent for "${key}"`);
    const { executed } = found;
    const isFinal = (height: number): boolean => executed !== null && height >= executed.height + BLOCK_LIMITS.finality;
    if (isFinal((await this.chain.head()).height)) return executed;
    const outcome = await this.chain.outcome(found.signed, found.sentAt);
    const { height } = await this.chain.head();
    // So far back no chain is asked any more.
    if (isFinal(height)) return executed;
    if (outcome.kind === "executed") return this.landed(found, outcome, height, confidence);
    // Else a fork has taken it back: it is on its way again.
    const known = executed === null ? found : { ...found, executed: null, lastSentAt: height };
    if (known !== found) await this.keep(known);
    if (outcome.kind === "open") {
      this.displaced.delete(key);
      this.chain.need(height + 1);
      if (height >= known.lastSentAt + REPLACE_AFTER) await this.replace(known, height);
      else await this.handOver(known);
      return null;
    }
    const since = this.displaced.get(key) ?? height;
    this.displaced.set(key, since);
    if (height < since + confidence) {
      this.chain.need(since + confidence);
      return null;
    }
    this.displaced.delete(key);
    const { message } = known.signed;
    const call = { ...message, name: known.name, by: [], maxFee: known.maxFee };
    await this.sendNew(key, call, message.from, known);
    return null;
  }

  /** What is to be told of an intention whose message the chain has executed; null while that is not deep enough. */
  private async landed(
    known: Intention,
    { cid, receipt, height: at }: Extract<Outcome, { readonly kind: "executed" }>,
    height: number,
    confidence: number,
  ): Promise<Executed | null> {
    const { key, executed: before } = known;
    this.displaced.delete(key);
    if (height < at + confidence) {
      this.chain.need(at + confidence);
      return null;
    }
    this.handed.delete(key);
    const isKept = before?.height === at && before.cid.equals(cid) && before.receipt.exitCode === receipt.exitCode;
    const executed = { cid, receipt, height: at };
    if (!isKept) await this.keep({ ...known, executed });
    return executed;
  }

  /** `before`: what is kept of the intention so far. */
  private async sendNew(
    key: string,
    call: MinerCall,
    from?: Address,
    before: Intention | null = null,
  ): Promise<Intention> {
    const sender = from ?? (await senderFor(this.chain, call));
    const { height } = await this.chain.head();
    const { to, method, params, value, maxFee, name } = call;
    let kept: Intention | null = null;
    try {
      const outgoing = { name, to, from: sender, method, params, value };
      const signed = await this.chain.send(outgoing, { maxFee }, async (message) => {
        kept = { key, name, signed: message, maxFee, sentAt: height, lastSentAt: height, executed: null };
        await this.keep(kept);
      });
      this.handed.set(key, height);
      return { key, name, signed, maxFee, sentAt: height, lastSentAt: height, executed: null };
    } catch (error) {
      // What is certain not to be on its way is no intention any more, or the one that it was; all else goes out later.
      if (kept !== null && error instanceof MinerError && error.code === "REFUSED")
        await (before === null ? this.remove([key]) : this.keep(before));
      throw error;
    }
  }

  private async replace(known: Intention, height: number): Promise<void> {
    const { key, signed, maxFee } = known;
    const raised = await this.chain.raise(signed, { maxFee }, (message) =>
      this.keep({ ...known, signed: message, lastSentAt: height }),
    );
    // At its limit it goes on waiting.
    if (raised === null) await this.handOver(known);
    else this.handed.set(key, height);
  }

  /** Puts the message into the pool again, if that was not done lately: the pool may have lost it. */
  private async handOver({ key, signed }: Intention): Promise<void> {
    const { height } = await this.chain.head();
    const last = this.handed.get(key);
    if (last !== undefined && height >= last && height < last + RESEND_AFTER) return;
    this.handed.set(key, height);
    await this.chain.resend(signed);
  }

  private nextHead(signal?: AbortSignal): { readonly seen: Promise<void>; readonly stop: () => void } {
    let stop = (): void => undefined;
    const seen = new Promise<void>((resolve, reject) => {
      const end = this.chain.onHeadChange(() => resolve());
      const onAbort = (): void => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      stop = () => {
        end();
        signal?.removeEventListener("abort", onAbort);
      };
    });
    seen.catch(() => undefined);
    return { seen, stop: () => stop() };
  }

  private async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.handed.delete(key);
      this.displaced.delete(key);
    }
    await this.store.write({ metadata: keys.map((key) => [this.prefix + key, null] as const) }, { sync: true });
  }

  private async keep(intention: Intention): Promise<void> {
    await this.store.write({ metadata: [[this.prefix + intention.key, encode(intention)]] }, { sync: true });
  }
}

function refill<Value>(map: Map<string, Value>, entries: readonly (readonly [string, Value])[]): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

function encode({ key, name, signed, maxFee, sentAt, lastSentAt, executed }: Intention): Uint8Array {
  const done =
    executed === null
      ? null
      : {
          cid: executed.cid.toString(),
          height: executed.height,
          exitCode: executed.receipt.exitCode,
          return: toBase64(executed.receipt.return),
          gasUsed: executed.receipt.gasUsed.toString(),
        };
  const record = {
    ...{ key, name, sentAt, lastSentAt, executed: done },
    signed: toBase64(encodeSignedMessage(signed)),
    maxFee: maxFee.toString(),
  };
  return utf8(JSON.stringify(record));
}

function parse(key: string, bytes: Uint8Array): Intention {
  try {
    const record = JSON.parse(fromUtf8(bytes));
    const { name, sentAt, lastSentAt, executed: done } = record;
    const executed =
      done === null
        ? null
        : {
            cid: parseCid(done.cid),
            height: done.height,
            receipt: { exitCode: done.exitCode, return: fromBase64(done.return), gasUsed: BigInt(done.gasUsed) },
          };
    const signed = decodeSignedMessage(fromBase64(record.signed));
    return { key, name, signed, maxFee: BigInt(record.maxFee), sentAt, lastSentAt, executed };
  } catch (cause) {
    throw new MinerError({ code: "BAD_RECORD", key }, `what was kept of the message "${key}" cannot be read`, {
      cause,
    });
  }
}
