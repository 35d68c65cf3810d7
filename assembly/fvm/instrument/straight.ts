/**
 * The shorter way through a body: instructions that neither lead anywhere nor cost more than themselves, one after another, with all that is
 * counted in locals. They are most of every module. Whatever is not plain, or not well formed, is left where it stands, for `body.step` and
 * what follows it: nothing is refused here.
 */
import * as body from "./body";
import * as height from "./height";
import * as meter from "./meter";
import { CONST32, CONST64, CONTROL, DROP, FLOAT32, FLOAT64, I32_CONST, INDEX, MEMARG, NONE, rowOf, SELECT } from "./opcodes";
import { Rules } from "./rules";
import * as scan from "./scan";

/** Behind a LEB128 at `at` of at most `most` bytes; `end` or later if it is not over before. */
// @ts-ignore: decorator
@inline
function behindLeb(at: usize, most: usize, end: usize): usize {
  const limit = min(at + most, end);
  while (at < limit) if (load<u8>(at++) < 0x80) return at;
  return NOWHERE;
}

const NOWHERE: usize = usize.MAX_VALUE;

/** Follows the plain instructions at the cursor. A control block is open. */
export function run(rules: Rules): void {
  const newer = rules.newerOpcodes;
  const end = body.bodyEnd;
  const floor = height.floor();
  const dead = height.isDead();
  let elements = height.elements();
  let most = height.highest();
  let at = scan.at;
  let paid: u32 = 0;
  /** Where the immediate of the last instruction lies, if it is an i32.const; and whether there was any. */
  let constant: usize = 0;
  const begin = at;
  while (at < end) {
    const opcode = <u32>load<u8>(at);
    const row = rowOf(opcode, newer);
    const kind = row & 15;
    if (kind == 0 || kind >= CONTROL || opcode == SELECT) break;
    let next = at + 1;
    // The first byte of most immediates is their only one.
    if (kind == INDEX) next = behindLeb(next, 4, end);
    else if (kind == MEMARG) {
      if (next >= end || load<u8>(next) >= 64) break;
      next = behindLeb(next + 1, 5, end);
    } else if (kind == CONST32) next = behindLeb(next, 5, end);
    else if (kind == CONST64) next = behindLeb(next, 10, end);
    else if (kind == FLOAT32) next += 4;
    else if (kind == FLOAT64) next += 8;
    if (next > end) break;
    const pops = (row >> 4) & 3;
    let after = elements;
    if (pops != 0) {
      if (after == floor) {
        if (!dead) break;
      } else if (after < pops) break;
      else after -= pops;
    }
    if (!dead && elements > most) most = elements;
    elements = after + ((row >> 6) & 1);
    if (opcode != DROP) paid++;
    constant = opcode == I32_CONST ? at + 1 : 0;
    at = next;
  }
  if (at == begin) return;
  height.went(elements, most);
  scan.seek(constant != 0 ? constant : at);
  meter.paid(paid, constant != 0, constant != 0 ? scan.s32_() : 0);
  scan.seek(at);
}
