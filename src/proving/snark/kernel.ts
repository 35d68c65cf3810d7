/** Sizes of what the prover handles, and the errors of proving. */
import { FilError } from "../../base/errors.ts";

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
  /** The disk of the scratch folder has less room than proving takes there. */
  | { readonly code: "SCRATCH_SPACE"; readonly needed: number; readonly free: number }
  /** A scratch file could not be written, read or removed: the disk is full, or somebody cut or removed it. */
  | { readonly code: "SCRATCH_FAILED"; readonly what: string }
  /** A key of which l has a neutral point: an auxiliary variable occurs in no row. */
  | { readonly code: "UNCONSTRAINED"; readonly index: number };

export class SnarkError extends FilError<SnarkErrorData> {}

export function memoryLimit(bytes: number, limit: number, hint = ""): SnarkError {
  return new SnarkError(
    { code: "MEMORY_LIMIT", bytes, limit },
    `this takes ${Math.ceil(bytes / 2 ** 20)} MiB of memory, the limit is ${Math.floor(limit / 2 ** 20)} MiB${hint}`,
  );
}
