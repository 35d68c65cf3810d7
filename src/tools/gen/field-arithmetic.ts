/** Text of the functions on field elements: products, sums, canonical form, comparison, powers, inverses. */
import { type Prepared, productOf, tiledProduct } from "./field-products.ts";
import { reduction } from "./field-reduction.ts";
import { type FieldSpec, hex, limbsOf, negativeInverse, range, strideOf } from "./field-spec.ts";
import { vectorProduct } from "./field-vectors.ts";

/** One body for modules with SIMD and one for those without; the compiler leaves the other out. */
export function withSimd(vectors: string, words: string): string {
  const inner = (text: string): string => text.replace(/^(?=.)/gm, "  ");
  return `  if (ASC_FEATURE_SIMD) {\n${inner(vectors)}  } else {\n${inner(words)}  }\n`;
}

/** A product in both forms, and what follows on each. */
function inBothForms(field: FieldSpec, a: string, b: string, body: (product: Prepared) => string): string {
  const words = field.fewLimbs && a !== b ? tiledProduct(field, a, b) : productOf(field, a, b);
  return withSimd(body(vectorProduct(field, a, b)), body(words));
}

/** The reduction of a product to r. */
const reduced =
  (field: FieldSpec) =>
  (product: Prepared): string =>
    product.setup + reduction(field, product, "r", false, "u64");

export function multiply(field: FieldSpec): string {
  return `
/** r = a b. Limbs and values of the operands may be loose: see the head. r may be a or b. */
export function ${field.name}Mul(r: usize, a: usize, b: usize): void {
${inBothForms(field, "a", "b", reduced(field))}}
`;
}

export function square(field: FieldSpec): string {
  return `
/** r = a a, at about four fifths of a multiplication where there is no SIMD. r may be a. */
export function ${field.name}Sqr(r: usize, a: usize): void {
${inBothForms(field, "a", "a", reduced(field))}}
`;
}

/**
 * A signed sum of elements with small whole coefficients, made tight in one pass: the quotient q by p is estimated from
 * the top limbs (a multiplication by a rounded-down reciprocal), never too large and at most one and a little too
 * small, so that 0 <= sum - q p < 1.001 p. Operand limbs may be loose as long as the coefficients times the limb sizes
 * sum to at most 31.
 */
export function combination(field: FieldSpec, suffix: string, text: string, coefficients: readonly number[]): string {
  const n = field.limbs;
  const names = coefficients.map((_, i) => "abcdefg"[i]!);
  const p = limbsOf(field, field.modulus);
  const shift = 50;
  const topUnit = BigInt(field.bits * (n - 1));
  const reciprocal = (1n << (BigInt(shift) + topUnit)) / field.modulus;
  const sum = (j: number): string =>
    coefficients
      .map((k, i) => {
        const limb = `<i64>load<u32>(${names[i]}, ${4 * j})`;
        const sized = Math.abs(k) === 1 ? limb : Math.abs(k) === 2 ? `(${limb} << 1)` : `${limb} * ${Math.abs(k)}`;
        return `${k < 0 ? " - " : " + "}${sized}`;
      })
      .join("")
      .replace(/^ \+ /, "")
      .replace(/^ - /, "0 - ");
  let body = `  const top: i64 = ${sum(n - 1)};\n  const q: i64 = ((top - 32) * ${hex(reciprocal)}) >> ${shift};\n  let acc: i64 = 0;\n`;
  for (let j = 0; j < n - 1; j++) {
    const part = p[j] === 1n ? "q" : `q * ${hex(p[j]!)}`;
    body += `  acc += ${sum(j)} - ${part};\n  store<u32>(r, <u32>(acc & ${hex((1n << BigInt(field.bits)) - 1n)}), ${4 * j});\n  acc >>= ${field.bits};\n`;
  }
  body += `  store<u32>(r, <u32>(acc + top - q * ${hex(p[n - 1]!)}), ${4 * (n - 1)});\n`;
  const parameters = ["r", ...names].map((name) => `${name}: usize`).join(", ");
  return `
/** ${text} Result below 1.001 p. r may be an operand. */
export function ${field.name}${suffix}(${parameters}): void {
${body}}
`;
}

export function looseSums(field: FieldSpec): string {
  const words = strideOf(field) / 8;
  const add = range(words)
    .map((i) => `  store<u64>(r, load<u64>(a, ${8 * i}) + load<u64>(b, ${8 * i}), ${8 * i});\n`)
    .join("");
  return `
/** r = a + b without carries or reduction: limb sizes and values add up. Two limbs ride in one 64-bit word. */
export function ${field.name}AddLoose(r: usize, a: usize, b: usize): void {
${add}}
`;
}

export function copies(field: FieldSpec): string {
  const words = strideOf(field) / 8;
  const lines = (make: (offset: number) => string): string =>
    range(words)
      .map((i) => make(8 * i))
      .join("");
  return `
/** r = a. Unrolled: the engine's memory.copy is a call that costs more than the work. */
export function ${field.name}Copy(r: usize, a: usize): void {
${lines((o) => `  store<u64>(r, load<u64>(a, ${o}), ${o});\n`)}}

/** r = condition ? a : r, with the same memory accesses either way. condition must be 0 or 1. */
export function ${field.name}Select(r: usize, a: usize, condition: u32): void {
  const keep: u64 = <u64>condition - 1;
  let x: u64;
${lines((o) => `  x = load<u64>(r, ${o});\n  store<u64>(r, load<u64>(a, ${o}) ^ ((load<u64>(a, ${o}) ^ x) & keep), ${o});\n`)}}
`;
}

/** Canonical form of the Montgomery representative itself: the one value in [0, p). */
export function canonical(field: FieldSpec): string {
  const n = field.limbs;
  const p = limbsOf(field, field.modulus);
  const mask = hex((1n << BigInt(field.bits)) - 1n);
  let body = `  ${field.name}Tighten(r, a);\n  let c: i64 = 0;\n`;
  for (let j = 0; j < n; j++) {
    body += `  c += <i64>load<u32>(r, ${4 * j}) - ${hex(p[j]!)};\n`;
    body += j < n - 1 ? `  const d${j} = <u32>(c & ${mask});\n  c >>= ${field.bits};\n` : `  const d${j} = <u32>c;\n`;
  }
  body += "  const keep = <u32>(c >> 63);\n  let x: u32;\n";
  for (let j = 0; j < n; j++)
    body += `  x = load<u32>(r, ${4 * j});\n  store<u32>(r, d${j} ^ ((d${j} ^ x) & keep), ${4 * j});\n`;
  return `
/** r = the representative of a in [0, p), limbs normal; still in Montgomery form. No branch on the value. */
export function ${field.name}Canonical(r: usize, a: usize): void {
${body}}
`;
}

/**
 * The butterfly of fast Fourier transforms: (u, v) becomes (u + w v, u - w v). One carry chain for each sum and no
 * reduction: a butterfly adds less than 4p to a value, so after eleven of them values are below 50p and products still
 * below 4p (see the head of `field.ts`: 50 * 2.3 / 70 + 2).
 */
export function butterfly(field: FieldSpec): string {
  const { bits, limbs: n } = field;
  const mask = hex((1n << BigInt(bits)) - 1n);
  const lift = limbsOf(field, 4n * field.modulus);
  const sums = (product: Prepared): string => {
    let body = product.setup + reduction(field, product, "t", false, "u64");
    for (let j = 0; j < n; j++) {
      const value = j < n - 1 ? `(acc & ${mask})` : "acc";
      body = body.replace(`  store<u32>(t, <u32>${value}, ${4 * j});\n`, `  const y${j} = <i64>${value};\n`);
    }
    body += "  let sum: i64 = 0, difference: i64 = 0, x: i64;\n";
    for (let j = 0; j < n; j++) {
      body += `  x = load<u32>(u, ${4 * j});\n  sum += x + y${j};\n  difference += x - y${j} + ${hex(lift[j]!)};\n`;
      if (j === n - 1) {
        body += `  store<u32>(u, <u32>sum, ${4 * j});\n  store<u32>(v, <u32>difference, ${4 * j});\n`;
      } else {
        body += `  store<u32>(u, <u32>(sum & ${mask}), ${4 * j});\n  store<u32>(v, <u32>(difference & ${mask}), ${4 * j});\n`;
        body += `  sum >>= ${bits};\n  difference >>= ${bits};\n`;
      }
    }
    return body;
  };
  return `
/**
 * (u, v) = (u + w v, u - w v), limbs tight, values up to 4p larger than u's. u and v: limbs tight, values below 50p;
 * w: tight, below 2.3p.
 */
export function frButterfly(u: usize, v: usize, w: usize): void {
${inBothForms(field, "v", "w", sums)}}
`;
}

export function predicates(field: FieldSpec): string {
  const { name } = field;
  const or = range(strideOf(field) / 8)
    .map((i) => `load<u64>(SCRATCH, ${8 * i})`)
    .join(" | ");
  return `
export function ${name}IsZero(a: usize): bool {
  ${name}Canonical(SCRATCH, a);
  return (${or}) == 0;
}

export function ${name}Equal(a: usize, b: usize): bool {
  ${name}Sub(SCRATCH, a, b);
  ${name}Canonical(SCRATCH, SCRATCH);
  return (${or}) == 0;
}
`;
}

/** Sum of up to 16 products: the accumulators stay in locals over a whole row, one reduction for all. */
export function dot(field: FieldSpec): string {
  const { name, bits, limbs: n } = field;
  const p = limbsOf(field, field.modulus);
  const mask = hex((1n << BigInt(bits)) - 1n);
  const factor = negativeInverse(field);
  const timesModulus = (limb: bigint): string => (limb === 1n ? "m" : `m * ${hex(limb)}`);
  const quotient = factor === (1n << BigInt(bits)) - 1n ? "-t0" : `t0 * ${hex(factor)}`;
  const stride = strideOf(field);
  let body = `  let ${range(n)
    .map((j) => `t${j}: u64 = 0`)
    .join(", ")};\n  let m: u64, y: u64, x: usize, row: usize;\n`;
  body += `  const end = a + <usize>count * ${stride};\n`;
  body += `  for (let i: i32 = 0; i < ${n}; i++) {\n    row = b + (<usize>i << 2);\n    for (x = a; x < end; x += ${stride}) {\n      y = load<u32>(row);\n`;
  for (let j = 0; j < n; j++) body += `      t${j} += y * <u64>load<u32>(x, ${4 * j});\n`;
  body += `      row += ${stride};\n    }\n    m = (${quotient}) & ${mask};\n    t0 = (t0 + ${timesModulus(p[0]!)}) >> ${bits};\n`;
  body += `    t0 += t1 + ${timesModulus(p[1]!)};\n`;
  for (let j = 2; j < n; j++) body += `    t${j - 1} = t${j} + ${timesModulus(p[j]!)};\n`;
  body += `    t${n - 1} = 0;\n    if (i % 3 == 2) {\n`;
  for (let j = 0; j < n - 1; j++) body += `      t${j + 1} += t${j} >> ${bits};\n      t${j} &= ${mask};\n`;
  body += "    }\n  }\n";
  for (let j = 0; j < n - 1; j++)
    body += `  store<u32>(r, <u32>(t${j} & ${mask}), ${4 * j});\n  t${j + 1} += t${j} >> ${bits};\n`;
  body += `  store<u32>(r, <u32>t${n - 1}, ${4 * (n - 1)});\n`;
  return `
/**
 * r = sum of a[i] b[i] for i < count, with one reduction. a and b: count elements each, one after the other, tight.
 * count at most 16: accumulators are carried every third row, 3 (16 + 1) 2^${2 * bits} + carries < 2^64; or at most 8 with
 * one side loose to twice the limb size. Values: a sum of products below ${name === "fr" ? "200" : "7500"} p^2 gives a tight result (outputs of
 * Mul and Sqr of tight operands are below 2.3p, of Dot below that sum over R and p, of Add, Sub, Tighten below 1.001p). r may be a or b.
 */
export function ${name}Dot(r: usize, a: usize, b: usize, count: i32): void {
${body}}
`;
}

export function powers(field: FieldSpec): string {
  const { name } = field;
  const stride = strideOf(field);
  const NAME = name.toUpperCase();
  return `
/**
 * r = a^e; exponent: ${field.bytes} bytes, big-endian. Windows of four bits; the table is read at an index that depends on the
 * exponent, so the exponent must be public. r may be a.
 */
export function ${name}Pow(r: usize, a: usize, exponent: usize): void {
  ${name}Copy(POWERS, ${NAME}_ONE);
  ${name}Copy(POWERS + ${stride}, a);
  for (let i: usize = 2; i < 16; i++) ${name}Mul(POWERS + i * ${stride}, POWERS + (i - 1) * ${stride}, POWERS + ${stride});
  let started = false;
  for (let i: usize = 0; i < ${field.bytes}; i++) {
    const byte = <u32>load<u8>(exponent + i);
    for (let half: u32 = 0; half < 2; half++) {
      const digit = half == 0 ? byte >> 4 : byte & 15;
      if (started) {
        ${name}Sqr(r, r);
        ${name}Sqr(r, r);
        ${name}Sqr(r, r);
        ${name}Sqr(r, r);
        if (digit != 0) ${name}Mul(r, r, POWERS + <usize>digit * ${stride});
      } else if (digit != 0) {
        ${name}Copy(r, POWERS + <usize>digit * ${stride});
        started = true;
      }
    }
  }
  if (!started) ${name}Copy(r, ${NAME}_ONE);
}

/** r = 1/a by Fermat's theorem (a^(p-2)); 0 gives 0. The same steps for every a: for secrets. */
export function ${name}InverseFermat(r: usize, a: usize): void {
  ${name}Pow(r, a, ${NAME}_MODULUS_MINUS_TWO);
}

/** r = 1/a; 0 gives 0. Time depends on a: for public values. About eight times as fast as Fermat. */
export function ${name}Inverse(r: usize, a: usize): void {
  ${name}Canonical(SCRATCH, a);
  inverseDivsteps(SCRATCH, SCRATCH, ${NAME}_MODULUS, ${field.limbs}, ${field.bits}, ${Math.ceil((field.modulus.toString(2).length + 2) / 30)});
  ${name}Mul(r, SCRATCH, RADIX_CUBED);
}
`;
}
