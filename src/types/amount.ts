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

/** Units that amounts may be given in, as the power of ten of attoFIL; without one, FIL is meant. */
const UNITS: Readonly<Record<string, number>> = {
  ...{ fil: 18, millifil: 15, mfil: 15, microfil: 12, ufil: 12, µfil: 12, μfil: 12, nanofil: 9, nfil: 9 },
  ...{ picofil: 6, pfil: 6, femtofil: 3, ffil: 3, attofil: 0, afil: 0 },
};

/**
 * An amount as people write it to attoFIL: "1.5", ".5", "1.5 FIL", "20 nFIL", "1 attoFIL", "1 aFIL". Nothing is rounded. It may
 * have a sign, as differences do: whoever takes what is moved or owned refuses what is below 0.
 * Throws `AmountError`.
 */
export function parseFil(text: string): bigint {
  if (typeof text !== "string" || text.length > MAX_TEXT)
    throw new AmountError({ code: "BAD_AMOUNT" }, "not an amount of FIL: a short text is expected");
  const refuse = (why: string): never => {
    throw new AmountError({ code: "BAD_AMOUNT" }, `not an amount of FIL: ${JSON.stringify(text)}${why}`);
  };
  const match = /^\s*([-+]?)(\d*)(?:\.(\d*))?\s*([a-zµμ]*)\s*$/i.exec(text);
  const [, sign, whole = "", fraction = "", unit = ""] = match ?? [];
  if (match === null || whole + fraction === "") return refuse(' (write "1.5", "1.5 FIL" or "20 attoFIL")');
  const power = UNITS[unit === "" ? "fil" : unit.toLowerCase()];
  if (power === undefined) return refuse(` (${unit} is no unit; FIL, nanoFIL and attoFIL are)`);
  const digits = fraction.replace(/0+$/, "");
  if (digits.length > power)
    return refuse(power === 0 ? " (attoFIL has no fractions)" : ` (at most ${power} digits behind the point)`);
  const atto = BigInt(whole + digits.padEnd(power, "0"));
  return sign === "-" ? -atto : atto;
}

/** attoFIL to FIL without trailing zeros: "1.5". */
export function formatFil(atto: bigint): string {
  const magnitude = atto < 0n ? -atto : atto;
  const fraction = (magnitude % FIL).toString().padStart(18, "0").replace(/0+$/, "");
  return `${atto < 0n ? "-" : ""}${magnitude / FIL}${fraction === "" ? "" : `.${fraction}`}`;
}

/** attoFIL below which an amount has too many zeros to be read in FIL. */
const SMALL = 10n ** 9n;

/** attoFIL, as a number or its decimal text, for people: "1.5 FIL", "1100 attoFIL". `parseFil` reads it. */
export function filText(amount: bigint | string): string {
  const atto = BigInt(amount);
  return atto !== 0n && atto < SMALL && atto > -SMALL ? `${atto} attoFIL` : `${formatFil(atto)} FIL`;
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
  return bigIn(bytes, 0, bytes.length);
}

/** `bytesToBig` of `bytes[start, end)`. */
export function bigIn(bytes: Uint8Array, start: number, end: number): bigint {
  const length = end - start;
  if (length === 0) return 0n;
  const sign = bytes[start] as number;
  if (length > MAX_BYTES) throw new AmountError({ code: "BAD_AMOUNT" }, `integer of ${length} bytes`);
  if (sign > 1 || length === 1 || bytes[start + 1] === 0)
    throw new AmountError({ code: "BAD_AMOUNT" }, "integer is not in its canonical form");
  // Six bytes at a time, as a number holds them.
  let value = 0n;
  for (let at = start + 1; at < end; at += 6) {
    const stop = Math.min(at + 6, end);
    let part = 0;
    for (let i = at; i < stop; i++) part = part * 256 + (bytes[i] as number);
    value = at === start + 1 ? BigInt(part) : (value << BigInt(8 * (stop - at))) | BigInt(part);
  }
  return sign === 1 ? -value : value;
}
