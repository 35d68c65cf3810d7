/** Tests of keys and proofs of the network's circuits against bellperson's, for the files that take some circuits each. */
import { sha256 } from "@noble/hashes/sha2.js";
import { beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../../src/base/bytes.ts";
import { loadProofs } from "../../../../src/core/proofs.ts";
import { inThisThread } from "../../../../src/proving/in-thread.ts";
import { makeParams, memorySink } from "../../../../src/proving/snark/make-params.ts";
import { proveOpenings, shapeOfOfficial } from "../../../../src/proving/snark/official.ts";
import { openParams, type ParamsFile } from "../../../../src/proving/snark/params-file.ts";
import type { Setup } from "../../../../src/proving/snark/setup.ts";
import fixture from "../../../fixtures/proofs/circuit-proofs.json" with { type: "json" };
import { setup } from "../../../fixtures/proofs/groth16-prove.json" with { type: "json" };
import { type WitnessCase, witnessBytes } from "../../proofs/circuit-witness.ts";

const module = await loadProofs();
const scheduler = inThisThread();
const { g1, g2, ...numbers } = setup;
const testSetup: Setup = {
  numbers: {
    alpha: fromHex(numbers.alpha),
    beta: fromHex(numbers.beta),
    gamma: fromHex(numbers.gamma),
    delta: fromHex(numbers.delta),
    tau: fromHex(numbers.tau),
  },
  g1: fromHex(g1),
  g2: fromHex(g2),
};

export function describeProofs(circuit: WitnessCase & keyof typeof fixture): void {
  const official = fixture[circuit];
  describe(`the circuit ${circuit} under the crates' test setup`, () => {
    let file: Uint8Array;
    let params: ParamsFile;
    let openings: Uint8Array;
    beforeAll(async () => {
      const sink = memorySink();
      await makeParams(
        scheduler,
        { kind: "official", name: circuit },
        shapeOfOfficial(module, circuit),
        testSetup,
        sink,
      );
      file = sink.bytes();
      params = await openParams({ bytes: file });
      openings = await witnessBytes(circuit);
    }, 3_600_000);

    test("the key is bellperson's", () => {
      expect(file.length).toBe(official.paramsBytes);
      expect(toHex(sha256(file))).toBe(official.paramsSha256);
      expect(toHex(sha256(params.verifyingKey))).toBe(official.vkSha256);
      const { h, l, a, b_g1, b_g2 } = params.queries;
      expect([h, l, a, b_g1, b_g2].map(({ count }) => count)).toEqual([
        official.h,
        official.l,
        official.a,
        official.b,
        official.b,
      ]);
    });

    test("proofs are bellperson's for the same r and s", async () => {
      for (const { r, s, proof } of official.proofs) {
        const blinding = { r: fromHex(r), s: fromHex(s) };
        const made = await proveOpenings(module, scheduler, { circuit, params, openings }, { blinding });
        expect(toHex(made)).toBe(proof);
      }
    }, 3_600_000);

    test("openings that do not hold make no proof, and the constraint is named", async () => {
      const changed = openings.slice();
      const last = changed.length - 32;
      changed[last] = (changed[last] as number) ^ 1;
      await expect(proveOpenings(module, scheduler, { circuit, params, openings: changed })).rejects.toMatchObject({
        data: { code: "UNSATISFIED", where: expect.stringMatching(/ \/ equality$/) },
      });
    }, 600_000);
  });
}
