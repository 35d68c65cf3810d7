import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { equal, fromHex, toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { directoryStore } from "../../../src/proving/directory-store.ts";
import { ProvingPool } from "../../../src/proving/pool.ts";
import { provePoRepDirectory, provePoStDirectories, sealDirectory } from "../../../src/proving/seal.ts";
import { proverId, sealProof, sectorParams } from "../../../src/sector/params.ts";
import { stagePieces } from "../../../src/sector/piece/stage.ts";
import { verifyPoSt } from "../../../src/sector/post/post-proof.ts";
import { verifyPoRep } from "../../../src/sector/seal/porep-proof.ts";
import { SEALED_FILE, UNSEALED_FILE } from "../../../src/sector/store.ts";
import { fixture, prng, prngFr } from "../proofs/fixture.ts";
import type { FixtureSector } from "../proofs/sectors.ts";

const proofs = await loadProofs();
const sector = (await fixture<FixtureSector[]>("porep-2kib.json"))[1]!;
const params = sectorParams(2048);
const identity = {
  proof: sealProof(5),
  proverId: proverId(BigInt(sector.actorId)),
  sectorNumber: sector.sectorNumber,
  ticket: fromHex(sector.ticket),
};
let folder: string;
let pool: ProvingPool;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-"));
  pool = ProvingPool.open(2);
});
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

async function stage(name: string): Promise<string> {
  const directory = path.join(folder, name);
  const payloads = sector.pieces.map(({ unpadded }, i) => ({
    payloadSize: unpadded,
    bytes: [prng(sector.dataSeed + i, unpadded)],
  }));
  await stagePieces(proofs, directoryStore(directory), params, payloads);
  return directory;
}

describe("a sector sealed in a directory by workers", () => {
  test("has the official commitments, proves and unseals", async () => {
    const directory = await stage("sector");
    const phases = new Set<string>();
    const sealed = await sealDirectory(proofs, pool, directory, identity, {
      onProgress: ({ phase, done, total }) => {
        phases.add(phase);
        expect(done).toBeLessThanOrEqual(total);
      },
    });
    expect(toHex(sealed.commR)).toBe(sector.commR);
    const seed = fromHex(sector.seed);
    const partitions = await provePoRepDirectory(pool, { directory, identity, sealed, seed });
    const statement = { ...identity, commD: sealed.commD, commR: sealed.commR, seed };
    expect(await verifyPoRep(proofs, statement, partitions)).toBe(true);
    const bytes = await pool.run({
      kind: "unseal-range",
      directory,
      identity,
      commD: sealed.commD,
      from: 10,
      length: 200,
    });
    expect(equal(bytes, prng(sector.dataSeed, 508).subarray(10, 210))).toBe(true);
    const known = { sectorNumber: identity.sectorNumber, commR: sealed.commR };
    const placed = [{ ...known, directory }];
    const post = await provePoStDirectories(proofs, pool, {
      sectorBytes: 2048,
      kind: "window",
      randomness: prngFr(4),
      sectors: placed,
    });
    expect(verifyPoSt(proofs, { params, kind: "window", randomness: prngFr(4), sectors: [known] }, post)).toBe(true);
    const missing = [...placed, { ...known, sectorNumber: 77, directory: path.join(folder, "nowhere") }];
    await expect(
      provePoStDirectories(proofs, pool, {
        sectorBytes: 2048,
        kind: "window",
        randomness: prngFr(4),
        sectors: missing,
      }),
    ).rejects.toMatchObject({
      data: { code: "FAULTY_SECTORS", sectors: [77] },
    });
    expect(phases).toContain("labels");
  });

  test("is the same when sealed in memory", async () => {
    const directory = await stage("for-memory");
    const unsealed = await readFile(path.join(directory, UNSEALED_FILE));
    const { sealed, files } = await pool.run({ kind: "seal-in-memory", identity, unsealed });
    expect(toHex(sealed.commR)).toBe(sector.commR);
    expect(files.get(SEALED_FILE)?.length).toBe(2048);
  });

  test("jobs may be run twice: a worker that died halfway harms nothing", async () => {
    const directory = await stage("twice");
    const first = await pool.run({ kind: "seal-layers", directory, identity });
    expect(await pool.run({ kind: "seal-layers", directory, identity })).toEqual(first);
    const windows = { directory, sectorBytes: 2048, range: { first: 0, count: 1 } };
    for (const kind of ["tree-c-windows", "replica-windows"] as const)
      expect(await pool.run({ kind, ...windows })).toEqual(await pool.run({ kind, ...windows }));
    const sealed = await sealDirectory(proofs, pool, directory, identity);
    expect(toHex(sealed.commR)).toBe(sector.commR);
  });

  test("data that is missing or of the wrong size is refused", async () => {
    const directory = path.join(folder, "empty");
    await expect(sealDirectory(proofs, pool, directory, identity)).rejects.toMatchObject({
      data: { code: "BAD_LENGTH" },
    });
  });
});
