/** Pre-commitment of sectors. Source: specs-actors builtin/miner/miner_actor.go. */
import { Big } from "../../../base/big";
import { Bytes } from "../../../base/bytes";
import { Cid, CODEC_FIL_COMMITMENT_SEALED, HASH_POSEIDON_BLS12_381_A2_FC1 } from "../../../ipld/cid";
import { NOTHING } from "../../../runtime/actor";
import { Runtime } from "../../../runtime/runtime";
import { isSealProof, SECTOR_MAX_LIFETIME } from "../../../runtime/sector-policy";
import { VerifyDealsForActivationReturn } from "../../../runtime/shared.gen";
import {
  ERR_FORBIDDEN,
  ERR_ILLEGAL_ARGUMENT,
  ERR_ILLEGAL_STATE,
  ERR_INSUFFICIENT_FUNDS,
  ERR_NOT_FOUND,
} from "../../../types/exit-code";
import {
  MinerInfo,
  MinerState,
  SectorOnChainInfo,
  SectorPreCommitInfo,
  SectorPreCommitOnChainInfo,
} from "../codec.gen";
import { Economy, preCommitDeposit } from "../monies";
import {
  isSupportedSealProof,
  MAX_SECTOR_EXPIRATION_EXTENSION,
  MAX_SECTOR_NUMBER,
  maxProveCommitDuration,
  MIN_SECTOR_EXPIRATION,
  PERIOD_DEADLINES,
  sealChallengeEarliest,
  sectorDealsMax,
} from "../policy";
import { qaPowerForWeight } from "../sector-power";
import { burn, dealWeight, economy, updatePledge } from "../sends";
import {
  addPreCommitDeposit,
  availableBalance,
  checkBalance,
  repayDebts,
  unlockVestedFunds,
} from "../state/funds";
import { allowControllers, consensusFaultActive, loadInfo } from "../state/info";
import {
  addPreCommitExpiry,
  allocateSectorNumber,
  checkSectorHealth,
  getPreCommit,
  getSector,
  putPreCommit,
} from "../state/state";

/**
 * Announces a sealed sector, against a deposit. Allowed: controllers.
 * Exits: 16 unfit sector; 17 no sector to replace; 18 faulty sector to replace, consensus fault (v2); 19 deposit.
 */
export function preCommitSector(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<SectorPreCommitInfo>(params);
  rt.require(isSupportedSealProof(rt, p.sealProof), ERR_ILLEGAL_ARGUMENT, "unsupported seal proof type");
  rt.require(p.sectorNumber <= MAX_SECTOR_NUMBER, ERR_ILLEGAL_ARGUMENT, "sector number out of range");
  rt.require(isSealedCid(p.sealedCID), ERR_ILLEGAL_ARGUMENT, "sealed CID has the wrong form");
  rt.require(p.sealRandEpoch < rt.epoch, ERR_ILLEGAL_ARGUMENT, "seal challenge must be in the past");
  const fresh = p.sealRandEpoch >= sealChallengeEarliest(rt, p.sealProof);
  rt.require(fresh, ERR_ILLEGAL_ARGUMENT, "seal challenge too old");
  if (rt.version.minerFitsExpiration) requireFitExpiration(rt, p);
  else rt.require(p.expiration > rt.epoch, ERR_ILLEGAL_ARGUMENT, "expiration must be in the future");
  const justified = !p.replaceCapacity || p.dealIDs.length > 0;
  rt.require(justified, ERR_ILLEGAL_ARGUMENT, "a sector can be replaced only by one with deals");
  rt.require(p.replaceSectorDeadline < PERIOD_DEADLINES, ERR_ILLEGAL_ARGUMENT, "invalid deadline");
  rt.require(p.replaceSectorNumber <= MAX_SECTOR_NUMBER, ERR_ILLEGAL_ARGUMENT, "invalid sector number to replace");

  const eco = economy(rt);
  const weight = dealWeight(rt, p.dealIDs, rt.epoch, p.expiration);
  if (rt.version.minerPreCommitsV2) commitV2(rt, p, eco, weight);
  else commitV0(rt, p, eco, weight);
  return NOTHING;
}

/** v0: the deposit is at least the pledge of the sector replaced. */
function commitV0(rt: Runtime, p: SectorPreCommitInfo, eco: Economy, weight: VerifyDealsForActivationReturn): void {
  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  requireSealProofOf(rt, info, p);
  allocate(rt, st, p.sectorNumber);
  requireFitExpiration(rt, p);
  let least = Big.ZERO;
  if (p.replaceCapacity) least = sectorToReplace(rt, st, p).initialPledge;
  const vested = unlockVestedFunds(rt, st);
  const available = availableBalance(rt, st);
  const deposit = Big.max(depositFor(rt, info, p, eco, weight), least);
  rt.require(available.ge(deposit), ERR_INSUFFICIENT_FUNDS, "insufficient funds for the deposit");
  addPreCommitDeposit(rt, st, deposit);
  checkBalance(rt, st);
  record(rt, st, p, deposit, weight);
  rt.commit(st);
  updatePledge(rt, vested.neg());
}

/** v2: debts are paid first, and miners under a consensus fault refused. */
function commitV2(rt: Runtime, p: SectorPreCommitInfo, eco: Economy, weight: VerifyDealsForActivationReturn): void {
  const st = rt.begin<MinerState>();
  const vested = unlockVestedFunds(rt, st);
  // Before the debt is paid: it is subtracted here already.
  const available = availableBalance(rt, st);
  const fee = repayDebts(rt, st);
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  rt.require(!consensusFaultActive(rt, info), ERR_FORBIDDEN, "pre-commitment during a consensus fault");
  requireSealProofOf(rt, info, p);
  rt.require(weight.dealSpace <= info.sectorSize, ERR_ILLEGAL_ARGUMENT, "deals do not fit into the sector");
  allocate(rt, st, p.sectorNumber);
  if (p.replaceCapacity) sectorToReplace(rt, st, p);
  const deposit = depositFor(rt, info, p, eco, weight);
  rt.require(available.ge(deposit), ERR_INSUFFICIENT_FUNDS, "insufficient funds for the deposit");
  addPreCommitDeposit(rt, st, deposit);
  record(rt, st, p, deposit, weight);
  rt.commit(st);
  burn(rt, fee);
  checkBalance(rt, rt.state<MinerState>());
  updatePledge(rt, vested.neg());
}

/** CIDv1 of a sealed sector: 32 bytes of Poseidon. */
function isSealedCid(cid: Cid): bool {
  return (
    cid.codec == CODEC_FIL_COMMITMENT_SEALED &&
    cid.hash == HASH_POSEIDON_BLS12_381_A2_FC1 &&
    cid.digest.length == 32
  );
}

function requireSealProofOf(rt: Runtime, info: MinerInfo, p: SectorPreCommitInfo): void {
  rt.require(p.sealProof == info.sealProofType, ERR_ILLEGAL_ARGUMENT, "seal proof type is not the miner's");
  const few = <u64>p.dealIDs.length <= sectorDealsMax(info.sectorSize);
  rt.require(few, ERR_ILLEGAL_ARGUMENT, "too many deals for a sector");
}

/** Takes a sector number that was never used, neither in a pre-commitment nor in a sector. */
function allocate(rt: Runtime, st: MinerState, number: u64): void {
  allocateSectorNumber(rt, st, number);
  rt.require(getPreCommit(rt, st, number) === null, ERR_ILLEGAL_STATE, "sector is pre-committed");
  rt.require(getSector(rt, st, number) === null, ERR_ILLEGAL_STATE, "sector is committed");
}

/** The lifetime must be allowed even if the sector is activated at the last moment. */
function requireFitExpiration(rt: Runtime, p: SectorPreCommitInfo): void {
  validateExpiration(rt, rt.epoch + maxProveCommitDuration(rt, p.sealProof), p.expiration, p.sealProof);
}

/** Ends the method unless a sector may live from `activation` to `expiration`. */
export function validateExpiration(rt: Runtime, activation: i64, expiration: i64, sealProof: i64): void {
  if (rt.version.minerChecksLifetimeOrder) {
    rt.require(expiration > activation, ERR_ILLEGAL_ARGUMENT, "expiration must be after activation");
  }
  const lifetime = expiration - activation;
  rt.require(lifetime >= MIN_SECTOR_EXPIRATION, ERR_ILLEGAL_ARGUMENT, "lifetime too short");
  const near = expiration <= rt.epoch + MAX_SECTOR_EXPIRATION_EXTENSION;
  rt.require(near, ERR_ILLEGAL_ARGUMENT, "expiration too far ahead");
  const unknown = rt.version.minerProofTypeIsArgument ? ERR_ILLEGAL_ARGUMENT : ERR_ILLEGAL_STATE;
  rt.require(isSealProof(sealProof), unknown, "unknown seal proof type");
  rt.require(lifetime <= SECTOR_MAX_LIFETIME, ERR_ILLEGAL_ARGUMENT, "lifetime too long for the seal proof");
}

/** The sector to be replaced: without deals, of the same kind, not living longer, and healthy. */
function sectorToReplace(rt: Runtime, st: MinerState, p: SectorPreCommitInfo): SectorOnChainInfo {
  const sector = getSector(rt, st, p.replaceSectorNumber);
  if (sector === null) {
    rt.abort(ERR_NOT_FOUND, "no such sector to replace");
    return new SectorOnChainInfo();
  }
  rt.require(sector.dealIDs.length == 0, ERR_ILLEGAL_ARGUMENT, "sector to replace has deals");
  rt.require(sector.sealProof == p.sealProof, ERR_ILLEGAL_ARGUMENT, "sector to replace has another seal proof");
  rt.require(p.expiration >= sector.expiration, ERR_ILLEGAL_ARGUMENT, "sector to replace expires later");
  checkSectorHealth(rt, st, p.replaceSectorDeadline, p.replaceSectorPartition, p.replaceSectorNumber);
  return sector;
}

function depositFor(
  rt: Runtime,
  info: MinerInfo,
  p: SectorPreCommitInfo,
  eco: Economy,
  weight: VerifyDealsForActivationReturn,
): Big {
  const duration = p.expiration - rt.epoch;
  const power = qaPowerForWeight(rt, info.sectorSize, duration, weight.dealWeight, weight.verifiedDealWeight);
  return preCommitDeposit(rt, eco, power);
}

function record(
  rt: Runtime,
  st: MinerState,
  p: SectorPreCommitInfo,
  deposit: Big,
  weight: VerifyDealsForActivationReturn,
): void {
  const kept = new SectorPreCommitOnChainInfo();
  kept.info = p;
  kept.preCommitDeposit = deposit;
  kept.preCommitEpoch = rt.epoch;
  kept.dealWeight = weight.dealWeight;
  kept.verifiedDealWeight = weight.verifiedDealWeight;
  putPreCommit(rt, st, kept);
  // One epoch more: a proof accepted in the last epoch is confirmed at its end.
  addPreCommitExpiry(rt, st, rt.epoch + maxProveCommitDuration(rt, p.sealProof) + 1, p.sectorNumber);
}
