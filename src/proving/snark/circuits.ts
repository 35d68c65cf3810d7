/** Circuits by name: what a job says, and where a worker finds the rows, the densities and the witness. */
import { loadProofs, type Proofs } from "../../core/proofs.ts";
import {
  type CircuitCounts,
  CircuitError,
  CircuitRun,
  circuitDensities,
  circuitShape,
  countCircuit,
  locateRow,
  MAX_STEP_ROWS,
  MAX_STEP_TERM_BYTES,
} from "../../sector/snark/circuit.ts";
import type { OnProgress } from "../source.ts";
import {
  type CircuitName,
  type CircuitRows,
  domainBits,
  newBytes,
  type Shape,
  type Terms,
  type Witness,
} from "./circuit.ts";
import { ELEMENT_BYTES } from "./kernel.ts";

/** The rows of a circuit as terms, in order. */
export async function circuitTerms(circuit: CircuitName): Promise<CircuitRows> {
  if (circuit.kind === "plain") return { counts: circuit.counts, blocks: circuit.terms };
  // An instance of its own: the key maker works in another between two steps.
  const module = await loadProofs();
  return { counts: countCircuit(module, circuitShape(circuit.name)), blocks: steps(module, circuit.name) };
}

function* steps(module: Proofs, name: string): Generator<Terms> {
  const window = module.take(MAX_STEP_TERM_BYTES);
  try {
    const run = new CircuitRun(module, "terms", circuitShape(name));
    for (let more = true, before = 0; more; ) {
      module.exports.circuitTerms(window, MAX_STEP_TERM_BYTES);
      more = run.step();
      const { rows } = run.counts();
      const length = (module.exports.circuitTermsEnd() >>> 0) - window;
      yield { rows: rows - before, bytes: module.instance.read(window, length) };
      before = rows;
    }
  } finally {
    module.give(window, MAX_STEP_TERM_BYTES);
  }
}

/** Counts and densities of one of the network's circuits: "winning-2048", "porep-34359738368". Throws `BAD_SHAPE`. */
export function officialShape(module: Proofs, name: string, signal?: AbortSignal): Shape {
  const { counts, a, b } = circuitDensities(module, circuitShape(name), signal);
  const bInputs = new Uint8Array((counts.inputs + 7) >> 3);
  bInputs[0] = 1;
  return { ...counts, aAux: a, bAux: b, bInputs };
}

/** What row `row` of one of the network's circuits is, for errors. */
export function officialRowName(module: Proofs, name: string, row: number): string {
  return locateRow(module, circuitShape(name), row);
}

/**
 * The witness of one of the network's circuits and the values of its rows, from the bytes of a vanilla proof's openings
 * (`sector/snark/witness.ts`). Of the module's memory it takes windows for one step. Throws `BAD_WITNESS`.
 */
export function officialWitness(
  module: Proofs,
  name: string,
  openings: Uint8Array,
  report: OnProgress = () => undefined,
): Witness {
  const { exports, instance } = module;
  const shape = circuitShape(name);
  const counts = countCircuit(module, shape);
  const [inputs, aux] = [newBytes(ELEMENT_BYTES * counts.inputs), newBytes(ELEMENT_BYTES * counts.aux)];
  // With room for the whole domain, whose transforms can then be made in place.
  const domain = ELEMENT_BYTES * 2 ** domainBits(counts.rows);
  const rows = (): Uint8Array => newBytes(domain).subarray(0, ELEMENT_BYTES * counts.rows);
  const [a, b, c] = [rows(), rows(), rows()];
  const auxWindow = Math.min(counts.aux, MAX_STEP_ROWS);
  const rowWindow = Math.min(counts.rows, MAX_STEP_ROWS);
  const bytes = openings.length + ELEMENT_BYTES * (counts.inputs + auxWindow + 3 * rowWindow) + 8;
  return module.with(bytes, (at) => {
    const inputsAt = (at + openings.length + 7) & ~7;
    const auxAt = inputsAt + ELEMENT_BYTES * counts.inputs;
    const rowsAt = [0, 1, 2].map((i) => auxAt + ELEMENT_BYTES * (auxWindow + i * rowWindow)) as [
      number,
      number,
      number,
    ];
    instance.write(at, openings);
    const run = new CircuitRun(module, "witness", shape);
    exports.circuitSource(at, openings.length);
    exports.circuitInputs(inputsAt);
    let before: CircuitCounts = { inputs: 0, aux: 0, rows: 0 };
    for (let more = true; more; ) {
      exports.circuitAux(auxAt, auxWindow);
      exports.circuitRows(...rowsAt, rowWindow);
      more = run.step();
      const now = run.counts();
      aux.set(instance.view(auxAt, ELEMENT_BYTES * (now.aux - before.aux)), ELEMENT_BYTES * before.aux);
      [a, b, c].forEach((out, i) => {
        const from = rowsAt[i] as number;
        out.set(instance.view(from, ELEMENT_BYTES * (now.rows - before.rows)), ELEMENT_BYTES * before.rows);
      });
      before = now;
      report({ phase: "witness", done: now.rows, total: counts.rows });
    }
    if (exports.circuitSourceLeft() !== 0)
      throw new CircuitError({ code: "BAD_WITNESS" }, "the openings are longer than their circuit's");
    inputs.set(instance.view(inputsAt, inputs.length));
    return { inputs, aux, a, b, c };
  });
}
