/** JSON as a client's data: one block of DAG-JSON, its CID, and the way out as a CAR file and back. */
import { createHash } from "node:crypto";
import * as Digest from "multiformats/hashes/digest";
import { beforeAll, expect, test } from "vitest";
import { concat, utf8 } from "../../../src/base/bytes.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { carOf } from "../../../src/market/data/car-out.ts";
import { ClientStore } from "../../../src/market/data/client-store.ts";
import { MAX_BLOCK } from "../../../src/market/data/links.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { CID } from "../../../src/types/cid.ts";

let crypto: Crypto;
beforeAll(async () => {
  crypto = await loadCrypto();
});

const open = (): ClientStore => new ClientStore(new MemoryStore(), crypto);
const cidOf = (text: string): string => {
  const digest = createHash("sha256").update(text).digest();
  return `${CID.createV1(0x0129, Digest.create(0x12, digest))}`;
};

test("a file of JSON becomes a block in its canonical form, and comes back from a CAR file", async () => {
  const store = open();
  const first = await store.importDagJson("one", utf8('{ "b": [1, null], "aa": 2.5, "a": "é" }'));
  expect(`${first.root}`).toBe(cidOf('{"a":"é","aa":2.5,"b":[1,null]}'));
  const text = `{"to":{"/":"${first.root}"},"bytes":{"/":{"bytes":"AQI"}}}`;
  const second = await store.importDagJson("two", utf8(text));
  expect(`${second.root}`).toBe(cidOf(`{"bytes":{"/":{"bytes":"AQI"}},"to":{"/":"${first.root}"}}`));
  expect((await store.imports()).map(({ path, source }) => [path, source])).toEqual([
    ["one", "dag-json"],
    ["two", "dag-json"],
  ]);
  const parts: Uint8Array[] = [];
  for await (const part of carOf(store, second.root)) parts.push(part);
  const car = concat(...parts);
  const other = open();
  const source = { size: car.length, read: async (from: number, length: number) => car.slice(from, from + length) };
  expect((await other.importCar("car", source)).root).toEqual(second.root);
  expect(await other.has(first.root.bytes)).toBe(true);
});

test("what is no JSON, links to what is not here, or is too long or too deep, is refused and not listed", async () => {
  const store = open();
  const bad = (text: string) => expect(store.importDagJson("bad", utf8(text))).rejects;
  await bad("").toMatchObject({ data: { code: "BAD_INPUT" } });
  await bad('{"a":1').toMatchObject({ data: { code: "BAD_INPUT" } });
  await bad('{"a":{"/":"no link"}}').toMatchObject({ data: { code: "BAD_INPUT" } });
  await bad(`{"a":{"/":"${cidOf("absent")}"}}`).toMatchObject({ data: { code: "MISSING_BLOCK" } });
  await bad("[".repeat(100_000)).toMatchObject({ data: { code: "LIMIT" } });
  await bad(`"${"a".repeat(MAX_BLOCK)}"`).toMatchObject({ data: { code: "LIMIT" } });
  expect(await store.imports()).toEqual([]);
});
