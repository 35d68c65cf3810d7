/**
 * HTTP/1.1 on a stream between peers, as much of it as moves a file: one request without a body, and one answer, whose length
 * is said or which ends with the stream.
 * Source: RFC 9112.
 */
import type { Stream } from "@libp2p/interface";
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { tooLarge, WireError } from "../../network/wire/cbor.ts";
import { type FrameScanner, type FrameStream, frameStream } from "../../network/wire/frames.ts";

/** Bytes of a request's or an answer's head, and its fields. */
const MAX_HEAD = 16 << 10;
const MAX_FIELDS = 64;

export type HttpHead = { readonly start: string; readonly headers: ReadonlyMap<string, string> };

function bad(why: string): never {
  throw new WireError({ code: "BAD_FRAME" }, `no HTTP: ${why}`);
}

/** Ends behind an empty line. */
class HeadScanner implements FrameScanner {
  private readonly limit: number;
  private size = 0;
  /** How much of CR LF CR LF has been seen. */
  private seen = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  take(chunk: Uint8Array): number {
    for (let at = 0; at < chunk.length; at++) {
      const wanted = this.seen % 2 === 0 ? 13 : 10;
      this.seen = chunk[at] === wanted ? this.seen + 1 : chunk[at] === 13 ? 1 : 0;
      if (++this.size > this.limit) throw tooLarge(this.limit);
      if (this.seen === 4) return at + 1;
    }
    return -1;
  }
}

/** Whatever has come, up to the limit. */
const anything = (limit: number): FrameScanner => ({ take: (chunk) => Math.min(chunk.length, limit) });

export class HttpStream {
  private readonly frames: FrameStream;
  private isHead = true;

  constructor(stream: Stream) {
    this.frames = frameStream(stream, (limit) => (this.isHead ? new HeadScanner(limit) : anything(limit)));
  }

  /** Throws `WireError`. */
  async readHead(signal: AbortSignal): Promise<HttpHead> {
    const lines = fromUtf8(await this.frames.read(MAX_HEAD, signal))
      .split("\r\n")
      .slice(0, -2);
    const [start = "", ...fields] = lines;
    if (fields.length > MAX_FIELDS) bad(`${fields.length} fields`);
    const headers = new Map<string, string>();
    for (const field of fields) {
      // No pattern looks at the value: one that tries all ways to split its spaces takes minutes for a peer's 16 KiB.
      const colon = field.indexOf(":");
      const name = field.slice(0, Math.max(0, colon));
      const value = field.slice(colon + 1);
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || /[\r\n\0]/.test(value)) bad("a field that is none");
      headers.set(name.toLowerCase(), value.trim());
    }
    this.isHead = false;
    return { start, headers };
  }

  /** The body's next bytes, of `most` at most; null at the stream's end. */
  async readBody(most: number, signal: AbortSignal): Promise<Uint8Array | null> {
    try {
      return await this.frames.read(most, signal);
    } catch (error) {
      if (isFilError(error, "STREAM_ENDED")) return null;
      throw error;
    }
  }

  writeHead(start: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    return this.frames.write(utf8([start, ...lines, "", ""].join("\r\n")), signal);
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.frames.write(bytes, signal);
  }
}

/** "Basic" with no name and a token for a password. */
export function basicAuth(token: string): string {
  return `Basic ${btoa(`:${token}`)}`;
}

/** Bytes of a body by its Content-Length; null: it says none, and ends with the stream. Throws `WireError` for what is no number. */
export function lengthIn({ headers }: HttpHead): number | null {
  const said = headers.get("content-length");
  if (said !== undefined && !/^\d{1,15}$/.test(said)) bad("a length that is none");
  return said === undefined ? null : Number(said);
}

/** The password of a header "Authorization: Basic …"; null for what is none. */
export function tokenOf(header: string | undefined): string | null {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]{1,2048}={0,2})$/i.exec(header ?? "") ?? [];
  if (encoded === undefined) return null;
  try {
    const text = atob(encoded);
    return text.includes(":") ? text.slice(text.indexOf(":") + 1) : null;
  } catch {
    return null;
  }
}
