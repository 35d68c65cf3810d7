/** The kernel's memory stays small whatever it is asked: the host says when garbage is collected, and can only estimate. */
import { expect, test } from "vitest";
import { Address } from "../../../src/types/address.ts";
import { makeWorld, messageOf, openWorld, SENDER } from "../../support/fvm-world.ts";
import { wasmModule } from "../../support/wasm-module.ts";

const SMALL = 64 << 20;
const IDLE = wasmModule({ functions: [{ params: 1, gives: true, body: [0x41, 0, 0x0b] }], exports: { invoke: 0 } });

test("of large parameters that are refused or penalised, and of reads", async () => {
  const vm = await openWorld(makeWorld({ code: IDLE }));
  const params = new Uint8Array(60_000);
  const poor = messageOf({ gasLimit: 1, params });
  for (let i = 0; i < 4000; i++) expect(vm.apply(poor, poor.length).exitCode).toBe(7);
  const never = messageOf({ gasLimit: -1, params });
  for (let i = 0; i < 4000; i++) expect(() => vm.apply(never, never.length)).toThrow(/takes no such input/);
  for (let i = 0; i < 50_000; i++) vm.resolve(i % 2 === 0 ? SENDER : Address.id(101));
  expect(vm.memoryBytes).toBeLessThan(SMALL);
});
