/** The machine's memory stays small whatever it is asked: nobody but the host says when garbage is collected, and it can only estimate. */
import * as dagCbor from "@ipld/dag-cbor";
import { beforeAll, expect, test } from "vitest";
import { Vm } from "../../../src/core/vm.ts";
import { Address } from "../../../src/types/address.ts";
import { contextOf, hostOf, key, makeState, message, type PlainState } from "../../support/plain-state.ts";

const NETWORK_VERSION = 5;
const STORM = Address.id(90);
const ABORT_MANY = 2n;
const SMALL = 32 << 20;

let state: PlainState;
let vm: Vm;
beforeAll(async () => {
  state = makeState(NETWORK_VERSION, 3, [{ id: 90, code: "fil/1/storm", state: [] }]);
});

async function open(): Promise<void> {
  vm = await Vm.create(hostOf(state.store), { asset: "vm-test.wasm" });
  vm.open(contextOf(state.root, NETWORK_VERSION));
}

test("of large parameters, with a receipt or without", async () => {
  await open();
  const params = new Uint8Array(60_000);
  for (let i = 0; i < 2000; i++) {
    const bytes = message({ nonce: BigInt(i), method: 77n, params });
    expect(vm.apply(bytes, bytes.length).gasUsed).toBeGreaterThan(0n);
    const poor = message({ nonce: BigInt(i), gasLimit: 1n, params });
    expect(vm.apply(poor, poor.length).exitCode).toBe(7);
  }
  expect(vm.memoryBytes).toBeLessThan(SMALL);
});

test("of messages that are refused", async () => {
  await open();
  const bytes = message({ gasLimit: -1n, params: new Uint8Array(60_000) });
  for (let i = 0; i < 3000; i++) expect(() => vm.apply(bytes, bytes.length)).toThrow(/takes no such input/);
  expect(vm.memoryBytes).toBeLessThan(SMALL);
});

test("of reads, and of machines that are opened one after the other", async () => {
  await open();
  for (let i = 0; i < 100_000; i++) vm.actor(key(i % 3));
  for (let i = 0; i < 2000; i++) vm.open(contextOf(state.root, NETWORK_VERSION));
  expect(vm.memoryBytes).toBeLessThan(SMALL);
});

test("of messages that send many others", async () => {
  await open();
  for (let i = 0; i < 200; i++) {
    const bytes = message({
      to: STORM,
      method: ABORT_MANY,
      params: dagCbor.encode(1000),
      nonce: BigInt(i),
      gasLimit: 10n ** 12n,
    });
    expect(vm.apply(bytes, bytes.length).exitCode).toBe(0);
  }
  expect(vm.memoryBytes).toBeLessThan(SMALL);
});
