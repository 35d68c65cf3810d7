/** What storage deals ask of a node: the chain's view of the market, keys, and messages. */
import * as dagCbor from "@ipld/dag-cbor";
import { CHAIN_LIMITS } from "../../params/networks.ts";
import { PROFILES } from "../../schema/profiles.ts";
import { type JsonObject, ObjectReader } from "../../state/actor-reader.ts";
import { dataCapOf } from "../../state/data-cap.ts";
import { sectorsOf } from "../../state/miner-sectors.ts";
import { minProviderCollateral, withSafety } from "../../stmgr/economy.ts";
import { networkFigures } from "../../stmgr/pledge-figures.ts";
import { Address } from "../../types/address.ts";
import { bigToBytes } from "../../types/amount.ts";
import { decodeRuns } from "../../types/bitfield.ts";
import type { CID } from "../../types/cid.ts";
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
import { sectorContent } from "./sector-content.ts";

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

export type ProviderFacts = {
  /** Key addresses. */
  readonly worker: Address;
  /** Who may publish, the preferred first. */
  readonly senders: readonly Address[];
  readonly sectorBytes: number;
};

export type MarketChain = {
  readonly epoch: number;
  /** Bytes of the smallest verified deal. */
  readonly minVerifiedBytes: bigint;
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
  /** What the chain has in a sector; null if there is no such sector, or none of deals. */
  sector(miner: Address, number: number): Promise<SectorOnChain | null>;
  /** Whether a proposal is published and not yet processed for the first time. */
  isPublished(proposal: DealProposal): Promise<boolean>;
  /** The same, by the CID of the proposal as the chain keeps it. */
  isPending(onChain: CID): Promise<boolean>;
  /** The proposal as the chain keeps it: its parties by their IDs. Null if one is unknown. */
  normalised(proposal: DealProposal): Promise<DealProposal | null>;
  publishDraft(from: Address, deals: readonly SignedProposal[]): Draft;
  addBalanceDraft(from: Address, to: Address, value: bigint): Draft;
  withdrawDraft(from: Address, of: Address, value: bigint): Draft;
};

const ADD_BALANCE = 2n;
const WITHDRAW = 3n;
const PUBLISH = 4n;

export function marketChain(node: NodeAccess): MarketChain {
  const { states } = node;
  const { chain, network } = states;
  const messages = chainAccess(node);
  const view = () => states.stateAfter(chain.head);
  const open = async (actor: Address): Promise<ObjectReader> =>
    ObjectReader.open(chain.blocks, await (await view()).requireActor(actor), network.prefix);
  const atto = async (reader: ObjectReader, table: string, id: Address): Promise<bigint> =>
    BigInt(((await reader.element(table, id.bytes)) ?? "0") as string);
  const normalised = async (proposal: DealProposal): Promise<DealProposal | null> => {
    const state = await view();
    const client = await state.lookupId(proposal.client);
    const provider = await state.lookupId(proposal.provider);
    return client === null || provider === null ? null : { ...proposal, client, provider };
  };
  const isPending = async ({ bytes }: CID): Promise<boolean> =>
    (await (await open(MARKET)).element("PendingProposals", bytes)) !== null;
  return {
    get epoch() {
      return chain.head.height;
    },
    minVerifiedBytes: PROFILES[network.profile].minVerifiedDealSize,
    messages,
    onHeadChange: (listener) => chain.onHeadChange(listener),
    normalised,
    async provider(miner) {
      const state = await view();
      const entry = await state.actor(miner);
      const reader = entry === null ? null : await ObjectReader.open(chain.blocks, entry, network.prefix);
      if (reader === null || !reader.has("Info"))
        throw new DealError({ code: "NOT_A_PROVIDER" }, `${miner} is no storage provider of this network`);
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
      return sectorContent({ chain, prefix: network.prefix, miner: owner, market }, number);
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
    async deal(id) {
      const market = await open(MARKET);
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
    },
    async isPublished(proposal) {
      const onChain = await normalised(proposal);
      return onChain !== null && isPending(proposalCid(onChain));
    },
    isPending,
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
