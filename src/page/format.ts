/** How the page spells amounts, names, times. */
const FIL = 10n ** 18n;

/** attoFIL in the unit that fits: "5 FIL", "1.25 nanoFIL", "100 attoFIL". */
export function fil(atto: string | bigint | number | undefined | null): string {
  if (atto === undefined || atto === null) return "–";
  const value = BigInt(atto);
  const size = value < 0n ? -value : value;
  if (size === 0n) return "0 FIL";
  const [unit, name] =
    size >= FIL / 1000n ? [FIL, "FIL"] : size >= 10n ** 6n ? [10n ** 9n, "nanoFIL"] : [1n, "attoFIL"];
  const whole = size / unit;
  const rest = unit === 1n ? "" : ((size % unit) + unit).toString().slice(1).replace(/0+$/, "").slice(0, 4);
  const grouped = whole.toString().replace(/\B(?=(\d{3})+$)/g, ",");
  return `${value < 0n ? "−" : ""}${grouped}${rest === "" ? "" : `.${rest}`} ${name}`;
}

/** What a unit of gas costs, always in attoFIL: what is compared stands in one unit. */
export function gasPrice(atto: string | bigint): string {
  return `${count(atto)} attoFIL a unit of gas`;
}

export function count(value: number | bigint | string): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

export function bytes(value: string | number | bigint): string {
  let size = Number(value);
  let unit = 0;
  for (; size >= 1024 && unit < UNITS.length - 1; unit++) size /= 1024;
  return `${Number.isInteger(size) ? size : size.toFixed(2)} ${UNITS[unit]}`;
}

/** The two ends of a long name. */
export function short(text: string, ends = 6): string {
  return text.length <= 2 * ends + 3 ? text : `${text.slice(0, ends + 2)}…${text.slice(-ends)}`;
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.floor(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Unix seconds. */
export function time(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, 19);
}

const COLOURS = 8;

/** Class of a miner's colour; two miners in a row of ids have different ones. */
export function minerColour(address: string): string {
  let sum = 0;
  for (const letter of address) sum = (sum * 10 + letter.charCodeAt(0)) % 8000;
  return `m${sum % COLOURS}`;
}

/** [1, 3, 2] (gaps and runs, from 0) as the numbers that are set; at most `most` of them. */
export function bitfield(runs: readonly number[] | null | undefined, most = 10_000): number[] {
  const out: number[] = [];
  let at = 0;
  for (const [i, length] of (runs ?? []).entries()) {
    if (i % 2 === 1) for (let j = 0; j < length && out.length < most; j++) out.push(at + j);
    at += length;
  }
  return out;
}
