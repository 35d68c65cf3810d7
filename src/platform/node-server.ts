/**
 * HTTP and WebSocket server for Node and Deno: node:http and ws.
 *
 * Whatever arrives on a socket ends in that socket: each has an error listener from its first moment, none is waited for
 * without a limit, and what a client does not read is bounded, for one and for all together.
 */
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Page, Refusal, RequestHead, Serve, ServeOptions, Socket } from "./server.ts";

/** A client that sends its request slower than this is cut off, and one that does not read its answer, milliseconds. */
const REQUEST_MS = 30_000;
const READING_MS = 60_000;
/** A refused connection that the client keeps open is cut off after this, milliseconds. */
const REFUSED_MS = 2_000;
const MAX_CONNECTIONS = 1024;
/** Requests of one connection that may be under way at once. */
const MAX_PIPELINED = 64;
/** Bytes of answers that all clients together may leave unread, as a multiple of one's. */
const ALL_BACKLOGS = 16;

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  503: "Service Unavailable",
};

function headOf(request: IncomingMessage): RequestHead {
  const [path = "/", query = ""] = (request.url ?? "/").split("?", 2);
  const { host, origin, authorization, upgrade } = request.headers;
  const bearer = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
  const token = bearer ?? (upgrade === undefined ? undefined : (new URLSearchParams(query).get("token") ?? undefined));
  return { method: request.method ?? "", path, host, origin, token };
}

async function readBody(request: IncomingMessage, limit: number): Promise<string | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > limit) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function reply(response: ServerResponse, page: Page, origin?: string): void {
  const cors = origin === undefined ? {} : { "access-control-allow-origin": origin, vary: "Origin" };
  response.writeHead(page.status ?? 200, {
    "content-type": page.type,
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
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

/** Answers of one server that are not read yet, and requests of each connection. */
class Traffic {
  private unread = 0;
  private readonly underWay = new WeakMap<object, number>();
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  get isFull(): boolean {
    return this.unread > this.most;
  }

  /** Counts an answer until it was read or its connection ended. */
  sending(response: ServerResponse, text: string): void {
    this.unread += text.length;
    response.once("close", () => {
      this.unread -= text.length;
    });
  }

  /** Whether a connection may have one more request under way. */
  enter(response: ServerResponse): boolean {
    const connection = response.socket ?? response;
    const count = (this.underWay.get(connection) ?? 0) + 1;
    this.underWay.set(connection, count);
    response.once("close", () => this.underWay.set(connection, (this.underWay.get(connection) ?? 1) - 1));
    return count <= MAX_PIPELINED;
  }
}

async function answer(
  options: ServeOptions,
  traffic: Traffic,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.socket.setTimeout(0);
  if (!traffic.enter(response) || traffic.isFull) {
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
  if (head.method === "GET" || head.method === "HEAD")
    return reply(response, options.onGet(head) ?? plain(404, "not found"), head.origin);
  if (head.method !== "POST") return reply(response, plain(405, "POST expected"));
  const body = await readBody(request, options.maxBodyBytes);
  if (body === null) {
    response.setHeader("connection", "close");
    return reply(response, plain(413, `request body over ${options.maxBodyBytes} bytes`), head.origin);
  }
  const abort = new AbortController();
  response.once("close", () => abort.abort());
  const text = await options.onRequest(head, body, abort.signal);
  if (text === null) return reply(response, { status: 204, type: "application/json", text: "" }, head.origin);
  traffic.sending(response, text);
  reply(response, { type: "application/json", text }, head.origin);
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

function acceptSockets(options: ServeOptions, server: HttpServer, sockets: WebSocketServer): void {
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
          const handler = options.onSocket(head, wrap(options, sockets, socket));
          socket.on("message", (data) => handler.onText(data.toString()));
          socket.on("close", () => handler.onClose());
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
  const traffic = new Traffic(options.backlogBytes * ALL_BACKLOGS);
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
  const sockets = new WebSocketServer({ noServer: true, maxPayload: options.maxBodyBytes });
  sockets.on("error", () => undefined);
  acceptSockets(options, server, sockets);
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
