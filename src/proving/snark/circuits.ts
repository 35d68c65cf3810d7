/** Circuits by name: what a job says, and where a worker finds the rows. */
import type { Counts, Terms } from "./circuit.ts";
import type { CircuitRows } from "./key-numbers.ts";

/** A circuit given by its rows; for small ones, and other people's. */
export type PlainCircuit = { readonly kind: "plain"; readonly counts: Counts; readonly terms: readonly Terms[] };

export type CircuitName = PlainCircuit;

/** The rows of a circuit as terms, in order. */
export async function circuitTerms(circuit: CircuitName): Promise<CircuitRows> {
  return { counts: circuit.counts, blocks: circuit.terms };
}
