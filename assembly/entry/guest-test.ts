/**
 * `guest-test.wasm`: an actor for tests, which does to its syscalls what its parameters say. It runs as any guest of the FVM's third
 * generation does: instrumented, metered, and behind the same border.
 *
 * Parameters and return values are raw bytes. The first four are the method's: see each of them. Results of syscalls come back as
 * [error u32, result], little-endian.
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
@external("vm", "exit")
declare function exit(code: u32, block: u32, text: usize, length: u32): u32;
// @ts-ignore: decorator
@external("network", "context")
declare function networkContext(to: usize): u32;
// @ts-ignore: decorator
@external("network", "total_fil_circ_supply")
declare function supply(to: usize): u32;
// @ts-ignore: decorator
@external("network", "tipset_cid")
declare function tipsetCid(to: usize, epoch: i64, out: usize, size: u32): u32;
// @ts-ignore: decorator
@external("self", "current_balance")
declare function currentBalance(to: usize): u32;
// @ts-ignore: decorator
@external("self", "self_destruct")
declare function selfDestruct(heir: usize, length: u32): u32;
// @ts-ignore: decorator
@external("actor", "resolve_address")
declare function resolveAddress(to: usize, at: usize, length: u32): u32;
// @ts-ignore: decorator
@external("actor", "balance_of")
declare function balanceOf(to: usize, id: u64): u32;
// @ts-ignore: decorator
@external("actor", "get_actor_code_cid")
declare function codeCid(to: usize, id: u64, out: usize, capacity: u32): u32;
// @ts-ignore: decorator
@external("actor", "get_builtin_actor_type")
declare function typeOf(to: usize, cid: usize): u32;
// @ts-ignore: decorator
@external("actor", "get_code_cid_for_type")
declare function codeOf(to: usize, type: i32, out: usize, capacity: u32): u32;
// @ts-ignore: decorator
@external("actor", "next_actor_address")
declare function nextAddress(to: usize, out: usize, capacity: u32): u32;
// @ts-ignore: decorator
@external("actor", "create_actor")
declare function createActor(id: u64, code: usize, delegated: usize, length: u32): u32;
// @ts-ignore: decorator
@external("actor", "lookup_delegated_address")
declare function delegatedOf(to: usize, id: u64, out: usize, capacity: u32): u32;
// @ts-ignore: decorator
@external("crypto", "hash")
declare function hash(to: usize, code: u64, at: usize, length: u32, out: usize, capacity: u32): u32;
// @ts-ignore: decorator
@external("crypto", "recover_secp_public_key")
declare function recover(to: usize, digest: usize, signature: usize): u32;
// @ts-ignore: decorator
@external("rand", "get_chain_randomness")
declare function tickets(to: usize, tag: i64, epoch: i64, at: usize, length: u32): u32;
// @ts-ignore: decorator
@external("rand", "get_beacon_randomness")
declare function beacon(to: usize, tag: i64, epoch: i64, at: usize, length: u32): u32;
// @ts-ignore: decorator
@external("event", "emit_event")
declare function emit(at: usize, length: u32): u32;
// @ts-ignore: decorator
@external("gas", "charge")
declare function charge(name: usize, length: u32, amount: u64): u32;
// @ts-ignore: decorator
@external("gas", "available")
declare function available(to: usize): u32;
// @ts-ignore: decorator
@external("debug", "enabled")
declare function debugEnabled(to: usize): u32;
// @ts-ignore: decorator
@external("send", "send")
declare function send(
  to: usize,
  at: usize,
  length: u32,
  method: u64,
  params: u32,
  valueHigh: u64,
  valueLow: u64,
  limit: u64,
  flags: u64,
): u32;

/** Parameters, and the answer with the error in front. */
const input: usize = memory.data(8192);
const output: usize = memory.data(8192);
const result: usize = output + 4;
let bytes: u32 = 0;

function answer(error: u32, length: u32): u32 {
  store<u32>(output, error);
  return block(output, 4 + length);
}

function block(at: usize, length: u32): u32 {
  const handle = memory.data(4);
  return blockCreate(handle, RAW, at, length) == 0 ? load<u32>(handle) : 0;
}

/** How deep this goes is up to the stack limit. */
function deep(n: u32): u32 {
  return n == 0 ? 0 : deep(n - 1) + 1;
}

function sendIt(): u32 {
  // to: length u8 and bytes at 64; method, value, limit, flags at 0, 8, 16, 24; the rest from 160 on goes along.
  const to = result;
  const handle = bytes > 160 ? block(input + 160, bytes - 160) : 0;
  const length = <u32>load<u8>(input + 64);
  const error = send(
    to, input + 65, length, load<u64>(input), handle, 0, load<u64>(input + 8), load<u64>(input + 16), load<u64>(input + 24),
  );
  if (error != 0) return answer(error, 0);
  const got = load<u32>(to + 16);
  if (got > 0) blockRead(to + 20, load<u32>(to + 4), 0, to + 24, got);
  return answer(0, 24 + got);
}

/** Calls itself so many levels deep (their number u32, length u8 and bytes of its own address); the answer is how many there were. */
function nest(): u32 {
  const levels = load<u32>(input);
  store<u32>(result, 0);
  if (levels == 0) return answer(0, 4);
  store<u32>(input, levels - 1);
  const to = input + 5;
  const error = send(result, to, <u32>load<u8>(input + 4), 14, block(input, bytes), 0, 0, u64.MAX_VALUE, 0);
  if (error != 0 || load<u32>(result) != 0) return answer(error != 0 ? error : load<u32>(result), 4);
  blockRead(result + 8, load<u32>(result + 4), 4, result + 12, 4);
  store<u32>(result, load<u32>(result + 12) + 1);
  return answer(0, 4);
}

/** `nest` below so many activations of its own, as an actor has them that does something. */
function nestBelow(activations: u32): u32 {
  if (activations == 0) return nest();
  const handle = nestBelow(activations - 1);
  store<u32>(result, activations);
  return handle;
}

function save(): u32 {
  const cid = memory.data(64);
  const length = memory.data(4);
  const error = blockLink(length, block(input, bytes), BLAKE2B_256, 32, cid, 64);
  return answer(error != 0 ? error : setRoot(cid), 0);
}

function read(): u32 {
  const cid = memory.data(64);
  let error = root(result, cid, 64);
  if (error == 0) error = blockOpen(result, cid);
  if (error != 0) return answer(error, 0);
  const length = load<u32>(result + 12);
  error = blockRead(result, load<u32>(result + 8), 0, result + 4, length);
  return answer(error, 4 + length);
}

/** Grows the memory page by page until it gets no more; the answer is how many it got. */
function grow(): u32 {
  const step = load<u32>(input);
  let got: u32 = 0;
  while (memory.grow(step) >= 0) got += step;
  store<u32>(result, got);
  return answer(0, 4);
}

/** A syscall whose result lies at an address of the caller's choice: for results that do not fit. */
function misplaced(): u32 {
  return answer(available(<usize>load<u32>(input)), 0);
}

function ask(method: u32): u32 {
  const id = load<u64>(input);
  if (method == 20) return answer(messageContext(result), 80);
  if (method == 21) return answer(networkContext(result), 44);
  if (method == 22) return answer(supply(result), 16);
  if (method == 23) return answer(currentBalance(result), 16);
  if (method == 24) return answer(balanceOf(result, id), 16);
  if (method == 25) return answer(resolveAddress(result, input, bytes), 8);
  if (method == 26) return answer(codeCid(result, id, result + 4, 100), 104);
  if (method == 27) return answer(typeOf(result, input), 4);
  if (method == 28) return answer(codeOf(result, load<i32>(input), result + 4, 100), 104);
  if (method == 29) return answer(nextAddress(result, result + 4, load<u32>(input)), 25);
  if (method == 30) return answer(delegatedOf(result, id, result + 4, 65), 69);
  if (method == 31) return answer(hash(result, id, input + 8, bytes - 8, result + 4, 64), 68);
  if (method == 32) return answer(recover(result, input, input + 32), 65);
  if (method == 33) return answer(tickets(result, load<i64>(input), load<i64>(input + 8), input + 16, bytes - 16), 32);
  if (method == 34) return answer(beacon(result, load<i64>(input), load<i64>(input + 8), input + 16, bytes - 16), 32);
  if (method == 35) return answer(emit(input, bytes), 0);
  if (method == 36) return answer(available(result), 8);
  if (method == 37) return answer(charge(input + 8, bytes - 8, id), 0);
  if (method == 38) return answer(debugEnabled(result), 4);
  if (method == 39) return answer(tipsetCid(result, load<i64>(input), result + 4, 100), 104);
  if (method == 40) return answer(createActor(id, input + 8, 0, 0), 0);
  if (method == 41) return answer(selfDestruct(input, bytes), 0);
  if (method == 42) return answer(setRoot(input), 0);
  if (method == 43) return answer(blockOpen(result, input), 16);
  if (method == 44) return answer(blockCreate(result, load<u64>(input), input + 8, load<u32>(input + 4) & 0), 4);
  if (method == 45) return answer(blockRead(result, 1, load<u32>(input), result + 4, load<u32>(input + 4)), 4);
  if (method == 46) return answer(blockStat(result, load<u32>(input)), 12);
  if (method == 47) return answer(blockLink(result, 1, id, load<u32>(input + 8), result + 4, load<u32>(input + 12)), 4);
  return answer(0xffff, 0);
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
    blockRead(stat, params, 0, input, min<u32>(bytes, 8192));
  }
  if (method == 1) return 0;
  if (method == 2) return params;
  if (method == 3) return save();
  if (method == 4) return read();
  if (method == 5) return sendIt();
  if (method == 6) exit(load<u32>(input), bytes > 4 ? block(input + 4, bytes - 4) : 0, input, 0);
  if (method == 7) unreachable();
  if (method == 8) while (true) store<u32>(result, load<u32>(result) + 1);
  if (method == 9) {
    store<u32>(result, deep(load<u32>(input)));
    return answer(0, 4);
  }
  if (method == 10) return grow();
  if (method == 11) return misplaced();
  if (method == 12) return 77;
  if (method == 13) exit(16, 99, input, 0);
  if (method == 14) return nestBelow(100);
  return ask(method);
}
