/** A sector of 8 MiB sealed by workers of which some die: every file, opening and public input is the official one. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { equal, fromHex, toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { directoryStore } from "../../../src/proving/directory-store.ts";
import { ProvingPool } from "../../../src/proving/pool.ts";
import { provePoRepDirectory, sealDirectory } from "../../../src/proving/seal.ts";
import { stagePieces } from "../../../src/sector/piece/stage.ts";
import { hasParents } from "../../../src/sector/seal/parent-cache.ts";
import { verifyPoRep } from "../../../src/sector/seal/porep-proof.ts";
import type { SealedSector } from "../../../src/sector/seal/seal.ts";
import { porepInputs } from "../../../src/sector/snark/statement.ts";
import { SEALED_FILE } from "../../../src/sector/store.ts";
import { fixture, prng } from "../proofs/fixture.ts";
import { caseOf, type FixtureSector, vanillaOf } from "../proofs/sectors.ts";

const proofs = await loadProofs();
const sector = (await fixture<FixtureSector[]>("porep-8mib.json"))[0]!;
const { identity, params, porepId } = caseOf(sector);
const seed = fromHex(sector.seed);
const unpadded = sector.pieces[0]!.unpadded;
let folder: string;
let directory: string;
let pool: ProvingPool;
let sealed: SealedSector;
/** Phases in which workers die once a quarter is done. */
const LETHAL = ["parents", "labels", "tree C", "tree R"];
/** Workers that were ended, by phase, and the phases in the order in which they were reported. */
const killed = new Map<string, number>();
const phases: string[] = [];

/** Ends one worker after the other; a single one might be idle while labels are made. */
async function killAll(phase: string): Promise<void> {
  for (let i = 0; i < pool.size; i++) if (await pool.killOne()) killed.set(phase, (killed.get(phase) ?? 0) + 1);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-"));
  directory = path.join(folder, "sector");
  pool = ProvingPool.open(2);
  const payload = { payloadSize: unpadded, bytes: [prng(sector.dataSeed, unpadded)] };
  await stagePieces(proofs, directoryStore(directory), params, [payload]);
  const kills: Promise<void>[] = [];
  sealed = await sealDirectory(proofs, pool, directory, identity, {
    parents: path.join(folder, "parents"),
    onProgress: ({ phase, done, total }) => {
      if (phases.at(-1) !== phase) phases.push(phase);
      if (!LETHAL.includes(phase) || killed.has(phase) || done < total / 4) return;
      killed.set(phase, 0);
      kills.push(killAll(phase));
    },
  });
  await Promise.all(kills);
}, 180_000);
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

test("workers died in every phase that they share, and the labels began again", () => {
  expect([...killed.keys()]).toEqual(LETHAL);
  for (const count of killed.values()) expect(count).toBeGreaterThan(0);
  expect(phases).toEqual(["parents", "tree D", "labels", "tree D", "labels", "tree C", "tree R"]);
});

test("labels, trees, replica and commitments are the official ones", async () => {
  const digest = async (name: string): Promise<string> => {
    const hash = createHash("sha256");
    await pipeline(createReadStream(path.join(directory, name)), hash);
    return hash.digest("hex");
  };
  expect(toHex(sealed.replicaId)).toBe(sector.replicaId);
  expect(toHex(sealed.commD)).toBe(sector.commD);
  expect(toHex(sealed.commC)).toBe(sector.commC);
  expect(toHex(sealed.commRLast)).toBe(sector.commRLast);
  expect(toHex(sealed.commR)).toBe(sector.commR);
  expect(await digest(SEALED_FILE)).toBe(sector.replicaSha256);
  expect(Object.keys(sector.cacheFiles).length).toBe(5);
  for (const [name, known] of Object.entries(sector.cacheFiles)) {
    const { size } = await stat(path.join(directory, name));
    expect([name, { size, sha256: await digest(name) }]).toEqual([name, known]);
  }
});

test("the table of parents is whole and stays for the next sector", async () => {
  const graph = { ...identity.proof, nodes: params.nodes, porepId };
  expect(await hasParents(proofs, directoryStore(path.join(folder, "parents")), graph)).toBe(true);
});

test("challenges, openings and public inputs of its PoRep are the official ones", async () => {
  const partitions = await provePoRepDirectory(pool, { directory, identity, sealed, seed });
  expect(partitions.map((partition) => partition.map(({ challenge }) => challenge))).toEqual(sector.challenges);
  expect(partitions.map((one) => one.map((proof) => vanillaOf(proof, params.layers)))).toEqual(sector.vanillaProofs);
  const statement = { ...identity, commD: sealed.commD, commR: sealed.commR, seed };
  expect(await verifyPoRep(proofs, statement, partitions)).toBe(true);
  expect((await porepInputs(proofs, statement)).map((one) => one.map(toHex))).toEqual(sector.circuitInputs);
});

test("a range of its data comes back", async () => {
  const [from, length] = [4_000_000, 100_000];
  const bytes = await pool.run({ kind: "unseal-range", directory, identity, commD: sealed.commD, from, length });
  expect(equal(bytes, prng(sector.dataSeed, unpadded).subarray(from, from + length))).toBe(true);
});
