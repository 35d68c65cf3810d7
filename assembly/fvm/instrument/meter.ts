/**
 * Where a function's gas is charged: at the start of metered blocks, with the sum of their instructions.
 *
 * A metered block is close to a basic block. `block` goes on with the block it stands in; `if` and `loop` start one; `else`,
 * br, br_if, br_table and return end one. At an `end` the block inside joins the one around it if both started at the same
 * place; and if a branch inside may have led out past it, the one around ends there, too. A place is an instruction's number
 * in its body; a direct call counts with the instructions that the stack limiter puts around it.
 * Source: fvm-wasm-instrument src/gas_metering/mod.rs.
 */
import * as body from "./body";
import {
  BLOCK,
  BR,
  BR_IF,
  BR_TABLE,
  CALL,
  DROP,
  ELSE,
  END,
  I32_CONST,
  IF,
  LOOP,
  NOP,
  PREFIX,
  RETURN,
  UNREACHABLE,
} from "./opcodes";
import { Module } from "./module";
import { BAD_STACK, fail, failed, INSTRUCTION, NEGATIVE_SIZE, PAGE, Rules, TABLE_ELEMENT } from "./rules";
import * as scan from "./scan";

/** Instructions around a limited call that cost gas, the call itself among them. */
export const LIMITED_CALL: u64 = 13;

/** Charge at each place of the body, milligas; one more than the body has instructions. */
export let charges: StaticArray<u64> = new StaticArray<u64>(1024);
/** The body needs a local more: something is charged by its operand, or memory or a table grows. */
export let needsTemporary: bool = false;

/** Control blocks: start and cost of the active metered block, lowest forward target, loop or not. */
let starts: StaticArray<i32> = new StaticArray<i32>(64);
let costs: StaticArray<u64> = new StaticArray<u64>(64);
let lowest: StaticArray<i32> = new StaticArray<i32>(64);
let loops: StaticArray<bool> = new StaticArray<bool>(64);
let depth: i32 = 0;

function widen(): void {
  const size = depth << 1;
  const s = new StaticArray<i32>(size);
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

function begin(place: i32, loop: bool): void {
  if (depth == starts.length) widen();
  unchecked((starts[depth] = place));
  unchecked((costs[depth] = 0));
  unchecked((lowest[depth] = depth));
  unchecked((loops[depth] = loop));
  depth++;
}

/** Ends the active metered block at an instruction; the next one starts behind it. */
function finish(place: i32): void {
  const top = depth - 1;
  const start = unchecked(starts[top]);
  const cost = unchecked(costs[top]);
  unchecked((starts[top] = place + 1));
  unchecked((costs[top] = 0));
  if (top > 0 && start == unchecked(starts[top - 1])) costs[top - 1] += cost;
  else if (cost > 0) charges[start] = cost;
}

function close(place: i32): void {
  finish(place);
  const closed = --depth;
  if (depth == 0) return;
  const target = unchecked(lowest[closed]);
  if (target < unchecked(lowest[depth - 1])) unchecked((lowest[depth - 1] = target));
  if (target < closed) finish(place);
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

/** Fills `charges` for the opened body, from the first instruction on. */
export function meter(module: Module, rules: Rules): void {
  const bytes = <i32>(body.bodyEnd - scan.at) + 2;
  if (charges.length < bytes) charges = new StaticArray<u64>(bytes << 1);
  needsTemporary = false;
  depth = 0;
  begin(0, false);
  // Value of an i32.const just before, or -1: none, and -2: a negative one.
  let constant: i64 = -1;
  for (let place = 0; body.more() && !failed(); place++) {
    if (depth == 0) return fail(BAD_STACK);
    body.step(rules);
    const opcode = body.opcode;
    let cost: u64 = isFree(opcode) ? 0 : INSTRUCTION;
    if (opcode == CALL && module.isDefined(body.immediate)) cost = LIMITED_CALL * INSTRUCTION;
    if (opcode == 0x40 || body.isTableGrow()) needsTemporary = true;
    if (opcode == PREFIX || opcode == 0x40) {
      const unit = body.linearUnit(rules.perByte, PAGE, TABLE_ELEMENT);
      if (unit != 0) {
        if (constant == -2) return fail(NEGATIVE_SIZE);
        if (constant >= 0) cost += <u64>constant * unit;
        else needsTemporary = true;
      }
    }
    if (opcode != END && opcode != ELSE) costs[depth - 1] += cost;
    if (opcode == BLOCK) begin(unchecked(starts[depth - 1]), false);
    else if (opcode == IF || opcode == LOOP) begin(place + 1, opcode == LOOP);
    else if (opcode == END) close(place);
    else if (opcode == ELSE) finish(place);
    else if (opcode == BR || opcode == BR_IF) {
      finish(place);
      reach(depth - 1 - <i32>body.immediate);
    } else if (opcode == BR_TABLE) {
      finish(place);
      reachTable(rules);
    } else if (opcode == RETURN) {
      finish(place);
      reach(0);
    }
    const value = <i32>body.immediate;
    constant = opcode == I32_CONST ? (value < 0 ? -2 : <i64>value) : -1;
  }
}
