/**
 * Walking a function's body: one step is one instruction, its immediates included.
 */
import {
  BLOCK,
  BR_TABLE,
  CALL,
  CALL_INDIRECT,
  CONST32,
  CONST64,
  CONTROL,
  ELEM_DROP,
  DATA_DROP,
  FLOAT32,
  FLOAT64,
  IF,
  INDEX,
  MEMARG,
  MEMORY,
  MEMORY_COPY,
  MEMORY_FILL,
  MEMORY_INIT,
  PREFIX,
  rowOf,
  TABLE_COPY,
  TABLE_FILL,
  TABLE_GROW,
  TABLE_INIT,
  TABLE_SIZE,
  BR,
  BR_IF,
} from "./opcodes";
import { BAD_MODULE, fail, FORBIDDEN_OPCODE, FORBIDDEN_TYPE, MULTI_VALUE, Rules } from "./rules";
import * as scan from "./scan";

/** First byte of the instruction read last, its number behind a prefix, and its row of the table. */
export let opcode: u32 = 0;
export let sub: u32 = 0;
export let row: u32 = 0;
/** Its first immediate, if it is an index, a label or a constant of 32 bits; of a block: 1 if it leaves a value. */
export let immediate: u32 = 0;
/** Where it begins; of br_table, where its targets begin. */
export let start: usize = 0;
export let targets: usize = 0;

/** Local groups, and locals, of the body opened last. */
export let groups: u32 = 0;
export let locals: u64 = 0;
/** Where its groups begin behind their count, and where the first instruction does. */
export let groupsAt: usize = 0;
export let bodyEnd: usize = 0;

/** Opens the body at the cursor: reads its locals. */
export function openBody(): void {
  const size = scan.u32_();
  const begin = scan.at;
  scan.skip(size);
  bodyEnd = scan.at;
  scan.seek(begin);
  groups = scan.count();
  groupsAt = scan.at;
  locals = 0;
  for (let i: u32 = 0; i < groups; i++) {
    locals += <u64>scan.u32_();
    scan.valueType();
  }
  if (locals > 50000) fail(BAD_MODULE);
}

/** True while the body has instructions. */
// @ts-ignore: decorator
@inline
export function more(): bool {
  return scan.at < bodyEnd;
}

/** Whether the instruction read last is table.grow; its table is `immediate` then. */
// @ts-ignore: decorator
@inline
export function isTableGrow(): bool {
  return opcode == PREFIX && sub == TABLE_GROW;
}

/** Reads one instruction. A refused one is a fault, and what was read then means nothing. */
export function step(rules: Rules): void {
  start = scan.at;
  opcode = scan.u8_();
  if (opcode == PREFIX) return stepPrefixed(rules);
  row = rowOf(opcode, rules.newerOpcodes);
  const kind = row & 15;
  if (kind == 1) return;
  if (kind == INDEX) immediate = scan.u32_();
  else if (kind == MEMARG) {
    // From 64 on engines with several memories read which one behind it.
    if (scan.u32_() >= 64) fail(BAD_MODULE);
    scan.skipLeb(5);
  } else if (kind == CONTROL) stepControl();
  else if (kind == CONST32) immediate = <u32>scan.s32_();
  else if (kind == CONST64) scan.skipLeb(10);
  else if (kind == FLOAT32) scan.skip(4);
  else if (kind == FLOAT64) scan.skip(8);
  else if (kind == MEMORY) {
    if (scan.u8_() != 0) fail(BAD_MODULE);
  } else fail(FORBIDDEN_OPCODE);
}

function stepControl(): void {
  if (opcode >= BLOCK && opcode <= IF) {
    const type = scan.u8_();
    // Types are negative numbers; a type index, which is not, stands for several values.
    if (type == 0x40) immediate = 0;
    else if (scan.isValueType(type)) immediate = 1;
    else fail(type > 0x40 && type < 0x80 ? FORBIDDEN_TYPE : MULTI_VALUE);
  } else if (opcode == BR || opcode == BR_IF || opcode == CALL) immediate = scan.u32_();
  else if (opcode == CALL_INDIRECT) {
    immediate = scan.u32_();
    scan.u32_();
  } else if (opcode == BR_TABLE) {
    targets = scan.at;
    const n = scan.count();
    for (let i: u32 = 0; i <= n; i++) scan.u32_();
  }
}

function stepPrefixed(rules: Rules): void {
  sub = scan.u32_();
  row = pops(0) | 1;
  if (sub < MEMORY_INIT) {
    if (!rules.newerOpcodes) fail(FORBIDDEN_OPCODE);
    row = pops(1) | 1 | 0x40;
  } else if (sub == MEMORY_INIT || sub == TABLE_INIT || sub == TABLE_COPY || sub == MEMORY_COPY) {
    scan.u32_();
    scan.u32_();
    row = pops(3) | 1;
  } else if (sub == MEMORY_FILL) {
    scan.u32_();
    row = pops(3) | 1;
  } else if (sub == DATA_DROP || sub == ELEM_DROP) scan.u32_();
  else if (sub >= TABLE_GROW && sub <= TABLE_FILL && rules.newerOpcodes) {
    immediate = scan.u32_();
    if (sub == TABLE_FILL) row = pops(3) | 1;
    else if (sub == TABLE_GROW) row = pops(2) | 1 | 0x40;
    else row = 1 | 0x40;
  } else fail(FORBIDDEN_OPCODE);
}

function pops(n: u32): u32 {
  return n << 4;
}

/** Milligas per unit of the operand on top, for an instruction that is charged by it; else 0. `perByte` of the rules. */
export function linearUnit(perByte: u64, page: u64, tableElement: u64): u64 {
  if (perByte == 0) return 0;
  if (opcode == 0x40) return perByte * page;
  if (opcode != PREFIX || sub < MEMORY_INIT) return 0;
  if (sub == MEMORY_INIT || sub == MEMORY_COPY || sub == MEMORY_FILL) return perByte;
  if (sub == TABLE_INIT || sub == TABLE_COPY || sub == TABLE_GROW || sub == TABLE_FILL) return perByte * tableElement;
  return 0;
}
