/**
 * Where a function's gas is charged: at the start of metered blocks, with the sum of their instructions.
 *
 * A metered block is close to a basic block. `block` goes on with the block it stands in; `if` and `loop` start one; `else`,
 * br, br_if, br_table and return end one. At an `end` the block inside joins the one around it if both started at the same
 * place; and if a branch inside may have led out past it, the one around ends there, too. A direct call counts with the
 * instructions that the stack limiter puts around it.
 * Source: fvm-wasm-instrument src/gas_metering/mod.rs.
 */
import * as body from "./body";
import * as edits from "./edits";
import {
  BLOCK,
  BR,
  BR_IF,
  BR_TABLE,
  CALL,
  CONTROL,
  DROP,
  ELSE,
  END,
  I32_CONST,
  IF,
  LOOP,
  MEMORY_GROW,
  MEMORY_SIZE,
  NOP,
  PREFIX,
  RETURN,
  UNREACHABLE,
} from "./opcodes";
import { Module } from "./module";
import { BAD_STACK, fail, INSTRUCTION, NEGATIVE_SIZE, PAGE, Rules, TABLE_ELEMENT } from "./rules";
import * as scan from "./scan";

/** Instructions around a limited call that cost gas, the call itself among them. */
export const LIMITED_CALL: u64 = 13;

/** The body needs a local more: something is charged by its operand, or memory or a table grows. */
export let needsTemporary: bool = false;

/** Control blocks: the charge of the active metered block, its cost, lowest forward target, loop or not. */
let starts: StaticArray<edits.Edit> = new StaticArray<edits.Edit>(64);
let costs: StaticArray<u64> = new StaticArray<u64>(64);
let lowest: StaticArray<i32> = new StaticArray<i32>(64);
let loops: StaticArray<bool> = new StaticArray<bool>(64);
let depth: i32 = 0;
/** Value of an i32.const just before, or -1: none, and -2: a negative one. */
let constant: i64 = -1;

function widen(): void {
  const size = depth << 1;
  const s = new StaticArray<edits.Edit>(size);
  const c = new StaticArray<u64>(size);
  const l = new StaticArray<i32>(size);
  const o = new StaticArray<bool>(size);
  for (let i = 0; i < depth; i++) {
    s[i] = starts[i];
    c[i] = costs[i];
    l[i] = lowest[i];
    o[i] = loops[i];
  }
  starts = s;
  costs = c;
  lowest = l;
  loops = o;
}

function begin(start: edits.Edit, loop: bool): void {
  if (depth == starts.length) widen();
  unchecked((starts[depth] = start));
  unchecked((costs[depth] = 0));
  unchecked((lowest[depth] = depth));
  unchecked((loops[depth] = loop));
  depth++;
}

/** Puts the cost of the active metered block where it falls due: one that starts where the one around it does is part of that. */
function settle(): void {
  const top = depth - 1;
  const start = unchecked(starts[top]);
  const cost = unchecked(costs[top]);
  if (top > 0 && start == unchecked(starts[top - 1])) unchecked((costs[top - 1] += cost));
  else if (cost > 0) start.value = <i64>cost;
  else edits.drop(start);
}

/** Ends the active metered block at the instruction read last; the next one starts behind it. */
function finish(): void {
  settle();
  const top = depth - 1;
  unchecked((starts[top] = edits.charge(scan.at)));
  unchecked((costs[top] = 0));
}

function close(): void {
  settle();
  const closed = --depth;
  if (depth == 0) return;
  const target = unchecked(lowest[closed]);
  if (target < unchecked(lowest[depth - 1])) unchecked((lowest[depth - 1] = target));
  if (target < closed) finish();
}

/** Notes that a branch leads to a control block, counted from the outermost. */
function reach(target: i32): void {
  if (target < 0) return fail(BAD_STACK);
  if (!unchecked(loops[target]) && target < unchecked(lowest[depth - 1])) unchecked((lowest[depth - 1] = target));
}

function reachTable(rules: Rules): void {
  const after = scan.at;
  scan.seek(body.targets);
  const n = scan.u32_();
  const active = depth - 1;
  const last = rules.skipsDefaultTarget ? n : n + 1;
  for (let i: u32 = 0; i < last; i++) reach(active - <i32>scan.u32_());
  scan.seek(after);
}

// @ts-ignore: decorator
@inline
function isFree(opcode: u32): bool {
  return (
    opcode <= LOOP ? opcode == NOP || opcode == BLOCK || opcode == LOOP || opcode == UNREACHABLE
    : opcode == ELSE || opcode == END || opcode == DROP || opcode == RETURN
  );
}

/** Begins with the opened body. */
export function open(): void {
  needsTemporary = false;
  depth = 0;
  constant = -1;
  begin(edits.charge(scan.at), false);
}

/** Counts the instruction read last, and notes what changes at it. A control block is open. */
export function count(module: Module, rules: Rules): void {
  const opcode = body.opcode;
  let cost: u64 = isFree(opcode) ? 0 : INSTRUCTION;
  if (opcode == CALL) {
    if (module.isDefined(body.immediate)) {
      cost = LIMITED_CALL * INSTRUCTION;
      edits.note(edits.LIMITED, body.start, scan.at, body.immediate);
    }
  } else if (opcode == PREFIX || opcode == MEMORY_GROW || opcode == MEMORY_SIZE) cost += byOperand(rules);
  if (opcode != END && opcode != ELSE) add(cost);
  if ((body.row & 15) == CONTROL) control(rules);
  constant = opcode == I32_CONST ? known(<i32>body.immediate) : -1;
}

/** Counts plain instructions that cost something, and notes whether the last one was an i32.const, and of what. A control block is open. */
export function paid(instructions: u32, isConstant: bool, value: i32): void {
  add(<u64>instructions * INSTRUCTION);
  constant = isConstant ? known(value) : -1;
}

/** Adds to the active metered block. */
// @ts-ignore: decorator
@inline
function add(cost: u64): void {
  unchecked((costs[depth - 1] += cost));
}

/** What is known of an operand that an i32.const gives. */
// @ts-ignore: decorator
@inline
function known(value: i32): i64 {
  return value < 0 ? -2 : <i64>value;
}

/** Instructions that are charged by their operand, and those of the memory's and the table's size. Returns what is known of the cost. */
function byOperand(rules: Rules): u64 {
  const opcode = body.opcode;
  let cost: u64 = 0;
  const unit = body.linearUnit(rules.perByte, PAGE, TABLE_ELEMENT);
  if (unit != 0) {
    if (constant == -2) fail(NEGATIVE_SIZE);
    else if (constant >= 0) cost = <u64>constant * unit;
    else {
      needsTemporary = true;
      edits.note(edits.CHARGE_BY_OPERAND, body.start, body.start, <i64>unit);
    }
  }
  if (opcode == MEMORY_GROW) edits.note(edits.GROW, body.start, scan.at, 0);
  else if (opcode == MEMORY_SIZE) edits.note(edits.SIZE, body.start, scan.at, 0);
  else if (body.isTableGrow()) edits.note(edits.BOUND, body.start, body.start, body.immediate);
  if (opcode == MEMORY_GROW || body.isTableGrow()) needsTemporary = true;
  return cost;
}

function control(rules: Rules): void {
  const opcode = body.opcode;
  if (opcode == BLOCK) begin(unchecked(starts[depth - 1]), false);
  else if (opcode == IF || opcode == LOOP) begin(edits.charge(scan.at), opcode == LOOP);
  else if (opcode == END) close();
  else if (opcode == ELSE) finish();
  else if (opcode == BR || opcode == BR_IF) {
    finish();
    reach(depth - 1 - <i32>body.immediate);
  } else if (opcode == BR_TABLE) {
    finish();
    reachTable(rules);
  } else if (opcode == RETURN) {
    finish();
    reach(0);
  }
}
