/**
 * What a guest module is instrumented by: the rules of one generation of the FVM, and the one fault of the instrumenter.
 *
 * The second generation (network versions 16 and 17) and the third (from 18) differ in four places; the fourth uses the
 * third's. Costs are in milligas.
 * Source: ref-fvm v2.12.1 and v3.14.1, fvm/src/gas/price_list.rs (wasm rules) and fvm/src/engine; fvm-wasm-instrument 0.2.0
 * and 0.4.0.
 */

/** Cost of every instruction that is not free. */
export const INSTRUCTION: u64 = 4000;
/** Bytes of a WebAssembly page. */
export const PAGE: u64 = 65536;
/** Stack elements that a guest may use. */
export const STACK_LIMIT: u32 = 2048;
/** Elements that an activation costs before its operands are counted. */
export const ACTIVATION: u32 = 2;
/** Most pages of one guest's memory: 512 MiB. */
export const MAX_PAGES: u32 = 8192;
/** Most elements of a guest's table: what the reference's engine makes room for. */
export const MAX_TABLE: u32 = 20000;
/** Bytes of a pointer in a table, for bulk operations on tables. */
export const TABLE_ELEMENT: u64 = 8;

@final
export class Rules {
  constructor(
    /** Milligas per byte that memory.copy, fill, init move, and of every byte that memory.grow adds. 0: bulk costs are flat. */
    readonly perByte: u64,
    /** Locals count by run-length group, not one by one. */
    readonly localsByGroup: bool,
    /** br_table's default target is left out where it is asked how far a branch leads. */
    readonly skipsDefaultTarget: bool,
    /** Sign extension and saturating conversions are known. */
    readonly newerOpcodes: bool,
  ) {}

  /** Rules of a generation of the FVM, 2 to 4; null for any other. */
  static of(generation: i32): Rules | null {
    if (generation == 2) return new Rules(0, false, false, false);
    if (generation == 3 || generation == 4) return new Rules(400, true, true, true);
    return null;
  }
}

/** Why a module is refused. Twin of the texts in `src/core/guest-modules.ts`. */
export const OK: i32 = 0;
export const TRUNCATED: i32 = 1;
export const BAD_MODULE: i32 = 2;
export const FORBIDDEN_OPCODE: i32 = 3;
export const BAD_STACK: i32 = 4;
export const FORBIDDEN_IMPORT: i32 = 5;
export const MULTI_VALUE: i32 = 6;
export const TOO_LARGE: i32 = 7;
export const BAD_OFFSET: i32 = 8;
export const NEGATIVE_SIZE: i32 = 9;
export const NO_MEMORY: i32 = 10;
export const FORBIDDEN_TYPE: i32 = 11;

/** First fault met. */
let fault: i32 = OK;

export function faultOf(): i32 {
  return fault;
}

export function clearFault(): void {
  fault = OK;
}

/** Notes a fault; the first one stays. */
export function fail(why: i32): void {
  if (fault == OK) fault = why;
}

// @ts-ignore: decorator
@inline
export function failed(): bool {
  return fault != OK;
}
