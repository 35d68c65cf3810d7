/** Providers that the chain knows: where a miner is reached, and which miners' deals name some data. */
import { multiaddr } from "@multiformats/multiaddr";
import { base58btc } from "multiformats/bases/base58";
import { fromBase64 } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { type JsonObject, ObjectReader } from "../../state/actor-reader.ts";
import type { StateManager } from "../../stmgr/state-manager.ts";
import { Address } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import { MARKET } from "../../types/singletons.ts";
import { Pace } from "../data/pace.ts";
import { RetrievalError } from "./errors.ts";

export type RetrievalChain = {
  /**
   * Where a miner says that it is reached: multiaddrs that end with its identity, or the identity alone. Rejects with
   * `RetrievalError` NO_ANSWER that says what the chain lacks.
   */
  placesOf(miner: Address): Promise<readonly string[]>;
  /** Miners with a deal under way whose label is the root's CID, as the reference's clients write it; each once. */
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
      const pace = new Pace(signal);
      const label = `${root}`;
      let looked = 0;
      for await (const [id, proposal] of market.elements("Proposals")) {
        await pace.step();
        if (++looked > MAX_DEALS || found.size >= MAX_MINERS) break;
        const { Label, Provider } = proposal as { readonly Label: unknown; readonly Provider: string };
        if (Label !== label || found.has(Provider)) continue;
        const state = (await market.element("States", id)) as JsonObject | null;
        if (Number(state?.["SectorStartEpoch"] ?? -1) < 0 || Number(state?.["SlashEpoch"] ?? -1) >= 0) continue;
        found.set(Provider, Address.parse(Provider));
      }
      return [...found.values()];
    },
  };
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
