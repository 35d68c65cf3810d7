/** Text of Montgomery reductions of a product's columns; why they are right stands at the head of `field.ts`. */
import { type Prepared, Product, withoutPlus } from "./field-products.ts";
import { type FieldSpec, hex, limbsOf, negativeInverse, range } from "./field-spec.ts";

/** Accumulators: unsigned, or signed where products are subtracted. */
type Word = "i64" | "u64";

/** What is reduced. */
type Sum = Pick<Prepared, "columns" | "before">;

/**
 * m times a constant, modulo 2^64. A constant of few signed binary digits is done by shifts: other units do them while the
 * multiplier works.
 */
function timesConstant(m: string, limb: bigint): string {
  const digits: { shift: number; sign: string }[] = [];
  const negated = limb < 0n;
  for (let rest = negated ? -limb : limb, shift = 0; rest > 0n; rest >>= 1n, shift++) {
    if ((rest & 1n) === 0n) continue;
    const negative = (rest & 3n) === 3n;
    digits.push({ shift, sign: negative !== negated ? " - " : " + " });
    rest += negative ? 1n : -1n;
  }
  if (digits.length > 2) return ` + ${m} * ${hex(BigInt.asUintN(64, limb))}`;
  return digits
    .reverse()
    .map(({ shift, sign }) => `${sign}${shift === 0 ? m : `(${m} << ${shift})`}`)
    .join("");
}

/** The same terms with the other signs: a negative constant would not fit the instruction. */
const negated = (terms: string): string => terms.replace(/ [+-] /g, (sign) => (sign === " + " ? " - " : " + "));

/** N' = (N + 1) / 2^bits, limb by limb: see the head of `field.ts`. */
function friendlyLimbs(field: FieldSpec): bigint[] {
  return limbsOf(field, (negativeInverse(field) * field.modulus + 1n) >> BigInt(field.bits));
}

/**
 * Row r of a Toeplitz matrix times v, for each of as many rows: sum over c of t(r - c) v[c]; undefined where that is nothing. By halves
 *   ( A  B ) (u)   ( A (u + v) + (B - A) v )
 *   ( C  A ) (v) = ( A (u + v) + (C - A) u )
 * takes three quarters of the products, as the differences of matrices are of constants, and only one sum more a row.
 */
function toeplitz(product: Product, t: (diagonal: number) => bigint, v: readonly string[]): (string | undefined)[] {
  const size = v.length;
  if (size % 2 === 1)
    return range(size).map((r) => {
      const terms = v.map((m, c) => timesConstant(m, t(r - c))).join("");
      return terms === "" ? undefined : product.define(withoutPlus(terms));
    });
  const h = size / 2;
  const [u, w] = [v.slice(0, h), v.slice(h)];
  const both = toeplitz(
    product,
    t,
    u.map((name, i) => product.define(`${name} + ${w[i]}`)),
  );
  const upper = toeplitz(product, (d) => t(d - h) - t(d), w);
  const lower = toeplitz(product, (d) => t(d + h) - t(d), u);
  return range(size).map((r) => {
    const parts = [both[r % h], r < h ? upper[r] : lower[r - h]].filter((value) => value !== undefined);
    return parts.length < 2 ? parts[0] : product.define(parts.join(" + "));
  });
}

/** Quotients that are added to later columns together: see docs/performance.md. */
const BLOCK = 4;

/** What a block of quotients from m[from] on adds to the columns after them, by number. */
function blockOf(field: FieldSpec, from: number): { code: string; columns: Map<number, string> } {
  const friendly = friendlyLimbs(field);
  const quotients = range(BLOCK).map((i) => `m${from + i}`);
  const product = new Product(`q${from}_`);
  const columns = new Map<number, string>();
  // Column from + 1 + k has the sum over i of m[from + i] N'[k - i].
  const end = BLOCK - 1 + field.limbs;
  for (let k = BLOCK - 1; k < end; k += BLOCK) {
    const limb = (d: number): bigint => friendly[k + d] ?? 0n;
    const rows = Math.min(BLOCK, end - k);
    const byRow = (r: number): string =>
      product.define(withoutPlus(quotients.map((m, c) => timesConstant(m, limb(r - c))).join("")));
    const values = rows > BLOCK / 2 ? toeplitz(product, limb, quotients) : range(rows).map(byRow);
    for (const [r, value] of values.entries())
      if (r < rows && value !== undefined) columns.set(from + 1 + k + r, value);
  }
  return { code: product.code, columns };
}

/** Whether p is 1 modulo a limb, so that a column's own lowest limb is the quotient to subtract. */
const isUnit = (field: FieldSpec): boolean => negativeInverse(field) === (1n << BigInt(field.bits)) - 1n;

/**
 * The reduction where p is 1 modulo a limb: T - M p, M's digit of a column being what stands in its lowest limb. p has one limb fewer
 * to multiply with than the N' of the other form, and its second, just below 2^bits, is a shift taken from the third. The last digit is
 * 2^bits less than its column's limb, so not positive: p R is added, and the result is not negative. Accumulators are signed.
 */
function subtraction(field: FieldSpec, { columns, before }: Sum, target: string): string {
  const n = field.limbs;
  const size = 1n << BigInt(field.bits);
  const mask = hex(size - 1n);
  const limbs = limbsOf(field, field.modulus).slice(1);
  if (size - limbs[0]! < 16n) {
    limbs[0]! -= size;
    limbs[1]! += 1n;
  }
  let text = "  let acc: i64 = 0;\n";
  for (let k = 0; k < 2 * n - 1; k++) {
    // What is known before the column before is added first; the newest quotient comes last.
    let older = `<i64>(${columns[k]})`;
    let newest = "";
    for (let i = Math.max(0, k - limbs.length); i < Math.min(k, n); i++) {
      const term = negated(timesConstant(`m${i}`, limbs[k - i - 1]!));
      if (i === k - 1) newest = term;
      else older += term;
    }
    text += `${before?.[k] ?? ""}  acc = acc + (${older})${newest};\n`;
    if (k < n - 1) text += `  const m${k}: i64 = acc & ${mask};\n  acc >>= ${field.bits};\n`;
    else if (k === n - 1) text += `  const m${k}: i64 = acc | -${hex(size)};\n  acc = (acc >> ${field.bits}) + 1;\n`;
    else text += `  store<u32>(${target}, <u32>(acc & ${mask}), ${4 * (k - n)});\n  acc >>= ${field.bits};\n`;
  }
  return `${text}  store<u32>(${target}, <u32>acc, ${4 * (n - 1)});\n`;
}

/** Reduces the columns and stores the result at `target`. `lift` adds p: needed when the sum may be negative. */
export function reduction(field: FieldSpec, sum: Sum, target: string, lift: boolean, type: Word): string {
  if (isUnit(field)) return subtraction(field, sum, target);
  const { columns, before } = sum;
  const n = field.limbs;
  const p = limbsOf(field, field.modulus);
  const friendly = friendlyLimbs(field);
  const mask = hex((1n << BigInt(field.bits)) - 1n);
  const storeLimb = (j: number, value: string): string => `  store<u32>(${target}, <u32>${value}, ${4 * j});\n`;
  let text = `  let acc: ${type} = 0;\n`;
  const late = new Map<number, string[]>();
  // The first column that quotient i has no part in by itself. The last quotients, of no whole block, and that of p are by themselves.
  const blockEnd = (i: number): number => {
    const end = (Math.floor(i / BLOCK) + 1) * BLOCK;
    return end < n ? end : 2 * n;
  };
  for (let k = 0; k < 2 * n - 1; k++) {
    let quotients = "";
    for (let i = 0; i <= Math.min(k - 1, n - 1); i++) {
      if (k >= blockEnd(i)) continue;
      const limb = i < n - 1 ? friendly[k - i - 1] : p[k - i];
      if (limb !== undefined) quotients += timesConstant(`m${i}`, limb);
    }
    text += `${before?.[k] ?? ""}  acc += ${columns[k]};\n`;
    for (const column of late.get(k) ?? []) text += `  acc += ${column};\n`;
    if (quotients !== "") text += `  acc += ${withoutPlus(quotients)};\n`;
    if (k < n - 1) {
      text += `  const m${k}: ${type} = acc & ${mask};\n  acc >>= ${field.bits};\n`;
      if (blockEnd(k) !== k + 1) continue;
      const made = blockOf(field, k + 1 - BLOCK);
      text += made.code;
      for (const [column, value] of made.columns) late.set(column, [...(late.get(column) ?? []), value]);
    } else if (k === n - 1) {
      text += `  const m${k}: ${type} = (acc * ${hex(negativeInverse(field))}) & ${mask};\n`;
      text += `  acc = (acc${timesConstant(`m${k}`, p[0]!)}) >> ${field.bits};\n`;
    } else {
      if (lift) text += `  acc += ${hex(p[k - n]!)};\n`;
      text += `${storeLimb(k - n, `(acc & ${mask})`)}  acc >>= ${field.bits};\n`;
    }
  }
  return text + storeLimb(n - 1, lift ? `(acc + ${hex(p[n - 1]!)})` : "acc");
}
