/** Vanilla proofs against an adversary who changes one thing: every field of a valid proof, each in several ways. */
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { elementOf } from "../../../src/core/poseidon.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { numberLE } from "../../../src/sector/kernel.ts";
import { sectorParams } from "../../../src/sector/params.ts";
import { stagePieces } from "../../../src/sector/piece/stage.ts";
import { provePoSt, verifyPoSt } from "../../../src/sector/post/post-proof.ts";
import { provePoRep, verifyPoRep } from "../../../src/sector/seal/porep-proof.ts";
import { MemorySectorStore } from "../../../src/sector/store.ts";
import { proveUpdate, updateParams, updateSector, verifyUpdate } from "../../../src/sector/update/update.ts";
import { fixture, prng } from "./fixture.ts";
import { caseOf, type FixtureSector, sealAgain } from "./sectors.ts";

const MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
const proofs = await loadProofs();
const [sector] = await fixture<FixtureSector[]>("porep-2kib.json");
const shapes = await fixture<FixtureSector[]>("porep-shapes.json");

type Value = Uint8Array | number | bigint | readonly Value[] | { readonly [name: string]: Value };

/** What may stand in the place of a value; `pick` chooses among many. */
function changesOf(value: Value, pick: (count: number) => number): Value[] {
  if (value instanceof Uint8Array) {
    const flipped = value.slice();
    const bit = pick(8 * value.length);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    const raised = numberLE(value) + MODULUS;
    const wrong = [flipped, value.slice(1), Uint8Array.of(...value, 0), new Uint8Array(32).fill(255)];
    // The same element, written as a number beyond the modulus.
    return raised < 1n << 256n ? [...wrong, elementOf(raised)] : wrong;
  }
  if (typeof value === "number") return [value + 1, value - 1, value + 0.5, Number.NaN, value + 2 ** 32];
  if (typeof value === "bigint") return [value + 1n];
  if (!Array.isArray(value)) return [];
  const list = value as readonly Value[];
  const at = pick(list.length);
  const item = list[at] as Value;
  return [[], list.slice(1), list.slice(0, -1), [...list, item], list.with((at + 1) % list.length, item)];
}

/** Calls `visit` with every copy of `value` in which one thing differs. */
function* mutations(value: Value, pick: (count: number) => number): Generator<[path: string, changed: Value]> {
  for (const [i, changed] of changesOf(value, pick).entries())
    if (text(changed) !== text(value)) yield [`#${i}`, changed];
  if (value instanceof Uint8Array || typeof value !== "object") return;
  for (const [name, part] of Object.entries(value as Record<string, Value>))
    for (const [path, changed] of mutations(part, pick)) {
      const copy = Array.isArray(value) ? value.with(Number(name), changed) : { ...value, [name]: changed };
      yield [`${name}.${path}`, copy as Value];
    }
}

function text(value: Value): string {
  return JSON.stringify(value, (_, one) =>
    one instanceof Uint8Array ? toHex(one) : typeof one === "bigint" ? `${one}n` : one,
  );
}

/** A generator of indexes that gives the same ones in every run. */
function picker(seed: number): (count: number) => number {
  let at = 0;
  const bytes = prng(seed, 1 << 18);
  return (count) => {
    at = (at + 2) % (bytes.length - 2);
    return ((bytes[at] as number) * 256 + (bytes[at + 1] as number)) % count;
  };
}

/** All mutations, or about `most` of them, evenly taken. */
async function refusesAll<T>(proof: T, most: number, holds: (changed: T) => boolean | Promise<boolean>): Promise<void> {
  expect(await holds(proof)).toBe(true);
  const all = [...mutations(proof as Value, picker(77))];
  const step = Math.max(1, Math.floor(all.length / most));
  let tried = 0;
  for (let i = 0; i < all.length; i += step, tried++) {
    const [path, changed] = all[i] as [string, Value];
    if (await holds(changed as T)) expect.fail(`accepted with a change at ${path}`);
  }
  expect(tried).toBeGreaterThan(100);
}

test("PoRep: no changed opening is accepted", async () => {
  const one = caseOf(sector as FixtureSector);
  const { store, sealed } = await sealAgain(
    proofs,
    one,
    sector!.dataSeed,
    sector!.pieces.map((piece) => piece.unpadded),
  );
  const seed = fromHex(sector!.seed);
  const statement = { ...one.identity, commD: sealed.commD, commR: sealed.commR, seed };
  const partitions = [await provePoRep(proofs, store, { ...one, identity: one.identity, sealed, seed, partition: 0 })];
  await refusesAll(partitions, 900, (changed) => verifyPoRep(proofs, statement, changed, one));
});

test.each([sector, shapes.at(-1)] as FixtureSector[])("PoSt of $name: no changed opening is accepted", async (info) => {
  const one = caseOf(info);
  const { store, sealed } = await sealAgain(
    proofs,
    one,
    info.dataSeed,
    info.pieces.map((piece) => piece.unpadded),
  );
  const sectors = [{ sectorNumber: info.sectorNumber, commR: sealed.commR, store }];
  const randomness = prng(5, 32).with(31, 1);
  const partitions = await provePoSt(proofs, { params: one.params, kind: "window", randomness, sectors });
  await refusesAll(partitions, 600, (changed) =>
    verifyPoSt(proofs, { params: one.params, kind: "window", randomness, sectors }, changed),
  );
});

test("sector update: no changed opening is accepted", async () => {
  const params = sectorParams(16 * 1024);
  const info = shapes.find(({ sectorSize }) => sectorSize === params.sectorBytes) as FixtureSector;
  const { store, sealed } = await sealAgain(
    proofs,
    caseOf(info),
    info.dataSeed,
    info.pieces.map((piece) => piece.unpadded),
  );
  const next = new MemorySectorStore();
  await stagePieces(proofs, next, params, [{ payloadSize: 16256, bytes: [prng(9, 16256)] }]);
  const { commDNew, commRNew } = await updateSector(proofs, { params, old: store, commROld: sealed.commR, next });
  const statement = { commROld: sealed.commR, commDNew, commRNew };
  const partitions = [];
  for (let k = 0; k < updateParams(params).partitions; k++)
    partitions.push(await proveUpdate(proofs, { params, old: store, next, commRNew, partition: k }));
  await refusesAll(partitions, 600, (changed) => verifyUpdate(proofs, params, statement, changed));
});
