/** Invariants of the storage power actor. */
import { Big } from "../../base/big";
import { CheckContext } from "../../runtime/check";
import { Multimap, parseIntKey } from "../../runtime/collections";
import { isSealProof } from "../../runtime/sector-policy";
import { SealVerifyInfo } from "../../runtime/shared.gen";
import { parseAddress } from "../../types/address";
import { Claim, CronEvent, PowerState } from "./codec.gen";
import { MAX_MINER_PROVE_COMMITS_PER_EPOCH } from "./policy";
import { loadClaims, meetsMinimum } from "./state";

/** A callback that a miner waits for. */
@final
export class PendingCron {
  constructor(
    readonly miner: u64,
    readonly epoch: i64,
    readonly event: CronEvent,
  ) {}
}

/** What the global check compares with miners, by actor id. */
@final
export class PowerSummary {
  readonly claims: Map<u64, Claim> = new Map();
  readonly crons: Array<PendingCron> = [];
  pledge: Big = Big.ZERO;
}

export function checkPower(st: PowerState, at: CheckContext): PowerSummary {
  const summary = new PowerSummary();
  summary.pledge = st.totalPledgeCollateral;
  at.that(!st.totalRawBytePower.negative, "total raw power is negative");
  at.that(!st.totalQualityAdjPower.negative, "total quality-adjusted power is negative");
  at.that(!st.totalPledgeCollateral.negative, "total pledge is negative");
  at.that(st.totalRawBytePower.le(st.totalQualityAdjPower), "raw power exceeds quality-adjusted power");
  at.that(st.totalBytesCommitted.le(st.totalQABytesCommitted), "committed raw power exceeds quality-adjusted power");
  at.that(st.totalRawBytePower.le(st.totalBytesCommitted), "raw power exceeds committed raw power");
  at.that(st.totalQualityAdjPower.le(st.totalQABytesCommitted), "power exceeds committed power");
  checkClaims(st, at, summary);
  checkCrons(st, at, summary);
  checkProofs(st, at);
  return summary;
}

function checkClaims(st: PowerState, at: CheckContext, summary: PowerSummary): void {
  let committedRaw = Big.ZERO;
  let committedQa = Big.ZERO;
  let raw = Big.ZERO;
  let qa = Big.ZERO;
  let above: i64 = 0;
  let count: i64 = 0;
  const cursor = loadClaims(at, st).cursor();
  while (cursor.next()) {
    const claim = cursor.value();
    const miner = parseAddress(cursor.key);
    count++;
    if (miner === null || !miner.isId) {
      at.report.add("a claim is not keyed by an ID address");
      continue;
    }
    const name = "claim of " + miner.actorId.toString();
    summary.claims.set(miner.actorId, claim);
    at.that(!claim.rawBytePower.negative && !claim.qualityAdjPower.negative, name + " is negative");
    committedRaw = committedRaw.add(claim.rawBytePower);
    committedQa = committedQa.add(claim.qualityAdjPower);
    if (at.version.powerKnowsSealProof && !isSealProof(claim.sealProofType)) {
      at.report.add(name + " has an unknown proof type");
      continue;
    }
    if (!meetsMinimum(claim, at.version, at.profile)) continue;
    above++;
    raw = raw.add(claim.rawBytePower);
    qa = qa.add(claim.qualityAdjPower);
  }
  at.that(committedRaw.eq(st.totalBytesCommitted), "claims do not sum to the committed raw power");
  at.that(committedQa.eq(st.totalQABytesCommitted), "claims do not sum to the committed power");
  at.that(raw.eq(st.totalRawBytePower), "claims above the minimum do not sum to the raw power");
  at.that(qa.eq(st.totalQualityAdjPower), "claims above the minimum do not sum to the power");
  at.that(above == st.minerAboveMinPowerCount, "number of miners above the minimum is wrong");
  at.that(count <= st.minerCount, "more claims than miners");
}

function checkCrons(st: PowerState, at: CheckContext, summary: PowerSummary): void {
  const cursor = Multimap.load<CronEvent>(at, st.cronEventQueue).cursor();
  while (cursor.next()) {
    const epoch = parseIntKey(cursor.key);
    at.that(epoch >= st.firstCronEpoch, "a cron event at epoch " + epoch.toString() + " will never be found");
    const events = cursor.array().cursor();
    while (events.next()) {
      const event = events.value();
      if (event.minerAddr.isId) summary.crons.push(new PendingCron(event.minerAddr.actorId, epoch, event));
      else at.report.add("a cron event does not name its miner by id");
    }
  }
}

function checkProofs(st: PowerState, at: CheckContext): void {
  const root = st.proofValidationBatch;
  if (root === null) return;
  const claims = loadClaims(at, st);
  const cursor = Multimap.load<SealVerifyInfo>(at, root).cursor();
  while (cursor.next()) {
    const claim = claims.get(cursor.key);
    const proofs = cursor.array();
    at.that(proofs.length <= MAX_MINER_PROVE_COMMITS_PER_EPOCH, "a miner has submitted too many proofs");
    if (claim === null) {
      at.report.add("proofs of a miner without a claim");
      continue;
    }
    const items = proofs.cursor();
    while (items.next()) {
      const sameType = !at.version.powerKnowsSealProof || items.value().sealProof == claim.sealProofType;
      at.that(sameType, "a proof's type differs from its miner's");
    }
  }
}
