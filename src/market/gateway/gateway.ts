/**
 * The trustless gateway (`/ipfs/…`: blocks and CAR files) and the piece gateway (`/piece/…`) over what a client's store
 * holds. Whoever asks verifies every block.
 * Source: IPFS specifications, trustless-gateway and path-gateway of 5 March 2026; FRC-0066.
 */
import { toHex, utf8 } from "../../base/bytes.ts";
import { crc32 } from "../../base/crc32.ts";
import type { BlockSource } from "../../storage/contract.ts";
import { carOfBlocks } from "../data/car-out.ts";
import { DataError } from "../data/errors.ts";
import { blockOf } from "../data/links.ts";
import { type Asked, GatewayRefusal, type GatewayRequest, httpRange, readRequest } from "./request.ts";
import { type Resolved, resolvePath } from "./resolve.ts";
import { blocksOf, fileAt, spanOf } from "./scope.ts";

/** An answer; `body` is null for none, as for HEAD. */
export type Download = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array> | null;
};

const IMMUTABLE = "public, max-age=29030400, immutable";

export function refusal(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Download {
  const plain = { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" };
  return { status, headers: { ...plain, "cache-control": "no-store", ...headers }, body: one(utf8(`${text}\n`)) };
}

export async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Answers a GET or HEAD of `/ipfs/…`. */
export async function answerIpfs(blocks: BlockSource, request: GatewayRequest, signal: AbortSignal): Promise<Download> {
  try {
    return await answer(blocks, request, signal);
  } catch (error) {
    if (error instanceof GatewayRefusal) return refusal(error.status, error.message);
    if (error instanceof DataError) return refusalOf(error, request);
    throw error;
  }
}

function refusalOf(error: DataError, request: GatewayRequest): Download {
  switch (error.code) {
    case "MISSING_BLOCK":
      if (/\bonly-if-cached\b/.test(request.header("cache-control") ?? ""))
        return { status: 412, headers: {}, body: null };
      return refusal(404, error.message);
    case "NO_SUCH_PATH":
      return refusal(404, error.message);
    case "UNKNOWN_CODEC":
      return refusal(400, error.message);
    default:
      return refusal(500, error.message);
  }
}

async function answer(blocks: BlockSource, request: GatewayRequest, signal: AbortSignal): Promise<Download> {
  if (request.header("service-worker") === "script") throw new GatewayRefusal(400, "there are no service workers here");
  const asked = readRequest(request);
  // Of nothing that is not here even the name is told apart: also where the request would fail later.
  await blockOf(blocks, asked.root);
  const resolved = await resolvePath(blocks, asked.root, asked.segments, signal);
  const download =
    asked.format === "raw" ? rawOf(asked, resolved, request) : carOf(blocks, asked, resolved, request, signal);
  const { headers } = download;
  const etag = headers["etag"] as string;
  if (matches(request.header("if-none-match"), etag))
    return { status: 304, headers: { etag, "cache-control": IMMUTABLE }, body: null };
  return request.method === "HEAD" ? { ...download, body: null } : download;
}

/** Whether an If-None-Match header names an entity tag; strong and weak ones of the same text are the same. */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const plain = (text: string): string => text.trim().replace(/^W\//, "");
  return header.trim() === "*" || header.split(",").some((text) => plain(text) === plain(etag));
}

function headersOf(asked: Asked, resolved: Resolved, extension: string): Record<string, string> {
  const path = [asked.rootText, ...asked.segments.map(encodeURIComponent)].join("/");
  return {
    "content-disposition": disposition(
      asked.filename ?? `${asked.format === "raw" ? resolved.terminus.cid : asked.root}.${extension}`,
    ),
    "cache-control": IMMUTABLE,
    "x-content-type-options": "nosniff",
    "x-ipfs-path": `/ipfs/${path}`,
    "x-ipfs-roots": resolved.roots.join(","),
  };
}

/** An attachment under a name; other characters than ASCII in both forms. */
export function disposition(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\]/g, "_");
  const wide = ascii === name ? "" : `; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, hexOf)}`;
  return `attachment; filename="${ascii}"${wide}`;
}

const hexOf = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;

/** The query of a request with what its Accept header says, for caches. */
function location(asked: Asked, request: GatewayRequest): Record<string, string> {
  if (asked.inUrl) return {};
  const params = new URLSearchParams(request.query);
  params.set("format", asked.format);
  if (asked.format === "car") {
    params.set("car-version", "1");
    params.set("car-order", "dfs");
    params.set("car-dups", asked.duplicates ? "y" : "n");
  }
  return { "content-location": `${request.path}?${params}` };
}

function rawOf(asked: Asked, resolved: Resolved, request: GatewayRequest): Download {
  const { cid, bytes } = resolved.terminus;
  const shared = {
    ...headersOf(asked, resolved, "bin"),
    ...location(asked, request),
    "content-type": "application/vnd.ipld.raw",
    "accept-ranges": "bytes",
  };
  const range = httpRange(request.header("range"), bytes.length);
  if (range === "outside") return outside(bytes.length);
  if (range === null) {
    const headers = { ...shared, etag: `"${cid}.raw"`, "content-length": `${bytes.length}` };
    return { status: 200, headers, body: one(bytes) };
  }
  const [from, to] = range;
  const headers = {
    ...shared,
    etag: `"${cid}.raw.${from}-${to}"`,
    "content-length": `${to - from + 1}`,
    "content-range": `bytes ${from}-${to}/${bytes.length}`,
  };
  return { status: 206, headers, body: one(bytes.subarray(from, to + 1)) };
}

/** For a range of which there is nothing. */
export function outside(size: number): Download {
  return refusal(416, `the range lies outside of ${size} bytes`, { "content-range": `bytes */${size}` });
}

function carOf(
  blocks: BlockSource,
  asked: Asked,
  resolved: Resolved,
  request: GatewayRequest,
  signal: AbortSignal,
): Download {
  const { scope, range, duplicates, root, segments } = asked;
  const file = range === null || resolved.inner !== undefined ? null : fileAt(resolved);
  if (range !== null && file !== null && spanOf(range, file.size) === "outside")
    throw new GatewayRefusal(400, `entity-bytes lies outside of the file's ${file.size} bytes`);
  const bytes = range === null ? "" : `${range.from}:${range.to ?? "*"}`;
  const parts = JSON.stringify([segments, scope, bytes, duplicates]);
  const tag = toHex(new Uint8Array(new Uint32Array([crc32(utf8(parts))]).buffer));
  const headers = {
    ...headersOf(asked, resolved, "car"),
    ...location(asked, request),
    "content-type": `application/vnd.ipld.car; version=1; order=dfs; dups=${duplicates ? "y" : "n"}`,
    "accept-ranges": "none",
    etag: `W/"${root}.car.${scope}${bytes === "" ? "" : `.${bytes.replace("*", "end")}`}.${tag}"`,
  };
  const wanted = { scope, range, duplicates };
  return { status: 200, headers, body: carOfBlocks(root, blocksOf(blocks, resolved, wanted, signal)) };
}
