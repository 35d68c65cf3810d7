/**
 * Answering requests for DAGs: each is walked a message at a time, the most important of a peer first and the peers in turn.
 * Nobody gets an answer whom `onRequest` does not let in. Bounded: requests of a peer and of all, walks (depth, links, nodes,
 * bytes), time; what was walked under the same state of its selector is not walked again.
 *
 * For each link one entry of metadata; blocks go once a request, and not at all where the requester says that it has them.
 * Source: go-graphsync v0.17.0, responsemanager; of it "s" for a DAG that was walked before is ours: readers know it.
 */
import { toHex } from "../../base/bytes.ts";
import { describeError } from "../../base/errors.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import { CidSet } from "../../storage/cid-set.ts";
import { GraphsyncError } from "./errors.ts";
import {
  EXTENSION,
  type Extensions,
  type GraphsyncBlock,
  type GraphsyncMessage,
  type GraphsyncRequest,
  type LinkMetadata,
  prefixOf,
  readCidList,
  readSkip,
  STATUS,
} from "./message.ts";
import { Places } from "./places.ts";
import { Selection } from "./selector.ts";
import { inlineBlock, Traversal, WALK_LIMITS, type WalkLimits } from "./traversal.ts";

/** Where a response's blocks are read from. */
export type ResponseBlocks = { get(cid: Uint8Array): Promise<Uint8Array | undefined> };

/** What becomes of a request: it is answered from some blocks, at once or paused until `resume`; or it is refused. */
export type Admission =
  | {
      readonly blocks: ResponseBlocks;
      readonly isPaused: boolean;
      readonly extensions: Extensions;
      readonly limits?: WalkLimits;
    }
  | { readonly refused: number; readonly extensions: Extensions };

/** Named by its peer and id. */
export type ResponseKey = string;

export type ResponderHooks = {
  /** Decides on a new request. What it throws refuses it. */
  readonly onRequest: (peer: string, key: ResponseKey, request: GraphsyncRequest) => Promise<Admission>;
  /** A block goes out, for the link of this number: whether the response pauses behind it, and what is said with it. */
  readonly onBlock?: (
    key: ResponseKey,
    number: number,
    bytes: number,
  ) => { readonly pause: boolean; readonly extensions: Extensions };
  /** All was gone over: what is said with the last message, behind all blocks. */
  readonly onDone?: (key: ResponseKey, status: number) => Extensions;
  /** The requester says more of a request of its own. */
  readonly onUpdate?: (peer: string, key: ResponseKey, extensions: Extensions) => void;
  /** A response has ended: its last status, or null if the requester gave it up or is gone. */
  readonly onEnd?: (key: ResponseKey, status: number | null, why: string) => void;
  readonly onFault: (error: unknown) => void;
};

export const RESPONSE_LIMITS = {
  /** requests that one peer may have open, all peers of one host (an address on the internet), and all together */
  perPeer: 64,
  perHost: 256,
  all: 1024,
  /** messages that are built at the same time */
  atOnce: 8,
  /** bytes of blocks in a message, unless one alone has more, and links */
  messageBytes: 512 << 10,
  messageLinks: 2048,
  /** links of a message that are looked for in vain, or lead to nothing, before others get their turn */
  sliceLinks: 512,
  /** milliseconds that a response may be paused, and may be under way */
  pausedMs: 60 * 60_000,
  /** milliseconds after which a paused response makes room when all places are taken; its requester may begin it again */
  yieldMs: 60_000,
  activeMs: 24 * 3_600_000,
  /** CIDs that a requester may say it has */
  doNotSend: 1 << 17,
} as const;

type Task = {
  readonly key: ResponseKey;
  readonly peer: string;
  /** Gives its place to others. */
  readonly leave: () => void;
  readonly id: Uint8Array;
  readonly priority: number;
  readonly blocks: ResponseBlocks;
  readonly traversal: Traversal;
  readonly sent: CidSet;
  /** Links whose blocks are not sent: the requester has them. */
  readonly skip: number;
  /** Links so far. */
  links: number;
  /** What is said with the next message. */
  extensions: Map<string, Uint8Array>;
  state: "ready" | "running" | "paused" | "ended";
  hasMissing: boolean;
  hasAny: boolean;
  begun: number;
  pausedAt: number;
};

const NOTHING: Extensions = new Map();

export class Responder {
  private readonly streams: PeerStreams;
  private readonly send: (peer: string, message: GraphsyncMessage) => Promise<void>;
  private readonly hooks: ResponderHooks;
  private readonly now: () => number;
  private readonly tasks = new Map<ResponseKey, Task>();
  /** Requests that are being decided on, with their peers; who gives one up takes it out. */
  private readonly deciding = new Map<ResponseKey, string>();
  /** Open requests, those counted that are being decided on. */
  private readonly places: Places;
  /** Peers in the order in which they were served; the first waits longest. */
  private readonly order = new Set<string>();
  /** Peers to which a message is built or on its way: not even a response that was resumed meanwhile goes on before. */
  private readonly busy = new Set<string>();
  private running = 0;
  private stopped = false;

  constructor(
    streams: PeerStreams,
    send: (peer: string, message: GraphsyncMessage) => Promise<void>,
    hooks: ResponderHooks,
    now: () => number,
  ) {
    this.streams = streams;
    this.places = new Places(RESPONSE_LIMITS, (peer) => streams.hostOf(peer));
    this.send = send;
    this.hooks = hooks;
    this.now = now;
  }

  /** Requests that are open. */
  get size(): number {
    return this.places.size;
  }

  /** Takes a peer's requests. */
  async received(peer: string, requests: readonly GraphsyncRequest[]): Promise<void> {
    for (const request of requests) {
      const key = keyOf(peer, request.id);
      if (request.type === "new") void this.begin(peer, key, request).catch(this.hooks.onFault);
      else if (request.type === "cancel") this.end(key, null, "the requester gave it up");
      else if (this.tasks.has(key)) this.hooks.onUpdate?.(peer, key, request.extensions);
    }
  }

  /** Goes on with a paused response, and says something with it; tells whether there is one. */
  resume(key: ResponseKey, extensions: Extensions = NOTHING): boolean {
    const task = this.tasks.get(key);
    if (task === undefined) return false;
    for (const [name, value] of extensions) task.extensions.set(name, value);
    if (task.state === "paused") task.state = "ready";
    this.work();
    return true;
  }

  /** Ends a response with a status; one that is being decided on does not begin. */
  cancel(key: ResponseKey, status: number = STATUS.cancelled, extensions: Extensions = NOTHING): void {
    this.deciding.delete(key);
    const task = this.tasks.get(key);
    if (task === undefined) return;
    this.tell(task.peer, task.id, status, extensions);
    this.end(key, status, "cancelled");
  }

  has(key: ResponseKey): boolean {
    return this.tasks.has(key);
  }

  gone(peer: string): void {
    for (const [key, one] of [...this.deciding]) if (one === peer) this.deciding.delete(key);
    for (const task of [...this.tasks.values()]) if (task.peer === peer) this.end(task.key, null, "the peer is gone");
  }

  stop(): void {
    this.stopped = true;
    this.deciding.clear();
    for (const key of [...this.tasks.keys()]) this.end(key, null, "the node is stopping");
  }

  private async begin(peer: string, key: ResponseKey, request: GraphsyncRequest): Promise<void> {
    const refuse = (status: number, extensions: Extensions = NOTHING): void =>
      this.tell(peer, request.id, status, extensions);
    if (this.stopped || this.tasks.has(key) || this.deciding.has(key)) return refuse(STATUS.rejected);
    this.dropOld();
    const leave = this.places.take(peer);
    if (leave === "perPeer") this.streams.report(peer, "tooManyRequests");
    if (typeof leave === "string") return refuse(STATUS.busy);
    this.deciding.set(key, peer);
    let task: Task | null = null;
    let isWanted = false;
    try {
      task = await this.admit(peer, key, request, leave, refuse);
    } finally {
      isWanted = this.deciding.delete(key);
      if (task === null || !isWanted) leave();
    }
    if (task === null) return;
    if (!isWanted) {
      this.hooks.onEnd?.(key, null, "given up before it began");
      return;
    }
    this.tasks.set(key, task);
    this.order.add(peer);
    if (task.state === "paused") this.tell(peer, request.id, STATUS.paused, this.takeExtensions(task));
    this.work();
  }

  private async admit(
    peer: string,
    key: ResponseKey,
    request: GraphsyncRequest,
    leave: () => void,
    refuse: (status: number, extensions?: Extensions) => void,
  ): Promise<Task | null> {
    const { root, selector, extensions } = request;
    if (root === null || selector === null) {
      refuse(STATUS.rejected);
      return null;
    }
    let selection: Selection;
    try {
      selection = new Selection(selector);
    } catch (error) {
      if (!(error instanceof GraphsyncError)) throw error;
      if (error.code === "BAD_SELECTOR") this.streams.report(peer, "badTransfer");
      refuse(STATUS.rejected);
      return null;
    }
    let admission: Admission;
    try {
      admission = await this.hooks.onRequest(peer, key, request);
    } catch (error) {
      refuse(STATUS.failed);
      throw error;
    }
    if ("refused" in admission) {
      refuse(admission.refused, admission.extensions);
      return null;
    }
    const sent = new CidSet();
    const known = extensions.get(EXTENSION.doNotSendCids);
    for (const cid of known === undefined ? [] : (readCidList(known, RESPONSE_LIMITS.doNotSend) ?? []))
      sent.add(cid.bytes);
    const skip = extensions.get(EXTENSION.doNotSendFirstBlocks);
    const now = this.now();
    return {
      ...{ key, peer, leave, id: request.id, priority: request.priority, blocks: admission.blocks, sent },
      traversal: new Traversal(root, selection, admission.limits ?? WALK_LIMITS),
      skip: skip === undefined ? 0 : (readSkip(skip) ?? 0),
      extensions: new Map(admission.extensions),
      state: admission.isPaused ? "paused" : "ready",
      ...{ links: 0, hasMissing: false, hasAny: false, begun: now, pausedAt: now },
    };
  }

  /** Lets as many responses run as may. */
  private work(): void {
    while (this.running < RESPONSE_LIMITS.atOnce && !this.stopped) {
      const task = this.pick();
      if (task === null) return;
      task.state = "running";
      this.busy.add(task.peer);
      this.running++;
      let isBuilding = true;
      const built = (): void => {
        if (isBuilding) this.running--;
        isBuilding = false;
        this.work();
      };
      void this.slice(task, built)
        .catch((error: unknown) => this.failed(task, error))
        .finally(() => {
          this.busy.delete(task.peer);
          built();
        });
    }
  }

  /** The most important ready response of the peer that waits longest. A peer is sent one message at a time. */
  private pick(): Task | null {
    for (const peer of this.order) {
      let best: Task | null = null;
      let hasAny = false;
      for (const task of this.tasks.values()) {
        if (task.peer !== peer) continue;
        hasAny = true;
        if (task.state === "ready" && (best === null || task.priority > best.priority)) best = task;
      }
      if (!hasAny) this.order.delete(peer);
      if (best === null || this.busy.has(peer)) continue;
      this.order.delete(peer);
      this.order.add(peer);
      return best;
    }
    return null;
  }

  /** One message of a response. `built` is called before it goes out: a peer that is slow to take it holds nobody else up. */
  private async slice(task: Task, built: () => void): Promise<void> {
    const metadata: LinkMetadata[] = [];
    const blocks: GraphsyncBlock[] = [];
    const extensions = this.takeExtensions(task);
    let bytes = 0;
    let pause = false;
    let isOver = false;
    for (let links = 0; !pause; links++) {
      if (task.state === "ended") return;
      if (bytes >= RESPONSE_LIMITS.messageBytes || links >= RESPONSE_LIMITS.messageLinks) break;
      if (links >= RESPONSE_LIMITS.sliceLinks && blocks.length === 0) break;
      const wanted = task.traversal.next();
      if (wanted === null) {
        isOver = true;
        break;
      }
      const { cid } = wanted;
      const found = inlineBlock(cid) ?? (await task.blocks.get(cid.bytes));
      task.links++;
      if (found === undefined) {
        task.hasMissing = true;
        metadata.push({ link: cid, action: "missing" });
        task.traversal.skip();
        continue;
      }
      task.hasAny = true;
      if (wanted.isDone) {
        metadata.push({ link: cid, action: "skipped" });
        task.traversal.skip();
        continue;
      }
      task.traversal.give(found);
      // Others write "present" here; without its block both mean that the requester has it.
      const isNew = task.sent.add(cid.bytes) && task.links > task.skip;
      metadata.push({ link: cid, action: isNew ? "present" : "duplicate" });
      if (!isNew) continue;
      blocks.push({ prefix: prefixOf(cid), data: found });
      bytes += found.length;
      const told = this.hooks.onBlock?.(task.key, task.links, found.length);
      for (const [name, value] of told?.extensions ?? NOTHING) extensions.set(name, value);
      pause = told?.pause ?? false;
    }
    const status = isOver ? this.finalStatus(task) : pause ? STATUS.paused : STATUS.partial;
    if (isOver)
      for (const [name, value] of this.hooks.onDone?.(task.key, status) ?? NOTHING) extensions.set(name, value);
    // It may be resumed while the message is on its way.
    if (pause) {
      task.state = "paused";
      task.pausedAt = this.now();
    }
    built();
    await this.send(task.peer, { requests: [], responses: [{ id: task.id, status, metadata, extensions }], blocks });
    if (isOver) this.end(task.key, status, "complete");
    else if (this.now() - task.begun > RESPONSE_LIMITS.activeMs) this.cancel(task.key, STATUS.failed);
    else if (task.state === "running") task.state = "ready";
  }

  private finalStatus({ hasMissing, hasAny }: Task): number {
    if (!hasMissing) return STATUS.completedFull;
    return hasAny ? STATUS.completedPartial : STATUS.notFound;
  }

  private failed(task: Task, error: unknown): void {
    const isPeers = error instanceof GraphsyncError && error.code === "UNREACHABLE";
    const isWalk = error instanceof GraphsyncError && error.code === "LIMIT";
    if (!isPeers) this.tell(task.peer, task.id, STATUS.failed, NOTHING);
    if (!isPeers && !isWalk) this.hooks.onFault(error);
    this.end(task.key, isPeers ? null : STATUS.failed, describeError(error));
  }

  private takeExtensions(task: Task): Map<string, Uint8Array> {
    const { extensions } = task;
    task.extensions = new Map();
    return extensions;
  }

  /** Says a status; a peer that cannot be reached will not miss it. */
  private tell(peer: string, id: Uint8Array, status: number, extensions: Extensions): void {
    const response = { id, status, metadata: [], extensions };
    this.send(peer, { requests: [], responses: [response], blocks: [] }).catch(() => undefined);
  }

  private end(key: ResponseKey, status: number | null, why: string): void {
    if (status === null) this.deciding.delete(key);
    const task = this.tasks.get(key);
    if (task === undefined) return;
    task.state = "ended";
    this.tasks.delete(key);
    task.leave();
    this.hooks.onEnd?.(key, status, why);
  }

  /** Ends what was paused for too long; if no place is left, also what was paused longest. */
  private dropOld(): void {
    const { pausedMs, yieldMs } = RESPONSE_LIMITS;
    let oldest: Task | null = null;
    for (const task of [...this.tasks.values()]) {
      if (task.state !== "paused") continue;
      if (this.now() - task.pausedAt > pausedMs) this.cancel(task.key, STATUS.failed);
      else if (oldest === null || task.pausedAt < oldest.pausedAt) oldest = task;
    }
    if (oldest !== null && this.places.isFull && this.now() - oldest.pausedAt > yieldMs) this.yield(oldest);
  }

  /** Gives the place of a paused response to others. It has not ended: who pays for it may be on the way with the payment. */
  private yield({ key, peer, id }: Task): void {
    this.tell(peer, id, STATUS.busy, NOTHING);
    this.end(key, null, "its place was needed");
  }
}

export function keyOf(peer: string, id: Uint8Array): ResponseKey {
  return `${peer}/${toHex(id)}`;
}
