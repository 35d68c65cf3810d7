/**
 * Data of deals by HTTP over a stream between peers, as Boost has it: a client serves the CAR file of a deal to who knows the
 * deal's token, and a provider fetches from a URL "libp2p:///<multiaddr>/p2p/<peer>".
 * Source: boost v1.7.5 transport/types, transport/httptransport.
 */
import type { CID } from "../../types/cid.ts";
import type { Download } from "../gateway/gateway.ts";
import type { GatewayRequest } from "../gateway/request.ts";
import { HttpStream, lengthIn, tokenOf } from "../wire/http.ts";
import { DealError } from "./errors.ts";
import type { DealStreams } from "./streams.ts";

export const TRANSFER_HTTP_PROTOCOL = "/fil/storage/transfer/1.0.0";
const SCHEME = "libp2p://";
const HEAD_MS = 30_000;
/** Milliseconds in which a peer must take what is sent at once; answers that are under way. */
const WRITE_MS = 60_000;
const MAX_SERVED = 64;
const BODY_BYTES = 1 << 20;
const EMPTY = { "content-length": "0" };

/** Where a URL "libp2p://…" leads; null for any other, and for one that names no peer. */
export function placeOfUrl(url: string): { readonly address: string; readonly peer: string } | null {
  if (!url.startsWith(SCHEME)) return null;
  const address = url.slice(SCHEME.length);
  const [, peer] = /^\/[^?#\s]{1,1024}\/(?:p2p|ipfs)\/([A-Za-z0-9]{1,128})$/.exec(address) ?? [];
  return peer === undefined ? null : { address, peer };
}

export type ServerParts = {
  readonly streams: DealStreams;
  /** The piece that a token opens; null: none. */
  readonly pieceOf: (token: string) => CID | null;
  /** Answers as the piece gateway does. */
  readonly gateway: (request: GatewayRequest, signal: AbortSignal) => Promise<Download>;
};

export class HttpStreamServer {
  private readonly parts: ServerParts;
  private readonly stopping = new AbortController();
  private served = 0;

  constructor(parts: ServerParts) {
    this.parts = parts;
  }

  start(): Promise<void> {
    return this.parts.streams.handle(TRANSFER_HTTP_PROTOCOL, (stream) => this.serve(new HttpStream(stream)));
  }

  async stop(): Promise<void> {
    this.stopping.abort(new DealError({ code: "CLOSED" }, "the node is stopping"));
    await this.parts.streams.unhandle(TRANSFER_HTTP_PROTOCOL);
  }

  private async serve(http: HttpStream): Promise<void> {
    const { signal } = this.stopping;
    const { start, headers } = await http.readHead(AbortSignal.any([signal, AbortSignal.timeout(HEAD_MS)]));
    const [, method] = /^(GET|HEAD) \S+ HTTP\/1\.1$/.exec(start) ?? [];
    const token = tokenOf(headers.get("authorization"));
    const piece = token === null ? null : this.parts.pieceOf(token);
    if (method === undefined) return this.say(http, 405, EMPTY);
    if (piece === null) return this.say(http, 401, EMPTY);
    if (this.served >= MAX_SERVED) return this.say(http, 503, EMPTY);
    this.served++;
    try {
      const request = { method, path: `/piece/${piece}`, query: "", header: (name: string) => headers.get(name) };
      const answer = await this.parts.gateway(request as GatewayRequest, signal);
      // A body whose length is not said ends with the stream.
      await this.say(http, answer.status, answer.body === null ? { ...EMPTY, ...answer.headers } : answer.headers);
      if (answer.body === null || method === "HEAD") return;
      for await (const part of answer.body as AsyncIterable<Uint8Array>)
        await http.write(part, AbortSignal.any([signal, AbortSignal.timeout(WRITE_MS)]));
    } finally {
      this.served--;
    }
  }

  private say(http: HttpStream, status: number, headers: Readonly<Record<string, string>>): Promise<void> {
    const all = { ...headers, connection: "close" };
    return http.writeHead(`HTTP/1.1 ${status} ${status < 300 ? "OK" : "Refused"}`, all, AbortSignal.timeout(WRITE_MS));
  }
}

/** `fetch` of a URL "libp2p://…" with headers. `mayDial`: whether a peer that is not connected may be dialled at the URL's address. */
export async function fetchFromPeer(
  streams: DealStreams,
  url: string,
  { headers, signal, mayDial }: { headers: Readonly<Record<string, string>>; signal: AbortSignal; mayDial: boolean },
): Promise<Response> {
  const place = placeOfUrl(url);
  if (place === null) throw new DealError({ code: "TRANSFER", reason: "UNREACHABLE" }, `${url} names no peer`);
  const { address, peer } = place;
  const stream = await streams.open(peer, TRANSFER_HTTP_PROTOCOL, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    if (mayDial) return streams.open(address, TRANSFER_HTTP_PROTOCOL, signal);
    throw error;
  });
  const end = (reason: unknown): void => stream.abort(reason instanceof Error ? reason : new Error(`${reason}`));
  const aborted = (): void => end(signal.reason);
  signal.addEventListener("abort", aborted, { once: true });
  const over = (): void => signal.removeEventListener("abort", aborted);
  try {
    const http = new HttpStream(stream);
    await http.writeHead("GET / HTTP/1.1", { host: peer, ...headers, connection: "close" }, signal);
    const head = await http.readHead(signal);
    const [, status] = /^HTTP\/1\.[01] ([2-5]\d\d)(?: .*)?$/.exec(head.start) ?? [];
    if (status === undefined || head.headers.has("transfer-encoding"))
      throw new DealError({ code: "TRANSFER", reason: "STATUS" }, "the source's answer has no status, or no length");
    let left = lengthIn(head) ?? Number.POSITIVE_INFINITY;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const part = left <= 0 ? null : await http.readBody(Math.min(left, BODY_BYTES), signal);
        left -= part?.length ?? 0;
        if (part !== null) controller.enqueue(part);
        else {
          over();
          controller.close();
          await stream.close().catch(() => undefined);
        }
      },
      cancel(reason) {
        over();
        end(reason);
      },
    });
    return new Response(status === "204" || status === "304" ? null : body, {
      status: Number(status),
      headers: [...head.headers],
    });
  } catch (error) {
    over();
    end(error);
    throw error;
  }
}
