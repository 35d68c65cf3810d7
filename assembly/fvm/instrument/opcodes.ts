/**
 * The opcodes that a guest may use: what follows each, what it takes from the stack and what it leaves there.
 *
 * One byte each: bits 0 to 3 the immediates, 4 and 5 the operands taken, 6 the result left, 7 known to the second generation
 * too. 0 is an opcode that is refused: exceptions, tail calls, references, atomics, SIMD. Control and calls have kind CONTROL
 * and are told apart by their number.
 */

export const NONE: u32 = 1;
export const MEMARG: u32 = 2;
export const INDEX: u32 = 3;
export const CONST32: u32 = 4;
export const CONST64: u32 = 5;
export const FLOAT32: u32 = 6;
export const FLOAT64: u32 = 7;
export const CONTROL: u32 = 8;
export const MEMORY: u32 = 9;

export const UNREACHABLE: u32 = 0x00;
export const NOP: u32 = 0x01;
export const BLOCK: u32 = 0x02;
export const LOOP: u32 = 0x03;
export const IF: u32 = 0x04;
export const ELSE: u32 = 0x05;
export const END: u32 = 0x0b;
export const BR: u32 = 0x0c;
export const BR_IF: u32 = 0x0d;
export const BR_TABLE: u32 = 0x0e;
export const RETURN: u32 = 0x0f;
export const CALL: u32 = 0x10;
export const CALL_INDIRECT: u32 = 0x11;
export const DROP: u32 = 0x1a;
export const SELECT: u32 = 0x1b;
export const LOCAL_GET: u32 = 0x20;
export const LOCAL_SET: u32 = 0x21;
export const LOCAL_TEE: u32 = 0x22;
export const GLOBAL_GET: u32 = 0x23;
export const GLOBAL_SET: u32 = 0x24;
export const MEMORY_SIZE: u32 = 0x3f;
export const MEMORY_GROW: u32 = 0x40;
export const I32_CONST: u32 = 0x41;
export const I64_CONST: u32 = 0x42;
export const F32_CONST: u32 = 0x43;
export const F64_CONST: u32 = 0x44;
export const I32_EQ: u32 = 0x46;
export const I32_LT_U: u32 = 0x49;
export const I32_GT_U: u32 = 0x4b;
export const I32_LE_U: u32 = 0x4d;
export const I64_LT_S: u32 = 0x53;
export const I32_ADD: u32 = 0x6a;
export const I32_SUB: u32 = 0x6b;
export const I64_SUB: u32 = 0x7d;
export const I64_MUL: u32 = 0x7e;
export const I64_EXTEND_I32_U: u32 = 0xad;
export const REF_NULL: u32 = 0xd0;
export const REF_FUNC: u32 = 0xd2;
export const PREFIX: u32 = 0xfc;

// Behind the prefix.
export const MEMORY_INIT: u32 = 8;
export const DATA_DROP: u32 = 9;
export const MEMORY_COPY: u32 = 10;
export const MEMORY_FILL: u32 = 11;
export const TABLE_INIT: u32 = 12;
export const ELEM_DROP: u32 = 13;
export const TABLE_COPY: u32 = 14;
export const TABLE_GROW: u32 = 15;
export const TABLE_SIZE: u32 = 16;
export const TABLE_FILL: u32 = 17;

const EARLY: u32 = 0x80;
const table: StaticArray<u8> = new StaticArray<u8>(256);

function row(from: u32, to: u32, immediate: u32, pops: u32, pushes: u32, early: u32 = EARLY): void {
  for (let i = from; i <= to; i++) table[i] = <u8>(immediate | (pops << 4) | (pushes << 6) | early);
}

row(UNREACHABLE, ELSE, CONTROL, 0, 0);
row(END, CALL_INDIRECT, CONTROL, 0, 0);
row(DROP, DROP, NONE, 1, 0);
row(0x1b, 0x1b, NONE, 3, 1);
row(0x20, 0x20, INDEX, 0, 1);
row(0x21, 0x21, INDEX, 1, 0);
row(0x22, 0x22, INDEX, 1, 1);
row(0x23, 0x23, INDEX, 0, 1);
row(0x24, 0x24, INDEX, 1, 0);
row(0x25, 0x25, INDEX, 1, 1, 0);
row(0x26, 0x26, INDEX, 2, 0, 0);
row(0x28, 0x35, MEMARG, 1, 1);
row(0x36, 0x3e, MEMARG, 2, 0);
row(MEMORY_SIZE, MEMORY_SIZE, MEMORY, 0, 1);
row(MEMORY_GROW, MEMORY_GROW, MEMORY, 1, 1);
row(0x41, 0x41, CONST32, 0, 1);
row(0x42, 0x42, CONST64, 0, 1);
row(0x43, 0x43, FLOAT32, 0, 1);
row(0x44, 0x44, FLOAT64, 0, 1);
row(0x45, 0x45, NONE, 1, 1);
row(0x46, 0x4f, NONE, 2, 1);
row(0x50, 0x50, NONE, 1, 1);
row(0x51, 0x66, NONE, 2, 1);
row(0x67, 0x69, NONE, 1, 1);
row(0x6a, 0x78, NONE, 2, 1);
row(0x79, 0x7b, NONE, 1, 1);
row(0x7c, 0x8a, NONE, 2, 1);
row(0x8b, 0x91, NONE, 1, 1);
row(0x92, 0x98, NONE, 2, 1);
row(0x99, 0x9f, NONE, 1, 1);
row(0xa0, 0xa6, NONE, 2, 1);
row(0xa7, 0xbf, NONE, 1, 1);
row(0xc0, 0xc4, NONE, 1, 1, 0);

/** The row of an opcode; 0 if it is refused. */
// @ts-ignore: decorator
@inline
export function rowOf(opcode: u32, newer: bool): u32 {
  const found = <u32>unchecked(table[opcode]);
  return newer || (found & EARLY) != 0 ? found : 0;
}
