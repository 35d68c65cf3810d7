/** Jobs of proving and of making keys; see `../jobs.ts`. */
import type { ProofVerdict } from "../../sector/snark/groth16.ts";
import type { Source } from "../source.ts";
import type { CircuitName, Shape, Witness } from "./circuit.ts";
import type { Group } from "./kernel.ts";

/** What a worker does on the vectors of a window, one step after the other. */
export type WindowStep =
  | {
      readonly step: "pass";
      readonly columns: number;
      readonly stages: number;
      readonly extra: number;
      readonly first: number;
      readonly up: boolean;
      readonly inverse: boolean;
    }
  | { readonly step: "rows" | "end"; readonly stages: number; readonly extra: number; readonly firstBlock: number }
  | { readonly step: "join" };

/** A window of the rows' vectors, all of one length, and the steps on them; results in the vectors that are left. */
export type QuotientWindowJob = {
  readonly kind: "quotient-window";
  readonly vectors: readonly Uint8Array[];
  readonly steps: readonly WindowStep[];
};

/** All rows' values in, all coefficients out (2^k, plain numbers, reversed order). */
export type QuotientJob = {
  readonly kind: "quotient";
  readonly bits: number;
  readonly rows: readonly [Uint8Array, Uint8Array, Uint8Array];
};

/** The secrets of a setup: numbers of 32 bytes, little-endian, none of them 0. */
export type SetupNumbers = {
  readonly alpha: Uint8Array;
  readonly beta: Uint8Array;
  readonly gamma: Uint8Array;
  readonly delta: Uint8Array;
  readonly tau: Uint8Array;
};

/** Of a range of variables: numbers of 32 bytes, little-endian, one after the other. */
export type KeyNumbers = {
  readonly ic: Uint8Array;
  readonly l: Uint8Array;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  /** h is Z(tau) / delta times the powers of tau. */
  readonly hFactor: Uint8Array;
};

/** Sums of a window of a query: points from a parameter file, as many scalars; results in one point, uncompressed. */
export type SnarkSumJob = {
  readonly kind: "snark-sum";
  readonly group: Group;
  readonly points: Source;
  readonly scalars: Source;
  /** Whether scalars are packed elements; otherwise numbers of 32 bytes, little-endian. */
  readonly packed: boolean;
  /** Where the window is, for errors. */
  readonly query: string;
  readonly first: number;
};

/** The first of these rows that does not hold, or -1. */
export type CheckRowsJob = {
  readonly kind: "snark-check";
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly c: Uint8Array;
};

/** Numbers: given, or factor base^(first + i) for count of them; base, factor: 32 bytes, little-endian. */
export type Numbers =
  | { readonly bytes: Uint8Array }
  | { readonly base: Uint8Array; readonly factor: Uint8Array; readonly first: number; readonly count: number };

/** Multiples of an encoded point; results in as many encoded points. */
export type MultiplesJob = {
  readonly kind: "key-multiples";
  readonly group: Group;
  readonly point: Uint8Array;
  readonly numbers: Numbers;
};

/** Some of a circuit's variables, counted with inputs first. */
export type VariableRange = { readonly first: number; readonly count: number };

/** Evaluates polynomials of a circuit's variables at the setup's secret point: the numbers of which the key holds multiples. */
export type KeyNumbersJob = {
  readonly kind: "key-numbers";
  readonly circuit: CircuitName;
  readonly variables: VariableRange;
  readonly setup: SetupNumbers;
};

/** Makes the witness of one of the network's circuits from the openings of a vanilla proof, as bytes. */
export type CircuitWitnessJob = {
  readonly kind: "circuit-witness";
  readonly circuit: string;
  readonly openings: Source;
};

/** Counts and densities of one of the network's circuits. */
export type CircuitShapeJob = { readonly kind: "circuit-shape"; readonly circuit: string };

/** Whether a proof holds under a key (a `.vk` file's bytes). `inputs`: packed elements, the constant 1 first. */
export type VerifyProofJob = {
  readonly kind: "snark-verify";
  readonly verifyingKey: Uint8Array;
  readonly inputs: Uint8Array;
  readonly proof: Uint8Array;
};

export type SnarkJobTable = {
  "circuit-shape": { job: CircuitShapeJob; result: Shape };
  "snark-verify": { job: VerifyProofJob; result: ProofVerdict };
  "circuit-witness": { job: CircuitWitnessJob; result: Witness };
  quotient: { job: QuotientJob; result: Uint8Array };
  "quotient-window": { job: QuotientWindowJob; result: Uint8Array[] };
  "snark-sum": { job: SnarkSumJob; result: Uint8Array };
  "snark-check": { job: CheckRowsJob; result: number };
  "key-multiples": { job: MultiplesJob; result: Uint8Array };
  "key-numbers": { job: KeyNumbersJob; result: KeyNumbers };
};
