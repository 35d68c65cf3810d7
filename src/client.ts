/**
 * A client of the JSON-RPC interface of any node, ours or another's, whose types come from the definitions of the methods:
 * names, parameters and answers, in the network's JSON.
 *
 * @example
 * import { connect } from "filigree/client";
 * const node = connect("http://127.0.0.1:1234/rpc/v1");
 * const head = await node.ChainHead();
 * const balance = await node.WalletBalance("t0100");
 */
import { AnswerSizeError, exchangeText, MOST_OF_ANSWER } from "./base/answer-text.ts";
import { checkNames, checkNumber, type OptionNames } from "./base/options.ts";
import type { CURRENT_GROUPS } from "./rpc/groups.ts";
import type { Method, ParamJsons, Params } from "./rpc/method.ts";

type Union<T> = (T extends unknown ? (all: T) => void : never) extends (all: infer All) => void ? All : never;
type Family = Extract<(typeof CURRENT_GROUPS)[number], { readonly prefix: "Filecoin." }>;
type Definitions = Union<Family["methods"]>;

/** Parameters by position; those that accept null may be left out from the end. */
type Arguments<P extends readonly unknown[]> = P extends readonly [...infer Rest, infer Last]
  ? null extends Last
    ? P | Arguments<Rest>
    : P
  : P;
type ArgumentsOf<P extends Params> = Arguments<ParamJsons<P>>;

type CallOf<M> = M extends { readonly subscription: true }
  ? M extends Method<infer P, infer _R, infer J>
    ? (handler: (value: J) => void, ...args: ArgumentsOf<P>) => Promise<Subscription>
    : never
  : M extends Method<infer P, infer _R, infer J>
    ? (...args: ArgumentsOf<P>) => Promise<J>
    : never;

/** A subscription under way. */
export type Subscription = {
  /** Ends it; no value follows. */
  stop(): void;
  /** Resolves when the node ends it, or the connection does. */
  readonly ended: Promise<void>;
};

export type NodeClient = { readonly [Name in keyof Definitions]: CallOf<Definitions[Name]> } & {
  /**
   * Calls a method by its whole name ("Filecoin.ChainHead", "Devnet.mine"), without types; of a subscription ("Devnet.dump")
   * the function that takes its values comes first, and the answer is a `Subscription`. An `AbortSignal` before all that ends the call, also at
   * the node, and the promise rejects with the signal's reason: `request("Devnet.mine", signal, 1000)`.
   */
  request(method: string, ...params: readonly unknown[]): Promise<unknown>;
  /** Ends the connection, if it is a WebSocket. */
  close(): void;
};

/** Code of an error that no node made: none was reached, it took too long, or it did not speak JSON-RPC. */
const NO_ANSWER = 0;

/** An answer that is an error, or that there was none. */
export class RpcClientError extends Error {
  /**
   * The node's code: 1 for most, -32601 for an unknown method, -32602 for wrong parameters; the HTTP status where the server
   * refused before (401, 403, 404); 0 where no answer came, with the reason as `cause`.
   */
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown, options?: ErrorOptions) {
    super(message, options);
    this.name = "RpcClientError";
    this.code = code;
    this.data = data;
  }
}

/** What a client needs of a WebSocket: that of browsers and Deno, of Node from version 22, or of the package `ws`. */
export type SocketLike = {
  send(text: string): void;
  close(): void;
  addEventListener(type: "open" | "close" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
};

export type ConnectOptions = {
  /** Token of the node, for more than it allows without one. */
  readonly token?: string;
  /**
   * Milliseconds that a call may take, at least 1; default: as long as it likes. By http(s):// Node's `fetch` ends a call that has no answer
   * after five minutes all the same; what waits longer (a message that is deep, much time that passes) is called by ws(s)://.
   */
  readonly timeout?: number;
  /**
   * Longest answer that is read, bytes by http(s):// and by the package `ws`; default 256 MiB. What is longer ends the call with the code 0 and
   * an `AnswerSizeError` as its cause; a WebSocket ends with it. Global WebSockets take no limit: they read what was sent before its characters
   * are counted here. Of a server that may be anybody's, ask by http(s):// or give `ws`.
   */
  readonly answerBytes?: number;
  /**
   * The WebSocket class to use for ws:// addresses; default: the global one. It is made with no subprotocols and, third, the size that it may
   * end at, which the package `ws` knows: a class over that one hands them on.
   */
  readonly WebSocket?: SocketClass;
};

const OPTIONS: OptionNames<ConnectOptions> = { token: true, timeout: true, answerBytes: true, WebSocket: true };

type SocketClass = new (url: string, protocols?: string[], options?: { readonly maxPayload: number }) => SocketLike;

/** How a call is made. `handler`: takes the values of a subscription. */
type How = { readonly handler?: (value: unknown) => void; readonly signal?: AbortSignal };

type Transport = {
  call(method: string, params: readonly unknown[], how: How): Promise<unknown>;
  close(): void;
};

type Reply = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: readonly [number, unknown?];
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
};

/** Names that are no methods, so that a client can be awaited and shown. */
const NO_METHODS = new Set(["then", "toJSON", "constructor"]);

/** Longest time that timers know, milliseconds. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** Longest text that engines keep, characters. */
const MAX_TEXT = 2 ** 29 - 24;

/** Codes of the errors by which Node's `fetch` gives up: no head of an answer, or no more of it, in five minutes. */
const GIVEN_UP = ["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"];

/** A client of the node at an address: http(s):// for calls of up to five minutes (Node), ws(s):// for longer ones and subscriptions, too. */
export function connect(url: string, options: ConnectOptions = {}): NodeClient {
  checkNames("connect", options, OPTIONS);
  if (options.timeout !== undefined) checkNumber("timeout", options.timeout, [1, MAX_TIMEOUT]);
  if (options.answerBytes !== undefined) checkNumber("answerBytes", options.answerBytes, [1, MAX_TEXT]);
  const transport = /^wss?:/.test(url) ? overSocket(url, options) : overHttp(url, options);
  const call = (method: string, params: readonly unknown[]): Promise<unknown> => {
    const [signal, rest] = params[0] instanceof AbortSignal ? [params[0], params.slice(1)] : [undefined, params];
    const how: How = signal === undefined ? {} : { signal };
    const [first, ...others] = rest;
    return typeof first === "function"
      ? transport.call(method, others, { ...how, handler: first as (value: unknown) => void })
      : transport.call(method, rest, how);
  };
  const own = {
    request: (method: string, ...params: readonly unknown[]) => call(method, params),
    close: () => transport.close(),
  };
  return new Proxy(own, {
    get(target, name) {
      if (Object.hasOwn(target, name)) return target[name as keyof typeof target];
      if (typeof name !== "string" || NO_METHODS.has(name)) return undefined;
      return (...args: readonly unknown[]) => call(`Filecoin.${name}`, args);
    },
  }) as unknown as NodeClient;
}

const reasonOf = (cause: unknown): string =>
  cause instanceof Error && cause.message !== "" ? `: ${cause.message}` : "";

/** An error of a node that did not answer: what happened, and what helps. */
function unreachable(place: string, cause?: unknown): RpcClientError {
  const thrown = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  // Each address of a name failed in its own way; the first says enough.
  const inner = thrown instanceof AggregateError ? thrown.errors[0] : thrown;
  const reason = reasonOf(inner);
  const step = "is a node running there? `filigree devnet` starts one";
  return new RpcClientError(NO_ANSWER, `cannot reach ${place}${reason}; ${step}`, undefined, { cause });
}

function tooLong(method: string, milliseconds: number | undefined, cause?: unknown): RpcClientError {
  const message = `${method} took over ${milliseconds} milliseconds`;
  return new RpcClientError(NO_ANSWER, message, undefined, { cause });
}

function tooLarge(place: string, cause: AnswerSizeError): RpcClientError {
  return new RpcClientError(
    NO_ANSWER,
    `${place} gives ${cause.message}: ask for less of it, or give a larger answerBytes`,
    undefined,
    { cause },
  );
}

/** Whether the package `ws` has ended a connection at its limit. */
function isOversize(thrown: unknown): boolean {
  return (
    thrown instanceof Error && (thrown as { readonly code?: unknown }).code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"
  );
}

/** Whether it was no node that ended the call, but Node's `fetch`. */
function isGivenUp(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? (thrown.cause as { readonly code?: unknown } | undefined) : undefined;
  return GIVEN_UP.includes(String(cause?.code));
}

function parseReply(url: string, text: string): Reply {
  try {
    const reply: unknown = JSON.parse(text);
    if (typeof reply !== "object" || reply === null) throw new TypeError("an object expected");
    return reply as Reply;
  } catch (cause) {
    const message = `${url} answers no JSON-RPC: ${JSON.stringify(text.slice(0, 80))}; look at the address`;
    throw new RpcClientError(NO_ANSWER, message, undefined, { cause });
  }
}

function resultOf({ result, error }: Reply): unknown {
  if (error === undefined) return result;
  throw new RpcClientError(error.code, error.message, error.data);
}

function overHttp(url: string, { token, timeout, answerBytes }: ConnectOptions): Transport {
  let id = 0;
  return {
    async call(method, params, { handler, signal }) {
      if (handler !== undefined) throw new TypeError(`${method} is a subscription: connect to a ws:// address for it`);
      const ends = [signal, timeout === undefined ? undefined : AbortSignal.timeout(timeout)].filter(
        (one) => one !== undefined,
      );
      const request = {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params }),
        ...(ends.length === 0 ? {} : { signal: AbortSignal.any(ends) }),
      };
      const { status, text } = await exchangeText(url, request, answerBytes).catch((cause: unknown) => {
        if (cause instanceof AnswerSizeError) throw tooLarge(url, cause);
        signal?.throwIfAborted();
        const isLate = cause instanceof Error && cause.name === "TimeoutError";
        if (isGivenUp(cause)) {
          const message = `${method} took over five minutes, which is all that fetch waits; connect to a ws:// address for it`;
          throw new RpcClientError(NO_ANSWER, message, undefined, { cause });
        }
        throw isLate ? tooLong(method, timeout, cause) : unreachable(url, cause);
      });
      if (status < 200 || status > 299) throw new RpcClientError(status, `HTTP ${status}: ${text.trim()}`);
      return resultOf(parseReply(url, text));
    },
    close: () => undefined,
  };
}

type Pending = { readonly settle: (reply: Reply) => void; readonly fail: (error: Error) => void };
type OpenChannel = { readonly handler: (value: unknown) => void; readonly end: () => void };

function overSocket(url: string, options: ConnectOptions): Transport {
  const Socket = options.WebSocket ?? (globalThis as { WebSocket?: SocketClass }).WebSocket;
  if (Socket === undefined)
    throw new TypeError("there is no WebSocket here: give one as an option, { WebSocket } of the package ws");
  const { answerBytes = MOST_OF_ANSWER } = options;
  const address = new URL(url);
  if (options.token !== undefined) address.searchParams.set("token", options.token);
  const place = `${address.origin}${address.pathname}`;
  // Others than the package ws take no third argument, and look at none.
  const socket = new Socket(address.href, [], { maxPayload: answerBytes });
  const pending = new Map<number, Pending>();
  const channels = new Map<number, OpenChannel>();
  let id = 0;
  let lost: Error | null = null;
  let wasOpen = false;
  const opened = new Promise<void>((resolve) => socket.addEventListener("open", resolve));
  socket.addEventListener("open", () => {
    wasOpen = true;
  });
  // Browsers say no reason; the package ws puts it into the event.
  const lose = (event?: { readonly error?: unknown }): void => {
    lost ??= isOversize(event?.error)
      ? tooLarge(place, new AnswerSizeError(answerBytes))
      : wasOpen
        ? new RpcClientError(NO_ANSWER, `the connection to ${place} has ended${reasonOf(event?.error)}; connect anew`)
        : unreachable(place, event?.error);
    for (const one of pending.values()) one.fail(lost);
    for (const channel of channels.values()) channel.end();
    pending.clear();
    channels.clear();
  };
  socket.addEventListener("close", lose);
  socket.addEventListener("error", lose);
  socket.addEventListener("message", ({ data }) => {
    let reply: Reply;
    try {
      const text = String(data);
      if (text.length > answerBytes) throw tooLarge(place, new AnswerSizeError(answerBytes));
      reply = parseReply(place, text);
    } catch (error) {
      lost ??= error as Error;
      lose();
      socket.close();
      return;
    }
    const [channel, value] = Array.isArray(reply.params) ? (reply.params as NonNullable<Reply["params"]>) : [];
    if (reply.method === "xrpc.ch.val") channels.get(channel ?? -1)?.handler(value);
    else if (reply.method === "xrpc.ch.close") {
      channels.get(channel ?? -1)?.end();
      channels.delete(channel ?? -1);
    } else if (reply.id !== undefined) {
      pending.get(reply.id)?.settle(reply);
      pending.delete(reply.id);
    }
  });
  const send = (request: object): void => socket.send(JSON.stringify({ jsonrpc: "2.0", ...request }));

  async function call(method: string, params: readonly unknown[], { handler, signal }: How): Promise<unknown> {
    signal?.throwIfAborted();
    const own = ++id;
    const answered = new Promise<unknown>((resolve, reject) => {
      const giveUp = (reason: unknown): void => {
        pending.delete(own);
        done();
        // Before that nothing was asked yet, and nothing is.
        if (wasOpen && lost === null) send({ method: "xrpc.cancel", params: [own] });
        reject(reason);
      };
      const onAbort = (): void => giveUp(signal?.reason);
      const timer =
        options.timeout === undefined
          ? undefined
          : setTimeout(() => giveUp(tooLong(method, options.timeout)), options.timeout);
      signal?.addEventListener("abort", onAbort, { once: true });
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      const settle = (reply: Reply): void => {
        done();
        try {
          // The channel must be known before the value that may come with the next message.
          const result = resultOf(reply);
          resolve(handler === undefined ? result : openChannel(own, result as number, handler));
        } catch (error) {
          reject(error as Error);
        }
      };
      const fail = (error: Error): void => {
        done();
        reject(error);
      };
      if (lost !== null) fail(lost);
      else pending.set(own, { settle, fail });
    });
    opened
      .then(() => {
        if (pending.has(own)) send({ id: own, method, params });
      })
      .catch((error: unknown) => {
        pending.get(own)?.fail(error as Error);
        pending.delete(own);
      });
    return answered;
  }

  function openChannel(request: number, channel: number, handler: (value: unknown) => void): Subscription {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    channels.set(channel, { handler, end });
    return {
      ended,
      stop() {
        if (!channels.delete(channel)) return;
        if (lost === null) send({ method: "xrpc.cancel", params: [request] });
        end();
      },
    };
  }

  return { call, close: () => socket.close() };
}
