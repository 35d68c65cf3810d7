/**
 * Getting a deal's data over HTTP: from where it broke off, by Range, and not a byte more than was agreed on. A source is
 * trusted in nothing: its status, the range that it says it sends, its length and its pace are held against what was asked
 * for; what the bytes are is decided by their commitment.
 */
import { describeError } from "../../base/errors.ts";
import type { CID } from "../../types/cid.ts";
import { DealError, refuse, type TransferReason } from "./errors.ts";
import { placeOfUrl } from "./http-streams.ts";

export type PayloadFiles = {
  read(name: string, from: number, length: number): Promise<Uint8Array>;
  write(name: string, from: number, bytes: Uint8Array): Promise<void>;
  size(name: string): Promise<number | null>;
  remove(name: string): Promise<void>;
  /** Names of all files. */
  names(): Promise<readonly string[]>;
};

export type PullLimits = {
  /** Milliseconds until the first byte, and between two looks at the pace. */
  readonly windowMs: number;
  /** Bytes that must come in a window. */
  readonly windowBytes: number;
};
export const PULL_LIMITS: PullLimits = { windowMs: 30_000, windowBytes: 4096 };

/** As `fetch`, of what it takes. */
export type Fetch = (
  url: string,
  init: {
    readonly headers: Readonly<Record<string, string>>;
    readonly redirect: "error";
    readonly signal: AbortSignal;
  },
) => Promise<Response>;

export type Pull = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes in all. */
  readonly size: number;
  readonly files: PayloadFiles;
  readonly name: string;
  readonly signal: AbortSignal;
  readonly limits?: PullLimits;
  /** Default: the platform's. */
  readonly get?: Fetch;
  readonly onProgress?: (received: number) => void;
};

const MAX_URL = 8192;
const MAX_HEADERS = 32;
/** Bytes that are gathered before they are written. */
const WRITE_BYTES = 1 << 20;
const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
/** Header fields that the fetching side decides. */
const OWN_HEADERS = ["host", "range", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer"];

function broken(reason: TransferReason, why: string, cause?: unknown): never {
  throw new DealError({ code: "TRANSFER", reason }, why, { cause });
}

/** Who names a source, and what the provider allows. */
export type SourceRules = {
  /** Other hosts than this one. */
  readonly remote: boolean;
  /** The piece that a peer offers; null: this node's own user names the source. */
  readonly peersPiece: CID | null;
  /** The peer that offers; null: none does. */
  readonly peer: string | null;
};

/**
 * Throws `DealError` REFUSED for a source that is not fetched from. Of this machine a peer may name a piece's place alone, as nodes
 * serve it: whatever else listens here is not a peer's to ask, by a provider's mouth.
 */
export function checkSource(
  url: string,
  headers: Readonly<Record<string, string>>,
  { remote, peersPiece, peer }: SourceRules,
): void {
  const shown = url.length > 200 ? `${url.slice(0, 200)}…` : url;
  if (url.length > MAX_URL) refuse("transferUrl", `at most ${MAX_URL} characters`, `${url.length} characters`);
  if (url.startsWith("libp2p:")) {
    const place = placeOfUrl(url);
    if (place === null) refuse("transferUrl", "libp2p:///<multiaddr>/p2p/<peer>", shown);
    if (!remote && peer !== null && place.peer !== peer)
      refuse("transferUrl", "the peer that offers; the rule remoteSources allows others", shown);
    checkHeaders(headers);
    return;
  }
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    refuse("transferUrl", "a URL", shown);
  }
  if (!["http:", "https:"].includes(parsed.protocol)) refuse("transferUrl", "http, https or libp2p", parsed.protocol);
  if (parsed.username !== "" || parsed.password !== "")
    refuse("transferUrl", "no password in it", "one with a password");
  if (!remote && !LOOPBACK.test(parsed.hostname))
    refuse("transferUrl", "a source on this machine; the rule remoteSources allows others", parsed.hostname);
  const names = Object.keys(headers);
  if (peersPiece !== null && LOOPBACK.test(parsed.hostname)) {
    const isPiece = parsed.pathname === `/piece/${peersPiece}` && parsed.search === "";
    if (!isPiece) refuse("transferUrl", `of this machine /piece/${peersPiece} alone`, parsed.pathname.slice(0, 100));
    if (names.length > 0) refuse("transferUrl", "no headers for this machine", names.join(", ").slice(0, 100));
  }
  checkHeaders(headers);
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  const names = Object.keys(headers);
  if (names.length > MAX_HEADERS) refuse("transferUrl", `at most ${MAX_HEADERS} headers`, `${names.length}`);
  for (const name of names) {
    if (OWN_HEADERS.includes(name.toLowerCase())) refuse("transferUrl", "no headers of the connection's own", name);
    try {
      new Headers([[name, headers[name] as string]]);
    } catch {
      refuse("transferUrl", "headers of HTTP", name.slice(0, 100));
    }
  }
}

/** Gets what is missing. Resolves when all is there; throws `DealError` TRANSFER. What came is kept. */
export async function pull(options: Pull): Promise<void> {
  const { files, name, size, signal, limits = PULL_LIMITS } = options;
  const had = (await files.size(name)) ?? 0;
  if (had > size) {
    await files.remove(name);
    return pull(options);
  }
  if (had === size) return;
  const pace = new Pace(limits, signal);
  try {
    const { body, from } = await answer(options, had, pace.signal);
    if (from === 0 && had > 0) await files.remove(name);
    await take(options, body, from, pace);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof DealError) throw error;
    if (pace.isOver) broken("SLOW", `fewer than ${limits.windowBytes} bytes in ${limits.windowMs / 1000} s came`);
    broken("UNREACHABLE", `the source broke off: ${describeError(error)}`, error);
  } finally {
    pace.end();
  }
}

type Body = ReadableStream<Uint8Array>;

/** The answer's body, and the place of its first byte. */
async function answer(
  { url, headers, size, get = fetch }: Pull,
  had: number,
  signal: AbortSignal,
): Promise<{ readonly body: Body; readonly from: number }> {
  const response = await get(url, {
    headers: { ...headers, "accept-encoding": "identity", ...(had > 0 ? { range: `bytes=${had}-` } : {}) },
    redirect: "error",
    signal,
  });
  const drop = async (reason: TransferReason, why: string): Promise<never> => {
    await response.body?.cancel().catch(() => undefined);
    return broken(reason, why);
  };
  const { status, body } = response;
  if (status !== 200 && status !== 206) return drop("STATUS", `the source answered with status ${status}`);
  let from = 0;
  if (status === 206) {
    const said = response.headers.get("content-range") ?? "";
    const [, first, , total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(said) ?? [];
    if (first === undefined || Number(first) !== had)
      return drop("RANGE", `bytes from ${had} on were asked for, and the source sent "${said}"`);
    if (total !== "*" && Number(total) !== size)
      return drop("RANGE", `the deal's data has ${size} bytes, and the source says "${said}"`);
    from = had;
  }
  const length = response.headers.get("content-length");
  if (length !== null && Number(length) > size - from)
    return drop("TOO_LONG", `the deal's data has ${size} bytes, and the source would send ${from + Number(length)}`);
  if (body === null) return broken("TOO_SHORT", "the source sent no data");
  return { body, from };
}

async function take({ files, name, size, onProgress }: Pull, body: Body, from: number, pace: Pace): Promise<void> {
  const reader = body.getReader();
  let parts: Uint8Array[] = [];
  let held = 0;
  let at = from;
  const flush = async (): Promise<void> => {
    const whole = new Uint8Array(held);
    let end = 0;
    for (const part of parts) {
      whole.set(part, end);
      end += part.length;
    }
    [parts, held] = [[], 0];
    if (whole.length > 0) await files.write(name, at, whole);
    at += whole.length;
    onProgress?.(at);
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (at + held + value.length > size) broken("TOO_LONG", `the source sends more than the deal's ${size} bytes`);
      pace.came(value.length);
      parts.push(value);
      held += value.length;
      if (held >= WRITE_BYTES) await flush();
    }
  } finally {
    await reader.cancel().catch(() => undefined);
    await flush();
  }
  if (at < size) broken("TOO_SHORT", `the source ended after ${at} of ${size} bytes`);
}

/** Ends what comes too slowly. */
class Pace {
  private readonly abort = new AbortController();
  private readonly timer: ReturnType<typeof setInterval>;
  private bytes = 0;
  readonly signal: AbortSignal;
  isOver = false;

  constructor(limits: PullLimits, signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.abort.signal]);
    this.timer = setInterval(() => {
      if (this.bytes < limits.windowBytes) {
        this.isOver = true;
        this.abort.abort(new Error("too slow"));
      }
      this.bytes = 0;
    }, limits.windowMs);
  }

  came(bytes: number): void {
    this.bytes += bytes;
  }

  end(): void {
    clearInterval(this.timer);
  }
}
