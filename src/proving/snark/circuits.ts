/** Circuits by name: what a job says, and where a worker finds the rows. */
import type { CircuitName, CircuitRows } from "./circuit.ts";

/** The rows of a circuit as terms, in order. */
export async function circuitTerms(circuit: CircuitName): Promise<CircuitRows> {
  return { counts: circuit.counts, blocks: circuit.terms };
}
