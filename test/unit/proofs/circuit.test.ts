/** Circuits against the official ones: counts and constraints; witnesses that satisfy them, and changed ones that do not. */
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { ProofModule } from "../../../src/core/proof-module.ts";
import type { ProofExports } from "../../../src/sector/kernel.ts";
import {
  type AssignmentAddresses,
  assignCircuit,
  type CircuitCounts,
  CircuitError,
  type CircuitExports,
  CircuitRun,
  checkCircuit,
  circuitDensities,
  circuitShape,
  countCircuit,
  digestCircuit,
} from "../../../src/sector/snark/circuit.ts";
import fixture from "../../fixtures/proofs/circuits.json" with { type: "json" };
import { type CircuitSector, sealCircuitSector, witnessOfPoRep, witnessOfPoSt, witnessOfUpdate } from "./circuits.ts";

const module = await ProofModule.load<ProofExports & CircuitExports>();

describe("the official circuits", () => {
  test.each(fixture.shapes)(
    "$circuit: inputs, auxiliaries and constraints",
    ({ circuit, inputs, aux, constraints }) => {
      expect(countCircuit(module, circuitShape(circuit))).toEqual({ inputs, aux, rows: constraints + inputs });
    },
  );

  const digested = fixture.shapes.flatMap(({ circuit, digest }) => (digest === undefined ? [] : [{ circuit, digest }]));
  test.each(digested)("$circuit: all constraints, in order", ({ circuit, digest }) => {
    expect(toHex(digestCircuit(module, circuitShape(circuit)))).toBe(digest);
  });
});

/** Room for a whole assignment. */
function take(counts: CircuitCounts): AssignmentAddresses {
  const [inputs, aux, rows] = [32 * counts.inputs, 32 * counts.aux, 32 * counts.rows];
  return {
    inputs: module.take(inputs),
    aux: module.take(aux),
    a: module.take(rows),
    b: module.take(rows),
    c: module.take(rows),
  };
}

function give(at: AssignmentAddresses, counts: CircuitCounts): void {
  for (const [address, count] of [
    [at.c, counts.rows],
    [at.b, counts.rows],
    [at.a, counts.rows],
    [at.aux, counts.aux],
    [at.inputs, counts.inputs],
  ] as const)
    module.give(address, 32 * count);
}

const caught = (work: () => unknown): CircuitError => {
  try {
    work();
  } catch (error) {
    if (error instanceof CircuitError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe.each(["winning", "window", "porep", "update"] as const)("a %s witness of 2 KiB", (kind) => {
  const name = `${kind}-2048`;
  const shape = circuitShape(name);
  const counts = countCircuit(module, shape);
  let witness: Uint8Array;
  beforeAll(async () => {
    const numbers = kind === "window" ? [11, 12] : [11];
    const sectors = await Promise.all(
      (fixture.sectors as CircuitSector[])
        .filter(({ number }) => numbers.includes(number))
        .map((one) => sealCircuitSector(module, one)),
    );
    const one = sectors[0]!;
    if (kind === "porep") witness = await witnessOfPoRep(module, one, 41102);
    else if (kind === "update") witness = await witnessOfUpdate(module, one, 41401);
    else witness = await witnessOfPoSt(module, kind, fixture.randomness[kind], sectors);
  });

  test("satisfies the circuit", () => {
    const at = take(counts);
    assignCircuit(module, shape, witness, counts, at);
    expect(checkCircuit(module, shape, at.inputs, at.aux)).toEqual(counts);
    give(at, counts);
  });
});
