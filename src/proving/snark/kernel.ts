/** What `assembly/entry/proofs-prove.ts` exports, the groups' sizes, and the errors of proving. */
import { FilError } from "../../base/errors.ts";
import type { MemoryExports, ProofModule } from "../../core/proof-module.ts";

type RowArguments = [terms: number, bytes: number, rows: number];

export type SnarkExports = {
  assembleProof(out: number, key: number, sums: number, scalars: number): number;
  fftPass(
    data: number,
    vectors: number,
    apart: number,
    stride: number,
    columns: number,
    stages: number,
    extra: number,
    first: number,
    up: number,
    inverse: number,
  ): void;
  quotientRows(data: number, apart: number, blocks: number, stages: number, extra: number, firstBlock: number): void;
  quotientJoin(a: number, b: number, c: number, h: number, count: number): void;
  quotientEnd(data: number, blocks: number, stages: number, extra: number, firstBlock: number): void;
  firstUnsatisfied(a: number, b: number, c: number, count: number): number;
  packElements(input: number, out: number, count: number): number;
  unpackElements(input: number, out: number, count: number): void;
  g1SumScratch(count: number): number;
  g2SumScratch(count: number): number;
  g1SumWindow(out: number, points: number, scalars: number, count: number, scratch: number): number;
  g2SumWindow(out: number, points: number, scalars: number, count: number, scratch: number): number;
  g1SumPoints(out: number, points: number, count: number): number;
  g2SumPoints(out: number, points: number, count: number): number;
  g1TableBytes(): number;
  g2TableBytes(): number;
  g1FillTable(table: number, bytes: number): number;
  g2FillTable(table: number, bytes: number): number;
  g1Multiples(table: number, scalars: number, count: number, out: number): void;
  g2Multiples(table: number, scalars: number, count: number, out: number): void;
  rowValues(
    ...rest: [
      ...RowArguments,
      inputs: number,
      inputCount: number,
      aux: number,
      auxCount: number,
      a: number,
      b: number,
      c: number,
    ]
  ): number;
  rowDensities(
    ...rest: [...RowArguments, inputCount: number, auxCount: number, inputs: number, a: number, b: number]
  ): number;
  addRows(
    ...rest: [
      ...RowArguments,
      inputCount: number,
      auxCount: number,
      lagrange: number,
      at: number,
      bt: number,
      ct: number,
    ]
  ): number;
  lagrangeValues(tau: number, k: number, first: number, count: number, out: number, scratch: number): void;
  frSetNumber(r: number, bytes: number): number;
  frQuotient(r: number, a: number, b: number): void;
  frVanishing(r: number, tau: number, k: number): void;
  writeNumbers(elements: number, count: number, dense: number, out: number): number;
  joinNumbers(
    at: number,
    bt: number,
    ct: number,
    count: number,
    alpha: number,
    beta: number,
    factor: number,
    out: number,
  ): void;
  powerNumbers(base: number, factor: number, first: number, count: number, out: number): void;
};

export type SnarkModule = ProofModule<SnarkExports & MemoryExports>;

/** Bytes of a scalar or element, of an element inside of the module, and of a proof. */
export const ELEMENT_BYTES = 32;
export const WIDE_BYTES = 40;
export const PROOF_BYTES = 192;

export type Group = 1 | 2;

/** Bytes of an uncompressed point. */
export const pointBytes = (group: Group): number => 96 * group;

export type SnarkErrorData =
  /** Row `row` does not hold under the witness; `where` says what the row is, if its circuit can tell. */
  | { readonly code: "UNSATISFIED"; readonly row: number; readonly where?: string }
  /** The proof that was made does not verify: points of the key were changed, or it belongs to another circuit of equal counts. */
  | { readonly code: "PROOF_INVALID"; readonly verdict: string }
  /** The key's counts are not those of the circuit. */
  | { readonly code: "WRONG_KEY"; readonly what: string; readonly found: number; readonly expected: number }
  /** The file ends before what its header announces, or goes on behind it. */
  | { readonly code: "PARAMS_LENGTH"; readonly found: number; readonly expected: number }
  /** A header that no parameter file has. */
  | { readonly code: "PARAMS_HEADER"; readonly what: string }
  /** A point whose coordinates are not below the modulus, or that is neutral. */
  | { readonly code: "PARAMS_POINT"; readonly query: string; readonly index: number }
  /** The content is not that of the digest. */
  | { readonly code: "PARAMS_CHANGED"; readonly name: string }
  /** The parameters are not in the folder. */
  | { readonly code: "PARAMS_MISSING"; readonly name: string }
  /** A number that is not below the field's modulus, or arrays whose lengths contradict the counts. */
  | { readonly code: "BAD_WITNESS"; readonly what: string }
  /** Rows' terms that cannot be read. */
  | { readonly code: "BAD_TERMS"; readonly what: string }
  /** The work would hold more than it may. */
  | { readonly code: "MEMORY_LIMIT"; readonly bytes: number; readonly limit: number }
  /** A key of which l has a neutral point: an auxiliary variable occurs in no row. */
  | { readonly code: "UNCONSTRAINED"; readonly index: number };

export class SnarkError extends FilError<SnarkErrorData> {}

export function memoryLimit(bytes: number, limit: number): SnarkError {
  return new SnarkError(
    { code: "MEMORY_LIMIT", bytes, limit },
    `this takes ${Math.ceil(bytes / 2 ** 20)} MiB of memory, the limit is ${Math.floor(limit / 2 ** 20)} MiB`,
  );
}
