/** Text of the functions between field elements and bytes, in Montgomery form and out of it. */
import { type FieldSpec, hex } from "./field-spec.ts";

/** Splits a byte string (any order) into limbs and back, by 32-bit words. */
export function conversions(field: FieldSpec): string {
  const { name, bits, limbs: n, bytes } = field;
  const words = bytes / 4;
  const mask = hex((1n << BigInt(bits)) - 1n);
  const unpack = (word: (i: number) => string): string => {
    let text = "  let c: u64 = 0;\n";
    let held = 0;
    let next = 0;
    for (let j = 0; j < n; j++) {
      while (held < bits && next < words) {
        text += `  c |= <u64>${word(next++)} << ${held};\n`;
        held += 32;
      }
      text += `  store<u32>(r, <u32>(c & ${mask}), ${4 * j});\n  c >>= ${bits};\n`;
      held -= bits;
    }
    return text;
  };
  const pack = (put: (i: number, value: string) => string): string => {
    let text = "  let c: u64 = 0;\n";
    let held = 0;
    let limb = 0;
    for (let i = 0; i < words; i++) {
      while (held < 32 && limb < n) {
        text += `  c |= <u64>load<u32>(SCRATCH, ${4 * limb++}) << ${held};\n`;
        held += bits;
      }
      text += `  ${put(i, "<u32>c")}\n  c >>= 32;\n`;
      held -= 32;
    }
    return text;
  };
  const from = (order: string, word: (i: number) => string): string => `
/** Reads ${bytes} bytes, ${order}-endian, into Montgomery form. False, and r undefined, unless the number is below p. */
export function ${name}FromBytes${order === "little" ? "LE" : "BE"}(r: usize, bytes: usize): bool {
${unpack(word)}  if (!isBelowModulus(r)) return false;
  ${name}Mul(r, r, ${field.name.toUpperCase()}_RADIX_SQUARED);
  return true;
}
`;
  const to = (order: string, put: (i: number, value: string) => string): string => `
/** Writes the canonical value of a as ${bytes} bytes, ${order}-endian. */
export function ${name}ToBytes${order === "little" ? "LE" : "BE"}(bytes: usize, a: usize): void {
  ${name}FromMontgomery(SCRATCH, a);
${pack(put)}}
`;
  const big = (i: number): number => bytes - 4 - 4 * i;
  return `
/** r = a as a plain residue in [0, p): leaves Montgomery form. */
export function ${name}FromMontgomery(r: usize, a: usize): void {
  ${name}Mul(r, a, PLAIN_ONE);
  ${name}Canonical(r, r);
}

/** r = a R: enters Montgomery form. a: limbs of a plain number below 8p. */
export function ${name}ToMontgomery(r: usize, a: usize): void {
  ${name}Mul(r, a, ${name.toUpperCase()}_RADIX_SQUARED);
}

${name === "fr" ? packing(unpack, pack) : ""}/** Whether the plain number with normal limbs at a is below p. */
function isBelowModulus(a: usize): bool {
  let c: i64 = 0;
  for (let j: usize = 0; j < ${4 * n}; j += 4) c = (c >> ${bits}) + <i64>load<u32>(a + j) - <i64>load<u32>(${name.toUpperCase()}_MODULUS + j);
  return c < 0;
}
${from("little", (i) => `load<u32>(bytes, ${4 * i})`)}${from("big", (i) => `bswap<u32>(load<u32>(bytes, ${big(i)}))`)}${to(
  "little",
  (i, v) => `store<u32>(bytes, ${v}, ${4 * i});`,
)}${to("big", (i, v) => `store<u32>(bytes, bswap<u32>(${v}), ${big(i)});`)}`;
}

/** Elements in memory at rest: 32 bytes of the Montgomery form, without a product either way. */
function packing(
  unpack: (word: (i: number) => string) => string,
  pack: (put: (i: number, value: string) => string) => string,
): string {
  return `/** r = the element that frPack wrote at bytes. Any 32 bytes give a tight element. */
export function frUnpack(r: usize, bytes: usize): void {
${unpack((i) => `load<u32>(bytes, ${4 * i})`)}}

/** Writes a as 32 bytes, little-endian: a R below 1.001 p, so not always canonical. Limbs of a may be loose, its value below 64p. */
export function frPack(bytes: usize, a: usize): void {
  frTighten(SCRATCH, a);
${pack((i, v) => `store<u32>(bytes, ${v}, ${4 * i});`)}}

`;
}
