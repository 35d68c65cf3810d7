/**
 * Proofs of the network's circuits: from the openings of a vanilla proof to 192 bytes, one partition at a time.
 */
import type { Proofs } from "../../core/proofs.ts";
import type { Scheduler } from "../scheduler.ts";
import { domainBits, type Shape } from "./circuit.ts";
import { officialRowName, officialShape, storedWitness } from "./circuits.ts";
import { ELEMENT_BYTES, memoryLimit } from "./kernel.ts";
import type { ParamsFile } from "./params-file.ts";
import { heldBytes, memoryOf, type ProveOptions, proveStored, proveWitness } from "./prove.ts";
import { leastPagedBytes, pagedQuotientDisk } from "./quotient.ts";
import { openScratch } from "./scratch.ts";

/** Shapes that were used last; each costs a run of its circuit, and they never change. */
const shapes = new Map<string, Shape>();
const MOST_SHAPES = 4;

/** Counts and densities of a circuit, kept for the next proof. */
export function shapeOfOfficial(module: Proofs, name: string, signal?: AbortSignal): Shape {
  return keep(name, shapes.get(name) ?? officialShape(module, name, signal));
}

function keep(name: string, shape: Shape): Shape {
  shapes.delete(name);
  shapes.set(name, shape);
  for (const oldest of shapes.keys()) {
    if (shapes.size <= MOST_SHAPES) break;
    shapes.delete(oldest);
  }
  return shape;
}

/** The same, by a worker: a run of a circuit keeps a thread for a tenth of a second and more. */
export async function shapeBy(scheduler: Scheduler, name: string, signal?: AbortSignal): Promise<Shape> {
  const kept = shapes.get(name);
  if (kept !== undefined) return kept;
  return keep(
    name,
    await scheduler.run({ kind: "circuit-shape", circuit: name }, signal === undefined ? {} : { signal }),
  );
}

/** A circuit by name ("window-2048"), its parameters, and the bytes of the openings (`sector/snark/witness.ts`). */
export type OpeningsRequest = {
  readonly circuit: string;
  readonly params: ParamsFile;
  readonly openings: Uint8Array;
};

/**
 * Proves one partition; the proof was verified. Errors: `BAD_SHAPE`, `BAD_WITNESS`, and those of `proveWitness`; `UNSATISFIED`
 * names the first constraint that does not hold.
 */
export async function proveOpenings(
  module: Proofs,
  scheduler: Scheduler,
  { circuit, params, openings }: OpeningsRequest,
  options: ProveOptions = {},
): Promise<Uint8Array> {
  const { signal, onProgress } = options;
  const shape = await shapeBy(scheduler, circuit, signal);
  const limits = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  const rowName = (row: number): string => officialRowName(module, circuit, row);
  const memoryBytes = memoryOf(options);
  const { scratch } = options;
  const witnessBytes = ELEMENT_BYTES * (shape.aux + 3 * 2 ** domainBits(shape.rows));
  if (scratch !== undefined && witnessBytes + heldBytes(shape, true) > memoryBytes) {
    const bits = domainBits(shape.rows);
    const least = leastPagedBytes(scheduler, bits);
    if (least > memoryBytes) throw memoryLimit(least, memoryBytes);
    const { store, close } = await openScratch(scratch, pagedQuotientDisk(bits) + ELEMENT_BYTES * shape.aux);
    try {
      const witness = await storedWitness(circuit, openings, store, limits);
      const work = { params, shape, witness, store };
      return await proveStored(module, scheduler, work, { rowName, ...options, memoryBytes });
    } finally {
      await close();
    }
  }
  const job = { kind: "circuit-witness", circuit, openings: { bytes: openings } } as const;
  const witness = await scheduler.run(job, limits);
  return proveWitness(module, scheduler, params, shape, witness, { rowName, ...options, ownsWitness: true });
}
