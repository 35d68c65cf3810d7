/**
 * HTTP and WebSocket server for Node and Deno: node:http and ws.
 *
 * Whatever arrives on a socket ends in that socket: each has an error listener from its first moment, none is waited for
 * without a limit, and what clients do not read, and what they send and what of it is under way, is bounded, for one and for all together.
 */
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { FrameMeter } from "./frame-meter.ts";
import { type Hold, RequestBytes } from "./request-bytes.ts";
import type {
  DownloadBegin,
  Page,
  Refusal,
  RequestHead,
  Serve,
  ServeOptions,
  Socket,
  SocketHandler,
} from "./server.ts";

/** A client that sends a request slower than this is cut off, and one that does not read its answer, milliseconds. */
const REQUEST_MS = 30_000;
const READING_MS = 60_000;
/** A refused connection that the client keeps open is cut off after this, milliseconds. */
const REFUSED_MS = 2_000;
const MAX_CONNECTIONS = 1024;
/** Requests of one connection that may be under way at once. */
const MAX_PIPELINED = 64;
/** Answers of bytes of one share that all clients together may read at once. */
const MAX_DOWNLOADS = 64;
/** Bytes of answers that all clients together may leave unread, as a multiple of one's. */
const ALL_BACKLOGS = 16;
/** Bytes of requests that one client, and all together, may have under way, as multiples of the largest request. */
const ONE_CLIENT = 4;
const ALL_CLIENTS = 16;
/** What each part of a request costs beside its bytes: many parts of one byte each are dear. */
const PART_BYTES = 128;
/** Frames of one message, and pieces in which they may come. */
const MAX_FRAGMENTS = 1024;
const MAX_PIECES = 8192;

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  503: "Service Unavailable",
};

function headOf(request: IncomingMessage): RequestHead {
  const url = request.url ?? "/";
  const mark = url.indexOf("?");
  const [path, query] = mark < 0 ? [url, ""] : [url.slice(0, mark), url.slice(mark + 1)];
  const { host, origin, authorization, upgrade } = request.headers;
  const bearer = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
  const token = bearer ?? (upgrade === undefined ? undefined : (new URLSearchParams(query).get("token") ?? undefined));
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  };
  return { method: request.method ?? "", path, query, host, origin, token, header };
}

/** A whole body, or the refusal that it has earned. */
async function readBody(request: IncomingMessage, limit: number, hold: Hold): Promise<string | Page> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    parts.push(part);
    if (size > limit) return plain(413, `request body over ${limit} bytes`);
    if (!hold.set(size + parts.length * PART_BYTES)) return plain(503, "too many bytes of requests are under way");
  }
  hold.set(size);
  return Buffer.concat(parts).toString("utf8");
}

function reply(response: ServerResponse, page: Page, origin?: string): void {
  const cors = origin === undefined ? {} : { "access-control-allow-origin": origin, vary: "Origin" };
  response.writeHead(page.status ?? 200, {
    "content-type": page.type,
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    ...(page.status === 405 ? { allow: "POST" } : {}),
    ...cors,
  });
  // From here on the client has to read; while it waits for the answer it may be silent as long as it likes. A connection
  // whose time is over is destroyed by the server.
  response.socket?.setTimeout(READING_MS);
  response.end(page.text);
}

const plain = (status: number, text: string): Page => ({
  status,
  type: "text/plain; charset=utf-8",
  text: `${text}\n`,
});

/** The requests of one connection: they are done one after another, as their answers have to be sent. */
class Line {
  /** Requests that came and are not answered. */
  size = 0;
  /** Whether the connection has ended. */
  gone = false;
  private readonly waiting: (() => void)[] = [];

  /** Joins the line; resolves when the turn has come or the connection has ended. */
  enter(): Promise<void> | undefined {
    return this.size++ === 0 ? undefined : new Promise((resolve) => this.waiting.push(resolve));
  }

  leave(): void {
    this.size--;
    this.waiting.shift()?.();
  }

  end(): void {
    this.gone = true;
    for (const wake of this.waiting.splice(0)) wake();
  }
}

/** What of one server is under way: requests, and answers that are not read yet. */
class Traffic {
  readonly requests: RequestBytes;
  /** Answers of bytes that are being read, by their shares. */
  private readonly downloads = new Map<string, number>();
  private unread = 0;
  private readonly lines = new WeakMap<object, Line>();
  private readonly most: number;

  constructor({ maxBodyBytes, backlogBytes }: ServeOptions) {
    this.requests = new RequestBytes(maxBodyBytes * ONE_CLIENT, maxBodyBytes * ALL_CLIENTS);
    this.most = backlogBytes * ALL_BACKLOGS;
  }

  get isFull(): boolean {
    return this.unread > this.most;
  }

  /** Takes a place for an answer of bytes; gives the function that leaves it again, or null if there is none. */
  beginDownload(share: string): (() => void) | null {
    const { downloads } = this;
    const count = downloads.get(share) ?? 0;
    if (count >= MAX_DOWNLOADS) return null;
    downloads.set(share, count + 1);
    return () => void downloads.set(share, (downloads.get(share) ?? 1) - 1);
  }

  /** Counts an answer until it was read or its connection ended. */
  sending(response: ServerResponse, text: string): void {
    this.unread += text.length;
    response.once("close", () => {
      this.unread -= text.length;
    });
  }

  /** The line of a request's connection. */
  lineOf({ socket }: IncomingMessage): Line {
    const known = this.lines.get(socket);
    if (known !== undefined) return known;
    const line = new Line();
    this.lines.set(socket, line);
    socket.once("close", () => line.end());
    return line;
  }
}

async function answer(
  options: ServeOptions,
  traffic: Traffic,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.socket.setTimeout(0);
  const line = traffic.lineOf(request);
  const turn = line.enter();
  response.once("close", () => line.leave());
  if (line.size > MAX_PIPELINED || traffic.isFull) {
    response.setHeader("connection", "close");
    return reply(response, plain(503, "too many answers wait to be read"));
  }
  const head = headOf(request);
  const refusal = options.admit(head);
  if (refusal !== null)
    return reply(response, plain(refusal.status, refusal.text), refusal.cors ? head.origin : undefined);
  if (head.method === "OPTIONS") {
    response.setHeader("access-control-allow-methods", "POST, GET, OPTIONS");
    response.setHeader("access-control-allow-headers", "authorization, content-type");
    response.setHeader("access-control-max-age", "600");
    return reply(response, { status: 204, type: "text/plain", text: "" }, head.origin);
  }
  if (head.method === "GET" || head.method === "HEAD") {
    const abort = new AbortController();
    response.once("close", () => abort.abort());
    const download = options.onDownload?.(head, abort.signal) ?? null;
    if (download !== null) return send(traffic, response, download, head.origin);
    return reply(response, options.onGet(head) ?? plain(404, "not found"), head.origin);
  }
  if (head.method !== "POST") return reply(response, plain(405, "POST expected"));
  const hold = traffic.requests.open(request.socket);
  const late = setTimeout(() => cutLate(request, response), options.requestMs ?? REQUEST_MS);
  try {
    const body = await readBody(request, options.maxBodyBytes, hold).finally(() => clearTimeout(late));
    if (typeof body !== "string") {
      response.setHeader("connection", "close");
      return reply(response, body, head.origin);
    }
    await turn;
    if (line.gone) return;
    const abort = new AbortController();
    response.once("close", () => abort.abort());
    const text = await options.onRequest(head, body, abort.signal);
    if (text === null) return reply(response, { status: 204, type: "application/json", text: "" }, head.origin);
    traffic.sending(response, text);
    reply(response, { type: "application/json", text }, head.origin);
  } finally {
    hold.release();
  }
}

/** Sends bytes as fast as the client reads them; what fails midway ends the connection, so that nobody takes it for whole. */
async function send(
  traffic: Traffic,
  response: ServerResponse,
  { share, begin }: DownloadBegin,
  origin: string | undefined,
): Promise<void> {
  const leave = traffic.beginDownload(share);
  if (leave === null) {
    response.setHeader("retry-after", "5");
    return reply(
      response,
      plain(503, `${MAX_DOWNLOADS} downloads of ${share} are under way, as many as may be`),
      origin,
    );
  }
  try {
    const { status, headers, body } = await begin();
    const cors = origin === undefined ? {} : { "access-control-allow-origin": origin, vary: "Origin" };
    response.writeHead(status, {
      ...headers,
      ...cors,
      ...(origin === undefined ? {} : { "access-control-expose-headers": "*" }),
    });
    response.socket?.setTimeout(READING_MS);
    if (body === null) response.end();
    else await pipeline(body, response);
  } finally {
    leave();
  }
}

/** Ends a request whose body does not come. */
function cutLate(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("connection", "close");
  reply(response, plain(408, "the request did not arrive in time"));
  setTimeout(() => request.destroy(), REFUSED_MS).unref();
}

/** Ends a connection that asked for an upgrade and is not given one. */
function refuse(stream: Duplex, { status, text }: Refusal): void {
  const body = `${text}\n`;
  const head = `HTTP/1.1 ${status} ${REASONS[status] ?? "Refused"}\r\nconnection: close\r\n`;
  stream.end(`${head}content-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  setTimeout(() => stream.destroy(), REFUSED_MS).unref();
}

function wrap(options: ServeOptions, sockets: WebSocketServer, socket: WebSocket): Socket {
  const isFull = (length: number): boolean => {
    if (socket.bufferedAmount > 0 && socket.bufferedAmount + length > options.backlogBytes) return true;
    if (length < options.backlogBytes >> 6) return false;
    let all = length;
    for (const one of sockets.clients) all += one.bufferedAmount;
    return all > options.backlogBytes * ALL_BACKLOGS;
  };
  return {
    send(text) {
      if (socket.readyState !== socket.OPEN) return;
      // A close frame would wait behind what is not read.
      if (isFull(text.length)) socket.terminate();
      else socket.send(text, () => undefined);
    },
    backlog: () => socket.bufferedAmount,
    close: () => socket.close(1001),
  };
}

/** Asks each socket whether somebody is still there, and ends those that did not answer the time before. */
function keepAlive(sockets: WebSocketServer, milliseconds: number): ReturnType<typeof setInterval> {
  const asked = new WeakSet<WebSocket>();
  sockets.on("connection", (socket) => socket.on("pong", () => asked.delete(socket)));
  const timer = setInterval(() => {
    for (const socket of sockets.clients) {
      if (asked.has(socket)) socket.terminate();
      else {
        asked.add(socket);
        socket.ping(undefined, undefined, () => undefined);
      }
    }
  }, milliseconds);
  timer.unref();
  return timer;
}

/** Bounds the bytes and the time of a message that has begun and not ended. */
function watchUnfinished(stream: Duplex, socket: WebSocket, hold: Hold, milliseconds: number): void {
  const meter = new FrameMeter();
  let late: ReturnType<typeof setTimeout> | undefined;
  let begun = 0;
  stream.on("data", (chunk: Uint8Array) => {
    meter.feed(chunk);
    if (!hold.set(meter.unfinished)) return socket.terminate();
    if (meter.begun !== begun || !meter.isUnderWay) clearTimeout(late);
    if (meter.begun !== begun && meter.isUnderWay) late = setTimeout(() => socket.terminate(), milliseconds);
    begun = meter.begun;
  });
  stream.on("close", () => {
    clearTimeout(late);
    hold.release();
  });
}

/** Hands messages on, as many bytes of them at once as a client may have under way. */
function deliver(stream: Duplex, socket: WebSocket, handler: SocketHandler, requests: RequestBytes): void {
  let refused = false;
  socket.on("message", (data) => {
    if (refused) return;
    const text = data.toString();
    const hold = requests.open(stream);
    if (hold.set(text.length)) {
      handler.onText(text).then(hold.release, hold.release);
      return;
    }
    refused = true;
    socket.close(1013, "too many bytes of requests are under way");
    setTimeout(() => socket.terminate(), REFUSED_MS).unref();
  });
  socket.on("close", () => handler.onClose());
}

function acceptSockets(options: ServeOptions, server: HttpServer, sockets: WebSocketServer, traffic: Traffic): void {
  const { requests } = traffic;
  server.on("upgrade", (request, stream, early) => {
    stream.on("error", () => stream.destroy());
    try {
      const head = headOf(request);
      const refusal = options.admit(head);
      if (refusal !== null) return refuse(stream, refusal);
      sockets.handleUpgrade(request, stream, early, (socket) => {
        socket.on("error", () => socket.terminate());
        sockets.emit("connection", socket, request);
        try {
          watchUnfinished(stream, socket, requests.open(stream), options.requestMs ?? REQUEST_MS);
          deliver(stream, socket, options.onSocket(head, wrap(options, sockets, socket)), requests);
        } catch {
          socket.close(1011);
        }
      });
    } catch {
      refuse(stream, { status: 400, text: "malformed request" });
    }
  });
}

export const serve: Serve = async (options) => {
  const traffic = new Traffic(options);
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    answer(options, traffic, request, response).catch(() => {
      if (!response.headersSent && !response.destroyed) reply(response, plain(500, "internal error"));
      else response.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connection", (socket) => socket.on("error", () => socket.destroy()));
  server.on("clientError", (_, stream) => {
    if (stream.writable) refuse(stream, { status: 400, text: "malformed request" });
    else stream.destroy();
  });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxBodyBytes,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_PIECES,
  });
  sockets.on("error", () => undefined);
  acceptSockets(options, server, sockets, traffic);
  const timer = keepAlive(sockets, options.pingMs ?? 30_000);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      clearInterval(timer);
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};
