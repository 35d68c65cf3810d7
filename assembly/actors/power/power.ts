/**
 * Storage power actor: knows every miner's power, the network's pledge, and calls miners back at epochs they asked for.
 *
 * Exits: 16 negative event epoch, 17 no claim, 18 unknown miner (v2), 32 too many proofs in one epoch.
 * Source: specs-actors builtin/power, v0.9.12 and v2.1.0.
 */
import { Bytes } from "../../base/bytes";
import { ActorDef, NOTHING } from "../../runtime/actor";
import { signableTypes } from "../../runtime/builtin";
import { addressKey, MapOf, Multimap } from "../../runtime/collections";
import { newEstimate } from "../../runtime/math/smoothing";
import { Runtime } from "../../runtime/runtime";
import {
  CurrentTotalPowerReturn,
  EnrollCronEventParams,
  MinerConstructorParams,
  SealVerifyInfo,
  UpdateClaimedPowerParams,
} from "../../runtime/shared.gen";
import { Amount } from "../../types/codec";
import { ERR_FORBIDDEN, ERR_ILLEGAL_ARGUMENT, ERR_ILLEGAL_STATE, ERR_NOT_FOUND, OK } from "../../types/exit-code";
import { CRON, SYSTEM } from "../../types/singletons";
import { Claim, CreateMinerParams, CreateMinerReturn, CronEvent, PowerState } from "./codec.gen";
import { processBatchProofVerifies, processDeferredCronEvents } from "./epoch-end";
import {
  ERR_TOO_MANY_PROVE_COMMITS,
  GAS_ON_SUBMIT_VERIFY_SEAL,
  INITIAL_QA_POWER_POSITION,
  INITIAL_QA_POWER_VELOCITY,
  MAX_MINER_PROVE_COMMITS_PER_EPOCH,
} from "./policy";
import { makeMiner, updateNetworkKpi } from "./sends";
import { addPledgeTotal, addToClaim, appendCronEvent, closeEpoch, loadClaims, setClaim } from "./state";

export function powerActor(): ActorDef {
  return new ActorDef("storagepower")
    .asSingleton()
    .method(1, "Constructor", construct)
    .method(2, "CreateMiner", createMiner)
    .method(3, "UpdateClaimedPower", updateClaimedPower)
    .method(4, "EnrollCronEvent", enrollCronEvent)
    .method(5, "OnEpochTickEnd", onEpochTickEnd)
    .method(6, "UpdatePledgeTotal", updatePledgeTotal)
    .method(7, "OnConsensusFault", onConsensusFault, 0, 0)
    .method(8, "SubmitPoRepForBulkVerify", submitPoRepForBulkVerify)
    .method(9, "CurrentTotalPower", currentTotalPower);
}

/** Allowed: the system. */
function construct(rt: Runtime, _params: Bytes): Bytes {
  rt.allowOnly([SYSTEM]);
  const st = new PowerState();
  st.claims = MapOf.empty<Claim>(rt).root();
  st.cronEventQueue = Multimap.empty<CronEvent>(rt).root();
  st.thisEpochQAPowerSmoothed = newEstimate(INITIAL_QA_POWER_POSITION, INITIAL_QA_POWER_VELOCITY);
  st.lastProcessedCronEpoch = -1;
  rt.create(st);
  return NOTHING;
}

/** Makes a miner without power. Allowed: accounts and multisigs. */
function createMiner(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<CreateMinerParams>(params);
  rt.allowTypes(signableTypes());
  const constructor = new MinerConstructorParams();
  constructor.ownerAddr = p.owner;
  constructor.workerAddr = p.worker;
  constructor.sealProofType = p.sealProofType;
  constructor.peerId = p.peer;
  constructor.multiaddrs = p.multiaddrs;
  const made = makeMiner(rt, constructor);

  const st = rt.begin<PowerState>();
  const claims = loadClaims(rt, st);
  const claim = new Claim();
  claim.sealProofType = p.sealProofType;
  setClaim(rt, claims, made.idAddress, claim);
  st.minerCount++;
  st.claims = claims.root();
  rt.commit(st);

  const result = new CreateMinerReturn();
  result.idAddress = made.idAddress;
  result.robustAddress = made.robustAddress;
  return rt.encode(result);
}

/** Adds to (or takes from) the caller's power. Allowed: miners. */
function updateClaimedPower(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<UpdateClaimedPowerParams>(params);
  rt.allowTypes(["storageminer"]);
  const st = rt.begin<PowerState>();
  const claims = loadClaims(rt, st);
  const code = addToClaim(rt, st, claims, rt.caller, p.rawByteDelta, p.qualityAdjustedDelta);
  rt.require(code == OK, code, "failed to update power");
  st.claims = claims.root();
  rt.commit(st);
  return NOTHING;
}

/** Asks for a callback at an epoch. Allowed: miners. */
function enrollCronEvent(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<EnrollCronEventParams>(params);
  rt.allowTypes(["storageminer"]);
  rt.require(p.eventEpoch >= 0, ERR_ILLEGAL_ARGUMENT, "cron event epoch cannot be less than zero");
  const event = new CronEvent();
  event.minerAddr = rt.caller;
  event.callbackPayload = p.payload;

  const st = rt.begin<PowerState>();
  const events = Multimap.load<CronEvent>(rt, st.cronEventQueue);
  appendCronEvent(st, events, p.eventEpoch, event);
  st.cronEventQueue = events.root();
  rt.commit(st);
  return NOTHING;
}

/** Closes the epoch. Allowed: cron. */
function onEpochTickEnd(rt: Runtime, _params: Bytes): Bytes {
  rt.allowOnly([CRON]);
  const verifiesFirst = rt.version.powerVerifiesFirst;
  if (verifiesFirst) processBatchProofVerifies(rt);
  processDeferredCronEvents(rt);
  if (!verifiesFirst) processBatchProofVerifies(rt);

  const st = rt.begin<PowerState>();
  // From network version 4 cron runs in null rounds too, so that an epoch is always one.
  const runsEveryEpoch = rt.version.powerTicksEveryEpoch;
  closeEpoch(rt, st, runsEveryEpoch ? 1 : rt.epoch - st.lastProcessedCronEpoch);
  st.lastProcessedCronEpoch = rt.epoch;
  rt.commit(st);
  updateNetworkKpi(rt, st.thisEpochRawBytePower);
  return NOTHING;
}

/** v2 keeps the cron queue and totals from miners whose claim was deleted. */
function requireClaim(rt: Runtime, st: PowerState): void {
  if (!rt.version.powerRequiresClaim) return;
  const known = loadClaims(rt, st).has(addressKey(rt.caller));
  rt.require(known, ERR_FORBIDDEN, "unknown miner forbidden to interact with power actor");
}

/** Adds to the network's pledge. Allowed: miners. */
function updatePledgeTotal(rt: Runtime, params: Bytes): Bytes {
  const delta = rt.params<Amount>(params).value;
  rt.allowTypes(["storageminer"]);
  const st = rt.begin<PowerState>();
  requireClaim(rt, st);
  addPledgeTotal(rt, st, delta);
  rt.commit(st);
  return NOTHING;
}

/** Removes the calling miner and the given pledge (v0 only). Allowed: miners. */
function onConsensusFault(rt: Runtime, params: Bytes): Bytes {
  const pledge = rt.params<Amount>(params).value;
  rt.allowTypes(["storageminer"]);
  const miner = rt.caller;
  const st = rt.begin<PowerState>();
  const claims = loadClaims(rt, st);
  const claim = claims.get(addressKey(miner));
  if (claim === null) {
    rt.abort(ERR_NOT_FOUND, "miner not registered");
    return NOTHING;
  }
  rt.invariant(!claim.rawBytePower.negative && !claim.qualityAdjPower.negative, "negative claim");
  const code = addToClaim(rt, st, claims, miner, claim.rawBytePower.neg(), claim.qualityAdjPower.neg());
  rt.require(code == OK, code, "could not take the power away");
  addPledgeTotal(rt, st, pledge.neg());
  rt.require(claims.delete(addressKey(miner)), ERR_ILLEGAL_STATE, "failed to remove miner");
  st.minerCount--;
  st.claims = claims.root();
  rt.commit(st);
  return NOTHING;
}

/** Queues a seal proof for the end of the epoch. Allowed: miners. */
function submitPoRepForBulkVerify(rt: Runtime, params: Bytes): Bytes {
  const info = rt.params<SealVerifyInfo>(params);
  rt.allowTypes(["storageminer"]);
  const key = addressKey(rt.caller);
  const st = rt.begin<PowerState>();
  requireClaim(rt, st);
  const root = st.proofValidationBatch;
  const batch = root === null ? Multimap.empty<SealVerifyInfo>(rt) : Multimap.load<SealVerifyInfo>(rt, root);
  const own = batch.get(key);
  const full = own !== null && own.length >= MAX_MINER_PROVE_COMMITS_PER_EPOCH;
  rt.require(!full, ERR_TOO_MANY_PROVE_COMMITS, "too many proofs in this epoch");
  batch.add(key, info);
  const flushed = batch.root();
  rt.chargeGas("OnSubmitVerifySeal", GAS_ON_SUBMIT_VERIFY_SEAL);
  st.proofValidationBatch = flushed;
  rt.commit(st);
  return NOTHING;
}

/** Power and pledge as of the last cron. Allowed: anyone. */
function currentTotalPower(rt: Runtime, _params: Bytes): Bytes {
  rt.allowAny();
  const st = rt.state<PowerState>();
  const result = new CurrentTotalPowerReturn();
  result.rawBytePower = st.thisEpochRawBytePower;
  result.qualityAdjPower = st.thisEpochQualityAdjPower;
  result.pledgeCollateral = st.thisEpochPledgeCollateral;
  result.qualityAdjPowerSmoothed = st.thisEpochQAPowerSmoothed;
  return rt.encode(result);
}
