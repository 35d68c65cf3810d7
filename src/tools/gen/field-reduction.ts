/** Text of Montgomery reductions of a product's columns; why they are right stands at the head of `field.ts`. */
import { type Columns, Product } from "./field-products.ts";
import { type FieldSpec, hex, limbsOf, negativeInverse, range } from "./field-spec.ts";

/** Accumulators: unsigned, or signed where products are subtracted. */
type Word = "i64" | "u64";

/**
 * m times a constant limb. A limb of few signed binary digits is done by shifts: other units do them while the
 * multiplier works.
 */
function timesConstant(m: string, limb: bigint): string {
  if (limb === 1n) return ` + ${m}`;
  const digits: { shift: number; sign: string }[] = [];
  for (let rest = limb, shift = 0; rest > 0n; rest >>= 1n, shift++) {
    if ((rest & 1n) === 0n) continue;
    const negative = (rest & 3n) === 3n;
    digits.push({ shift, sign: negative ? " - " : " + " });
    rest += negative ? 1n : -1n;
  }
  if (digits.length > 2) return ` + ${m} * ${hex(limb)}`;
  return digits
    .reverse()
    .map(({ shift, sign }) => `${sign}${shift === 0 ? m : `(${m} << ${shift})`}`)
    .join("");
}

/** c (-1/p), of which the lowest limb is the quotient. */
function quotientOf(field: FieldSpec, c: string): string {
  const factor = negativeInverse(field);
  return factor === (1n << BigInt(field.bits)) - 1n ? `-${c}` : `${c} * ${hex(factor)}`;
}

/** N' = (N + 1) / 2^bits, limb by limb: see the head of `field.ts`. */
function friendlyLimbs(field: FieldSpec): bigint[] {
  return limbsOf(field, (negativeInverse(field) * field.modulus + 1n) >> BigInt(field.bits));
}

/**
 * What `size` quotients from m[from] on add to later columns, by number: the product of them and N', cut into as many limbs, of which
 * the first part's lower columns have had it already, and the others are by one step of Karatsuba's method.
 */
function blockOf(field: FieldSpec, from: number, size: number): { code: string; columns: Map<number, string> } {
  const friendly = friendlyLimbs(field);
  const quotients = range(size).map((i) => `m${from + i}`);
  const product = new Product(`q${from}_`);
  const columns = new Map<number, string>();
  const add = (at: number, value: string): void => {
    const before = columns.get(at);
    if (at < 2 * field.limbs - 1) columns.set(at, before === undefined ? value : `${before} + ${value}`);
  };
  for (let k = size - 1; k < 2 * size - 1; k++) {
    const terms = range(size).map((i) => (k - i < size ? timesConstant(quotients[i]!, friendly[k - i] ?? 0n) : ""));
    add(from + 1 + k, product.define(withoutPlus(terms.join(""))));
  }
  for (let at = size; at < field.limbs; at += size) {
    const limbs = range(size).map((i) => hex(friendly[at + i] ?? 0n));
    for (const [k, column] of product.columns(quotients, limbs, 1).entries()) add(from + 1 + at + k, column);
  }
  return { code: product.code, columns };
}

const withoutPlus = (terms: string): string => terms.replace(/^ \+ /, "").replace(/^ - /, "0 - ");

/**
 * Reduces the columns and stores the result at `target`. `lift` adds p: needed when the sum may be negative. `block`: quotients
 * that are added to later columns together, 0 for each by itself; fewer products, more sums.
 */
export function reduction(
  field: FieldSpec,
  columns: Columns,
  target: string,
  lift: boolean,
  type: Word,
  block: number = 0,
): string {
  const n = field.limbs;
  const p = limbsOf(field, field.modulus);
  const friendly = friendlyLimbs(field);
  const mask = hex((1n << BigInt(field.bits)) - 1n);
  const storeLimb = (j: number, value: string): string => `  store<u32>(${target}, <u32>${value}, ${4 * j});\n`;
  let text = `  let acc: ${type} = 0;\n`;
  const late = new Map<number, string[]>();
  // The first column that quotient i has no part in by itself.
  const blockEnd = (i: number): number => {
    const end = block === 0 ? 2 * n : (Math.floor(i / block) + 1) * block;
    return end < n ? end : 2 * n;
  };
  for (let k = 0; k < 2 * n - 1; k++) {
    let quotients = "";
    for (let i = 0; i <= Math.min(k - 1, n - 1); i++) {
      if (k >= blockEnd(i)) continue;
      const limb = i < n - 1 ? friendly[k - i - 1] : p[k - i];
      if (limb !== undefined) quotients += timesConstant(`m${i}`, limb);
    }
    text += `  acc += ${columns[k]};\n`;
    for (const column of late.get(k) ?? []) text += `  acc += ${column};\n`;
    if (quotients !== "") text += `  acc += ${withoutPlus(quotients)};\n`;
    if (k < n - 1) {
      text += `  const m${k}: ${type} = acc & ${mask};\n  acc >>= ${field.bits};\n`;
      if (blockEnd(k) !== k + 1) continue;
      const made = blockOf(field, k + 1 - block, block);
      text += made.code;
      for (const [column, value] of made.columns) late.set(column, [...(late.get(column) ?? []), value]);
    } else if (k === n - 1) {
      text += `  const m${k}: ${type} = (${quotientOf(field, "acc")}) & ${mask};\n`;
      text += `  acc = (acc${timesConstant(`m${k}`, p[0]!)}) >> ${field.bits};\n`;
    } else {
      if (lift) text += `  acc += ${hex(p[k - n]!)};\n`;
      text += `${storeLimb(k - n, `(acc & ${mask})`)}  acc >>= ${field.bits};\n`;
    }
  }
  return text + storeLimb(n - 1, lift ? `(acc + ${hex(p[n - 1]!)})` : "acc");
}

/** Quotients that Fr adds to later columns together; Fp, each by itself: see docs/performance.md. */
export const blockSize = (field: FieldSpec): number => (field.limbs > 12 ? 0 : 4);
