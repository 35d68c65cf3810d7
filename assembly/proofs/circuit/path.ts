/**
 * Where a run stands: names with numbers, from the outermost in. Kept by checking and locating runs, so that a row that does
 * not hold can be named. The names' texts stand in `src/sector/snark/circuit.ts` in the same order; a test compares them.
 */
import { USE_CHECK, USE_LOCATE } from "./contract";
import { rowCount, use } from "./run";

export const AT_SECTOR: u32 = 0;
export const AT_CHALLENGE: u32 = 1;
export const AT_COMM_R: u32 = 2;
export const AT_INCLUSION_D: u32 = 3;
export const AT_INCLUSION_C: u32 = 4;
export const AT_INCLUSION_R: u32 = 5;
export const AT_LEVEL: u32 = 6;
export const AT_INDEX: u32 = 7;
export const AT_INSERT: u32 = 8;
export const AT_POSEIDON: u32 = 9;
export const AT_SHA256: u32 = 10;
export const AT_BLOCK: u32 = 11;
export const AT_BITS: u32 = 12;
export const AT_PACK: u32 = 13;
export const AT_EQUAL: u32 = 14;
export const AT_HEAD: u32 = 15;
export const AT_PARENT: u32 = 16;
export const AT_COLUMN: u32 = 17;
export const AT_LABEL: u32 = 18;
export const AT_ENCODE: u32 = 19;
export const AT_SELECTOR: u32 = 20;
export const AT_PHI: u32 = 21;
export const AT_COMM_R_NEW: u32 = 22;
export const AT_APEX: u32 = 23;
export const AT_DIGEST: u32 = 24;
export const AT_RHO: u32 = 25;
export const AT_INCLUSION_R_NEW: u32 = 26;
export const AT_INPUT: u32 = 27;

const MAX_DEPTH: u32 = 16;
const STACK: usize = memory.data(128, 8);
const FOUND: usize = memory.data(128, 8);
let depth: u32 = 0;
let found: u32 = 0;
let sought: u32 = u32.MAX_VALUE;

export function resetPath(): void {
  depth = 0;
  found = 0;
  sought = u32.MAX_VALUE;
}

/** The row whose path a locating run keeps. */
export function setSought(row: u32): void {
  sought = row;
}

/** Keeps the path if the row that is sought was passed since the path changed last: then it stands here. */
function locate(): void {
  if (use != USE_LOCATE || rowCount <= sought) return;
  markPath();
  sought = u32.MAX_VALUE;
}

export function enter(name: u32, number: u32): void {
  if (use != USE_CHECK && use != USE_LOCATE) return;
  locate();
  assert(depth < MAX_DEPTH);
  store<u32>(STACK + (<usize>depth << 3), name);
  store<u32>(STACK + (<usize>depth << 3), number, 4);
  depth++;
}

export function leave(): void {
  if (use != USE_CHECK && use != USE_LOCATE) return;
  locate();
  depth--;
}

/** Keeps the path as it is now. */
export function markPath(): void {
  memory.copy(FOUND, STACK, <usize>depth << 3);
  found = depth;
}

/** Writes the kept path, u32 name and u32 number for each part, at most 128 bytes; how many parts. */
export function keptPath(at: usize): u32 {
  memory.copy(at, FOUND, <usize>found << 3);
  return found;
}
