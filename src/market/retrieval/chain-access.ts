/** Providers that the chain knows: where a miner is reached, and which miners' deals name some data. */
import { multiaddr } from "@multiformats/multiaddr";
import { base58btc } from "multiformats/bases/base58";
import { fromBase64, toHex } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { type JsonObject, ObjectReader } from "../../state/actor-reader.ts";
import type { StateManager } from "../../stmgr/state-manager.ts";
import { Address } from "../../types/address.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import { MARKET } from "../../types/singletons.ts";
import { Pace } from "../data/pace.ts";
import { RetrievalError } from "./errors.ts";

export type RetrievalChain = {
  /**
   * Where a miner says that it is reached: multiaddrs that end with its identity, or the identity alone. Rejects with
   * `RetrievalError` NO_ANSWER that says what the chain lacks.
   */
  placesOf(miner: Address): Promise<readonly string[]>;
  /** Miners with a deal under way whose label is a CID of the root's hash, in whatever base and version; each once. */
  minersOf(root: CID, signal: AbortSignal): Promise<readonly Address[]>;
};

/** Addresses of a miner that are tried, deals that are looked through, and miners that are found. */
const MAX_ADDRESSES = 8;
const MAX_DEALS = 200_000;
const MAX_MINERS = 16;

export function retrievalChain(states: StatesAccess): RetrievalChain {
  const { chain, network } = states;
  const open = async (actor: Address): Promise<ObjectReader | null> => {
    const entry = await (await states.stateAfter(chain.head)).actor(actor);
    return entry === null ? null : ObjectReader.open(chain.blocks, entry, network.prefix);
  };
  const lacks = (miner: Address, what: string): RetrievalError =>
    new RetrievalError({ code: "NO_ANSWER", peer: `${miner}` }, `${miner.toString(network.prefix)} ${what}`);
  // Of the market's proposals as they are now; all who ask meanwhile share one walk.
  let known: { readonly proposals: string; readonly labels: Promise<Labels> } | null = null;
  const labelsOf = (market: ObjectReader): Promise<Labels> => {
    const proposals = `${market.cidOf("Proposals")}`;
    if (known?.proposals !== proposals) {
      const labels = readLabels(market);
      known = { proposals, labels };
      labels.catch(() => {
        if (known?.labels === labels) known = null;
      });
    }
    return known.labels;
  };
  return {
    async placesOf(miner) {
      const reader = await open(miner);
      if (reader === null || !reader.has("Info")) throw lacks(miner, "is no miner of this network");
      const info = (await reader.object("Info")) as JsonObject;
      const peer = info["PeerId"] as string | null;
      if (peer === null) throw lacks(miner, "names no peer on the chain; its owner does: miner actor set-peer-id");
      const id = base58btc.baseEncode(fromBase64(peer));
      const addresses = ((info["Multiaddrs"] ?? []) as readonly string[]).slice(0, MAX_ADDRESSES).flatMap(readAddress);
      return addresses.length === 0 ? [id] : addresses.map((one) => (one.includes("/p2p/") ? one : `${one}/p2p/${id}`));
    },
    async minersOf(root, signal) {
      const market = await open(MARKET);
      const found = new Map<string, Address>();
      if (market === null) return [];
      const deals = (await labelsOf(market)).get(nameOf(root)) ?? [];
      const pace = new Pace(signal);
      for (const [id, provider] of deals) {
        await pace.step();
        if (found.size >= MAX_MINERS) break;
        if (found.has(provider)) continue;
        const state = (await market.element("States", id)) as JsonObject | null;
        if (Number(state?.["SectorStartEpoch"] ?? -1) < 0 || Number(state?.["SlashEpoch"] ?? -1) >= 0) continue;
        found.set(provider, Address.parse(provider));
      }
      return [...found.values()];
    },
  };
}

/** Deals by what their labels name: each with its provider. */
type Labels = ReadonlyMap<string, readonly (readonly [bigint, string])[]>;

/** How a root is named here: by its hash alone, since labels have CIDs of either version. */
const nameOf = (root: CID): string => toHex(root.multihash.bytes);

async function readLabels(market: ObjectReader): Promise<Labels> {
  const labels = new Map<string, (readonly [bigint, string])[]>();
  const pace = new Pace();
  let looked = 0;
  for await (const [id, proposal] of market.elements("Proposals")) {
    await pace.step();
    if (++looked > MAX_DEALS) break;
    const { Label, Provider } = proposal as { readonly Label: unknown; readonly Provider: string };
    const name = typeof Label === "string" ? labelled(Label) : null;
    if (name === null) continue;
    const deals = labels.get(name);
    if (deals === undefined) labels.set(name, [[id, Provider]]);
    else deals.push([id, Provider]);
  }
  return labels;
}

/**
 * Hash of the root that a label names, hexadecimal; null: it names none. The reference's clients write the root in base 64, or,
 * of version 0, in base 58; ours and others in base 32. Source: go-fil-markets v1.28.3, LabelField.
 */
export function labelled(label: string): string | null {
  try {
    return nameOf(parseCid(label));
  } catch (error) {
    if (!isFilError(error)) throw error;
    return null;
  }
}

type StatesAccess = Pick<StateManager, "chain" | "network" | "stateAfter">;

function readAddress(bytes: string): string[] {
  try {
    return [multiaddr(fromBase64(bytes)).toString()];
  } catch {
    return [];
  }
}

/** Whether a provider is named as a miner of a network. */
export function minerIn(provider: string): Address | null {
  if (!/^[tf][0-3]/.test(provider)) return null;
  try {
    return Address.parse(provider);
  } catch (error) {
    if (!isFilError(error)) throw error;
    return null;
  }
}
