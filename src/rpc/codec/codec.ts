/**
 * Codecs of RPC values: between the JSON that clients write and the values that methods work on, with the JSON schema
 * that says the same to machines.
 *
 * `decode` throws `RpcError` (bad params) whose text names the field's path, what is allowed, and what was given.
 */
import type { NetworkPrefix } from "../../types/address.ts";
import { badParams } from "../errors.ts";

/** A JSON schema (draft 7), as OpenRPC uses it. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** `T`: what methods see; `J`: how it is spelt in JSON. Methods of this type are compared loosely on purpose. */
export type Codec<T, J = unknown> = {
  readonly schema: JsonSchema;
  /** Whether null, and so an absent trailing parameter, is accepted. */
  readonly nullable?: boolean;
  decode(json: unknown, path: string): T;
  encode(value: T, prefix: NetworkPrefix): J;
};

export type ValueOf<C> = C extends Codec<infer T, infer _J> ? T : never;
export type JsonOf<C> = C extends Codec<infer _T, infer J> ? J : never;

/** Longest excerpt of a wrong value in an error text, characters. */
const SHOWN = 64;

/** A value as error texts show it: short, on one line. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  let text: string;
  if (typeof value === "bigint") text = value.toString();
  else if (typeof value === "string") text = JSON.stringify(value.slice(0, SHOWN + 1));
  else if (Array.isArray(value)) text = `a list of ${value.length}`;
  else if (typeof value === "object" && value !== null) text = `an object of ${Object.keys(value).length} fields`;
  else text = String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

export function expected(path: string, wanted: string, value: unknown): never {
  return badParams(`${path}: ${wanted} expected, got ${shown(value)}`);
}

/** Runs a reader of another room and puts the path before what it complains of. */
export function within<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    return badParams(`${path}: ${(error as Error).message}`);
  }
}

/** A value that is its own JSON. */
function plain<T>(schema: JsonSchema, decode: (json: unknown, path: string) => T): Codec<T, T> {
  return { schema, decode, encode: (value) => value };
}

export const boolean: Codec<boolean, boolean> = plain({ type: "boolean" }, (json, path) =>
  typeof json === "boolean" ? json : expected(path, "true or false", json),
);

export function text(limit = 4096): Codec<string, string> {
  return plain({ type: "string", maxLength: limit }, (json, path) => {
    if (typeof json !== "string") return expected(path, "text", json);
    return json.length <= limit
      ? json
      : badParams(`${path}: text of at most ${limit} characters expected, got ${json.length}`);
  });
}

/** The path of a file on the node's machine: text without the NUL that no file's name has. */
export const filePath: Codec<string, string> = plain(
  { type: "string", minLength: 1, maxLength: 4096 },
  (json, path) => {
    const given = text().decode(json, path);
    return given !== "" && !given.includes("\0") ? given : badParams(`${path}: the path of a file expected`);
  },
);

/** One of a few texts. */
export function choice<const Choices extends readonly string[]>(
  ...choices: Choices
): Codec<Choices[number], Choices[number]> {
  const wanted = `one of ${choices.map((one) => JSON.stringify(one)).join(", ")}`;
  return plain({ type: "string", enum: choices }, (json, path) =>
    typeof json === "string" && choices.includes(json) ? json : expected(path, wanted, json),
  );
}

function whole(json: unknown): bigint | null {
  if (typeof json === "bigint") return json;
  return typeof json === "number" && Number.isSafeInteger(json) ? BigInt(json) : null;
}

/** A whole number that a JavaScript number holds. */
export function integer(min: number, max: number): Codec<number, number> {
  return plain({ type: "integer", minimum: min, maximum: max }, (json, path) => {
    const value = whole(json);
    return value !== null && value >= BigInt(min) && value <= BigInt(max)
      ? Number(value)
      : expected(path, `integer from ${min} to ${max}`, json);
  });
}

/** A fraction within limits. */
export function decimal(min: number, max: number): Codec<number, number> {
  return plain({ type: "number", minimum: min, maximum: max }, (json, path) =>
    typeof json === "number" && json >= min && json <= max
      ? json
      : expected(path, `number from ${min} to ${max}`, json),
  );
}

/** A 64-bit number: a JSON number and, from 2^53 on, its digits as text. */
export function integer64(min: bigint, max: bigint): Codec<bigint, number | string> {
  const schema = {
    anyOf: [
      { type: "integer", minimum: Number(min), maximum: Number(max) },
      { type: "string", pattern: "^-?[0-9]{16,20}$" },
    ],
  };
  return {
    schema,
    decode(json, path) {
      const value = typeof json === "string" && /^-?\d{1,20}$/.test(json) ? BigInt(json) : whole(json);
      return value !== null && value >= min && value <= max
        ? value
        : expected(path, `integer from ${min} to ${max}`, json);
    },
    encode: (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()),
  };
}

/** null, or a value. */
export function nullable<T, J>(of: Codec<T, J>): Codec<T | null, J | null> {
  return {
    schema: { anyOf: [of.schema, { type: "null" }] },
    nullable: true,
    decode: (json, path) => (json === null || json === undefined ? null : of.decode(json, path)),
    encode: (value, prefix) => (value === null ? null : of.encode(value, prefix)),
  };
}

/** A parameter that may be left out or null, and then counts as `fallback`. */
export function fallback<T, J>(of: Codec<T, J>, value: T): Codec<T, J | null> {
  const inner = nullable(of);
  return {
    ...inner,
    decode: (json, path) => inner.decode(json, path) ?? value,
    encode: (given, prefix) => of.encode(given, prefix),
  };
}

/** A list; null is an empty one, as the network's other implementations write it. */
export function list<T, J>(of: Codec<T, J>, limit: number): Codec<readonly T[], readonly J[]> {
  return {
    schema: { type: "array", items: of.schema, maxItems: limit },
    decode(json, path) {
      if (json === null || json === undefined) return [];
      if (!Array.isArray(json)) return expected(path, "list", json);
      if (json.length > limit) return badParams(`${path}: list of at most ${limit} expected, got ${json.length}`);
      return json.map((item, i) => of.decode(item, `${path}[${i}]`));
    },
    encode: (values, prefix) => values.map((value) => of.encode(value, prefix)),
  };
}

type FieldCodecs = { readonly [name: string]: Codec<unknown> };
export type ValuesOf<F extends FieldCodecs> = { readonly [K in keyof F]: ValueOf<F[K]> };
export type JsonsOf<F extends FieldCodecs> = { readonly [K in keyof F]: JsonOf<F[K]> };

/** An object of fixed fields, under the name that the schema's reader sees. Further fields are not looked at. */
export function object<F extends FieldCodecs>(title: string, fields: F): Codec<ValuesOf<F>, JsonsOf<F>> {
  const entries = Object.entries(fields);
  const required = entries.filter(([, codec]) => codec.nullable !== true).map(([name]) => name);
  const properties = Object.fromEntries(entries.map(([name, { schema }]) => [name, schema]));
  return {
    schema: { title, type: "object", properties, ...(required.length === 0 ? {} : { required }) },
    decode(json, path) {
      if (typeof json !== "object" || json === null || Array.isArray(json)) return expected(path, title, json);
      const given = json as Record<string, unknown>;
      const values = entries.map(([name, codec]) => {
        const value = Object.hasOwn(given, name) ? given[name] : undefined;
        return [name, codec.decode(value, `${path}.${name}`)];
      });
      return Object.fromEntries(values) as ValuesOf<F>;
    },
    encode: (value, prefix) =>
      Object.fromEntries(entries.map(([name, codec]) => [name, codec.encode(value[name], prefix)])) as JsonsOf<F>,
  };
}

/** An object whose field names are data ("t01000", "7"). */
export function record<T, J>(of: Codec<T, J>, limit = 1_000_000): Codec<Record<string, T>, Record<string, J>> {
  const each = <A, B>(values: Record<string, A>, work: (value: A, name: string) => B): Record<string, B> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, work(value, name)]));
  return {
    schema: { type: "object", additionalProperties: of.schema },
    decode(json, path) {
      if (typeof json !== "object" || json === null || Array.isArray(json)) return expected(path, "object", json);
      const size = Object.keys(json).length;
      if (size > limit) return badParams(`${path}: object of at most ${limit} fields expected, got ${size}`);
      return each(json as Record<string, unknown>, (value, name) => of.decode(value, `${path}.${name}`));
    },
    encode: (values, prefix) => each(values, (value) => of.encode(value, prefix)),
  };
}

/** A result that is null for want of anything to say. */
export const nothing: Codec<null, null> = {
  schema: { type: "null" },
  nullable: true,
  decode: () => null,
  encode: () => null,
};

/** JSON of whatever form. */
export const anyJson: Codec<unknown, unknown> = {
  schema: {},
  nullable: true,
  decode: (json) => json ?? null,
  encode: (value) => value,
};

/** A result that its method has spelt already; only the schema speaks. */
export function spelt<J = unknown>(schema: JsonSchema): Codec<J, J> {
  return { schema, decode: (json) => json as J, encode: (value) => value };
}
