/**
 * JSON-RPC 2.0 as the network's clients speak it, over any transport: text in, text out.
 *
 * `params` may be absent, null or a list; missing trailing ones count as null; ids may be numbers (0 too) of any size or
 * texts, and come back as sent; batches are answered in order; a request without id is never answered. Everything that is
 * valid JSON-RPC is answered with HTTP status 200, errors included, since clients lose code and text otherwise.
 * Subscriptions need a session that can push: the method answers with a channel number, values follow as
 * `xrpc.ch.val [channel, value]`, `xrpc.cancel [request id]` ends a call or a subscription, and `xrpc.ch.close [channel]`
 * confirms the latter. Source: go-jsonrpc.
 */
import { describeError, FilError } from "../base/errors.ts";
import { nodeStopped } from "../stmgr/errors.ts";
import { spellError } from "../types/address-text.ts";
import { PERMISSIONS } from "./auth.ts";
import { encodeResult } from "./encode.ts";
import { RPC_CODE, RpcError } from "./errors.ts";
import { itemsOf, parseJson } from "./json-text.ts";
import { Gates, withTimeLimit } from "./limits.ts";
import type { Method, Subscribe } from "./method.ts";
import type { Registry } from "./registry.ts";
import type { NodeServices } from "./services.ts";
import { MAX_CHANNELS, type RequestId, requestKey, Session } from "./session.ts";
import type { ApiVersion } from "./versions.ts";

export const RPC_LIMITS = {
  /** bytes of a request */
  bodyBytes: 5 << 20,
  batch: 100,
  /** characters of the answers to a batch after which no more of it is done */
  replyBytes: 16 << 20,
} as const;

/** Sees every answer that is not an error; for tests. */
export type Observer = (version: ApiVersion, name: string, method: Method, result: unknown) => void;

/** What must follow the reply that is being made. */
type AfterReply = (() => void)[];
type Run = { readonly id: RequestId; readonly abort: AbortController; readonly after: AfterReply };
type Reply = { readonly id: RequestId; readonly result?: unknown; readonly error?: unknown };

export class Dispatcher {
  private readonly registry: Registry;
  readonly node: NodeServices;
  private readonly gates = new Gates();
  private readonly observe: Observer | undefined;
  private nextChannel = 1;

  constructor(registry: Registry, node: NodeServices, observe?: Observer) {
    this.registry = registry;
    this.node = node;
    this.observe = observe;
  }

  /** Whole names of all methods of a version, sorted. */
  names(version: ApiVersion = "v1"): string[] {
    return [...this.registry.methods(version).keys()].sort();
  }

  /** Calls a method in this process, with all permissions; the name is whole, or of the network's family. */
  async request(name: string, ...params: readonly unknown[]): Promise<unknown> {
    const session = new Session({ permissions: PERMISSIONS });
    const known = this.registry.methods("v1").has(name) ? name : `Filecoin.${name}`;
    const run = this.prepare(known, params, session);
    const after: AfterReply = [];
    const result = await session.call(null, (abort) => run({ id: null, abort, after }));
    for (const work of after) work();
    return result;
  }

  /**
   * Answers one request text; null when there is nothing to answer (notifications). The session is this request's own:
   * `signal` ends it.
   */
  async handle(text: string, session: Session, signal?: AbortSignal): Promise<string | null> {
    const gone = (): void => session.close();
    signal?.addEventListener("abort", gone, { once: true });
    const after: AfterReply = [];
    try {
      return await this.replyTo(text, session, after);
    } finally {
      signal?.removeEventListener("abort", gone);
      for (const work of after) work();
    }
  }

  /** Answers one request text of a connection with at most one text. */
  async answer(text: string, session: Session, send: (text: string) => void): Promise<void> {
    const after: AfterReply = [];
    const reply = await this.replyTo(text, session, after);
    if (reply !== null) send(reply);
    for (const work of after) work();
  }

  // From here down to `run`, what was parsed is never held over a wait: the frame of an async function and the scope of a
  // closure keep all that they have seen, so these functions are neither async nor do their closures use what was parsed.

  private replyTo(text: string, session: Session, after: AfterReply): Promise<string | null> {
    const refuse = (error: unknown): Promise<string> => Promise.resolve(encodeReply(failed(null, error)));
    if (text.length > RPC_LIMITS.bodyBytes)
      return refuse(new RpcError(RPC_CODE.limit, `request over ${RPC_LIMITS.bodyBytes} bytes`));
    let count: number | null;
    try {
      const request = parseJson(text);
      if (!Array.isArray(request))
        return this.one(request, session, after).then((reply) => (reply === null ? null : encodeReply(reply)));
      count = request.length;
    } catch (error) {
      return refuse(error);
    }
    if (count === 0 || count > RPC_LIMITS.batch) {
      const why = count === 0 ? "empty batch" : `batch of ${count}, over ${RPC_LIMITS.batch}`;
      return refuse(new RpcError(RPC_CODE.invalidRequest, why));
    }
    return this.batch(text, session, after);
  }

  /** Answers the items of a batch one after another; each is parsed when its turn has come. */
  private async batch(text: string, session: Session, after: AfterReply): Promise<string | null> {
    const replies: string[] = [];
    let bytes = 0;
    for (const { from, to } of itemsOf(text)) {
      const reply =
        bytes > RPC_LIMITS.replyBytes ? BATCH_IS_FULL : await this.item(text.slice(from, to), session, after);
      if (reply === null) continue;
      replies.push(encodeReply(reply));
      bytes += (replies.at(-1) as string).length;
      if (reply === BATCH_IS_FULL) break;
    }
    return replies.length === 0 ? null : `[${replies.join(",")}]`;
  }

  private item(text: string, session: Session, after: AfterReply): Promise<Reply | null> {
    return this.one(parseJson(text), session, after);
  }

  private one(request: unknown, session: Session, after: AfterReply): Promise<Reply | null> {
    if (typeof request !== "object" || request === null || Array.isArray(request))
      return Promise.resolve(failed(null, new RpcError(RPC_CODE.invalidRequest, "a request is an object")));
    const { id: rawId, method, params } = request as Record<string, unknown>;
    const id = typeof rawId === "string" || typeof rawId === "number" || typeof rawId === "bigint" ? rawId : null;
    const silent = !Object.hasOwn(request, "id");
    const fail = (error: unknown): Reply | null => (silent ? null : failed(id, error));
    try {
      if (typeof method !== "string") throw new RpcError(RPC_CODE.invalidRequest, "the request names no method");
      const list = params ?? [];
      if (!Array.isArray(list)) throw new RpcError(RPC_CODE.badParams, "params must be a list");
      if (method === "xrpc.cancel") {
        session.cancel(list[0]);
        return Promise.resolve(null);
      }
      const run = this.prepare(method, list, session);
      return session
        .call(id, (abort) => run({ id, abort, after }))
        .then((result) => (silent ? null : { id, result }), fail);
    } catch (error) {
      return Promise.resolve(fail(error));
    }
  }

  /** Finds the method and decodes its parameters; what it returns holds those and nothing else of the request. */
  private prepare(name: string, params: readonly unknown[], session: Session): (run: Run) => Promise<unknown> {
    // Of a node that has stopped some methods would find an answer in memory, and others fail somewhere.
    if (this.node.run.isStopped) throw nodeStopped();
    const method = this.registry.methods(session.version).get(name);
    if (method === undefined || (method.local === true && this.node.dev === undefined))
      throw new RpcError(RPC_CODE.unknownMethod, `method '${name}' not found`);
    if (!session.permissions.includes(method.permission))
      throw new RpcError(
        RPC_CODE.untyped,
        `missing permission to invoke '${name.replace(/^Filecoin\./, "")}' (need '${method.permission}'): send a token that has it: --token-file <folder>/secrets/admin-token, or what filigree auth token --perm ${method.permission} --data <folder> makes on the node's machine; <folder> is the node's data folder`,
      );
    if (params.length > method.params.length)
      throw new RpcError(RPC_CODE.badParams, `${name} takes ${method.params.length} parameters, got ${params.length}`);
    const values = decoded(method, params);
    return (run) => this.run(name, method, values, session, run);
  }

  private async run(
    name: string,
    method: Method,
    values: readonly unknown[],
    session: Session,
    { id, abort, after }: Run,
  ): Promise<unknown> {
    const { signal } = abort;
    const afterReply = (next: () => void): void => {
      after.push(next);
    };
    const work = async (): Promise<unknown> => {
      const result = await method.run(values, { node: this.node, session, signal, afterReply });
      if (method.subscription === true)
        return this.subscribe(name, method, result as Subscribe<unknown>, session, { id, afterReply });
      return encodeResult(method.result, result ?? null, this.node.network.prefix, signal);
    };
    const json = await withTimeLimit(name, method.cost, abort, () => this.gates.run(method.cost, signal, work)).catch(
      (error: unknown) => {
        // Rooms that run on every network know no letter.
        spellError(this.node.network.prefix, error);
        throw error;
      },
    );
    this.observe?.(session.version, name, method, json);
    return json;
  }

  private subscribe(
    name: string,
    method: Method,
    source: Subscribe<unknown>,
    session: Session,
    { id, afterReply }: { readonly id: RequestId; readonly afterReply: (work: () => void) => void },
  ): number {
    const { push } = session;
    if (push === undefined) throw new RpcError(RPC_CODE.untyped, "this method needs a WebSocket connection");
    if (session.channels.size >= MAX_CHANNELS)
      throw new RpcError(RPC_CODE.limit, `over ${MAX_CHANNELS} subscriptions on this connection`);
    const number = this.nextChannel++;
    let stop: (() => void) | null = null;
    let stopped = false;
    session.channels.set(number, {
      request: requestKey(id),
      stop: () => {
        stopped = true;
        stop?.();
      },
    });
    // The channel's number must reach the client before the first value does.
    afterReply(() => {
      if (stopped) return;
      const emit = (value: unknown): void => {
        if (stopped) return;
        const json = method.result.encode(value, this.node.network.prefix);
        this.observe?.(session.version, name, { ...method, subscription: false }, json);
        push(JSON.stringify({ jsonrpc: "2.0", method: "xrpc.ch.val", params: [number, json] }));
      };
      stop = source(emit, () => session.endChannel(number));
      if (stopped) stop();
    });
    return number;
  }
}

/** The text of a reply; an id keeps all its digits. */
function encodeReply({ id, ...rest }: Reply): string {
  const idText = typeof id === "bigint" ? id.toString() : JSON.stringify(id);
  return `${JSON.stringify({ jsonrpc: "2.0", ...rest }).slice(0, -1)},"id":${idText}}`;
}

function decoded(method: Method, params: readonly unknown[]): readonly unknown[] {
  return method.params.map((one, i) => one.codec.decode(params[i], one.name));
}

function failed(id: RequestId, error: unknown): Reply {
  if (error instanceof RpcError) {
    const { rpcCode: code, data } = error.data;
    return { id, error: { code, message: error.message, ...(data === undefined ? {} : { data }) } };
  }
  const message = error instanceof FilError ? describeError(error) : `internal error: ${describeError(error)}`;
  return { id, error: { code: RPC_CODE.untyped, message } };
}

const BATCH_IS_FULL = failed(
  null,
  new RpcError(
    RPC_CODE.limit,
    `the answers to this batch have over ${RPC_LIMITS.replyBytes} characters; ask for the rest anew`,
  ),
);
