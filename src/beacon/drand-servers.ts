/** A drand network by its servers: what it is, as they tell it, and where its entries come from. */
import { readText } from "../base/answer-text.ts";
import { concat, equal, fromHex, toHex, utf8 } from "../base/bytes.ts";
import type { Bls } from "../core/bls.ts";
import type { Hashes } from "../core/hashes.ts";
import { type DrandInfo, parseDrandInfo } from "./drand.ts";
import { BeaconError } from "./errors.ts";
import { GossipSource } from "./gossip-source.ts";
import { httpSource, MAX_ANSWER } from "./http-source.ts";
import { verifierOf } from "./rules.ts";
import { type BeaconSource, VerifiedEntries } from "./source.ts";

/** Milliseconds for an answer. */
const ANSWER_MS = 10_000;
/** Beacon of a group that has no name of its own. Source: drand common/beacon.go. */
const DEFAULT_ID = "default";
const HASH = /\/([0-9a-f]{64})$/;

/** A source, and the gossip that feeds it. */
export type DrandSource = {
  readonly info: DrandInfo;
  readonly source: BeaconSource;
  /** Hexadecimal chain hash: the name of its gossip topic. */
  readonly chainHash: string;
  readonly received: (data: Uint8Array) => "accept" | "ignore" | "reject";
};

/** Whether a text is the address of a server, with or without the hash of one of its chains at the end. */
export function isServer(text: string): boolean {
  return /^https?:\/\/[^/]/.test(text) && URL.canParse(text);
}

/** Address of a server without a chain's hash and without slashes at the end. */
function bare(server: string): string {
  return server.replace(/\/+$/, "").replace(HASH, "");
}

/**
 * What a server tells of its chain, by `GET <server>[/<hash>]/info`. The hash that names a chain is made of the rest and of
 * its group: an answer that says of which group it is must fit its own hash; where a hash was asked for, the answer must say so
 * and have that hash. Rejects with `BeaconError` BAD_CHAIN_INFO, or with what the request failed of.
 */
export async function fetchDrandInfo(
  server: string,
  hashes: Pick<Hashes, "sha256">,
  fetch: typeof globalThis.fetch = globalThis.fetch.bind(globalThis),
): Promise<DrandInfo> {
  const wanted = HASH.exec(server.replace(/\/+$/, ""))?.[1];
  const url = `${bare(server)}${wanted === undefined ? "" : `/${wanted}`}/info`;
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS), redirect: "error" });
  if (!response.ok) {
    await response.body?.cancel().catch(() => undefined);
    throw new Error(`${url}: HTTP status ${response.status}`);
  }
  const json: unknown = JSON.parse(await readText(response, MAX_ANSWER));
  const info = parseDrandInfo(json);
  const wrong = (): never => {
    throw new BeaconError(
      { code: "BAD_CHAIN_INFO", field: "hash" },
      `${url}: the chain's hash is not that of its info`,
    );
  };
  if (wanted !== undefined && toHex(info.chainHash) !== wanted) wrong();
  const { groupHash, metadata } = json as { readonly groupHash?: unknown; readonly metadata?: { beaconID?: unknown } };
  if (typeof groupHash !== "string" || !/^([0-9a-f]{2})+$/.test(groupHash)) {
    // A hash alone is what anybody may say.
    if (wanted !== undefined) wrong();
    return info;
  }
  const id = typeof metadata?.beaconID === "string" ? metadata.beaconID : DEFAULT_ID;
  if (!equal(hashOf(info, fromHex(groupHash), id, hashes), info.chainHash)) wrong();
  return info;
}

/** A chain's hash. Source: drand common/chain/info.go, `Hash`. */
function hashOf(
  { period, genesisTime, publicKey }: DrandInfo,
  group: Uint8Array,
  id: string,
  hashes: Pick<Hashes, "sha256">,
): Uint8Array {
  const times = new Uint8Array(12);
  const view = new DataView(times.buffer);
  view.setUint32(0, period);
  view.setBigInt64(4, BigInt(genesisTime));
  return hashes.sha256(concat(times, publicKey, group, id === DEFAULT_ID ? new Uint8Array(0) : utf8(id)));
}

/** Entries of a drand network, from gossip and for what does not come from its servers; each is verified. */
export function drandSource(
  bls: Bls,
  info: DrandInfo,
  servers: readonly string[],
  now: () => number,
  fetch?: typeof globalThis.fetch,
): DrandSource {
  const verified = new VerifiedEntries(verifierOf(bls));
  const otherwise = httpSource({ servers: servers.map(bare), verified, ...(fetch === undefined ? {} : { fetch }) });
  const source = new GossipSource({ info, verified, otherwise, now });
  return { info, source, chainHash: source.chainHash, received: (data) => source.received(data) };
}
