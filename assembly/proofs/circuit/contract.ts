/**
 * What circuits and the prover agree on. A circuit is described once (`post.ts`, `porep.ts`, `update.ts`) and run for one
 * of several uses; the prover and the key maker see only what stands here.
 *
 * Variables. Inputs: 0 is the constant 1, then public inputs in order of allocation. Auxiliaries: from 0, in order of
 * allocation. A *key* is a u32: i for input i, `AUX | j` for auxiliary j; so keys sort as bellperson sorts variables.
 *
 * Rows (constraints) A·z × B·z = C·z, in order; behind the circuit's own rows one more for every input i, the constant
 * included: A = input i, B = C = 0. Row counts include them. Elements are *packed* (`crypto/field/fr-packed.ts`): 32 bytes,
 * Montgomery form with R = 2^261, below p, little-endian.
 *
 * Steps. A circuit runs in steps of at most `MAX_STEP_ROWS` rows and as many auxiliaries, so that circuits that are larger
 * than memory can be taken through windows: after each step the caller may move what was written and set the windows anew.
 *
 *   circuitBegin(use, shape)      0, or an ERROR_ below; starts at step 0
 *   circuitSource(at, bytes)      where the next step reads its part of the witness (USE_WITNESS; layouts: post.ts …)
 *   circuitSourceLeft()           how many bytes of that were not read yet
 *   circuitInputs(at)             where input i goes: at + 32 i. Not a window: inputs are at most 25,840
 *   circuitRows(a, b, c, rows)    windows for the values of A·z, B·z, C·z of the next rows
 *   circuitAux(aux, count)        window for the next auxiliaries
 *   circuitStep()                 1: there is more; 0: done; below 0: an ERROR_
 *   circuitCounts(at)             3 × u32 so far: inputs (with the constant), auxiliaries, rows
 *
 * Windows advance as they are filled; a full one makes the step fail with ERROR_FULL, never write beyond it. A caller whose
 * arrays hold the whole circuit sets them once.
 *
 * Uses
 *   USE_WITNESS  writes inputs, auxiliaries and the three values of every row. No linear combination is built.
 *   USE_COUNT    counts only.
 *   USE_LOCATE   counts, and keeps the path of the row named by circuitLocate(row), for circuitPath.
 *   USE_DENSITY  counts, and sets bit j (of byte j >> 3, lowest first) of two bitmaps where auxiliary j occurs in some A
 *                row, some B row, with a coefficient that is not 0: circuitDensity(a, b), both zeroed by the caller. Of the
 *                inputs all are taken for A (the rows at the end), and only the constant occurs in B, in every circuit here.
 *   USE_DIGEST   SHA-256 over all rows in canonical form: circuitDigest(out) after the last step. For each of A, B, C: u32
 *                count of terms, then per term a byte 0 (input) or 1 (auxiliary), u32 index, 32 bytes coefficient, canonical
 *                value; all little-endian; terms by key, equal ones merged, zeros dropped.
 *   USE_TERMS    writes the rows' terms as u32 words to a window: circuitTerms(at, bytes); circuitTermsEnd() is the address
 *                behind the last. For each row, for each of A, B, C: the count of terms, then the terms: key, code, and, if
 *                code is 0, the coefficient packed (8 words). Code c > 0 is the coefficient 2^(c-1), c < 0 is -2^(-c-1).
 *                Terms by key, merged, zeros dropped. At most `MAX_STEP_TERM_BYTES` in a step.
 *   USE_CHECK    evaluates every row over the inputs and auxiliaries at circuitAssignment(inputs, aux), which hold all of
 *                them: the first row that fails ends the run with ERROR_UNSATISFIED; circuitFailedRow() is its
 *                number, circuitPath(at) writes where it stands: u32 name, u32 number for each part; returns how many.
 *
 * Shape: u32 words: kind, log2 of the sector's nodes, arities of the two upper parts of Poseidon trees (0: none), then
 *   KIND_POST    sectors, challenges of each
 *   KIND_POREP   layers, challenges
 *   KIND_UPDATE  log2 of partitions, challenges, apex leaves
 */

/** Marks the key of an auxiliary. */
export const AUX: u32 = 0x80000000;

export const KIND_POST: u32 = 1;
export const KIND_POREP: u32 = 2;
export const KIND_UPDATE: u32 = 3;

export const USE_WITNESS: i32 = 0;
export const USE_COUNT: i32 = 1;
export const USE_LOCATE: i32 = 2;
export const USE_DENSITY: i32 = 3;
export const USE_DIGEST: i32 = 4;
export const USE_TERMS: i32 = 5;
export const USE_CHECK: i32 = 6;

/** A shape, use or setting that cannot be. */
export const ERROR_SHAPE: i32 = -1;
/** The witness ended too early, holds a number that is no element, or an index that is out of range. */
export const ERROR_WITNESS: i32 = -2;
/** A window is full. */
export const ERROR_FULL: i32 = -3;
/** A row does not hold. */
export const ERROR_UNSATISFIED: i32 = -4;

/** Most rows, and most auxiliaries, of one step. */
export const MAX_STEP_ROWS: u32 = 1 << 21;
/** Most bytes of terms that one step writes. */
export const MAX_STEP_TERM_BYTES: u32 = 1 << 27;
