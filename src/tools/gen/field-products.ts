/** Text of products of field elements: their columns, before any reduction; see the head of `field.ts`. */
import { type FieldSpec, range } from "./field-spec.ts";

/** Lines that load the limbs of the element at `pointer` into locals `prefix0`, `prefix1`, ... */
export function loadLimbs(field: FieldSpec, prefix: string, pointer: string): string {
  return range(field.limbs)
    .map((j) => `  const ${prefix}${j}: u64 = load<u32>(${pointer}, ${4 * j});\n`)
    .join("");
}

/** Names or expressions of the columns of a sum of products, all computed before the reduction. */
export type Columns = readonly string[];

/** A sum of signed terms, whose first sign is left out or taken from zero. */
export const withoutPlus = (terms: string): string => terms.replace(/^ \+ /, "").replace(/^ - /, "0 - ");

const sumOf = (parts: readonly string[]): string => parts.join(" + ");

/** Column k of the schoolbook product of limbs a[0..size) and b[0..size); of a square if a and b are the same. */
function schoolbook(a: readonly string[], b: readonly string[], k: number): string {
  const size = a.length;
  const first = Math.max(0, k - size + 1);
  const last = Math.min(k, size - 1);
  if (a !== b) return sumOf(range(last - first + 1).map((i) => `${a[first + i]} * ${b[k - first - i]}`));
  const pairs = range(last - first + 1)
    .map((i) => first + i)
    .filter((i) => 2 * i < k)
    .map((i) => `${a[i]} * ${a[k - i]}`);
  const doubled = pairs.length > 0 ? [`((${sumOf(pairs)}) << 1)`] : [];
  return sumOf(k % 2 === 0 ? [...doubled, `${a[k / 2]} * ${a[k / 2]}`] : doubled);
}

/**
 * The columns of a product (of a square, if a is b) by `depth` steps of Karatsuba's method: with halves of h limbs,
 *   Z0 = lo lo', Z2 = hi hi', Z1 = (lo + hi)(lo' + hi'),   product = Z0 + (Z1 - Z0 - Z2) x^h + Z2 x^2h.
 * A step takes three quarters of the multiplications, which is what bounds processors with one multiplier. Columns are
 * coefficients of polynomials, so the differences are exact and nothing is carried; values on the way may wrap round
 * 2^64, the columns at the end are in range.
 */
export class Product {
  private count = 0;
  private readonly prefix: string;
  code = "";

  constructor(prefix = "t") {
    this.prefix = prefix;
  }

  define(value: string): string {
    const name = `${this.prefix}${this.count++}`;
    this.code += `  const ${name}: u64 = ${value};\n`;
    return name;
  }

  columns(a: readonly string[], b: readonly string[], depth: number): Columns {
    const size = a.length;
    if (depth === 0 || size < 3) return range(2 * size - 1).map((k) => this.define(schoolbook(a, b, k)));
    const h = Math.ceil(size / 2);
    const folded = (x: readonly string[]): readonly string[] =>
      range(h).map((i) => (h + i < size ? this.define(`${x[i]} + ${x[h + i]}`) : x[i]!));
    const [lo, hi, sum] = [a.slice(0, h), a.slice(h), folded(a)];
    const z0 = this.columns(lo, a === b ? lo : b.slice(0, h), depth - 1);
    const z2 = this.columns(hi, a === b ? hi : b.slice(h), depth - 1);
    const z1 = this.columns(sum, a === b ? sum : folded(b), depth - 1);
    // Z0's upper half less Z2's lower one is in two columns, with either sign; beyond the factors' sizes there is nothing.
    const between = range(h).map((i) => {
      const parts = [part("+", z0[h + i]), part("-", z2[i])].join("");
      return z0[h + i] !== undefined && z2[i] !== undefined ? this.define(withoutPlus(parts)) : undefined;
    });
    return range(2 * size - 1).map((k) => {
      if (k < h) return z0[k] as string;
      const i = k % h;
      const shared = between[i];
      if (k >= 3 * h) return z2[k - 2 * h] as string;
      if (k < 2 * h) {
        const alone = shared === undefined ? part("+", z0[h + i]) + part("-", z2[i]) : part("+", shared);
        return this.define(withoutPlus(part("+", z1[i]) + part("-", z0[i]) + alone));
      }
      const alone = shared === undefined ? part("-", z0[h + i]) + part("+", z2[i]) : part("-", shared);
      return this.define(withoutPlus(part("+", z1[h + i]) + part("-", z2[h + i]) + alone));
    });
  }
}

/** A term of a sum, if it is there. */
const part = (sign: "+" | "-", name: string | undefined): string => (name === undefined ? "" : ` ${sign} ${name}`);

/** Statements that compute something, and the columns of a product in terms of it; some only after further ones, ahead of that column. */
export type Prepared = { readonly setup: string; readonly columns: Columns; readonly before?: readonly string[] };

/** The product of the elements at a and b, all in locals. */
export function productOf(field: FieldSpec, a: string, b: string): Prepared {
  const limbs = (x: string): string[] => range(field.limbs).map((i) => `${x}${i}`);
  const product = new Product();
  const la = limbs(a);
  const columns = product.columns(la, a === b ? la : limbs(b), field.steps);
  const loads = loadLimbs(field, a, a) + (a === b ? "" : loadLimbs(field, b, b));
  return { setup: loads + product.code, columns };
}

/** Bytes at TILES that `tiledProduct` needs. */
export const tileBytes = (field: FieldSpec): number => 6 * 8 * (2 * (field.limbs / 3) - 1);

/**
 * The product by thirds (Karatsuba's method for three blocks): of the blocks x, y, z of a and x', y', z' of b the six products
 *   x x', y y', z z', (x + y)(x' + y') - x x' - y y', (y + z)(y' + z') - y y' - z z', (x + z)(x' + z') - x x' - z z' + y y',
 * each a tile of few enough limbs that a processor's registers hold them, whose columns go through memory at TILES. In locals all limbs
 * live at once, and what is spilled comes back as a factor in memory, which Zen 3 is slow at. Limbs may be loose up to 3, as those of
 * a sum are u32.
 */
export function tiledProduct(field: FieldSpec, a: string, b: string): Prepared {
  const h = field.limbs / 3;
  const size = 2 * h - 1;
  const column = (tile: number, k: number): string => `load<u64>(TILES, ${8 * (tile * size + k)})`;
  // The blocks, whether the first one's limbs are still at hand, the tiles that are added, and the block where the tile's columns begin.
  const tiles = [
    { blocks: [0], kept: false, others: "", place: 0 },
    { blocks: [1], kept: false, others: "", place: null },
    { blocks: [1, 0], kept: true, others: "-0-1", place: 1 },
    { blocks: [2], kept: false, others: "", place: 4 },
    { blocks: [2, 1], kept: true, others: "-1-3", place: 3 },
    { blocks: [2, 0], kept: false, others: "-0-3+1", place: 2 },
  ] as const;
  let setup = "";
  for (const [tile, { blocks, kept, others }] of tiles.entries()) {
    const limbs = (x: string): string[] => range(h).map((l) => `${x}${tile}_${l}`);
    for (const x of [a, b])
      for (const [l, name] of limbs(x).entries()) {
        const terms = blocks.map((block, i) =>
          kept && i === 0 ? `${x}${tile - 1}_${l}` : `load<u32>(${x}, ${4 * (h * block + l)})`,
        );
        setup += `  const ${name}: u32 = ${sumOf(terms)};\n`;
      }
    const words = (x: string): string[] => limbs(x).map((name) => `<u64>${name}`);
    const [wa, wb] = [words(a), words(b)];
    for (let k = 0; k < size; k++) {
      const rest = others.replace(/([+-])(\d)/g, (_, sign, other) => ` ${sign} ${column(Number(other), k)}`);
      setup += `  store<u64>(TILES, ${schoolbook(wa, wb, k)}${rest}, ${8 * (tile * size + k)});\n`;
    }
  }
  const columns = range(2 * field.limbs - 1).map((k) =>
    sumOf(
      tiles.flatMap(({ place }, tile) => {
        const at = place === null ? -1 : k - h * place;
        return at >= 0 && at < size ? [column(tile, at)] : [];
      }),
    ),
  );
  return { setup, columns };
}

/**
 * The same with the two halves' products kept in memory at HALVES. They do not depend on each other and fewer values
 * live at a time; in locals they would spill all over the stack. Slower than `productOf` in a chain of products, where
 * the upper half comes late; a third faster where products follow that do not wait for each other.
 */
export function splitProduct(field: FieldSpec, a: string, b: string): Prepared {
  const n = field.limbs;
  const h = n / 2;
  const size = 2 * h - 1;
  const names = (prefix: string, x: string): string[] => range(h).map((i) => `${prefix}${x}${i}`);
  let setup = "";
  for (const [prefix, from] of [
    ["l", 0],
    ["h", h],
  ] as const) {
    for (const x of [a, b])
      for (let i = 0; i < h; i++) setup += `  const ${prefix}${x}${i}: u64 = load<u32>(${x}, ${4 * (from + i)});\n`;
    for (let k = 0; k < size; k++) {
      const column = schoolbook(names(prefix, a), names(prefix, b), k);
      setup += `  store<u64>(HALVES, ${column}, ${8 * (k + (from === 0 ? 0 : size))});\n`;
    }
  }
  const whole = (x: string, i: number): string =>
    `<u64>load<u32>(${x}, ${4 * i}) + <u64>load<u32>(${x}, ${4 * (h + i)})`;
  for (const x of [a, b]) for (let i = 0; i < h; i++) setup += `  const s${x}${i}: u64 = ${whole(x, i)};\n`;
  const low = (k: number): string => `load<u64>(HALVES, ${8 * k})`;
  const high = (k: number): string => `load<u64>(HALVES, ${8 * (size + k)})`;
  const columns = range(2 * n - 1).map((k) => {
    const mid = k - h;
    const parts = [
      k < size ? ` + ${low(k)}` : "",
      mid >= 0 && mid < size
        ? ` + (${schoolbook(names("s", a), names("s", b), mid)}) - ${low(mid)} - ${high(mid)}`
        : "",
      k >= 2 * h ? ` + ${high(k - 2 * h)}` : "",
    ];
    return parts.join("").slice(3);
  });
  return { setup, columns };
}
