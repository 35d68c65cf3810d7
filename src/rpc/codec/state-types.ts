/** JSON schemas of the types on chain, from the same descriptions that their readers use (`src/schema`). */
import type { FieldType, SchemaModule } from "../../schema/kit.ts";
import { findType, type Json } from "../../types/schema-codec.ts";
import { address, amount, bitfieldRuns, bytes, link } from "./chain-types.ts";
import { type Codec, type JsonSchema, spelt } from "./codec.ts";

const INTEGER: JsonSchema = { anyOf: [{ type: "integer" }, { type: "string", pattern: "^-?[0-9]{16,20}$" }] };

/** Schema of a described type's JSON. Fields that only some versions of the actors have are not required. */
function schemaOf(type: FieldType, module: SchemaModule): JsonSchema {
  switch (type.kind) {
    case "u64":
    case "i64":
      return INTEGER;
    case "bool":
      return { type: "boolean" };
    case "text":
    case "label":
      return { type: "string" };
    case "bytes":
      return { anyOf: [bytes().schema, { type: "null" }] };
    case "address":
      return address.schema;
    case "big":
      return amount.schema;
    case "cid":
    case "link":
      return link.schema;
    case "bitfield":
      return bitfieldRuns.schema;
    case "raw":
      return { title: "CBOR", type: "object", properties: { "@cbor": { type: "string" } }, required: ["@cbor"] };
    case "signature":
      return { type: "object", properties: { Type: { type: "integer" }, Data: { type: "string" } } };
    case "optional":
      return { anyOf: [schemaOf(type.of, module), { type: "null" }] };
    case "list":
      return { type: ["array", "null"], items: schemaOf(type.of, module) };
    case "ref":
      return tupleSchema(type.name, module);
  }
}

function tupleSchema(name: string, from: SchemaModule): JsonSchema {
  const { type, module } = findType(from, name);
  const only = type.fields[0];
  if (type.transparent === true && only !== undefined) return schemaOf(only.type, module);
  const properties = Object.fromEntries(type.fields.map((one) => [one.name, schemaOf(one.type, module)]));
  const required = type.fields
    .filter((one) => one.since === undefined && one.until === undefined)
    .map((one) => one.name);
  return { title: type.name, type: "object", properties, required };
}

/** JSON that a reader of state has spelt: an object of the described type, in the later form of it too, if there is one. */
export function stateJson(name: string, module: SchemaModule, later?: SchemaModule): Codec<Json, Json> {
  const schema = tupleSchema(name, module);
  return spelt<Json>(later === undefined ? schema : either(schema, tupleSchema(name, later)));
}

type ObjectSchema = JsonSchema & {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
};

/** What both objects have is required, and all that one of them has may be there. */
function either(one: JsonSchema, other: JsonSchema): JsonSchema {
  const [a, b] = [one as ObjectSchema, other as ObjectSchema];
  const properties: Record<string, JsonSchema> = { ...a.properties };
  for (const [name, schema] of Object.entries(b.properties)) {
    const known = properties[name];
    const isSame = known === undefined || JSON.stringify(known) === JSON.stringify(schema);
    properties[name] = isSame ? schema : { anyOf: [known, schema] };
  }
  return { ...a, properties, required: a.required.filter((name) => b.required.includes(name)) };
}
