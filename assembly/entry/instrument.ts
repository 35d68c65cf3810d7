/**
 * `instrument.wasm`: takes a guest module apart and puts it together again with limits and metering. One instance does one
 * piece of work and is thrown away: nothing is freed.
 */
import { Emitter } from "../fvm/instrument/emit";
import * as edits from "../fvm/instrument/edits";
import { CODE, Module } from "../fvm/instrument/module";
import * as out from "../fvm/instrument/output";
import { BAD_MODULE, clearFault, fail, failed, faultOf, Rules } from "../fvm/instrument/rules";
import * as scan from "../fvm/instrument/scan";
import { walk } from "../fvm/instrument/walk";

/** Memory for the module. */
export function alloc(size: i32): usize {
  return heap.alloc(<usize>size);
}

/**
 * Instruments the module at `at`, which the host found valid, by the rules of a generation of the FVM (2 to 4). Returns the
 * length of the answer at `resultPtr`, or a fault of `rules.ts` as a negative number.
 */
export function instrument(at: usize, length: i32, generation: i32): i32 {
  clearFault();
  const rules = Rules.of(generation);
  if (rules === null) return -BAD_MODULE;
  const module = new Module();
  module.read(at, length);
  if (failed()) return -faultOf();
  const costs = new StaticArray<u32>(<i32>module.definedFunctions);
  const bodies = module.open(CODE) ? scan.count() : 0;
  if (bodies != module.definedFunctions) fail(BAD_MODULE);
  edits.start();
  for (let i: u32 = 0; i < module.definedFunctions && !failed(); i++) {
    costs[i] = walk(module, module.importedFunctions + i, rules);
  }
  if (failed()) return -faultOf();
  out.start((<usize>length << 1) + 65536);
  const emitter = new Emitter(module, costs);
  emitter.findThunks();
  if (failed()) return -faultOf();
  emitter.write();
  return failed() ? -faultOf() : out.length();
}

/** Where the instrumented module lies. */
export function resultPtr(): usize {
  return out.outputAt();
}
