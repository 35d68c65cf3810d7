/**
 * CBOR of described types to JSON in the network's spelling, and back.
 *
 * The same descriptions (`src/schema/`) that generate the core's codecs are read here at run time. JSON follows the
 * network's RPC: bytes are base64, big integers decimal strings, 64-bit integers numbers, links `{"/": "bafy…"}`,
 * bitfields run lengths, empty lists and byte strings `null`. Integers from 2^53 on, which a JavaScript number cannot
 * hold, are decimal strings instead of numbers, and are read as such. Order and strictness of CBOR are those of @ipld/dag-cbor
 * (canonical, nothing behind the value).
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat, fromBase64, toBase64 } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { existsIn, type Field, type FieldType, type SchemaModule, type TupleType } from "../schema/kit.ts";
import type { ActorsVersion } from "../schema/versions/rows.ts";
import { Address, type NetworkPrefix } from "./address.ts";
import { bigToBytes, bytesToBig } from "./amount.ts";
import { decodeRuns, encodeRuns } from "./bitfield.ts";
import { CID, parseCid } from "./cid.ts";

export type SchemaErrorData = { readonly code: "BAD_CBOR" | "BAD_JSON" | "UNKNOWN_TYPE"; readonly path: string };
export class SchemaError extends FilError<SchemaErrorData> {}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Everything that reading or writing a type needs to know. */
export type CodecContext = {
  readonly module: SchemaModule;
  readonly actorsVersion: ActorsVersion;
  readonly prefix: NetworkPrefix;
};

const MAX_DEPTH = 64;

/** Decodes one CBOR value of the described type. Throws `SchemaError` with the path of the first violation. */
export function cborToJson(type: FieldType, bytes: Uint8Array, context: CodecContext): Json {
  return valueToJson(type, decodeCbor(bytes), context, "");
}

/** Encodes JSON in the network's spelling as the CBOR of the described type. */
export function jsonToCbor(type: FieldType, json: Json, context: CodecContext): Uint8Array {
  return dagCbor.encode(jsonToValue(type, json, context, ""));
}

/** The plain data inside strict DAG-CBOR bytes. */
export function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return dagCbor.decode(bytes);
  } catch (cause) {
    throw new SchemaError({ code: "BAD_CBOR", path: "" }, "not canonical DAG-CBOR", { cause });
  }
}

export function findType(module: SchemaModule, name: string): { type: TupleType; module: SchemaModule } {
  const own = module.types.find((type) => type.name === name);
  if (own !== undefined) return { type: own, module };
  for (const other of module.uses ?? []) {
    const foreign = other.types.find((type) => type.name === name);
    if (foreign !== undefined) return { type: foreign, module: other };
  }
  throw new SchemaError({ code: "UNKNOWN_TYPE", path: name }, `type ${name} is described nowhere`);
}

/** Of the described types, which are constants. */
const fieldLists = new WeakMap<TupleType, Map<ActorsVersion, readonly Field[]>>();

/** The fields that a type has under an actors version, in their order. */
export function fieldsIn(type: TupleType, actorsVersion: ActorsVersion): readonly Field[] {
  let known = fieldLists.get(type);
  if (known === undefined) fieldLists.set(type, (known = new Map()));
  let fields = known.get(actorsVersion);
  if (fields === undefined)
    known.set(actorsVersion, (fields = type.fields.filter((field) => existsIn(field, actorsVersion))));
  return fields;
}

/** Whether an array of `count` elements can be these fields: all of them, or all but last ones that may be left out. */
export function fitsFields(fields: readonly Field[], count: number): boolean {
  return count <= fields.length && fields.slice(count).every((field) => field.mayLack === true);
}

function fail(code: "BAD_CBOR" | "BAD_JSON", path: string, why: string): never {
  throw new SchemaError({ code, path }, `${path === "" ? "value" : path}: ${why}`);
}

/** JSON of data that `decodeCbor` returned. */
export function valueToJson(type: FieldType, value: unknown, context: CodecContext, path: string): Json {
  const wrong = (wanted: string): never => fail("BAD_CBOR", path, `${wanted} expected`);
  switch (type.kind) {
    case "u64":
    case "i64":
      if (typeof value !== "bigint" && !Number.isInteger(value)) return wrong("integer");
      return fits(type.kind, BigInt(value as number | bigint))
        ? integerToJson(value as number | bigint)
        : wrong(type.kind);
    case "bool":
      return typeof value === "boolean" ? value : wrong("boolean");
    case "text":
      return typeof value === "string" ? value : wrong("text");
    case "label":
      return typeof value === "string" ? value : value instanceof Uint8Array ? "" : wrong("text or byte string");
    case "bytes":
      if (!(value instanceof Uint8Array)) return wrong("byte string");
      return value.length === 0 ? null : toBase64(value);
    case "address":
      if (!(value instanceof Uint8Array)) return wrong("address");
      return Address.fromBytes(value).toString(context.prefix);
    case "big":
      return value instanceof Uint8Array ? bytesToBig(value).toString() : wrong("big integer");
    case "cid":
    case "link": {
      const link = CID.asCID(value);
      return link === null ? wrong("link") : { "/": link.toString() };
    }
    case "bitfield":
      if (!(value instanceof Uint8Array)) return wrong("bitfield");
      return value.length === 0 ? [0] : decodeRuns(value).map(integerToJson);
    case "raw":
      return { "@cbor": toBase64(dagCbor.encode(value)) };
    case "signature":
      if (!(value instanceof Uint8Array) || value[0] === undefined) return wrong("signature");
      return { Type: value[0], Data: toBase64(value.subarray(1)) };
    case "optional":
      return value === null ? null : valueToJson(type.of, value, context, path);
    case "list":
      if (!Array.isArray(value)) return wrong("list");
      return value.length === 0 ? null : value.map((item, i) => valueToJson(type.of, item, context, `${path}[${i}]`));
    case "ref": {
      const found = findType(context.module, type.name);
      return tupleToJson(found.type, value, { ...context, module: found.module }, path);
    }
  }
}

function tupleToJson(type: TupleType, value: unknown, context: CodecContext, path: string): Json {
  if (path.split(".").length > MAX_DEPTH) fail("BAD_CBOR", path, "nested too deep");
  const fields = fieldsIn(type, context.actorsVersion);
  const only = fields[0];
  if (type.transparent === true && only !== undefined) return valueToJson(only.type, value, context, path);
  if (!Array.isArray(value) || !fitsFields(fields, value.length))
    return fail("BAD_CBOR", path, `${type.name} is an array of ${fields.length}`);
  const out: Record<string, Json> = {};
  fields.slice(0, value.length).forEach((field, i) => {
    out[field.name] = valueToJson(field.type, value[i], context, path === "" ? field.name : `${path}.${field.name}`);
  });
  return out;
}

function jsonToValue(type: FieldType, json: Json, context: CodecContext, path: string): unknown {
  const wrong = (wanted: string): never => fail("BAD_JSON", path, `${wanted} expected`);
  switch (type.kind) {
    case "u64":
    case "i64": {
      const value = integerOf(json) ?? wrong("integer");
      return fits(type.kind, value) ? value : wrong(type.kind);
    }
    case "bool":
      return typeof json === "boolean" ? json : wrong("boolean");
    case "text":
    case "label":
      return typeof json === "string" ? json : wrong("text");
    case "bytes":
      if (json === null) return new Uint8Array(0);
      return typeof json === "string" ? fromBase64(json) : wrong("base64 text");
    case "address":
      return typeof json === "string" ? Address.parse(json).bytes : wrong("address");
    case "big":
      return typeof json === "string" && /^-?\d{1,320}$/.test(json) ? bigToBytes(BigInt(json)) : wrong("decimal text");
    case "cid":
    case "link": {
      const text = isObject(json) ? json["/"] : undefined;
      return typeof text === "string" ? parseCid(text) : wrong('link {"/": "…"}');
    }
    case "bitfield":
      if (json === null) return new Uint8Array(0);
      if (!Array.isArray(json)) return wrong("run lengths");
      return encodeRuns(Array.from(json, (run: Json) => integerOf(run) ?? wrong("integer")));
    case "raw": {
      const text = isObject(json) ? json["@cbor"] : undefined;
      return typeof text === "string" ? decodeCbor(fromBase64(text)) : wrong('{"@cbor": "…"}');
    }
    case "signature": {
      const [kind, data] = isObject(json) ? [json["Type"], json["Data"]] : [];
      if (typeof kind !== "number" || !Number.isInteger(kind) || kind < 0 || kind > 255) return wrong("signature");
      return typeof data === "string" ? concat(Uint8Array.of(kind), fromBase64(data)) : wrong("signature");
    }
    case "optional":
      return json === null ? null : jsonToValue(type.of, json, context, path);
    case "list":
      if (json === null) return [];
      if (!Array.isArray(json)) return wrong("list");
      return Array.from(json, (item: Json, i) => jsonToValue(type.of, item, context, `${path}[${i}]`));
    case "ref": {
      const found = findType(context.module, type.name);
      return jsonToTuple(found.type, json, { ...context, module: found.module }, path);
    }
  }
}

/** A number where that is exact, else its decimal digits. */
export function integerToJson(value: number | bigint): Json {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
}

/** Inverse of `integerToJson`; undefined for what is no whole number, or none that is exact. */
export function integerOf(json: unknown): bigint | undefined {
  if (typeof json === "number") return Number.isSafeInteger(json) ? BigInt(json) : undefined;
  return typeof json === "string" && /^-?\d{1,20}$/.test(json) ? BigInt(json) : undefined;
}

function fits(kind: "u64" | "i64", value: bigint): boolean {
  return (kind === "u64" ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)) === value;
}

function isObject(json: Json): json is { readonly [key: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function jsonToTuple(type: TupleType, json: Json, context: CodecContext, path: string): unknown {
  const fields = fieldsIn(type, context.actorsVersion);
  const only = fields[0];
  if (type.transparent === true && only !== undefined) return jsonToValue(only.type, json, context, path);
  if (!isObject(json)) return fail("BAD_JSON", path, `${type.name} is an object`);
  // What was left out at the end stays out.
  let count = fields.length;
  while (fields[count - 1]?.mayLack === true && !Object.hasOwn(json, fields[count - 1]?.name ?? "")) count--;
  return fields.slice(0, count).map((field) => {
    const inner = path === "" ? field.name : `${path}.${field.name}`;
    const value = Object.hasOwn(json, field.name) ? json[field.name] : undefined;
    return jsonToValue(field.type, value ?? null, context, inner);
  });
}
