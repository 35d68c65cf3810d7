/** Upgrades of states between published actors, v8 to v18, to the roots that the reference's migrations come to. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test, vi } from "vitest";
import { Fvm } from "../../../src/core/fvm.ts";
import { Awaited } from "../../../src/exec/awaited.ts";
import { MIGRATIONS, upgradeTo } from "../../../src/exec/upgrades.ts";
import { actorBundle } from "../../../src/params/actor-codes.ts";
import { isFvm, NETWORK_VERSIONS } from "../../../src/schema/versions/rows.ts";
import { readCar } from "../../../src/storage/car.ts";
import { hamtEntries } from "../../../src/storage/hamt.ts";
import { buildHamt } from "../../../src/storage/hamt-build.ts";
import { Address } from "../../../src/types/address.ts";
import { type Block, CID, cidFromBytes, cidKey, cidOfBlock, parseCid } from "../../../src/types/cid.ts";

type Known = { readonly from: number; readonly epoch: number; readonly root: string; readonly upgraded: string };
const fixtures = new URL("../../fixtures/fvm/upgrades/", import.meta.url);
const known = JSON.parse(readFileSync(new URL("roots.json", fixtures), "utf8")) as readonly Known[];

function knownFrom(version: number): Known {
  const found = known.find(({ from }) => from === version);
  if (found === undefined) throw new Error(`no state of actors v${version}`);
  return found;
}

function stateOf(version: number): Map<string, Uint8Array> {
  const { blocks } = readCar(new Uint8Array(gunzipSync(readFileSync(new URL(`v${version}.car.gz`, fixtures)))));
  return new Map(blocks.map(({ cid, bytes }) => [cidKey(cid), bytes]));
}

test.each(known)("from actors v$from to the next", async ({ from, epoch, root, upgraded }) => {
  const state = stateOf(from);
  const name = upgradeTo(from + 1);
  const codes = [...(actorBundle("devnet", from + 1)?.codes.values() ?? [])];
  // The modules themselves are not looked into.
  for (const { bytes } of codes) state.set(cidKey(bytes), Uint8Array.of(0));
  const made = new Map<string, Uint8Array>();
  const blocks = {
    peek: (cid: Uint8Array) => state.get(cidKey(cid)),
    put: ({ cid, bytes }: Block) => made.set(cidKey(cid), bytes),
  };
  const after = await MIGRATIONS[name](parseCid(root), epoch, blocks, { profile: "devnet" });
  expect(`${after}`).toBe(upgraded);
  expect(made.has(cidKey(after.bytes))).toBe(true);
  for (const { bytes } of codes) expect(made.has(cidKey(bytes))).toBe(true);
});

test("blocks that a store answers later are waited for: a walk over a whole state does not run again for each of them", async () => {
  const { from, epoch, root, upgraded } = knownFrom(9);
  const state = stateOf(from);
  for (const { bytes } of actorBundle("devnet", from + 1)?.codes.values() ?? [])
    state.set(cidKey(bytes), Uint8Array.of(0));
  const awaited = new Awaited({ peek: () => undefined, get: async (cid) => state.get(cidKey(cid)) });
  let runs = 0;
  const after = await awaited.repeat(() => {
    runs++;
    const peek = (cid: Uint8Array) => awaited.peek(cid);
    const blocks = { peek, get: (cid: Uint8Array) => awaited.get(cid), put: () => undefined };
    return MIGRATIONS["actors-v10"](parseCid(root), epoch, blocks, { profile: "devnet" });
  });
  expect(`${after}`).toBe(upgraded);
  // What the machine asks for before the walk, from the root to the system actor.
  expect(runs).toBeLessThan(6);
});

test("a state of many actors is changed node by node: no machine holds them, and nothing is made but the later state", async () => {
  const { from, epoch, root } = knownFrom(16);
  const state = stateOf(from);
  const source = {
    peek: (cid: Uint8Array) => state.get(cidKey(cid)),
    get: async (cid: Uint8Array) => state.get(cidKey(cid)),
  };
  const put = ({ cid, bytes }: Block): void => void state.set(cidKey(cid), bytes);
  const [old, next] = [from, from + 1].map(
    (version) => actorBundle("devnet", version)?.codes as ReadonlyMap<string, CID>,
  );
  for (const { bytes } of next?.values() ?? []) state.set(cidKey(bytes), Uint8Array.of(0));
  const [version, actors, info] = dagCbor.decode<[number, CID, CID]>(source.peek(parseCid(root).bytes) as Uint8Array);
  type Entry = readonly [Uint8Array, readonly [CID, ...unknown[]]];
  const entries: Entry[] = [];
  for await (const entry of hamtEntries(source, CID.asCID(actors) as CID)) entries.push(entry as Entry);
  for (let i = 0; i < 3000; i++)
    entries.push([
      Address.id(BigInt(1_000_000 + i)).bytes,
      [old?.get("account") as CID, actors, i, Uint8Array.of(0, 1), null],
    ]);
  const stateWith = (all: readonly Entry[], write: (block: Block) => void): Block => {
    const bytes = dagCbor.encode([version, buildHamt(all, write, "present"), info]);
    return { cid: cidOfBlock(bytes).bytes, bytes };
  };
  const before = stateWith(entries, put);
  put(before);
  const names = new Map([...(old ?? [])].map(([name, code]) => [`${code}`, name]));
  const system = cidOfBlock(dagCbor.encode([cidOfBlock(dagCbor.encode([...(next ?? [])]))]));
  const later = entries.map(([key, [code, head, ...rest]]): Entry => {
    const name = names.get(`${code}`) as string;
    return [key, [next?.get(name) as CID, name === "system" ? system : head, ...rest]];
  });
  let nodes = 0;
  const wanted = stateWith(later, () => void nodes++);
  const asked = [vi.spyOn(Fvm.prototype, "setActor"), vi.spyOn(Fvm.prototype, "actor")];
  const made = new Set<string>();
  const blocks = { ...source, put: ({ cid }: Block) => void made.add(cidKey(cid)) };
  try {
    const after = await MIGRATIONS["actors-v17"](cidFromBytes(before.cid), epoch, blocks, { profile: "devnet" });
    expect(`${after}`).toBe(`${cidFromBytes(wanted.cid)}`);
    expect(asked.map((spy) => spy.mock.calls.length)).toEqual([0, 0]);
  } finally {
    for (const spy of asked) spy.mockRestore();
  }
  // Beside the map: its root, the system actor's state, the list of actors, and their modules.
  expect(made.size).toBe(nodes + 3 + (next?.size ?? 0));
});

test("a state of other actors, and one whose tree is another, are refused", async () => {
  const [first, second] = [knownFrom(9), knownFrom(10)];
  const blocks = (from: number) => {
    const state = stateOf(from);
    return { peek: (cid: Uint8Array) => state.get(cidKey(cid)), put: () => undefined };
  };
  const options = { profile: "devnet" } as const;
  const run = ({ from, root, epoch }: Known, to: "actors-v10" | "actors-v12") =>
    MIGRATIONS[to](parseCid(root), epoch, blocks(from), options);
  await expect(run(second, "actors-v10")).rejects.toThrow(/a state tree of version 5/);
  await expect(run(first, "actors-v12")).rejects.toThrow();
  await expect(run(second, "actors-v12")).rejects.toThrow(/made of actors v11/);
});

test("each version of published actors but the first can be upgraded to, and another is named", () => {
  const versions = NETWORK_VERSIONS.filter(({ number }) => isFvm(number)).map(({ actors }) => actors);
  const [first, ...later] = [...new Set(versions)];
  expect(later.map(upgradeTo)).toEqual(later.map((version) => `actors-v${version}`));
  for (const none of [first as number, (later.at(-1) as number) + 1])
    expect(() => upgradeTo(none)).toThrow(`no upgrade to actors v${none} is built`);
});
