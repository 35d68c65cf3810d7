/** What kernels with an element of a field in each lane of SIMD have in common, as text: limbs of 13 bits, two to a word of a lane. */
import { hex, range } from "./field-spec.ts";

/** Bits of a limb. */
export const BITS = 13;
/** Bytes of a vector. */
export const VECTOR = 16;

/** Words as a table, each in all four lanes. */
export function table(name: string, words: readonly number[]): string {
  const list = words.flatMap((word) => [word, word, word, word]).map(hex);
  return `const ${name}: usize = memory.data<u32>([${list.join(", ")}], 16);\n`;
}

export const add = (terms: readonly string[]): string => terms.reduce((sum, term) => `i32x4.add(${sum}, ${term})`);
export const dot = (a: string, b: string): string => `i32x4.dot_i16x8_s(${a}, ${b})`;
/** Vector `index` behind a pointer. */
export const at = (pointer: string, index: number): string => `v128.load(${pointer}, ${VECTOR * index})`;
export const put = (pointer: string, value: string, index: number): string =>
  `v128.store(${pointer}, ${value}, ${VECTOR * index});\n`;

/** Two limbs in one word. */
export const word = (low: number, high: number): number => ((low & 0xffff) | (high << 16)) >>> 0;

/** Limbs j and j - 1 in word j, one word more than limbs: what a pair of limbs is multiplied with to land in column j. */
export const reversedPairs = (limbs: readonly number[]): number[] =>
  range(limbs.length + 1).map((j) => word(limbs[j] ?? 0, limbs[j - 1] ?? 0));

/** The same of the element at `b`, of so many pairs of limbs, to B; its pairs stay as `b0`, `b1` and so on. */
export function reversal(pairs: number, indent: string): string {
  const store = (value: string, j: number): string => indent + put("B", value, j);
  let out = `${indent}let before = i32x4.splat(0);\n`;
  for (const i of range(pairs)) {
    out += `${indent}const b${i} = ${at("b", i)};\n`;
    out += store(`i8x16.shuffle(b${i}, before, 0, 1, 18, 19, 4, 5, 22, 23, 8, 9, 26, 27, 12, 13, 30, 31)`, 2 * i);
    out += store(`i8x16.shuffle(b${i}, b${i}, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)`, 2 * i + 1);
    out += `${indent}before = b${i};\n`;
  }
  return out + store("v128.and(before, i32x4.splat(0xffff0000))", 2 * pairs);
}
