/**
 * A Groth16 proof from a witness and a parameter file: sums over the five queries, cut into jobs, and the quotient's
 * transforms. The proof is verified before it is handed out.
 *
 * The bytes depend on the witness, the key, r and s alone: each point of a proof is one canonical affine point, whatever
 * the windows and workers were. Source: bellperson groth16/prover/native.rs.
 */
import { checkNumber } from "../../base/options.ts";
import type { Proofs } from "../../core/proofs.ts";
import type { SectorStore } from "../../sector/store.ts";
import type { Scheduler } from "../scheduler.ts";
import { domainBits, popcount, type Shape, type Witness } from "./circuit.ts";
import { type Elements, heldElements } from "./elements.ts";
import { ELEMENT_BYTES, memoryLimit, SnarkError } from "./kernel.ts";
import { makeProof, type ProveOptions, type Work } from "./make-proof.ts";
import type { ParamsFile, QueryName } from "./params-file.ts";
import { haveRoom, leastPagedBytes, pagedQuotient, pagedQuotientDisk, quotient, quotientBytes } from "./quotient.ts";
import { bPoints } from "./r1cs.ts";
import { openScratch } from "./scratch.ts";

export type { ProveOptions } from "./make-proof.ts";

/**
 * `ownsWitness`: the witness is the prover's, which overwrites what of it is not needed any more, and what lies behind its rows up
 * to the domain's length. By default it stays as it is.
 */
type WitnessOptions = ProveOptions & { readonly ownsWitness?: boolean };

/** The limit of memory where there is scratch space and nobody names one. */
const SCRATCH_MEMORY = 2 ** 30;

/** Throws `WRONG_KEY` unless the key's counts are those of the circuit. */
function checkKey(params: ParamsFile, shape: Shape): void {
  const b = bPoints(shape);
  const expected: Readonly<Record<QueryName, number>> = {
    h: 2 ** domainBits(shape.rows) - 1,
    l: shape.aux,
    a: shape.inputs + popcount(shape.aAux),
    b_g1: b,
    b_g2: b,
  };
  const compare = (what: string, found: number, wanted: number): void => {
    if (found !== wanted)
      throw new SnarkError(
        { code: "WRONG_KEY", what, found, expected: wanted },
        `the key has ${found} points in ${what}, the circuit takes ${wanted}: it is another circuit's key`,
      );
  };
  compare("ic", params.inputs, shape.inputs);
  for (const { name, count } of Object.values(params.queries)) compare(name, count, expected[name]);
}

function checkWitness(shape: Shape, witness: Witness): void {
  const check = (what: keyof Witness, count: number): void => {
    if (witness[what].length !== count * ELEMENT_BYTES)
      throw new SnarkError(
        { code: "BAD_WITNESS", what },
        `${witness[what].length} bytes of ${what}, the circuit has ${count} elements`,
      );
  };
  check("inputs", shape.inputs);
  check("aux", shape.aux);
  for (const part of ["a", "b", "c"] as const) check(part, shape.rows);
}

/**
 * Makes and verifies a proof: 192 bytes. The witness's arrays may lie in shared memory, then workers of this machine do not copy them.
 * With `scratch`, vectors that `memoryBytes` has no room for go there.
 *
 * Errors: `UNSATISFIED` (before anything is summed), `WRONG_KEY`, `BAD_WITNESS`, `PARAMS_POINT`, `PROOF_INVALID`, `MEMORY_LIMIT`,
 * `SCRATCH_SPACE`, `SCRATCH_FAILED`, those of jobs; the signal's reason.
 */
export async function proveWitness(
  module: Proofs,
  scheduler: Scheduler,
  params: ParamsFile,
  shape: Shape,
  witness: Witness,
  options: WitnessOptions = {},
): Promise<Uint8Array> {
  const memoryBytes = memoryOf(options);
  checkKey(params, shape);
  checkWitness(shape, witness);
  const bits = domainBits(shape.rows);
  const rows = [witness.a, witness.b, witness.c] as const;
  const ownsRows = options.ownsWitness === true;
  const needed = heldBytes(shape, ownsRows && haveRoom(rows, bits));
  const { inputs } = witness;
  const [aux, a, b, c] = [witness.aux, ...rows].map(heldElements) as [Elements, Elements, Elements, Elements];
  const parts = { params, shape, witness: { inputs, aux, a, b, c } };
  if (needed <= memoryBytes)
    return makeProof(
      module,
      scheduler,
      {
        ...parts,
        coefficients: async (limits) => heldElements(await quotient(scheduler, rows, bits, { ...limits, ownsRows })),
        early: bits <= 16,
        jobBytes: Number.POSITIVE_INFINITY,
      },
      options,
    );
  if (options.scratch === undefined) throw memoryLimit(needed, memoryBytes, SCRATCH_HINT);
  const least = leastPagedBytes(scheduler, bits);
  if (least > memoryBytes) throw memoryLimit(least, memoryBytes);
  const { store, close } = await openScratch(options.scratch, pagedQuotientDisk(bits));
  try {
    const coefficients: Work["coefficients"] = (limits) =>
      pagedQuotient(scheduler, store, rows, bits, { ...limits, memoryBytes });
    return await makeProof(module, scheduler, { ...parts, coefficients, early: false, jobBytes: memoryBytes }, options);
  } finally {
    await close();
  }
}

const SCRATCH_HINT = "; with scratch space (a folder) it is done in less";

/** The limit of an option, checked. */
export function memoryOf({ memoryBytes, scratch }: ProveOptions): number {
  const bytes = memoryBytes ?? (scratch === undefined ? Number.POSITIVE_INFINITY : SCRATCH_MEMORY);
  checkNumber("memoryBytes", bytes, [0, Number.POSITIVE_INFINITY]);
  return bytes;
}

/** Bytes that proving holds besides the witness, with all vectors in memory; `inPlace`: the rows become some of them. */
export function heldBytes(shape: Shape, inPlace: boolean): number {
  const bits = domainBits(shape.rows);
  return quotientBytes(bits, inPlace) + ELEMENT_BYTES * 2 ** bits;
}

/**
 * A proof whose rows and auxiliaries lie in files of a store, rows in those of `ROW_FILES`, which it takes. Errors: as of
 * `proveWitness`.
 */
export async function proveStored(
  module: Proofs,
  scheduler: Scheduler,
  { params, shape, witness, store }: Pick<Work, "params" | "shape" | "witness"> & { readonly store: SectorStore },
  options: ProveOptions & { readonly memoryBytes: number },
): Promise<Uint8Array> {
  checkKey(params, shape);
  const bits = domainBits(shape.rows);
  const { memoryBytes } = options;
  const coefficients: Work["coefficients"] = (limits) =>
    pagedQuotient(scheduler, store, null, bits, { ...limits, memoryBytes });
  const work = { params, shape, witness, coefficients, early: false, jobBytes: memoryBytes };
  return makeProof(module, scheduler, work, options);
}
