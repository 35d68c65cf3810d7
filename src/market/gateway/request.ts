/**
 * What a request to the gateway asks for. The URL's parameters come before the Accept header.
 * Source: IPFS specifications, trustless-gateway and path-gateway of 5 March 2026.
 */
import { type CID, parseCid } from "../../types/cid.ts";
import type { ByteRange, Scope } from "./scope.ts";

/** As much of a request as the gateway looks at. */
export type GatewayRequest = {
  readonly method: string;
  /** Path of the URL as it was sent. */
  readonly path: string;
  /** Behind the "?". */
  readonly query: string;
  header(name: string): string | undefined;
};

export type Asked = {
  readonly root: CID;
  /** As the request spells the root. */
  readonly rootText: string;
  readonly segments: readonly string[];
  readonly format: "car" | "raw";
  readonly scope: Scope;
  readonly range: ByteRange | null;
  readonly duplicates: boolean;
  readonly filename: string | null;
  /** Whether the URL names the format: else the answer says where it could be had. */
  readonly inUrl: boolean;
};

/** A refusal: status and what is wrong. */
export class GatewayRefusal extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

const RAW = "application/vnd.ipld.raw";
const CAR = "application/vnd.ipld.car";
/** Characters of an Accept header and of a path that are looked at, and segments of a path. */
const MAX_ACCEPT = 4096;
const MAX_PATH = 8192;
const MAX_SEGMENTS = 256;
const MAX_FILENAME = 255;

function bad(text: string): never {
  throw new GatewayRefusal(400, text);
}

type Accepted = { readonly type: string; readonly params: ReadonlyMap<string, string> };

/** The first of the best types of an Accept header that there is an answer for; null if it names none. */
function accepted(header: string | undefined): Accepted | null {
  if (header === undefined || header.trim() === "") return null;
  if (header.length > MAX_ACCEPT) bad(`an Accept header of ${header.length} characters, over ${MAX_ACCEPT}`);
  const known = header
    .split(",")
    .map((part) => {
      const [type = "", ...rest] = part.split(";").map((text) => text.trim());
      const pairs = rest.map((text) => text.split("=", 2).map((one) => one.trim().toLowerCase()));
      return { type: type.toLowerCase(), params: new Map(pairs.map(([name = "", value = ""]) => [name, value])) };
    })
    .filter(({ type }) => type === RAW || type === CAR)
    .map((one) => ({ one, quality: Number(one.params.get("q") ?? 1) }))
    .filter(({ quality }) => quality > 0);
  const best = known.sort((a, b) => b.quality - a.quality)[0];
  return best?.one ?? null;
}

function formatOf(params: URLSearchParams, accept: Accepted | null, header: string | undefined): "car" | "raw" {
  const format = params.get("format");
  if (format === "car" || format === "raw") return format;
  if (format !== null) throw new GatewayRefusal(406, `format=${format} is not served; car and raw are`);
  if (accept !== null) return accept.type === CAR ? "car" : "raw";
  if (header === undefined || header.trim() === "" || header.trim() === "*/*")
    return bad(`say what is wanted: ?format=car or ?format=raw, or an Accept header of ${CAR} or ${RAW}`);
  throw new GatewayRefusal(406, `only verifiable answers are served: ${CAR} and ${RAW}`);
}

/** `entity-bytes`: two whole numbers, the second of which may be "*". */
function rangeOf(text: string | null): ByteRange | null {
  if (text === null) return null;
  const [, first, second] = /^(-?\d{1,18}):(-?\d{1,18}|\*)$/.exec(text) ?? [];
  if (first === undefined || second === undefined)
    return bad(`entity-bytes=${text.slice(0, 80)}: from:to expected, as in 0:1023, -1024:* or 0:-10`);
  const range = { from: BigInt(first), to: second === "*" ? null : BigInt(second) };
  if (range.to !== null && range.from > range.to && range.from < 0n === range.to < 0n)
    return bad(`entity-bytes=${text}: its end is before its beginning`);
  return range;
}

function segmentsOf(path: string): { readonly rootText: string; readonly segments: readonly string[] } {
  if (path.length > MAX_PATH) bad(`a path of ${path.length} characters, over ${MAX_PATH}`);
  const [rootText = "", ...rest] = path.slice("/ipfs/".length).split("/");
  try {
    const segments = rest.filter((part) => part !== "").map(decodeURIComponent);
    if (segments.length > MAX_SEGMENTS) bad(`a path of ${segments.length} segments, over ${MAX_SEGMENTS}`);
    return { rootText, segments };
  } catch (error) {
    if (error instanceof GatewayRefusal) throw error;
    return bad("the path is not percent-encoded UTF-8");
  }
}

export function rootOf(text: string): CID {
  try {
    return parseCid(text);
  } catch {
    return bad(`${JSON.stringify(text.slice(0, 80))} is no CID`);
  }
}

/** Reads a request for `/ipfs/…`; throws `GatewayRefusal`. */
export function readRequest(request: GatewayRequest): Asked {
  const { rootText, segments } = segmentsOf(request.path);
  const params = new URLSearchParams(request.query);
  const header = request.header("accept");
  const accept = accepted(header);
  const format = formatOf(params, accept, header);
  const root = rootOf(rootText);
  const fromAccept = accept?.type === CAR ? accept.params : new Map<string, string>();
  const parameter = (name: string): string | undefined => params.get(`car-${name}`) ?? fromAccept.get(name);
  const filename = params.get("filename");
  const plain = {
    ...{ root, rootText, segments, format, inUrl: params.has("format") },
    filename: filename === null ? null : filename.slice(0, MAX_FILENAME).replace(/[\ud800-\udbff]$/, ""),
  };
  // What is for CAR files only means nothing to a single block.
  if (format === "raw") return { ...plain, scope: "block", range: null, duplicates: false };
  const scope = params.get("dag-scope") ?? "all";
  if (scope !== "block" && scope !== "entity" && scope !== "all")
    return bad(`dag-scope=${scope.slice(0, 80)}: block, entity or all expected`);
  const [version = "1", order = "dfs", duplicates = "n"] = ["version", "order", "dups"].map(parameter);
  if (version !== "1") bad(`CAR files of version 1 are served, not of version ${version.slice(0, 20)}`);
  if (order !== "dfs" && order !== "unk") bad(`order=${order.slice(0, 20)}: dfs expected`);
  if (duplicates !== "y" && duplicates !== "n") bad(`dups=${duplicates.slice(0, 20)}: y or n expected`);
  const range = rangeOf(params.get("entity-bytes"));
  return { ...plain, scope: range === null ? scope : "entity", range, duplicates: duplicates === "y" };
}

/** One range of an HTTP request, inclusive; null for none that is understood; "outside" if it lies behind the end. */
export function httpRange(header: string | undefined, size: number): readonly [number, number] | "outside" | null {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? [];
  if (first === undefined || last === undefined || first + last === "") return null;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "outside" : [size - length, size - 1];
  }
  const [from, to] = [Number(first), last === "" ? size - 1 : Math.min(Number(last), size - 1)];
  if (last !== "" && Number(last) < from) return null;
  return from >= size ? "outside" : [from, to];
}
