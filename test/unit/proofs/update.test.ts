import { sha256 } from "@noble/hashes/sha2.js";
import { beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { numberLE } from "../../../src/sector/kernel.ts";
import type { MerklePath } from "../../../src/sector/merkle-path.ts";
import { sectorParams } from "../../../src/sector/params.ts";
import { stagePieces } from "../../../src/sector/piece/stage.ts";
import { MemorySectorStore, SEALED_FILE, UNSEALED_FILE } from "../../../src/sector/store.ts";
import {
  decodeUpdate,
  proveUpdate,
  type UpdateChallengeProof,
  type UpdatedSector,
  type UpdatePartitionProof,
  updateChallenges,
  updateParams,
  updatePhi,
  updateRho,
  updateSector,
  verifyUpdate,
  verifyUpdatePartition,
} from "../../../src/sector/update/update.ts";
import { fixture, prng } from "./fixture.ts";
import { type FixtureUpdate, pathOf, sealAgain } from "./sectors.ts";

// The 8 MiB sector has a test of its own: sector-8mib.test.ts.
const rows = (await fixture<FixtureUpdate[]>("update.json")).filter((row) => row.sectorSize < 1 << 20);
const proofs = await loadProofs();

describe.each(rows)("$name", (row) => {
  const params = sectorParams(row.sectorSize);
  const next = new MemorySectorStore();
  let old: MemorySectorStore;
  let updated: UpdatedSector;
  let partitions: UpdatePartitionProof[];
  const commROld = fromHex(row.old.commR);
  const statement = { commROld, commDNew: fromHex(row.commDNew), commRNew: fromHex(row.commRNew) };
  beforeAll(async () => {
    const proof = { number: 5, sectorBytes: row.sectorSize, legacy: false, feature: "interactive" } as const;
    const identity = {
      proof,
      proverId: fromHex(row.proverId),
      sectorNumber: row.old.sectorNumber,
      ticket: fromHex(row.old.ticket),
    };
    const one = { identity, params, porepId: fromHex(row.poRepId) };
    const sealedOld = await sealAgain(proofs, one, row.old.dataSeed, row.old.unpaddedPieces);
    expect(toHex(sealedOld.sealed.commR)).toBe(row.old.commR);
    old = sealedOld.store;
    await stagePieces(proofs, next, params, [
      { payloadSize: row.newUnpadded, bytes: [prng(row.newDataSeed, row.newUnpadded)] },
    ]);
    updated = await updateSector(proofs, { params, old, commROld, next });
    partitions = [];
    for (let k = 0; k < row.partitions; k++)
      partitions.push(await proveUpdate(proofs, { params, old, next, commRNew: updated.commRNew, partition: k }));
  });

  test("parameters, phi and rho are the official ones", () => {
    const { partitions: count, challenges, apexLeaves, highBits } = updateParams(params);
    expect([count, challenges, apexLeaves, highBits]).toEqual([
      row.partitions,
      row.challengesPerPartition,
      row.apexLeafCount,
      row.h,
    ]);
    const phi = updatePhi(proofs, statement.commDNew, commROld);
    expect(toHex(phi)).toBe(row.phi);
    for (const [high, rho] of row.rhos) expect(toHex(updateRho(proofs, phi, high))).toBe(rho);
  });

  test("the new replica and commitments are the official ones", () => {
    expect(toHex(sha256(next.files.get(UNSEALED_FILE)!))).toBe(row.newPaddedDataSha256);
    expect(toHex(sha256(next.files.get(SEALED_FILE)!))).toBe(row.newReplicaSha256);
    expect(toHex(updated.commDNew)).toBe(row.commDNew);
    expect(toHex(updated.commRLastNew)).toBe(row.commRLastNew);
    expect(toHex(updated.commRNew)).toBe(row.commRNew);
  });

  test("the new data comes back out of the replicas", async () => {
    await decodeUpdate(proofs, { params, old, next, ...statement, to: "decoded" });
    expect(toHex(sha256(next.files.get("decoded")!))).toBe(row.newPaddedDataSha256);
  });

  test("challenges and openings are the official ones", () => {
    for (const { k, challenges, vanillaProof } of row.proofs) {
      expect(updateChallenges(proofs, params, updated.commRNew, k)).toEqual(challenges);
      if (vanillaProof === undefined) continue;
      const { commC, apexLeaves, challenges: opened } = partitions[k]!;
      expect({
        comm_c: toHex(commC),
        apex_leafs: apexLeaves.map(toHex),
        challenge_proofs: opened.map((one) => ({
          proof_r_old: pathOf(one.oldReplica),
          proof_d_new: pathOf(one.newData),
          proof_r_new: pathOf(one.newReplica),
        })),
      }).toEqual(vanillaProof);
    }
    expect(() => updateChallenges(proofs, params, updated.commRNew, row.partitions)).toThrow();
  });

  test("they verify, and not for another statement", () => {
    expect(verifyUpdate(proofs, params, statement, partitions)).toBe(true);
    const flip = (bytes: Uint8Array): Uint8Array => bytes.with(0, (bytes[0] as number) ^ 1);
    for (const wrong of [
      { ...statement, commROld: flip(commROld) },
      { ...statement, commDNew: flip(statement.commDNew) },
      { ...statement, commRNew: flip(statement.commRNew) },
      { ...statement, highBits: 3 },
    ])
      expect(verifyUpdate(proofs, params, wrong, partitions)).toBe(false);
    expect(verifyUpdate(proofs, params, statement, partitions.slice(1))).toBe(false);
    if (partitions.length > 1) expect(verifyUpdate(proofs, params, statement, partitions.toReversed())).toBe(false);
  });

  test("one changed bit in any opening is refused", () => {
    const flip = (bytes: Uint8Array): Uint8Array => bytes.with(5, (bytes[5] as number) ^ 16);
    const inPath = (path: MerklePath): MerklePath[] => [
      { ...path, leaf: flip(path.leaf) },
      { ...path, root: flip(path.root) },
      { ...path, steps: path.steps.slice(1) },
      ...path.steps.map((step, i) => ({
        ...path,
        steps: path.steps.with(i, { ...step, siblings: step.siblings.with(0, flip(step.siblings[0]!)) }),
      })),
    ];
    const good = partitions[0]!;
    const first = good.challenges[0]!;
    const bad: UpdateChallengeProof[] = [
      ...inPath(first.oldReplica).map((oldReplica) => ({ ...first, oldReplica })),
      ...inPath(first.newData).map((newData) => ({ ...first, newData })),
      ...inPath(first.newReplica).map((newReplica) => ({ ...first, newReplica })),
    ];
    const changed: UpdatePartitionProof[] = [
      ...bad.map((one) => ({ ...good, challenges: good.challenges.with(0, one) })),
      { ...good, commC: flip(good.commC) },
      { ...good, challenges: good.challenges.slice(1) },
      { ...good, apexLeaves: good.apexLeaves.slice(1) },
      { ...good, apexLeaves: good.apexLeaves.map(flip) },
    ];
    for (const proof of changed) expect(verifyUpdatePartition(proofs, params, statement, 0, proof)).toBe(false);
  });

  test("every node of the update is old + data · rho", () => {
    const phi = updatePhi(proofs, statement.commDNew, commROld);
    const modulus = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
    const node = (bytes: Uint8Array, i: number): bigint => numberLE(bytes.subarray(32 * i, 32 * i + 32));
    for (let i = 0; i < params.nodes; i++) {
      const rho = numberLE(updateRho(proofs, phi, Math.floor((i * 2) / params.nodes)));
      const data = node(next.files.get(UNSEALED_FILE)!, i);
      const expected = (node(old.files.get(SEALED_FILE)!, i) + data * rho) % modulus;
      expect(node(next.files.get(SEALED_FILE)!, i)).toBe(expected);
    }
  });
});
