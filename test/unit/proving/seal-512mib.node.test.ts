/**
 * A sector of 512 MiB from its data to its proofs, every file as the official implementation has it.
 *
 * This takes some fifteen minutes of processor time, 1.1 GiB of memory and 5 GiB of disk, so it runs only with
 * FILIGREE_LARGE_SECTORS=1. docs/status.md says when it last passed.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../../src/base/bytes.ts";
import { loadProofs, type Proofs } from "../../../src/core/proofs.ts";
import { directoryStore } from "../../../src/proving/directory-store.ts";
import { ProvingPool } from "../../../src/proving/pool.ts";
import { provePoRepDirectory, provePoStDirectories, sealDirectory } from "../../../src/proving/seal.ts";
import { sha256Of } from "../../../src/sector/kernel.ts";
import { stagePieces } from "../../../src/sector/piece/stage.ts";
import { verifyPoSt } from "../../../src/sector/post/post-proof.ts";
import { parentCacheName } from "../../../src/sector/seal/parent-cache.ts";
import { verifyPoRep } from "../../../src/sector/seal/porep-proof.ts";
import type { SealedSector } from "../../../src/sector/seal/seal.ts";
import { SEALED_FILE, UNSEALED_FILE } from "../../../src/sector/store.ts";
import { proveUpdate, updateSector, verifyUpdatePartition } from "../../../src/sector/update/update.ts";
import { fixture, prngChunks } from "../proofs/fixture.ts";
import { large, largeCase, largeStatement } from "../proofs/sector-512mib.ts";
import { pathOf, vanillaOf } from "../proofs/sectors.ts";

const chosen = process.env["FILIGREE_LARGE_SECTORS"] === "1";
if (!chosen) console.warn("skipped: sealing 512 MiB takes minutes; set FILIGREE_LARGE_SECTORS=1 to run it");
const MINUTES = 60_000;

describe.skipIf(!chosen)("a sector of 512 MiB", () => {
  const { identity, params, porepId } = largeCase;
  const unpadded = large.pieces[0]!.unpadded;
  let proofs: Proofs;
  let folder: string;
  let directory: string;
  let pool: ProvingPool;
  let sealed: SealedSector;

  const digest = async (...names: readonly string[]): Promise<string> => {
    const hash = createHash("sha256");
    await pipeline(createReadStream(path.join(folder, ...names)), hash);
    return hash.digest("hex");
  };
  const jsonDigest = (value: unknown): string => toHex(sha256Of(proofs, utf8(JSON.stringify(value))));
  const stage = (name: string, seed: number) =>
    stagePieces(proofs, directoryStore(path.join(folder, name)), params, [
      { payloadSize: unpadded, bytes: prngChunks(seed, unpadded) },
    ]);

  beforeAll(async () => {
    proofs = await loadProofs();
    folder = await mkdtemp(path.join(tmpdir(), "filigree-"));
    directory = path.join(folder, "sector");
    pool = ProvingPool.open();
    await stage("sector", large.dataSeed);
    const spent = new Map<string, NodeJS.CpuUsage>();
    sealed = await sealDirectory(proofs, pool, directory, identity, {
      parents: path.join(folder, "parents"),
      onProgress: ({ phase }) => void spent.set(phase, process.cpuUsage()),
    });
    let before = 0;
    for (const [phase, { user, system }] of spent) {
      const seconds = (user + system) / 1e6;
      console.info(`${phase}: ${(seconds - before).toFixed(0)} s of processor time`);
      before = seconds;
    }
  }, 60 * MINUTES);
  afterAll(async () => {
    await pool.close();
    await rm(folder, { recursive: true });
  });

  test(
    "data, parents, labels, trees, replica and commitments are the official ones",
    async () => {
      expect(await digest("sector", UNSEALED_FILE)).toBe(large.paddedDataSha256);
      type Tables = { parentCaches: { files: { registeredSealProof: number; sha256: string }[] } };
      const { parentCaches } = await fixture<Tables>("published.json");
      const table = parentCaches.files.find((one) => one.registeredSealProof === large.registeredSealProof);
      const key = { ...identity.proof, nodes: params.nodes, porepId };
      expect(await digest("parents", `${parentCacheName(proofs, key)}.cache`)).toBe(table?.sha256);
      expect(Object.keys(large.cacheFiles).length).toBe(5);
      for (const [name, known] of Object.entries(large.cacheFiles)) {
        const { size } = await stat(path.join(directory, name));
        expect([name, { size, sha256: await digest("sector", name) }]).toEqual([name, known]);
      }
      expect(await digest("sector", SEALED_FILE)).toBe(large.replicaSha256);
      for (const name of ["replicaId", "commD", "commC", "commRLast", "commR"] as const)
        expect([name, toHex(sealed[name])]).toEqual([name, large[name]]);
    },
    5 * MINUTES,
  );

  test("openings of its PoRep are the official ones and verify", async () => {
    const partitions = await provePoRepDirectory(pool, { directory, identity, sealed, seed: largeStatement.seed });
    const words = partitions.map((partition) => partition.map((proof) => vanillaOf(proof, params.layers)));
    expect(words.map((partition) => partition.map(jsonDigest))).toEqual(large.vanillaSha256);
    expect(words[0]?.[0]).toEqual(large.firstVanillaProof);
    expect(await verifyPoRep(proofs, largeStatement, partitions)).toBe(true);
  });

  test.each(large.post)("openings of its $kind PoSt are the official ones and verify", async (one) => {
    const randomness = fromHex(one.randomness);
    const sector = { sectorNumber: large.sectorNumber, commR: sealed.commR };
    const placed = [{ ...sector, directory }];
    const post = await provePoStDirectories(proofs, pool, {
      sectorBytes: params.sectorBytes,
      kind: one.kind,
      randomness,
      sectors: placed,
    });
    expect(jsonDigest(post[0]?.[0]?.paths.map(pathOf))).toBe(one.openingsSha256);
    expect(verifyPoSt(proofs, { params, kind: one.kind, randomness, sectors: [sector] }, post)).toBe(true);
  });

  test("a range of its data comes back", async () => {
    const [from, length] = [300_000_001, 2_000_000];
    const bytes = await pool.run({ kind: "unseal-range", directory, identity, commD: sealed.commD, from, length });
    const found: Uint8Array[] = [];
    let at = 0;
    for (const chunk of prngChunks(large.dataSeed, from + length)) {
      if (at + chunk.length > from) found.push(chunk.subarray(Math.max(0, from - at)));
      at += chunk.length;
    }
    expect(jsonDigest(toHex(bytes))).toBe(jsonDigest(toHex(concat(...found))));
  });

  test(
    "new data in it gives the official replica, commitments and openings",
    async () => {
      const known = large.update;
      const [old, next] = [directory, path.join(folder, "next")].map(directoryStore) as [Store, Store];
      await stage("next", known.newDataSeed);
      expect(await digest("next", UNSEALED_FILE)).toBe(known.newPaddedDataSha256);
      const { commDNew, commRLastNew, commRNew } = await updateSector(proofs, {
        params,
        old,
        commROld: sealed.commR,
        next,
      });
      expect([commDNew, commRLastNew, commRNew].map(toHex)).toEqual([
        known.commDNew,
        known.commRLastNew,
        known.commRNew,
      ]);
      expect(await digest("next", SEALED_FILE)).toBe(known.newReplicaSha256);
      const statement = { commROld: sealed.commR, commDNew, commRNew };
      for (const { k, sha256 } of known.proofSha256) {
        const proof = await proveUpdate(proofs, { params, old, next, commRNew, partition: k });
        expect(verifyUpdatePartition(proofs, params, statement, k, proof)).toBe(true);
        const words = {
          comm_c: toHex(proof.commC),
          apex_leafs: proof.apexLeaves.map(toHex),
          challenge_proofs: proof.challenges.map(({ oldReplica, newData, newReplica }) => ({
            proof_r_old: pathOf(oldReplica),
            proof_d_new: pathOf(newData),
            proof_r_new: pathOf(newReplica),
          })),
        };
        expect([k, jsonDigest(words)]).toEqual([k, sha256]);
      }
    },
    20 * MINUTES,
  );
});

type Store = ReturnType<typeof directoryStore>;
