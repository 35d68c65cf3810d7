/**
 * JSON-RPC 2.0 as the network's clients speak it, over any transport: text in, text out.
 *
 * `params` may be absent, null or a list; missing trailing ones count as null; ids may be numbers (0 too) or strings;
 * batches are answered in order. Everything that is valid JSON-RPC is answered with HTTP status 200, errors included,
 * since clients lose code and text otherwise. Subscriptions need a session that can push: the method answers with a
 * channel number, values follow as `xrpc.ch.val [channel, value]`, `xrpc.cancel [request id]` ends them and
 * `xrpc.ch.close [channel]` confirms. Source: go-jsonrpc.
 */
import { describeError, FilError } from "../base/errors.ts";
import type { Permission } from "./auth.ts";
import { RPC_CODE, RpcError } from "./errors.ts";

export type Params = readonly unknown[];

/** Where a call comes from. */
export type Session = {
  readonly permissions: readonly Permission[];
  /** Sends a notification; absent over plain HTTP. */
  readonly push?: (text: string) => void;
  readonly channels: Map<number, Channel>;
};

export type Channel = { readonly request: RequestId; readonly stop: () => void };
export type RequestId = string | number | null;

/** Where a subscription's values come from: calls `emit` until the function it returned is called. */
export type Subscribe = (emit: (value: unknown) => void) => () => void;

export type MethodContext = { readonly session: Session; readonly signal: AbortSignal };
export type RpcMethod = {
  readonly permission: Permission;
  readonly run: (params: Params, context: MethodContext) => unknown;
  /** The result of `run` is a `Subscribe`. */
  readonly subscription?: boolean;
};
export type MethodTable = Readonly<Record<string, RpcMethod>>;

export const RPC_LIMITS = {
  /** bytes of a request */
  bodyBytes: 5 << 20,
  batch: 100,
  depth: 64,
  channelsPerSession: 64,
  /** milliseconds, for calls that do not wait by nature */
  callMs: 30_000,
} as const;

type Reply = { readonly jsonrpc: "2.0"; readonly id: RequestId; readonly result?: unknown; readonly error?: unknown };

export class Dispatcher {
  private readonly methods: ReadonlyMap<string, RpcMethod>;
  private nextChannel = 1;

  constructor(methods: MethodTable) {
    this.methods = new Map(Object.entries(methods));
  }

  /** Names of all methods, sorted. */
  names(): string[] {
    return [...this.methods.keys()].sort();
  }

  /** Answers one request text; null when there is nothing to answer (a notification). */
  async handle(text: string, session: Session, signal: AbortSignal): Promise<string | null> {
    if (text.length > RPC_LIMITS.bodyBytes)
      return JSON.stringify(
        errorReply(null, new RpcError(RPC_CODE.limit, `request over ${RPC_LIMITS.bodyBytes} bytes`)),
      );
    let request: unknown;
    try {
      checkDepth(text);
      request = JSON.parse(text);
    } catch (error) {
      const shown = error instanceof RpcError ? error : new RpcError(RPC_CODE.parse, "the request is not JSON");
      return JSON.stringify(errorReply(null, shown));
    }
    if (!Array.isArray(request)) return encode(await this.one(request, session, signal));
    if (request.length === 0 || request.length > RPC_LIMITS.batch) {
      const why = request.length === 0 ? "empty batch" : `batch of ${request.length}, over ${RPC_LIMITS.batch}`;
      return JSON.stringify(errorReply(null, new RpcError(RPC_CODE.invalidRequest, why)));
    }
    const replies: Reply[] = [];
    for (const item of request as unknown[]) {
      const reply = await this.one(item, session, signal);
      if (reply !== null) replies.push(reply);
    }
    return replies.length === 0 ? null : `[${replies.map((reply) => encode(reply)).join(",")}]`;
  }

  /** Ends all subscriptions of a session. */
  close(session: Session): void {
    for (const channel of session.channels.values()) channel.stop();
    session.channels.clear();
  }

  private async one(request: unknown, session: Session, signal: AbortSignal): Promise<Reply | null> {
    if (typeof request !== "object" || request === null || Array.isArray(request))
      return errorReply(null, new RpcError(RPC_CODE.invalidRequest, "a request is an object"));
    const { id: rawId, method, params } = request as Record<string, unknown>;
    const id = typeof rawId === "string" || typeof rawId === "number" ? rawId : null;
    try {
      if (typeof method !== "string") throw new RpcError(RPC_CODE.invalidRequest, "the request names no method");
      const list = params ?? [];
      if (!Array.isArray(list)) throw new RpcError(RPC_CODE.badParams, "params must be a list");
      if (method === "xrpc.cancel") {
        this.cancel(session, list[0] as RequestId);
        return null;
      }
      const result = await this.call(method, list as Params, id, session, signal);
      return Object.hasOwn(request, "id") ? { jsonrpc: "2.0", id, result: result ?? null } : null;
    } catch (error) {
      return errorReply(id, error);
    }
  }

  private async call(name: string, params: Params, id: RequestId, session: Session, signal: AbortSignal) {
    const method = this.methods.get(name);
    if (method === undefined) throw new RpcError(RPC_CODE.unknownMethod, `method '${name}' not found`);
    if (!session.permissions.includes(method.permission))
      throw new RpcError(
        RPC_CODE.untyped,
        `missing permission to invoke '${name.replace(/^Filecoin\./, "")}' (need '${method.permission}')`,
      );
    const result = await method.run(params, { session, signal });
    return method.subscription === true ? this.subscribe(result as Subscribe, id, session) : result;
  }

  private subscribe(source: Subscribe, id: RequestId, session: Session): number {
    const { push } = session;
    if (push === undefined) throw new RpcError(RPC_CODE.untyped, "this method needs a WebSocket connection");
    if (session.channels.size >= RPC_LIMITS.channelsPerSession)
      throw new RpcError(RPC_CODE.limit, `over ${RPC_LIMITS.channelsPerSession} subscriptions on this connection`);
    const channel = this.nextChannel++;
    // The channel number must reach the client before the first value does.
    const early: string[] = [];
    let started = false;
    const send = (text: string): void => {
      if (started) push(text);
      else early.push(text);
    };
    const stop = source((value) => {
      if (session.channels.has(channel) || !started)
        send(JSON.stringify({ jsonrpc: "2.0", method: "xrpc.ch.val", params: [channel, value] }));
    });
    session.channels.set(channel, { request: id, stop });
    setTimeout(() => {
      started = true;
      for (const text of early) push(text);
    }, 0);
    return channel;
  }

  private cancel(session: Session, request: RequestId): void {
    for (const [number, channel] of session.channels) {
      if (channel.request !== request) continue;
      channel.stop();
      session.channels.delete(number);
      session.push?.(JSON.stringify({ jsonrpc: "2.0", method: "xrpc.ch.close", params: [number] }));
    }
  }
}

/** Refuses JSON that nests deeper than the limit, before it is parsed. */
function checkDepth(text: string): void {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inText) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inText = false;
    } else if (char === 0x22) inText = true;
    else if (char === 0x5b || char === 0x7b) {
      if (++depth > RPC_LIMITS.depth) throw new RpcError(RPC_CODE.limit, `JSON nests over ${RPC_LIMITS.depth} deep`);
    } else if (char === 0x5d || char === 0x7d) depth--;
  }
}

function encode(reply: Reply | null): string | null {
  return reply === null ? null : JSON.stringify(reply);
}

function errorReply(id: RequestId, error: unknown): Reply {
  if (error instanceof RpcError) {
    const { rpcCode: code, data } = error.data;
    return { jsonrpc: "2.0", id, error: { code, message: error.message, ...(data === undefined ? {} : { data }) } };
  }
  const known = error instanceof FilError;
  const message = known ? describeError(error) : `internal error: ${describeError(error)}`;
  return { jsonrpc: "2.0", id, error: { code: RPC_CODE.untyped, message } };
}
