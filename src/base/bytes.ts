/**
 * Byte strings of the host: comparison, joining and text forms, with nothing of any platform.
 *
 * Decoders are strict: a wrong character, length or padding, or bits set where there is no byte, throws `BytesError`,
 * so that each byte string has exactly one text of each form (hex also in capitals).
 */
import { FilError } from "./errors.ts";

export type BytesErrorData = { readonly code: "BAD_HEX" | "BAD_BASE64" };
export class BytesError extends FilError<BytesErrorData> {}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL = `${BASE64.slice(0, 62)}-_`;

/** Same bytes. Its time depends on where they differ: not for secrets. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Bytewise order, a shorter string before its extensions: negative, 0 or positive. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return a.length - b.length;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Text of UTF-8 bytes; throws `TypeError` on bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Bytes of a hexadecimal text of even length, without prefix. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new BytesError({ code: "BAD_HEX" }, `hex text of odd length ${text.length}`);
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = nibble(text.charCodeAt(2 * i));
    const low = nibble(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) throw new BytesError({ code: "BAD_HEX" }, `not hexadecimal near character ${2 * i}`);
    out[i] = (high << 4) | low;
  }
  return out;
}

function nibble(char: number): number {
  if (char >= 0x30 && char <= 0x39) return char - 0x30;
  const prefix = char | 0x20;
  return prefix >= 0x61 && prefix <= 0x66 ? prefix - 0x57 : -1;
}

/** Base64 of RFC 4648, section 4, with padding. */
export function toBase64(bytes: Uint8Array): string {
  const text = encode64(bytes, BASE64);
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** Bytes of a padded base64 text. */
export function fromBase64(text: string): Uint8Array {
  const end = text.endsWith("==") ? text.length - 2 : text.endsWith("=") ? text.length - 1 : text.length;
  if (text.length % 4 !== 0) throw new BytesError({ code: "BAD_BASE64" }, `base64 text of ${text.length} characters`);
  return decode64(text.slice(0, end), DECODE_BASE64);
}

/** Base64url of RFC 4648, section 5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return encode64(bytes, BASE64_URL);
}

/** Bytes of an unpadded base64url text. */
export function fromBase64Url(text: string): Uint8Array {
  return decode64(text, DECODE_BASE64_URL);
}

const DECODE_BASE64 = valuesOf(BASE64);
const DECODE_BASE64_URL = valuesOf(BASE64_URL);

function valuesOf(alphabet: string): ReadonlyMap<string, number> {
  return new Map(Array.from(alphabet, (char, value) => [char, value]));
}

function encode64(bytes: Uint8Array, alphabet: string): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const three = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const chars = Math.min(bytes.length - i, 3) + 1;
    for (let c = 0; c < chars; c++) text += alphabet[(three >>> (18 - 6 * c)) & 63];
  }
  return text;
}

function decode64(text: string, values: ReadonlyMap<string, number>): Uint8Array {
  const out = new Uint8Array((text.length * 3) >> 2);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = values.get(text[i] as string);
    if (value === undefined) throw new BytesError({ code: "BAD_BASE64" }, `not base64 at character ${i}`);
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[at++] = held >>> bits;
  }
  if (bits >= 6 || (held & ((1 << bits) - 1)) !== 0)
    throw new BytesError({ code: "BAD_BASE64" }, "base64 text ends inside a byte");
  return out;
}
