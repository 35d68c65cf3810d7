/** Test driver: the arithmetic of actors on big integers, for the vectors of test/fixtures/actors. */
import { SectorOnChainInfo, VestingFunds } from "../actors/miner/codec.gen";
import {
  Economy,
  faultPenalty,
  initialPledge,
  preCommitDeposit,
  reporterReward,
  terminationPenalty,
  undeclaredPenalty,
} from "../actors/miner/monies";
import { rewardVesting } from "../actors/miner/policy";
import { weighedPower } from "../actors/miner/sector-power";
import { lockFunds, unlockUnvested, unlockVested } from "../actors/miner/state/vesting";
import { MultisigState } from "../actors/multisig/codec.gen";
import { amountLocked } from "../actors/multisig/state";
import {
  advance,
  advanceWithReward,
  baselineExponent,
  initialRewardState,
  smoothReward,
} from "../actors/reward/minting";
import { Big } from "../base/big";
import { Bytes, bytesAt, EMPTY, ptrOf } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { expNeg, ln, powQ128 } from "../runtime/math/fixed-point";
import { cumulativeRatio, nextEstimate } from "../runtime/math/smoothing";
import { lastVersionWith, versionAt } from "../runtime/versions.gen";
import { FilterEstimate } from "../runtime/shared.gen";
import { FormulaRuntime } from "./probe-runtime";

const ARGUMENTS: usize = memory.data(1 << 14);
let answer: Bytes = EMPTY;

/** Where arguments are written, at most 16 KiB. */
export function probeArguments(): usize {
  return ARGUMENTS;
}

/** Where the last answer lies. */
export function probeAnswer(): usize {
  return ptrOf(answer);
}

function filter(position: Big, velocity: Big): FilterEstimate {
  const out = new FilterEstimate();
  out.positionEstimate = position;
  out.velocityEstimate = velocity;
  return out;
}

function list(values: Array<Big>): Bytes {
  const w = new CborWriter();
  w.array(values.length);
  for (let i = 0; i < values.length; i++) w.big(values[i]);
  return w.finish();
}

/** Minting from genesis on: arguments are actors version, network version, then pairs of realized power and epoch. */
function mint(a: Array<Big>): Array<Big> {
  const version = lastVersionWith(<i32>a[0].lowI64);
  const exponent = baselineExponent(versionAt(a[1].lowI64)!);
  const st = initialRewardState(Big.ZERO, version);
  for (let i = 2; i + 1 < a.length; i += 2) {
    const last = st.epoch;
    const epoch = a[i + 1].lowI64;
    while (st.epoch < epoch) advance(st, a[i], exponent);
    advanceWithReward(st, a[i], exponent, version);
    smoothReward(st, st.epoch - last);
  }
  return [
    st.cumsumBaseline,
    st.cumsumRealized,
    Big.fromI64(st.effectiveNetworkTime),
    st.effectiveBaselinePower,
    st.thisEpochReward,
    st.thisEpochRewardSmoothed.positionEstimate,
    st.thisEpochRewardSmoothed.velocityEstimate,
    st.thisEpochBaselinePower,
    Big.fromI64(st.epoch),
  ];
}

function locked(a: Array<Big>): Big {
  const st = new MultisigState();
  st.initialBalance = a[1];
  st.unlockDuration = a[2].lowI64;
  return amountLocked(st, a[3].lowI64, lastVersionWith(<i32>a[0].lowI64));
}

function economyOf(a: Array<Big>): Economy {
  return new Economy(filter(a[1], a[2]), filter(a[3], a[4]));
}

/** Network version, reward and power filters, power of the sector, baseline, supply. */
function pledge(a: Array<Big>): Array<Big> {
  const rt = new FormulaRuntime(versionAt(a[0].lowI64)!);
  const economy = economyOf(a);
  return [
    faultPenalty(rt, economy, a[5]),
    undeclaredPenalty(rt, economy, a[5]),
    preCommitDeposit(rt, economy, a[5]),
    initialPledge(rt, economy, a[5], a[6], a[7]),
  ];
}

/** As `pledge` up to the filters; then sector size, the sector's fields and the epoch of its end. */
function termination(a: Array<Big>): Big {
  const rt = new FormulaRuntime(versionAt(a[0].lowI64)!);
  const sector = new SectorOnChainInfo();
  sector.activation = a[6].lowI64;
  sector.expiration = a[7].lowI64;
  sector.dealWeight = a[8];
  sector.verifiedDealWeight = a[9];
  sector.expectedDayReward = a[10];
  sector.expectedStoragePledge = a[11];
  sector.replacedSectorAge = a[12].lowI64;
  sector.replacedDayReward = a[13];
  return terminationPenalty(rt, economyOf(a), a[5].lowU64, a[14].lowI64, [sector]);
}

/** Network version, start of the proving period, then triples: 0 lock, 1 vested, 2 unvested; epoch; amount. */
function vest(a: Array<Big>): Array<Big> {
  const rt = new FormulaRuntime(versionAt(a[0].lowI64)!);
  const table = new VestingFunds();
  const out: Array<Big> = [];
  for (let i = 2; i + 2 < a.length; i += 3) {
    const kind = a[i].lowI64;
    const epoch = a[i + 1].lowI64;
    if (kind == 2) out.push(unlockUnvested(table, epoch, a[i + 2]));
    else out.push(unlockVested(table, epoch));
    if (kind == 0) lockFunds(table, epoch, a[i + 2], a[1].lowI64, rewardVesting(rt));
  }
  for (let i = 0; i < table.funds.length; i++) {
    out.push(Big.fromI64(table.funds[i].epoch));
    out.push(table.funds[i].amount);
  }
  return out;
}

function run(op: i32, a: Array<Big>): Array<Big> {
  if (op == 0) return [expNeg(a[0])];
  if (op == 1) return [ln(a[0])];
  if (op == 2) return [powQ128(a[0], a[1].lowI64)];
  if (op == 3) {
    const next = nextEstimate(filter(a[0], a[1]), a[2], a[3].lowI64);
    return [next.positionEstimate, next.velocityEstimate];
  }
  if (op == 4) return [cumulativeRatio(a[0].lowI64, a[1].lowI64, filter(a[2], a[3]), filter(a[4], a[5]))];
  if (op == 5) return mint(a);
  if (op == 6) return [locked(a)];
  if (op == 7) return pledge(a);
  if (op == 8) return [termination(a)];
  if (op == 9) return [weighedPower(a[0].lowU64, a[1].lowI64, a[2], a[3])];
  if (op == 10) return [reporterReward(new FormulaRuntime(versionAt(a[0].lowI64)!), a[1].lowI64, a[2])];
  return vest(a);
}

/** Runs an operation on a CBOR list of big integers; returns the length of the answer, such a list too. */
export function probeMath(op: i32, length: i32): i32 {
  const r = new CborReader(bytesAt(ARGUMENTS, length));
  const count = r.array();
  const args: Array<Big> = [];
  for (let i = 0; i < count; i++) args.push(r.big());
  answer = list(run(op, args));
  return answer.length;
}
