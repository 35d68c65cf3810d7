/**
 * Data transfer over graphsync: channels through which one peer pulls a DAG from another; pushes are in `push.ts`. The one that gives asks its
 * validator what to do with a request, a voucher, the end of what is paid for and the end of the data; the one that takes
 * verifies, and says vouchers when it is asked to. A channel that broke is begun again where it was.
 *
 * Messages about a channel come as extensions of graphsync or on a stream of their own; both count alike, but channels that are
 * pushed are begun on a stream.
 * Longer than most files: both sides of a channel share its messages, and every state of it is decided here.
 * Source: go-data-transfer v2.0.0 (rc8), impl and transport/graphsync.
 */
import { equal } from "../../base/bytes.ts";
import { describeError, isFilError } from "../../base/errors.ts";
import { Turns } from "../../base/turns.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import { RateLimiter } from "../../network/rate-limit.ts";
import { ItemScanner } from "../../network/wire/cbor.ts";
import { type FrameStream, frameStream } from "../../network/wire/frames.ts";
import type { CID } from "../../types/cid.ts";
import { Graphsync } from "../graphsync/graphsync.ts";
import { EXTENSION, type Extensions, type GraphsyncRequest, readSkip, STATUS } from "../graphsync/message.ts";
import type { RequestStore } from "../graphsync/requester.ts";
import type { Admission, ResponseBlocks, ResponseKey } from "../graphsync/responder.ts";
import type { WalkLimits } from "../graphsync/traversal.ts";
import { cborUnsigned } from "../wire/cbor-map.ts";
import { TransferError } from "./errors.ts";
import {
  decodeTransfer,
  encodeTransfer,
  NO_VOUCHER,
  TRANSFER_EXTENSION,
  TRANSFER_LIMITS,
  TRANSFER_PROTOCOL,
  type TransferMessage,
  type TransferRequest,
  type TransferResponse,
  type TypedVoucher,
  transferRequest,
  transferResponse,
} from "./message.ts";
import { type ChannelTerms, Pushes, type PushTaker } from "./push.ts";

/** A channel as its giver keeps it, over restarts of both sides. */
export type GivenChannel = ChannelTerms & {
  /** Links that were gone over, and bytes of blocks that were sent for them. */
  links: number;
  sent: number;
  /** `links` and `sent` after each of the last blocks, the first one first: what of them was lost on the way is sent again. */
  marks: readonly Mark[];
  state: "ongoing" | "finalizing" | "ended";
};
export type Mark = readonly [links: number, sent: number];

/** What a giver decides. */
export type Verdict = {
  readonly accepted: boolean;
  /** What is answered. */
  readonly result: TypedVoucher | null;
  /** Bytes that may be sent in all before it is asked again; null: any number. */
  readonly limit: number | null;
  /** Whether nothing is sent until it is asked again. */
  readonly paused: boolean;
  /** Whether something is still due when all data is sent. */
  readonly finalization: boolean;
};

export type PullValidator = {
  readonly voucherType: string;
  open(channel: GivenChannel): Promise<Verdict>;
  /** The channel as it was when it broke, or null: unknown. */
  find(peer: string, id: bigint): Promise<GivenChannel | null>;
  restart(channel: GivenChannel): Promise<Verdict>;
  voucher(channel: GivenChannel, voucher: TypedVoucher): Promise<Verdict>;
  /** As many bytes were sent as may be, or all (the channel's state is "finalizing"). */
  due(channel: GivenChannel): Promise<Verdict>;
  ended(channel: GivenChannel, why: string | null): Promise<void>;
  blocks(): Promise<ResponseBlocks>;
};

export type PullOptions = {
  readonly root: CID;
  readonly selector: Uint8Array;
  readonly voucher: TypedVoucher;
  readonly id: bigint;
  readonly store: RequestStore;
  /** Whether the channel was open before. */
  readonly isRestart: boolean;
  /** Links, the first ones, whose blocks are here. */
  readonly skip: number;
  readonly limits?: WalkLimits;
  readonly signal: AbortSignal;
  readonly onLink: (number: number, bytes: number) => void;
  /** All blocks are here and verified; the giver may still want something. */
  readonly onData: () => void;
  readonly onResponse: (response: TransferResponse) => void;
};

export const MANAGER_LIMITS = {
  /** milliseconds: a message on a stream; from the last block to the giver's last word */
  messageMs: 30_000,
  finalMs: 10 * 60_000,
  /** messages on streams that a peer may send at once, and each second afterwards */
  burst: 128,
  perSecond: 16,
  /** channels that are given at the same time, and that broke and are kept at hand */
  given: 4096,
  /** vouchers of a channel that wait to be looked at */
  waiting: 64,
  /** marks of a channel */
  marks: 2048,
} as const;

type Given = GivenChannel & {
  verdict: Verdict;
  /** Of graphsync; null while it is broken. */
  response: ResponseKey | null;
  /** One thing after the other; vouchers that wait for theirs. */
  turns: Turns;
  waiting: number;
};

type Taken = {
  readonly peer: string;
  readonly id: bigint;
  readonly onResponse: (response: TransferResponse) => void;
  settle: (error: Error | null) => void;
};

export type TransferParts = {
  readonly streams: PeerStreams;
  readonly validators: readonly PullValidator[];
  /** Of pushes, by the type of their voucher. */
  readonly takers?: readonly PushTaker[];
  readonly now: () => number;
  readonly onFault: (error: unknown) => void;
};

const NO_EXTENSIONS: Extensions = new Map();
const REFUSED: Verdict = { accepted: false, result: null, limit: null, paused: false, finalization: false };

export class TransferManager {
  readonly graphsync: Graphsync;
  readonly pushes: Pushes;
  private readonly parts: TransferParts;
  private readonly rate: RateLimiter;
  private readonly given = new Map<string, Given>();
  private readonly byResponse = new Map<ResponseKey, Given>();
  /** Channels that are being decided on. */
  private readonly deciding = new Set<string>();
  private readonly taken = new Map<string, Taken>();

  constructor(parts: TransferParts) {
    this.parts = parts;
    this.rate = new RateLimiter({ burst: MANAGER_LIMITS.burst, perSecond: MANAGER_LIMITS.perSecond }, parts.now);
    this.pushes = new Pushes({
      ...{ streams: parts.streams, takers: parts.takers ?? [], onFault: parts.onFault },
      graphsync: () => this.graphsync,
      say: (peer, message) => this.say(peer, message),
    });
    this.graphsync = new Graphsync({
      streams: parts.streams,
      now: parts.now,
      hooks: {
        onRequest: (peer, key, request) => this.requested(peer, key, request),
        onBlock: (key, number, bytes) => this.sending(key, number, bytes),
        onDone: (key, status) => this.allSent(key, status),
        onUpdate: (peer, _, extensions) => this.extended(peer, extensions),
        onEnd: (key, status, why) => this.responseEnded(key, status, why),
        onFault: parts.onFault,
      },
    });
  }

  async start(): Promise<void> {
    await this.graphsync.start();
    this.pushes.start();
    await this.parts.streams.handle(TRANSFER_PROTOCOL, async (stream, peer) => {
      const frames = frameStream(stream, (limit) => new ItemScanner(limit, TRANSFER_LIMITS.depth));
      for (;;) if (!(await this.hear(frames, peer))) return;
    });
  }

  async stop(): Promise<void> {
    await this.parts.streams.unhandle(TRANSFER_PROTOCOL);
    await this.pushes.stop();
    await this.graphsync.stop();
    for (const one of this.taken.values()) one.settle(new TransferError({ code: "CLOSED" }, "the node is stopping"));
    await Promise.all([...this.given.values()].map(({ turns }) => turns.idle()));
  }

  // Taking.

  /**
   * Pulls a DAG; resolves when it is here and the giver has said its last word. Rejects with `TransferError`,
   * `GraphsyncError`, `DataError` or the signal's reason; what came is kept.
   */
  async pull(peer: string, options: PullOptions): Promise<void> {
    const { root, selector, voucher, id, isRestart, skip, signal, onResponse } = options;
    const key = keyOf(peer, id);
    if (this.taken.has(key)) throw new TransferError({ code: "BUSY" }, `channel ${id} to peer ${peer} is open already`);
    const abort = new AbortController();
    const both = AbortSignal.any([signal, abort.signal]);
    let settle: Taken["settle"] = () => undefined;
    const settled = new Promise<void>((resolve, reject) => {
      settle = (error) => {
        if (error !== null) abort.abort(error);
        if (error === null) resolve();
        else reject(error);
      };
    });
    settled.catch(() => undefined);
    this.taken.set(key, { peer, id, onResponse, settle });
    const request = transferRequest({ type: isRestart ? "restart" : "new", id, root, pull: true, selector, voucher });
    const extensions = new Map([[TRANSFER_EXTENSION.any as string, encodeTransfer(request)]]);
    if (skip > 0) extensions.set(EXTENSION.doNotSendFirstBlocks, cborUnsigned(skip));
    let number = 0;
    try {
      await this.graphsync.request(peer, {
        ...{ root, selector, store: options.store, extensions, signal: both },
        ...(options.limits === undefined ? {} : { limits: options.limits }),
        onLink: (_, bytes) => options.onLink(++number, bytes),
        onExtensions: (heard) => this.extended(peer, heard),
      });
      options.onData();
      await this.lastWord(peer, settled, both);
    } catch (error) {
      // What the giver said of the channel tells more than how graphsync ended.
      if (abort.signal.aborted) throw abort.signal.reason;
      throw error;
    } finally {
      this.taken.delete(key);
    }
  }

  private async lastWord(peer: string, settled: Promise<void>, signal: AbortSignal): Promise<void> {
    const patience = this.parts.streams.patience(MANAGER_LIMITS.finalMs, `peer ${peer} does not end the transfer`);
    const ended = AbortSignal.any([patience.signal, signal]);
    try {
      ended.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        ended.addEventListener("abort", () => reject(ended.reason), { once: true });
        settled.then(resolve, reject);
      });
    } finally {
      patience.end();
    }
  }

  /** Says a voucher of a channel that this node opened. */
  sendVoucher(peer: string, id: bigint, voucher: TypedVoucher): Promise<void> {
    return this.say(peer, transferRequest({ type: "voucher", id, voucher }));
  }

  /** Gives a channel up that this node opened. */
  async cancel(peer: string, id: bigint): Promise<void> {
    await this.say(peer, transferRequest({ type: "cancel", id })).catch(() => undefined);
  }

  private heardResponse(peer: string, response: TransferResponse): void {
    const taken = this.taken.get(keyOf(peer, response.id));
    if (taken === undefined) {
      this.pushes.heardResponse(peer, response);
      return;
    }
    taken.onResponse(response);
    const { type, accepted, paused } = response;
    const answers = ["new", "restart", "voucherResult", "complete"].includes(type);
    if (type === "cancel")
      taken.settle(new TransferError({ code: "CANCELLED" }, `peer ${peer} has given the transfer up`));
    else if (answers && !accepted)
      taken.settle(new TransferError({ code: "REJECTED" }, `peer ${peer} refuses the transfer`));
    else if (type === "complete" && !paused) taken.settle(null);
  }

  // Giving.

  private async requested(peer: string, response: ResponseKey, request: GraphsyncRequest): Promise<Admission> {
    const bytes = request.extensions.get(TRANSFER_EXTENSION.any);
    const message = bytes === undefined ? null : this.read(peer, bytes);
    if (message?.isRequest === false) return this.pushes.admit(peer, response, request, message);
    const key = keyOf(peer, message?.id ?? -1n);
    if (message === null || this.deciding.has(key)) return { refused: STATUS.rejected, extensions: NO_EXTENSIONS };
    this.deciding.add(key);
    try {
      return await this.decide(peer, response, request, message);
    } finally {
      this.deciding.delete(key);
    }
  }

  private async decide(
    peer: string,
    response: ResponseKey,
    request: GraphsyncRequest,
    message: TransferMessage,
  ): Promise<Admission> {
    const refuse = (refused: number, extensions = NO_EXTENSIONS): Admission => ({ refused, extensions });
    // Blocks are given for a transfer that somebody has decided on, and for nothing else.
    if (!message.isRequest || !message.pull) return refuse(STATUS.rejected);
    const { type, id, root, selector, voucher } = message;
    const isSame =
      root !== null &&
      request.root?.equals(root) === true &&
      selector !== null &&
      equal(selector, request.selector ?? NOTHING);
    const validator = this.parts.validators.find(({ voucherType }) => voucherType === voucher.type);
    if (!isSame || validator === undefined || (type !== "new" && type !== "restart")) return refuse(STATUS.rejected);
    const key = keyOf(peer, id);
    const known = this.given.get(key);
    const answer = (verdict: Verdict): Extensions => {
      const { accepted, paused, result } = verdict;
      const said = encodeTransfer(transferResponse({ type, id, accepted, paused, result: result ?? NO_VOUCHER }));
      return new Map([
        [TRANSFER_EXTENSION.request, said],
        [TRANSFER_EXTENSION.any, said],
      ]);
    };
    if (type === "new" && known !== undefined) return refuse(STATUS.rejected, answer(REFUSED));
    if (known === undefined && this.given.size >= MANAGER_LIMITS.given) this.forgetBroken();
    if (known === undefined && this.given.size >= MANAGER_LIMITS.given) return refuse(STATUS.busy);
    const channel: GivenChannel | null =
      type === "new"
        ? { peer, id, root, selector, voucher, links: 0, sent: 0, marks: [[0, 0]], state: "ongoing" }
        : (known ?? (await validator.find(peer, id)));
    if (channel === null || !isSameChannel(channel, message)) return refuse(STATUS.rejected, answer(REFUSED));
    const skip = request.extensions.get(EXTENSION.doNotSendFirstBlocks);
    const restart = (): Promise<Verdict> => {
      goBack(channel, (skip === undefined ? null : readSkip(skip)) ?? 0);
      return validator.restart(channel);
    };
    // Behind what is under way for the channel: a payment that is being taken must not be written over.
    const verdict =
      type === "new"
        ? await validator.open(channel)
        : await (known === undefined ? restart() : known.turns.run(restart));
    if (!verdict.accepted) return refuse(STATUS.rejected, answer(verdict));
    const blocks = await validator.blocks();
    // It may have been given up meanwhile.
    if (channel.state === "ended") return refuse(STATUS.rejected, answer(REFUSED));
    // A request that the peer has not given up, if the channel has one still, is no longer the channel's.
    if (known?.response != null) {
      this.byResponse.delete(known.response);
      this.graphsync.responder.cancel(known.response);
    }
    const given: Given = Object.assign(known ?? channel, {
      ...{ verdict, response, turns: known?.turns ?? new Turns(), waiting: known?.waiting ?? 0 },
    });
    given.state = "ongoing";
    this.given.set(key, given);
    this.byResponse.set(response, given);
    return { blocks, isPaused: verdict.paused, extensions: answer(verdict) };
  }

  /** Room for others: of the channels that are broken the oldest goes; it can be found again. */
  private forgetBroken(): void {
    for (const [key, { response }] of this.given)
      if (response === null) {
        this.given.delete(key);
        return;
      }
  }

  private sending(response: ResponseKey, number: number, bytes: number) {
    const given = this.byResponse.get(response);
    // Nothing goes out for a channel that is none.
    if (given === undefined) return { pause: !this.pushes.sending(response), extensions: NO_EXTENSIONS };
    if (number <= given.links) return { pause: false, extensions: NO_EXTENSIONS };
    given.links = number;
    given.sent += bytes;
    const { marks } = MANAGER_LIMITS;
    const kept = given.marks.length >= marks ? given.marks.slice(-marks / 2) : given.marks;
    (kept as Mark[]).push([number, given.sent]);
    given.marks = kept;
    const { limit } = given.verdict;
    if (limit === null || given.sent < limit) return { pause: false, extensions: NO_EXTENSIONS };
    const said = encodeTransfer(transferResponse({ type: "update", id: given.id, paused: true }));
    // The block is on its way before the bill is.
    this.queue(given, () => this.ask(given, (validator) => validator.due(given)));
    const extensions = new Map<string, Uint8Array>([
      [TRANSFER_EXTENSION.block, said],
      [TRANSFER_EXTENSION.any, said],
    ]);
    return { pause: true, extensions };
  }

  /** Said behind the blocks, on their way: on a stream of its own it would overtake them, which others do not bear. */
  private allSent(response: ResponseKey, status: number): Extensions {
    const given = this.byResponse.get(response);
    if (given === undefined || status !== STATUS.completedFull) return NO_EXTENSIONS;
    const paused = given.verdict.finalization;
    const said = encodeTransfer(transferResponse({ type: "complete", id: given.id, accepted: true, paused }));
    return new Map([[TRANSFER_EXTENSION.any, said]]);
  }

  private responseEnded(response: ResponseKey, status: number | null, why: string): void {
    const given = this.byResponse.get(response);
    if (given === undefined) {
      this.pushes.responseEnded(response, status, why);
      return;
    }
    this.byResponse.delete(response);
    given.response = null;
    // A peer that is gone may come back, and go on.
    if (status === null) return;
    if (status !== STATUS.completedFull) {
      this.queue(given, () => this.finish(given, why === "complete" ? "blocks are missing" : why));
      return;
    }
    this.queue(given, async () => {
      given.state = "finalizing";
      const { finalization } = given.verdict;
      if (finalization) await this.ask(given, (validator) => validator.due(given));
      else await this.finish(given, null);
    });
  }

  private heardRequest(peer: string, request: TransferRequest): void {
    const given = this.given.get(keyOf(peer, request.id));
    if (request.type === "restartExisting") {
      this.heardRestart(peer, request);
      return;
    }
    if (given === undefined) {
      this.pushes.heardRequest(peer, request);
      return;
    }
    if (request.type === "voucher") {
      if (given.waiting >= MANAGER_LIMITS.waiting) {
        this.parts.streams.report(peer, "tooManyRequests");
        return;
      }
      given.waiting++;
      this.queue(given, () => {
        given.waiting--;
        return this.ask(given, (validator) => validator.voucher(given, request.voucher));
      });
    } else if (request.type === "cancel")
      this.queue(given, async () => {
        if (given.response !== null) this.graphsync.responder.cancel(given.response);
        await this.finish(given, "the other side has given it up");
      });
  }

  /** A pull that is told to begin again counts as broken: who opened it goes on with it. */
  private heardRestart(peer: string, request: TransferRequest): void {
    const taken = this.taken.get(keyOf(peer, request.restart.id));
    if (taken === undefined) {
      this.pushes.heardRestart(peer, request);
      return;
    }
    taken.settle(new TransferError({ code: "BROKEN" }, `peer ${peer} asks for the transfer to be begun again`));
  }

  /** Asks the validator, and does and says what it decides. */
  private async ask(given: Given, question: (validator: PullValidator) => Promise<Verdict>): Promise<void> {
    if (given.state === "ended") return;
    const verdict = await question(this.validatorOf(given));
    given.verdict = verdict;
    const { accepted, result, limit, finalization } = verdict;
    const isWaiting = verdict.paused || (limit !== null && given.sent >= limit);
    const isOver = given.state === "finalizing";
    const paused = isOver ? finalization : isWaiting;
    if (result !== null || !accepted)
      await this.say(
        given.peer,
        transferResponse({ type: "voucherResult", id: given.id, accepted, paused, result: result ?? NO_VOUCHER }),
      );
    if (!accepted) {
      if (given.response !== null) this.graphsync.responder.cancel(given.response, STATUS.rejected);
      await this.finish(given, "a voucher was refused");
    } else if (isOver && !finalization) {
      await this.say(given.peer, transferResponse({ type: "complete", id: given.id, accepted: true }));
      await this.finish(given, null);
    } else if (!isOver && !isWaiting && given.response !== null) {
      const said = encodeTransfer(transferResponse({ type: "update", id: given.id, paused: false }));
      this.graphsync.responder.resume(given.response, new Map([[TRANSFER_EXTENSION.any, said]]));
    }
  }

  private async finish(given: Given, why: string | null): Promise<void> {
    if (given.state === "ended") return;
    given.state = "ended";
    this.given.delete(keyOf(given.peer, given.id));
    if (given.response !== null) this.byResponse.delete(given.response);
    await this.validatorOf(given).ended(given, why);
  }

  private validatorOf({ voucher }: GivenChannel): PullValidator {
    return this.parts.validators.find(({ voucherType }) => voucherType === voucher.type) as PullValidator;
  }

  /** Work on a channel, one after the other. A peer that cannot be told will begin again. */
  private queue(given: Given, work: () => Promise<void>): void {
    given.turns.run(work).catch((error: unknown) => {
      if (!(error instanceof TransferError && error.code === "UNREACHABLE")) this.parts.onFault(error);
    });
  }

  // Messages.

  /** Takes what came as extensions: the same message may be there under several names. */
  private extended(peer: string, extensions: Extensions): void {
    const seen: Uint8Array[] = [];
    for (const name of [TRANSFER_EXTENSION.request, TRANSFER_EXTENSION.block, TRANSFER_EXTENSION.any]) {
      const bytes = extensions.get(name);
      if (bytes === undefined || seen.some((one) => equal(one, bytes))) continue;
      seen.push(bytes);
      const message = this.read(peer, bytes);
      if (message !== null && !(message.isRequest && OPENING.includes(message.type))) this.take(peer, message);
    }
  }

  private take(peer: string, message: TransferMessage): void {
    if (message.isRequest) this.heardRequest(peer, message);
    else this.heardResponse(peer, message);
  }

  private read(peer: string, bytes: Uint8Array): TransferMessage | null {
    try {
      return decodeTransfer(bytes);
    } catch (error) {
      if (!isFilError(error)) throw error;
      this.parts.streams.report(peer, "badFrame");
      return null;
    }
  }

  /** Takes the next message of a stream; false at its end. */
  private async hear(frames: FrameStream, peer: string): Promise<boolean> {
    const { streams } = this.parts;
    const patience = streams.patience(MANAGER_LIMITS.messageMs, "no message in time");
    let bytes: Uint8Array;
    try {
      bytes = await frames.read(TRANSFER_LIMITS.messageBytes, patience.signal);
    } catch (error) {
      if (isFilError(error, "STREAM_ENDED")) return false;
      if (isFilError(error)) streams.report(peer, error.code === "FRAME_TOO_LARGE" ? "tooLarge" : "badFrame");
      throw error;
    } finally {
      patience.end();
    }
    if (!this.rate.allow(peer)) {
      streams.report(peer, "tooManyRequests");
      return false;
    }
    const message = this.read(peer, bytes);
    if (message === null) return false;
    this.take(peer, message);
    return true;
  }

  /** Says a message on a stream of its own; rejects with `TransferError` UNREACHABLE. */
  private async say(peer: string, message: TransferMessage): Promise<void> {
    const patience = this.parts.streams.patience(MANAGER_LIMITS.messageMs, `peer ${peer} does not listen`);
    try {
      const stream = await this.parts.streams.open(peer, TRANSFER_PROTOCOL, patience.signal);
      try {
        await frameStream(stream).write(encodeTransfer(message), patience.signal);
        await stream.close({ signal: patience.signal });
      } catch (error) {
        stream.abort(error instanceof Error ? error : new Error(`${error}`));
        throw error;
      }
    } catch (cause) {
      const why = `peer ${peer} cannot be told of a transfer: ${describeError(cause)}`;
      throw new TransferError({ code: "UNREACHABLE" }, why, { cause });
    } finally {
      patience.end();
    }
  }
}

/** Requests that are heard on streams alone, where peers may say so many. */
const OPENING: readonly TransferMessage["type"][] = ["new", "restart", "restartExisting"];
const NOTHING = new Uint8Array(0);
const keyOf = (peer: string, id: bigint): string => `${peer}/${id}`;

/**
 * Counts back to what the other side has: blocks beyond were lost on their way. They are sent, and counted, again, so that
 * nobody gains by saying less than is true.
 */
function goBack(channel: GivenChannel, links: number): void {
  if (links >= channel.links) return;
  const kept = channel.marks.filter(([number]) => number <= links);
  const marks = kept.length > 0 ? kept : channel.marks.slice(0, 1);
  const [number, sent] = marks.at(-1) ?? [channel.links, channel.sent];
  Object.assign(channel, { links: number, sent, marks });
}

function isSameChannel(channel: GivenChannel, { root, selector, voucher }: TransferRequest): boolean {
  return (
    root?.equals(channel.root) === true &&
    equal(selector ?? NOTHING, channel.selector) &&
    voucher.type === channel.voucher.type &&
    equal(voucher.bytes, channel.voucher.bytes)
  );
}
