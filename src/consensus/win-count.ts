/**
 * How many blocks' worth a miner wins with an election proof: a Poisson draw in exact Q.256 arithmetic.
 *
 * lambda = 5 · power / total. The proof's digest, read as a number below 2^256, is compared with 1 - P(X <= k); each k that
 * it stays below is one win. Divisions round down, as the reference's do for positive numbers.
 * Source: lotus chain/types/electionproof.go at b835fab702eb (the coefficients are a rational approximation of exp(-x)).
 */
import { blake2b256 } from "../base/digests.ts";

/** Blocks that an epoch is expected to have. Source: lotus build/buildconstants/params_shared_vals.go. */
export const EXPECTED_LEADERS = 5n;
/** Most wins of one proof. Source: lotus chain/types/electionproof.go, MaxWinCount = 3 · expected leaders. */
export const MAX_WIN_COUNT = 15;

const PRECISION = 256n;
/** Coefficients are given with 128 bits after the point. */
const COEFFICIENT_SHIFT = PRECISION - 128n;

const EXP_NUMERATOR = [
  -648770010757830093818553637600n,
  67469480939593786226847644286976n,
  -3197587544499098424029388939001856n,
  89244641121992890118377641805348864n,
  -1579656163641440567800982336819953664n,
  17685496037279256458459817590917169152n,
  -115682590513835356866803355398940131328n,
  340282366920938463463374607431768211456n,
].map((c) => c << COEFFICIENT_SHIFT);

const EXP_DENOMINATOR = [
  1225524182432722209606361n,
  114095592300906098243859450n,
  5665570424063336070530214243n,
  194450132448609991765137938448n,
  5068267641632683791026134915072n,
  104716890604972796896895427629056n,
  1748338658439454459487681798864896n,
  23704654329841312470660182937960448n,
  259380097567996910282699886670381056n,
  2250336698853390384720606936038375424n,
  14978272436876548034486263159246028800n,
  72144088983913131323343765784380833792n,
  224599776407103106596571252037123047424n,
  340282366920938463463374607431768211456n,
].map((c) => c << COEFFICIENT_SHIFT);

/** Horner's rule; `>>` of BigInt rounds towards minus infinity, as the reference's does. */
function evaluate(coefficients: readonly bigint[], x: bigint): bigint {
  let sum = coefficients[0] as bigint;
  for (const coefficient of coefficients.slice(1)) sum = ((sum * x) >> PRECISION) + coefficient;
  return sum;
}

/** exp(-x) for x from 0 to about 5, both in Q.256. */
export function expNegative(x: bigint): bigint {
  return (evaluate(EXP_NUMERATOR, x) << PRECISION) / evaluate(EXP_DENOMINATOR, x);
}

/** Expected wins in Q.256 of `power` among `total`. */
export function lambda(power: bigint, total: bigint): bigint {
  return ((power * EXPECTED_LEADERS) << PRECISION) / total;
}

/** The values that a digest is compared with: 1 - P(X <= k) for k = 0, 1, 2, … in Q.256. */
export function* invertedPoisson(rate: bigint): Generator<bigint, never> {
  let probability = expNegative(rate);
  let value = (1n << PRECISION) - probability;
  for (let k = 1n; ; k++) {
    yield value;
    probability = ((probability / k) * rate) >> PRECISION;
    value -= probability;
  }
}

/** Wins of an election proof (its VRF proof), 0 to `MAX_WIN_COUNT`. 0 where there is no power. */
export function winCount(vrfProof: Uint8Array, power: bigint, total: bigint): number {
  if (power <= 0n || total <= 0n) return 0;
  let digest = 0n;
  for (const byte of blake2b256(vrfProof)) digest = (digest << 8n) | BigInt(byte);
  let wins = 0;
  for (const value of invertedPoisson(lambda(power, total))) {
    if (wins >= MAX_WIN_COUNT || digest >= value) break;
    wins++;
  }
  return wins;
}

/**
 * Quality of a ticket, 0 to 1: how likely it is among the smallest. Guides the choice of messages and nothing else, so
 * that a double is exact enough. Source: lotus chain/types/tipset.go, Ticket.Quality.
 */
export function ticketQuality(vrfProof: Uint8Array): number {
  const digest = blake2b256(vrfProof);
  const top = new DataView(digest.buffer).getBigUint64(0);
  return 1 - Number(top) / 2 ** 64;
}
