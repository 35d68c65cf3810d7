/**
 * Asking others who has some content, over HTTP: delegated routing (`/routing/v1/providers/<CID>`) and the network's indexers
 * (`/cid/<CID>`), whichever a server has. What they say is a claim; whoever fetches verifies.
 * Source: IPFS specifications, http-routing-v1; IPNI specification, find and metadata.
 */

import { readText } from "../../base/answer-text.ts";
import { fromBase64 } from "../../base/bytes.ts";
import type { CID } from "../../types/cid.ts";
import { RetrievalError } from "./errors.ts";

/** A provider as a server names it. */
export type RoutedProvider = {
  readonly peer: string;
  readonly addresses: readonly string[];
  /** Names of transports; none: the server does not say. */
  readonly protocols: readonly string[];
};

/** Milliseconds for one server, bytes of its answer, providers that are read of it, and texts of one. */
const ANSWER_MS = 30_000;
const MAX_ANSWER = 1 << 20;
const MAX_PROVIDERS = 100;
const MAX_TEXTS = 64;
const MAX_TEXT = 512;

/** Names of transports in an indexer's metadata.  The first one is read: what follows it depends on its payload. */
const NAMES: Readonly<Record<number, string>> = {
  2304: "transport-bitswap",
  2320: "transport-graphsync-filecoinv1",
  2336: "transport-ipfs-gateway-http",
};

/** What a server of delegated routing says. Rejects with `RetrievalError` NO_ANSWER. */
export function askRouter(server: string, cid: CID, signal: AbortSignal): Promise<readonly RoutedProvider[]> {
  return ask(server, `routing/v1/providers/${cid}`, signal, (json) =>
    itemsOf(fieldOf(json, "Providers")).map((record) => ({
      ...placed(record),
      // Records of the older schemas name one protocol each.
      protocols: [...textsOf(fieldOf(record, "Protocols")), ...textsOf([fieldOf(record, "Protocol")])],
    })),
  );
}

/** What an indexer says. Rejects with `RetrievalError` NO_ANSWER. */
export function askIndexer(server: string, cid: CID, signal: AbortSignal): Promise<readonly RoutedProvider[]> {
  return ask(server, `cid/${cid}`, signal, (json) =>
    itemsOf(fieldOf(json, "MultihashResults")).flatMap((found) =>
      itemsOf(fieldOf(found, "ProviderResults")).map((result) => ({
        ...placed(fieldOf(result, "Provider")),
        protocols: protocolsOf(fieldOf(result, "Metadata")),
      })),
    ),
  );
}

async function ask(
  server: string,
  path: string,
  outer: AbortSignal,
  read: (json: unknown) => readonly RoutedProvider[],
): Promise<readonly RoutedProvider[]> {
  const signal = AbortSignal.any([outer, AbortSignal.timeout(ANSWER_MS)]);
  try {
    const url = new URL(path, server.endsWith("/") ? server : `${server}/`);
    const response = await fetch(url, { signal, headers: { accept: "application/json" } });
    if (!response.ok) {
      // An answer that nobody reads holds its connection.
      await response.body?.cancel().catch(() => undefined);
      if (response.status === 404) return [];
      throw new Error(`HTTP status ${response.status}`);
    }
    const providers = read(JSON.parse(await readText(response, MAX_ANSWER)));
    return providers.filter(({ peer }) => peer !== "").slice(0, MAX_PROVIDERS);
  } catch (cause) {
    outer.throwIfAborted();
    const why = cause instanceof Error ? cause.message : `${cause}`;
    throw new RetrievalError({ code: "NO_ANSWER", peer: server }, `${server} does not say who has it: ${why}`, {
      cause,
    });
  }
}

function placed(record: unknown): { readonly peer: string; readonly addresses: readonly string[] } {
  return { peer: textsOf([fieldOf(record, "ID")])[0] ?? "", addresses: textsOf(fieldOf(record, "Addrs")) };
}

function protocolsOf(metadata: unknown): string[] {
  const [text] = textsOf([metadata]);
  if (text === undefined) return [];
  const [low = 0, high = 0] = fromBase64(text);
  const name = NAMES[(low & 0x7f) | (high << 7)];
  return name === undefined ? [] : [name];
}

const fieldOf = (json: unknown, name: string): unknown =>
  typeof json === "object" && json !== null ? (json as Readonly<Record<string, unknown>>)[name] : undefined;

const itemsOf = (json: unknown): readonly unknown[] => (Array.isArray(json) ? json.slice(0, MAX_PROVIDERS) : []);

/** The texts of a list that are not too long. */
const textsOf = (json: unknown): string[] =>
  itemsOf(json)
    .filter((one): one is string => typeof one === "string" && one.length > 0 && one.length <= MAX_TEXT)
    .slice(0, MAX_TEXTS);
