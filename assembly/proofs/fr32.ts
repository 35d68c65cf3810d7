/**
 * Fr32: how raw bytes become 32-byte field elements, and back.
 *
 * The data is one little-endian bit stream. After every 254 bits two zero bits are put in, so that each 32-byte element
 * is smaller than 2^254 and so than the BLS12-381 scalar modulus. The pattern repeats every "quad":
 *
 *     127 raw bytes = 1016 bits = 4 × 254 bits   →   128 padded bytes = 4 elements (leaves)
 *     element k = bits 254·k … 254·k + 253 of the quad, top two bits of byte 31 zero
 *
 * In 64-bit words, element k is the raw stream from word 4·k on, shifted left by 2·k bits, with its last word masked.
 * Sizes: padded = raw · 128 / 127. Source: Filecoin spec, "piece"; rust-fil-proofs fr32.
 */

/** Raw bytes of a quad. */
export const QUAD_RAW: usize = 127;
/** Padded bytes of a quad: four leaves. */
export const QUAD_PADDED: usize = 128;

const TOP: u64 = 0x3fffffffffffffff;

/** Joins two neighbouring raw words, shifted left by `n` bits (2, 4 or 6). */
// @ts-ignore: decorator
@inline
function join(high: u64, low: u64, n: i32): u64 {
  return (high << n) | (low >>> (64 - n));
}

/** Pads `quads` × 127 bytes at `raw` to `quads` × 128 bytes at `padded`. The ranges must not overlap. */
export function fr32Pad(raw: usize, padded: usize, quads: usize): void {
  for (; quads > 0; quads--, raw += QUAD_RAW, padded += QUAD_PADDED) {
    const a = load<u64>(raw, 24);
    store<u64>(padded, load<u64>(raw));
    store<u64>(padded, load<u64>(raw, 8), 8);
    store<u64>(padded, load<u64>(raw, 16), 16);
    store<u64>(padded, a & TOP, 24);
    let x = load<u64>(raw, 32);
    let y = load<u64>(raw, 40);
    let z = load<u64>(raw, 48);
    const b = load<u64>(raw, 56);
    store<u64>(padded, join(x, a, 2), 32);
    store<u64>(padded, join(y, x, 2), 40);
    store<u64>(padded, join(z, y, 2), 48);
    store<u64>(padded, join(b, z, 2) & TOP, 56);
    x = load<u64>(raw, 64);
    y = load<u64>(raw, 72);
    z = load<u64>(raw, 80);
    const c = load<u64>(raw, 88);
    store<u64>(padded, join(x, b, 4), 64);
    store<u64>(padded, join(y, x, 4), 72);
    store<u64>(padded, join(z, y, 4), 80);
    store<u64>(padded, join(c, z, 4) & TOP, 88);
    x = load<u64>(raw, 96);
    y = load<u64>(raw, 104);
    z = load<u64>(raw, 112);
    const d = load<u64>(raw, 119) >>> 8; // the last 7 bytes, without reading beyond the quad
    store<u64>(padded, join(x, c, 6), 96);
    store<u64>(padded, join(y, x, 6), 104);
    store<u64>(padded, join(z, y, 6), 112);
    store<u64>(padded, join(d, z, 6) & TOP, 120);
  }
}

/**
 * Takes the padding out again: `quads` × 128 bytes at `padded` to `quads` × 127 at `raw`. The two padding bits of each
 * element are dropped whatever they hold. The ranges must not overlap, unless `raw` = `padded`.
 */
export function fr32Unpad(padded: usize, raw: usize, quads: usize): void {
  for (; quads > 0; quads--, raw += QUAD_RAW, padded += QUAD_PADDED) {
    const p3 = load<u64>(padded, 24) & TOP;
    const p4 = load<u64>(padded, 32);
    const p5 = load<u64>(padded, 40);
    const p6 = load<u64>(padded, 48);
    const p7 = load<u64>(padded, 56) & TOP;
    const p8 = load<u64>(padded, 64);
    const p9 = load<u64>(padded, 72);
    const p10 = load<u64>(padded, 80);
    const p11 = load<u64>(padded, 88) & TOP;
    const p12 = load<u64>(padded, 96);
    const p13 = load<u64>(padded, 104);
    const p14 = load<u64>(padded, 112);
    const p15 = load<u64>(padded, 120) & TOP;
    store<u64>(raw, load<u64>(padded));
    store<u64>(raw, load<u64>(padded, 8), 8);
    store<u64>(raw, load<u64>(padded, 16), 16);
    store<u64>(raw, p3 | (p4 << 62), 24);
    store<u64>(raw, (p4 >>> 2) | (p5 << 62), 32);
    store<u64>(raw, (p5 >>> 2) | (p6 << 62), 40);
    store<u64>(raw, (p6 >>> 2) | (p7 << 62), 48);
    store<u64>(raw, (p7 >>> 2) | (p8 << 60), 56);
    store<u64>(raw, (p8 >>> 4) | (p9 << 60), 64);
    store<u64>(raw, (p9 >>> 4) | (p10 << 60), 72);
    store<u64>(raw, (p10 >>> 4) | (p11 << 60), 80);
    store<u64>(raw, (p11 >>> 4) | (p12 << 58), 88);
    store<u64>(raw, (p12 >>> 6) | (p13 << 58), 96);
    store<u64>(raw, (p13 >>> 6) | (p14 << 58), 104);
    const last = (p14 >>> 6) | (p15 << 58);
    store<u64>(raw, last, 112);
    store<u64>(raw, (last >>> 56) | ((p15 >>> 6) << 8), 119);
  }
}
