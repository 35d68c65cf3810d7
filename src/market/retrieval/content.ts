/**
 * Finding content: who has a block, as this node knows it without asking anybody. It knows its own data and that of its
 * providers' deals (`payload-index.ts`), the deals of its user by their roots, and the miners whose deals on the chain are
 * labelled with a root.
 */
import { isFilError } from "../../base/errors.ts";
import type { Address } from "../../types/address.ts";
import { CID, parseCid } from "../../types/cid.ts";
import { type ClientDeal, signedOfClient } from "../storage/client-record.ts";
import { ENDED, type ProviderDeal, proposalOfDeal } from "../storage/provider-record.ts";
import type { RetrievalChain } from "./chain-access.ts";
import { RetrievalError } from "./errors.ts";

/** How data is had from a provider, by the names that routers give; none: that is not known. */
export type Transport = "transport-bitswap" | "transport-graphsync-filecoinv1" | "transport-ipfs-gateway-http";

/** A deal that brought the data. */
export type ContentDeal = {
  readonly proposal: CID;
  readonly piece: CID;
  readonly isVerified: boolean;
  readonly isUnsealed: boolean;
};

export type ContentProvider = {
  /** "here": this node. "deal": a deal of its user. "chain": a deal's label. */
  readonly source: "here" | "deal" | "chain";
  /** Null: the node as such. */
  readonly miner: Address | null;
  /** Identity; null: it has none that is known. */
  readonly peer: string | null;
  /** Multiaddrs without the identity. */
  readonly addresses: readonly string[];
  readonly transports: readonly Transport[];
  /** Null: data without a deal, or a deal of which no more is known. */
  readonly deal: ContentDeal | null;
};

/** Where this node is reached. `isFree`: bitswap gives its data, too. */
export type OwnPlaces = {
  readonly peer: string | null;
  readonly libp2p: readonly string[];
  readonly http: readonly string[];
  readonly isFree: boolean;
};

export type ContentParts = {
  readonly has: (cid: Uint8Array) => Promise<boolean>;
  readonly own: () => OwnPlaces;
  readonly clientDeals: () => readonly ClientDeal[];
  /** This node's provider; null: it is none. */
  readonly provider: {
    readonly index: { dealsOf(cid: Uint8Array): Promise<readonly string[]> };
    find(id: string): ProviderDeal | null;
  } | null;
  readonly chain: RetrievalChain;
};

/** Searches at a time, whoever asks, and what one gives. */
const MAX_SEARCHES = 16;
const MAX_FOUND = 100;
/** Of this node's user's deals and its providers' deals with the data, so many are looked at. */
const MAX_DEALS = 32;
const DAG_PB = 0x70;
const SHA2_256 = 0x12;
const SHA2_256_BYTES = 32;

/** A CID and its other spelling: blocks of dag-pb under SHA-256 are named in version 0 and version 1. */
export function spellings(cid: CID): readonly CID[] {
  const { code, digest } = cid.multihash;
  if (cid.code !== DAG_PB || code !== SHA2_256 || digest.length !== SHA2_256_BYTES) return [cid];
  return [cid, cid.version === 0 ? cid.toV1() : CID.createV0(cid.multihash as Parameters<typeof CID.createV0>[0])];
}

export class ContentFinder {
  private readonly parts: ContentParts;
  private searching = 0;

  constructor(parts: ContentParts) {
    this.parts = parts;
  }

  /** Who has a block; this node first. Throws `RetrievalError` BUSY where too many ask at once. */
  async find(cid: CID, signal: AbortSignal): Promise<readonly ContentProvider[]> {
    if (this.searching >= MAX_SEARCHES)
      throw new RetrievalError({ code: "BUSY" }, `${MAX_SEARCHES} searches are under way, as many as may be`);
    this.searching++;
    try {
      const names = spellings(cid);
      const here = await this.here(names);
      const bought = await this.bought(names);
      const miners = await this.parts.chain.minersOf(cid, signal);
      const known = new Set([...here, ...bought].map(({ miner }) => `${miner}`));
      const labelled = miners
        .filter((miner) => !known.has(`${miner}`))
        .map((miner) => this.placed("chain", miner, null));
      return [...here, ...bought, ...(await Promise.all(labelled))].slice(0, MAX_FOUND);
    } finally {
      this.searching--;
    }
  }

  /** This node itself, once for each way to it. */
  private async here(names: readonly CID[]): Promise<ContentProvider[]> {
    const { has, own } = this.parts;
    const found = await Promise.all(names.map(({ bytes }) => has(bytes)));
    if (!found.includes(true)) return [];
    const { peer, libp2p, http, isFree } = own();
    const deal = await this.sold(names);
    const shared = { source: "here" as const, peer, miner: deal?.miner ?? null, deal: deal?.deal ?? null };
    const transports: Transport[] = [
      ...(isFree ? ["transport-bitswap" as const] : []),
      "transport-graphsync-filecoinv1",
    ];
    const addresses = libp2p.map((one) => placeOf(one).address ?? one);
    return [
      ...(peer === null ? [] : [{ ...shared, addresses, transports }]),
      ...(http.length === 0
        ? []
        : [{ ...shared, addresses: http, transports: ["transport-ipfs-gateway-http" as const] }]),
    ];
  }

  /** The first deal of this node's providers that has a block and goes on. */
  private async sold(names: readonly CID[]): Promise<{ readonly miner: Address; readonly deal: ContentDeal } | null> {
    const { provider } = this.parts;
    if (provider === null) return null;
    const ids = await Promise.all(names.map(({ bytes }) => provider.index.dealsOf(bytes)));
    for (const id of ids.flat().slice(0, MAX_DEALS)) {
      const deal = provider.find(id);
      if (deal === null || ENDED.includes(deal.state)) continue;
      const { pieceCid, verified, provider: miner } = proposalOfDeal(deal);
      const shown = { proposal: parseCid(id), piece: pieceCid, isVerified: verified, isUnsealed: deal.keepUnsealed };
      return { miner, deal: shown };
    }
    return null;
  }

  /** Providers elsewhere that this node's user has a deal with, each once. */
  private async bought(names: readonly CID[]): Promise<ContentProvider[]> {
    const texts = new Set(names.map(String));
    const found = new Map<string, Promise<ContentProvider>>();
    for (const deal of this.parts.clientDeals()) {
      if (!texts.has(deal.root) || deal.peer === null || (deal.state !== "Published" && deal.state !== "Active"))
        continue;
      const { provider } = signedOfClient(deal).proposal;
      if (!found.has(`${provider}`)) found.set(`${provider}`, this.placed("deal", provider, deal));
      if (found.size >= MAX_DEALS) break;
    }
    return Promise.all(found.values());
  }

  /** A miner where the chain says that it is, or else where a deal was made with it. */
  private async placed(source: "deal" | "chain", miner: Address, deal: ClientDeal | null): Promise<ContentProvider> {
    const places = await this.parts.chain.placesOf(miner).catch((error: unknown) => {
      if (isFilError(error)) return [];
      throw error;
    });
    const all = [...places, ...(deal?.peer === undefined || deal.peer === null ? [] : [deal.peer])].map(placeOf);
    const peer = all.find((one) => one.peer !== null)?.peer ?? null;
    const addresses = all.flatMap((one) => (one.address === null || one.peer !== peer ? [] : [one.address]));
    return { source, miner, peer, addresses: [...new Set(addresses)], transports: [], deal: deal && bargain(deal) };
  }
}

function bargain(deal: ClientDeal): ContentDeal {
  const { pieceCid, verified } = signedOfClient(deal).proposal;
  return { proposal: parseCid(deal.id), piece: pieceCid, isVerified: verified, isUnsealed: deal.keepUnsealed };
}

/** An identity, or a multiaddr that may end with one, in its two parts. */
function placeOf(text: string): { readonly peer: string | null; readonly address: string | null } {
  if (!text.startsWith("/")) return { peer: text, address: null };
  const [, address = "", peer] = /^(.*?)(?:\/(?:p2p|ipfs)\/([^/]+))?$/.exec(text) ?? [];
  return { peer: peer ?? null, address: address === "" ? null : address };
}
