/** What `filigree node start` says when the node runs. */
import { type VersionFacts, versionLine } from "./version-text.ts";

export type Joined = {
  readonly url: string;
  /** Whether its port was named; else it is another one at every start. */
  readonly isFixed: boolean;
  readonly network: string;
  readonly epoch: number;
  readonly version: VersionFacts;
  /** Addresses of its miners. */
  readonly mine: readonly string[];
  readonly proofs: string;
  readonly multiaddrs: readonly string[];
  readonly data: string;
  /** What is told of its token; null where none is needed. */
  readonly token: string | null;
};

export const pageOf = (url: string): string => new URL("/", url).href;

/** The address first. */
export function joinedLines(joined: Joined): string[] {
  const { url, network, epoch, version, mine, proofs, data, token } = joined;
  const isDefault = new URL(url).port === "1234";
  return [
    `JSON-RPC   ${url}`,
    `Page       ${pageOf(url)}  (in a browser)`,
    `Network    "${network}" at epoch ${epoch}; ${mine.length === 0 ? "follows" : `mines as ${mine.join(", ")}`}; ${proofs}`,
    versionLine(version),
    "Accounts   the network's have their keys at the nodes that began it; this node's own: filigree wallet new, or wallet import",
    ...joined.multiaddrs.map((address) => `Peers      ${address}`),
    `Data       ${data}`,
    ...(token === null ? [] : [`Token      ${token}`]),
    `Next       filigree sync wait${isDefault ? "" : ` --rpc ${url}`}${joined.isFixed ? "" : "  (the next start takes another port: --port <n> fixes it)"}`,
    "",
  ];
}
