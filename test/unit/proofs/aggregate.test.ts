/** SnarkPack aggregates under a test reference string and local keys (see test/fixtures/proofs/README.md). */
import { beforeAll, expect, test } from "vitest";
import { fromHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import type { AggregateStatement, VerifyingKey } from "../../../src/sector/snark/groth16.ts";
import { readVerifyingKey } from "../../../src/sector/snark/groth16.ts";
import post from "../../fixtures/proofs/groth16-post.json" with { type: "json" };
import snarkpack from "../../fixtures/proofs/snarkpack.json" with { type: "json" };

const entropy = Uint8Array.from({ length: 32 }, (_, i) => i * 29 + 1);
const { g, gAlpha, gBeta, h, hAlpha, hBeta } = snarkpack.srs.verifier;
const srs = fromHex(g + gAlpha + gBeta + h + hAlpha + hBeta);

let key: VerifyingKey;
beforeAll(async () => {
  const module = await loadProofs();
  key = readVerifyingKey(module, fromHex(post.verifyingKeys.window.hex));
});

const statementOf = (one: (typeof snarkpack.cases)[number]): AggregateStatement => ({
  aggregate: fromHex(one.aggregate),
  srs,
  inputs: one.inputs.map((row) => row.map(fromHex)),
  include: fromHex(one.transcriptInclude),
  version: one.version === 1 ? 1 : 2,
});
const flip = (bytes: Uint8Array, bit: number): Uint8Array => {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
};

for (const one of snarkpack.cases) {
  test(`${one.name}: accepted, and with any entropy`, () => {
    expect(key.verifyAggregate(statementOf(one), entropy)).toBe("VALID");
    expect(key.verifyAggregate(statementOf(one), flip(entropy, 5))).toBe("VALID");
  });

  test(`${one.name}: refused with another transcript version, other included bytes, or a changed input`, () => {
    const statement = statementOf(one);
    expect(key.verifyAggregate({ ...statement, version: statement.version === 1 ? 2 : 1 }, entropy)).toBe("INVALID");
    expect(key.verifyAggregate({ ...statement, include: flip(statement.include, 9) }, entropy)).toBe("INVALID");
    statement.inputs.forEach((row, i) => {
      const inputs = statement.inputs.map((other, j) => (i === j ? [flip(row[0]!, 1), ...row.slice(1)] : other));
      expect(key.verifyAggregate({ ...statement, inputs }, entropy)).toBe("INVALID");
    });
  });
}

test("padding by hand equals leaving the repeated rows out", () => {
  const statement = statementOf(snarkpack.cases.find((one) => one.proofs < one.paddedTo)!);
  const last = statement.inputs.at(-1)!;
  const inputs = [...statement.inputs, last, last, last];
  expect(key.verifyAggregate({ ...statement, inputs }, entropy)).toBe("VALID");
  expect(key.verifyAggregate({ ...statement, inputs: [...inputs, last] }, entropy)).toBe("BAD_PROOF_COUNT");
});

test("a flipped bit anywhere is refused: as no element of its group, or by the equations", () => {
  const statement = statementOf(snarkpack.cases[1]!);
  const { aggregate } = statement;
  for (let at = 1; at < aggregate.length; at += 149) {
    const verdict = key.verifyAggregate({ ...statement, aggregate: flip(aggregate, 8 * at) }, entropy);
    expect(["INVALID", "BAD_PROOF_POINT", "BAD_PROOF_COUNT"]).toContain(verdict);
  }
});

test("wrong lengths and counts have their own verdicts", () => {
  const statement = statementOf(snarkpack.cases[0]!);
  const verdict = (changed: Partial<AggregateStatement>): string =>
    key.verifyAggregate({ ...statement, ...changed }, entropy);
  expect(verdict({ aggregate: statement.aggregate.subarray(1) })).toBe("BAD_PROOF_LENGTH");
  expect(verdict({ aggregate: Uint8Array.of(...statement.aggregate, 0) })).toBe("BAD_PROOF_LENGTH");
  expect(verdict({ aggregate: new Uint8Array() })).toBe("BAD_PROOF_LENGTH");
  expect(verdict({ aggregate: flip(statement.aggregate, 8 * 1488) })).toBe("BAD_PROOF_COUNT");
  expect(verdict({ inputs: [] })).toBe("BAD_PROOF_COUNT");
  // Eight proofs are five rows to eight; four rows would be an aggregate of four.
  const eight = statementOf(snarkpack.cases.find((one) => one.proofs < one.paddedTo)!);
  expect(key.verifyAggregate({ ...eight, inputs: eight.inputs.slice(0, 4) }, entropy)).toBe("BAD_PROOF_COUNT");
  expect(verdict({ inputs: [statement.inputs[0]!.slice(1)] })).toBe("BAD_INPUT_COUNT");
});

test("another reference string refuses what this one accepts", () => {
  const statement = statementOf(snarkpack.cases[0]!);
  const exchanged = fromHex(g + gBeta + gAlpha + h + hBeta + hAlpha);
  expect(key.verifyAggregate({ ...statement, srs: exchanged }, entropy)).toBe("INVALID");
});
