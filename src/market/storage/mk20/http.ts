/**
 * A provider's market of MK20 over HTTP, asked as one client: each request is signed over the client's address, the method, the
 * path and the minute. Source: curio e0294b0f9481 market/mk20/client/auth.go, http_client.go, http/http.go.
 */
import { AnswerSizeError, readText } from "../../../base/answer-text.ts";
import { concat, toBase64, utf8 } from "../../../base/bytes.ts";
import { sha256 } from "../../../base/digests.ts";
import { describeError } from "../../../base/errors.ts";
import { sleepFor } from "../../../base/sleep.ts";
import { type Address, PROTOCOL } from "../../../types/address.ts";
import { encodeSignature, type Signature } from "../../../types/message.ts";
import { badAnswer, badArgument, Mk20Error, refused } from "./errors.ts";

const PATH = "/market/mk20";
const KEY_TYPES = new Map<number, string>([
  [PROTOCOL.secp256k1, "secp256k1"],
  [PROTOCOL.bls, "bls"],
  [PROTOCOL.delegated, "delegated"],
]);
/** Bytes of an answer that are read, and of one that is no success; milliseconds for one; attempts where none comes, or the provider is full. */
const MAX_ANSWER = 1 << 20;
const MAX_REFUSAL = 1 << 17;
const ANSWER_MS = 60_000;
const UPLOAD_MS = 600_000;
const ATTEMPTS = 4;
const MAX_URL = 2048;
const BUSY = [429, 503];

export type Mk20Signer = { readonly address: Address; sign(bytes: Uint8Array): Signature };
export type Mk20HttpOptions = {
  readonly signer: Mk20Signer;
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Milliseconds before a request is made again, each time twice as many. Default 1000. */
  readonly againMs?: number;
};
type Method = "GET" | "POST" | "PUT";
type Body = { readonly json: string } | { readonly bytes: Uint8Array } | null;

/** What a client signs: to the minute, so that what was overheard is of no use a little later. */
export function authDigest(address: Address, method: Method, path: string, now: number): Uint8Array {
  const minute = new Date(Math.floor(now / 60_000) * 60_000).toISOString().replace(".000Z", "Z");
  return sha256(concat(address.bytes, utf8(method), utf8(path), utf8(minute)));
}

export class Mk20Http {
  private readonly base: URL;
  private readonly options: Mk20HttpOptions;
  private readonly keyType: string;

  /** Throws `Mk20Error` BAD_ARGUMENT for no URL of HTTP, and for an address that signs nothing. */
  constructor(url: string, options: Mk20HttpOptions) {
    const { address } = options.signer;
    this.base = baseOf(url);
    this.options = options;
    this.keyType = KEY_TYPES.get(address.protocol) ?? badArgument("wallet", "the address of a key", `${address}`);
  }

  /** The JSON of an answer; null for an answer without. Throws `Mk20Error` REFUSED, NO_ANSWER, BAD_ANSWER. */
  async get(place: string): Promise<unknown> {
    const text = await this.ask("GET", place, null);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new Mk20Error({ code: "BAD_ANSWER" }, "the provider's answer cannot be read: no JSON", { cause });
    }
  }

  async post(place: string, json: string | null): Promise<void> {
    await this.ask("POST", place, json === null ? null : { json });
  }

  async put(place: string, bytes: Uint8Array): Promise<void> {
    await this.ask("PUT", place, { bytes });
  }

  /** Asks until there is an answer: what is done twice is the same. */
  private async ask(method: Method, place: string, body: Body): Promise<string> {
    const { signal, againMs = 1000 } = this.options;
    for (let attempt = 0; ; attempt++) {
      try {
        const { status, text } = await this.once(method, place, body);
        if (status === 200) return text;
        throw refused(status, text);
      } catch (error) {
        signal.throwIfAborted();
        const isOver =
          error instanceof Mk20Error && !(error.data.code === "REFUSED" && BUSY.includes(error.data.status));
        if (isOver || attempt + 1 >= ATTEMPTS) {
          if (error instanceof Mk20Error) throw error;
          const why = `${this.base.origin} does not answer: ${describeError(error)}`;
          throw new Mk20Error({ code: "NO_ANSWER" }, why, { cause: error });
        }
        await sleepFor(againMs * 2 ** attempt, signal);
      }
    }
  }

  private async once(method: Method, place: string, body: Body) {
    const { signer, now, signal } = this.options;
    const path = `${this.base.pathname.replace(/\/+$/, "")}${PATH}${place}`;
    const signature = signer.sign(authDigest(signer.address, method, path, now()));
    const isData = body !== null && "bytes" in body;
    // A path that begins with two slashes would name another host.
    const url = new URL(this.base);
    url.pathname = path;
    const response = await fetch(url, {
      method,
      headers: {
        authorization: `CurioAuth ${this.keyType}:${toBase64(signer.address.bytes)}:${toBase64(encodeSignature(signature))}`,
        ...(body === null ? {} : { "content-type": isData ? "application/octet-stream" : "application/json" }),
      },
      ...(body === null ? {} : { body: isData ? (body.bytes as BufferSource) : body.json }),
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(isData ? UPLOAD_MS : ANSWER_MS)]),
    });
    return { status: response.status, text: await textOf(response, method) };
  }
}

function baseOf(url: string): URL {
  const shown = url.slice(0, 200);
  try {
    const base = new URL(url);
    const isPlain = ["http:", "https:"].includes(base.protocol) && base.username === "" && base.search === "";
    if (isPlain && url.length <= MAX_URL) return base;
  } catch {
    // It is none, as one that is no HTTP.
  }
  return badArgument("url", "the URL of a provider's market, http or https, without a user or a query", shown);
}

/** Of an answer that counts by its status alone nothing is read, or what it says in reason; one that says too much is no answer where it counts. */
async function textOf(response: Response, method: Method): Promise<string> {
  if (response.status === 200 && method !== "GET") {
    await response.body?.cancel().catch(() => undefined);
    return "";
  }
  const isNo = response.status !== 200;
  try {
    return await readText(response, isNo ? MAX_REFUSAL : MAX_ANSWER);
  } catch (error) {
    if (!(error instanceof AnswerSizeError)) throw error;
    return isNo ? `${error.message}, which was not read` : badAnswer(error.message, error);
  }
}
