/**
 * Q.128 fixed point: an integer n stands for n / 2^128.
 *
 * A product of two Q.128 values is Q.256 and is brought back by a shift that floors (`rsh`), also for negative values;
 * quotients are Euclidean (`div`). Both are part of consensus. e^-x and ln(x) are ratios of polynomials evaluated by
 * Horner's method, with coefficients that are Q.128 as they stand.
 * Source: specs-actors util/math; the same numbers in both generations (v0 keeps them in reward and smoothing).
 */
import { Big } from "../../base/big";

/** Fraction bits. */
export const PRECISION: u32 = 128;

export const ONE_Q128: Big = Big.ONE.lsh(PRECISION);

/** ln(2), Q.128. */
const LN_2: Big = Big.parse("235865763225513294137944142764154484399");

/** e^-x, numerator, highest power first (Q.128). */
const EXP_NUMERATOR: StaticArray<Big> = [
  Big.parse("-648770010757830093818553637600"),
  Big.parse("67469480939593786226847644286976"),
  Big.parse("-3197587544499098424029388939001856"),
  Big.parse("89244641121992890118377641805348864"),
  Big.parse("-1579656163641440567800982336819953664"),
  Big.parse("17685496037279256458459817590917169152"),
  Big.parse("-115682590513835356866803355398940131328"),
  Big.parse("340282366920938463463374607431768211456"),
];

/** e^-x, denominator. */
const EXP_DENOMINATOR: StaticArray<Big> = [
  Big.parse("1225524182432722209606361"),
  Big.parse("114095592300906098243859450"),
  Big.parse("5665570424063336070530214243"),
  Big.parse("194450132448609991765137938448"),
  Big.parse("5068267641632683791026134915072"),
  Big.parse("104716890604972796896895427629056"),
  Big.parse("1748338658439454459487681798864896"),
  Big.parse("23704654329841312470660182937960448"),
  Big.parse("259380097567996910282699886670381056"),
  Big.parse("2250336698853390384720606936038375424"),
  Big.parse("14978272436876548034486263159246028800"),
  Big.parse("72144088983913131323343765784380833792"),
  Big.parse("224599776407103106596571252037123047424"),
  Big.parse("340282366920938463463374607431768211456"),
];

/** ln(x) for 1 <= x <= 2, numerator. */
const LN_NUMERATOR: StaticArray<Big> = [
  Big.parse("261417938209272870992496419296200268025"),
  Big.parse("7266615505142943436908456158054846846897"),
  Big.parse("32458783941900493142649393804518050491988"),
  Big.parse("17078670566130897220338060387082146864806"),
  Big.parse("-35150353308172866634071793531642638290419"),
  Big.parse("-20351202052858059355702509232125230498980"),
  Big.parse("-1563932590352680681114104005183375350999"),
];

/** ln(x) for 1 <= x <= 2, denominator. */
const LN_DENOMINATOR: StaticArray<Big> = [
  Big.parse("49928077726659937662124949977867279384"),
  Big.parse("2508163877009111928787629628566491583994"),
  Big.parse("21757751789594546643737445330202599887121"),
  Big.parse("53400635271583923415775576342898617051826"),
  Big.parse("41248834748603606604000911015235164348839"),
  Big.parse("9015227820322455780436733526367238305537"),
  Big.parse("340282366920938463463374607431768211456"),
];

/** Product of two Q.128 values, floored to Q.128. */
export function mulQ128(a: Big, b: Big): Big {
  return a.mul(b).rsh(PRECISION);
}

/** Polynomial with coefficients from the highest power down, at x; all Q.128. */
function evaluate(coefficients: StaticArray<Big>, x: Big): Big {
  let value = coefficients[0];
  for (let i = 1; i < coefficients.length; i++) value = mulQ128(value, x).add(coefficients[i]);
  return value;
}

/** e^-x for x >= 0, Q.128; error below 3.4e-30 for x < 1.725 and below 4.6e-15 for x < 5. */
export function expNeg(x: Big): Big {
  return evaluate(EXP_NUMERATOR, x).lsh(PRECISION).div(evaluate(EXP_DENOMINATOR, x));
}

/** ln(z), Q.128: z = x 2^k with 1 <= x < 2 gives ln(x) + k ln(2). Defined for positive z. */
export function ln(z: Big): Big {
  const k = z.bitLength - 1 - <i32>PRECISION;
  const x = k > 0 ? z.rsh(<u32>k) : z.lsh(<u32>-k);
  const fraction = evaluate(LN_NUMERATOR, x).lsh(PRECISION).div(evaluate(LN_DENOMINATOR, x));
  return LN_2.mul(Big.fromI64(k)).add(fraction);
}

/** base^n by squaring, Q.128, rounding down at every product. A negative n needs a base other than zero. */
export function powQ128(base: Big, n: i64): Big {
  if (n == 0) return ONE_Q128;
  if (n == 1) return base;
  if (n < 0) return powQ128(ONE_Q128.lsh(PRECISION).div(base), -n);
  const rest = powQ128(mulQ128(base, base), n >> 1);
  return (n & 1) == 0 ? rest : mulQ128(base, rest);
}
