/** Names that sort by time: 48 bits of milliseconds and 80 of chance, in Crockford's base 32: ULIDs, as their specification has them. */
const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 26;
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** `random`: 10 bytes. */
export function newUlid(now: number, random: Uint8Array): string {
  let value = BigInt(now);
  for (const byte of random.subarray(0, 10)) value = (value << 8n) | BigInt(byte);
  let text = "";
  for (let i = 0; i < LENGTH; i++, value >>= 5n) text = DIGITS[Number(value & 31n)] + text;
  return text;
}

export const isUlid = (text: string): boolean => ULID.test(text);
