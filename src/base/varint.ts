/**
 * Unsigned LEB128, as multiformats' "unsigned-varint": minimal, least significant group first. Source: multiformats.
 */

/** What is wrong with bytes that are no varint. */
export type VarintFault = "cut short" | "not minimal" | "too long";

export type Varint = { readonly value: bigint; readonly size: number };

/** Bytes of a varint of 63 bits, the longest that multiformats allow. */
const MAX_BYTES = 9;

export function encodeVarint(value: bigint | number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.from([...out, Number(rest)]);
}

/**
 * The varint at `at` and the bytes it takes, at most `maxBytes`, or what is wrong with it. With `bits` the value must be
 * below 2^bits.
 */
export function decodeVarint(bytes: Uint8Array, at: number, maxBytes = MAX_BYTES, bits = 63): Varint | VarintFault {
  let value = 0n;
  for (let size = 1; size <= maxBytes; size++) {
    const byte = bytes[at + size - 1];
    if (byte === undefined) return "cut short";
    value |= BigInt(byte & 0x7f) << BigInt(7 * (size - 1));
    if (byte >= 0x80) continue;
    if (byte === 0 && size > 1) return "not minimal";
    return value >> BigInt(bits) === 0n ? { value, size } : "too long";
  }
  return "too long";
}
