/**
 * Writes `assembly/crypto/poseidon/dot-lanes.gen.ts`: dot products over Fr with the columns of one product in the lanes of vectors. Run
 * through `tools/generate`.
 *
 * Limbs of 13 bits, 20 of them, for `i32x4.dot_i16x8_s` as in `field-lanes.ts`. An element is multiplied as *words*: limbs 2 i and
 * 2 i + 1 in word i, ten of them. A constant is *spread*: word k holds its limbs k and k - 1, k = 0 .. 20, and zeros follow up to the
 * stride of 24 words. So word i of the element, in all lanes, times four words of the constant in a row adds to four columns in a row:
 *
 *   columns 4 v .. 4 v + 3  +=  word i · spread words 4 v - 2 i ..           ten vectors, which stay in registers for all terms
 *
 * Words with an even i read the spread constant from a multiple of four on, those with an odd i two words before; what they read there is
 * the zeros before it. A term is 60 such steps, 50 being the least for 400 products of limbs.
 *
 * Bounds. Elements are tight (below 4p < 2^257, limbs from 0 to 2^13 - 1), constants below p with limbs from -2^12 to 2^12. A term adds at
 * most 20 · 2^25 to a column, three add less than 2^30.91; then columns are carried, after which they are below 2^18 + 2^13, so three
 * more stay below 2^31. The last column gets nothing but carries, and a sum of 24 products is below 96 p^2 < 2^(13·40 - 3).
 *
 * The reduction puts columns together in pairs, 26 bits, and subtracts multiples of p, which is 1 mod 2^26: a column's lowest 26 bits are its
 * quotient. The last quotient is taken negative, so that p is added once and the result is positive: below
 * 96 p^2 / 2^260 + p < 3.8p for 24 terms. R = 2^260.
 */
import { FR, hex, range } from "./field-spec.ts";
import type { GeneratedFile } from "./generator.ts";

const BITS = 13;
const PAIRS = 10;
const COLUMNS = 4 * PAIRS;
const VECTORS = 6;
/** Terms between two carries. */
const TERMS = 3;
const WORD = 26;
const MASK = 2 ** WORD - 1;

/** -1 for what adds to a column's carry a shift, not a product: p's second limb is 2^26 - 2^6, so it counts as -2^6 and the third one more. */
function modulusLimbs(): { readonly shift: number; readonly limbs: readonly bigint[] } {
  const limbs = range(PAIRS).map((i) => (FR.modulus >> BigInt(WORD * i)) & BigInt(MASK));
  const shift = 6;
  if (limbs[0] !== 1n || limbs[1] !== BigInt(2 ** WORD - 2 ** shift))
    throw new Error("the modulus has other lowest limbs");
  return { shift, limbs: limbs.map((limb, i) => (i === 2 ? limb + 1n : limb)) };
}

/** One term: every word of the element with every vector of the constant. */
function term(): string {
  let out = "";
  for (const v of range(VECTORS)) {
    for (const odd of [0, 1]) {
      out += `    w = v128.load(${odd === 0 ? "c" : "before"}, ${16 * v});\n`;
      for (let i = odd; i < PAIRS; i += 2) {
        const t = v + (i - odd) / 2;
        out += `    t${t} = i32x4.add(t${t}, i32x4.dot_i16x8_s(v128.load32_splat(a, ${4 * i}), w));\n`;
      }
    }
  }
  return out;
}

/** Carries every column into the next. */
function carry(): string {
  let out = "    let below = i32x4.splat(0);\n    let high: v128;\n";
  for (const t of range(PAIRS)) {
    const mask = t === PAIRS - 1 ? "topmost" : "mask";
    out += `    high = i32x4.shr_s(t${t}, ${BITS});\n`;
    out += `    t${t} = i32x4.add(v128.and(t${t}, ${mask}), i32x4.shuffle(below, high, 3, 4, 5, 6));\n    below = high;\n`;
  }
  return out;
}

function reduction(): string {
  const { shift, limbs } = modulusLimbs();
  const column = (j: number): string =>
    `<i64>load<i32>(COLUMNS, ${8 * j}) + (<i64>load<i32>(COLUMNS, ${8 * j + 4}) << ${BITS})`;
  /** Column j without the quotients that take part in it, but for the newest's shift. */
  const summed = (j: number): string => {
    const products = range(PAIRS)
      .filter((i) => j - i >= 2 && j - i < PAIRS)
      .map((i) => ` - q${i} * ${hex(limbs[j - i]!)}`);
    return `${column(j)}${products.join("")}`;
  };
  let out = "  let u: i64 = 0;\n";
  for (const j of range(PAIRS)) {
    const shifted = j > 0 ? ` + (q${j - 1} << ${shift})` : "";
    out += `  u = (${summed(j)})${j > 0 ? ` + (u >> ${WORD})` : ""}${shifted};\n`;
    out += j < PAIRS - 1 ? `  const q${j} = u & ${hex(MASK)};\n` : `  const q${j} = u | ~${hex(MASK)};\n`;
    // With the negative quotient one more is carried.
    if (j === PAIRS - 1) out += `  u += ${hex(MASK + 1)};\n`;
  }
  for (const j of range(PAIRS)) {
    const shifted = j === 0 ? ` + (q${PAIRS - 1} << ${shift})` : "";
    out += `  u = (${summed(PAIRS + j)}) + (u >> ${WORD})${shifted};\n`;
    out += `  const r${j} = <u32>u${j < PAIRS - 1 ? ` & ${hex(MASK)}` : ""};\n`;
  }
  return out;
}

/** The 29-bit limbs of r0 .. r9, which hold 26 bits each. */
function storedLimbs(): string {
  let out = "";
  for (const i of range(FR.limbs)) {
    const from = FR.bits * i;
    const parts = range(PAIRS)
      .filter((j) => WORD * j < from + FR.bits && (WORD * (j + 1) > from || j === PAIRS - 1))
      .map((j) => {
        const by = WORD * j - from;
        return by < 0 ? `(r${j} >> ${-by})` : by === 0 ? `r${j}` : `(r${j} << ${by})`;
      });
    const sum = parts.join(" | ");
    out += `  store<u32>(r, ${i < FR.limbs - 1 ? `(${sum}) & 0x1fffffff` : sum}, ${4 * i});\n`;
  }
  return out;
}

/** The words of 26 bits of an element in limbs of 29. */
function loadedWords(): string {
  let out = range(FR.limbs)
    .map((i) => `  const l${i} = load<u32>(a, ${4 * i});\n`)
    .join("");
  for (const j of range(PAIRS)) {
    const from = WORD * j;
    const parts = range(FR.limbs)
      .filter((i) => FR.bits * i < from + WORD && (FR.bits * (i + 1) > from || i === FR.limbs - 1))
      .map((i) => {
        const by = FR.bits * i - from;
        return by < 0 ? `(l${i} >> ${-by})` : by === 0 ? `l${i}` : `(l${i} << ${by})`;
      });
    out += `  const r${j} = ${parts.join(" | ")};\n`;
  }
  return out;
}

const storedWords = (pointer: string): string =>
  range(PAIRS)
    .map((j) => `  store<u32>(${pointer}, (r${j} & 0x1fff) | ((r${j} << 3) & 0x1fff0000), ${4 * j});\n`)
    .join("");

export function generateDotLanes(): readonly GeneratedFile[] {
  const accumulators = range(PAIRS)
    .map((t) => `  let t${t} = i32x4.splat(0);\n`)
    .join("");
  const text = `// Generated by src/tools/gen/dot-lanes.ts; change that file and run \`node dist/tools/generate.js\`.
/**
 * Dot products over Fr for Poseidon, in SIMD: elements as words of two 13-bit limbs, constants spread; forms and bounds are explained
 * in the generator's head. Only for modules that are compiled with SIMD.
 */

/** Bytes of an element in words, ten of them. */
export const WORDS_SIZE: usize = ${4 * PAIRS};
/** Bytes from one spread constant to the next; eight bytes of zeros must stand before the first. */
export const SPREAD_SIZE: usize = ${16 * VECTORS};
/** The columns of a sum of products, 13 bits apart. */
const COLUMNS: usize = memory.data(${4 * COLUMNS}, 16);

/** The columns of the sum of a[i] · c[i] for i < count: elements in words \`stride\` bytes apart, spread constants; count at most 24. */
function sumColumns(a: usize, stride: usize, c: usize, count: i32): void {
  const mask = i32x4.splat(0x1fff);
  const topmost = i32x4(0x1fff, 0x1fff, 0x1fff, -1);
  let w: v128;
${accumulators}  for (let left = count; ; ) {
    const end = c + <usize>min(left, ${TERMS}) * SPREAD_SIZE;
    for (; c < end; c += SPREAD_SIZE, a += stride) {
      const before = c - 8;
${term().replaceAll(/^ {4}/gm, "      ")}    }
    left -= ${TERMS};
    if (left <= 0) break;
${carry()}  }
${range(PAIRS)
  .map((t) => `  v128.store(COLUMNS, t${t}, ${16 * t});\n`)
  .join("")}}

/** r = sum of a[i] · c[i] / 2^260 for i < count, tight; see \`sumColumns\`. */
export function dotLanes(r: usize, a: usize, stride: usize, c: usize, count: i32): void {
  sumColumns(a, stride, c, count);
${reduction()}${storedLimbs()}}

/** The same, and the result once more in words. */
export function dotLanesBoth(r: usize, words: usize, a: usize, stride: usize, c: usize, count: i32): void {
  sumColumns(a, stride, c, count);
${reduction()}${storedLimbs()}${storedWords("words")}}

/** r = the tight element a, in words. */
export function toWords(r: usize, a: usize): void {
${loadedWords()}${storedWords("r")}}
`;
  return [{ path: "assembly/crypto/poseidon/dot-lanes.gen.ts", text }];
}
