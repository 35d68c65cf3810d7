/**
 * A folder of bytes over HTTP: GET and HEAD with ranges, PUT of content named by its digest (`blobs/`) and of results
 * (`results/`). Listens on loopback unless told otherwise, and then asks for a token.
 */
import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { pipeline } from "node:stream/promises";

export type StoreServerOptions = {
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  /** What `authorization: Bearer` must say; null asks for nothing. */
  readonly token: string | null;
};

export type StoreServer = { readonly port: number; close(): Promise<void> };

const MAX_CONNECTIONS = 256;
/** Most bytes of one PUT. */
const MAX_BODY = 2 ** 30;
const NAME = /^\/(?:[\w-][\w.-]*\/){0,6}[\w-][\w.-]*$/;
const WRITABLE = /^\/(?:blobs|results)\/[0-9a-f]{64}$/;

/** Resolves when the server listens. Rejects with the system's error. */
export function serveStore({ folder, host, port, token }: StoreServerOptions): Promise<StoreServer> {
  const server = createServer((request, response) => {
    answer(folder, token, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.headersTimeout = 10_000;
  server.maxConnections = MAX_CONNECTIONS;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      // A connection that the system does not give (too many open files) must not end the program.
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve({ port: (server.address() as AddressInfo).port, close: () => end(server) });
    });
  });
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function isAllowed(token: string | null, given: string | undefined): boolean {
  if (token === null) return true;
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given ?? ""), digest(`Bearer ${token}`));
}

async function answer(
  folder: string,
  token: string | null,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = (status: number): void => {
    response.writeHead(status, { connection: "close" }).end();
  };
  const name = request.url ?? "";
  if (!isAllowed(token, request.headers.authorization)) return refuse(401);
  if (!NAME.test(name)) return refuse(400);
  const file = path.join(folder, name);
  if (request.method === "PUT") {
    if (!WRITABLE.test(name)) return refuse(403);
    return refuse(await receive(file, name, request));
  }
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(405);
  const info = await stat(file).catch(() => null);
  if (info?.isFile() !== true) return refuse(404);
  let [from, to] = [0, info.size - 1];
  const { range } = request.headers;
  if (range !== undefined) {
    const match = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range);
    if (match === null) return refuse(400);
    from = Number(match[1]);
    if (match[2] !== "") to = Math.min(to, Number(match[2]));
    if (from >= info.size || from > to) return refuse(416);
    response.setHeader("content-range", `bytes ${from}-${to}/${info.size}`);
  }
  const length = Math.max(0, to - from + 1);
  response.writeHead(range === undefined ? 200 : 206, { "content-length": length, "accept-ranges": "bytes" });
  if (request.method === "HEAD" || length === 0) {
    response.end();
    return;
  }
  await pipeline(createReadStream(file, { start: from, end: to }), response);
}

/** Writes a body in place at once; returns the status to answer with. */
async function receive(file: string, name: string, request: IncomingMessage): Promise<number> {
  if (Number(request.headers["content-length"] ?? Number.NaN) > MAX_BODY) return 413;
  await mkdir(path.dirname(file), { recursive: true });
  const partial = `${file}.${randomUUID()}.partial`;
  const hash = createHash("sha256");
  let length = 0;
  try {
    const counted = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        length += chunk.length;
        if (length > MAX_BODY) throw new RangeError("too long");
        hash.update(chunk);
        yield chunk;
      }
    };
    await pipeline(request, counted, createWriteStream(partial, { flush: true }));
    if (name.startsWith("/blobs/") && hash.digest("hex") !== name.slice("/blobs/".length)) return 422;
    await rename(partial, file);
    return 204;
  } catch (error) {
    if (error instanceof RangeError) return 413;
    throw error;
  } finally {
    await rm(partial, { force: true });
  }
}
