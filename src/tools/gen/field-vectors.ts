/**
 * Text of products of field elements whose columns are made two at a time in a vector (WebAssembly SIMD), for modules that have it.
 *
 * Columns 2c and 2c + 1 are the two lanes of one sum. A limb a[i] in all lanes times two neighbours of b adds to two neighbouring
 * columns; so that these are always an even one and the next, rows of an even i take b by (b0, b1), (b2, b3), … and rows of an odd i
 * by (0, b0), (b1, b2), …. Of a square, row i is a[i] times (a[i], 2 a[i + 1]), (2 a[i + 2], 2 a[i + 3]), …, from column 2i on. The engine
 * makes three instructions of a product of two lanes, four with a sum, so two a product, where products of single words take three and
 * more values at a time than a processor's registers hold.
 *
 * Columns go through memory at TILES. Those of a pair are made shortly before the reduction, which is one long chain of sums, comes to
 * them: the units of vectors work beside it.
 *
 * Where the result is written over the factor `a`: limb j of it is stored at column n + j, when at least the pairs up to (n + j) >> 1 are
 * made. Pair c has no row before 2 (c - floor(n / 2)), so no later pair reads limb j. Of `b` vectors are loaded before anything is stored.
 */
import type { Prepared } from "./field-products.ts";
import { type FieldSpec, range } from "./field-spec.ts";

/** Pairs of columns that are made ahead of the reduction, see docs/performance.md. */
const AHEAD = 1;
/** Limbs, and bytes, of a vector. */
const WORDS = 4;
const VECTOR = 16;

/** Bytes of a product's columns, in whole pairs. */
export const vectorBytes = (field: FieldSpec): number => VECTOR * field.limbs;

/** Two neighbouring limbs: the lower or the upper half of a vector of four. */
type Pair = { readonly half: "low" | "high"; readonly vector: string };

const pairsOf = (vectors: readonly string[]): Pair[] =>
  vectors.flatMap((vector) => [{ half: "low", vector } as const, { half: "high", vector } as const]);

/** The limbs of the element at `pointer` by fours, as locals `prefix0`, …; behind the last is zero, whatever lies there. */
function loadVectors(field: FieldSpec, prefix: string, pointer: string): { code: string; vectors: string[] } {
  const vectors = range(Math.ceil(field.limbs / WORDS)).map((i) => `${prefix}${i}`);
  const code = vectors.map((name, i) => {
    const rest = field.limbs - WORDS * i;
    const load = rest > 2 ? "v128.load" : rest === 2 ? "v128.load64_zero" : "v128.load32_zero";
    return `  const ${name} = ${load}(${pointer}, ${VECTOR * i});\n`;
  });
  return { code: code.join(""), vectors };
}

/** The same limbs from the second on. */
function shifted(prefix: string, vectors: readonly string[]): { code: string; vectors: string[] } {
  const names = vectors.map((_, i) => `${prefix}${i}`);
  const code = vectors.map((vector, i) => {
    const next = vectors[i + 1] ?? "i32x4.splat(0)";
    return `  const ${names[i]} = v128.shuffle<u32>(${vector}, ${next}, 1, 2, 3, 4);\n`;
  });
  return { code: code.join(""), vectors: names };
}

/** Sums of a row's products with pairs of limbs, for each pair of columns. */
class Sums {
  readonly pairs: string[];

  constructor(field: FieldSpec) {
    this.pairs = range(field.limbs).map(() => "");
  }

  add(column: number, limb: string, { half, vector }: Pair): void {
    const product = `i64x2.extmul_${half}_i32x4_u(${limb}, ${vector})`;
    const sum = this.pairs[column];
    this.pairs[column] = sum === "" ? product : `i64x2.add(${sum}, ${product})`;
  }
}

/** Limb i in all lanes: from a local if they are kept, else loaded where it is needed. */
function splats(field: FieldSpec, pointer: string, isKept: boolean): { code: string; limb: (i: number) => string } {
  const load = (i: number): string => `v128.load32_splat(${pointer}, ${4 * i})`;
  if (!isKept) return { code: "", limb: load };
  const name = (i: number): string => `${pointer}Limb${i}`;
  const code = range(field.limbs).map((i) => `  const ${name(i)} = ${load(i)};\n`);
  return { code: code.join(""), limb: name };
}

/** Vectors of b, and what each pair of columns of a b is. */
function productSums(field: FieldSpec, a: string, b: string): { code: string; pairs: readonly string[] } {
  const even = loadVectors(field, `${b}Even`, b);
  const odd = shifted(`${b}Odd`, even.vectors);
  const first = `${b}First`;
  const { code, limb } = splats(field, a, field.fewLimbs);
  const rows = [pairsOf(even.vectors), [{ half: "low", vector: first } as const, ...pairsOf(odd.vectors)]];
  // (b0, b1), … up to the last limb; (0, b0), (b1, b2), … likewise.
  const lengths = [Math.ceil(field.limbs / 2), Math.ceil((field.limbs + 1) / 2)];
  const sums = new Sums(field);
  for (const i of range(field.limbs))
    for (const j of range(lengths[i % 2]!)) sums.add((i >> 1) + j, limb(i), rows[i % 2]![j]!);
  const shift = `  const ${first} = i64x2.shl(${even.vectors[0]}, 32);\n`;
  return { code: even.code + shift + odd.code + code, pairs: sums.pairs };
}

/** The same of a a, which has more vectors alive: its limbs are not kept. */
function squareSums(field: FieldSpec, a: string): { code: string; pairs: readonly string[] } {
  const even = loadVectors(field, `${a}Even`, a);
  const odd = shifted(`${a}Odd`, even.vectors);
  let code = even.code + odd.code;
  /** 2 a[i], 2 a[i + 1], …, and a[i], 2 a[i + 1], a[i + 2], 2 a[i + 3]. */
  const doubled = (names: readonly string[]): Pair[][] => {
    for (const name of names) {
      code += `  const ${name}Twice = i32x4.add(${name}, ${name});\n`;
      code += `  const ${name}Head = v128.shuffle<u32>(${name}, ${name}Twice, 0, 5, 2, 7);\n`;
    }
    return ["Head", "Twice"].map((suffix) => pairsOf(names.map((name) => `${name}${suffix}`)));
  };
  const rows = [doubled(even.vectors), doubled(odd.vectors)];
  const { code: loads, limb } = splats(field, a, false);
  const sums = new Sums(field);
  for (const i of range(field.limbs)) {
    const [heads, rest] = rows[i % 2]!;
    for (const j of range(Math.ceil((field.limbs - i) / 2)))
      sums.add(i + j, limb(i), (j === 0 ? heads : rest)![(i >> 1) + j]!);
  }
  return { code: code + loads, pairs: sums.pairs };
}

/** Several products' columns added up, each pair stored at TILES ahead of its use. */
function prepared(field: FieldSpec, products: readonly { code: string; pairs: readonly string[] }[]): Prepared {
  const before = range(2 * field.limbs - 1).map(() => "");
  for (const c of range(field.limbs)) {
    const sum = products.map(({ pairs }) => pairs[c]!).reduce((x, y) => `i64x2.add(${x}, ${y})`);
    before[2 * Math.max(0, c - AHEAD)] += `  v128.store(TILES, ${sum}, ${VECTOR * c});\n`;
  }
  const columns = before.map((_, k) => `load<u64>(TILES, ${8 * k})`);
  return { setup: products.map(({ code }) => code).join(""), columns, before };
}

/** The product of the elements at a and b, or the square of one: see the head. */
export function vectorProduct(field: FieldSpec, a: string, b: string): Prepared {
  return prepared(field, [a === b ? squareSums(field, a) : productSums(field, a, b)]);
}

/** a b + c d. */
export function vectorProducts(field: FieldSpec, a: string, b: string, c: string, d: string): Prepared {
  return prepared(field, [productSums(field, a, b), productSums(field, c, d)]);
}

/** The columns of a b, written to memory at t. */
export function vectorColumns(field: FieldSpec, t: string, a: string, b: string): string {
  const { code, pairs } = productSums(field, a, b);
  return code + pairs.map((sum, c) => `  v128.store(${t}, ${sum}, ${VECTOR * c});\n`).join("");
}
