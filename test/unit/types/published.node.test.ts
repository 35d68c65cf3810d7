/** Descriptions of the published storage actors: complete at every version, and their encodings' peculiarities. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { PUBLISHED_ACTORS } from "../../../src/schema/index.ts";
import { existsIn, type FieldType, type SchemaModule } from "../../../src/schema/kit.ts";
import { EXPORTED } from "../../../src/schema/published/exported.ts";
import { publishedMarket } from "../../../src/schema/published/market.ts";
import { publishedMiner } from "../../../src/schema/published/miner.ts";
import type { ActorsVersion } from "../../../src/schema/versions/rows.ts";
import { amtEntries, amtGet } from "../../../src/storage/amt.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";
import { methodNumber } from "../../../src/types/method-number.ts";
import { type CodecContext, cborToJson, fieldsIn, findType, jsonToCbor } from "../../../src/types/schema-codec.ts";

const VERSIONS: readonly ActorsVersion[] = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];

test("numbers of exported methods are those of their names", () => {
  expect(Object.keys(EXPORTED).length).toBeGreaterThan(60);
  for (const [name, number] of Object.entries(EXPORTED))
    expect([name, BigInt(number)]).toEqual([name, methodNumber(name)]);
});

/** Follows all names in a type, at one version. */
function visit(type: FieldType, module: SchemaModule, version: ActorsVersion, seen: Set<string>): void {
  if (type.kind === "optional" || type.kind === "list") visit(type.of, module, version, seen);
  if (type.kind === "link" && type.to.kind !== "set")
    visit(type.to.kind === "object" ? type.to.type : type.to.of, module, version, seen);
  if (type.kind !== "ref" || seen.has(type.name)) return;
  seen.add(type.name);
  const found = findType(module, type.name);
  const fields = fieldsIn(found.type, version);
  const names = fields.map(({ name }) => name);
  expect(new Set(names).size, `${type.name} v${version}: ${names}`).toBe(names.length);
  expect(names.length, `${type.name} v${version}`).toBeGreaterThan(0);
  for (const field of fields) visit(field.type, found.module, version, seen);
}

test.each(VERSIONS)("every name of v%d is described, and every method once", (version) => {
  for (const { module, state, methods } of PUBLISHED_ACTORS) {
    const seen = new Set<string>();
    visit({ kind: "ref", name: state }, module, version, seen);
    const here = methods.filter((one) => existsIn(one, version));
    expect(here.length).toBeGreaterThan(0);
    expect(new Set(here.map(({ number }) => number)).size).toBe(here.length);
    for (const { params, returns } of here)
      for (const type of [params, returns]) if (type !== undefined) visit(type, module, version, seen);
  }
});

const at = (module: SchemaModule, actorsVersion: ActorsVersion): CodecContext => ({
  module,
  actorsVersion,
  prefix: "f",
});

test("a label is text, or bytes that are shown as the empty text", () => {
  const context = at(publishedMarket.module, 18);
  const label: FieldType = { kind: "label" };
  expect(cborToJson(label, dagCbor.encode("five"), context)).toBe("five");
  expect(cborToJson(label, dagCbor.encode(Uint8Array.of(255)), context)).toBe("");
  expect(() => cborToJson(label, dagCbor.encode(5), context)).toThrow("text or byte string expected");
  expect(dagCbor.decode(jsonToCbor(label, "five", context))).toBe("five");
});

test("a sector of before the daily fee stays without one", () => {
  const pair = [Uint8Array.of(), Uint8Array.of()];
  const set = [Uint8Array.of(), Uint8Array.of(), Uint8Array.of(), pair, pair];
  const type: FieldType = { kind: "ref", name: "ExpirationSet" };
  const context = at(publishedMiner.module, 16);
  for (const value of [set, [...set, Uint8Array.of(0, 7)]]) {
    const json = cborToJson(type, dagCbor.encode(value), context);
    expect(Object.hasOwn(json as object, "FeeDeduction")).toBe(value.length === 6);
    expect(jsonToCbor(type, json, context)).toEqual(dagCbor.encode(value));
  }
  for (const wrong of [set.slice(1), [...set, Uint8Array.of(0, 7), 1]])
    expect(() => cborToJson(type, dagCbor.encode(wrong), context)).toThrow("ExpirationSet is an array of 6");
  // The field is none of v15's.
  expect(() => cborToJson(type, dagCbor.encode([...set, Uint8Array.of()]), at(publishedMiner.module, 15))).toThrow();
});

test("arrays of later actors are read at the width that they say", async () => {
  const store = new MemoryStore();
  const put = (value: unknown) => {
    const bytes = dagCbor.encode(value);
    const cid = cidOfBlock(bytes);
    store.writeNow({ blocks: [{ cid: cid.bytes, bytes }] });
    return cid;
  };
  // Thirty-two slots a node, one above another: indexes 3 and 32 + 9.
  const leaf = (slot: number, value: string) => {
    const bitmap = new Uint8Array(4);
    bitmap[slot >> 3] = 1 << (slot & 7);
    return put([bitmap, [], [value]]);
  };
  const root = put([5, 1, 2, [Uint8Array.of(3, 0, 0, 0), [leaf(3, "a"), leaf(9, "b")], []]]);
  const all: unknown[] = [];
  for await (const entry of amtEntries(store, root)) all.push(entry);
  expect(all).toEqual([
    [3n, "a"],
    [41n, "b"],
  ]);
  expect([
    await amtGet(store, root, 41n),
    await amtGet(store, root, 40n),
    await amtGet(store, root, 1n << 62n),
  ]).toEqual(["b", undefined, undefined]);
  for (const wrong of [
    [9, 0, 0, null],
    [5, 13, 1, [new Uint8Array(4), [], []]],
    [5, 0, 1, [Uint8Array.of(1), [], ["x"]]],
  ])
    await expect(amtGet(store, put(wrong), 0n)).rejects.toMatchObject({ code: "BAD_NODE" });
});
