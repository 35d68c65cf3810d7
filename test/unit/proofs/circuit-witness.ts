/** The tests of circuits' witnesses, for the files that take some circuits each. */
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import {
  type AssignmentAddresses,
  assignCircuit,
  type CircuitCounts,
  CircuitError,
  checkCircuit,
  circuitShape,
  countCircuit,
  locateRow,
} from "../../../src/sector/snark/circuit.ts";
import fixture from "../../fixtures/proofs/circuits.json" with { type: "json" };
import { type SealedAgain, sealCircuitSector, witnessOfPoRep, witnessOfPoSt, witnessOfUpdate } from "./circuits.ts";

const module = await loadProofs();

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

export const caught = (work: () => unknown): CircuitError => {
  try {
    work();
  } catch (error) {
    if (error instanceof CircuitError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

/** Digests of an assignment's numbers, which are left where the packed elements were. */
function digests(at: AssignmentAddresses, counts: CircuitCounts): Record<string, string> {
  const { exports, instance } = module;
  const of = (from: number, count: number): string => {
    exports.unpackElements(from, from, count);
    return module.with(32, (to) => {
      exports.sha256(from, 32 * count, to);
      return toHex(instance.read(to, 32));
    });
  };
  return {
    inputs: of(at.inputs + 32, counts.inputs - 1),
    aux: of(at.aux, counts.aux),
    a: of(at.a, counts.rows),
    b: of(at.b, counts.rows),
    c: of(at.c, counts.rows),
  };
}

const { witnesses } = fixture;
const sealed = new Map<number, SealedAgain>();
for (const one of fixture.sectors) sealed.set(one.number, await sealCircuitSector(module, one));

const cases = {
  "winning-2048": () =>
    witnessOfPoSt(module, "winning", witnesses["winning-2048"].randomness, [sealed.get(11) as SealedAgain]),
  "window-2048": () => witnessOfPoSt(module, "window", witnesses["window-2048"].randomness, [...sealed.values()]),
  "porep-2048": () => witnessOfPoRep(module, sealed.get(11) as SealedAgain, witnesses["porep-2048"].seedSeed),
  "update-2048": () => witnessOfUpdate(module, sealed.get(11) as SealedAgain, witnesses["update-2048"].newDataSeed),
} as const;

/** Changed bits of a witness: the byte's place, and what the first row that fails is said to be part of. */
const changes = {
  "winning-2048": [
    [0, "sector 0 / CommR / equality"],
    [32, "sector 0 / CommR / equality"],
    [64, "sector 0 / CommR / equality"],
    [96, "sector 0 / challenge 0 / equality"],
    [128, "sector 0 / challenge 0 / equality"],
    [136, "sector 0 / challenge 0 / equality"],
    [96 + 40 + 14 * 32 + 96, "sector 1 / challenge 0 / equality"],
  ],
  "window-2048": [
    [96 + 3 * (40 + 14 * 32), "sector 0 / challenge 3 / equality"],
    [96 + 10 * (40 + 14 * 32) + 32, "sector 1 / CommR / equality"],
  ],
  "porep-2048": [
    [0, "challenge 0 / inclusion in tree R / equality"],
    [32, "challenge 0 / inclusion in tree D / equality"],
    [64, "head / CommR / equality"],
    [160, "challenge 0 / inclusion in tree D / equality"],
    [160 + 40 + 6 * 32, "challenge 0 / parent 0 / inclusion in tree C / equality"],
    [160 + 40 + 6 * 32 + 14 * (64 + 8 + 14 * 32), "challenge 0 / inclusion in tree R / equality"],
  ],
  "update-2048": [
    [8, "head / CommR / equality"],
    [40, "inclusion in tree D / equality"],
    [8 + 6 * 32, "inclusion in tree D / equality"],
    [8 + 14 * 32, "challenge 0 / inclusion in tree R / equality"],
    [8 + 15 * 32, "challenge 0 / inclusion in the new tree R / equality"],
    [8 + 44 * 32, "challenge 0 / inclusion in tree D / equality"],
  ],
} as const;

export type WitnessCase = keyof typeof cases;

/** The openings of a case as bytes. */
export const witnessBytes = (name: WitnessCase): Promise<Uint8Array> => cases[name]();

/** Tests of the witness of a circuit: equal to the official one, and what becomes of changed ones. */
export function describeWitness(name: WitnessCase): void {
  describe(`the witness of ${name}`, () => testWitness(name));
}

function testWitness(name: WitnessCase): void {
  const shape = circuitShape(name);
  const counts = countCircuit(module, shape);
  let witness: Uint8Array;
  beforeAll(async () => {
    witness = await cases[name]();
  });

  const withRoom = <T>(work: (at: AssignmentAddresses) => T): T => {
    const at = take(counts);
    try {
      return work(at);
    } finally {
      give(at, counts);
    }
  };

  test("is the official one, with the values of all rows, and satisfies the circuit", () => {
    const { inputs, aux, a, b, c } = witnesses[name];
    withRoom((at) => {
      assignCircuit(module, { shape, witness, counts }, at);
      expect(checkCircuit(module, shape, at)).toEqual(counts);
      expect(digests(at, counts)).toEqual({ inputs, aux, a, b, c });
    });
  });

  test("fails at the first row that a changed bit breaks", () => {
    withRoom((at) => {
      for (const [place, path] of changes[name]) {
        const changed = witness.slice();
        changed[place] = (changed[place] as number) ^ 1;
        assignCircuit(module, { shape, witness: changed, counts }, at);
        const error = caught(() => checkCircuit(module, shape, at));
        expect(error.data).toMatchObject({ code: "UNSATISFIED", path });
        if (error.data.code === "UNSATISFIED") expect(locateRow(module, shape, error.data.row)).toBe(path);
      }
    });
  });

  test("fails wherever one auxiliary or input is another", () => {
    withRoom((at) => {
      assignCircuit(module, { shape, witness, counts }, at);
      const places = [0.3, 0.7].map((part) => at.aux + 32 * Math.floor(part * counts.aux));
      for (const place of [...places, at.inputs + 32, at.inputs + 32 * (counts.inputs - 1)]) {
        const kept = module.instance.read(place, 32);
        const other = kept.slice();
        other[0] = (other[0] as number) ^ 1;
        module.instance.write(place, other);
        expect(caught(() => checkCircuit(module, shape, at)).data.code).toBe("UNSATISFIED");
        module.instance.write(place, kept);
      }
    });
  });

  test("is refused when it is cut, too long, or holds what is no element", () => {
    const bad = [witness.subarray(0, -1), Uint8Array.of(...witness, 0), witness.slice().fill(255, 32, 64)];
    withRoom((at) => {
      for (const one of bad)
        expect(caught(() => assignCircuit(module, { shape, witness: one, counts }, at)).data.code).toBe("BAD_WITNESS");
    });
  });

  test("never writes beyond its windows", () => {
    withRoom((at) => {
      const less = { ...counts, rows: counts.rows - 1 };
      const last = at.c + 32 * less.rows;
      module.instance.write(last, new Uint8Array(32).fill(0xa5));
      expect(caught(() => assignCircuit(module, { shape, witness, counts: less }, at)).data.code).toBe("WINDOW_FULL");
      expect(module.instance.read(last, 32)).toEqual(new Uint8Array(32).fill(0xa5));
      expect(
        caught(() => assignCircuit(module, { shape, witness, counts: { ...counts, aux: counts.aux - 1 } }, at)).data
          .code,
      ).toBe("WINDOW_FULL");
    });
  });
}
