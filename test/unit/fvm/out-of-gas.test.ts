/**
 * Gas that ends in a syscall: of every syscall of every generation, called by a small actor, each limit below what the message needs is
 * exit 7 and the whole limit, exactly what it needs is enough, nothing but fees is left of it, and the machine takes the next message. That
 * the charges themselves are the reference's: `reference.test.ts`, and the fixtures of published actors.
 */
import { expect, test } from "vitest";
import { type Generation, SIGNATURES, SYSCALLS } from "../../../src/core/fvm-abi.ts";
import { Address } from "../../../src/types/address.ts";
import { makeWorld, messageOf, openWorld, TESTER_ID } from "../../support/fvm-world.ts";
import { wasmModule } from "../../support/wasm-module.ts";

const OUT_OF_GAS = 7;
/** A message's limit that no call here needs. */
const AMPLE = 100_000_000;
/** Limits that are tried between a message without the call and one with it. */
const TRIES = 8;
const RETURN = [0x41, 0, 0x0b];

/** An actor that makes one syscall, with nothing but zeros. */
function calling(name: string, signature: string): Uint8Array {
  const types = [...signature].map((one): "i32" | "i64" => (one === "l" ? "i64" : "i32"));
  const zeros = types.flatMap((type) => [type === "i64" ? 0x42 : 0x41, 0]);
  const [module = "", field = ""] = name.split(".");
  return wasmModule({
    imports: [{ module, name: field, params: types }],
    functions: [{ params: 1, gives: true, body: [...zeros, 0x10, 0, 0x1a, ...RETURN] }],
    exports: { invoke: 1 },
  });
}

const GENERATIONS: readonly (readonly [Generation, number])[] = [
  [2, 17],
  [3, 18],
  [4, 28],
];
const all = GENERATIONS.flatMap(([generation, networkVersion]) =>
  Object.entries(SYSCALLS[generation]).map(([name, served]) => ({ name, networkVersion, served })),
);

async function machineOf(code: Uint8Array, networkVersion: number) {
  const vm = await openWorld(makeWorld({ code, networkVersion }), networkVersion);
  let nonce = 0n;
  const apply = (gasLimit: number) => {
    const message = messageOf({ method: 2n, gasLimit, nonce: nonce++ });
    return vm.apply(message, message.length);
  };
  const next = () => vm.apply(messageOf({ value: 1n, nonce: nonce++ }), 100).exitCode;
  return { vm, apply, next };
}

const idle = new Map<number, number>();
for (const [, networkVersion] of GENERATIONS) {
  const code = wasmModule({ functions: [{ params: 1, gives: true, body: RETURN }], exports: { invoke: 0 } });
  const { apply } = await machineOf(code, networkVersion);
  idle.set(networkVersion, Number(apply(AMPLE).gasUsed));
}

test.each(all)("$name at version $networkVersion", async ({ name, networkVersion, served }) => {
  const { vm, apply, next } = await machineOf(calling(name, SIGNATURES[served] as string), networkVersion);
  const { exitCode, gasUsed } = apply(AMPLE);
  expect(exitCode).not.toBe(OUT_OF_GAS);
  const needed = Number(gasUsed);
  const least = idle.get(networkVersion) as number;
  expect(needed).toBeGreaterThan(least);
  const tester = vm.actor(Address.id(TESTER_ID));
  const step = Math.max(1, Math.floor((needed - least) / TRIES));
  for (let limit = needed - 1; limit >= least; limit -= step)
    expect(apply(limit), `limit ${limit}`).toMatchObject({ exitCode: OUT_OF_GAS, gasUsed: BigInt(limit) });
  expect(vm.actor(Address.id(TESTER_ID))).toEqual(tester);
  expect(apply(needed)).toMatchObject({ exitCode, gasUsed });
  expect(next()).toBe(0);
});
