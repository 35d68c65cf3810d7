/** Public inputs and whole verifications, against proofs of the real circuits under local keys. */
import { beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { loadProofs, type Proofs } from "../../../src/core/proofs.ts";
import { sealProof, sectorParams } from "../../../src/sector/params.ts";
import type { PoStKind } from "../../../src/sector/post/post-proof.ts";
import type { PoRepStatement } from "../../../src/sector/seal/porep-proof.ts";
import type { VerifyingKey } from "../../../src/sector/snark/groth16.ts";
import { readVerifyingKey } from "../../../src/sector/snark/groth16.ts";
import {
  porepAggregateInclude,
  porepInputs,
  postInputs,
  updateAggregateInclude,
  updateInputs,
} from "../../../src/sector/snark/statement.ts";
import {
  verifyPoStProof,
  verifySealAggregate,
  verifySealProof,
  verifyUpdateAggregate,
  verifyUpdateProof,
} from "../../../src/sector/snark/verify.ts";
import aggregatePorep from "../../fixtures/proofs/aggregate-porep.json" with { type: "json" };
import aggregateUpdate from "../../fixtures/proofs/aggregate-update.json" with { type: "json" };
import ni from "../../fixtures/proofs/groth16-ni.json" with { type: "json" };
import porep from "../../fixtures/proofs/groth16-porep.json" with { type: "json" };
import post from "../../fixtures/proofs/groth16-post.json" with { type: "json" };
import update from "../../fixtures/proofs/groth16-update.json" with { type: "json" };
import snarkpack from "../../fixtures/proofs/snarkpack.json" with { type: "json" };

const entropy = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 5);
const params = sectorParams(2048);
const { g, gAlpha, gBeta, h, hAlpha, hBeta } = snarkpack.srs.verifier;
const srs = fromHex(g + gAlpha + gBeta + h + hAlpha + hBeta);
const flip = (bytes: Uint8Array): Uint8Array => Uint8Array.of((bytes[0] as number) ^ 1, ...bytes.subarray(1));
const hexRows = (rows: readonly (readonly Uint8Array[])[]): string[][] => rows.map((row) => row.map(toHex));

let proofs: Proofs;
const keys = new Map<string, VerifyingKey>();
beforeAll(async () => {
  const module = await loadProofs();
  proofs = module;
  for (const [name, { hex }] of Object.entries({
    ...post.verifyingKeys,
    ...porep.verifyingKeys,
    ...update.verifyingKeys,
  }))
    keys.set(name, readVerifyingKey(module, fromHex(hex)));
});

describe("PoRep", () => {
  const statementOf = (one: (typeof porep.cases)[number]): PoRepStatement => ({
    proof: sealProof(one.registeredSealProof),
    proverId: fromHex(one.proverId),
    sectorNumber: one.sectorNumber,
    ticket: fromHex(one.ticket),
    seed: fromHex(one.seed),
    commD: fromHex(one.commD),
    commR: fromHex(one.commR),
  });

  for (const one of porep.cases)
    test(`${one.name}: the inputs are the circuit's, the proof holds, and for no other statement`, async () => {
      const statement = statementOf(one);
      expect(hexRows(await porepInputs(proofs, statement))).toEqual(one.circuitInputs);
      const key = keys.get(one.key)!;
      const proof = fromHex(one.proof);
      const verdict = (changed: Partial<PoRepStatement>) =>
        verifySealProof(proofs, { key, statement: { ...statement, ...changed }, proof, entropy });
      expect(await verdict({})).toBe("VALID");
      for (const name of ["proverId", "ticket", "seed", "commD", "commR"] as const)
        expect(await verdict({ [name]: flip(statement[name]) })).toBe("INVALID");
      expect(await verdict({ sectorNumber: one.sectorNumber + 1 })).toBe("INVALID");
      expect(await verifySealProof(proofs, { key: keys.get("window")!, statement, proof, entropy })).toBe(
        "BAD_INPUT_COUNT",
      );
    });

  for (const one of aggregatePorep.cases)
    test(`aggregate of ${one.name}: accepted; refused when a sector or the version is changed`, async () => {
      const statements = one.sealCases.map((name) => statementOf(porep.cases.find((sealed) => sealed.name === name)!));
      expect(toHex(porepAggregateInclude(proofs, statements))).toBe(one.transcriptInclude);
      const key = keys.get(one.key)!;
      const aggregate = fromHex(one.aggregate);
      const version = one.version === 1 ? 1 : 2;
      const verdict = (changed: readonly PoRepStatement[], transcript: 1 | 2 = version) =>
        verifySealAggregate(proofs, { key, statements: changed, aggregate, srs, version: transcript, entropy });
      expect(await verdict(statements)).toBe("VALID");
      expect(await verdict(statements, version === 1 ? 2 : 1)).toBe("INVALID");
      const [first, ...rest] = statements as [PoRepStatement, ...PoRepStatement[]];
      expect(await verdict([{ ...first, seed: flip(first.seed) }, ...rest])).toBe("INVALID");
      expect(await verdict([])).toBe("BAD_PROOF_COUNT");
      const other = { ...first, proof: sealProof((first.proof.number + 5) % 10) };
      await expect(verdict([...statements, other])).rejects.toMatchObject({ code: "MIXED_PROOFS" });
    });

  test("a non-interactive seal is an aggregate of version 2: accepted as that, and as nothing else", async () => {
    for (const one of ni.cases) {
      const statement = statementOf(one);
      expect(statement.proof.feature).toBe("non-interactive");
      const inputs = await porepInputs(proofs, statement);
      expect(hexRows(inputs)).toEqual(one.circuitInputs);
      const key = keys.get(one.key)!;
      const aggregate = fromHex(one.proof);
      const verdict = (version: 1 | 2, changed = statement) =>
        verifySealAggregate(proofs, { key, statements: [changed], aggregate, srs, version, entropy });
      expect(await verdict(2)).toBe("VALID");
      // Its challenges and transcript take no seed.
      expect(await verdict(2, { ...statement, seed: new Uint8Array() })).toBe("VALID");
      expect(await verdict(1)).toBe("INVALID");
      expect(await verdict(2, { ...statement, commR: flip(statement.commR) })).toBe("INVALID");
      expect(await verdict(2, { ...statement, proof: sealProof(5) })).toBe("BAD_PROOF_COUNT");
      expect(await verifySealProof(proofs, { key, statement, proof: aggregate, entropy })).toBe("BAD_PROOF_LENGTH");
    }
  });
});

describe("PoSt", () => {
  for (const one of post.cases)
    test(`${one.name}: the inputs are the circuit's, the proof holds, and for no other statement`, () => {
      const kind: PoStKind =
        one.key === "winning" ? "winning" : one.apiVersion === "1.2.0" ? "window" : "window-legacy";
      const randomness = fromHex(one.randomness);
      const sectors = one.sectors.map(({ sectorNumber, commR }) => ({ sectorNumber, commR: fromHex(commR) }));
      expect(hexRows(postInputs(proofs, { params, kind, randomness, sectors }))).toEqual(one.circuitInputs);
      const key = keys.get(one.key)!;
      const proof = fromHex(one.proof);
      const verdict = (r: Uint8Array, list: typeof sectors) =>
        verifyPoStProof(proofs, { key, params, kind, randomness: r, sectors: list, proof, entropy });
      expect(verdict(randomness, sectors)).toBe("VALID");
      expect(verdict(flip(randomness), sectors)).toBe("INVALID");
      const [first, ...rest] = sectors as [(typeof sectors)[number], ...typeof sectors];
      expect(verdict(randomness, [{ ...first, sectorNumber: 99 }, ...rest])).toBe("INVALID");
      expect(verdict(randomness, [{ ...first, commR: flip(first.commR) }, ...rest])).toBe("INVALID");
    });
});

describe("sectors of 32 GiB", () => {
  const GIB32 = 32 * 1024 ** 3;
  const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte, 0, 31);

  test("have 10 partitions of 327 inputs in PoRep, nodes below 2^30, and their proofs as many in non-interactive form", async () => {
    const statement: PoRepStatement = {
      proof: sealProof(8),
      proverId: filled(1),
      sectorNumber: 7,
      ticket: filled(2),
      seed: filled(3),
      commD: filled(4),
      commR: filled(5),
    };
    const inputs = await porepInputs(proofs, statement);
    expect(inputs.map((row) => row.length)).toEqual(Array.from({ length: 10 }, () => 327));
    for (const row of inputs)
      for (const node of row.slice(3)) {
        expect(node.subarray(4).every((byte) => byte === 0)).toBe(true);
        expect(node[3]).toBeLessThan(64);
      }
    const more = await porepInputs(proofs, { ...statement, proof: sealProof(18) });
    expect(more.map((row) => row.length)).toEqual(Array.from({ length: 126 }, () => 327));
  });

  test("have 132 inputs in WinningPoSt, and 25 839 for each partition of 2349 sectors in WindowPoSt", () => {
    const sectors = Array.from({ length: 2350 }, (_, i) => ({ sectorNumber: i, commR: filled(i & 63) }));
    const large = sectorParams(GIB32);
    expect(
      postInputs(proofs, { params: large, kind: "winning", randomness: filled(9), sectors: sectors.slice(0, 1) }).map(
        (row) => row.length,
      ),
    ).toEqual([132]);
    const window = postInputs(proofs, { params: large, kind: "window", randomness: filled(9), sectors });
    expect(window.map((row) => row.length)).toEqual([25839, 25839]);
    // The second partition holds one sector, repeated.
    expect(toHex(window[1]!.at(-11)!)).toBe(toHex(window[1]![0]!));
  });
});

describe("sector update", () => {
  const statementOf = (one: (typeof update.cases)[number]) => ({
    commROld: fromHex(one.commROld),
    commDNew: fromHex(one.commDNew),
    commRNew: fromHex(one.commRNew),
  });

  for (const one of update.cases)
    test(`${one.name}: the inputs are the circuit's, the proof holds, and for no other statement`, () => {
      const statement = statementOf(one);
      expect(hexRows(updateInputs(params, statement))).toEqual(one.circuitInputs);
      const key = keys.get(one.key)!;
      const proof = fromHex(one.proof);
      expect(verifyUpdateProof({ key, params, statement, proof, entropy })).toBe("VALID");
      for (const name of ["commROld", "commDNew", "commRNew"] as const)
        expect(
          verifyUpdateProof({
            key,
            params,
            statement: { ...statement, [name]: flip(statement[name]) },
            proof,
            entropy,
          }),
        ).toBe("INVALID");
    });

  for (const one of aggregateUpdate.cases)
    test(`aggregate of ${one.name}: accepted; refused with a changed commitment`, () => {
      const statement = statementOf(update.cases.find((single) => single.name === one.updateCase)!);
      const statements = Array.from({ length: one.count }, () => statement);
      expect(toHex(updateAggregateInclude(proofs, params, statements))).toBe(one.transcriptInclude);
      const key = keys.get(one.key)!;
      const aggregate = fromHex(one.aggregate);
      const context = { srs, version: 2, entropy } as const;
      expect(verifyUpdateAggregate(proofs, { key, params, statements, aggregate, ...context })).toBe("VALID");
      expect(verifyUpdateAggregate(proofs, { key, params, statements, aggregate, ...context, version: 1 })).toBe(
        "INVALID",
      );
      const [spelt, other] = [1, 7].map((highBits) => [{ ...statement, highBits }, ...statements.slice(1)]);
      expect(verifyUpdateAggregate(proofs, { key, params, statements: spelt!, aggregate, ...context })).toBe("VALID");
      if (statements.length > 1)
        expect(verifyUpdateAggregate(proofs, { key, params, statements: other!, aggregate, ...context })).toBe(
          "INVALID",
        );
      const changed = [{ ...statement, commRNew: flip(statement.commRNew) }, ...statements.slice(1)];
      expect(verifyUpdateAggregate(proofs, { key, params, statements: changed, aggregate, ...context })).toBe(
        "INVALID",
      );
    });

  test("high bits that the size does not allow are refused, and partitions have their number in the low bits", () => {
    const statement = { commROld: new Uint8Array(32), commDNew: new Uint8Array(32), commRNew: new Uint8Array(32) };
    expect(() => updateInputs(params, { ...statement, highBits: 10 })).toThrowError(/high bits/);
    const large = updateInputs(sectorParams(32 * 1024 ** 3), { ...statement, highBits: 10 });
    expect(large.map((row) => row[0]![0])).toEqual(Array.from({ length: 16 }, (_, k) => k | (8 << 4)));
  });
});
