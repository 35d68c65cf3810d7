/** The FVM's machine with an actor of our own, which does to its syscalls what each test asks. No bundle is needed. */
import { blake2b } from "@noble/hashes/blake2.js";
import { ripemd160 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { describe, expect, test } from "vitest";
import { platform } from "#platform";
import { concat, utf8 } from "../../../src/base/bytes.ts";
import { drawFromDigest } from "../../../src/chain/randomness.ts";
import { Fvm, type FvmApplyRet } from "../../../src/core/fvm.ts";
import { builtFile } from "../../../src/platform/web.ts";
import { Address } from "../../../src/types/address.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";
import {
  applyIn,
  BASE_FEE,
  EPOCH,
  ETHEREUM,
  FUNDS,
  makeWorld,
  messageOf,
  NEXT_ID,
  OTHER_ID,
  openWorld,
  PLACEHOLDER_ID,
  SENDER,
  SENDER_ID,
  type Sent,
  TESTER_ID,
} from "../../support/fvm-world.ts";
import { leb, wasmModule } from "../../support/wasm-module.ts";

const code = await platform.readAsset(builtFile("wasm/guest-test.wasm"));
const world = makeWorld({ code });

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer);

/** Calls a method of the tester. */
const call = (method: bigint, params: Uint8Array = new Uint8Array(0), more: Sent = {}) =>
  applyIn(world, { method, params, ...more });

/** The error number and the result that a method of the tester answered with. */
function answered({ exitCode, why, return: bytes }: FvmApplyRet): { error: number; view: DataView; bytes: Uint8Array } {
  expect({ exitCode, why }).toEqual({ exitCode: 0, why: "" });
  const view = new DataView(bytes.buffer, bytes.byteOffset + 4, bytes.length - 4);
  return { error: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true), view, bytes: bytes.subarray(4) };
}

async function ask(method: number, params: Uint8Array = new Uint8Array(0)) {
  return answered(await call(BigInt(method), params));
}

type Send = { readonly to?: Address; readonly value?: bigint; readonly limit?: bigint; readonly readOnly?: boolean };

/** Parameters by which the tester sends: method and parameters of the inner call, and how. */
function sends(method: bigint, params: Uint8Array = new Uint8Array(0), how: Send = {}): Uint8Array {
  const { to = Address.id(OTHER_ID), value = 0n, limit = 2n ** 64n - 1n, readOnly = false } = how;
  const head = new Uint8Array(160);
  head.set(concat(u64(method), u64(value), u64(limit), u64(readOnly ? 1n : 0n)));
  head[64] = to.bytes.length;
  head.set(to.bytes, 65);
  return concat(head, params);
}

/** How a send of the tester ended: its error, or the inner call's exit code and return value. */
function sent(ret: FvmApplyRet): { error: number; exit: number; value: Uint8Array } {
  const { error, view, bytes } = answered(ret);
  return error === 0
    ? { error, exit: view.getUint32(0, true), value: bytes.slice(24) }
    : { error, exit: -1, value: bytes };
}

describe("messages", () => {
  test("a transfer moves the value, burns and tips, and the state has the root of what changed", async () => {
    const to = Address.id(TESTER_ID);
    const { vm, ...ret } = await applyIn(world, { value: 5n });
    expect(ret.exitCode).toBe(0);
    // The message, 6,000 for the transfer; sender and receiver are looked up before, so only one update is charged.
    const length = BigInt(messageOf({ value: 5n }).length);
    expect(ret.gasUsed).toBe(38863n + 36n * 1300n + 475000n + 1300n * length + 6000n + 475000n);
    expect(vm.actor(to)?.balance).toBe(1005n);
    const sender = vm.actor(SENDER);
    expect(sender?.nonce).toBe(1n);
    const paid = ret.baseFeeBurn + ret.overestimationBurn + ret.minerTip;
    expect(sender?.balance).toBe(FUNDS - 5n - paid);
    expect(ret.baseFeeBurn).toBe(ret.gasUsed * BASE_FEE);
    expect(ret.minerTip).toBe(20n * 1_000_000_000n);
    expect(vm.actor(Address.id(99n))?.balance).toBe(ret.baseFeeBurn + ret.overestimationBurn);
    const root = vm.flush();
    expect(root.equals(world.root)).toBe(false);
    expect((await applyIn(world, { value: 5n })).vm.flush().equals(root)).toBe(true);
  });

  test.each([
    ["wrong nonce", { nonce: 1n }, 2],
    ["a sender that is not there", { from: Address.id(4000n) }, 1],
    ["a sender that is no account", { from: Address.id(OTHER_ID) }, 1],
    ["a limit below the message's own cost", { gasLimit: 1000 }, 7],
    ["a limit that the sender cannot pay", { gasLimit: 2 ** 53 - 1 }, 2],
  ] as const)("%s: no effect but a penalty", async (_, change, exit) => {
    const { vm, ...ret } = await applyIn(world, { value: 5n, ...change });
    expect(ret).toMatchObject({ exitCode: exit, gasUsed: 0n, minerTip: 0n });
    expect(ret.minerPenalty).toBeGreaterThan(0n);
    expect(vm.flush().equals(world.root)).toBe(true);
  });

  test("what it cannot take at all is a named fault, and the machine goes on", async () => {
    const vm = await openWorld(world);
    expect(() => vm.apply(Uint8Array.of(1, 2), 2)).toThrow(/no such input/);
    expect(() => vm.apply(messageOf({ gasLimit: 0 }), 50)).toThrow(/no such input/);
    expect(vm.apply(messageOf({ value: 1n }), 100).exitCode).toBe(0);
  });

  test("to a key without an account: the account is made and its constructor run, from version 18 with the init actor's next id", async () => {
    const to = Address.fromBytes(Uint8Array.from([1, ...new Uint8Array(20).fill(9)]));
    const { vm, ...ret } = await applyIn(world, { to, value: 7n });
    expect(ret.exitCode).toBe(0);
    const made = vm.actor(to);
    expect(made?.balance).toBe(7n);
    expect(made?.code.equals(world.codes["account"] as never)).toBe(true);
    expect(vm.actor(Address.id(NEXT_ID))).toEqual(made);
  });

  test("to an address of Ethereum without an actor: a placeholder, which becomes an account by its first message", async () => {
    const to = Address.delegated(10, new Uint8Array(20).fill(3));
    const first = await applyIn(world, { to, value: 7n });
    expect(first.exitCode).toBe(0);
    expect(first.vm.actor(to)).toMatchObject({ delegated: to, balance: 7n });
    const rich = makeWorld({ code });
    const vm = await openWorld(rich);
    vm.apply(messageOf({ to: ETHEREUM, value: 10n ** 17n }), 100);
    const own = vm.apply(messageOf({ from: ETHEREUM, value: 3n, gasLimit: 100_000_000 }), 100);
    expect(own.exitCode).toBe(0);
    expect(vm.actor(ETHEREUM)?.code.equals(rich.codes["ethaccount"] as never)).toBe(true);
    expect(vm.actor(ETHEREUM)?.nonce).toBe(1n);
    expect(vm.actor(Address.id(PLACEHOLDER_ID))).toEqual(vm.actor(ETHEREUM));
  });

  test("to nobody: exit 5; of more than there is: exit 6; in both nothing is kept but the fees", async () => {
    const nobody = await applyIn(world, { to: Address.id(9999n) });
    expect(nobody.exitCode).toBe(5);
    expect(nobody.gasUsed).toBeGreaterThan(0n);
    expect((await applyIn(world, { value: FUNDS * 2n })).exitCode).toBe(6);
  });
});

describe("how a guest ends", () => {
  test("returns its parameters, or nothing", async () => {
    expect((await call(2n, utf8("echo"))).return).toEqual(utf8("echo"));
    expect(await call(1n)).toMatchObject({ exitCode: 0, return: new Uint8Array(0) });
  });

  test("exits with a code and data; a code of the system's is 9; with 0 it succeeds", async () => {
    expect(await call(6n, concat(u32(33), utf8("why")))).toMatchObject({ exitCode: 33, return: utf8("why") });
    expect(await call(6n, u32(6))).toMatchObject({ exitCode: 9 });
    expect(await call(6n, concat(u32(0), utf8("fine")))).toMatchObject({ exitCode: 0, return: utf8("fine") });
  });

  test("a trap is exit 4, a missing return block 11, a missing block of vm.exit exit 10 and the whole limit", async () => {
    expect(await call(7n)).toMatchObject({ exitCode: 4, why: "the actor trapped" });
    expect(await call(12n)).toMatchObject({ exitCode: 11 });
    // Codes are 32 bits without a sign.
    expect(await call(6n, u32(0xffffffff))).toMatchObject({ exitCode: 0xffffffff });
    expect(await call(13n)).toMatchObject({ exitCode: 10, gasUsed: 1_000_000_000n });
  });

  test("an endless loop runs out of gas, and has used exactly its limit", async () => {
    const limit = 30_000_000;
    expect(await call(8n, new Uint8Array(0), { gasLimit: limit })).toMatchObject({
      exitCode: 7,
      gasUsed: BigInt(limit),
    });
  });

  test("recursion ends at the stack's limit with a trap; before it goes on", async () => {
    expect((await ask(9, u32(100))).view.getUint32(0, true)).toBe(100);
    expect(await call(9n, u32(100_000))).toMatchObject({ exitCode: 4 });
  });

  test("memory grows to 512 MiB at most, and every page is paid for", async () => {
    const ret = await call(10n, u32(1024), { gasLimit: 9_000_000_000 });
    expect(answered(ret).view.getUint32(0, true)).toBe(7 * 1024);
    expect(ret.gasUsed).toBeGreaterThan(8n * 1024n * 26_214n);
  });
});

describe("state and calls", () => {
  test("what was stored is there in the next message, and is one block reached from the state", async () => {
    const vm = await openWorld(world);
    expect(vm.apply(messageOf({ method: 3n, params: utf8("kept") }), 100).exitCode).toBe(0);
    const read = vm.apply(messageOf({ method: 4n, nonce: 1n }), 100);
    const { view, bytes } = answered(read);
    expect(bytes.slice(4)).toEqual(utf8("kept"));
    expect(view.getInt32(0, true)).toBe(0);
    expect([...vm.madeBlocks()].some(({ bytes }) => new TextDecoder().decode(bytes) === "kept")).toBe(true);
  });

  test("a call gives the other's exit code and data, moves value, and takes all back if it fails", async () => {
    const good = await call(5n, sends(2n, utf8("ping"), { value: 10n }));
    expect(sent(good)).toMatchObject({ error: 0, exit: 0, value: utf8("ping") });
    expect(good.vm.actor(Address.id(OTHER_ID))?.balance).toBe(10n);
    const bad = await call(5n, sends(6n, concat(u32(20), utf8("no")), { value: 10n }));
    expect(sent(bad)).toMatchObject({ error: 0, exit: 20, value: utf8("no") });
    expect(bad.vm.actor(Address.id(OTHER_ID))?.balance).toBe(0n);
    expect(sent(await call(5n, sends(2n, utf8("x"), { value: 5000n })))).toMatchObject({ error: 5 });
    expect(sent(await call(5n, sends(2n, utf8("x"), { to: Address.id(4000n) })))).toMatchObject({ error: 6 });
  });

  test("a failed call forgets what it looked up: it is charged for again", async () => {
    const twice = (inner: Uint8Array) => call(5n, sends(5n, inner));
    const once = (await twice(sends(2n, utf8("x"), { to: Address.id(SENDER_ID) }))).gasUsed;
    expect(once).toBeGreaterThan(0n);
    // The first touch of an actor costs 500,000: here the second tester, and no more when it is called again.
    const plain = (await call(5n, sends(1n))).gasUsed;
    const self = (await call(5n, sends(1n, new Uint8Array(0), { to: Address.id(TESTER_ID) }))).gasUsed;
    expect(plain - self).toBe(500_000n);
  });

  test("a call with a limit of its own ends with exit 7 and the caller goes on; a trap inside is exit 4", async () => {
    const ret = await call(5n, sends(8n, new Uint8Array(0), { limit: 2_000_000n }));
    expect(sent(ret)).toMatchObject({ error: 0, exit: 7 });
    expect(ret.gasUsed).toBeLessThan(20_000_000n);
    expect(sent(await call(5n, sends(7n)))).toMatchObject({ error: 0, exit: 4 });
  });

  test("a read-only call cannot change state, move value, emit, or make actors, and its calls cannot either", async () => {
    const quiet = (method: bigint, params: Uint8Array) => call(5n, sends(method, params, { readOnly: true }));
    const inner = async (method: bigint, params: Uint8Array): Promise<number> =>
      new DataView(sent(await quiet(method, params)).value.buffer).getUint32(0, true);
    const READ_ONLY = 13;
    expect(await inner(3n, utf8("x"))).toBe(READ_ONLY);
    expect(await inner(35n, Uint8Array.of(0x80))).toBe(READ_ONLY);
    expect(await inner(41n, Address.id(SENDER_ID).bytes)).toBe(READ_ONLY);
    expect(await inner(5n, sends(3n, utf8("x")))).toBe(0);
    const key = Address.fromBytes(Uint8Array.from([1, ...new Uint8Array(20).fill(8)]));
    expect(await inner(5n, sends(0n, new Uint8Array(0), { to: key }))).toBe(READ_ONLY);
    expect(sent(await call(5n, sends(1n, new Uint8Array(0), { readOnly: true, value: 1n }))).error).toBe(READ_ONLY);
    // The flag shows in the message's context.
    const context = sent(await quiet(20n, new Uint8Array(0))).value;
    expect(new DataView(context.buffer, context.byteOffset).getBigUint64(4 + 72, true)).toBe(1n);
  });

  test("calls nest as deep as gas goes: each level pays, and none of them is the kernel's stack", async () => {
    let params = sends(2n, utf8("bottom"));
    for (let i = 0; i < 20; i++) params = sends(5n, params, { to: Address.id(i % 2 === 0 ? TESTER_ID : OTHER_ID) });
    const ret = await call(5n, params, { gasLimit: 9_000_000_000 });
    let value = sent(ret).value;
    for (let i = 0; i < 20; i++) value = value.slice(28);
    expect(value.subarray(0, 6)).toEqual(utf8("bottom"));
  });
});

test("calls deeper than the host's stack void the run by name, and never give an exit code", async () => {
  const own = Address.id(TESTER_ID).bytes;
  const nest = (levels: number) => concat(u32(levels), Uint8Array.of(own.length), own);
  expect(answered(await call(14n, nest(20), { gasLimit: 9_000_000_000 })).view.getUint32(0, true)).toBe(20);
  const vm = await openWorld(world);
  const message = messageOf({ method: 14n, params: nest(1000), gasLimit: 9_000_000_000 });
  let fault: unknown = null;
  try {
    // The protocol allows it, and so may a host with a large stack.
    expect(answered(vm.apply(message, message.length))).toMatchObject({ error: 0, bytes: u32(1000) });
  } catch (error) {
    fault = error;
  }
  if (fault !== null) expect(fault).toMatchObject({ data: { code: expect.stringMatching(/^HOST_(STACK|MEMORY)$/) } });
  expect(vm.spent).toBe(fault !== null);
});

describe("syscalls", () => {
  test("vm.message_context and network.context", async () => {
    const message = (await ask(20)).view;
    const word = (at: number): bigint => message.getBigUint64(at, true);
    expect([0, 8, 16, 24, 32].map(word)).toEqual([SENDER_ID, 0n, SENDER_ID, TESTER_ID, 20n]);
    expect([word(40), word(56), word(72)]).toEqual([0n, 20n, 0n]);
    const network = (await ask(21)).view;
    expect(network.getBigInt64(0, true)).toBe(BigInt(EPOCH));
    expect(network.getBigUint64(8, true)).toBe(BigInt(30 * EPOCH));
    expect(network.getBigUint64(16, true)).toBe(BASE_FEE);
    expect(network.getBigUint64(32, true)).toBe(31415926n);
    expect(network.getUint32(40, true)).toBe(18);
    expect((await ask(22)).view.getBigUint64(0, true)).toBe(123n);
  });

  test("actors: balance, code, type, address, next address", async () => {
    expect((await ask(23)).view.getBigUint64(0, true)).toBe(1000n);
    expect((await ask(24, u64(PLACEHOLDER_ID))).view.getBigUint64(0, true)).toBe(50n);
    expect((await ask(24, u64(4000n))).error).toBe(6);
    expect((await ask(25, SENDER.bytes)).view.getBigUint64(0, true)).toBe(SENDER_ID);
    expect((await ask(25, Uint8Array.of(9))).error).toBe(1);
    const tester = world.codes["tester"]?.bytes as Uint8Array;
    expect((await ask(26, u64(OTHER_ID))).bytes.subarray(4, 4 + tester.length)).toEqual(tester);
    expect((await ask(27, tester)).view.getUint32(0, true)).toBe(8);
    expect((await ask(28, u32(8))).bytes.subarray(4, 4 + tester.length)).toEqual(tester);
    expect((await ask(28, u32(9))).error).toBe(1);
    expect((await ask(30, u64(PLACEHOLDER_ID))).bytes.subarray(4, 26)).toEqual(ETHEREUM.bytes);
    expect((await ask(30, u64(OTHER_ID))).view.getUint32(0, true)).toBe(0);
    const head = Uint8Array.from([0x40 + SENDER.bytes.length, ...SENDER.bytes, ...new Uint8Array(16)]);
    expect((await ask(29, u32(21))).bytes.subarray(4, 25)).toEqual(Address.actor(head).bytes);
    expect((await ask(29, u32(20))).error).toBe(12);
    expect((await ask(40, concat(u64(500n), tester))).error).toBe(11);
  });

  test("hashes", async () => {
    const data = utf8("some data that is hashed, longer than the sixty-four bytes of one block");
    const hash = async (kind: bigint) => (await ask(31, concat(u64(kind), data))).bytes;
    expect((await hash(0x12n)).subarray(4, 36)).toEqual(sha256(data));
    expect((await hash(0xb220n)).subarray(4, 36)).toEqual(blake2b(data, { dkLen: 32 }));
    expect((await hash(0xb240n)).subarray(4, 68)).toEqual(blake2b(data, { dkLen: 64 }));
    expect((await hash(0x1bn)).subarray(4, 36)).toEqual(keccak_256(data));
    expect((await hash(0x1053n)).subarray(4, 24)).toEqual(ripemd160(data));
    expect((await ask(31, concat(u64(0x99n), data))).error).toBe(1);
  });

  test("randomness is drawn from the digests", async () => {
    const asked = concat(u64(5n), u64(900n), utf8("entropy"));
    const drawn = (byte: number) => drawFromDigest(new Uint8Array(32).fill(byte), 5, 900, utf8("entropy"));
    expect((await ask(33, asked)).bytes).toEqual(drawn(1));
    expect((await ask(34, asked)).bytes).toEqual(drawn(2));
  });

  test("the tipset's CID within 900 epochs, not of this epoch", async () => {
    expect((await ask(39, u64(BigInt(EPOCH - 1)))).error).toBe(0);
    expect((await ask(39, u64(BigInt(EPOCH - 899)))).error).toBe(0);
    for (const epoch of [EPOCH, EPOCH + 1, EPOCH - 900]) expect((await ask(39, u64(BigInt(epoch)))).error).toBe(1);
  });

  test("events: in the receipt's root, none of a call that failed; what breaks a rule is refused", async () => {
    const entry = (flags: number, key: string, codec: number, value: number): number[] => [
      ...[0x84, flags, 0x60 + key.length, ...utf8(key), 0x18, codec, 0x41, value],
    ];
    const event = Uint8Array.from([0x81, ...entry(3, "t1", 0x55, 1)]);
    const emitted = await call(35n, event);
    expect(answered(emitted).error).toBe(0);
    expect(emitted.eventsRoot).not.toBeNull();
    expect((await call(1n)).eventsRoot).toBeNull();
    const unknown = await call(35n, Uint8Array.from([0x81, ...entry(4, "t1", 0x55, 1)]));
    expect(answered(unknown).error).toBe(0);
    expect(unknown.gasUsed).toBe(emitted.gasUsed);
    expect(`${unknown.eventsRoot}`).not.toBe(`${emitted.eventsRoot}`);
    expect((await ask(35, Uint8Array.from([0x81, ...entry(3, "t1", 0x71, 1)]))).error).toBe(9);
    expect((await ask(35, Uint8Array.of(0x81))).error).toBe(1);
  });

  test("gas: what is left, and charges in whole gas", async () => {
    const left = (await ask(36)).view.getBigUint64(0, true);
    expect(left).toBeGreaterThan(900_000_000n);
    const plain = (await call(37n, concat(u64(0n), utf8("n")))).gasUsed;
    expect((await call(37n, concat(u64(1_000_000n), utf8("n")))).gasUsed - plain).toBe(1_000_000n);
    expect(await call(37n, concat(u64(2n ** 64n - 1n), utf8("n")))).toMatchObject({ exitCode: 7 });
    expect((await ask(37, concat(u64(1n), Uint8Array.of(0xff)))).error).toBe(1);
  });

  test("a result outside of the guest's memory is an illegal argument, and that stretch is charged twice", async () => {
    const within = await call(11n, u32(64));
    const outside = await call(11n, u32(0xfffffff0));
    expect(answered(within).error).toBe(0);
    expect(answered(outside).error).toBe(1);
    expect(outside.gasUsed).toBeGreaterThan(within.gasUsed);
  });

  test("blocks: handles, ranges and CIDs that are none are refused by number", async () => {
    const cid = world.codes["tester"]?.bytes as Uint8Array;
    expect((await ask(43, cid)).view.getUint32(12, true)).toBe(code.length);
    expect((await ask(43, Uint8Array.of(2, 0x71))).error).toBe(1);
    expect((await ask(42, Uint8Array.of(0))).error).toBe(1);
    expect((await ask(46, u32(1))).error).toBe(0);
    for (const handle of [0, 500, 0xffffffff]) expect((await ask(46, u32(handle))).error).toBe(7);
    expect((await ask(45, concat(u32(2), u32(4)))).view.getInt32(0, true)).toBe(8 - 6);
    expect((await ask(45, concat(u32(20), u32(4)))).view.getInt32(0, true)).toBe(8 - 24);
    expect((await ask(45, concat(u32(0x7fffffff), u32(4)))).error).toBe(1);
    expect((await ask(47, concat(u64(0x12n), u32(32), u32(64)))).error).toBe(8);
    expect((await ask(47, concat(u64(0xb220n), u32(32), u32(5)))).error).toBe(12);
    expect((await ask(44, u64(0x70n))).error).toBe(9);
  });

  test("an actor destroys itself: its funds go to the heir, and it is gone", async () => {
    const { vm, ...ret } = await call(41n, Address.id(OTHER_ID).bytes);
    expect(answered(ret).error).toBe(0);
    expect(vm.actor(Address.id(TESTER_ID))).toBeNull();
    expect(vm.actor(Address.id(OTHER_ID))?.balance).toBe(1000n);
    expect((await ask(41, Address.id(TESTER_ID).bytes)).error).toBe(11);
  });
});

test("an actor whose code is no guest of this machine: exit 10 and the whole limit; the machine lives", async () => {
  const vm = await openWorld(makeWorld({ code: utf8("no WebAssembly") }));
  const message = messageOf({ method: 2n });
  expect(vm.apply(message, message.length)).toMatchObject({ exitCode: 10, gasUsed: 1_000_000_000n });
  expect(vm.apply(messageOf({ value: 1n, nonce: 1n }), 100).exitCode).toBe(0);
});

test("a missing block voids the run, and says which it is", async () => {
  const vm = await openWorld(world);
  const nowhere = cidOfBlock(utf8("nowhere"));
  const message = messageOf({ method: 43n, params: nowhere.bytes });
  expect(() => vm.apply(message, message.length)).toThrow(`block ${nowhere} is not at hand`);
  expect(vm.spent).toBe(true);
});

// 2,000 times crypto.verify_post of its whole page, which is no CBOR.
const WASTEFUL = [
  ...[0x03, 0x40, 0x41, 0, 0x41, 0, 0x41, 0x80, 0x80, 0x04, 0x10, 0, 0x1a],
  ...[0x20, 1, 0x41, 1, 0x6a, 0x22, 1, 0x41, 0xd0, 0x0f, 0x49, 0x0d, 0, 0x0b],
];
// crypto.batch_verify_seals of five bytes: the head of a list of 16,777,215 seals.
const BOASTFUL = [
  ...[0x9a, 0, 0xff, 0xff, 0xff].flatMap((byte, at) => [0x41, at, 0x41, ...leb(byte), 0x3a, 0, 0]),
  ...[0x41, 0, 0x41, 5, 0x41, 0, 0x10, 0, 0x1a],
];

test.each([
  ["125 MiB of syscalls' arguments, freed while the message runs", "verify_post", WASTEFUL],
  ["a list of seals that is longer than its bytes", "batch_verify_seals", BOASTFUL],
] as const)("the kernel's memory of 16 MiB is enough for %s", async (_, name, body) => {
  const guest = wasmModule({
    imports: [{ module: "crypto", name, params: 3 }],
    functions: [{ params: 1, gives: true, locals: [1], body: [...body, 0x41, 0, 0x0b] }],
    exports: { invoke: 1 },
  });
  const { host, root } = makeWorld({ code: guest });
  const vm = await Fvm.create(host, { maxPages: 256 });
  vm.open({
    ...{ stateRoot: root, epoch: EPOCH, timestamp: 30 * EPOCH, networkVersion: 18, chainId: 0 },
    ...{ baseFee: BASE_FEE, circulatingSupply: 0n },
  });
  const message = messageOf({ method: 2n });
  expect(vm.apply(message, message.length)).toMatchObject({ exitCode: 0, why: "" });
});

test("the second generation: other syscalls are not linked, and messages are charged by the call", async () => {
  const old = makeWorld({ code, networkVersion: 17 });
  const ret = await applyIn(old, { value: 5n }, 17);
  expect(ret.exitCode).toBe(0);
  const length = BigInt(messageOf({ value: 5n }).length);
  expect(ret.gasUsed).toBe(38863n + 36n * 1300n + 1300n * length + 29233n + 27500n + 159672n);
  expect(ret.eventsRoot).toBeNull();
  // The tester imports what only the third generation has.
  expect(await applyIn(old, { method: 2n }, 17)).toMatchObject({ exitCode: 10 });
});
