/** HTTP and WebSocket server for Node and Deno: node:http and ws. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { RequestHead, Serve, ServeOptions, Socket } from "./server.ts";

/** A client that sends its request slower than this is cut off, milliseconds. */
const REQUEST_MS = 30_000;

function headOf(request: IncomingMessage): RequestHead {
  const url = new URL(request.url ?? "/", "http://localhost");
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  const token =
    bearer ?? (request.headers.upgrade === undefined ? undefined : (url.searchParams.get("token") ?? undefined));
  const { host, origin } = request.headers;
  return { method: request.method ?? "", path: url.pathname, host, origin, token };
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

function reply(response: ServerResponse, status: number, type: string, text: string, origin?: string): void {
  const cors = origin === undefined ? {} : { "access-control-allow-origin": origin, vary: "Origin" };
  response.writeHead(status, { "content-type": type, "x-content-type-options": "nosniff", ...cors });
  response.end(text);
}

async function answer(options: ServeOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const head = headOf(request);
  const refusal = options.admit(head);
  if (refusal !== null) return reply(response, refusal.status, "text/plain", `${refusal.text}\n`);
  if (head.method === "OPTIONS") {
    response.setHeader("access-control-allow-methods", "POST, GET, OPTIONS");
    response.setHeader("access-control-allow-headers", "authorization, content-type");
    return reply(response, 204, "text/plain", "", head.origin);
  }
  if (head.method === "GET") {
    const page = options.onGet(head);
    if (page === null) return reply(response, 404, "text/plain", "not found\n");
    return reply(response, 200, page.type, page.text, head.origin);
  }
  if (head.method !== "POST") return reply(response, 405, "text/plain", "POST expected\n");
  const body = await readBody(request, options.maxBodyBytes);
  if (body === null) {
    response.setHeader("connection", "close");
    return reply(response, 413, "text/plain", `request body over ${options.maxBodyBytes} bytes\n`);
  }
  const abort = new AbortController();
  response.on("close", () => abort.abort());
  const text = await options.onRequest(head, body, abort.signal);
  if (text === null) return reply(response, 204, "application/json", "", head.origin);
  reply(response, 200, "application/json", text, head.origin);
}

function wrap(options: ServeOptions, socket: WebSocket): Socket {
  return {
    send(text) {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > options.backlogBytes) socket.close(1013, "reading too slowly");
      else socket.send(text);
    },
    close: () => socket.close(1001),
  };
}

export const serve: Serve = async (options) => {
  const server = createServer({ requestTimeout: REQUEST_MS }, (request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      if (!response.headersSent) reply(response, 500, "text/plain", "internal error\n");
      response.destroy(error as Error);
    });
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: options.maxBodyBytes });
  server.on("upgrade", (request, stream, early) => {
    const head = headOf(request);
    const refusal = options.admit(head);
    if (refusal !== null) {
      stream.end(`HTTP/1.1 ${refusal.status} ${refusal.text}\r\nconnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, stream, early, (socket) => {
      const handler = options.onSocket(head, wrap(options, socket));
      socket.on("message", (data) => handler.onText(data.toString()));
      socket.on("error", () => socket.terminate());
      socket.on("close", () => handler.onClose());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};
