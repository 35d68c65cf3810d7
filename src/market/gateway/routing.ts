/**
 * Who has some content, over HTTP: `/routing/v1/providers/<CID>` of delegated routing and `/cid/<CID>` of the network's
 * indexers, each as one JSON object or as a line a record (NDJSON). What is given is what this node knows by itself
 * (`ContentFinder`); nobody else is asked. A record needs an identity: providers whose identity is not known are left out.
 * Source: IPFS specifications, http-routing-v1 (with IPIP-484, filters); IPNI specification, find and metadata.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat, toBase64, utf8 } from "../../base/bytes.ts";
import { encodeVarint } from "../../base/varint.ts";
import type { CID } from "../../types/cid.ts";
import type { ContentFinder, ContentProvider, Transport } from "../retrieval/content.ts";
import { RetrievalError } from "../retrieval/errors.ts";
import { type Download, one, refusal } from "./gateway.ts";
import { GatewayRefusal, type GatewayRequest, rootOf } from "./request.ts";

const PROVIDERS = "/routing/v1/providers/";
const INDEXER = "/cid/";
const JSON_TYPE = "application/json";
const LINES_TYPE = "application/x-ndjson";
/** Seconds that an answer, and one that nobody has it, may be kept: what a node has changes. */
const MAX_AGE = 15;
/** Characters of a filter, and its parts. */
const MAX_FILTER = 1024;

/** Numbers of the transports in an indexer's metadata, by which it is sorted. */
const TRANSPORT_CODES: readonly (readonly [Transport, number])[] = [
  ["transport-bitswap", 0x0900],
  ["transport-graphsync-filecoinv1", 0x0910],
  ["transport-ipfs-gateway-http", 0x0920],
];

type Found = ContentProvider & { readonly peer: string };
type Finder = Pick<ContentFinder, "find">;

/** Whether a path is one of these. */
export const isRouting = (path: string): boolean => path.startsWith("/routing/v1/") || path.startsWith(INDEXER);

/** Answers a GET or HEAD of a path for which `isRouting` holds. */
export async function answerRouting(finder: Finder, request: GatewayRequest, signal: AbortSignal): Promise<Download> {
  try {
    if (request.path.startsWith(INDEXER)) return await indexed(finder, request, signal);
    if (request.path.startsWith(PROVIDERS)) return await routed(finder, request, signal);
    return refusal(501, `only ${PROVIDERS}<CID> is served`);
  } catch (error) {
    if (error instanceof GatewayRefusal) return refusal(error.status, error.message);
    if (error instanceof RetrievalError && error.data.code === "BUSY")
      return refusal(429, error.message, { "retry-after": "1" });
    throw error;
  }
}

async function providersOf(finder: Finder, cid: CID, signal: AbortSignal): Promise<readonly Found[]> {
  return (await finder.find(cid, signal)).filter((found): found is Found => found.peer !== null);
}

async function routed(finder: Finder, request: GatewayRequest, signal: AbortSignal): Promise<Download> {
  let cid: CID;
  try {
    cid = rootOf(request.path.slice(PROVIDERS.length));
  } catch (error) {
    throw error instanceof GatewayRefusal ? new GatewayRefusal(422, error.message) : error;
  }
  const params = new URLSearchParams(request.query);
  const protocols = filterOf(params, "filter-protocols");
  const addresses = filterOf(params, "filter-addrs");
  const records = (await providersOf(finder, cid, signal)).flatMap((found) => {
    const Protocols = found.transports;
    if (protocols !== null && !(Protocols.length === 0 ? ["unknown"] : Protocols).some((name) => protocols.has(name)))
      return [];
    const Addrs = addresses === null ? found.addresses : filtered(found.addresses, addresses);
    return Addrs === null ? [] : [{ Schema: "peer", ID: found.peer, Addrs, Protocols }];
  });
  return answer(request, records, (all) => ({ Providers: all }), cid);
}

/** Names of a filter, in lower case; null: there is none. */
function filterOf(params: URLSearchParams, name: string): ReadonlySet<string> | null {
  const text = params.get(name);
  if (text === null || text === "") return null;
  if (text.length > MAX_FILTER) throw new GatewayRefusal(422, `${name}: more than ${MAX_FILTER} characters`);
  return new Set(text.toLowerCase().split(","));
}

/**
 * Addresses that a filter lets pass: with a protocol that it names, and with none that it names behind "!". Null: none is
 * left, and the record goes, too; one without addresses stays where "unknown" is named.
 */
function filtered(addresses: readonly string[], names: ReadonlySet<string>): readonly string[] | null {
  if (addresses.length === 0) return names.has("unknown") ? [] : null;
  const wanted = [...names].filter((name) => !name.startsWith("!"));
  const kept = addresses.filter((address) => {
    const parts = new Set(address.split("/"));
    const isUnwanted = [...names].some((name) => name.startsWith("!") && parts.has(name.slice(1)));
    return !isUnwanted && (wanted.length === 0 || wanted.some((name) => parts.has(name)));
  });
  return kept.length === 0 ? null : kept;
}

async function indexed(finder: Finder, request: GatewayRequest, signal: AbortSignal): Promise<Download> {
  const cid = rootOf(request.path.slice(INDEXER.length));
  const records = (await providersOf(finder, cid, signal)).flatMap((found) => {
    const metadata = metadataOf(found);
    if (metadata.length === 0) return [];
    return [
      {
        ContextID: toBase64(found.deal?.proposal.bytes ?? cid.bytes),
        Metadata: toBase64(metadata),
        Provider: { ID: found.peer, Addrs: found.addresses },
      },
    ];
  });
  const whole = (all: readonly unknown[]) => ({
    MultihashResults: [{ Multihash: toBase64(cid.multihash.bytes), ProviderResults: all }],
  });
  return answer(request, records, whole, cid);
}

/** How a provider's data is had, as indexers say it; empty where that is not known. Graphsync is said of deals alone. */
function metadataOf({ transports, deal }: ContentProvider): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, code] of TRANSPORT_CODES) {
    if (!transports.includes(name)) continue;
    const isGraphsync = name === "transport-graphsync-filecoinv1";
    if (isGraphsync && deal === null) continue;
    parts.push(encodeVarint(code));
    if (isGraphsync && deal !== null) {
      const { piece, isVerified, isUnsealed } = deal;
      parts.push(dagCbor.encode({ PieceCID: piece, VerifiedDeal: isVerified, FastRetrieval: isUnsealed }));
    }
  }
  return concat(...parts);
}

/** The records as the request wants them, or 404. */
function answer(
  request: GatewayRequest,
  records: readonly unknown[],
  whole: (records: readonly unknown[]) => unknown,
  cid: CID,
): Download {
  const cache = { "cache-control": `max-age=${MAX_AGE}`, vary: "Accept" };
  if (records.length === 0) return refusal(404, `nobody is known here who has ${cid}`, cache);
  const asLines = /\bapplication\/x-ndjson\b/i.test(request.header("accept") ?? "");
  const text = asLines
    ? records.map((record) => `${JSON.stringify(record)}\n`).join("")
    : JSON.stringify(whole(records));
  const body = utf8(text);
  const headers = {
    ...cache,
    "content-type": asLines ? LINES_TYPE : JSON_TYPE,
    "content-length": `${body.length}`,
    "x-content-type-options": "nosniff",
  };
  return { status: 200, headers, body: request.method === "HEAD" ? null : one(body) };
}
