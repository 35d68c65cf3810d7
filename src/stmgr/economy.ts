/**
 * Deposits and pledges that miners will be asked for, and least collaterals of deals: the actors' formulas once more, for
 * whoever wants to know before sending. The core has its own (`assembly/actors/miner/monies.ts`, `market/policy.ts`,
 * `runtime/math`); a test holds both to the same numbers. Amounts in attoFIL, power in bytes, estimates Q.128.
 * Source: specs-actors builtin/miner/monies.go, builtin/market/policy.go, util/smoothing and util/math, v0.9.12 and v2.1.0;
 * builtin-actors v8.0.0 to v18.0.0 actors/miner/src/monies.rs and policy.rs for the published actors.
 */
import { FIGURES, figureAt } from "../schema/versions/figures.ts";
import { findVersion, isFvm } from "../schema/versions/rows.ts";
import { holds, RULES } from "../schema/versions/rules.ts";

/** A smoothed figure of the network, with its change an epoch; Q.128. */
export type Estimate = { readonly position: bigint; readonly velocity: bigint };

const PRECISION = 128n;
const EPOCHS_IN_DAY = 2880n;
/** Epochs whose expected reward is the deposit, and the storage part of the pledge. */
const PERIOD = 20n * EPOCHS_IN_DAY;
/** Share of the circulating supply that pledges aim to lock. */
const LOCK_TARGET = { numerator: 3n, denominator: 10n } as const;
/** attoFIL that a byte is pledged with at most: a FIL for 32 GiB. */
const MAX_PLEDGE_PER_BYTE = 10n ** 18n / (32n << 30n);
/** Velocity of a denominator whose square is below counts as none; Q.128. */
const EPSILON = 302231454903657293676544n;
const VERIFIED_DEAL_QUALITY = 10n;
/** First actors version whose deposits are for as much power as a sector can have. */
const DEPOSIT_OF_MOST_SINCE = 9;
const DEAL_WEIGHT = 10n;
const VERIFIED_DEAL_WEIGHT = 100n;
const QUALITY_BASE = 10n;
const QUALITY_PRECISION = 20n;

/** ln(2) and the polynomials of ln(x) for 1 <= x <= 2, highest power first; Q.128. */
const LN_2 = 235865763225513294137944142764154484399n;
const LN_NUMERATOR = [
  261417938209272870992496419296200268025n,
  7266615505142943436908456158054846846897n,
  32458783941900493142649393804518050491988n,
  17078670566130897220338060387082146864806n,
  -35150353308172866634071793531642638290419n,
  -20351202052858059355702509232125230498980n,
  -1563932590352680681114104005183375350999n,
] as const;
const LN_DENOMINATOR = [
  49928077726659937662124949977867279384n,
  2508163877009111928787629628566491583994n,
  21757751789594546643737445330202599887121n,
  53400635271583923415775576342898617051826n,
  41248834748603606604000911015235164348839n,
  9015227820322455780436733526367238305537n,
  340282366920938463463374607431768211456n,
] as const;

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const mul = (a: bigint, b: bigint): bigint => (a * b) >> PRECISION;

/** Quotient whose remainder is not negative. */
function euclid(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a - quotient * b >= 0n ? quotient : b > 0n ? quotient - 1n : quotient + 1n;
}

function evaluate(coefficients: readonly bigint[], x: bigint): bigint {
  return coefficients.slice(1).reduce((value, next) => mul(value, x) + next, coefficients[0] as bigint);
}

/** ln of a positive number, Q.128; of a negative one whatever the reference's steps give. */
function ln(z: bigint): bigint {
  const k = BigInt((z < 0n ? -z : z).toString(2).length) - 1n - PRECISION;
  const x = k > 0n ? z >> k : z << -k;
  return LN_2 * k + euclid(evaluate(LN_NUMERATOR, x) << PRECISION, evaluate(LN_DENOMINATOR, x));
}

/** Sum over `epochs`, from now, of one estimate over the other, both going on as they move; Q.128. */
export function cumulativeRatio(epochs: bigint, start: bigint, over: Estimate, under: Estimate): bigint {
  const [dt, t0] = [epochs << PRECISION, start << PRECISION];
  const { position: p1, velocity: v1 } = over;
  const { position: p2, velocity: v2 } = under;
  if (mul(v2, v2) <= EPSILON) return euclid((p1 + mul(v1, t0 + (dt >> 1n))) * dt, p2);
  const from = p2 + mul(t0, v2);
  const change = ln(from + mul(dt, v2)) - ln(from);
  const first = (v2 * (p1 * change)) >> PRECISION;
  const second = (v1 * (p2 * -change + v2 * dt)) >> PRECISION;
  return euclid(first + second, mul(v2, v2));
}

/** The reference adds a tenth to what the actors' formulas give, for what moves until a message is mined. */
export function withSafety(amount: bigint): bigint {
  return (amount * 110n) / 100n;
}

/** Reward that some power is expected to earn in the next epochs; default: 20 days. */
export function expectedReward(
  version: number,
  reward: Estimate,
  power: Estimate,
  qaPower: bigint,
  epochs: bigint = PERIOD,
): bigint {
  if (power.position >> PRECISION === 0n) return reward.position >> PRECISION;
  const projected = (qaPower * cumulativeRatio(epochs, 0n, reward, power)) >> PRECISION;
  return holds(RULES.minerFloorsRewards, version) ? max(projected, 0n) : projected;
}

/** The same, of which published actors ask at least one attoFIL. */
function securedReward(version: number, reward: Estimate, power: Estimate, qaPower: bigint): bigint {
  const expected = expectedReward(version, reward, power, qaPower);
  return isFvm(version) ? max(expected, 1n) : expected;
}

/**
 * Deposit for a sector of some bytes and quality-adjusted power. From actors v9 on its data is not known at its pre-commit, and it is
 * deposited for as much power as its size can have.
 */
export function preCommitDeposit(
  version: number,
  reward: Estimate,
  power: Estimate,
  sector: { readonly size: bigint; readonly qaPower: bigint },
): bigint {
  const isUnknown = (findVersion(version)?.actors ?? 0) >= DEPOSIT_OF_MOST_SINCE;
  return securedReward(version, reward, power, isUnknown ? sector.size * VERIFIED_DEAL_QUALITY : sector.qaPower);
}

export type PledgeInput = {
  readonly networkVersion: number;
  /** Smoothed reward of an epoch, and power of the network. */
  readonly reward: Estimate;
  readonly power: Estimate;
  readonly baselinePower: bigint;
  readonly circulatingSupply: bigint;
  /** How far the pledge has moved to the formula of FIP-0081, in thousandths: 0 to 300. Default: 0, as before actors v15. */
  readonly skew?: bigint;
};

/** Thousandths of the pledge's second part that do not know the baseline when all of FIP-0081 is in force. */
const FULL_SKEW = 300n;

/** `skew` at an epoch, of a ramp that begins at one epoch and takes some. */
export function pledgeSkew(epoch: number, rampStart: number, rampDuration: number): bigint {
  const since = epoch - rampStart;
  if (since < 0) return 0n;
  if (rampDuration === 0 || since >= rampDuration) return FULL_SKEW;
  return (BigInt(since) * FULL_SKEW) / BigInt(rampDuration);
}

/** Pledge for a sector of some quality-adjusted power, which is more than none. */
export function initialPledge(input: PledgeInput, qaPower: bigint): bigint {
  const { networkVersion, reward, power, baselinePower, circulatingSupply, skew = 0n } = input;
  const storage = securedReward(networkVersion, reward, power, qaPower);
  const proven = max(power.position >> PRECISION, qaPower);
  const { numerator, denominator } = LOCK_TARGET;
  const share = (part: bigint, whole: bigint): bigint =>
    (part * numerator * circulatingSupply * qaPower) / (denominator * whole * 1000n);
  const consensus = share(1000n - skew, max(proven, baselinePower)) + share(skew, proven);
  const most = MAX_PLEDGE_PER_BYTE * qaPower;
  return storage + consensus < most ? storage + consensus : most;
}

/** Quality-adjusted power of a sector with deals of some weights (byte-epochs). Size and duration are not 0. */
export function qaPowerForWeight(size: bigint, duration: bigint, dealWeight: bigint, verifiedWeight: bigint): bigint {
  const spaceTime = size * duration;
  const plain = (spaceTime - dealWeight - verifiedWeight) * QUALITY_BASE;
  const weighted = plain + dealWeight * DEAL_WEIGHT + verifiedWeight * VERIFIED_DEAL_WEIGHT;
  const quality = euclid(euclid(weighted << QUALITY_PRECISION, spaceTime), QUALITY_BASE);
  return (size * quality) >> QUALITY_PRECISION;
}

export type NetworkPower = { readonly raw: bigint; readonly qualityAdjusted: bigint; readonly baseline: bigint };

/** Least collateral of a provider for a deal of some bytes. */
export function minProviderCollateral(
  version: number,
  size: bigint,
  verified: boolean,
  power: NetworkPower,
  circulatingSupply: bigint,
): bigint {
  const overRaw = holds(RULES.marketWeighsRawPower, version);
  const dealPower = overRaw || !verified ? size : size * VERIFIED_DEAL_QUALITY;
  const whole = max(max(overRaw ? power.raw : power.qualityAdjusted, power.baseline), dealPower);
  const percent = BigInt(figureAt(FIGURES.providerCollateralPercent, version));
  return whole === 0n ? 0n : (percent * circulatingSupply * dealPower) / (100n * whole);
}
