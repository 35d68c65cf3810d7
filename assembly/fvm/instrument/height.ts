/**
 * How many stack elements a function needs: the highest its operand stack grows, from the activation's two on, plus its
 * locals, parameters left out.
 *
 * The reference's count is copied with its oddities: code behind an unconditional branch is followed but not counted, and
 * there an empty stack may be popped; several operands popped at once may take the count below the block's start.
 * Source: fvm-wasm-instrument src/stack_limiter/max_height.rs.
 */
import * as body from "./body";
import {
  BLOCK,
  BR,
  BR_IF,
  BR_TABLE,
  CALL,
  CALL_INDIRECT,
  CONTROL,
  END,
  IF,
  LOOP,
  RETURN,
  SELECT,
  UNREACHABLE,
} from "./opcodes";
import { Module } from "./module";
import { ACTIVATION, BAD_MODULE, BAD_STACK, fail, Rules } from "./rules";
import * as scan from "./scan";

/** Frames: polymorphic, values after its end, values that a branch takes, height at its start; four words each. */
let frames: StaticArray<u32> = new StaticArray<u32>(256);
let depth: i32 = 0;
let height: u32 = 0;

function push(end: u32, branch: u32): void {
  if ((depth + 1) << 2 > frames.length) {
    const wider = new StaticArray<u32>(frames.length << 1);
    memory.copy(changetype<usize>(wider), changetype<usize>(frames), <usize>frames.length << 2);
    frames = wider;
  }
  const at = depth++ << 2;
  unchecked((frames[at] = 0));
  unchecked((frames[at + 1] = end));
  unchecked((frames[at + 2] = branch));
  unchecked((frames[at + 3] = height));
}

function branchArity(label: u32): u32 {
  if (label >= <u32>depth) {
    fail(BAD_STACK);
    return 0;
  }
  return unchecked(frames[((depth - 1 - <i32>label) << 2) + 2]);
}

function pop(count: u32): void {
  if (count == 0) return;
  const top = (depth - 1) << 2;
  if (height == unchecked(frames[top + 3])) {
    if (unchecked(frames[top]) == 0) fail(BAD_STACK);
    return;
  }
  if (height < count) return fail(BAD_STACK);
  height -= count;
}

function dead(): void {
  unchecked((frames[(depth - 1) << 2] = 1));
}

/** Most elements so far. */
let most: u32 = 0;
let arity: u32 = 0;

/** Begins with the body of a function that leaves so many values. */
export function open(results: u32): void {
  arity = results;
  depth = 0;
  height = 0;
  most = 0;
  push(arity, arity);
  height = ACTIVATION;
}

/** Whether a control block is open: the body's own is, up to its end. */
// @ts-ignore: decorator
@inline
export function isOpen(): bool {
  return depth != 0;
}

/** Notes how high the stack is before the next instruction. A control block is open. */
// @ts-ignore: decorator
@inline
export function observe(): void {
  if (height > most && !isDead()) most = height;
}

/** Height at the start of the innermost block, the height now, and the highest so far. A control block is open. */
// @ts-ignore: decorator
@inline
export function floor(): u32 {
  return unchecked(frames[((depth - 1) << 2) + 3]);
}

// @ts-ignore: decorator
@inline
export function elements(): u32 {
  return height;
}

// @ts-ignore: decorator
@inline
export function highest(): u32 {
  return most;
}

/** Whether the code is behind an unconditional branch, where it is not counted. A control block is open. */
// @ts-ignore: decorator
@inline
export function isDead(): bool {
  return unchecked(frames[(depth - 1) << 2]) != 0;
}

/** What plain instructions came to. */
// @ts-ignore: decorator
@inline
export function went(elements: u32, highest: u32): void {
  height = elements;
  most = highest;
}

/** Follows the instruction read last. A control block is open. */
export function follow(module: Module): void {
  if ((body.row & 15) == CONTROL) return control(module);
  if (body.opcode == SELECT) {
    pop(2);
    pop(1);
  } else pop((body.row >> 4) & 3);
  if ((body.row & 0x40) != 0) height++;
}

/** What the function costs whose body was followed to its end. */
export function cost(rules: Rules): u32 {
  return most + (rules.localsByGroup ? body.groups : <u32>body.locals);
}

function control(module: Module): void {
  const opcode = body.opcode;
  if (opcode == BLOCK || opcode == LOOP || opcode == IF) {
    if (opcode == IF) pop(1);
    push(body.immediate, opcode == LOOP ? 0 : body.immediate);
  } else if (opcode == END) {
    const at = --depth << 2;
    height = unchecked(frames[at + 3]) + unchecked(frames[at + 1]);
  } else if (opcode == UNREACHABLE) dead();
  else if (opcode == BR) {
    pop(branchArity(body.immediate));
    dead();
  } else if (opcode == BR_IF) {
    const values = branchArity(body.immediate);
    pop(values);
    pop(1);
    height += values;
  } else if (opcode == BR_TABLE) {
    pop(tableArity());
    dead();
  } else if (opcode == RETURN) {
    pop(arity);
    dead();
  } else if (opcode == CALL || opcode == CALL_INDIRECT) {
    const indirect = opcode == CALL_INDIRECT;
    if (indirect) pop(1);
    if (body.immediate >= (indirect ? <u32>module.params.length : module.functions)) return fail(BAD_MODULE);
    const type = indirect ? body.immediate : module.types[body.immediate];
    pop(module.params[type]);
    height += module.results[type];
  }
}

/** Values that all targets of the br_table read last take. */
function tableArity(): u32 {
  const after = scan.at;
  scan.seek(body.targets);
  const n = scan.u32_();
  let arity: u32 = 0;
  for (let i: u32 = 0; i <= n; i++) {
    const one = branchArity(scan.u32_());
    if (i > 0 && one != arity) fail(BAD_STACK);
    arity = one;
  }
  scan.seek(after);
  return arity;
}
