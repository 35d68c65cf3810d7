/**
 * One client's connection as the dispatcher sees it: its permissions, the calls under way and the subscriptions.
 *
 * A request is known by its id as it was sent: a text, or a number of any size.
 */
import type { Permission } from "./auth.ts";
import { RPC_CODE, RpcError } from "./errors.ts";
import type { ApiVersion } from "./versions.ts";

export type RequestId = string | number | bigint | null;

export type Channel = { readonly request: string; readonly stop: () => void };

/** Calls of one connection that may be under way at once; a client that asks more is told so. */
export const MAX_CALLS = 128;
export const MAX_CHANNELS = 64;

export type SessionOptions = {
  readonly permissions: readonly Permission[];
  readonly version?: ApiVersion;
  /** Sends a notification; absent over plain HTTP. */
  readonly push?: (text: string) => void;
  /** Bytes sent and not read yet. */
  readonly backlog?: () => number;
};

/** An id as a key: texts and numbers apart. */
export function requestKey(id: unknown): string {
  return `${typeof id === "string" ? "text" : "number"} ${String(id)}`;
}

export class Session {
  readonly permissions: readonly Permission[];
  readonly version: ApiVersion;
  readonly push: ((text: string) => void) | undefined;
  /** Bytes that were sent to the client and not read yet. */
  readonly backlog: () => number;
  readonly channels = new Map<number, Channel>();
  /** Ethereum's subscriptions: what ends each, by its number. */
  readonly subscriptions = new Map<string, () => void>();
  private readonly calls = new Map<string, Set<AbortController>>();
  private running = 0;
  private closed = false;

  constructor({ permissions, version = "v1", push, backlog = () => 0 }: SessionOptions) {
    this.permissions = permissions;
    this.version = version;
    this.push = push;
    this.backlog = backlog;
  }

  /** Runs a call that `xrpc.cancel` can end by its id. */
  async call<T>(id: RequestId, work: (abort: AbortController) => Promise<T>): Promise<T> {
    if (this.closed) throw new RpcError(RPC_CODE.untyped, "the client went away");
    if (this.running >= MAX_CALLS)
      throw new RpcError(
        RPC_CODE.limit,
        `over ${MAX_CALLS} calls under way on this connection; wait for their answers`,
      );
    const abort = new AbortController();
    const key = requestKey(id);
    const same = this.calls.get(key) ?? new Set();
    this.calls.set(key, same.add(abort));
    this.running++;
    try {
      return await work(abort);
    } finally {
      this.running--;
      same.delete(abort);
      if (same.size === 0) this.calls.delete(key);
    }
  }

  /** Ends the calls and subscriptions that a request began. */
  cancel(id: unknown): void {
    const key = requestKey(id);
    for (const abort of this.calls.get(key) ?? [])
      abort.abort(new RpcError(RPC_CODE.untyped, "the call was cancelled"));
    for (const [number, channel] of this.channels) if (channel.request === key) this.endChannel(number);
  }

  /** Stops a subscription and tells the client that it is over. */
  endChannel(number: number): void {
    const channel = this.channels.get(number);
    if (channel === undefined) return;
    this.channels.delete(number);
    channel.stop();
    this.push?.(JSON.stringify({ jsonrpc: "2.0", method: "xrpc.ch.close", params: [number] }));
  }

  /** Ends everything: the client has gone. */
  close(): void {
    this.closed = true;
    const gone = new RpcError(RPC_CODE.untyped, "the client went away");
    for (const same of this.calls.values()) for (const abort of same) abort.abort(gone);
    for (const channel of this.channels.values()) channel.stop();
    this.channels.clear();
    for (const stop of this.subscriptions.values()) stop();
    this.subscriptions.clear();
  }
}
