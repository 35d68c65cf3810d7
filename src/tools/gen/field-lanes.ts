/**
 * Writes `assembly/crypto/field/fp-lanes.gen.ts`: products in Fp of BLS12-381, four side by side in SIMD. Run through `tools/generate`.
 *
 * Why limbs of 13 bits: `i32x4.dot_i16x8_s` (x86's pmaddwd) makes eight products of 16 bits at once and adds them in pairs, and no
 * widening move comes before it, as with the products of 32 bits. With 30 limbs of 13 bits a column of a product and of its
 * reduction, at most 60 products, fits 32 bits: 60 (2^13 - 1)^2 + 2^20 < 2^32. Nothing is carried before the column's turn.
 *
 * Montgomery form, R = 2^390. As in `field.ts` all steps but the last add multiples of N = p (-1/p mod 2^26), which is -1 mod 2^26:
 * a step clears two columns, its quotient is what stands in them (a mask and no product), and with N = 2^26 N' - 1 it adds
 * m N' from the third column on. N is longer than p by two limbs, so the last two columns are cleared by p itself.
 *
 * Bounds. *Tight*: limbs below 2^13 (the topmost may be longer), value below 4p. Products take values up to 16p: with R/p = 630,
 * 16p 16p / R + 2p < 3p. `laneReduce` takes signed limbs of 16 bits and a value from -15p to 15p and gives one from 0 to 1.01p.
 */
import { FP, hex, limbsOf as limbsIn, negativeInverse, range } from "./field-spec.ts";
import type { GeneratedFile } from "./generator.ts";
import { add, at, BITS, dot, put, reversal, reversedPairs, table, VECTOR, word } from "./lanes.ts";

const P = FP.modulus;
const LIMBS = 30;
const PAIRS = LIMBS / 2;
/** Pairs of limbs that a turn of the product's and of the reduction's loop takes: short loops stay decoded. */
const PRODUCT_TURN = 3;
const REDUCTION_TURN = 2;

const limbsOf = (value: bigint): number[] => limbsIn({ ...FP, bits: BITS, limbs: LIMBS }, value).map(Number);

/** Columns of a b in T. */
function product(): string {
  const columns = LIMBS + 1 + 2 * (PRODUCT_TURN - 1);
  let out = `  let t = T;\n  for (let i: usize = 0; i < ${VECTOR * columns}; i += ${VECTOR}) v128.store(t + i, i32x4.splat(0));\n`;
  out += `  for (let turn = 0; turn < ${PAIRS / PRODUCT_TURN}; turn++) {\n`;
  for (const q of range(PRODUCT_TURN)) out += `    const a${q} = ${at("a", q)};\n`;
  for (const c of range(columns)) {
    // Each is loaded once and stays in a register until the turn's last pair has met it.
    if (c <= LIMBS) out += `    const w${c} = ${at("B", c)};\n`;
    const terms = range(PRODUCT_TURN)
      .filter((q) => c >= 2 * q && c - 2 * q <= LIMBS)
      .map((q) => dot(`a${q}`, `w${c - 2 * q}`));
    // The topmost columns of a turn are new.
    out += `    ${put("t", add(c < columns - 2 * PRODUCT_TURN ? [at("t", c), ...terms] : terms), c)}`;
  }
  return `${out}    a += ${VECTOR * PRODUCT_TURN};\n    t += ${2 * VECTOR * PRODUCT_TURN};\n  }\n`;
}

/** Clears all but the last two of the lower columns. */
function reduction(): string {
  let out = `  t = T;\n  let carry = i32x4.splat(0);\n  for (let turn = 0; turn < ${(PAIRS - 1) / REDUCTION_TURN}; turn++) {\n`;
  const terms = (c: number, count: number): string[] =>
    range(count)
      .filter((q) => c - 2 - 2 * q >= 0 && c - 2 - 2 * q <= LIMBS)
      .map((q) => dot(`m${q}`, `n${c - 2 - 2 * q}`));
  /** Loads what column c needs for the first time; it stays in a register until the turn's last quotient has met it. */
  const loaded = (c: number): string =>
    c >= 2 && c - 2 <= LIMBS ? `    const n${c - 2} = ${at("MULTIPLE", c - 2)};\n` : "";
  for (const q of range(REDUCTION_TURN)) {
    for (const c of [2 * q, 2 * q + 1]) {
      out += loaded(c);
      out += `    const s${c} = ${add([at("t", c), "carry", ...terms(c, q)])};\n    carry = i32x4.shr_u(s${c}, ${BITS});\n`;
    }
    out += `    const m${q} = v128.or(v128.and(s${2 * q}, mask), i32x4.shl(v128.and(s${2 * q + 1}, mask), 16));\n`;
  }
  for (let c = 2 * REDUCTION_TURN; c < 2 * REDUCTION_TURN + LIMBS + 1; c++) {
    const carried = c === 2 * REDUCTION_TURN ? ["carry"] : [];
    out += loaded(c);
    out += `    ${put("t", add([at("t", c), ...carried, ...terms(c, REDUCTION_TURN)]), c)}`;
  }
  return `${out}    carry = i32x4.splat(0);\n    t += ${2 * VECTOR * REDUCTION_TURN};\n  }\n`;
}

/** Clears the last two columns by p and carries the upper ones into r. */
function ending(): string {
  const quotient = `i32x4.splat(${negativeInverse({ modulus: P, bits: BITS })})`;
  let out = `  const u0 = ${at("t", 0)};\n  const x0 = v128.and(i16x8.mul(u0, ${quotient}), mask);\n`;
  out += `  carry = i32x4.shr_u(i32x4.add(u0, i32x4.dot_i16x8_s(x0, ${at("MODULUS", 0)})), ${BITS});\n`;
  out += `  const u1 = ${add([at("t", 1), "carry", `i32x4.dot_i16x8_s(x0, ${at("MODULUS", 1)})`])};\n`;
  out += `  const x1 = v128.and(i16x8.mul(u1, ${quotient}), mask);\n  const x = v128.or(x0, i32x4.shl(x1, 16));\n`;
  out += `  carry = i32x4.shr_u(i32x4.add(u1, i32x4.dot_i16x8_s(x1, ${at("MODULUS", 0)})), ${BITS});\n`;
  for (const i of range(LIMBS)) {
    const terms = i + 2 <= LIMBS ? [`i32x4.dot_i16x8_s(x, ${at("MODULUS", i + 2)})`] : [];
    out += `  const r${i} = ${add([at("t", i + 2), ...terms, "carry"])};\n`;
    if (i < LIMBS - 1) out += `  carry = i32x4.shr_u(r${i}, ${BITS});\n`;
    if (i % 2 === 0) continue;
    const high = i === LIMBS - 1 ? `r${i}` : `v128.and(r${i}, mask)`;
    out += `  ${put("r", `v128.or(v128.and(r${i - 1}, mask), i32x4.shl(${high}, 16))`, (i - 1) / 2)}`;
  }
  return out;
}

/** d - q p + 16 p, carried; q from the two topmost limbs. */
function tightening(): string {
  // p in units of limb 28, and by 128 of them.
  const unit = Number(P >> BigInt(BITS * (LIMBS - 2)));
  const factor = Math.floor((2 ** 24 * 128) / (unit + 1));
  let out = `  const top = i32x4.dot_i16x8_s(${at("d", PAIRS - 1)}, i32x4.splat(${1 | (1 << (16 + BITS))}));\n`;
  out += `  const size = i32x4.shr_u(i32x4.add(top, i32x4.splat(${16 * unit - 8})), 7);\n`;
  out += `  const q = i32x4.sub(i32x4.splat(16), i32x4.shr_u(i32x4.dot_i16x8_s(size, i32x4.splat(${factor})), 24));\n`;
  out +=
    "  const twice = v128.or(v128.and(q, i32x4.splat(0xffff)), i32x4.shl(q, 16));\n  let carry = i32x4.splat(0);\n";
  for (const i of range(PAIRS)) {
    const low = "0, 1, 18, 19, 4, 5, 22, 23, 8, 9, 26, 27, 12, 13, 30, 31";
    const last = i === PAIRS - 1;
    out += `  const d${i} = ${at("d", i)};\n`;
    out += `  const l${i} = i32x4.add(i32x4.dot_i16x8_s(i8x16.shuffle(d${i}, twice, ${low}), ${at("TERMS", 2 * i)}), carry);\n`;
    out += `  const h${i} = i32x4.add(i32x4.dot_i16x8_s(i8x16.shuffle(twice, d${i}, ${low}), ${at("TERMS", 2 * i + 1)}), i32x4.shr_s(l${i}, ${BITS}));\n`;
    if (!last) out += `  carry = i32x4.shr_s(h${i}, ${BITS});\n`;
    const high = last ? `h${i}` : `v128.and(h${i}, mask)`;
    out += `  ${put("r", `v128.or(v128.and(l${i}, mask), i32x4.shl(${high}, 16))`, i)}`;
  }
  return out;
}

/** Lines that store a number's 28-bit limbs. */
const constant = (name: string, text: string, value: bigint): string =>
  `/** ${text} */\nexport const ${name}: usize = memory.data<u32>([${limbsIn(FP, value).map(hex).join(", ")}]);\n`;

const words = (value: bigint): number[] => {
  const limbs = limbsOf(value);
  return range(PAIRS).map((i) => word(limbs[2 * i]!, limbs[2 * i + 1]!));
};

export function generateFieldLanes(): readonly GeneratedFile[] {
  const multiple = (P * negativeInverse({ modulus: P, bits: 2 * BITS }) + 1n) >> 26n;
  const limbs = limbsOf(P);
  const power = (exponent: number): bigint => (1n << BigInt(exponent)) % P;
  const text = `// Generated by src/tools/gen/field-lanes.ts; change that file and run \`node dist/tools/generate.js\`.
/**
 * Fp, the base field of BLS12-381, four elements side by side: kernels for modules that are compiled with SIMD.
 *
 * Four elements are 15 vectors (240 bytes, 16-aligned): lane l of vector i holds limbs 2 i and 2 i + 1 of element l, 13 bits each, in
 * its lower and upper half. Montgomery form with R = 2^390. Bounds are argued in the generator's head.
 */

/** Bytes from one element of four lanes to the next. */
export const LANES_SIZE: usize = 240;
/** Words of p as lanes have them: limbs 2 i and 2 i + 1. */
export const LANE_MODULUS: usize = memory.data<u32>([${words(P).join(", ")}]);
/** 1 in Montgomery form, the same way. */
export const LANE_ONE: usize = memory.data<u32>([${words(power(390)).join(", ")}]);
${table("SQUARE", words(power(780)))}/** R^2 in all lanes: turns a number into Montgomery form. */
export const LANES_RADIX_SQUARED: usize = SQUARE;
${constant("FROM_LANES", "2^394: a product of the other form with it turns a lane's limbs into that form.", power(394))}${constant("TO_LANES", "2^390: the way back.", power(390))}${constant("INVERSE_IN_LANES", "2^388: an inverse that the other form made of a lane's limbs, as the lane's.", power(388))}${table("MODULUS", reversedPairs(limbs))}${table("MULTIPLE", reversedPairs(limbsOf(multiple)))}${table(
  "TERMS",
  range(LIMBS).map((i) => (i % 2 === 0 ? word(1, limbs[i]!) : word(limbs[i]!, 1))),
)}const T: usize = memory.data(${VECTOR * 2 * LIMBS}, 16);
const B: usize = memory.data(${VECTOR * (LIMBS + 1)}, 16);

/** r = a b in every lane; tight. r may be a or b. */
export function laneMul(r: usize, a: usize, b: usize): void {
  const mask = i32x4.splat(${2 ** BITS - 1});
${reversal(PAIRS, "  ")}${product()}${reduction()}${ending()}}

/** r = d, tight, where d has signed limbs of 16 bits and lies between -15p and 15p. r may be d. */
export function laneReduce(r: usize, d: usize): void {
  const mask = i32x4.splat(${2 ** BITS - 1});
${tightening()}}
`;
  return [{ path: "assembly/crypto/field/fp-lanes.gen.ts", text }];
}
