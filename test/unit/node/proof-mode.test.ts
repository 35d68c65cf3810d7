/** What a network's description says of its proofs, there and back. */
import { expect, test } from "vitest";
import { type DescribedProofs, proofsOfJson, proofsToJson } from "../../../src/node/proof-mode.ts";

const real: DescribedProofs = {
  mode: "groth16",
  setup: "a seed",
  verifyingKeys: { winning: new Uint8Array(868).fill(1), window: Uint8Array.of(2, 3) },
};

const withSeals: DescribedProofs = { ...real, verifyingKeys: { ...real.verifyingKeys, porep: Uint8Array.of(4) } };

test("all modes come back as they were, and seals are named", () => {
  for (const proofs of [real, withSeals, { mode: "attested" } as const])
    expect(proofsOfJson(JSON.parse(JSON.stringify(proofsToJson(proofs))))).toEqual(proofs);
  expect(proofsToJson(real)["seals"]).toBe("attested");
  expect(proofsToJson(withSeals)["seals"]).toBe("groth16");
});

test("a network that says nothing of seals has attested ones", () => {
  const { seals: _, ...json } = proofsToJson(withSeals);
  expect(proofsOfJson(json)).toEqual(real);
});

test("what is wrong is named", () => {
  const json = proofsToJson(real);
  const { verifyingKeys: keys } = json as { readonly verifyingKeys: object };
  const cases: [Record<string, unknown>, string][] = [
    [{}, "proofs"],
    [{ proofs: "plonk" }, "proofs"],
    [{ ...json, setup: 5 }, "setup"],
    [{ ...json, seals: "plonk" }, "seals"],
    [{ ...json, seals: "groth16" }, "verifyingKeys"],
    [{ ...json, setup: "x".repeat(1025) }, "setup"],
    [{ ...json, verifyingKeys: null }, "verifyingKeys"],
    [{ ...json, verifyingKeys: { ...keys, window: undefined } }, "verifyingKeys"],
    [{ ...json, verifyingKeys: { ...keys, winning: "not base64" } }, "verifyingKeys"],
    [{ ...json, verifyingKeys: { ...keys, winning: "A".repeat(65_540) } }, "verifyingKeys"],
  ];
  for (const [given, wrong] of cases) expect(proofsOfJson(given)).toEqual({ wrong });
});
