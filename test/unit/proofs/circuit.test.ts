/** Circuits against the official ones: counts and constraints, and the witnesses of PoSts. */
import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import {
  CircuitRun,
  type CircuitShape,
  circuitDensities,
  circuitShape,
  countCircuit,
  digestCircuit,
} from "../../../src/sector/snark/circuit.ts";
import fixture from "../../fixtures/proofs/circuits.json" with { type: "json" };
import { caught, describeWitness } from "./circuit-witness.ts";

const module = await loadProofs();
/** Larger ones have a test of their own, in Node. */
const small = fixture.shapes.filter(({ constraints }) => constraints < 1e6);

describe("the official circuits", () => {
  test.each(small)("$circuit: inputs, auxiliaries and constraints", ({ circuit, inputs, aux, constraints }) => {
    expect(countCircuit(module, circuitShape(circuit))).toEqual({ inputs, aux, rows: constraints + inputs });
  });

  test.each(small)("$circuit: all constraints, in order", ({ circuit, digest }) => {
    expect(toHex(digestCircuit(module, circuitShape(circuit)))).toBe(digest);
  });
});

describeWitness("winning-2048");
describeWitness("window-2048");

test("shapes that are none, and a run whose place was taken, are refused", () => {
  const shape = circuitShape("winning-2048");
  const bad: CircuitShape[] = [
    { ...shape, nodes: 2 },
    { ...shape, nodes: 128 },
    { ...shape, nodes: 2 ** 32 },
    { ...shape, upper: [3] },
    { ...shape, numbers: [0, 1] },
    { ...shape, numbers: [1, 1 << 20] },
    { ...shape, kind: "porep", numbers: [5, 1] },
    { ...shape, kind: "update", numbers: [0, 1, 7] },
  ];
  for (const one of bad) expect(caught(() => new CircuitRun(module, "count", one)).data.code).toBe("BAD_SHAPE");
  const ended = new CircuitRun(module, "count", shape);
  new CircuitRun(module, "count", shape).finish();
  expect(caught(() => ended.step()).data.code).toBe("BAD_SHAPE");
  expect(caught(() => circuitShape("seal-2048")).data.code).toBe("BAD_SHAPE");
});

test("densities are those of the keys of 2 KiB", () => {
  for (const [name, a, b] of [
    ["winning-2048", 69433, 66793],
    ["window-2048", 16793, 16029],
  ] as const) {
    const density = circuitDensities(module, circuitShape(name));
    expect(density.counts).toEqual(countCircuit(module, circuitShape(name)));
    expect(bits(density.a) + density.counts.inputs).toBe(a);
    expect(bits(density.b) + 1).toBe(b);
  }
});

function bits(map: Uint8Array): number {
  let sum = 0;
  for (let byte of map) for (; byte !== 0; byte &= byte - 1) sum++;
  return sum;
}
