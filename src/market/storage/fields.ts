/**
 * Reading and writing the market's messages: maps of named fields, whose keys lie in the order of length, then bytes, as
 * Go's cbor-gen writes them and @ipld/dag-cbor too. Unknown fields are passed over, missing ones are errors, as there.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { utf8 } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { Address } from "../../types/address.ts";
import { bytesToBig } from "../../types/amount.ts";
import { CID } from "../../types/cid.ts";
import { decodeSignature, type Signature } from "../../types/message.ts";
import { badMessage } from "./errors.ts";

/** Bytes of a message of the market. Source: go-fil-markets storagemarket/network; its messages are some hundred bytes. */
export const MAX_MESSAGE_BYTES = 256 << 10;
const MAX_TEXT = 64 << 10;
const MAX_U64 = (1n << 64n) - 1n;

/** The fields of one map or tuple; every method throws `DealError` BAD_MESSAGE that names the field. */
export class Fields {
  private readonly values: ReadonlyMap<string, unknown>;
  private readonly name: string;

  private constructor(name: string, values: ReadonlyMap<string, unknown>) {
    this.name = name;
    this.values = values;
  }

  /** Of the bytes of a map. */
  static ofBytes(name: string, bytes: Uint8Array): Fields {
    return Fields.ofMap(name, decodeCbor(name, bytes));
  }

  static ofMap(name: string, value: unknown): Fields {
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isMap || value instanceof Uint8Array || CID.asCID(value) !== null) badMessage(name, "a map is expected");
    return new Fields(name, new Map(Object.entries(value as Record<string, unknown>)));
  }

  /** Of a tuple of exactly these fields. */
  static ofTuple(name: string, value: unknown, fields: readonly string[]): Fields {
    if (!Array.isArray(value) || value.length !== fields.length) badMessage(name, `${fields.length} fields expected`);
    return new Fields(name, new Map(fields.map((field, i) => [field, (value as unknown[])[i]])));
  }

  has(field: string): boolean {
    return this.values.has(field);
  }

  value(field: string): unknown {
    return this.values.has(field) ? this.values.get(field) : badMessage(this.path(field), "is missing");
  }

  path(field: string): string {
    return `${this.name}.${field}`;
  }

  isNull(field: string): boolean {
    return this.value(field) === null;
  }

  bool(field: string): boolean {
    const value = this.value(field);
    return typeof value === "boolean" ? value : badMessage(this.path(field), "true or false expected");
  }

  text(field: string, max = MAX_TEXT): string {
    const value = this.value(field);
    if (typeof value !== "string") return badMessage(this.path(field), "text expected");
    return utf8(value).length <= max ? value : badMessage(this.path(field), `at most ${max} bytes of text expected`);
  }

  bytes(field: string, max: number): Uint8Array {
    const value = this.value(field);
    if (!(value instanceof Uint8Array)) return badMessage(this.path(field), "bytes expected");
    return value.length <= max ? value : badMessage(this.path(field), `${value.length} bytes, at most ${max} expected`);
  }

  u64(field: string): bigint {
    const value = this.integer(field);
    return value >= 0n && value <= MAX_U64 ? value : badMessage(this.path(field), "no unsigned 64-bit integer");
  }

  i64(field: string): bigint {
    const value = this.integer(field);
    return BigInt.asIntN(64, value) === value ? value : badMessage(this.path(field), "no 64-bit integer");
  }

  cid(field: string): CID {
    return CID.asCID(this.value(field)) ?? badMessage(this.path(field), "a link is expected");
  }

  address(field: string): Address {
    return this.told(field, () => Address.fromBytes(this.bytes(field, 64)));
  }

  amount(field: string): bigint {
    return this.told(field, () => bytesToBig(this.bytes(field, 128)));
  }

  signature(field: string): Signature {
    return this.told(field, () => decodeSignature(this.bytes(field, 256)));
  }

  map(field: string): Fields {
    return Fields.ofMap(this.path(field), this.value(field));
  }

  nullable<Result>(field: string, read: (fields: Fields, field: string) => Result): Result | null {
    return this.isNull(field) ? null : read(this, field);
  }

  private integer(field: string): bigint {
    const value = this.value(field);
    const isWhole = typeof value === "bigint" || Number.isInteger(value);
    return isWhole ? BigInt(value as bigint | number) : badMessage(this.path(field), "a whole number is expected");
  }

  private told<Result>(field: string, read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      if (!isFilError(error) || error.code === "BAD_MESSAGE") throw error;
      return badMessage(this.path(field), error.message);
    }
  }
}

/** Strict CBOR of a bounded message. */
export function decodeCbor(name: string, bytes: Uint8Array): unknown {
  if (bytes.length > MAX_MESSAGE_BYTES)
    badMessage(name, `${bytes.length} bytes, at most ${MAX_MESSAGE_BYTES} expected`);
  try {
    return dagCbor.decode(bytes);
  } catch (cause) {
    return badMessage(name, `no CBOR: ${(cause as Error).message}`);
  }
}

export const encodeMap = (fields: Readonly<Record<string, unknown>>): Uint8Array => dagCbor.encode(fields);
