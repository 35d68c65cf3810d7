/**
 * Deposits, pledges and penalties.
 *
 * All rest on the expected reward of some power over some epochs, BR: the power times the sum, over those epochs, of
 * the extrapolated reward per unit of the network's power (both smoothed).
 *     deposit of a pre-commitment   BR(20 days)
 *     initial pledge                min(BR(20 days) + 3/10 supply x share of power, 1 FIL per 32 GiB)
 *     fee for an ongoing fault      BR(2.14 days; 3.51 from network version 3)
 *     termination fee               max(BR(3.5 days), BR(20 days) at activation + BR(1 day) at activation x days)
 * Source: specs-actors builtin/miner/monies.go.
 */
import { Big } from "../../base/big";
import { EPOCHS_IN_DAY, EXPECTED_LEADERS_PER_EPOCH } from "../../runtime/builtin";
import { PRECISION } from "../../runtime/math/fixed-point";
import { cumulativeRatio, estimate, ratioIsDefined } from "../../runtime/math/smoothing";
import { Runtime } from "../../runtime/runtime";
import { FilterEstimate } from "../../runtime/shared.gen";
import { SectorOnChainInfo } from "./codec.gen";
import {
  CONSENSUS_FAULT_FACTOR,
  faultPenaltyPeriod,
  INITIAL_PLEDGE_MAX_PER_BYTE,
  INITIAL_PLEDGE_PERIOD,
  LOCK_TARGET_DENOM,
  LOCK_TARGET_NUM,
  PRE_COMMIT_DEPOSIT_PERIOD,
  TERMINATION_LIFETIME_CAP_V0,
  TERMINATION_LIFETIME_CAP_V2,
  undeclaredPenaltyPeriod,
} from "./policy";
import { qaPowerOfSector } from "./sector-power";

/** The smoothed reward and power of the network. */
@final
export class Economy {
  /** Ratios computed before: a batch of sectors asks for the same few, again and again. */
  private readonly periods: Array<i64> = [];
  private readonly ratios: Array<Big> = [];

  constructor(
    readonly reward: FilterEstimate,
    readonly power: FilterEstimate,
  ) {}

  /** Sum over `epochs`, from now, of the reward per unit of power; Q.128. */
  ratio(epochs: i64): Big {
    const known = this.periods.indexOf(epochs);
    if (known >= 0) return this.ratios[known];
    const ratio = cumulativeRatio(epochs, 0, this.reward, this.power);
    this.periods.push(epochs);
    this.ratios.push(ratio);
    return ratio;
  }
}

/** Reward, in attoFIL, that `qaPower` is expected to earn in `epochs`. Negative projections count as 0 from v2 on. */
export function expectedReward(rt: Runtime, economy: Economy, qaPower: Big, epochs: i64): Big {
  if (estimate(economy.power).isZero) return estimate(economy.reward);
  rt.invariant(ratioIsDefined(economy.power), "division by zero: no network power");
  const projected = qaPower.mul(economy.ratio(epochs)).rsh(PRECISION);
  return rt.version.minerFloorsRewards ? Big.max(projected, Big.ZERO) : projected;
}

/** Fee for power that stays faulty through a deadline. */
export function faultPenalty(rt: Runtime, economy: Economy, qaPower: Big): Big {
  return expectedReward(rt, economy, qaPower, faultPenaltyPeriod(rt));
}

/** Fee for power found faulty without declaration (v0), and the least that a termination costs. */
export function undeclaredPenalty(rt: Runtime, economy: Economy, qaPower: Big): Big {
  return expectedReward(rt, economy, qaPower, undeclaredPenaltyPeriod(rt));
}

export function preCommitDeposit(rt: Runtime, economy: Economy, qaPower: Big): Big {
  return expectedReward(rt, economy, qaPower, PRE_COMMIT_DEPOSIT_PERIOD);
}

export function initialPledge(rt: Runtime, economy: Economy, qaPower: Big, baseline: Big, supply: Big): Big {
  const storage = expectedReward(rt, economy, qaPower, INITIAL_PLEDGE_PERIOD);
  // The sector's own power bounds the share when the others are 0.
  const whole = Big.max(Big.max(estimate(economy.power), baseline), qaPower);
  rt.invariant(!whole.isZero, "division by zero: no power at all");
  const consensus = LOCK_TARGET_NUM.mul(supply).mul(qaPower).div(LOCK_TARGET_DENOM.mul(whole));
  return Big.min(storage.add(consensus), INITIAL_PLEDGE_MAX_PER_BYTE.mul(qaPower));
}

/** Fee for sectors terminated at `epoch`, before their expiration. */
export function terminationPenalty(
  rt: Runtime,
  economy: Economy,
  sectorSize: u64,
  epoch: i64,
  sectors: Array<SectorOnChainInfo>,
): Big {
  let total = Big.ZERO;
  for (let i = 0; i < sectors.length; i++) {
    const sector = sectors[i];
    const power = qaPowerOfSector(rt, sectorSize, sector);
    const age = epoch - sector.activation;
    const earned = rt.version.minerTerminationByReplaced ? lifetimeRewardV2(sector, age) : lifetimeRewardV0(rt, sector, age);
    total = total.add(Big.max(undeclaredPenalty(rt, economy, power), sector.expectedStoragePledge.add(earned)));
  }
  return total;
}

/** v0: the day reward for each day of age, up to 70. */
function lifetimeRewardV0(rt: Runtime, sector: SectorOnChainInfo, age: i64): Big {
  const counted = min(rt.version.minerHalvesTerminationAge ? age / 2 : age, TERMINATION_LIFETIME_CAP_V0 * EPOCHS_IN_DAY);
  return sector.expectedDayReward.mul(Big.fromI64(counted)).div(Big.fromI64(EPOCHS_IN_DAY));
}

/** v2: half the day reward for each day of age, up to 140, the replaced sector's days filling up what is left. */
function lifetimeRewardV2(sector: SectorOnChainInfo, age: i64): Big {
  const cap = TERMINATION_LIFETIME_CAP_V2 * EPOCHS_IN_DAY;
  const counted = min(age, cap);
  const replaced = min(sector.replacedSectorAge, cap - counted);
  return sector.expectedDayReward
    .mul(Big.fromI64(counted))
    .add(sector.replacedDayReward.mul(Big.fromI64(replaced)))
    .div(Big.fromI64(EPOCHS_IN_DAY * 2));
}

/** Fee for a consensus fault (v2), from the reward of an epoch. */
export function consensusFaultPenalty(epochReward: Big): Big {
  return epochReward.mul(Big.fromI64(CONSENSUS_FAULT_FACTOR)).div(Big.fromI64(EXPECTED_LEADERS_PER_EPOCH));
}

/** Epochs after which the reporter's share has reached its maximum in all versions (they do near 500). */
const SHARE_IS_FULL: i64 = 1000;

/**
 * What the reporter of a consensus fault gets of `collateral`: a thousandth, growing with every epoch since the fault,
 * up to a half of the balance (v0) or a twentieth of the penalty (v2).
 */
export function reporterReward(rt: Runtime, age: i64, collateral: Big): Big {
  const late = rt.version.minerSharesPenalty;
  const cap = collateral.div(Big.fromU64(late ? 20 : 2));
  // Beyond this the quotient below exceeds the cap anyway, and its powers would become very long.
  if (age > SHARE_IS_FULL) return cap;
  const num = power(Big.fromU64(late ? 100785473384 : 101251), age).mul(collateral);
  const denom = power(Big.fromU64(late ? 100000000000 : 100000), age).mul(Big.fromU64(1000));
  return Big.min(num.div(denom), cap);
}

function power(base: Big, exponent: i64): Big {
  let result = Big.ONE;
  let square = base;
  for (let e = exponent; e > 0; e >>= 1) {
    if ((e & 1) == 1) result = result.mul(square);
    if (e > 1) square = square.mul(square);
  }
  return result;
}
