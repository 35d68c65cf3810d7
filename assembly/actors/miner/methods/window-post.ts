/** Window PoSt: proving the sectors of a deadline. Source: specs-actors builtin/miner/miner_actor.go. */
import { Big } from "../../../base/big";
import { Bytes, EMPTY, equal } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { Runtime } from "../../../runtime/runtime";
import { isSealProof } from "../../../runtime/sector-policy";
import { AddressItem } from "../../../types/codec";
import { ERR_ILLEGAL_ARGUMENT, ERR_ILLEGAL_STATE } from "../../../types/exit-code";
import { PoStProof, SectorInfo, WindowPoStVerifyInfo } from "../../../types/proof.gen";
import { MinerInfo, MinerState, SectorOnChainInfo, SubmitWindowedPoStParams } from "../codec.gen";
import { DeadlineInfo, quantOf } from "../deadline-info";
import { Economy, faultPenalty, undeclaredPenalty } from "../monies";
import {
  FAULT_MAX_AGE,
  loadPartitionsSectorsMax,
  MAX_CHAIN_COMMIT_AGE,
  MAX_COMMIT_RANDOMNESS_BYTES,
  PERIOD_DEADLINES,
} from "../policy";
import { burn, economy, updatePledge, updatePower } from "../sends";
import { PostResult, recordProvenSectors } from "../state/deadline";
import { loadDeadline, saveDeadline } from "../state/deadlines";
import { checkBalance, penalize, unlockedBalance } from "../state/funds";
import { allowControllers, loadInfo } from "../state/info";
import { Sectors } from "../state/sectors";
import { deadlineInfo, loadDeadlines, saveDeadlines } from "../state/state";

const TAG_WINDOWED_POST: i64 = 4;
const TAG_POST_CHAIN_COMMIT: i64 = 9;
/** Registered window PoSt proofs follow the seal proofs' order from here on. */
const WINDOW_POST_PROOFS: i64 = 5;

/**
 * Proves partitions of the open deadline. Allowed: controllers.
 * Exits: 16 wrong deadline, commitment or proof; 17 no such partition; 20 deadline not open.
 */
export function submitWindowedPost(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<SubmitWindowedPoStParams>(params);
  rt.require(p.deadline < PERIOD_DEADLINES, ERR_ILLEGAL_ARGUMENT, "invalid deadline");
  if (rt.version.minerPostsV2) submitV2(rt, p);
  else submitV0(rt, p);
  return NOTHING;
}

/** v0: penalties for new faults and recoveries are paid at once (below network version 3). */
function submitV0(rt: Runtime, p: SubmitWindowedPoStParams): void {
  const early = p.chainCommitEpoch < rt.epoch;
  rt.require(early, ERR_ILLEGAL_ARGUMENT, "chain commitment must be in the past");
  const fresh = p.chainCommitEpoch >= rt.epoch - MAX_CHAIN_COMMIT_AGE;
  rt.require(fresh, ERR_ILLEGAL_ARGUMENT, "chain commitment too far in the past");
  requireChainCommitment(rt, p);
  const eco = economy(rt);

  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  requirePartitionCount(rt, info, p);
  const current = deadlineInfo(rt, st);
  const deadlines = loadDeadlines(rt, st);
  requireOpenDeadline(rt, current, p);
  const sectors = new Sectors(rt, st.sectors);
  const deadline = loadDeadline(rt, deadlines, p.deadline);
  const expiration = current.last + FAULT_MAX_AGE;
  const quant = quantOf(current);
  const result = recordProvenSectors(rt, deadline, sectors, info.sectorSize, quant, expiration, p.partitions);
  // The sectors are loaded again, from the stored root.
  const standIn = Sectors.firstSound(result.sectors, result.ignored);
  if (standIn.length > 0) {
    const infos = new Sectors(rt, st.sectors).loadForProof(result.sectors, result.ignored, standIn[0]);
    verifyPost(rt, current.challenge, infos, p.proofs);
  }
  const payment = penalize(rt, st, postPenalty(rt, eco, result), unlockedBalance(rt, st));
  saveDeadline(rt, deadlines, p.deadline, deadline);
  saveDeadlines(rt, st, deadlines);
  rt.commit(st);

  updatePower(rt, result.delta);
  burn(rt, payment.total);
  updatePledge(rt, payment.fromVesting.neg());
}

/** v0: new faults cost the undeclared less the ongoing fee, recoveries the ongoing fee; nothing from version 3 on. */
function postPenalty(rt: Runtime, eco: Economy, result: PostResult): Big {
  if (rt.version.minerForgivesNewFaults) return Big.ZERO;
  const failed = result.newFaulty.qa.add(result.retracted.qa);
  const undeclared = undeclaredPenalty(rt, eco, failed).sub(faultPenalty(rt, eco, failed));
  return undeclared.add(faultPenalty(rt, eco, result.recovered.qa));
}

/** v2: exactly one proof, of something; penalties wait for the end of the deadline. */
function submitV2(rt: Runtime, p: SubmitWindowedPoStParams): void {
  const short = p.chainCommitRand.length <= MAX_COMMIT_RANDOMNESS_BYTES;
  rt.require(short, ERR_ILLEGAL_ARGUMENT, "chain randomness too long");

  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  rt.require(isSealProof(info.sealProofType), ERR_ILLEGAL_STATE, "unknown seal proof");
  rt.require(p.proofs.length == 1, ERR_ILLEGAL_ARGUMENT, "expected exactly one proof");
  const expected = p.proofs[0].poStProof == info.sealProofType + WINDOW_POST_PROOFS;
  rt.require(expected, ERR_ILLEGAL_ARGUMENT, "proof of another type than expected");
  requirePartitionCount(rt, info, p);
  const current = deadlineInfo(rt, st);
  requireOpenDeadline(rt, current, p);
  const fresh = p.chainCommitEpoch >= current.challenge;
  rt.require(fresh, ERR_ILLEGAL_ARGUMENT, "chain commitment before the challenge");
  const early = p.chainCommitEpoch < rt.epoch;
  rt.require(early, ERR_ILLEGAL_ARGUMENT, "chain commitment must be in the past");
  requireChainCommitment(rt, p);
  const sectors = new Sectors(rt, st.sectors);
  const deadlines = loadDeadlines(rt, st);
  const deadline = loadDeadline(rt, deadlines, p.deadline);
  const expiration = current.last + FAULT_MAX_AGE;
  const quant = quantOf(current);
  const result = recordProvenSectors(rt, deadline, sectors, info.sectorSize, quant, expiration, p.partitions);
  const standIn = Sectors.firstSound(result.sectors, result.ignored);
  rt.require(standIn.length > 0, ERR_ILLEGAL_ARGUMENT, "no active sectors to prove");
  const infos = sectors.loadForProof(result.sectors, result.ignored, standIn[0]);
  verifyPost(rt, current.challenge, infos, p.proofs);
  saveDeadline(rt, deadlines, p.deadline, deadline);
  saveDeadlines(rt, st, deadlines);
  rt.commit(st);

  updatePower(rt, result.delta);
  checkBalance(rt, rt.state<MinerState>());
}

function requirePartitionCount(rt: Runtime, info: MinerInfo, p: SubmitWindowedPoStParams): void {
  const limit = loadPartitionsSectorsMax(rt, info.windowPoStPartitionSectors);
  rt.require(<u64>p.partitions.length <= limit, ERR_ILLEGAL_ARGUMENT, "too many partitions");
}

function requireOpenDeadline(rt: Runtime, current: DeadlineInfo, p: SubmitWindowedPoStParams): void {
  rt.require(current.isOpen, ERR_ILLEGAL_STATE, "deadline is not open");
  rt.require(p.deadline == current.index, ERR_ILLEGAL_ARGUMENT, "another deadline is open");
}

function requireChainCommitment(rt: Runtime, p: SubmitWindowedPoStParams): void {
  const ticket = rt.ticketRandomness(TAG_POST_CHAIN_COMMIT, p.chainCommitEpoch, EMPTY);
  rt.require(equal(ticket, p.chainCommitRand), ERR_ILLEGAL_ARGUMENT, "chain randomness does not match");
}

function verifyPost(rt: Runtime, challenge: i64, sectors: Array<SectorOnChainInfo>, proofs: Array<PoStProof>): void {
  rt.invariant(rt.receiver.isId, "receiver is not an ID address");
  const entropy = rt.encode(AddressItem.of(rt.receiver));
  const info = new WindowPoStVerifyInfo();
  info.randomness = rt.beaconRandomness(TAG_WINDOWED_POST, challenge, entropy);
  info.proofs = proofs;
  info.prover = rt.receiver.actorId;
  for (let i = 0; i < sectors.length; i++) {
    const sector = new SectorInfo();
    sector.sealProof = sectors[i].sealProof;
    sector.sectorNumber = sectors[i].sectorNumber;
    sector.sealedCID = sectors[i].sealedCID;
    info.challengedSectors.push(sector);
  }
  const proofType = proofs.length > 0 ? proofs[0].poStProof : 0;
  const good = rt.verifyPoSt(rt.encode(info), proofType, sectors.length);
  rt.require(good, ERR_ILLEGAL_ARGUMENT, "window PoSt does not verify");
}
