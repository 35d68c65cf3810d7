/** Publishing deals. */
import { Big } from "../../../base/big";
import { Bytes, ptrOf } from "../../../base/bytes";
import { builtinCode } from "../../../runtime/actor";
import { requestMinerAddrs, signableTypes } from "../../../runtime/builtin";
import { cidKey } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import { Address } from "../../../types/address";
import { ERR_FORBIDDEN, ERR_ILLEGAL_ARGUMENT, ERR_NOT_FOUND } from "../../../types/exit-code";
import {
  ClientDealProposal,
  DealProposal,
  MarketState,
  PublishStorageDealsParams,
  PublishStorageDealsReturn,
} from "../codec.gen";
import {
  DEAL_MAX_DURATION,
  DEAL_MAX_LABEL_SIZE,
  DEAL_MIN_DURATION,
  DEAL_UPDATES_INTERVAL,
  durationOf,
  isPieceCid,
  isPieceSize,
  minProviderCollateral,
  NetworkFigures,
  TOTAL_FILECOIN,
} from "../policy";
import { requestNetworkFigures, useBytes } from "../sends";
import { ESCROW, LOCKED, MarketChange, OPERATIONS, PENDING, PROPOSALS, proposalCid } from "../state";

/** Domain separation tag of the randomness that spreads first processings. */
const TAG_MARKET_DEAL_CRON_SEED: i64 = 8;

/** Allowed: accounts and multisigs; in effect the provider's worker. All deals succeed or none. Returns their ids. */
export function publishStorageDeals(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<PublishStorageDealsParams>(params);
  rt.allowTypes(signableTypes());
  const deals = p.deals;
  rt.require(deals.length > 0, ERR_ILLEGAL_ARGUMENT, "empty deals parameter");
  const providerRaw = deals[0].proposal.provider;
  const provider = requireProvider(rt, providerRaw);
  const network = requestNetworkFigures(rt);
  const ids: Array<u64> = [];
  const st = rt.begin<MarketState>();
  const change = new MarketChange(rt, st, PROPOSALS | LOCKED | ESCROW | PENDING | OPERATIONS);
  for (let i = 0; i < deals.length; i++) {
    const deal = deals[i].proposal;
    validateDeal(rt, deals[i], network);
    const sameProvider = deal.provider.eq(provider) || deal.provider.eq(providerRaw);
    rt.require(sameProvider, ERR_ILLEGAL_ARGUMENT, "cannot publish deals from different providers at the same time");
    const client = rt.resolveAddress(deal.client);
    rt.require(client !== null, ERR_NOT_FOUND, "failed to resolve client address");
    // From here on, after the signature was verified, the proposal holds ID addresses.
    deal.provider = provider;
    deal.client = client!;
    ids.push(publish(rt, change, deal));
  }
  change.flush();
  rt.commit(st);
  for (let i = 0; i < deals.length; i++) {
    const deal = deals[i].proposal;
    if (deal.verifiedDeal) useBytes(rt, deal.client, deal.pieceSize);
  }
  const result = new PublishStorageDealsReturn();
  result.ids = ids;
  return rt.encode(result);
}

/** ID address of the miner whose worker calls. */
function requireProvider(rt: Runtime, address: Address): Address {
  const provider = rt.resolveAddress(address);
  if (provider === null) {
    rt.abort(ERR_NOT_FOUND, "failed to resolve provider address");
    return address;
  }
  const code = rt.codeOf(provider);
  const isMiner = code !== null && code.eq(builtinCode(rt.actorsVersion, "storageminer"));
  rt.require(isMiner, ERR_ILLEGAL_ARGUMENT, "deal provider is not a storage miner");
  const who = requestMinerAddrs(rt, provider);
  rt.require(who.worker.eq(rt.caller), ERR_FORBIDDEN, "caller is not the provider's worker");
  return provider;
}

/** Enters a valid deal into the state and returns its id. */
function publish(rt: Runtime, change: MarketChange, deal: DealProposal): u64 {
  change.lockForDeal(deal);
  const id = change.st.nextID++;
  const key = cidKey(proposalCid(rt, deal));
  rt.require(!change.pending.has(key), ERR_ILLEGAL_ARGUMENT, "cannot publish duplicate deals");
  change.pending.put(key, deal);
  change.proposals.set(id, deal);
  change.operations.put(firstProcessing(rt, deal), [id]);
  return id;
}

/** A random epoch of the day after the start, so that nobody can schedule many deals for one epoch. */
function firstProcessing(rt: Runtime, deal: DealProposal): i64 {
  const random = rt.beaconRandomness(TAG_MARKET_DEAL_CRON_SEED, rt.epoch - 1, rt.encode(deal));
  const offset = bswap<u64>(load<u64>(ptrOf(random))) % <u64>DEAL_UPDATES_INTERVAL;
  return deal.startEpoch + <i64>offset;
}

function within(value: Big, least: Big, most: Big): bool {
  return value.ge(least) && value.le(most);
}

/** The provider's consent is the message itself; of the client a signature over the proposal is asked. */
function validateDeal(rt: Runtime, signed: ClientDealProposal, network: NetworkFigures): void {
  const limitsLabel = rt.version.marketLimitsLabel;
  const deal = signed.proposal;
  const signedByClient = rt.verifySignature(signed.clientSignature, deal.client, rt.encode(deal));
  need(rt, signedByClient, "client's signature is invalid");
  need(rt, !limitsLabel || deal.label.length <= DEAL_MAX_LABEL_SIZE, "deal label is too long");
  need(rt, isPieceSize(deal.pieceSize), "piece size is invalid");
  need(rt, isPieceCid(deal.pieceCID), "PieceCID has the wrong prefix");
  need(rt, deal.endEpoch > deal.startEpoch, "proposal ends before it starts");
  need(rt, rt.epoch <= deal.startEpoch, "deal start epoch has already elapsed");
  const duration = durationOf(deal);
  need(rt, duration >= DEAL_MIN_DURATION && duration <= DEAL_MAX_DURATION, "deal duration out of bounds");
  need(rt, within(deal.storagePricePerEpoch, Big.ZERO, TOTAL_FILECOIN), "storage price out of bounds");
  const least = minProviderCollateral(deal, network, rt.circulatingSupply(), rt.version);
  need(rt, within(deal.providerCollateral, least, TOTAL_FILECOIN), "provider collateral out of bounds");
  need(rt, within(deal.clientCollateral, Big.ZERO, TOTAL_FILECOIN), "client collateral out of bounds");
}

function need(rt: Runtime, holds: bool, why: string): void {
  rt.require(holds, ERR_ILLEGAL_ARGUMENT, why);
}
