/**
 * A stand-in for a provider of MK20, after Curio's handlers (curio e0294b0f9481 market/mk20/http/http.go, mk20_upload.go): who signed,
 * which deals there are, and the chunks of uploads. It stores nothing and seals nothing; it can break off, and be full.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Crypto } from "../../src/core/crypto.ts";
import { verifyBytes } from "../../src/keys/keys.ts";
import { authDigest } from "../../src/market/storage/mk20/http.ts";
import { Address } from "../../src/types/address.ts";
import { decodeSignature } from "../../src/types/message.ts";

type Upload = { readonly size: number; readonly chunk: number; readonly chunks: Map<number, Buffer>; done: boolean };

export class Mk20Stub {
  readonly deals = new Map<string, { readonly json: string; readonly client: string }>();
  readonly uploads = new Map<string, Upload>();
  /** What was asked, without what was refused for its signature. */
  readonly asked: string[] = [];
  /**
   * Of the next requests: "break" ends the connection before they count, "lose" after; "full" answers 429, "other" 401 as where clocks differ, "gone" 403 as
   * what stands before it may, "much" says more than anybody reads, "half" breaks off within its answer.
   */
  readonly faults: ("break" | "lose" | "full" | "other" | "gone" | "much" | "half" | null)[] = [];
  /** What it says of all deals. */
  state: string | null = null;
  /** Answers a deal with another status. */
  refusal: readonly [number, string] | null = null;
  private readonly crypto: Crypto;
  private readonly now: () => number;
  private server: Server | null = null;

  constructor(crypto: Crypto, now: () => number) {
    this.crypto = crypto;
    this.now = now;
  }

  async open(): Promise<string> {
    const server = createServer((request, response) => void this.answer(request, response));
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.server?.close().closeAllConnections();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const say = (status: number, text = ""): void => void response.writeHead(status).end(text);
    const client = this.clientOf(request);
    if (client === null) return say(401, "Unauthorized\n");
    const place = (request.url ?? "").replace(/^\/market\/mk20/, "");
    const fault = this.faults.shift() ?? null;
    if (fault === "break") return void request.socket.destroy();
    if (fault === "full") return say(429);
    if (fault === "other") return say(401, "Unauthorized\n");
    if (fault === "gone") return say(403);
    this.asked.push(`${request.method} ${place.replace(/[0-9A-Z]{26}/, "ID")}`);
    const [status, text] = this.done(request, place, Buffer.concat(parts), client);
    if (fault === "lose") return void request.socket.destroy();
    if (fault === "much") return say(status, "x".repeat(1 << 21));
    if (fault === "half") {
      response.writeHead(status, { "content-length": 1000 }).write("half of");
      return void setTimeout(() => request.socket.destroy(), 5);
    }
    say(status, text);
  }

  /** The address of who signed the request; null where nobody did. */
  private clientOf({ headers, method, url }: IncomingMessage): string | null {
    const [, type, key = "", signature = ""] = /^CurioAuth (\w+):([^:]+):(.+)$/.exec(headers.authorization ?? "") ?? [];
    const address = Address.fromBytes(Buffer.from(key, "base64"));
    const digest = authDigest(address, method as "GET", url ?? "", this.now());
    const isSigned =
      ["secp256k1", "bls"][address.protocol === 3 ? 1 : 0] === type &&
      verifyBytes(this.crypto, decodeSignature(Buffer.from(signature, "base64")), address, digest);
    return isSigned ? address.toString("t") : null;
  }

  private done(request: IncomingMessage, place: string, body: Buffer, client: string): readonly [number, string?] {
    const { method } = request;
    if (method === "GET" && place === "/products") return [200, '{"products":["ddo_v1","retrieval_v1"]}'];
    if (method === "GET" && place === "/sources") return [200, '{"sources":["http","put"]}'];
    if (method === "GET" && place === "/contracts") return [200, '{"contracts":null}'];
    if (method === "POST" && place === "/deal") return this.deal(request, body, client);
    const [, what, id = "", number] =
      /^\/(status|upload|uploads|uploads\/finalize)\/([0-9A-Z]{26})(?:\/(\d+))?$/.exec(place) ?? [];
    if (this.deals.get(id)?.client !== client) return [401, "Unauthorized\n"];
    const upload = this.uploads.get(id);
    if (what === "status")
      return [
        200,
        JSON.stringify({
          ddo_v1: { status: this.state ?? (upload?.done === true ? "sealing" : "uploading"), errorMsg: "" },
        }),
      ];
    if (what === "uploads" && method === "GET")
      return upload === undefined ? [425] : [200, JSON.stringify(chunksOf(upload))];
    if (what === "uploads" && method === "POST") {
      const { raw_size: size, chunk_size: chunk } = JSON.parse(`${body}`);
      if ((chunk & (chunk - 1)) !== 0) return [400, "chunk size must be a power of 2"];
      if (upload !== undefined) return [409];
      this.uploads.set(id, { size, chunk, chunks: new Map(), done: false });
      return [200];
    }
    if (what === "upload" && method === "PUT") {
      // One upload is waited for.
      if (upload !== undefined) return [404, "deal not found"];
      this.uploads.set(id, { size: body.length, chunk: body.length, chunks: new Map([[1, body]]), done: false });
      return [200];
    }
    if (upload === undefined || (what === "upload" && upload.done)) return [404];
    if (method === "PUT") {
      if (upload.chunks.has(Number(number))) return [409, "chunk already uploaded"];
      upload.chunks.set(Number(number), body);
      return [200];
    }
    if (chunksOf(upload).missing > 0) return [400, "deal upload has not finished"];
    upload.done = true;
    return [200];
  }

  private deal(request: IncomingMessage, body: Buffer, client: string): readonly [number, string?] {
    if (request.headers["content-type"] !== "application/json") return [400, "invalid content type"];
    const { identifier, client: named } = JSON.parse(`${body}`);
    if (named !== client) return [400, "Reason: client in deal does not match client in auth header"];
    if (this.refusal !== null) return [this.refusal[0], `Reason: ${this.refusal[1]}`];
    if (this.deals.has(identifier)) return [400, "Reason: deal already exists"];
    this.deals.set(identifier, { json: `${body}`, client });
    return [200, "Reason: "];
  }

  /** All bytes of a deal's data. */
  dataOf(id: string): Buffer {
    const chunks = [...(this.uploads.get(id)?.chunks ?? [])].sort(([one], [other]) => one - other);
    return Buffer.concat(chunks.map(([, bytes]) => bytes));
  }
}

function chunksOf({ size, chunk, chunks }: Upload) {
  const all = Array.from({ length: Math.ceil(size / chunk) }, (_, i) => i + 1);
  const [uploaded, missing] = [all.filter((one) => chunks.has(one)), all.filter((one) => !chunks.has(one))];
  const lists = { uploaded_chunks: uploaded, missing_chunks: missing.length === 0 ? null : missing };
  return { total_chunks: all.length, uploaded: uploaded.length, missing: missing.length, ...lists };
}
