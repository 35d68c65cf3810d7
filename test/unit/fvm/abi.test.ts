import { expect, test } from "vitest";
import { FVM_WASM } from "../../../src/core/assets/fvm.ts";
import { FVM_EXPORT_NAMES, FVM_IMPORT_NAMES, SIGNATURES, SYSCALLS } from "../../../src/core/fvm-abi.ts";
import { compileModule } from "../../../src/core/load.ts";
import { makeWorld, openWorld } from "../../support/fvm-world.ts";

/** What the compiler adds by itself. */
const OF_THE_RUNTIME = ["__new", "__pin", "__unpin", "__collect", "__rtti_base", "memory"];

const module = await compileModule(FVM_WASM);
const known = Object.entries(FVM_IMPORT_NAMES).flatMap(([room, names]) => names.map((name) => `${room}.${name}`));

test("the kernel asks for exactly the table's imports, its memory and abort", () => {
  const asked = WebAssembly.Module.imports(module).map(({ module, name }) => `${module}.${name}`);
  expect(asked.sort()).toEqual([...known, "env.abort", "env.memory"].sort());
});

test("the kernel exports exactly the table: what the host calls, and the syscalls of every generation", () => {
  const exported = WebAssembly.Module.exports(module)
    .map(({ name }) => name)
    .filter((name) => !OF_THE_RUNTIME.includes(name));
  const syscalls = new Set(Object.values(SYSCALLS).flatMap((one) => Object.values(one)));
  expect(exported.sort()).toEqual([...FVM_EXPORT_NAMES, "counter", ...syscalls].sort());
});

test("the types of syscalls name as many parameters as the kernel's exports have, behind the counter", async () => {
  const vm = await openWorld(makeWorld({ code: new Uint8Array(0) }));
  const { exports } = (vm as unknown as { run: { core: { exports: Record<string, () => number> } } }).run.core;
  for (const [name, params] of Object.entries(SIGNATURES)) expect(exports[name]?.length, name).toBe(1 + params.length);
  const served = Object.values(SYSCALLS).flatMap((one) => Object.values(one));
  expect(new Set(Object.keys(SIGNATURES))).toEqual(new Set(served));
});
