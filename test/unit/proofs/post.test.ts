import { beforeAll, describe, expect, test } from "vitest";
import { equal, fromHex, toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { winningSector } from "../../../src/sector/challenges.ts";
import { KnownParents } from "../../../src/sector/merkle-path.ts";
import { sectorParams } from "../../../src/sector/params.ts";
import {
  type PoStKind,
  type PoStPartitionProof,
  type PrivateSector,
  postChallenges,
  provePoSt,
  type SectorPoSt,
  verifyPoSt,
} from "../../../src/sector/post/post-proof.ts";
import { postInputs } from "../../../src/sector/snark/statement.ts";
import { type MemorySectorStore, SEALED_FILE } from "../../../src/sector/store.ts";
import { fixture, prngFr } from "./fixture.ts";
import { type FixturePath, pathOf, sealAgain } from "./sectors.ts";

type Sealed = {
  sectorNumber: number;
  ticket: string;
  dataSeed: number;
  unpaddedPieces: number[];
  commC: string;
  commRLast: string;
  commR: string;
};
type Case = {
  name: string;
  type: "Winning" | "Window";
  apiVersion: string;
  sectorSize: number;
  sectorsPerPartition: number;
  partitions: number;
  proverId: string;
  randomness: string;
  sectors: number[];
  proofs: {
    sectorNumber: number;
    challenges: number[];
    vanillaProof?: { sectors: { inclusion_proofs: FixturePath[]; comm_c: string; comm_r_last: string }[] };
  }[];
};
type Fixture = {
  winningSectors: { randomnessSeed: number; proverId: string; sectorCount: string; picked: string[] }[];
  leafChallenges: {
    sectorSize: number;
    type: "Winning" | "Window";
    apiVersion: string;
    randomnessSeed: number;
    challenges: [number, number[]][];
  }[];
  sectors: Sealed[];
  sectors32KiB: Sealed[];
  cases: Case[];
};
const known = await fixture<Fixture>("post.json");
const proofs = await loadProofs();

function kindOf({ type, apiVersion }: { type: string; apiVersion: string }): PoStKind {
  return type === "Winning" ? "winning" : apiVersion === "1.2.0" ? "window" : "window-legacy";
}

test("WinningPoSt draws the official sectors", () => {
  expect(known.winningSectors.flatMap(({ picked }) => picked).length).toBeGreaterThan(3);
  for (const { randomnessSeed, proverId, sectorCount, picked } of known.winningSectors)
    for (const [n, expected] of picked.entries())
      expect(
        String(
          winningSector(proofs, {
            proverId: fromHex(proverId),
            randomness: prngFr(randomnessSeed),
            sectorCount: BigInt(sectorCount),
            n,
          }),
        ),
      ).toBe(expected);
});

test.each(known.leafChallenges)("$type $apiVersion, $sectorSize bytes: leaves are the official ones", (row) => {
  const params = sectorParams(row.sectorSize);
  for (const [place, [sector, leaves]] of row.challenges.entries())
    expect(
      postChallenges(proofs, {
        params,
        kind: kindOf(row),
        randomness: prngFr(row.randomnessSeed),
        sectorNumber: sector,
        place,
      }),
    ).toEqual(leaves);
});

describe.each(known.cases.filter((one) => one.sectorSize < 1 << 20))("$name", (one) => {
  const params = sectorParams(one.sectorSize);
  const kind = kindOf(one);
  const randomness = fromHex(one.randomness);
  let sectors: PrivateSector[];
  let stores: MemorySectorStore[];
  let partitions: PoStPartitionProof[];
  beforeAll(async () => {
    const porepId = new Uint8Array(32).fill(0).with(0, 5);
    const proof = { number: 5, sectorBytes: one.sectorSize, legacy: false, feature: "interactive" } as const;
    sectors = [];
    stores = [];
    for (const number of one.sectors) {
      const info = [...known.sectors, ...known.sectors32KiB].find(({ sectorNumber }) => sectorNumber === number)!;
      const identity = {
        proof,
        proverId: fromHex(one.proverId),
        sectorNumber: number,
        ticket: fromHex(info.ticket),
      };
      const { store, sealed } = await sealAgain(
        proofs,
        { identity, params, porepId },
        info.dataSeed,
        info.unpaddedPieces,
      );
      expect(toHex(sealed.commR)).toBe(info.commR);
      sectors.push({ sectorNumber: number, commR: sealed.commR, store });
      stores.push(store);
    }
    partitions = await provePoSt(proofs, { params, kind, randomness, sectors });
  });

  test("openings and partitions are the official ones", () => {
    expect(partitions.length).toBe(one.partitions);
    const first = new Map(partitions.flat().map((proof) => [proof.sectorNumber, proof]));
    for (const { sectorNumber, vanillaProof } of one.proofs) {
      const { commC, commRLast, paths } = first.get(sectorNumber)!;
      expect([{ inclusion_proofs: paths.map(pathOf), comm_c: toHex(commC), comm_r_last: toHex(commRLast) }]).toEqual(
        vanillaProof?.sectors,
      );
    }
  });

  test("they verify, and not for other randomness, sectors or order", () => {
    expect(verifyPoSt(proofs, { params, kind, randomness, sectors }, partitions)).toBe(true);
    const other = randomness.with(0, (randomness[0] as number) ^ 1);
    expect(verifyPoSt(proofs, { params, kind, randomness: other, sectors }, partitions)).toBe(false);
    expect(verifyPoSt(proofs, { params, kind, randomness, sectors: [] }, partitions)).toBe(false);
    expect(verifyPoSt(proofs, { params, kind, randomness, sectors }, partitions.slice(1))).toBe(false);
    const fuller = partitions.with(0, [...partitions[0]!, partitions.at(-1)!.at(-1)!]);
    expect(verifyPoSt(proofs, { params, kind, randomness, sectors }, fuller)).toBe(false);
    expect(verifyPoSt(proofs, { params, kind, randomness, sectors }, [partitions.flat()])).toBe(
      partitions.length === 1,
    );
    const wrong = sectors.with(0, { ...sectors[0]!, commR: prngFr(1) });
    expect(verifyPoSt(proofs, { params, kind, randomness, sectors: wrong }, partitions)).toBe(false);
    const exchanged = partitions.with(0, partitions[0]!.toReversed());
    if (new Set(partitions[0]!.map(({ sectorNumber }) => sectorNumber)).size > 1)
      expect(verifyPoSt(proofs, { params, kind, randomness, sectors }, exchanged)).toBe(false);
  });

  test("a WindowPoSt is of the set of its sectors, in whatever order and however often they are named", async () => {
    if (kind === "winning") return;
    // As the miner actor lists them: a good sector stands in for each faulty one.
    const named = [sectors.at(-1)!, ...sectors.toReversed(), sectors[0]!, sectors[0]!];
    expect(await provePoSt(proofs, { params, kind, randomness, sectors: named })).toEqual(partitions);
    expect(verifyPoSt(proofs, { params, kind, randomness, sectors: named }, partitions)).toBe(true);
    expect(postInputs(proofs, { params, kind, randomness, sectors: named })).toEqual(
      postInputs(proofs, { params, kind, randomness, sectors }),
    );
    const conflict = expect.objectContaining({ code: "CONFLICTING_SECTORS" });
    const lies = [{ ...sectors[0]!, commR: prngFr(3) }, ...sectors];
    for (const list of [lies, lies.toReversed()])
      expect(() => verifyPoSt(proofs, { params, kind, randomness, sectors: list }, partitions)).toThrowError(conflict);
  });

  test("numbers that name no sector are refused", () => {
    for (const sectorNumber of [Number.NaN, 1.5, -1, 2 ** 64, "1 ", null, undefined] as number[]) {
      const changed = partitions.with(0, partitions[0]!.with(0, { ...partitions[0]![0]!, sectorNumber }));
      expect(verifyPoSt(proofs, { params, kind, randomness, sectors }, changed)).toBe(false);
    }
    for (const sectorNumber of [1.5, -1, 2n ** 64n, -1n])
      expect(() =>
        verifyPoSt(proofs, { params, kind, randomness, sectors: [{ ...sectors[0]!, sectorNumber }] }, partitions),
      ).toThrowError(/64-bit/);
    expect(() =>
      verifyPoSt(proofs, { params, kind, randomness: randomness.subarray(1), sectors }, partitions),
    ).toThrowError(/31 bytes/);
  });

  test("one changed bit in any opening is refused", () => {
    const flip = (bytes: Uint8Array): Uint8Array => bytes.with(9, (bytes[9] as number) ^ 2);
    const sector = partitions[0]![0]!;
    const path = sector.paths[1]!;
    const bad: SectorPoSt[] = [
      { ...sector, sectorNumber: 99 },
      { ...sector, commC: flip(sector.commC) },
      { ...sector, commRLast: flip(sector.commRLast) },
      { ...sector, commC: new Uint8Array(31) },
      { ...sector, paths: sector.paths.slice(1) },
      { ...sector, paths: sector.paths.with(1, { ...path, leaf: flip(path.leaf) }) },
      { ...sector, paths: sector.paths.with(1, { ...path, root: flip(path.root) }) },
      { ...sector, paths: sector.paths.with(1, { ...path, steps: [] }) },
      ...path.steps.map((step, i) => {
        const steps = path.steps.with(i, {
          ...step,
          siblings: step.siblings.with(0, flip(step.siblings[0]!)),
        });
        return { ...sector, paths: sector.paths.with(1, { ...path, steps }) };
      }),
    ];
    for (const proof of bad) {
      const changed = partitions.with(0, partitions[0]!.with(0, proof));
      expect(verifyPoSt(proofs, { params, kind, randomness, sectors }, changed)).toBe(false);
    }
  });

  test("a sector whose replica changed is named, and the others can be proved without it", async () => {
    const file = stores[0]!.files.get(SEALED_FILE)!;
    const intact = file.slice();
    const parents = new KnownParents();
    for (let i = 0; i < 2; i++)
      expect(await provePoSt(proofs, { params, kind, randomness, sectors, known: parents })).toEqual(partitions);
    for (let node = 0; node < params.nodes; node++) file[32 * node] = (file[32 * node] as number) ^ 1;
    try {
      // Whether its parents were computed before or not.
      for (const before of [{}, { known: parents }, { known: parents }])
        await expect(provePoSt(proofs, { params, kind, randomness, sectors, ...before })).rejects.toMatchObject({
          data: { code: "FAULTY_SECTORS", sectors: [one.sectors[0]] },
        });
      const good = sectors.slice(1);
      if (good.length === 0) return;
      const rest = await provePoSt(proofs, { params, kind, randomness, sectors: good });
      expect(verifyPoSt(proofs, { params, kind, randomness, sectors: good }, rest)).toBe(true);
    } finally {
      file.set(intact);
      expect(equal(file, intact)).toBe(true);
    }
  });
});

test("a WinningPoSt takes exactly one sector, a WindowPoSt at least one", async () => {
  const params = sectorParams(2048);
  await expect(provePoSt(proofs, { params, kind: "winning", randomness: prngFr(1), sectors: [] })).rejects.toThrow();
  await expect(provePoSt(proofs, { params, kind: "window", randomness: prngFr(1), sectors: [] })).rejects.toThrow();
});
