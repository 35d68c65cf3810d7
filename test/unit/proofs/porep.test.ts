import { sha256 } from "@noble/hashes/sha2.js";
import { beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { leafChallenge, porepChallenges, syntheticChallenges, winningSector } from "../../../src/sector/challenges.ts";
import type { MerklePath } from "../../../src/sector/merkle-path.ts";
import {
  type PoRepFeature,
  porepId,
  proverId,
  SECTOR_PARAMS,
  sealProof,
  sectorParams,
} from "../../../src/sector/params.ts";
import {
  type ColumnProof,
  type PoRepChallengeProof,
  type PoRepPartitionProof,
  type PoRepStatement,
  provePoRep,
  verifyPoRep,
  verifyPoRepPartition,
} from "../../../src/sector/seal/porep-proof.ts";
import type { SealedSector } from "../../../src/sector/seal/seal.ts";
import type { MemorySectorStore } from "../../../src/sector/store.ts";
import { fixture } from "./fixture.ts";
import { caseOf, type FixtureSector, sealAgain, vanillaOf } from "./sectors.ts";

const { challenges } = await fixture<{ challenges: unknown[] }>("challenges.json");
const proofs = await loadProofs();
const sectors = (
  await Promise.all(
    ["porep-2kib", "porep-2kib-features", "porep-2kib-11layers", "porep-shapes"].map((name) =>
      fixture<FixtureSector[]>(`${name}.json`),
    ),
  )
).flat();

describe.each(sectors)("vanilla PoRep of $name", (sector) => {
  const one = caseOf(sector);
  let store: MemorySectorStore;
  let sealed: SealedSector;
  let statement: PoRepStatement;
  let partitions: PoRepPartitionProof[];
  beforeAll(async () => {
    const unpadded = sector.pieces.map((piece) => piece.unpadded);
    ({ store, sealed } = await sealAgain(proofs, one, sector.dataSeed, unpadded));
    const seed = fromHex(sector.seed);
    statement = { ...one.identity, commD: sealed.commD, commR: sealed.commR, seed };
    partitions = [];
    for (let k = 0; k < sector.partitions; k++)
      partitions.push(await provePoRep(proofs, store, { ...one, identity: one.identity, sealed, seed, partition: k }));
  });

  test("challenges are the official ones", () => {
    const got = partitions.map((partition) => partition.map(({ challenge }) => challenge));
    expect(got).toEqual(sector.challenges);
  });

  test("openings are the official ones", () => {
    const { vanillaProofs = [], vanillaProofsFirstPartition: first, vanillaProofsLastPartition: last } = sector;
    const known = new Map(vanillaProofs.entries());
    if (first !== undefined) known.set(0, first);
    if (last !== undefined) known.set(partitions.length - 1, last);
    for (const [k, expected] of known)
      expect(partitions[k]!.map((proof) => vanillaOf(proof, sector.layerCount))).toEqual(expected);
    expect(known.size).toBeGreaterThan(0);
  });

  test("they verify, and not for another statement", async () => {
    expect(await verifyPoRep(proofs, statement, partitions, one)).toBe(true);
    const other = (bytes: Uint8Array): Uint8Array => bytes.with(3, (bytes[3] as number) ^ 1);
    const wrong: PoRepStatement[] = [
      { ...statement, commD: other(statement.commD) },
      { ...statement, commR: other(statement.commR) },
      { ...statement, ticket: other(statement.ticket) },
      { ...statement, proverId: other(statement.proverId) },
      { ...statement, sectorNumber: 12345 },
    ];
    for (const one_ of wrong) expect(await verifyPoRep(proofs, one_, partitions, one)).toBe(false);
    expect(await verifyPoRep(proofs, statement, partitions.slice(1), one)).toBe(false);
    expect(await verifyPoRep(proofs, statement, [...partitions, partitions[0]!], one)).toBe(false);
  });

  test("every opened node counts: one changed bit anywhere is refused", async () => {
    const flip = (bytes: Uint8Array): Uint8Array => bytes.with(7, (bytes[7] as number) ^ 4);
    const inPath = (path: MerklePath): MerklePath[] => [
      { ...path, leaf: flip(path.leaf) },
      { ...path, root: flip(path.root) },
      { ...path, steps: path.steps.slice(1) },
      ...path.steps.flatMap((step, i) => [
        { ...path, steps: path.steps.with(i, { ...step, siblings: step.siblings.with(0, flip(step.siblings[0]!)) }) },
        { ...path, steps: path.steps.with(i, { ...step, index: (step.index + 1) % (step.siblings.length + 1) }) },
      ]),
    ];
    const inColumn = (column: ColumnProof): ColumnProof[] => [
      ...inPath(column.path).map((path) => ({ ...column, path })),
      ...column.labels.map((label, i) => ({ ...column, labels: column.labels.with(i, flip(label)) })),
      { ...column, node: column.node + 1 },
      { ...column, labels: column.labels.slice(1) },
    ];
    const good = partitions[0]![0]!;
    const bad: PoRepChallengeProof[] = [
      { ...good, challenge: good.challenge + 1 },
      ...inPath(good.data).map((data) => ({ ...good, data })),
      ...inPath(good.replica).map((replica) => ({ ...good, replica })),
      ...inColumn(good.column).map((column) => ({ ...good, column })),
      ...inColumn(good.baseParents[5]!).map((column) => ({ ...good, baseParents: good.baseParents.with(5, column) })),
      ...inColumn(good.expanderParents[0]!).map((column) => ({
        ...good,
        expanderParents: good.expanderParents.with(0, column),
      })),
      { ...good, baseParents: good.baseParents.slice(1) },
      { ...good, expanderParents: [] },
    ];
    for (const proof of bad) {
      const partition = [proof, ...partitions[0]!.slice(1)];
      expect(await verifyPoRepPartition(proofs, statement, { index: 0, proof: partition }, one)).toBe(false);
    }
  });
});

describe("challenges", () => {
  type Row = {
    size: string;
    nodes: number;
    replicaId: string;
    commR: string;
    seed: string;
    interactive: number[][];
    synthetic: { count: number; sha256u64le: string; first: number[]; last: number[]; selected: number[][] };
    nonInteractive: { partitions: number; sha256u64le: string; first: number[]; last: number[] };
  };

  test.each(challenges as Row[])("$size: all three kinds are the official lists", (row) => {
    const params = sectorParams(row.nodes * 32);
    const [replicaId, commR, seed] = [fromHex(row.replicaId), fromHex(row.commR), fromHex(row.seed)];
    const list = (feature: PoRepFeature, partitions: number): number[][] =>
      Array.from({ length: partitions }, (_, k) =>
        porepChallenges(proofs, params, { feature, replicaId, commR, seed }, k),
      );
    const digest = (numbers: readonly number[]): string =>
      toHex(sha256(new Uint8Array(BigUint64Array.from(numbers, BigInt).buffer)));
    expect(list("interactive", row.interactive.length)).toEqual(row.interactive);
    expect(list("synthetic", row.synthetic.selected.length)).toEqual(row.synthetic.selected);
    const ni = list("non-interactive", row.nonInteractive.partitions);
    expect([ni[0], ni.at(-1)]).toEqual([row.nonInteractive.first, row.nonInteractive.last]);
    expect(digest(ni.flat())).toBe(row.nonInteractive.sha256u64le);
    const all = syntheticChallenges(proofs, params, replicaId, commR);
    expect(all.length).toBe(row.synthetic.count);
    expect(all.slice(0, row.synthetic.first.length)).toEqual(row.synthetic.first);
    expect(all.slice(-row.synthetic.last.length)).toEqual(row.synthetic.last);
    expect(digest(all)).toBe(row.synthetic.sha256u64le);
    expect(() => porepChallenges(proofs, params, { feature: "interactive", replicaId, commR, seed }, 10)).toThrow();
  });

  test("synthetic challenges are drawn from the synthetic set", () => {
    const params = sectorParams(2048);
    const [replicaId, commR, seed] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
    const all = syntheticChallenges(proofs, params, replicaId!, commR!);
    const inputs = { feature: "synthetic", replicaId: replicaId!, commR: commR!, seed: seed! } as const;
    for (const challenge of porepChallenges(proofs, params, inputs, 0)) expect(all).toContain(challenge);
  });

  test("randomness and ids of another length are refused, not hashed", () => {
    const params = sectorParams(2048);
    const [good, long] = [new Uint8Array(32), new Uint8Array(5000)];
    for (const feature of ["interactive", "synthetic", "non-interactive"] as const) {
      const inputs = { feature, replicaId: good, commR: good, seed: good };
      const wrong: (keyof typeof inputs)[] = feature === "interactive" ? ["replicaId", "seed"] : ["replicaId", "commR"];
      if (feature === "synthetic") wrong.push("seed");
      for (const name of wrong)
        for (const bytes of [long, good.subarray(1)])
          expect(() => porepChallenges(proofs, params, { ...inputs, [name]: bytes }, 0)).toThrowError(
            expect.objectContaining({ code: "BAD_LENGTH" }),
          );
    }
    expect(() => leafChallenge(proofs, { params, randomness: long, sectorNumber: 1, index: 0 })).toThrowError(
      /5000 bytes/,
    );
    expect(() => leafChallenge(proofs, { params, randomness: good, sectorNumber: -1, index: 0 })).toThrowError(
      /64-bit/,
    );
    expect(() => winningSector(proofs, { proverId: good, randomness: long, sectorCount: 5 })).toThrowError(
      /5000 bytes/,
    );
    expect(() => winningSector(proofs, { proverId: good, randomness: good, sectorCount: 0 })).toThrowError(
      /no sectors/,
    );
  });

  test("challenges keep their range: never node 0 for PoRep, any node for PoSt", () => {
    const bytes = new Uint8Array(32).fill(7);
    for (const params of SECTOR_PARAMS)
      for (const feature of ["interactive", "non-interactive"] as const)
        for (const node of porepChallenges(
          proofs,
          params,
          { feature, replicaId: bytes, commR: bytes, seed: bytes },
          0,
        )) {
          expect(node).toBeGreaterThanOrEqual(1);
          expect(node).toBeLessThan(params.nodes);
        }
    expect(
      leafChallenge(proofs, { params: sectorParams(2048), randomness: bytes, sectorNumber: 1, index: 0 }),
    ).toBeLessThan(64);
  });
});

describe("registered proofs", () => {
  test("PoRep ids are the proof's number", () => {
    for (let number = 0; number < 20; number++) expect(porepId(sealProof(number))[0]).toBe(number);
    expect(() => sealProof(20)).toThrowError(/20/);
    expect(() => sealProof(-1)).toThrow();
  });

  test("prover ids are the actor id's varint", () => {
    expect(toHex(proverId(1000n))).toBe(`e807${"00".repeat(30)}`);
    expect(toHex(proverId(0n))).toBe("00".repeat(32));
    expect(toHex(proverId(127n))).toBe(`7f${"00".repeat(31)}`);
    expect(toHex(proverId(128n))).toBe(`8001${"00".repeat(30)}`);
    expect(toHex(proverId(2n ** 64n - 1n))).toBe(`${"ff".repeat(9)}01${"00".repeat(22)}`);
  });
});
