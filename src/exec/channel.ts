/**
 * A channel over which a worker asks the thread that started it and waits for the reply without giving up its stack: a
 * question goes through a message port, the reply comes through shared memory, on which the worker sleeps.
 *
 * Shared memory: a turn (0: asked, 1: replied), the reply's length (or one of the marks below), then its bytes. A reply
 * that is longer than the memory comes in parts, each asked for. A channel belongs to one worker: what is under way on it
 * when that worker dies can reach no other.
 */
import type { ChannelEnd, Question, Reply } from "./wire.ts";

const HEAD_BYTES = 8;
/** Larger than nearly every block of a state. */
const REPLY_BYTES = 64 << 10;
const TURN = 0;
const LENGTH = 1;
const NO_BLOCK = -1;
const FAILED = -2;

type Ask = { readonly question: Question; readonly from: number };

/** Whether a worker can wait here: browsers share memory only with pages that are isolated from other origins. */
export function channelsWork(): boolean {
  return typeof SharedArrayBuffer === "function";
}

/** The end that replies. */
export class AnsweringEnd {
  readonly id: number;
  private readonly port: MessagePort;
  private readonly farPort: MessagePort;
  private readonly shared = new SharedArrayBuffer(HEAD_BYTES + REPLY_BYTES);
  private readonly head = new Int32Array(this.shared, 0, 2);
  private readonly bytes = new Uint8Array(this.shared, HEAD_BYTES);
  /** The reply that is under way in parts. */
  private reply: Reply = null;

  constructor(id: number) {
    this.id = id;
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.farPort = port2;
  }

  /** What the worker is sent; the port must be transferred. */
  get far(): ChannelEnd {
    return { id: this.id, port: this.farPort, shared: this.shared };
  }

  /** Replies from now on; `onFailure` is told what made an answer fail, of which the worker learns only that it did. */
  answer(reply: (question: Question) => Promise<Reply> | Reply, onFailure: (error: unknown) => void): void {
    this.port.onmessage = async ({ data }: MessageEvent<Ask>) => {
      try {
        if (data.from === 0) this.reply = await reply(data.question);
        this.put(data.from);
      } catch (error) {
        onFailure(error);
        this.turn(FAILED);
      }
    };
  }

  /** Replies no more until `answer`; meanwhile the channel keeps no program running. */
  rest(): void {
    this.port.onmessage = null;
  }

  close(): void {
    this.port.onmessage = null;
    this.port.close();
  }

  private put(from: number): void {
    this.bytes.set(this.reply?.subarray(from, from + REPLY_BYTES) ?? []);
    this.turn(this.reply?.length ?? NO_BLOCK);
  }

  private turn(length: number): void {
    Atomics.store(this.head, LENGTH, length);
    Atomics.store(this.head, TURN, 1);
    Atomics.notify(this.head, TURN);
  }
}

/** The end that asks. */
export class AskingEnd {
  readonly id: number;
  private readonly port: MessagePort;
  private readonly head: Int32Array;
  private readonly bytes: Uint8Array;

  constructor({ id, port, shared }: ChannelEnd) {
    this.id = id;
    this.port = port;
    this.head = new Int32Array(shared, 0, 2);
    this.bytes = new Uint8Array(shared, HEAD_BYTES);
  }

  /** The reply, for which this thread stands still. Throws if there can be none. */
  ask(question: Question): Reply {
    const total = this.part(question, 0);
    if (total === NO_BLOCK) return null;
    const out = new Uint8Array(Math.max(total, 0));
    for (let at = 0; at < out.length; at += REPLY_BYTES) {
      if (at > 0) this.part(question, at);
      out.set(this.bytes.subarray(0, Math.min(REPLY_BYTES, total - at)), at);
    }
    return out;
  }

  /** Length of the whole reply, whose bytes after `from` lie in the shared memory then. */
  private part(question: Question, from: number): number {
    Atomics.store(this.head, TURN, 0);
    const ask: Ask = { question, from };
    this.port.postMessage(ask);
    while (Atomics.load(this.head, TURN) === 0) Atomics.wait(this.head, TURN, 0);
    const length = Atomics.load(this.head, LENGTH);
    if (length === FAILED) throw new Error("the thread that was asked has no answer");
    return length;
  }
}
