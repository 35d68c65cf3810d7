/** The circuits of PoReps and updates, and those of 32 and 64 GiB sectors, against the official ones. */
import { expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { circuitShape, countCircuit, digestCircuit } from "../../../src/sector/snark/circuit.ts";
import fixture from "../../fixtures/proofs/circuits.json" with { type: "json" };
import { describeWitness } from "./circuit-witness.ts";

const module = await loadProofs();
const large = fixture.shapes.filter(({ constraints }) => constraints >= 1e6);

test.each(large)("$circuit: inputs, auxiliaries and constraints", ({ circuit, inputs, aux, constraints }) => {
  expect(countCircuit(module, circuitShape(circuit))).toEqual({ inputs, aux, rows: constraints + inputs });
});

const digested = large.flatMap(({ circuit, digest }) => (digest === undefined ? [] : [{ circuit, digest }]));
test.each(digested)("$circuit: all constraints, in order", ({ circuit, digest }) => {
  expect(toHex(digestCircuit(module, circuitShape(circuit)))).toBe(digest);
});

describeWitness("porep-2048");
describeWitness("update-2048");
