/**
 * Reading one actor's state field by field, following its described links to objects, arrays and maps.
 * Values come as JSON in the network's spelling; keys of maps as bytes.
 */

import type { Field, FieldType, LinkTarget } from "../schema/kit.ts";
import { amtCount, amtEntries, amtGet, loadNode } from "../storage/amt.ts";
import type { BlockSource } from "../storage/contract.ts";
import { hamtEntries, hamtGet } from "../storage/hamt.ts";
import type { NetworkPrefix } from "../types/address.ts";
import { CID, parseCid } from "../types/cid.ts";
import type { CodecContext } from "../types/schema-codec.ts";
import { fieldsIn, findType, fitsFields, type Json, SchemaError, valueToJson } from "../types/schema-codec.ts";
import { type ActorEntry, describeCode, StateError } from "./state-view.ts";

export type JsonObject = { readonly [key: string]: Json };

function linkOf(name: string, link: Json): CID {
  const text = (link as { readonly "/"?: unknown } | null)?.["/"];
  if (typeof text !== "string") throw new SchemaError({ code: "BAD_JSON", path: name }, `${name}: link expected`);
  return parseCid(text);
}

export class ObjectReader {
  private readonly blocks: BlockSource;
  private readonly context: CodecContext;
  private readonly fields: readonly Field[];
  private readonly values: readonly unknown[];

  private constructor(
    blocks: BlockSource,
    context: CodecContext,
    fields: readonly Field[],
    values: readonly unknown[],
  ) {
    this.blocks = blocks;
    this.context = context;
    this.fields = fields;
    this.values = values;
  }

  /** Opens the state of an actor. Throws `StateError` for a code that is not described. */
  static async open(blocks: BlockSource, entry: ActorEntry, prefix: NetworkPrefix): Promise<ObjectReader> {
    const found = describeCode(entry.code);
    if (found === null)
      throw new StateError({ code: "UNKNOWN_ACTOR_CODE", cid: `${entry.code}` }, `no description of ${entry.code}`);
    const context: CodecContext = { module: found.actor.module, actorsVersion: found.actorsVersion, prefix };
    return ObjectReader.at(blocks, context, found.actor.state, entry.head);
  }

  private static async at(blocks: BlockSource, context: CodecContext, name: string, cid: CID): Promise<ObjectReader> {
    const { type, module } = findType(context.module, name);
    const fields = fieldsIn(type, context.actorsVersion);
    const values = await loadNode(blocks, cid);
    if (!Array.isArray(values) || !fitsFields(fields, values.length))
      throw new SchemaError({ code: "BAD_CBOR", path: name }, `${cid} is not a ${name}`);
    return new ObjectReader(blocks, { ...context, module }, fields.slice(0, values.length), values as unknown[]);
  }

  private at(name: string): { readonly type: FieldType; readonly value: unknown } {
    const index = this.fields.findIndex((field) => field.name === name);
    const field = this.fields[index];
    if (field === undefined) throw new SchemaError({ code: "UNKNOWN_TYPE", path: name }, `there is no field ${name}`);
    return { type: field.type, value: this.values[index] };
  }

  private link(name: string): { readonly to: LinkTarget; readonly cid: CID } {
    const { type, value } = this.at(name);
    const cid = CID.asCID(value);
    if (type.kind !== "link" || cid === null)
      throw new SchemaError({ code: "BAD_CBOR", path: name }, `${name} is not a link`);
    return { to: type.to, cid };
  }

  private json(type: FieldType, value: unknown, path: string): Json {
    return valueToJson(type, value, this.context, path);
  }

  /** Whether these versions of the actors have a field. */
  has(name: string): boolean {
    return this.fields.some((field) => field.name === name);
  }

  /** Whether a field is a link to something. */
  linksTo(name: string): boolean {
    return this.at(name).type.kind === "link";
  }

  /** What a field is a link to; null if it is none. */
  target(name: string): LinkTarget | null {
    const { type } = this.at(name);
    return type.kind === "link" ? type.to : null;
  }

  /** What a link as JSON spells it leads to, of a described type that some field of this object names. */
  async objectAt(name: string, link: Json): Promise<Json> {
    return this.json({ kind: "ref", name }, await loadNode(this.blocks, linkOf(name, link)), name);
  }

  /** How many elements an array has. */
  count(name: string): Promise<bigint> {
    return amtCount(this.blocks, this.cidOf(name));
  }

  /** The elements of an array of objects, each to be read field by field. */
  async *openElements(name: string): AsyncGenerator<readonly [bigint, ObjectReader]> {
    const { to, cid } = this.link(name);
    if (to.kind !== "array" || to.of.kind !== "ref")
      throw new SchemaError({ code: "UNKNOWN_TYPE", path: name }, `${name} is no array of objects`);
    const { type, module } = findType(this.context.module, to.of.name);
    const fields = fieldsIn(type, this.context.actorsVersion);
    for await (const [index, value] of amtEntries(this.blocks, cid)) {
      if (!Array.isArray(value) || !fitsFields(fields, value.length))
        throw new SchemaError({ code: "BAD_CBOR", path: name }, `element ${index} of ${name} is not a ${type.name}`);
      const present = fields.slice(0, value.length);
      yield [index, new ObjectReader(this.blocks, { ...this.context, module }, present, value as unknown[])] as const;
    }
  }

  /** All fields; links as links. */
  all(): JsonObject {
    return Object.fromEntries(this.fields.map(({ name, type }, i) => [name, this.json(type, this.values[i], name)]));
  }

  /** One field. */
  field(name: string): Json {
    const { type, value } = this.at(name);
    return this.json(type, value, name);
  }

  /** CID that a link names, for whoever keeps what stands there. */
  cidOf(name: string): CID {
    return this.link(name).cid;
  }

  /** The object behind a link, as JSON. */
  async object(name: string): Promise<Json> {
    const { to, cid } = this.link(name);
    if (to.kind !== "object") throw new SchemaError({ code: "UNKNOWN_TYPE", path: name }, `${name} is no object`);
    return this.json(to.type, await loadNode(this.blocks, cid), name);
  }

  /** The object of a described type at a CID, which some field of this one names. */
  linked(name: string, cid: CID): Promise<ObjectReader> {
    return ObjectReader.at(this.blocks, this.context, name, cid);
  }

  /** As `linked`, for a link as JSON spells it. */
  linkedTo(name: string, link: Json): Promise<ObjectReader> {
    return this.linked(name, linkOf(name, link));
  }

  /** One element of an array or map, or null. */
  async element(name: string, key: bigint | Uint8Array): Promise<Json> {
    const { to, cid } = this.link(name);
    const value =
      to.kind === "array" && typeof key === "bigint"
        ? await amtGet(this.blocks, cid, key)
        : to.kind === "map" && key instanceof Uint8Array
          ? await hamtGet(this.blocks, cid, key, undefined, to.width)
          : undefined;
    if (value === undefined || (to.kind !== "array" && to.kind !== "map")) return null;
    return this.json(to.of, value, name);
  }

  /** One element of a map within a map, or null. */
  async elementWithin(name: string, key: Uint8Array, within: Uint8Array): Promise<Json> {
    const { to } = this.link(name);
    const link = await this.element(name, key);
    if (link === null || to.kind !== "map" || to.of.kind !== "link" || to.of.to.kind !== "map") return null;
    const inner = to.of.to;
    const value = await hamtGet(this.blocks, linkOf(name, link), within, undefined, inner.width);
    return value === undefined ? null : this.json(inner.of, value, name);
  }

  /** All elements of an array, with their indexes. */
  async *elements(name: string): AsyncGenerator<readonly [bigint, Json]> {
    const { to, cid } = this.link(name);
    if (to.kind !== "array") throw new SchemaError({ code: "UNKNOWN_TYPE", path: name }, `${name} is no array`);
    for await (const [index, value] of amtEntries(this.blocks, cid))
      yield [index, this.json(to.of, value, name)] as const;
  }

  /** All entries of a map, with the bytes of their keys. */
  async *entries(name: string): AsyncGenerator<readonly [Uint8Array, Json]> {
    const { to, cid } = this.link(name);
    if (to.kind !== "map") throw new SchemaError({ code: "UNKNOWN_TYPE", path: name }, `${name} is no map`);
    for await (const [key, value] of hamtEntries(this.blocks, cid, to.width))
      yield [key, this.json(to.of, value, name)] as const;
  }
}
