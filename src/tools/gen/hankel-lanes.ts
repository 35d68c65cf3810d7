/**
 * Writes `assembly/crypto/poseidon/hankel-lanes.gen.ts`: the matrix of Poseidon's widest tree nodes (t = 9) times eight states side by side.
 * Run through `tools/generate`.
 *
 * K = L · M has small integers, K[i][j] = h[i + j] with h[k] = L / (k + 9) and L = lcm(9 … 25) (see `poseidon/constants.ts`): below 2^32, three
 * limbs of 13 bits. It is a Hankel matrix, and one of three by three blocks that are Hankel matrices in turn. Of three by three, blocks or numbers,
 *
 *   | A B C |
 *   | B C D |    y0 = (A - B - C) x0 + B (x0 + x1) + C (x0 + x2)      y1 = (C - B - D) x1 + B (x0 + x1) + D (x1 + x2)
 *   | C D E |    y2 = (E - C - D) x2 + C (x0 + x2) + D (x1 + x2)
 *
 * takes six products in place of nine, so 36 in place of 81, of sums of up to four lanes of the state.
 *
 * Bounds. Lanes are tight: limbs up to 2^13 - 1, so those of a sum of four stay below 2^15. What a column comes to is added up below from the
 * constants themselves, with what `frLanesDivide` adds.
 */
import { hex, range } from "./field-spec.ts";
import type { GeneratedFile } from "./generator.ts";
import { add, at, BITS, dot, put, reversedPairs, VECTOR } from "./lanes.ts";

const WIDTH = 9;
const SIDE = 3;
const LIMBS = 20;
const PAIRS = LIMBS / 2;
/** Limbs of a constant. */
const SMALL = 3;
const GROUPS = 2;
/** The products of three by three: which of x0, x1, x2 are added up for each. Those of two come first, as two results share them. */
const PRODUCTS: readonly (readonly [number, number])[] = [
  [0, 1],
  [0, 2],
  [1, 2],
  [0, 0],
  [1, 1],
  [2, 2],
];
const COUNT = PRODUCTS.length ** 2;
/** Which products make result `lane`: its own, then the shared ones. */
const productsOf = (lane: number): number[] =>
  PRODUCTS.map((pair, i) => (pair.includes(lane) ? i : -1))
    .filter((i) => i >= 0)
    .toSorted((x, y) => y - x);
const COLUMNS = LIMBS + SMALL - 1;

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));
const multiple = range(2 * WIDTH - 1)
  .map((k) => BigInt(k + WIDTH))
  .reduce((all, each) => (all / gcd(all, each)) * each);

/** What product (a, b) multiplies with, of a matrix whose entries at [i, j] are `value(i + j)`. */
function factorOf(value: (k: number) => bigint, [a, b]: readonly [number, number]): bigint {
  if (a !== b) return value(a + b);
  const others = range(SIDE).filter((other) => other !== a);
  return others.reduce((rest, other) => rest - value(a + other), value(2 * a));
}

/** The constants of all products, those of a block one after the other. */
function constants(): bigint[] {
  const h = (k: number): bigint => multiple / BigInt(k + WIDTH);
  return PRODUCTS.flatMap((outer) =>
    PRODUCTS.map((inner) => factorOf((k) => factorOf((block) => h(SIDE * block + k), outer), inner)),
  );
}

/** Three limbs, the lower ones from -2^12 + 1 to 2^12. */
function limbsOf(value: bigint): number[] {
  const limbs: number[] = [];
  let rest = value;
  for (let i = 0; i < SMALL - 1; i++) {
    const low = Number(rest & 0x1fffn);
    limbs.push(low > 0x1000 ? low - 0x2000 : low);
    rest = (rest - BigInt(limbs[i]!)) >> BigInt(BITS);
  }
  return [...limbs, Number(rest)];
}

/** Throws unless every column that a lane of the result is reduced from stays below 2^31. */
function checkColumns(limbs: readonly number[][]): void {
  const units = ([a, b]: readonly [number, number]): number => (a === b ? 1 : 2);
  for (const block of range(SIDE)) {
    for (const lane of range(SIDE)) {
      let most = 4 * 2 ** 12 + 2 ** 6;
      for (const [o, outer] of PRODUCTS.entries())
        for (const [i, inner] of PRODUCTS.entries())
          if (outer.includes(block) && inner.includes(lane))
            most +=
              units(outer) * units(inner) * limbs[PRODUCTS.length * o + i]!.reduce((sum, x) => sum + Math.abs(x), 0);
      if (most * (2 ** BITS - 1) >= 2 ** 31) throw new Error("a column would not fit 32 bits");
    }
  }
}

/** The sums of one pair of limbs of all lanes, at `to`. */
function sums(): string {
  let out = range(WIDTH)
    .map((i) => `    const x${i} = ${at("a", i * PAIRS * GROUPS)};\n`)
    .join("");
  for (const [o, [a, b]] of PRODUCTS.entries()) {
    const names = range(SIDE).map((lane) => (a === b ? `x${SIDE * a + lane}` : `y${o}_${lane}`));
    if (a !== b)
      for (const lane of range(SIDE))
        out += `    const y${o}_${lane} = i16x8.add(x${SIDE * a + lane}, x${SIDE * b + lane});\n`;
    for (const [i, [c, d]] of PRODUCTS.entries()) {
      const sum = c === d ? names[c]! : `i16x8.add(${names[c]}, ${names[d]})`;
      out += `    ${put("to", sum, PAIRS * (PRODUCTS.length * o + i))}`;
    }
  }
  return out;
}

/** The columns of a product, each with those of other sums: the constant's words and two pairs of limbs are in registers at a time. */
function product(beside: readonly string[]): string {
  let out = range(SMALL + 1)
    .map((j) => `  const w${j} = v128.load32_splat(k, ${4 * j});\n`)
    .join("");
  for (const i of range(PAIRS + 1)) {
    if (i < PAIRS) out += `  const p${i} = ${at("a", i)};\n`;
    for (const j of [0, 1]) {
      const terms = i < PAIRS ? [dot(`p${i}`, `w${j}`)] : [];
      if (i > 0) terms.push(dot(`p${i - 1}`, `w${j + 2}`));
      terms.push(...beside.map((name) => at(name, 2 * i + j)));
      out += `  ${put("r", add(terms), 2 * i + j)}`;
    }
  }
  return out;
}

/** The products of a block, at a and k, which move on; its results to r. */
function products(): string {
  const shared = (i: number): string => `SHARED + ${VECTOR * COLUMNS * i}`;
  let out = "";
  for (const i of range(PRODUCTS.length)) {
    out +=
      i < SIDE
        ? `      multiply(${shared(i)}, a, k);\n`
        : `      multiplyAdd(r, a, k, ${productsOf(i - SIDE)
            .slice(1)
            .map(shared)
            .join(", ")});\n      r += FR_SUM_SIZE;\n`;
    out += `      a += ${VECTOR * PAIRS};\n      k += ${4 * (SMALL + 1)};\n`;
  }
  return out;
}

/** The lanes of the state out of their blocks' results. */
function results(): string {
  return range(SIDE)
    .map((block) => {
      const columns = productsOf(block).map((each) => `columns + ${each * SIDE} * FR_SUM_SIZE`);
      return `  for (let columns = RESULTS; columns < RESULTS + ${SIDE} * FR_SUM_SIZE; columns += FR_SUM_SIZE, state += FR_LANES_SIZE) {
    frLanesDivide(state, ${columns.join(", ")});
  }
`;
    })
    .join("");
}

export function generateHankelLanes(): readonly GeneratedFile[] {
  const limbs = constants().map(limbsOf);
  checkColumns(limbs);
  const words = limbs.flatMap(reversedPairs).map(hex);
  const text = `// Generated by src/tools/gen/hankel-lanes.ts; change that file and run \`node dist/tools/generate.js\`.
/**
 * The matrix K of Poseidon's width 9 times eight states side by side, each lane of a state eight elements of \`fr-lanes.gen.ts\`. How and within
 * what bounds is explained in the generator's head. Only for modules that are compiled with SIMD.
 */
import { FR_LANES_SIZE, FR_SUM_SIZE, frLanesDivide } from "../field/fr-lanes.gen";

/** L of the generator's head. */
export const HANKEL_MULTIPLE: u64 = ${multiple};
/** The constants of the ${COUNT} products, limbs j and j - 1 in word j. */
const CONSTANTS: usize = ASC_FEATURE_SIMD ? memory.data<u32>([${words.join(", ")}], 16) : 0;
/** The sums of lanes that the products are of, one group's. */
const SUMS: usize = memory.data(ASC_FEATURE_SIMD ? ${VECTOR * PAIRS * COUNT} : 16, 16);
/** The columns of products that two results share. */
const SHARED: usize = memory.data(ASC_FEATURE_SIMD ? ${VECTOR * COLUMNS * SIDE} : 16, 16);
/** The columns of the results of each block, both groups'. */
const RESULTS: usize = memory.data(ASC_FEATURE_SIMD ? ${VECTOR * COLUMNS * GROUPS * SIDE * PRODUCTS.length} : 16, 16);

/** The ${WIDTH} lanes of \`state\`, tight ones, times K / 2^52: tight, below 1.1p. */
export function multiplyHankel(state: usize): void {
  for (let group: usize = 0; group < ${GROUPS}; group++) {
    addLanes(state + group * ${VECTOR * PAIRS});
    let k = CONSTANTS;
    let a = SUMS;
    let r = RESULTS + group * ${VECTOR * COLUMNS};
    for (let block = 0; block < ${PRODUCTS.length}; block++) {
${products()}    }
  }
${results()}}

/** The sums of a group's lanes, from its limbs in the first of them. */
function addLanes(a: usize): void {
  for (let to = SUMS; to < SUMS + ${VECTOR * PAIRS}; to += ${VECTOR}, a += ${VECTOR}) {
${sums()}  }
}

/** The columns of a k. */
function multiply(r: usize, a: usize, k: usize): void {
${product([])}}

/** The same and the columns at x and y. */
function multiplyAdd(r: usize, a: usize, k: usize, x: usize, y: usize): void {
${product(["x", "y"])}}
`;
  return [{ path: "assembly/crypto/poseidon/hankel-lanes.gen.ts", text }];
}
