/** Circuits by name: what a job says, and where a worker finds the rows, the densities and the witness. */
import { concat } from "../../base/bytes.ts";
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
import type { SectorStore } from "../../sector/store.ts";
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
import { type Elements, storedElements, type WitnessElements } from "./elements.ts";
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

/** Takes a witness as it is made: bytes of a part, at their place. */
type WitnessSink = (part: "aux" | "a" | "b" | "c", at: number, bytes: Uint8Array) => void;

/** Makes a witness step by step; what a step made was taken when it is done. Returns the inputs. */
function* witnessSteps(
  module: Proofs,
  name: string,
  openings: Uint8Array,
  counts: CircuitCounts,
  { take, report }: { readonly take: WitnessSink; readonly report: OnProgress },
): Generator<void, Uint8Array> {
  const { exports, instance } = module;
  const auxWindow = Math.min(counts.aux, MAX_STEP_ROWS);
  const rowWindow = Math.min(counts.rows, MAX_STEP_ROWS);
  const bytes = openings.length + ELEMENT_BYTES * (counts.inputs + auxWindow + 3 * rowWindow) + 8;
  const at = module.take(bytes);
  try {
    const inputsAt = (at + openings.length + 7) & ~7;
    const auxAt = inputsAt + ELEMENT_BYTES * counts.inputs;
    const rowsAt = [0, 1, 2].map((i) => auxAt + ELEMENT_BYTES * (auxWindow + i * rowWindow)) as [
      number,
      number,
      number,
    ];
    instance.write(at, openings);
    const run = new CircuitRun(module, "witness", circuitShape(name));
    exports.circuitSource(at, openings.length);
    exports.circuitInputs(inputsAt);
    let before: CircuitCounts = { inputs: 0, aux: 0, rows: 0 };
    for (let more = true; more; ) {
      exports.circuitAux(auxAt, auxWindow);
      exports.circuitRows(...rowsAt, rowWindow);
      more = run.step();
      const now = run.counts();
      take("aux", ELEMENT_BYTES * before.aux, instance.view(auxAt, ELEMENT_BYTES * (now.aux - before.aux)));
      (["a", "b", "c"] as const).forEach((part, i) => {
        const values = instance.view(rowsAt[i] as number, ELEMENT_BYTES * (now.rows - before.rows));
        take(part, ELEMENT_BYTES * before.rows, values);
      });
      before = now;
      report({ phase: "witness", done: now.rows, total: counts.rows });
      yield;
    }
    if (exports.circuitSourceLeft() !== 0)
      throw new CircuitError({ code: "BAD_WITNESS" }, "the openings are longer than their circuit's");
    return instance.read(inputsAt, ELEMENT_BYTES * counts.inputs);
  } finally {
    module.give(at, bytes);
  }
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
  const counts = countCircuit(module, circuitShape(name));
  // With room for the whole domain, whose transforms can then be made in place.
  const domain = ELEMENT_BYTES * 2 ** domainBits(counts.rows);
  const rows = (): Uint8Array => newBytes(domain).subarray(0, ELEMENT_BYTES * counts.rows);
  const parts = { aux: newBytes(ELEMENT_BYTES * counts.aux), a: rows(), b: rows(), c: rows() };
  const take: WitnessSink = (part, at, bytes) => parts[part].set(bytes, at);
  const steps = witnessSteps(module, name, openings, counts, { take, report });
  for (;;) {
    const step = steps.next();
    if (step.done !== true) continue;
    const inputs = newBytes(step.value.length);
    inputs.set(step.value);
    return { inputs, ...parts };
  }
}

/** Bytes that are put in one file together. */
const WRITTEN = 2 ** 22;

/** The same into files of a store, named as the parts; the inputs are few. Others have their turn between steps. */
export async function storedWitness(
  name: string,
  openings: Uint8Array,
  store: SectorStore,
  { signal, onProgress = () => undefined }: { readonly signal?: AbortSignal; readonly onProgress?: OnProgress } = {},
): Promise<WitnessElements> {
  // An instance of its own: its windows are large, and others work in the thread's between two steps.
  const module = await loadProofs();
  const counts = countCircuit(module, circuitShape(name));
  // Steps may be short: what they made is held together until it is worth a write.
  const held = { aux: new Held(), a: new Held(), b: new Held(), c: new Held() };
  const flush = async (least: number): Promise<void> => {
    for (const [part, one] of Object.entries(held))
      if (one.length >= least) {
        const { at, bytes } = one.all();
        await store.write(part, at, bytes);
      }
  };
  const take: WitnessSink = (part, _, bytes) => held[part].add(bytes);
  const steps = witnessSteps(module, name, openings, counts, { take, report: onProgress });
  try {
    for (;;) {
      signal?.throwIfAborted();
      const step = steps.next();
      await flush(step.done === true ? 1 : WRITTEN);
      if (step.done !== true) continue;
      const of = (part: keyof typeof held, count: number): Elements =>
        storedElements(store, part, ELEMENT_BYTES * count);
      const { aux, rows } = counts;
      return { inputs: step.value, aux: of("aux", aux), a: of("a", rows), b: of("b", rows), c: of("c", rows) };
    }
  } finally {
    steps.return(new Uint8Array(0));
  }
}

/** Bytes that come one after the other, collected. */
class Held {
  length = 0;
  private parts: Uint8Array[] = [];
  private from = 0;

  add(bytes: Uint8Array): void {
    this.parts.push(bytes.slice());
    this.length += bytes.length;
  }

  /** All of them and where they go; then none are held. */
  all(): { readonly at: number; readonly bytes: Uint8Array } {
    const all = { at: this.from, bytes: concat(...this.parts) };
    this.from += this.length;
    this.parts = [];
    this.length = 0;
    return all;
  }
}
