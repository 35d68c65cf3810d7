/**
 * Reading of request texts: JSON whose nesting is bounded before it is parsed, and whose whole numbers keep all their
 * digits (a JavaScript number holds 53 bits, the network's ids, nonces and sector numbers have 64).
 */
import { RPC_CODE, RpcError } from "./errors.ts";

/** Nesting that is read. */
export const MAX_DEPTH = 64;
/** Characters of a whole number that may not fit. */
const LONG = 16;
const MAX_DIGITS = 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

export type Span = { readonly from: number; readonly to: number };

/** Parses JSON; whole numbers beyond 2^53 become bigint. Throws `RpcError`. */
export function parseJson(text: string): unknown {
  const long = scan(text);
  try {
    return long.length === 0 ? JSON.parse(text) : parseWithDigits(text, long);
  } catch {
    throw new RpcError(RPC_CODE.parse, "the request is not JSON");
  }
}

/** Where the items of a list stand in its text, which must be JSON. */
export function itemsOf(text: string): Span[] {
  const items: Span[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) {
      for (i++; text.charCodeAt(i) !== QUOTE; i++) if (text.charCodeAt(i) === BACKSLASH) i++;
    } else if (char === 0x5b || char === 0x7b) {
      if (++depth === 1) from = i + 1;
    } else if (char === COMMA ? depth === 1 : (char === 0x5d || char === 0x7d) && --depth === 0) {
      items.push({ from, to: i });
      from = i + 1;
    }
  }
  return items;
}

/** Checks the depth and finds whole numbers that a JavaScript number may not hold. */
function scan(text: string): Span[] {
  const long: Span[] = [];
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) {
      for (i++; i < text.length && text.charCodeAt(i) !== QUOTE; i++) if (text.charCodeAt(i) === BACKSLASH) i++;
    } else if (char === 0x5b || char === 0x7b) {
      if (++depth > MAX_DEPTH) throw new RpcError(RPC_CODE.limit, `JSON nests over ${MAX_DEPTH} deep`);
    } else if (char === 0x5d || char === 0x7d) depth--;
    else if (char === 0x2d || (char >= 0x30 && char <= 0x39)) {
      const from = i;
      while (isNumberPart(text.charCodeAt(i + 1))) i++;
      const to = i + 1;
      if (to - from >= LONG && to - from <= MAX_DIGITS && /^-?(0|[1-9]\d*)$/.test(text.slice(from, to)))
        long.push({ from, to });
    }
  }
  return long;
}

function isNumberPart(char: number): boolean {
  return (char >= 0x30 && char <= 0x39) || char === 0x2e || char === 0x2b || char === 0x2d || (char | 0x20) === 0x65;
}

/** What stands before a long number in disguise. A caller who writes it herself gets a number where she wrote a text. */
const MARK = "\u0001";
const DIGITS = /^-?\d{1,1024}$/;

/** Parses with the long numbers disguised as texts. */
function parseWithDigits(text: string, long: readonly Span[]): unknown {
  let disguised = "";
  let at = 0;
  for (const { from, to } of long) {
    disguised += `${text.slice(at, from)}"\\u0001${text.slice(from, to)}"`;
    at = to;
  }
  disguised += text.slice(at);
  return JSON.parse(disguised, (_, value: unknown) => {
    const digits = typeof value === "string" && value.startsWith(MARK) ? value.slice(MARK.length) : "";
    if (!DIGITS.test(digits)) return value;
    const number = Number(digits);
    return Number.isSafeInteger(number) ? number : BigInt(digits);
  });
}
