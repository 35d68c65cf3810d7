/**
 * The network's circuits, run in the proof module: counts, digest, densities, witness, check. What the numbers and windows
 * mean stands in `assembly/proofs/circuit/contract.ts`; this is its twin.
 */
import { FilError } from "../../base/errors.ts";
import type { Proofs } from "../../core/proofs.ts";
import { type SectorParams, sectorParams } from "../params.ts";
import { WINDOW_LEAVES, WINNING_LEAVES } from "../post/post-proof.ts";
import { updateParams } from "../update/update.ts";

export type CircuitErrorData =
  /** No circuit has this shape. */
  | { readonly code: "BAD_SHAPE" }
  /** A witness of the wrong length, with a number that is no element, or an index out of range. */
  | { readonly code: "BAD_WITNESS" }
  /** A window that is too small; the caller's fault. */
  | { readonly code: "WINDOW_FULL" }
  /** The witness does not satisfy the circuit: the first row that fails, and where it stands. */
  | { readonly code: "UNSATISFIED"; readonly row: number; readonly path: string };

export class CircuitError extends FilError<CircuitErrorData> {}

const KINDS = { post: 1, porep: 2, update: 3 } as const;
const USES = { witness: 0, count: 1, locate: 2, density: 3, digest: 4, terms: 5, check: 6 } as const;

export type CircuitUse = keyof typeof USES;

/** Bytes of a packed element. */
export const ELEMENT_BYTES = 32;
/** Most rows, and most auxiliaries, of one step; most bytes of its terms. */
export const MAX_STEP_ROWS = 2 ** 21;
export const MAX_STEP_TERM_BYTES = 2 ** 27;

/** Parts of a path, in the order of `assembly/proofs/circuit/path.ts`; those marked # come with a number. */
export const PATH_NAMES = [
  "sector#",
  "challenge#",
  "CommR",
  "inclusion in tree D",
  "inclusion in tree C",
  "inclusion in tree R",
  "row#",
  "index",
  "insertion",
  "Poseidon of#",
  "SHA-256",
  "block#",
  "bits#",
  "packing",
  "equality",
  "head",
  "parent#",
  "column",
  "label#",
  "encoding",
  "selection",
  "phi",
  "CommR new",
  "apex node#",
  "digest#",
  "rho",
  "inclusion in the new tree R",
  "input#",
] as const;

const MAX_PATH_BYTES = 128;
const SHAPE_WORDS = 7;

/** What fixes a circuit; by the sector's size and the kind of proof. */
export type CircuitShape = {
  readonly kind: keyof typeof KINDS;
  readonly nodes: number;
  /** Arities of the upper parts of Poseidon trees. */
  readonly upper: readonly number[];
  /** PoSt: sectors, challenges of each. PoRep: layers, challenges. Update: log2 partitions, challenges, apex leaves. */
  readonly numbers: readonly number[];
};

/** A winning PoSt is one sector's leaves as so many sectors of one leaf. */
export function postShape(params: SectorParams, kind: "winning" | "window"): CircuitShape {
  const { nodes, upper, windowSectors } = params;
  return {
    kind: "post",
    nodes,
    upper,
    numbers: kind === "winning" ? [WINNING_LEAVES, 1] : [windowSectors, WINDOW_LEAVES],
  };
}

/** One partition; of non-interactive and synthetic proofs too. */
export function porepShape(params: SectorParams): CircuitShape {
  const { nodes, upper, layers, porepChallenges } = params;
  return { kind: "porep", nodes, upper, numbers: [layers, porepChallenges] };
}

/** One partition. */
export function updateShape(params: SectorParams): CircuitShape {
  const { partitions, challenges, apexLeaves } = updateParams(params);
  const { nodes, upper } = params;
  return { kind: "update", nodes, upper, numbers: [Math.log2(partitions), challenges, apexLeaves] };
}

/** The shape of a named circuit, as keys are named: "winning-2048", "porep-34359738368". Throws `BAD_SHAPE`. */
export function circuitShape(name: string): CircuitShape {
  const [kind, bytes] = name.split("-");
  const params = sectorParams(Number(bytes));
  if (kind === "winning" || kind === "window") return postShape(params, kind);
  if (kind === "porep") return porepShape(params);
  if (kind === "update") return updateShape(params);
  throw new CircuitError({ code: "BAD_SHAPE" }, `no circuit is named ${name}`);
}

export type CircuitCounts = {
  /** Inputs, the constant included. */
  readonly inputs: number;
  readonly aux: number;
  /** Rows, those of the inputs included; without them they are the constraints. */
  readonly rows: number;
};

/** Where a witness goes: addresses in the module's memory for so many packed elements. */
export type AssignmentAddresses = {
  readonly inputs: number;
  readonly aux: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
};

/** One run of a circuit, step by step. Another run in the same module ends it. */
export class CircuitRun {
  readonly module: Proofs;
  readonly shape: CircuitShape;
  private done = false;

  /** Throws `BAD_SHAPE`. */
  constructor(module: Proofs, use: CircuitUse, shape: CircuitShape) {
    this.module = module;
    this.shape = shape;
    const [sub = 0, top = 0] = shape.upper;
    const words = Uint32Array.of(KINDS[shape.kind], Math.log2(shape.nodes), sub, top, 0, 0, 0);
    words.set(shape.numbers, 4);
    const began = module.with(4 * SHAPE_WORDS, (at) => {
      module.instance.write(at, new Uint8Array(words.buffer));
      return module.exports.circuitBegin(USES[use], at);
    });
    if (began !== 0) throw new CircuitError({ code: "BAD_SHAPE" }, `there is no ${shape.kind} circuit of this shape`);
  }

  /** Runs the next step; false after the last. Throws `BAD_WITNESS`, `WINDOW_FULL`, `UNSATISFIED`. */
  step(): boolean {
    if (this.done) return false;
    const code = this.module.exports.circuitStep();
    this.done = code <= 0;
    if (code >= 0) return code === 1;
    if (code === -2)
      throw new CircuitError({ code: "BAD_WITNESS" }, "the witness is cut short, or holds a number out of range");
    if (code === -3) throw new CircuitError({ code: "WINDOW_FULL" }, "a window of the circuit's run is too small");
    if (code === -4) throw this.unsatisfied();
    throw new CircuitError({ code: "BAD_SHAPE" }, "another run has taken this one's place");
  }

  /** Runs to the end. */
  finish(signal?: AbortSignal): CircuitCounts {
    while (this.step()) signal?.throwIfAborted();
    return this.counts();
  }

  /** Counts so far. */
  counts(): CircuitCounts {
    const { module } = this;
    return module.with(12, (at) => {
      module.exports.circuitCounts(at);
      const [inputs = 0, aux = 0, rows = 0] = words(module.instance.read(at, 12));
      return { inputs, aux, rows };
    });
  }

  /** Where the row stands that was sought, or that failed. */
  path(): string {
    const { module } = this;
    return module.with(MAX_PATH_BYTES, (at) => {
      const parts = module.exports.circuitPath(at);
      return spellPath(words(module.instance.read(at, 8 * parts)));
    });
  }

  private unsatisfied(): CircuitError {
    const { module } = this;
    const row = module.exports.circuitFailedRow() >>> 0;
    const path = this.path();
    return new CircuitError(
      { code: "UNSATISFIED", row, path },
      `the witness does not satisfy the circuit: constraint ${row}, ${path}`,
    );
  }
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

function spellPath(parts: Uint32Array): string {
  const out: string[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const name = PATH_NAMES[parts[i] as number] ?? "?";
    out.push(name.endsWith("#") ? `${name.slice(0, -1)} ${parts[i + 1]}` : name);
  }
  return out.join(" / ");
}

/** Counts of a circuit, without building it. */
export function countCircuit(module: Proofs, shape: CircuitShape): CircuitCounts {
  return new CircuitRun(module, "count", shape).finish();
}

/** Where row `row` stands in a circuit, for people; without building it. */
export function locateRow(module: Proofs, shape: CircuitShape, row: number): string {
  const run = new CircuitRun(module, "locate", shape);
  module.exports.circuitLocate(row);
  run.finish();
  return run.path();
}

/** SHA-256 over all rows in canonical form. */
export function digestCircuit(module: Proofs, shape: CircuitShape, signal?: AbortSignal): Uint8Array {
  new CircuitRun(module, "digest", shape).finish(signal);
  return module.with(32, (at) => {
    module.exports.circuitDigest(at);
    return module.instance.read(at, 32);
  });
}

/** Which auxiliaries occur in A rows and in B rows: bitmaps, lowest bit first. */
export function circuitDensities(
  module: Proofs,
  shape: CircuitShape,
  signal?: AbortSignal,
): { readonly counts: CircuitCounts; readonly a: Uint8Array; readonly b: Uint8Array } {
  const bytes = Math.ceil(countCircuit(module, shape).aux / 8);
  return module.with(2 * bytes, (at) => {
    module.instance.wipe(at, 2 * bytes);
    const run = new CircuitRun(module, "density", shape);
    module.exports.circuitDensity(at, at + bytes);
    const counts = run.finish(signal);
    if (module.exports.circuitInputDensity() !== 1) throw new Error("an input besides the constant occurs in a B row");
    return { counts, a: module.instance.read(at, bytes), b: module.instance.read(at + bytes, bytes) };
  });
}

export type WitnessRequest = {
  readonly shape: CircuitShape;
  /** Bytes as of `witness.ts`. */
  readonly witness: Uint8Array;
  /** Those of the shape: the room at the addresses. */
  readonly counts: CircuitCounts;
};

/**
 * Writes a whole witness: inputs, auxiliaries, and the values of all rows, to addresses with room for `counts` of them.
 * Throws `BAD_WITNESS`, also for bytes left over.
 */
export function assignCircuit(
  module: Proofs,
  { shape, witness, counts }: WitnessRequest,
  to: AssignmentAddresses,
  signal?: AbortSignal,
): void {
  module.with(witness.length, (source) => {
    module.instance.write(source, witness);
    const run = new CircuitRun(module, "witness", shape);
    module.exports.circuitSource(source, witness.length);
    module.exports.circuitInputs(to.inputs);
    module.exports.circuitAux(to.aux, counts.aux);
    module.exports.circuitRows(to.a, to.b, to.c, counts.rows);
    run.finish(signal);
    if (module.exports.circuitSourceLeft() !== 0)
      throw new CircuitError({ code: "BAD_WITNESS" }, "the witness is longer than its circuit");
  });
}

/** Checks every row over the assignment at the addresses. Throws `UNSATISFIED`, which names the first that fails. */
export function checkCircuit(
  module: Proofs,
  shape: CircuitShape,
  { inputs, aux }: Pick<AssignmentAddresses, "inputs" | "aux">,
  signal?: AbortSignal,
): CircuitCounts {
  const run = new CircuitRun(module, "check", shape);
  module.exports.circuitAssignment(inputs, aux);
  return run.finish(signal);
}
