/**
 * Pushes of data transfer: a peer says on a stream that it would send a DAG, and the other side, if it takes it, asks for it
 * by graphsync; what it answers comes with that request. Its last word, on a stream again, ends the push. A push that broke is
 * begun again by who opened it, of itself or because the other side asks for that.
 * Source: go-data-transfer v2.0.0 (rc8), impl (receiver, receiving_requests, restart).
 */
import { peerIdFromString } from "@libp2p/peer-id";
import { equal } from "../../base/bytes.ts";
import { sleepFor } from "../../base/sleep.ts";
import { KeyedTurns } from "../../base/turns.ts";
import type { Patience } from "../../network/own-time.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import type { CID } from "../../types/cid.ts";
import type { Graphsync } from "../graphsync/graphsync.ts";
import { EXTENSION, type Extensions, type GraphsyncRequest, STATUS } from "../graphsync/message.ts";
import type { RequestStore } from "../graphsync/requester.ts";
import type { Admission, ResponseBlocks, ResponseKey } from "../graphsync/responder.ts";
import type { WalkLimits } from "../graphsync/traversal.ts";
import { cborUnsigned } from "../wire/cbor-map.ts";
import { TransferError } from "./errors.ts";
import {
  encodeTransfer,
  TRANSFER_EXTENSION,
  type TransferMessage,
  type TransferRequest,
  type TransferResponse,
  type TypedVoucher,
  transferRequest,
  transferResponse,
} from "./message.ts";

/** What a channel is about: the peer at its other end, the DAG, and what is said for it. */
export type ChannelTerms = {
  readonly peer: string;
  readonly id: bigint;
  readonly root: CID;
  /** CBOR */
  readonly selector: Uint8Array;
  readonly voucher: TypedVoucher;
};

/** A push that is taken: where its blocks go, and who hears how it ends. */
export type TakenPush = {
  readonly store: RequestStore;
  /** Links, the first ones, whose blocks are here. */
  readonly skip: number;
  readonly limits?: WalkLimits;
  readonly signal: AbortSignal;
  readonly onLink: (number: number, bytes: number) => void;
  /** All blocks are here and verified; the peer is told so once this resolves. */
  done(): Promise<void>;
  /** It broke; whether it is given up for good. */
  broke(error: unknown): boolean;
};

export type PushTaker = {
  readonly voucherType: string;
  /** Null: it is not taken. */
  take(push: ChannelTerms): Promise<TakenPush | null>;
};

export type PushOptions = Omit<ChannelTerms, "peer"> & {
  readonly blocks: ResponseBlocks;
  /** Whether the channel was open before. */
  readonly isRestart: boolean;
  readonly signal: AbortSignal;
};

export const PUSH_LIMITS = {
  /** pushes that are taken at the same time, in all and of a peer, and attempts of one that wait for the one before to end */
  taking: 256,
  takingOfPeer: 32,
  waiting: 4,
  /** peers' pushes that are being refused at the same time; who is not told will ask */
  refusing: 256,
  /** milliseconds without a block, or without the last word; and after the peer gave its request up */
  quietMs: 10 * 60_000,
  lullMs: 10_000,
  /** how often, and after how many milliseconds, a peer is told that all has come */
  tellings: 3,
  tellingMs: 1000,
} as const;

export type PushParts = {
  readonly streams: PeerStreams;
  readonly graphsync: () => Graphsync;
  readonly say: (peer: string, message: TransferMessage) => Promise<void>;
  readonly takers: readonly PushTaker[];
  readonly onFault: (error: unknown) => void;
};

type Giving = {
  readonly peer: string;
  readonly options: PushOptions;
  response: ResponseKey | null;
  /** Blocks that went out. */
  moves: number;
  /** Runs while the peer has given its request up, and may ask again. */
  lull: Patience | null;
  readonly settle: (error: Error | null) => void;
};
type Taking = { abort: AbortController; waiting: number };

const NOTHING: Extensions = new Map();
const peerBytes = (peer: string): Uint8Array => peerIdFromString(peer).toMultihash().bytes;
const keyOf = (peer: string, id: bigint | ""): string => `${peer}/${id}`;
const broken = (why: string): TransferError => new TransferError({ code: "BROKEN" }, why);

export class Pushes {
  private readonly parts: PushParts;
  private readonly giving = new Map<string, Giving>();
  private readonly byResponse = new Map<ResponseKey, Giving>();
  private readonly taking = new Map<string, Taking>();
  private readonly turns = new KeyedTurns();
  private readonly stopping = new AbortController();
  private readonly background = new Set<Promise<void>>();
  private stopListening: (() => void) | null = null;
  private refusing = 0;

  constructor(parts: PushParts) {
    this.parts = parts;
  }

  start(): void {
    this.stopListening = this.parts.streams.onDisconnect((peer) => {
      for (const one of this.giving.values()) if (one.peer === peer) one.settle(broken(`peer ${peer} is gone`));
    });
  }

  async stop(): Promise<void> {
    this.stopListening?.();
    const closed = new TransferError({ code: "CLOSED" }, "the node is stopping");
    this.stopping.abort(closed);
    for (const one of this.giving.values()) one.settle(closed);
    await Promise.all(this.background);
  }

  // Giving.

  /**
   * Offers a DAG to a peer; resolves when the peer has all of it. Rejects with `TransferError` (BROKEN: it may be begun again)
   * or the signal's reason.
   */
  async push(peer: string, options: PushOptions): Promise<void> {
    const { id, root, selector, voucher, signal } = options;
    signal.throwIfAborted();
    const key = keyOf(peer, id);
    if (this.giving.has(key))
      throw new TransferError({ code: "BUSY" }, `channel ${id} to peer ${peer} is open already`);
    let settle: Giving["settle"] = () => undefined;
    const settled = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === null ? resolve() : reject(error));
    });
    settled.catch(() => undefined);
    const giving: Giving = { peer, options, response: null, moves: 0, lull: null, settle };
    this.giving.set(key, giving);
    const aborted = (): void => settle(signal.reason);
    signal.addEventListener("abort", aborted, { once: true });
    const unwatch = this.watch(giving);
    try {
      const type = options.isRestart ? "restart" : "new";
      await this.parts.say(peer, transferRequest({ type, id, root, selector, voucher }));
      await settled;
    } finally {
      unwatch();
      giving.lull?.end();
      signal.removeEventListener("abort", aborted);
      this.giving.delete(key);
      if (giving.response !== null) {
        this.byResponse.delete(giving.response);
        this.parts.graphsync().responder.cancel(giving.response);
      }
    }
  }

  /** Settles a push in which nothing moves. */
  private watch(giving: Giving): () => void {
    let end = (): void => undefined;
    const again = (): void => {
      const { moves } = giving;
      const patience = this.parts.streams.patience(PUSH_LIMITS.quietMs, "nothing moves");
      end = () => patience.end();
      patience.signal.addEventListener(
        "abort",
        () => {
          if (giving.moves !== moves) again();
          else
            giving.settle(
              broken(`peer ${giving.peer} has asked for nothing for ${PUSH_LIMITS.quietMs / 1000} seconds`),
            );
        },
        { once: true },
      );
    };
    again();
    return () => end();
  }

  /** Lets a request in that answers a push of this node's. */
  admit(peer: string, response: ResponseKey, request: GraphsyncRequest, message: TransferResponse): Admission {
    const giving = this.giving.get(keyOf(peer, message.id));
    const refused: Admission = { refused: STATUS.rejected, extensions: NOTHING };
    if (giving === undefined || !message.accepted || (message.type !== "new" && message.type !== "restart"))
      return refused;
    const { root, selector, blocks } = giving.options;
    if (request.root?.equals(root) !== true || request.selector === null || !equal(request.selector, selector))
      return refused;
    if (giving.response !== null) {
      this.byResponse.delete(giving.response);
      this.parts.graphsync().responder.cancel(giving.response);
    }
    giving.response = response;
    giving.moves++;
    this.byResponse.set(response, giving);
    return { blocks, isPaused: false, extensions: NOTHING };
  }

  /** A block goes out; whether it is one of a push. */
  sending(response: ResponseKey): boolean {
    const giving = this.byResponse.get(response);
    if (giving !== undefined) giving.moves++;
    return giving !== undefined;
  }

  responseEnded(response: ResponseKey, status: number | null, why: string): void {
    const giving = this.byResponse.get(response);
    if (giving === undefined) return;
    this.byResponse.delete(response);
    giving.response = null;
    // All is sent: the last word is the peer's.
    if (status === STATUS.completedFull) return;
    if (status !== null) {
      giving.settle(broken(why));
      return;
    }
    // A peer that begins again gives its request up first. One that is gone is heard of otherwise.
    const { moves } = giving;
    giving.lull?.end();
    giving.lull = this.parts.streams.patience(PUSH_LIMITS.lullMs, "broken off");
    giving.lull.signal.addEventListener("abort", () => {
      if (giving.moves === moves) giving.settle(broken(`peer ${giving.peer} has broken it off`));
    });
  }

  heardResponse(peer: string, { id, type, accepted, paused }: TransferResponse): void {
    const giving = this.giving.get(keyOf(peer, id));
    if (giving === undefined) return;
    giving.moves++;
    if (type === "cancel")
      giving.settle(new TransferError({ code: "CANCELLED" }, `peer ${peer} has given the transfer up`));
    else if (["new", "restart", "complete"].includes(type) && !accepted)
      giving.settle(new TransferError({ code: "REJECTED" }, `peer ${peer} refuses the transfer`));
    else if (type === "complete" && !paused) giving.settle(null);
  }

  /** The other side asks for a channel of this node's to be begun again. */
  heardRestart(peer: string, { restart: { initiator, id } }: TransferRequest): void {
    const giving = this.giving.get(keyOf(peer, id));
    if (giving === undefined || !equal(initiator, peerBytes(this.parts.streams.id))) return;
    giving.moves++;
    const { root, selector, voucher } = giving.options;
    this.parts.say(peer, transferRequest({ type: "restart", id, root, selector, voucher })).catch((error: unknown) => {
      giving.settle(error instanceof Error ? error : new Error(`${error}`));
    });
  }

  // Taking.

  /** Asks a peer to begin a push again that it opened; rejects with `TransferError` UNREACHABLE. */
  askRestart(peer: string, id: bigint): Promise<void> {
    const restart = { initiator: peerBytes(peer), responder: peerBytes(this.parts.streams.id), id };
    return this.parts.say(peer, transferRequest({ type: "restartExisting", id: 0n, restart }));
  }

  heardRequest(peer: string, request: TransferRequest): void {
    const key = keyOf(peer, request.id);
    const known = this.taking.get(key);
    if (request.type === "cancel") {
      known?.abort.abort(new TransferError({ code: "CANCELLED" }, `peer ${peer} has given the transfer up`));
      return;
    }
    if ((request.type !== "new" && request.type !== "restart") || request.pull) return;
    if (known === undefined ? !this.hasRoom(peer) : known.waiting >= PUSH_LIMITS.waiting) {
      this.refuse(peer, request);
      return;
    }
    const one = known ?? { abort: new AbortController(), waiting: 0 };
    this.taking.set(key, one);
    one.waiting++;
    // What is under way for the channel was begun before, and leads nowhere any more.
    known?.abort.abort(broken("it was begun again"));
    const attempt = async (): Promise<void> => {
      try {
        await this.take(peer, request, one);
      } finally {
        // Before the next begins, which looks whether there is one behind it.
        if (--one.waiting === 0) this.taking.delete(key);
      }
    };
    this.inBackground(this.turns.run(key, attempt));
  }

  private hasRoom(peer: string): boolean {
    if (this.taking.size >= PUSH_LIMITS.taking) return false;
    const own = [...this.taking.keys()].filter((key) => key.startsWith(keyOf(peer, "")));
    return own.length < PUSH_LIMITS.takingOfPeer;
  }

  private async take(peer: string, request: TransferRequest, one: Taking): Promise<void> {
    // Who asked again meanwhile waits behind this one.
    if (one.waiting > 1) return;
    const { type, id, root, selector, voucher } = request;
    const { takers, graphsync, onFault } = this.parts;
    one.abort = new AbortController();
    const taker = takers.find(({ voucherType }) => voucherType === voucher.type);
    let push: TakenPush | null = null;
    if (taker !== undefined && root !== null && selector !== null)
      push = await taker.take({ peer, id, root, selector, voucher }).catch((error: unknown) => {
        onFault(error);
        return null;
      });
    if (push === null || root === null || selector === null) return this.refuse(peer, request);
    const answer = encodeTransfer(transferResponse({ type, id, accepted: true }));
    const extensions = new Map<string, Uint8Array>([[TRANSFER_EXTENSION.any, answer]]);
    if (push.skip > 0) extensions.set(EXTENSION.doNotSendFirstBlocks, cborUnsigned(push.skip));
    const { store, limits, onLink } = push;
    let number = 0;
    try {
      await graphsync().request(peer, {
        ...{ root, selector, store, extensions, onLink: (_, bytes) => onLink(++number, bytes) },
        ...(limits === undefined ? {} : { limits }),
        signal: AbortSignal.any([push.signal, one.abort.signal, this.stopping.signal]),
      });
      await push.done();
    } catch (error) {
      if (push.broke(error)) await this.say(peer, transferResponse({ type: "cancel", id }));
      return;
    }
    await this.say(peer, transferResponse({ type: "complete", id, accepted: true }));
  }

  /** Tells a peer in the background: one that hears nothing must not keep a place from those that push. */
  private refuse(peer: string, { type, id }: TransferRequest): void {
    if (this.refusing >= PUSH_LIMITS.refusing) return;
    this.refusing++;
    const told = this.say(peer, transferResponse({ type, id })).finally(() => {
      this.refusing--;
    });
    this.inBackground(told);
  }

  /** Says what the peer waits for; one that cannot be told will ask. */
  private async say(peer: string, message: TransferMessage): Promise<void> {
    for (let telling = 0; telling < PUSH_LIMITS.tellings && !this.stopping.signal.aborted; telling++) {
      try {
        return await this.parts.say(peer, message);
      } catch {
        await sleepFor(PUSH_LIMITS.tellingMs, this.stopping.signal).catch(() => undefined);
      }
    }
  }

  private inBackground(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => this.parts.onFault(error))
      .finally(() => {
        this.background.delete(done);
      });
    this.background.add(done);
  }
}
