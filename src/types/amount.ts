/** Token amounts: attoFIL as `bigint`, FIL as decimal text for people, and their form in CBOR. */
import { describeValue, FilError } from "../base/errors.ts";

export type AmountErrorData = { readonly code: "BAD_AMOUNT" };
export class AmountError extends FilError<AmountErrorData> {}

/** attoFIL in one FIL. */
export const FIL = 10n ** 18n;
/** Longest text of an amount. */
const MAX_TEXT = 400;
/** Longest integer on the wire: sign byte and magnitude. */
const MAX_BYTES = 128;

/** "1.5" to attoFIL; "1.5 FIL" and "20 attoFIL" are understood too. */
export function parseFil(text: string): bigint {
  if (typeof text !== "string" || text.length > MAX_TEXT)
    throw new AmountError({ code: "BAD_AMOUNT" }, "not an amount of FIL: a short text is expected");
  const match = /^\s*(-?)(\d+)(?:\.(\d{1,18}))?\s*(fil|attofil)?\s*$/i.exec(text);
  if (match === null) throw new AmountError({ code: "BAD_AMOUNT" }, `not an amount of FIL: ${JSON.stringify(text)}`);
  const atto = match[4]?.toLowerCase() === "attofil";
  if (atto && match[3] !== undefined)
    throw new AmountError({ code: "BAD_AMOUNT" }, `attoFIL has no fractions: ${JSON.stringify(text)}`);
  const whole = BigInt(match[2] as string) * (atto ? 1n : FIL) + BigInt((match[3] ?? "").padEnd(18, "0"));
  return match[1] === "-" ? -whole : whole;
}

/** attoFIL to FIL without trailing zeros: "1.5". */
export function formatFil(atto: bigint): string {
  const magnitude = atto < 0n ? -atto : atto;
  const fraction = (magnitude % FIL).toString().padStart(18, "0").replace(/0+$/, "");
  return `${atto < 0n ? "-" : ""}${magnitude / FIL}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Bits of the largest magnitude, and the one number below it that so many bits and a sign hold. */
const MAX_BITS = 8 * (MAX_BYTES - 1);
const MOST_NEGATIVE = -(1n << BigInt(MAX_BITS));

/** Big integer as on chain: empty for zero, else a sign byte (0, or 1 for negative) and a big-endian magnitude. */
export function bigToBytes(value: bigint): Uint8Array {
  if (typeof value !== "bigint")
    throw new AmountError({ code: "BAD_AMOUNT" }, `bigint expected, not ${describeValue(value)}`);
  if (value === 0n) return new Uint8Array(0);
  if (BigInt.asIntN(MAX_BITS + 1, value) !== value || value === MOST_NEGATIVE)
    throw new AmountError({ code: "BAD_AMOUNT" }, `integer of more than ${MAX_BYTES} bytes`);
  const hex = (value < 0n ? -value : value).toString(16);
  const out = new Uint8Array(1 + Math.ceil(hex.length / 2));
  out[0] = value < 0n ? 1 : 0;
  const padded = hex.padStart((out.length - 1) * 2, "0");
  for (let i = 1; i < out.length; i++) out[i] = Number.parseInt(padded.slice(2 * i - 2, 2 * i), 16);
  return out;
}

/** Strict inverse of `bigToBytes`: refuses leading zeros, negative zero and over-long forms. */
export function bytesToBig(bytes: Uint8Array): bigint {
  if (!(bytes instanceof Uint8Array)) throw new AmountError({ code: "BAD_AMOUNT" }, "bytes expected");
  if (bytes.length === 0) return 0n;
  const sign = bytes[0] as number;
  if (bytes.length > MAX_BYTES) throw new AmountError({ code: "BAD_AMOUNT" }, `integer of ${bytes.length} bytes`);
  if (sign > 1 || bytes.length === 1 || bytes[1] === 0)
    throw new AmountError({ code: "BAD_AMOUNT" }, "integer is not in its canonical form");
  let value = 0n;
  for (let i = 1; i < bytes.length; i++) value = (value << 8n) | BigInt(bytes[i] as number);
  return sign === 1 ? -value : value;
}
