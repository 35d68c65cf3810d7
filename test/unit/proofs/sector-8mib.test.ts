/** Proofs of spacetime and an update of a sector of 8 MiB, which is sealed once for all of them. */
import { sha256 } from "@noble/hashes/sha2.js";
import { beforeAll, describe, expect, test } from "vitest";
import { concat, fromHex, toBase64, toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { u64Bytes } from "../../../src/sector/kernel.ts";
import type { MerklePath } from "../../../src/sector/merkle-path.ts";
import { sectorParams } from "../../../src/sector/params.ts";
import { stagePieces } from "../../../src/sector/piece/stage.ts";
import { postChallenges, provePoSt, type SectorPoSt, verifyPoSt } from "../../../src/sector/post/post-proof.ts";
import { postInputs, updateInputs } from "../../../src/sector/snark/statement.ts";
import { MemorySectorStore, SEALED_FILE, UNSEALED_FILE } from "../../../src/sector/store.ts";
import {
  decodeUpdate,
  proveUpdate,
  type UpdatedSector,
  type UpdatePartitionProof,
  updateChallenges,
  updateParams,
  updatePhi,
  updateRho,
  updateSector,
  verifyUpdate,
} from "../../../src/sector/update/update.ts";
import { fixture, prng } from "./fixture.ts";
import { type FixturePath, type FixtureUpdate, pathOf, sealAgain, type UpdatedBefore } from "./sectors.ts";

type PoStCase = {
  name: string;
  type: "Winning" | "Window";
  sectorSize: number;
  randomness: string;
  proofs: {
    challenges: number[];
    bincodeSize: number;
    bincodeSha256: string;
    bincode?: string;
    vanillaProof?: { sectors: { inclusion_proofs: FixturePath[]; comm_c: string; comm_r_last: string }[] };
  }[];
  circuitInputs: string[][];
};
const BYTES = 8 << 20;
const params = sectorParams(BYTES);
const { sectors8MiB, cases } = await fixture<{ sectors8MiB: UpdatedBefore[]; cases: PoStCase[] }>("post.json");
const row = (await fixture<FixtureUpdate[]>("update.json")).find(({ sectorSize }) => sectorSize === BYTES)!;
const proofs = await loadProofs();
const digest = (bytes: Uint8Array): string => toHex(sha256(bytes));

let old: MemorySectorStore;
const commROld = fromHex(row.old.commR);
beforeAll(async () => {
  const proof = { number: 6, sectorBytes: BYTES, legacy: false, feature: "interactive" } as const;
  const { sectorNumber, ticket, dataSeed, unpaddedPieces } = row.old;
  const identity = { proof, proverId: fromHex(row.proverId), sectorNumber, ticket: fromHex(ticket) };
  const one = { identity, params, porepId: fromHex(row.poRepId) };
  const { store, sealed } = await sealAgain(proofs, one, dataSeed, unpaddedPieces);
  expect(toHex(sealed.commR)).toBe(row.old.commR);
  expect(digest(store.files.get(SEALED_FILE)!)).toBe(row.old.replicaSha256);
  old = store;
}, 180_000);

// The official serialisation (bincode): lengths as u64, variants of an enum as u32, both little-endian.
const u64 = (value: number): Uint8Array => u64Bytes(value, true);
const list = <T>(items: readonly T[], bytesOf: (item: T) => Uint8Array): Uint8Array =>
  concat(u64(items.length), ...items.map(bytesOf));
const pathBytes = ({ root, leaf, steps }: MerklePath): Uint8Array =>
  concat(
    new Uint8Array(4),
    root,
    leaf,
    list(steps, ({ siblings, index }) =>
      concat(
        list(siblings, (node) => node),
        u64(index),
      ),
    ),
  );

describe.each(cases.filter(({ sectorSize }) => sectorSize === BYTES))("$name", (one) => {
  const kind = one.type === "Winning" ? "winning" : "window";
  const randomness = fromHex(one.randomness);
  const known = one.proofs[0]!;
  const sector = { sectorNumber: row.old.sectorNumber, commR: commROld };

  /** As `FallbackPoStSectorProof`. */
  const bytesOf = ({ commC, commRLast, paths }: SectorPoSt): Uint8Array => {
    const opened = concat(list(paths, pathBytes), commC, commRLast);
    return concat(u64(sector.sectorNumber), commROld, u64(1), opened);
  };

  test("the sector of the case is the one that is sealed here", () => {
    expect(sectors8MiB.map(({ sectorNumber, commR }) => [sectorNumber, commR])).toEqual([
      [row.old.sectorNumber, row.old.commR],
    ]);
  });

  test("challenges, openings and public inputs are the official ones, and the proof verifies", async () => {
    expect(postChallenges(proofs, { params, kind, randomness, sectorNumber: sector.sectorNumber, place: 0 })).toEqual(
      known.challenges,
    );
    const partitions = await provePoSt(proofs, { params, kind, randomness, sectors: [{ ...sector, store: old }] });
    expect(verifyPoSt(proofs, { params, kind, randomness, sectors: [sector] }, partitions)).toBe(true);
    const proof = partitions[0]![0]!;
    const bytes = bytesOf(proof);
    expect([bytes.length, digest(bytes)]).toEqual([known.bincodeSize, known.bincodeSha256]);
    if (known.bincode !== undefined) expect(toBase64(bytes)).toBe(known.bincode);
    const { commC, commRLast, paths } = proof;
    if (known.vanillaProof !== undefined)
      expect(known.vanillaProof.sectors).toEqual([
        { inclusion_proofs: paths.map(pathOf), comm_c: toHex(commC), comm_r_last: toHex(commRLast) },
      ]);
    const inputs = postInputs(proofs, { params, kind, randomness, sectors: [sector] });
    expect(inputs.map((partition) => partition.map(toHex))).toEqual(one.circuitInputs);
  });
});

describe("new data in the sector", () => {
  const next = new MemorySectorStore();
  const statement = { commROld, commDNew: fromHex(row.commDNew), commRNew: fromHex(row.commRNew) };
  let updated: UpdatedSector;
  let partitions: UpdatePartitionProof[];
  beforeAll(async () => {
    const { newUnpadded: payloadSize, newDataSeed } = row;
    await stagePieces(proofs, next, params, [{ payloadSize, bytes: [prng(newDataSeed, payloadSize)] }]);
    updated = await updateSector(proofs, { params, old, commROld, next });
    partitions = [];
    for (let k = 0; k < row.partitions; k++)
      partitions.push(await proveUpdate(proofs, { params, old, next, commRNew: updated.commRNew, partition: k }));
  }, 120_000);

  test("parameters, replica and commitments are the official ones", () => {
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
    expect(digest(next.files.get(UNSEALED_FILE)!)).toBe(row.newPaddedDataSha256);
    expect(digest(next.files.get(SEALED_FILE)!)).toBe(row.newReplicaSha256);
    expect(toHex(updated.commDNew)).toBe(row.commDNew);
    expect(toHex(updated.commRLastNew)).toBe(row.commRLastNew);
    expect(toHex(updated.commRNew)).toBe(row.commRNew);
  });

  /** As `PartitionProof`. */
  const bytesOf = ({ commC, apexLeaves, challenges }: UpdatePartitionProof): Uint8Array =>
    concat(
      commC,
      list(apexLeaves, (leaf) => leaf),
      list(challenges, ({ oldReplica, newData, newReplica }) =>
        concat(...[oldReplica, newData, newReplica].map(pathBytes)),
      ),
    );

  test.each(row.proofs)("partition $k: challenges, openings and public inputs are the official ones", (known) => {
    expect(updateChallenges(proofs, params, updated.commRNew, known.k)).toEqual(known.challenges);
    const partition = partitions[known.k]!;
    const bytes = bytesOf(partition);
    expect([bytes.length, digest(bytes)]).toEqual([known.bincodeSize, known.bincodeSha256]);
    expect(updateInputs(params, statement)[known.k]!.map(toHex)).toEqual(known.circuitInputs);
    if (known.vanillaProof === undefined) return;
    const opened = partition.challenges.map(({ oldReplica, newData, newReplica }) => ({
      proof_r_old: pathOf(oldReplica),
      proof_d_new: pathOf(newData),
      proof_r_new: pathOf(newReplica),
    }));
    expect(known.vanillaProof).toEqual({
      comm_c: toHex(partition.commC),
      apex_leafs: partition.apexLeaves.map(toHex),
      challenge_proofs: opened,
    });
  });

  test("they verify, not for another statement, and the data comes back out of the replicas", async () => {
    expect(verifyUpdate(proofs, params, statement, partitions)).toBe(true);
    expect(verifyUpdate(proofs, params, { ...statement, commDNew: commROld }, partitions)).toBe(false);
    expect(verifyUpdate(proofs, params, { ...statement, highBits: 9 }, partitions)).toBe(false);
    expect(verifyUpdate(proofs, params, statement, partitions.toReversed())).toBe(false);
    await decodeUpdate(proofs, { params, old, next, ...statement, to: "decoded" });
    expect(digest(next.files.get("decoded")!)).toBe(row.newPaddedDataSha256);
  }, 60_000);
});
