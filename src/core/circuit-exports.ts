/** What `assembly/entry/proofs-circuit.ts` exports; `assembly/proofs/circuit/contract.ts` says what it means. */
import type { ExportKinds } from "./instance.ts";

export type CircuitExports = {
  circuitBegin(use: number, shape: number): number;
  circuitSource(at: number, bytes: number): void;
  circuitSourceLeft(): number;
  circuitInputs(at: number): void;
  circuitRows(a: number, b: number, c: number, rows: number): void;
  circuitAux(aux: number, count: number): void;
  circuitDensity(a: number, b: number): void;
  circuitInputDensity(): number;
  circuitTerms(at: number, bytes: number): void;
  circuitTermsEnd(): number;
  circuitAssignment(inputs: number, aux: number): void;
  circuitDigest(out: number): void;
  circuitFailedRow(): number;
  circuitLocate(row: number): void;
  circuitPath(at: number): number;
  circuitCounts(at: number): void;
  circuitStep(): number;
};

export const CIRCUIT_EXPORTS: ExportKinds<CircuitExports> = {
  circuitBegin: "function",
  circuitSource: "function",
  circuitSourceLeft: "function",
  circuitInputs: "function",
  circuitRows: "function",
  circuitAux: "function",
  circuitDensity: "function",
  circuitInputDensity: "function",
  circuitTerms: "function",
  circuitTermsEnd: "function",
  circuitAssignment: "function",
  circuitDigest: "function",
  circuitFailedRow: "function",
  circuitLocate: "function",
  circuitPath: "function",
  circuitCounts: "function",
  circuitStep: "function",
};
