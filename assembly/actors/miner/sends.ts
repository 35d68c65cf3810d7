/** What the miner actor asks of other actors. Source: specs-actors builtin/miner/miner_actor.go. */
import { Big } from "../../base/big";
import { EMPTY } from "../../base/bytes";
import { Cid } from "../../ipld/cid";
import { METHOD_SEND, requireSuccess } from "../../runtime/builtin";
import { Runtime } from "../../runtime/runtime";
import {
  ActivateDealsParams,
  ComputeDataCommitmentParams,
  CurrentTotalPowerReturn,
  EnrollCronEventParams,
  OnMinerSectorsTerminateParams,
  SealVerifyInfo,
  ThisEpochRewardReturn,
  UpdateClaimedPowerParams,
  VerifyDealsForActivationParams,
  VerifyDealsForActivationReturn,
} from "../../runtime/shared.gen";
import { Address } from "../../types/address";
import { AddressItem, Amount, Link } from "../../types/codec";
import { BURNT_FUNDS, MARKET, POWER, REWARD } from "../../types/singletons";
import { CronEventPayload, PowerPair } from "./codec.gen";
import { Economy } from "./monies";
import { isNoPower } from "./power-pair";

const ACCOUNT_PUBKEY_ADDRESS: u64 = 2;
const REWARD_THIS_EPOCH: u64 = 3;
const POWER_UPDATE_CLAIMED: u64 = 3;
const POWER_ENROLL_CRON: u64 = 4;
const POWER_UPDATE_PLEDGE: u64 = 6;
const POWER_CONSENSUS_FAULT: u64 = 7;
const POWER_SUBMIT_POREP: u64 = 8;
const POWER_CURRENT_TOTAL: u64 = 9;
const MARKET_VERIFY_DEALS: u64 = 5;
const MARKET_ACTIVATE_DEALS: u64 = 6;
const MARKET_SECTORS_TERMINATE: u64 = 7;
const MARKET_DATA_COMMITMENT: u64 = 8;

/** Deals in one message: the longest list that CBOR readers of the network take. */
const MAX_DEALS_PER_SEND: i32 = 8192;

/** A change of the worker key is due (v0). */
export const CRON_WORKER_KEY_CHANGE: i64 = 0;
/** A deadline ends. */
export const CRON_PROVING_DEADLINE: i64 = 1;
/** Early terminations are left to process. */
export const CRON_EARLY_TERMINATIONS: i64 = 2;

export function epochReward(rt: Runtime): ThisEpochRewardReturn {
  const sent = rt.send(REWARD, REWARD_THIS_EPOCH, EMPTY, Big.ZERO);
  requireSuccess(rt, sent, "failed to get the epoch's reward");
  return rt.returned<ThisEpochRewardReturn>(sent.value);
}

export function totalPower(rt: Runtime): CurrentTotalPowerReturn {
  const sent = rt.send(POWER, POWER_CURRENT_TOTAL, EMPTY, Big.ZERO);
  requireSuccess(rt, sent, "failed to get the network's power");
  return rt.returned<CurrentTotalPowerReturn>(sent.value);
}

/** Asks for the reward, then for the power. */
export function economy(rt: Runtime): Economy {
  const reward = epochReward(rt);
  return new Economy(reward.thisEpochRewardSmoothed, totalPower(rt).qualityAdjPowerSmoothed);
}

/** Changes the claimed power, unless by nothing. */
export function updatePower(rt: Runtime, delta: PowerPair): void {
  if (isNoPower(delta)) return;
  const params = new UpdateClaimedPowerParams();
  params.rawByteDelta = delta.raw;
  params.qualityAdjustedDelta = delta.qa;
  requireSuccess(
    rt,
    rt.send(POWER, POWER_UPDATE_CLAIMED, rt.encode(params), Big.ZERO),
    "failed to update the claimed power",
  );
}

/** Changes the network's pledge total, unless by nothing. */
export function updatePledge(rt: Runtime, delta: Big): void {
  if (delta.isZero) return;
  requireSuccess(
    rt,
    rt.send(POWER, POWER_UPDATE_PLEDGE, rt.encode(Amount.of(delta)), Big.ZERO),
    "failed to update the pledge total",
  );
}

export function burn(rt: Runtime, amount: Big): void {
  if (!amount.isPositive) return;
  requireSuccess(rt, rt.send(BURNT_FUNDS, METHOD_SEND, EMPTY, amount), "failed to burn funds");
}

/** Asks to be called at an epoch. */
export function enrollCron(rt: Runtime, epoch: i64, event: i64): void {
  const payload = new CronEventPayload();
  payload.eventType = event;
  const params = new EnrollCronEventParams();
  params.eventEpoch = epoch;
  params.payload = rt.encode(payload);
  requireSuccess(rt, rt.send(POWER, POWER_ENROLL_CRON, rt.encode(params), Big.ZERO), "failed to enroll a cron event");
}

/** Tells the power actor of a consensus fault (v0). */
export function reportFaultToPower(rt: Runtime, lockedFunds: Big): void {
  requireSuccess(
    rt,
    rt.send(POWER, POWER_CONSENSUS_FAULT, rt.encode(Amount.of(lockedFunds)), Big.ZERO),
    "failed to notify the power actor of a consensus fault",
  );
}

/** Hands a seal proof to the power actor, which verifies it with others at the end of the epoch. */
export function submitSealProof(rt: Runtime, info: SealVerifyInfo): void {
  requireSuccess(
    rt,
    rt.send(POWER, POWER_SUBMIT_POREP, rt.encode(info), Big.ZERO),
    "failed to submit a proof for bulk verification",
  );
}

/** Weight of the deals of a sector. From v2 on nothing is asked about no deals. */
export function dealWeight(rt: Runtime, deals: Array<u64>, start: i64, expiry: i64): VerifyDealsForActivationReturn {
  if (rt.version.minerAsksNoDeals && deals.length == 0) return new VerifyDealsForActivationReturn();
  const params = new VerifyDealsForActivationParams();
  params.dealIDs = deals;
  params.sectorStart = start;
  params.sectorExpiry = expiry;
  const sent = rt.send(MARKET, MARKET_VERIFY_DEALS, rt.encode(params), Big.ZERO);
  requireSuccess(rt, sent, "failed to verify deals");
  return rt.returned<VerifyDealsForActivationReturn>(sent.value);
}

/** True if the market activated the deals. */
export function activateDeals(rt: Runtime, deals: Array<u64>, expiry: i64): bool {
  const params = new ActivateDealsParams();
  params.dealIDs = deals;
  params.sectorExpiry = expiry;
  return rt.send(MARKET, MARKET_ACTIVATE_DEALS, rt.encode(params), Big.ZERO).ok;
}

/** Commitment to the data of a sector. */
export function dataCommitment(rt: Runtime, sealProof: i64, deals: Array<u64>): Cid {
  const params = new ComputeDataCommitmentParams();
  params.dealIDs = deals;
  params.sectorType = sealProof;
  const sent = rt.send(MARKET, MARKET_DATA_COMMITMENT, rt.encode(params), Big.ZERO);
  requireSuccess(rt, sent, "failed to compute the data commitment");
  return rt.returned<Link>(sent.value).value;
}

/** Ends deals, in messages of limited length. */
export function terminateDeals(rt: Runtime, epoch: i64, deals: Array<u64>): void {
  for (let from = 0; from < deals.length; from += MAX_DEALS_PER_SEND) {
    const params = new OnMinerSectorsTerminateParams();
    params.epoch = epoch;
    params.dealIDs = deals.slice(from, min(from + MAX_DEALS_PER_SEND, deals.length));
    requireSuccess(
      rt,
      rt.send(MARKET, MARKET_SECTORS_TERMINATE, rt.encode(params), Big.ZERO),
      "failed to terminate deals",
    );
  }
}

/** Public-key address of an account. */
export function pubkeyAddress(rt: Runtime, account: Address): Address {
  const sent = rt.send(account, ACCOUNT_PUBKEY_ADDRESS, EMPTY, Big.ZERO);
  requireSuccess(rt, sent, "failed to fetch an account's public key");
  return rt.returned<AddressItem>(sent.value).value;
}
