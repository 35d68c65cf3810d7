/** What storage deals ask of a node: the chain's view of the market, keys, and messages. */
import * as dagCbor from "@ipld/dag-cbor";
import { isFilError } from "../../base/errors.ts";
import { describedCode } from "../../params/actor-codes.ts";
import { CHAIN_LIMITS } from "../../params/networks.ts";
import { PROFILES } from "../../schema/profiles.ts";
import { EXPORTED } from "../../schema/published/exported.ts";
import { findVersion } from "../../schema/versions/rows.ts";
import { type JsonObject, ObjectReader } from "../../state/actor-reader.ts";
import { dataCapOf } from "../../state/data-cap.ts";
import { sectorsOf } from "../../state/miner-sectors.ts";
import { encodeMethodParams, type StateView } from "../../state/state-view.ts";
import { minProviderCollateral, withSafety } from "../../stmgr/economy.ts";
import { networkFigures } from "../../stmgr/pledge-figures.ts";
import { Address, type NetworkPrefix } from "../../types/address.ts";
import { bigToBytes } from "../../types/amount.ts";
import { decodeRuns } from "../../types/bitfield.ts";
import type { Tipset } from "../../types/block-header.ts";
import { parseCid } from "../../types/cid.ts";
import { runsOf } from "../../types/number-runs.ts";
import { MARKET } from "../../types/singletons.ts";
import { type ChainAccess, chainAccess, type Draft, type NodeAccess } from "../paych/chain-access.ts";
import { DealError } from "./errors.ts";
import type { SectorOnChain } from "./inclusion.ts";
import {
  type DealProposal,
  proposalCid,
  proposalOfJson,
  type SignedProposal,
  signedProposalTuple,
} from "./proposal.ts";
import { type DealDuration, dealDuration } from "./rules.ts";
import { type ContentSource, sectorContent } from "./sector-content.ts";

/** attoFIL. */
export type Escrow = { readonly escrow: bigint; readonly locked: bigint };

/** A deal as the market has it; epochs are null that have not come. */
export type OnChainDeal = {
  readonly proposal: DealProposal;
  /** When its sector was proven. */
  readonly activated: number | null;
  /** When it was last paid. */
  readonly updated: number | null;
  readonly slashed: number | null;
};

/** How a deal left the market. */
export type DealEnd = {
  /** The first epoch after which it is not there any more, as far as the states that are kept tell. */
  readonly epoch: number;
  /** The deal as it was last seen there; null if this chain did not have it, undefined if no state is kept that tells. */
  readonly last: OnChainDeal | null | undefined;
};

export type ProviderFacts = {
  /** Key addresses. */
  readonly worker: Address;
  /** Who may publish, the preferred first. */
  readonly senders: readonly Address[];
  readonly sectorBytes: number;
};

export type MarketChain = {
  /** Letter of addresses in texts. */
  readonly prefix: NetworkPrefix;
  readonly epoch: number;
  /** Bytes of the smallest verified deal. */
  readonly minVerifiedBytes: bigint;
  /** Least and most epochs of a deal that is published next. */
  readonly dealDuration: DealDuration;
  /** Keys, messages and addresses. */
  readonly messages: Pick<
    ChainAccess,
    "idOf" | "keyOf" | "hasKey" | "sign" | "verify" | "send" | "resend" | "wait" | "tryOut"
  >;
  onHeadChange(listener: () => void): () => void;
  /** Throws `DealError` NOT_A_PROVIDER. */
  provider(miner: Address): Promise<ProviderFacts>;
  /** Of an ID address. */
  escrow(id: Address): Promise<Escrow>;
  /** Least and most attoFIL of a provider's collateral; the least with a tenth more for what moves until it is published. */
  collateral(size: bigint, verified: boolean): Promise<{ readonly min: bigint; readonly max: bigint }>;
  /** Bytes of verified deals that a client may still make; null for nobody. */
  dataCap(id: Address): Promise<bigint | null>;
  deal(id: number): Promise<OnChainDeal | null>;
  /** Of a deal that is gone and was there at an epoch. */
  endOf(id: number, since: number): Promise<DealEnd>;
  /** Whether the market pays a deal's provider only when somebody asks it to, and not by itself. */
  readonly paysWhenAsked: boolean;
  /** What the chain has in a sector; null if there is no such sector, or none of deals. */
  sector(miner: Address, number: number): Promise<SectorOnChain | null>;
  /** Whether a proposal is published and not yet processed for the first time. */
  isPublished(proposal: DealProposal): Promise<boolean>;
  /** Those that are of some, named by the CIDs of the proposals as the chain keeps them. */
  pendingOf(onChain: readonly string[]): Promise<ReadonlySet<string>>;
  /** The proposal as the chain keeps it: its parties by their IDs. Null if one is unknown. */
  normalised(proposal: DealProposal): Promise<DealProposal | null>;
  publishDraft(from: Address, deals: readonly SignedProposal[]): Draft;
  addBalanceDraft(from: Address, to: Address, value: bigint): Draft;
  withdrawDraft(from: Address, of: Address, value: bigint): Draft;
  /** Asks for the payments of deals; their ids ascend. */
  settleDraft(from: Address, ids: readonly number[]): Draft;
};

const ADD_BALANCE = 2n;
const WITHDRAW = 3n;
const PUBLISH = 4n;
const SETTLE = BigInt(EXPORTED.SettleDealPayments);
/** First actors version whose market makes no payments by itself (FIP-0074). */
const PAYS_WHEN_ASKED = 13;

export function marketChain(node: NodeAccess): MarketChain {
  const { states } = node;
  const { chain, network } = states;
  const messages = chainAccess(node);
  const view = () => states.stateAfter(chain.head);
  const open = async (actor: Address, at: Tipset = chain.head): Promise<ObjectReader> =>
    ObjectReader.open(chain.blocks, await (await states.stateAfter(at)).requireActor(actor), network.prefix);
  /** What an actor's state after an epoch says, on the way to a head; undefined where that is not kept. */
  const keptAt = async <T>(
    actor: Address,
    epoch: number,
    head: Tipset,
    read: (reader: ObjectReader) => Promise<T>,
  ): Promise<T | undefined> => {
    try {
      return await read(await open(actor, await chain.tipsetAtOrBefore(epoch, head)));
    } catch (error) {
      if (NOT_KEPT.some((code) => isFilError(error, code))) return undefined;
      throw error;
    }
  };
  const nextVersion = (): number => states.networkVersionAt(chain.head.height + 1);
  const atto = async (reader: ObjectReader, table: string, id: Address): Promise<bigint> =>
    BigInt(((await reader.element(table, id.bytes)) ?? "0") as string);
  const normalised = async (proposal: DealProposal): Promise<DealProposal | null> => {
    const state = await view();
    const client = await state.lookupId(proposal.client);
    const provider = await state.lookupId(proposal.provider);
    return client === null || provider === null ? null : { ...proposal, client, provider };
  };
  /** What was found in one state: each of many deals that wait for their funds asks for the proposals of all, at every head. */
  let looked: { readonly state: StateView; readonly known: Map<string, boolean> } | null = null;
  const pendingOf = async (onChain: readonly string[]): Promise<ReadonlySet<string>> => {
    const state = await view();
    if (looked?.state !== state) looked = { state, known: new Map() };
    const { known } = looked;
    const fresh = onChain.filter((name) => !known.has(name));
    if (fresh.length > 0) {
      const market = await ObjectReader.open(chain.blocks, await state.requireActor(MARKET), network.prefix);
      for (const name of fresh)
        known.set(name, (await market.element("PendingProposals", parseCid(name).bytes)) !== null);
    }
    return new Set(onChain.filter((name) => known.get(name)));
  };
  return {
    prefix: network.prefix,
    get epoch() {
      return chain.head.height;
    },
    minVerifiedBytes: PROFILES[network.profile].minVerifiedDealSize,
    get dealDuration() {
      return dealDuration(nextVersion());
    },
    messages,
    onHeadChange: (listener) => chain.onHeadChange(listener),
    normalised,
    async provider(miner) {
      const state = await view();
      const entry = await state.actor(miner);
      const reader = entry === null ? null : await ObjectReader.open(chain.blocks, entry, network.prefix);
      if (reader === null || !reader.has("Info"))
        throw new DealError(
          { code: "NOT_A_PROVIDER" },
          `${miner.toString(network.prefix)} is no storage provider of this network`,
        );
      const info = (await reader.object("Info")) as JsonObject;
      const key = (name: string): Promise<Address> => state.accountKey(Address.parse(info[name] as string));
      const worker = await key("Worker");
      const controls = (info["ControlAddresses"] ?? []) as readonly string[];
      const senders = [worker];
      for (const one of controls) senders.push(await state.accountKey(Address.parse(one)));
      return { worker, senders, sectorBytes: Number(info["SectorSize"]) };
    },
    async sector(miner, number) {
      const state = await view();
      const entry = await state.actor(miner);
      if (entry === null) return null;
      const market = await state.requireActor(MARKET);
      const owner = { id: await state.requireId(miner), entry };
      const { head } = chain;
      const minerAt: ContentSource["minerAt"] = (epoch, read) => keptAt(owner.id, epoch, head, read);
      return sectorContent({ chain, prefix: network.prefix, miner: owner, market, minerAt }, number);
    },
    async escrow(id) {
      const market = await open(MARKET);
      return { escrow: await atto(market, "EscrowTable", id), locked: await atto(market, "LockedTable", id) };
    },
    async collateral(size, verified) {
      const figures = await networkFigures(states, chain.head, await view(), chain.blocks);
      const { networkVersion, totals, baselinePower, circulatingSupply } = figures;
      const power = { ...totals, baseline: baselinePower };
      const least = minProviderCollateral(networkVersion, size, verified, power, circulatingSupply);
      return { min: withSafety(least), max: CHAIN_LIMITS.totalFilecoin };
    },
    async dataCap(id) {
      return dataCapOf(chain.blocks, await view(), network.prefix, id);
    },
    deal: async (id) => dealIn(await open(MARKET), id),
    async endOf(id, since) {
      // All of one chain: the head may go back between two looks.
      const { head } = chain;
      const at = (epoch: number) => keptAt(MARKET, epoch, head, (market) => dealIn(market, id));
      return endBetween(Math.min(since, head.height), head.height, at);
    },
    get paysWhenAsked() {
      return (findVersion(nextVersion())?.actors ?? 0) >= PAYS_WHEN_ASKED;
    },
    async isPublished(proposal) {
      const onChain = await normalised(proposal);
      return onChain !== null && (await pendingOf([`${proposalCid(onChain)}`])).size > 0;
    },
    pendingOf,
    publishDraft: (from, deals) => ({
      ...{ from, to: MARKET, value: 0n, method: PUBLISH },
      params: dagCbor.encode([deals.map(signedProposalTuple)]),
    }),
    addBalanceDraft: (from, to, value) => ({
      ...{ from, to: MARKET, value, method: ADD_BALANCE },
      params: dagCbor.encode(to.bytes),
    }),
    withdrawDraft: (from, of, value) => ({
      ...{ from, to: MARKET, value: 0n, method: WITHDRAW },
      params: dagCbor.encode([of.bytes, bigToBytes(value)]),
    }),
    settleDraft: (from, ids) => ({
      ...{ from, to: MARKET, value: 0n, method: SETTLE },
      params: encodeMethodParams(describedCode(nextVersion(), "storagemarket"), SETTLE, runsOf(ids), network.prefix),
    }),
  };
}

/**
 * How a deal left the market that was there at the epoch `low`, and is not at `high`. `at`: the deal after an epoch, null if it was not there,
 * undefined if no state of the epoch is kept: those are the older ones.
 */
export async function endBetween(
  low: number,
  high: number,
  at: (epoch: number) => Promise<OnChainDeal | null | undefined>,
): Promise<DealEnd> {
  let last = await at(low);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const found = await at(middle);
    if (found === null) high = middle;
    else low = middle;
    last = found ?? last;
  }
  return { epoch: high, last };
}

/** Of a state that is not in this store any more, or never was. */
const NOT_KEPT = ["STATE_COLLECTED", "STATE_MISSING"] as const;

async function dealIn(market: ObjectReader, id: number): Promise<OnChainDeal | null> {
  const proposal = await market.element("Proposals", BigInt(id));
  if (proposal === null) return null;
  const state = (await market.element("States", BigInt(id))) as JsonObject | null;
  const epoch = (name: string): number | null => {
    const value = Number(state?.[name] ?? -1);
    return value < 0 ? null : value;
  };
  return {
    proposal: proposalOfJson(proposal as JsonObject),
    activated: epoch("SectorStartEpoch"),
    updated: epoch("LastUpdatedEpoch"),
    slashed: epoch("SlashEpoch"),
  };
}

/**
 * Id of the deal whose proposal was at `index` of those that a message published; null if it was left out. Before actors v8 all are
 * published or none; from then on a second field says which of them were good.
 */
export function publishedId(returned: Uint8Array, index: number): number | null {
  const [ids, valid] = dagCbor.decode(returned) as [readonly (number | bigint)[], Uint8Array?];
  const good = valid === undefined ? null : sectorsOf(decodeRuns(valid));
  const at = good === null ? index : good.indexOf(index);
  const id = ids[at];
  return id === undefined ? null : Number(id);
}
