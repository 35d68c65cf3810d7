/**
 * What Curio's market of 2025 (MK20) is told and answers, as JSON over HTTP. A deal names products: here direct data onboarding
 * (`ddo_v1`, a sector without a deal of the market actor) and how it may be retrieved (`retrieval_v1`). Deals are written as Go's
 * encoder writes them, field by field. Not built: proofs of data possession (`pdp_v1`) and aggregates.
 * Source: curio e0294b0f9481 market/mk20/types.go, ddo_v1.go, retrieval_v1.go, utils.go.
 */

import { toBase64 } from "../../../base/bytes.ts";
import type { Address, NetworkPrefix } from "../../../types/address.ts";
import type { CID } from "../../../types/cid.ts";
import type { PieceForm } from "../../data/commit-car.ts";
import { badAnswer, badArgument } from "./errors.ts";

/** Where the provider gets the data: from URLs in turn, sent to it after the deal was taken, or by hand. */
export type Mk20Source =
  | { readonly kind: "http"; readonly urls: readonly Mk20Url[] }
  | { readonly kind: "put" }
  | { readonly kind: "offline" };
export type Mk20Url = {
  readonly url: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** The least is tried first. */
  readonly priority: number;
  /** Only where others fail. */
  readonly fallback: boolean;
};

/** A contract of the market that must know the deal, and its number there. */
export type Mk20Contract = { readonly address: string; readonly dealId: bigint };

export type Mk20Deal = {
  /** A ULID. */
  readonly id: string;
  readonly client: Address;
  readonly provider: Address;
  /** Version 2, which tells the bytes of the data. */
  readonly piece: CID;
  readonly form: PieceForm;
  readonly source: Mk20Source;
  /** By when it must be active; null: the provider decides. */
  readonly startEpoch: number | null;
  readonly duration: number;
  /** The client's allocation in the verified registry; null: the deal is unverified. */
  readonly allocation: bigint | null;
  readonly contract: Mk20Contract | null;
  /** Whom the sector's activation is told of, with what; null: nobody. */
  readonly notify?: { readonly address: Address; readonly payload: Uint8Array } | null;
  /** Blocks are found by their CIDs, and announced to indexers. */
  readonly indexing: boolean;
  readonly announce: boolean;
};

/** Epochs, and entries of a list. Source: curio market/mk20/ddo_v1.go (Validate), utils.go (maxURLCount, maxHeaderCount). */
export const MK20_LIMITS = { duration: 518_400, urls: 10, headers: 10 } as const;
/** Longest text of a provider's that is read, and elements of its lists. */
const MAX_TEXT = 4096;
const MAX_LIST = 1024;
/** Chunks of an upload: the largest file in the smallest chunks that Curio takes by default. */
const MAX_CHUNKS = 1 << 16;
const ETHEREUM = /^0x[0-9a-fA-F]{40}$/;

/** Throws `Mk20Error` BAD_ARGUMENT for a deal that no provider would take. */
export function checkDeal({
  source,
  startEpoch,
  duration,
  allocation,
  contract,
  form,
  indexing,
  announce,
}: Mk20Deal): void {
  if (allocation === null && duration < MK20_LIMITS.duration)
    badArgument("duration", `at least ${MK20_LIMITS.duration} epochs`, `${duration}`);
  if (allocation === 0n) badArgument("allocation", "a number above 0", "0");
  if (startEpoch !== null && startEpoch <= 0) badArgument("startEpoch", "an epoch above 0", `${startEpoch}`);
  if (contract !== null && !ETHEREUM.test(contract.address))
    badArgument("contract", "an address of Ethereum's, 0x and 40 digits", contract.address.slice(0, 80));
  if (announce && !indexing) badArgument("announce", "blocks that are indexed", "blocks that are not");
  if (form === "raw" && indexing) badArgument("indexing", "data of which blocks can be had, a CAR file", "a raw piece");
  if (source.kind !== "http") return;
  const { urls } = source;
  if (urls.length === 0 || urls.length > MK20_LIMITS.urls)
    badArgument("urls", `1 to ${MK20_LIMITS.urls}`, `${urls.length}`);
  for (const { headers } of urls)
    if (Object.keys(headers).length > MK20_LIMITS.headers)
      badArgument("headers", `at most ${MK20_LIMITS.headers} of a URL`, `${Object.keys(headers).length}`);
}

/** Go spells an address that was not set so. */
const NO_ADDRESS = "<empty>";

/** The JSON of a deal. */
export function encodeDeal(deal: Mk20Deal, prefix: NetworkPrefix): string {
  const { source, contract, allocation, notify = null } = deal;
  const urls = source.kind === "http" ? source.urls : [];
  return goJson({
    identifier: deal.id,
    client: deal.client.toString(prefix),
    data: {
      piece_cid: { "/": `${deal.piece}` },
      format: { [deal.form]: {} },
      ...(source.kind === "http" ? { source_http: { urls: urls.map(urlJson) } } : {}),
      ...(source.kind === "offline" ? { source_offline: {} } : {}),
      ...(source.kind === "put" ? { source_http_put: {} } : {}),
    },
    products: {
      ddo_v1: {
        provider: deal.provider.toString(prefix),
        start_epoch: deal.startEpoch,
        duration: deal.duration,
        ...(allocation === null ? {} : { allocation_id: allocation }),
        market_address: contract?.address ?? "",
        market_deal_id: contract?.dealId ?? null,
        notification_address: notify?.address.toString(prefix) ?? NO_ADDRESS,
        ...(notify === null ? {} : { notification_payload: notify.payload }),
      },
      retrieval_v1: { indexing: deal.indexing, announce_payload: deal.announce, announce_piece: false },
    },
  });
}

function urlJson({ url, headers, priority, fallback }: Mk20Url) {
  const sorted = Object.keys(headers).sort();
  return { url, headers: Object.fromEntries(sorted.map((name) => [name, headers[name]])), priority, fallback };
}

/** JSON as Go's encoder writes it: integers of any size, and characters that HTML knows spelled out. */
export function goJson(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return goJson(toBase64(value));
  if (Array.isArray(value)) return `[${value.map(goJson).join()}]`;
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value)
      .map(([name, one]) => `${goJson(name)}:${goJson(one)}`)
      .join()}}`;
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Source: curio market/mk20/utils.go (DealState). */
export const MK20_STATES = [
  "accepted",
  "uploading",
  "processing",
  "sealing",
  "indexing",
  "failed",
  "complete",
] as const;
export type Mk20State = (typeof MK20_STATES)[number];
export type Mk20Status = { readonly state: Mk20State; readonly error: string };

/** How the deal's product is. Throws `Mk20Error` BAD_ANSWER. */
export function readStatus(json: unknown): Mk20Status {
  const product = field(field({ answer: json }, "answer"), "ddo_v1");
  const { status, errorMsg = "" } = product;
  if (!MK20_STATES.includes(status as Mk20State))
    badAnswer(`no state ${JSON.stringify(status)?.slice(0, 40)} of a deal`);
  return { state: status as Mk20State, error: textOf(errorMsg) };
}

export type Mk20Upload = { readonly total: number; readonly missing: readonly number[] };

/** Which chunks of an upload, from 1 on, the provider lacks. Throws `Mk20Error` BAD_ANSWER. */
export function readUpload(json: unknown): Mk20Upload {
  const { total_chunks: total, missing_chunks: missing } = field({ answer: json }, "answer");
  const isChunk = (one: unknown): one is number => Number.isSafeInteger(one) && (one as number) >= 1;
  if (!isChunk(total) || total > MAX_CHUNKS)
    return badAnswer("the chunks of an upload are no number that can be meant");
  // Go writes an empty list as null.
  const list = missing ?? [];
  if (!Array.isArray(list) || list.length > total || !list.every((one) => isChunk(one) && one <= total))
    return badAnswer("the chunks that are missing are none of the upload");
  return { total, missing: list as readonly number[] };
}

/** Texts of a list that an answer has. Throws `Mk20Error` BAD_ANSWER. */
export function readNames(json: unknown, name: "products" | "sources" | "contracts"): readonly string[] {
  const list = field({ answer: json }, "answer")[name] ?? [];
  if (!Array.isArray(list) || list.length > MAX_LIST) return badAnswer(`no list of ${name}`);
  return list.map(textOf);
}

function field(value: unknown, name: string): Readonly<Record<string, unknown>> {
  const found = (value as Readonly<Record<string, unknown>>)[name];
  if (typeof found === "object" && found !== null && !Array.isArray(found))
    return found as Readonly<Record<string, unknown>>;
  return badAnswer(`no object ${name}`);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_TEXT) : badAnswer("a text is expected");
}
