/**
 * Writes `assembly/crypto/field/fr-lanes.gen.ts`: products in Fr of BLS12-381, eight side by side in SIMD. Run through `tools/generate`.
 *
 * As `field-lanes.ts`, which see for the why of 13 bits: 20 limbs, a group of four elements is ten vectors, each with two limbs a lane.
 * Montgomery form, R = 2^260. p is 1 modulo 2^26, so two columns are their own quotient, and the reduction subtracts multiples of p,
 * whose limbs are taken from -2^12 to 2^12. The topmost limb of the quotient is taken negative, which adds p once: results are positive.
 *
 * Bounds. *Tight*: limbs from 0 to 2^13 - 1, value below 4p. A column of a product is below 20 · 2^26 = 2^30.33, what the reduction adds to it
 * below 2^29.33 in absolute value: less than 2^31 with carries. 16 p^2 / R + p < 1.5p. A product with a spread constant (limbs from -2^12 to
 * 2^12, see `dot-lanes.ts`) adds at most 2^29.33 to a column where the element is tight, 2^30.33 where its limbs are below 2^14: so two
 * tight terms, or one that is the sum of two tight elements, go between carries. `frLanesReduce` takes columns below 2^29 in absolute value
 * whose value is from -2^13 p to 2^15 p - p; `frLanesDivide` adds less than 2^27 + 2^19 to a column.
 */
import { FR, range } from "./field-spec.ts";
import type { GeneratedFile } from "./generator.ts";
import { add, at, BITS, dot, put, reversal, reversedPairs, table, VECTOR } from "./lanes.ts";

const P = FR.modulus;
const LIMBS = 20;
const PAIRS = LIMBS / 2;
/** Groups of four elements that take turns: the quotients of one are a chain, during which the other's products are made. */
const GROUPS = 2;
/** Pairs of limbs that a turn of the reduction takes. */
const REDUCTION_TURN = 2;

/** Limbs from -2^12 + 1 to 2^12. */
function balanced(value: bigint): number[] {
  let rest = value;
  return range(LIMBS).map(() => {
    const low = Number(rest & 0x1fffn);
    const limb = low > 0x1000 ? low - 0x2000 : low;
    rest = (rest - BigInt(limb)) >> BigInt(BITS);
    return limb;
  });
}

const spreadWord = (j: number): string => `v128.load32_splat(c, ${4 * j})`;
/** Where a group's columns begin, in vectors. */
const COLUMN = 2 * LIMBS + 2;
/** A loop over groups, as code that stays decoded is faster: operands and columns, at t, move on. */
const loop = (text: string, operands: string): string =>
  `  for (let t = T; t < T + ${VECTOR * COLUMN * GROUPS}; t += ${VECTOR * COLUMN}, ${operands} += ${VECTOR * PAIRS}) {\n${text}  }\n`;
/** The same without columns at t: the result, and what else there is, moves on. */
const bothGroups = (text: string, operands: string): string =>
  `  for (let group = 0; group < ${GROUPS}; group++, r += ${VECTOR * PAIRS}, ${operands}) {\n${text}  }\n`;
/** One column of a product: all pairs of a, which stand in registers, with the words that `load` brings. */
function productColumn(c: number, load: (j: number) => string): string {
  const terms = range(PAIRS)
    .filter((q) => c >= 2 * q && c - 2 * q <= LIMBS)
    .map((q) => dot(`a${q}`, load(c - 2 * q)));
  return add(terms);
}

const pairsOf = (): string =>
  range(PAIRS)
    .map((q) => `    const a${q} = ${at("a", q)};\n`)
    .join("");

/**
 * A column of a square from half of the products. Pair I meets words j >= 2 I: the square of its lower limb, twice the product of both, then
 * word 2 I + 2, whose upper limb is its own, then further ones, doubled.
 */
function squareColumn(c: number): string {
  const pair = (i: number): string => at("b", i);
  const low = (i: number): string => `v128.and(${pair(i)}, i32x4.splat(0xffff))`;
  const forms = (i: number): string[] => [low(i), pair(i), `i16x8.add(${pair(i)}, ${low(i)})`];
  const terms = range(PAIRS)
    .filter((i) => c - 2 * i >= 2 * i && c - 2 * i <= LIMBS)
    .map((i) => dot(forms(i)[c - 4 * i] ?? `twice${i}`, at("B", c - 2 * i)));
  return add(terms);
}

const doubled = (): string =>
  range(PAIRS)
    .map((i) => `    const twice${i} = i16x8.add(${at("b", i)}, ${at("b", i)});\n`)
    .join("");

/** Columns in T, each finished in a register before it is stored, as Zen 3 stores one vector a cycle; the topmost is nothing yet. */
function columns(of: (c: number) => string): string {
  const list = range(2 * LIMBS - 1).map((c) => `    ${put("t", of(c), c)}`);
  return `${list.join("")}    ${put("t", "i32x4.splat(0)", 2 * LIMBS - 1)}`;
}

const clear = (): string =>
  `  for (let t = T; t < T + ${VECTOR * COLUMN * GROUPS}; t += ${VECTOR}) v128.store(t, i32x4.splat(0));\n`;

/** Clears the lower half of the columns by multiples of p. */
function reduction(): string {
  const turns = PAIRS / REDUCTION_TURN;
  const onward = VECTOR * (2 * REDUCTION_TURN - GROUPS * COLUMN);
  // Of the last turn the topmost limb of the quotient is less by 2^13.
  return `  let sign = i32x4.splat(0);
  for (let turn = 0, u = T; turn < ${turns}; turn++, u ${onward < 0 ? "-" : "+"}= ${Math.abs(onward)}) {
    if (turn == ${turns - 1}) sign = i32x4.splat(${2 ** BITS});
    for (let group = 0; group < ${GROUPS}; group++, u += ${VECTOR * COLUMN}) {
${reductionTurn()}    }
  }
`;
}

/** Carries the upper half of the columns into r, with the constant at c if there is one. */
function upperHalf(constant: boolean): string {
  const column = (i: number): string[] => [at("t", LIMBS + i), ...(constant ? [`v128.load32_splat(c, ${4 * i})`] : [])];
  return loop(
    ending((i) => add(column(i))),
    "r",
  );
}

function reductionTurn(): string {
  const terms = (c: number, count: number): string[] =>
    range(count)
      .filter((q) => c - 2 * q >= 2 && c - 2 * q <= LIMBS)
      .map((q) => dot(`m${q}`, `n${c - 2 * q}`));
  /** Loads what column c needs for the first time; it stays in a register until the turn's last quotient has met it. */
  const loaded = (c: number): string => (c >= 2 && c <= LIMBS ? `    const n${c} = ${at("NEGATIVE", c)};\n` : "");
  const column = (c: number): string => at("u", c);
  let out = "";
  let carried: string[] = [];
  for (const q of range(REDUCTION_TURN)) {
    for (const c of [2 * q, 2 * q + 1]) {
      out += loaded(c);
      out += `    const s${c} = ${add([column(c), ...terms(c, q), ...carried])};\n`;
      const last = c === 2 * REDUCTION_TURN - 1;
      carried = [`i32x4.shr_s(${last ? `i32x4.add(s${c}, sign)` : `s${c}`}, ${BITS})`];
    }
    const high = `v128.and(s${2 * q + 1}, mask)`;
    const signed = q === REDUCTION_TURN - 1 ? `i32x4.sub(${high}, sign)` : high;
    out += `    const m${q} = v128.or(v128.and(s${2 * q}, mask), i32x4.shl(${signed}, 16));\n`;
  }
  for (let c = 2 * REDUCTION_TURN; c < 2 * REDUCTION_TURN + LIMBS - 1; c++) {
    out += loaded(c);
    out += `    ${put("u", add([column(c), ...terms(c, REDUCTION_TURN), ...carried]), c)}`;
    carried = [];
  }
  return out;
}

/** Carries a group's columns into its limbs of r; `before` is what a column needs. */
function ending(column: (i: number) => string, before: (i: number) => string = () => ""): string {
  let out = "";
  for (const i of range(LIMBS)) {
    out += before(i);
    const carried = i === 0 ? "" : `, i32x4.shr_s(r${i - 1}, ${BITS}))`;
    out += `    const r${i} = ${i === 0 ? column(i) : `i32x4.add(${column(i)}${carried}`};\n`;
    if (i % 2 === 0) continue;
    const high = i === LIMBS - 1 ? `r${i}` : `v128.and(r${i}, mask)`;
    const low = `v128.and(r${i - 1}, mask)`;
    out += `    ${put("r", `v128.or(${low}, i32x4.shl(${high}, 16))`, (i - 1) / 2)}`;
  }
  return out;
}

/** Columns minus the quotient's multiple of p; the quotient from the two topmost columns, between 0 and 3.2 too small. */
function tightening(): string {
  const factor = 2n ** BigInt(15 + 7 + BITS * (LIMBS - 1)) / P;
  const column = (i: number): string => at("columns", i);
  const top = `i32x4.add(${column(LIMBS - 1)}, i32x4.shr_s(${column(LIMBS - 2)}, ${BITS}))`;
  let out = `    const size = i32x4.shr_s(i32x4.sub(${top}, i32x4.splat(8)), 7);\n`;
  out += `    const q = i32x4.sub(i32x4.shr_s(i32x4.mul(size, i32x4.splat(${factor})), 15), i32x4.splat(1));\n`;
  out += "    const m = v128.and(q, i32x4.splat(0xffff));\n";
  const less = (i: number): string => {
    if (i === 0) return `i32x4.sub(${column(0)}, q)`;
    return i === 1 ? column(1) : `i32x4.add(${column(i)}, ${dot("m", at("NEGATIVE", i))})`;
  };
  return bothGroups(out + ending(less), `columns += ${VECTOR * LIMBS}`);
}

/** Columns of a sum with small integers, and those of them that the division clears. */
const SUM_COLUMNS = LIMBS + 2;
const CLEARED = 4;

/** Clears four columns by multiples of p, and carries those above them: they are two pairs of the quotient, so no loop is needed. */
function division(): string {
  const column = (c: number): string => add(["x", "y", "z"].map((sum) => at(sum, c)));
  const negative = (c: number): string => `    const n${c} = ${at("NEGATIVE", c)};\n`;
  const carried = (c: number): string => `i32x4.shr_s(s${c}, ${BITS})`;
  let out = `${negative(2)}${negative(3)}    const s0 = ${column(0)};\n`;
  out += `    const s1 = ${add([column(1), carried(0)])};\n`;
  out += "    const m0 = v128.or(v128.and(s0, mask), i32x4.shl(v128.and(s1, mask), 16));\n";
  out += `    const s2 = ${add([column(2), dot("m0", "n2"), carried(1)])};\n`;
  out += `    const s3 = ${add([column(3), dot("m0", "n3"), carried(2)])};\n`;
  // The topmost limb of the quotient is less by 2^13.
  out += "    const m1 = v128.or(v128.and(s2, mask), i32x4.shl(i32x4.sub(v128.and(s3, mask), sign), 16));\n";
  const above = (i: number): string => {
    const c = i + CLEARED;
    const terms = c < SUM_COLUMNS ? [column(c)] : [];
    if (c <= LIMBS) terms.push(dot("m0", `n${c}`));
    if (c <= LIMBS + 2) terms.push(dot("m1", `n${c - 2}`));
    if (i === 0) terms.push(`i32x4.shr_s(i32x4.add(s3, sign), ${BITS})`);
    return terms.length > 0 ? add(terms) : "i32x4.splat(0)";
  };
  out += ending(above, (i) => (i + CLEARED <= LIMBS ? negative(i + CLEARED) : ""));
  const sums = ["x", "y", "z"].map((sum) => `${sum} += ${VECTOR * SUM_COLUMNS}`).join(", ");
  return `  const sign = i32x4.splat(${2 ** BITS});\n${bothGroups(out, sums)}`;
}

export function generateFrLanes(): readonly GeneratedFile[] {
  const limbs = balanced(P);
  if (limbs[0] !== 1 || limbs[1] !== 0) throw new Error("the modulus has other lowest limbs");
  const negative = reversedPairs(limbs.map((limb) => -limb));
  const mask = `  const mask = i32x4.splat(${2 ** BITS - 1});\n`;
  const text = `// Generated by src/tools/gen/fr-lanes.ts; change that file and run \`node dist/tools/generate.js\`.
/**
 * Fr, the scalar field of BLS12-381, eight elements side by side: kernels for modules that are compiled with SIMD.
 *
 * Eight elements are two groups of 10 vectors (320 bytes, 16-aligned): lane l of a group's vector i holds limbs 2 i and 2 i + 1 of its
 * element l, 13 bits each, in its lower and upper half. Montgomery form with R = 2^260. Bounds are argued in the generator's head.
 */

/** Bytes from one element of eight lanes to the next. */
export const FR_LANES_SIZE: usize = ${VECTOR * PAIRS * GROUPS};
/** Bytes of the columns that \`frLanesReduce\` takes. */
export const FR_COLUMNS_SIZE: usize = ${VECTOR * LIMBS * GROUPS};
/** Bytes of the columns of one sum that \`frLanesDivide\` takes: ${SUM_COLUMNS} of a group, then those of the other. */
export const FR_SUM_SIZE: usize = ${VECTOR * SUM_COLUMNS * GROUPS};
/** Bytes of a constant as \`frLanesMulAdd\` adds it: ${LIMBS} limbs of 13 bits, in words. */
export const FR_LIMBS_SIZE: usize = ${4 * LIMBS};
/** Bytes of a spread constant: see \`poseidon/dot-lanes.gen.ts\`. */
const SPREAD_BYTES: usize = 96;
/** The limbs of -p, j and j - 1 in word j. */
${table("NEGATIVE", negative)}const T: usize = memory.data(${VECTOR * COLUMN * GROUPS}, 16);
const B: usize = memory.data(${VECTOR * (LIMBS + 1)}, 16);

/** r = a b + c in every lane, c a constant in limbs, below p; tight, below 2.5p. r may be a or b. */
export function frLanesMulAdd(r: usize, a: usize, b: usize, c: usize): void {
${loop("    reverse(b);\n    multiplyColumns(t, a);\n", `b += ${VECTOR * PAIRS}, a`)}  reduceColumns();
${mask}${upperHalf(true)}}

/** r = a c in every lane, c a spread constant; a as tight or with limbs below 2^14; tight. r may be a. */
export function frLanesScale(r: usize, a: usize, c: usize): void {
${range(LIMBS + 1)
  .map((j) => `  ${put("B", spreadWord(j), j)}`)
  .join("")}${loop("    multiplyColumns(t, a);\n", "a")}  reduceColumns();
  carryColumns(r);
}

/** r = b b in every lane; tight. r may be b. */
export function frLanesSqr(r: usize, b: usize): void {
${loop("    reverse(b);\n    squareColumns(t, b);\n", "b")}  reduceColumns();
  carryColumns(r);
}

// What the kernels above have in common stands once: together they are to fit the processor's store of decoded instructions.

/** The limbs of a group, j and j - 1 in word j of B. */
function reverse(b: usize): void {
${reversal(PAIRS, "  ")}}

/** The columns of a group's limbs times the words in B. */
function multiplyColumns(t: usize, a: usize): void {
${pairsOf()}${columns((c) => productColumn(c, (j) => at("B", j)))}}

/** The columns of a group's square, its words in B. */
function squareColumns(t: usize, b: usize): void {
${doubled()}${columns(squareColumn)}}

/** Clears the lower half of all columns. */
function reduceColumns(): void {
${mask}${reduction()}}

/** Carries the upper half of all columns into r, tight. */
function carryColumns(r: usize): void {
${mask}${upperHalf(false)}}

/** r = sum of a[i] · c[i] for i < count: tight elements one after the other, spread constants; tight. r may be a. */
export function frLanesDot(r: usize, a: usize, c: usize, count: i32): void {
${clear()}  for (let term = 0; term < count; term++, a += FR_LANES_SIZE, c += SPREAD_BYTES) {
    if (term > 1 && (term & 1) == 0) settleColumns();
    addProduct(a, c);
  }
  reduceColumns();
  carryColumns(r);
}

/** Adds the columns of a c. */
function addProduct(a: usize, c: usize): void {
${loop(
  pairsOf() +
    range(2 * LIMBS - 1)
      .map((c) => `    ${put("t", add([at("t", c), productColumn(c, spreadWord)]), c)}`)
      .join(""),
  "a",
)}}

/** Carries every column into the next; the last one takes what comes. */
function settleColumns(): void {
${mask}  for (let group = T; group < T + ${VECTOR * COLUMN * GROUPS}; group += ${VECTOR * COLUMN}) {
    let carry = i32x4.splat(0);
    const last = group + ${VECTOR * (2 * LIMBS - 1)};
    for (let t = group; t < last; t += ${VECTOR}) {
      const column = v128.load(t);
      v128.store(t, i32x4.add(v128.and(column, mask), carry));
      carry = i32x4.shr_s(column, ${BITS});
    }
    v128.store(last, i32x4.add(v128.load(last), carry));
  }
}

/** r = the value of each group's 20 columns, tight; bounds as the generator's head says. r must not overlap the columns. */
export function frLanesReduce(r: usize, columns: usize): void {
${mask}${tightening()}}

/**
 * r = what the ${SUM_COLUMNS} columns of three sums come to for each group / 2^52; tight, and below 1.1p where that is below p / 10. r must not
 * overlap the columns.
 */
export function frLanesDivide(r: usize, x: usize, y: usize, z: usize): void {
${mask}${division()}}
`;
  return [{ path: "assembly/crypto/field/fr-lanes.gen.ts", text }];
}
