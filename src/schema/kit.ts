/**
 * The words in which types on chain are described, once, for both sides of the ABI.
 *
 * From a description come: the AssemblyScript codec classes (`*.gen.ts`, by `src/tools/generate.ts`), the host's
 * decoder to JSON in Lotus' spelling and its encoder back (`src/types/schema-codec.ts`). Field order is consensus;
 * field names are those of the network's JSON. Types are data, without behaviour.
 */
import type { ActorsVersion } from "./versions/rows.ts";

export type FieldType =
  | { readonly kind: "u64" | "i64" | "bool" | "bytes" | "text" | "address" | "big" | "cid" | "bitfield" | "raw" }
  /** Text or, if the bytes are no text, a byte string, which the network's JSON shows as the empty text. */
  | { readonly kind: "label" }
  /** A signature in its wire form: a byte string of a type byte (1 secp256k1, 2 BLS) and the data. */
  | { readonly kind: "signature" }
  | { readonly kind: "list"; readonly of: FieldType; readonly limit?: number }
  | { readonly kind: "optional"; readonly of: FieldType }
  | { readonly kind: "ref"; readonly name: string }
  /** A link, with what it leads to, for readers of state. */
  | { readonly kind: "link"; readonly to: LinkTarget };

/** What a link leads to: a single object, an array (AMT) or a map (HAMT) whose keys are read as `key`. */
export type LinkTarget =
  | { readonly kind: "object"; readonly type: FieldType }
  | { readonly kind: "array"; readonly of: FieldType }
  | {
      readonly kind: "map";
      readonly key: "address" | "uvarint" | "varint" | "bytes" | "cid";
      readonly of: FieldType;
      /** Bits of a key's hash that a level takes; absent: 5. */
      readonly width?: 6;
    }
  | { readonly kind: "set"; readonly key: "address" | "uvarint" | "varint" | "bytes" | "cid" };

export type Field = {
  /** Spelling of the network's JSON ("CallSeqNum"). */
  readonly name: string;
  readonly type: FieldType;
  readonly doc?: string;
  /** First actors version that has the field; absent: all. */
  readonly since?: ActorsVersion;
  /** Last actors version that has the field. */
  readonly until?: ActorsVersion;
  /** The array may end before it: a last field that came without a migration of what was there. */
  readonly mayLack?: true;
};

/** A CBOR array of fixed length, or (`transparent`) a single field without the array around it. */
export type TupleType = {
  readonly name: string;
  readonly doc: string;
  readonly fields: readonly Field[];
  readonly transparent?: boolean;
};

/** One generated file. */
export type SchemaModule = {
  /** Path of the generated file below `assembly/`, without `.gen.ts`; of a module for the host alone, its name. */
  readonly path: string;
  readonly doc: string;
  readonly types: readonly TupleType[];
  /** Modules whose types are referred to. */
  readonly uses?: readonly SchemaModule[];
};

export type MethodDescription = {
  readonly number: number;
  readonly name: string;
  /** Name of the parameter type in the actor's module or one it uses; absent: no parameters. */
  readonly params?: FieldType;
  readonly returns?: FieldType;
  /** First actors version that has the method; absent: all. */
  readonly since?: ActorsVersion;
  /** Last actors version that has the method. */
  readonly until?: ActorsVersion;
};

export type ActorDescription = {
  readonly name: string;
  readonly module: SchemaModule;
  /** Name of the state type. */
  readonly state: string;
  /** The published actors, v8 to v18, have the same state and the same methods, perhaps more. Others: `published/`. */
  readonly isInLater?: true;
  readonly methods: readonly MethodDescription[];
};

export const u64: FieldType = { kind: "u64" };
export const i64: FieldType = { kind: "i64" };
export const bool: FieldType = { kind: "bool" };
export const bytes: FieldType = { kind: "bytes" };
export const text: FieldType = { kind: "text" };
export const address: FieldType = { kind: "address" };
export const big: FieldType = { kind: "big" };
export const cid: FieldType = { kind: "cid" };
export const bitfield: FieldType = { kind: "bitfield" };
export const raw: FieldType = { kind: "raw" };
export const label: FieldType = { kind: "label" };
export const signature: FieldType = { kind: "signature" };

export function list(of: FieldType, limit?: number): FieldType {
  return limit === undefined ? { kind: "list", of } : { kind: "list", of, limit };
}

export function optional(of: FieldType): FieldType {
  return { kind: "optional", of };
}

export function ref(name: string): FieldType {
  return { kind: "ref", name };
}

export function linkTo(type: FieldType): FieldType {
  return { kind: "link", to: { kind: "object", type } };
}

export function arrayOf(of: FieldType): FieldType {
  return { kind: "link", to: { kind: "array", of } };
}

export function mapOf(key: "address" | "uvarint" | "varint" | "bytes" | "cid", of: FieldType): FieldType {
  return { kind: "link", to: { kind: "map", key, of } };
}

/** A map with 6 bits a level, where most have 5. */
export function wideMapOf(key: "address" | "uvarint" | "varint" | "bytes" | "cid", of: FieldType): FieldType {
  return { kind: "link", to: { kind: "map", key, of, width: 6 } };
}

export function setOf(key: "address" | "uvarint" | "varint" | "bytes" | "cid"): FieldType {
  return { kind: "link", to: { kind: "set", key } };
}

/** Where a field exists: from one actors version on, or up to one; and whether it may be left out there. */
export type Lifetime = Pick<Field, "since" | "until" | "mayLack">;

export function since(version: ActorsVersion): Lifetime {
  return { since: version };
}

export function until(version: ActorsVersion): Lifetime {
  return { until: version };
}

/** Whether something exists under an actors version. */
export function existsIn(one: Lifetime, version: ActorsVersion): boolean {
  return (one.since ?? 0) <= version && version <= (one.until ?? version);
}

export function field(name: string, type: FieldType, doc?: string, lifetime: Lifetime = {}): Field {
  return { name, type, ...(doc === undefined ? {} : { doc }), ...lifetime };
}

export function tuple(name: string, doc: string, fields: readonly Field[]): TupleType {
  return { name, doc, fields };
}

/** A named type that is a single field, encoded without an array around it. */
export function transparent(name: string, doc: string, only: Field): TupleType {
  return { name, doc, fields: [only], transparent: true };
}
