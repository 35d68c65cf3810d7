/**
 * `guest4-test.wasm`: an actor for tests of what the FVM's fourth generation has under old names with other arguments, and of what
 * it tracks. Parameters and answers as in `guest-test.ts`.
 */
import {
  BLAKE2B_256,
  blockCreate,
  blockLink,
  blockOpen,
  blockRead,
  blockStat,
  messageContext,
  root,
  setRoot,
  RAW,
} from "./guest-syscalls";

// @ts-ignore: decorator
@external("self", "self_destruct")
declare function selfDestruct(burn: u32): u32;
// @ts-ignore: decorator
@external("rand", "get_chain_randomness")
declare function tickets(to: usize, epoch: i64): u32;
// @ts-ignore: decorator
@external("rand", "get_beacon_randomness")
declare function beacon(to: usize, epoch: i64): u32;
// @ts-ignore: decorator
@external("event", "emit_event")
declare function emit(at: usize, count: u32, keys: usize, keysLength: u32, values: usize, valuesLength: u32): u32;

const input: usize = memory.data(32768);
const output: usize = memory.data(1024);
const result: usize = output + 4;
let bytes: u32 = 0;

function answer(error: u32, length: u32): u32 {
  store<u32>(output, error);
  const handle = memory.data(4);
  return blockCreate(handle, RAW, output, 4 + length) == 0 ? load<u32>(handle) : 0;
}

/** Makes a block of the parameters behind the codec; with `linked` it is linked and made the root. */
function make(linked: bool): u32 {
  const handle = memory.data(4);
  const error = blockCreate(handle, load<u64>(input), input + 8, bytes - 8);
  if (error != 0 || !linked) return answer(error, 0);
  const cid = memory.data(64);
  const failed = blockLink(result, load<u32>(handle), BLAKE2B_256, 32, cid, 64);
  return answer(failed != 0 ? failed : setRoot(cid), 0);
}

/** Opens the own root, then the CID in the parameters. */
function walk(): u32 {
  const cid = memory.data(64);
  let error = root(result, cid, 64);
  if (error == 0) error = blockOpen(result, cid);
  return answer(error != 0 ? error : blockOpen(result, input), 16);
}

/** count, lengths of keys and values, then headers, keys, values. */
function event(): u32 {
  const count = load<u32>(input);
  const keys = load<u32>(input + 4);
  const at = input + 12;
  const keysAt = at + <usize>count * 24;
  return answer(emit(at, count, keysAt, keys, keysAt + <usize>keys, load<u32>(input + 8)), 0);
}

export function invoke(params: u32): u32 {
  const context = memory.data(80);
  messageContext(context);
  const method = load<u32>(context + 32);
  bytes = 0;
  if (params != 0) {
    const stat = memory.data(12);
    blockStat(stat, params);
    bytes = load<u32>(stat + 8);
    blockRead(stat, params, 0, input, min<u32>(bytes, 32768));
  }
  if (method == 2) return make(false);
  if (method == 3) return make(true);
  if (method == 4) return walk();
  if (method == 5) return event();
  if (method == 6) return answer(tickets(result, load<i64>(input)), 32);
  if (method == 7) return answer(beacon(result, load<i64>(input)), 32);
  if (method == 8) return answer(selfDestruct(load<u32>(input)), 0);
  if (method == 9) return answer(blockOpen(result, input), 16);
  if (method == 10) return answer(setRoot(input), 0);
  if (method == 11) return answer(root(result, result + 4, 64), 0);
  return answer(0xffff, 0);
}
