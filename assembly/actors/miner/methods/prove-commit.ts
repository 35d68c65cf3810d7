/**
 * Proof of a sealed sector: submission, which hands the proof to the power actor, and confirmation, when the power
 * actor has verified a batch at the end of the epoch. Source: specs-actors builtin/miner/miner_actor.go.
 */
import { Big } from "../../../base/big";
import { Bytes } from "../../../base/bytes";
import { BitField } from "../../../ipld/bitfield";
import { NOTHING } from "../../../runtime/actor";
import { EPOCHS_IN_DAY } from "../../../runtime/builtin";
import { Runtime } from "../../../runtime/runtime";
import { isSealProof } from "../../../runtime/sector-policy";
import { ConfirmSectorProofsParams, SealVerifyInfo, ThisEpochRewardReturn } from "../../../runtime/shared.gen";
import { AddressItem } from "../../../types/codec";
import {
  ERR_FORBIDDEN,
  ERR_ILLEGAL_ARGUMENT,
  ERR_ILLEGAL_STATE,
  ERR_INSUFFICIENT_FUNDS,
  ERR_NOT_FOUND,
} from "../../../types/exit-code";
import { POWER } from "../../../types/singletons";
import {
  CheckSectorProvenParams,
  MinerInfo,
  MinerState,
  ProveCommitSectorParams,
  SectorOnChainInfo,
  SectorPreCommitOnChainInfo,
} from "../codec.gen";
import { Economy, expectedReward, initialPledge } from "../monies";
import {
  INITIAL_PLEDGE_PERIOD,
  MAX_SECTOR_NUMBER,
  maxProveCommitDuration,
  MIN_SECTOR_EXPIRATION,
  preCommitChallengeDelay,
  sealChallengeEarliest,
} from "../policy";
import { DeadlineSectorMap } from "../sector-map";
import { qaPowerForWeight } from "../sector-power";
import {
  activateDeals,
  dataCommitment,
  epochReward,
  submitSealProof,
  totalPower,
  updatePledge,
  updatePower,
} from "../sends";
import {
  addInitialPledge,
  addPreCommitDeposit,
  availableBalance,
  checkBalance,
  requirePledgeCovered,
  unlockedBalance,
  unlockVestedFunds,
} from "../state/funds";
import { loadInfo } from "../state/info";
import {
  assignSectorsToDeadlines,
  deletePreCommits,
  findPreCommits,
  getPreCommit,
  getSector,
  putSectors,
  rescheduleSectorExpirations,
} from "../state/state";

const TAG_SEAL: i64 = 5;
const TAG_INTERACTIVE_SEAL: i64 = 6;

/**
 * Submits the proof of a pre-committed sector. Allowed: anyone.
 * Exits: 16 too late or too long; 17 not pre-committed; 18 too early; 19 pledge not covered (v0).
 */
export function proveCommitSector(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ProveCommitSectorParams>(params);
  rt.allowAny();
  let found: SectorPreCommitOnChainInfo | null;
  if (rt.version.minerChecksProveCommit) {
    rt.require(p.sectorNumber <= MAX_SECTOR_NUMBER, ERR_ILLEGAL_ARGUMENT, "sector number out of range");
    rt.require(p.proof.length <= rt.version.maxProveCommitBytes, ERR_ILLEGAL_ARGUMENT, "proof too long");
    // A transaction although nothing changes: the state is written again.
    const st = rt.begin<MinerState>();
    found = getPreCommit(rt, st, p.sectorNumber);
    rt.require(found !== null, ERR_NOT_FOUND, "sector is not pre-committed");
    rt.commit(st);
  } else {
    const st = rt.state<MinerState>();
    requirePledgeCovered(rt, st);
    found = getPreCommit(rt, st, p.sectorNumber);
    rt.require(found !== null, ERR_NOT_FOUND, "sector is not pre-committed");
  }
  const preCommit = found!;
  rt.require(isSealProof(preCommit.info.sealProof), ERR_ILLEGAL_STATE, "unknown seal proof type");
  const due = preCommit.preCommitEpoch + maxProveCommitDuration(rt, preCommit.info.sealProof);
  rt.require(rt.epoch <= due, ERR_ILLEGAL_ARGUMENT, "proof too late");
  submitSealProof(rt, verifyInfo(rt, preCommit, p.proof));
  return NOTHING;
}

/** The proof and all that it is verified against. */
function verifyInfo(rt: Runtime, preCommit: SectorPreCommitOnChainInfo, proof: Bytes): SealVerifyInfo {
  const sector = preCommit.info;
  const interactive = preCommit.preCommitEpoch + preCommitChallengeDelay(rt);
  rt.require(rt.epoch > interactive, ERR_FORBIDDEN, "too early to prove the sector");
  if (rt.version.minerChecksSealAge) {
    const fresh = sector.sealRandEpoch >= sealChallengeEarliest(rt, sector.sealProof);
    rt.require(fresh, ERR_ILLEGAL_ARGUMENT, "seal challenge too old");
  }
  const unsealed = dataCommitment(rt, sector.sealProof, sector.dealIDs);
  rt.invariant(rt.receiver.isId, "receiver is not an ID address");
  const entropy = rt.encode(AddressItem.of(rt.receiver));
  const info = new SealVerifyInfo();
  info.sealProof = sector.sealProof;
  info.sectorID.miner = rt.receiver.actorId;
  info.sectorID.number = sector.sectorNumber;
  info.dealIDs = sector.dealIDs;
  info.randomness = rt.ticketRandomness(TAG_SEAL, sector.sealRandEpoch, entropy);
  info.interactiveRandomness = rt.beaconRandomness(TAG_INTERACTIVE_SEAL, interactive, entropy);
  info.proof = proof;
  info.sealedCID = sector.sealedCID;
  info.unsealedCID = unsealed;
  return info;
}

/** The network as it counts for a new sector. */
@final
class Market {
  constructor(
    readonly economy: Economy,
    readonly baseline: Big,
    readonly supply: Big,
  ) {}
}

/** New sectors and what they cost and free. */
@final
class NewSectors {
  readonly sectors: Array<SectorOnChainInfo> = [];
  readonly numbers: Array<u64> = [];
  pledge: Big = Big.ZERO;
  deposits: Big = Big.ZERO;
}

/**
 * Turns pre-commitments with verified proofs into sectors. Allowed: power.
 * Sectors whose deals cannot be activated, or whose life would be too short, are passed over.
 * Exits: 16 none is left; 17 no sector to replace (v2); 19 pledge not covered.
 */
export function confirmSectorProofsValid(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ConfirmSectorProofsParams>(params);
  rt.allowOnly([POWER]);
  const reward: ThisEpochRewardReturn = epochReward(rt);
  const eco = new Economy(reward.thisEpochRewardSmoothed, totalPower(rt).qualityAdjPowerSmoothed);
  const market = new Market(eco, reward.thisEpochBaselinePower, rt.circulatingSupply());
  const before = rt.state<MinerState>();
  const info = loadInfo(rt, before);

  const replaced = new DeadlineSectorMap();
  const preCommits: Array<SectorPreCommitOnChainInfo> = [];
  const found = findPreCommits(rt, before, p.sectors);
  for (let i = 0; i < found.length; i++) {
    const sector = found[i].info;
    // v0 asks the market also about no deals.
    const asks = !rt.version.minerAsksNoDeals || sector.dealIDs.length > 0;
    if (asks && !activateDeals(rt, sector.dealIDs, sector.expiration)) continue;
    preCommits.push(found[i]);
    if (sector.replaceCapacity) {
      const one = BitField.of([sector.replaceSectorNumber]);
      replaced.add(rt, sector.replaceSectorDeadline, sector.replaceSectorPartition, one);
    }
  }
  rt.require(preCommits.length > 0, ERR_ILLEGAL_ARGUMENT, "no sector to confirm");

  const st = rt.begin<MinerState>();
  // Replaced sectors live on to the end of their next deadline, to be challenged once more.
  const old = rescheduleSectorExpirations(rt, st, info.sectorSize, replaced);
  const made = makeSectors(rt, info, market, preCommits, old);
  putSectors(rt, st, made.sectors);
  deletePreCommits(rt, st, made.numbers);
  const partitionSize = info.windowPoStPartitionSectors;
  const power = assignSectorsToDeadlines(rt, st, made.sectors, partitionSize, info.sectorSize);
  const vested = unlockVestedFunds(rt, st);
  addPreCommitDeposit(rt, st, made.deposits.neg());
  // v2 asks for funds that are not locked, v0 for funds that cover the pledge of other sectors too.
  const funds = rt.version.minerPledgesUnlocked ? unlockedBalance(rt, st) : availableBalance(rt, st);
  rt.require(funds.ge(made.pledge), ERR_INSUFFICIENT_FUNDS, "insufficient funds for the initial pledge");
  addInitialPledge(rt, st, made.pledge);
  checkBalance(rt, st);
  rt.commit(st);

  updatePower(rt, power);
  updatePledge(rt, made.pledge.sub(vested));
  return NOTHING;
}

function makeSectors(
  rt: Runtime,
  info: MinerInfo,
  market: Market,
  preCommits: Array<SectorPreCommitOnChainInfo>,
  replaced: Array<SectorOnChainInfo>,
): NewSectors {
  const out = new NewSectors();
  for (let i = 0; i < preCommits.length; i++) {
    const preCommit = preCommits[i];
    const committed = preCommit.info;
    const duration = committed.expiration - rt.epoch;
    if (duration < MIN_SECTOR_EXPIRATION) continue;
    const power = qaPowerForWeight(
      rt,
      info.sectorSize,
      duration,
      preCommit.dealWeight,
      preCommit.verifiedDealWeight,
    );
    const sector = new SectorOnChainInfo();
    sector.sectorNumber = committed.sectorNumber;
    sector.sealProof = committed.sealProof;
    sector.sealedCID = committed.sealedCID;
    sector.dealIDs = committed.dealIDs;
    sector.expiration = committed.expiration;
    sector.activation = rt.epoch;
    sector.dealWeight = preCommit.dealWeight;
    sector.verifiedDealWeight = preCommit.verifiedDealWeight;
    sector.expectedDayReward = expectedReward(rt, market.economy, power, EPOCHS_IN_DAY);
    sector.expectedStoragePledge = expectedReward(rt, market.economy, power, INITIAL_PLEDGE_PERIOD);
    sector.initialPledge = initialPledge(rt, market.economy, power, market.baseline, market.supply);
    if (rt.version.minerInheritsReplaced && committed.replaceCapacity) {
      inherit(rt, sector, sectorNumbered(rt, replaced, committed.replaceSectorNumber));
    }
    out.deposits = out.deposits.add(preCommit.preCommitDeposit);
    out.pledge = out.pledge.add(sector.initialPledge);
    out.sectors.push(sector);
    out.numbers.push(sector.sectorNumber);
  }
  return out;
}

/** v2: the pledge is at least the replaced sector's, whose age and reward count in a termination fee. */
function inherit(rt: Runtime, sector: SectorOnChainInfo, old: SectorOnChainInfo): void {
  sector.initialPledge = Big.max(sector.initialPledge, old.initialPledge);
  sector.replacedSectorAge = max<i64>(0, rt.epoch - old.activation);
  sector.replacedDayReward = old.expectedDayReward;
}

function sectorNumbered(rt: Runtime, sectors: Array<SectorOnChainInfo>, number: u64): SectorOnChainInfo {
  for (let i = sectors.length - 1; i >= 0; i--) if (sectors[i].sectorNumber == number) return sectors[i];
  rt.abort(ERR_NOT_FOUND, "no such sector to replace");
  return new SectorOnChainInfo();
}

/** Ends with 17 unless a sector is proven. Allowed: anyone. */
export function checkSectorProven(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<CheckSectorProvenParams>(params);
  rt.allowAny();
  if (rt.version.minerChecksProveCommit) {
    rt.require(p.sectorNumber <= MAX_SECTOR_NUMBER, ERR_ILLEGAL_ARGUMENT, "sector number out of range");
  }
  const found = getSector(rt, rt.state<MinerState>(), p.sectorNumber);
  rt.require(found !== null, ERR_NOT_FOUND, "sector is not proven");
  return NOTHING;
}
