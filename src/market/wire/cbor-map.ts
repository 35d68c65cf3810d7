/**
 * Maps of the markets' protocols: names of fields as text, canonical DAG-CBOR. Only fields that are known are taken, each
 * once; what may be left out is named.
 */
import { concat, utf8 } from "../../base/bytes.ts";
import { CBOR_MAJOR, CBOR_NULL, type CborReader, cborHead, WireError } from "../../network/wire/cbor.ts";
import { linkBytes, readCid } from "../../network/wire/common.ts";
import { bigToBytes, bytesToBig } from "../../types/amount.ts";
import { type CID, isIdentity } from "../../types/cid.ts";

/** Longest name of a field, bytes. */
const MAX_NAME = 64;
/** Longest amount, bytes. */
const MAX_AMOUNT = 128;

export function badFrame(why: string): never {
  throw new WireError({ code: "BAD_FRAME" }, why);
}

/** How the value of each field is read. */
export type FieldReaders = Readonly<Record<string, (reader: CborReader, what: string) => void>>;

/** Reads a map; gives the names in the order in which they stood. Throws `WireError` for fields that are unknown, twice there or missing. */
export function readMap(
  reader: CborReader,
  what: string,
  fields: FieldReaders,
  optional: readonly string[] = [],
): string[] {
  const names = Object.keys(fields);
  const count = reader.map(names.length, what);
  const seen: string[] = [];
  for (let i = 0; i < count; i++) {
    const name = reader.text(MAX_NAME, `${what}: name of a field`);
    const read = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (read === undefined) badFrame(`${what}: no field "${name}"`);
    if (seen.includes(name)) badFrame(`${what}: field "${name}" twice`);
    seen.push(name);
    read?.(reader, `${what}.${name}`);
  }
  for (const name of names)
    if (!seen.includes(name) && !optional.includes(name)) badFrame(`${what}: field "${name}" is missing`);
  return seen;
}

/** Names of a map in the canonical order: the shorter first, then bytewise. */
export function inOrder(names: readonly string[]): string[] {
  return [...names].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

/** A map of fields that are encoded already, in canonical order or in one that is given; absent ones are left out. */
export function cborMap(
  fields: Readonly<Record<string, Uint8Array | undefined>>,
  order: readonly string[] = inOrder(Object.keys(fields)),
): Uint8Array {
  const parts: Uint8Array[] = [];
  let count = 0;
  for (const name of order) {
    const value = fields[name];
    if (value === undefined) continue;
    parts.push(cborText(name), value);
    count++;
  }
  return concat(cborHead(CBOR_MAJOR.map, count), ...parts);
}

export function cborText(text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === "string" ? utf8(text) : text;
  return concat(cborHead(CBOR_MAJOR.text, bytes.length), bytes);
}

export function cborBytes(bytes: Uint8Array): Uint8Array {
  return concat(cborHead(CBOR_MAJOR.bytes, bytes.length), bytes);
}

export function cborUnsigned(value: number | bigint): Uint8Array {
  return cborHead(CBOR_MAJOR.unsigned, value);
}

export function cborInteger(value: number | bigint): Uint8Array {
  const wide = BigInt(value);
  return wide >= 0n ? cborHead(CBOR_MAJOR.unsigned, wide) : cborHead(CBOR_MAJOR.negative, -1n - wide);
}

export function cborBoolean(value: boolean): Uint8Array {
  return Uint8Array.of(value ? 0xf5 : 0xf4);
}

export function cborLink(cid: CID | null): Uint8Array {
  return cid === null ? CBOR_NULL : linkBytes(cid);
}

/** attoFIL */
export function cborAmount(value: bigint): Uint8Array {
  return cborBytes(bigToBytes(value));
}

/** attoFIL, not negative. */
export function readAmount(reader: CborReader, what: string): bigint {
  const value = bytesToBig(reader.byteString(MAX_AMOUNT, what));
  return value >= 0n ? value : badFrame(`${what}: negative`);
}

/** A link to a block; one that carries its block in itself, which no message needs, is refused. */
export function readLink(reader: CborReader, what: string): CID {
  const cid = readCid(reader, what);
  return isIdentity(cid) ? badFrame(`${what}: a CID that holds its block`) : cid;
}

/** A value, or null if one stands here. */
export function orNull<Value>(
  read: (reader: CborReader, what: string) => Value,
): (reader: CborReader, what: string) => Value | null {
  return (reader, what) => (reader.isNull() ? null : read(reader, what));
}
