import { expect, test } from "vitest";
import { FVM_WASM } from "../../../src/core/assets/fvm.ts";
import { FVM_EXPORT_NAMES, FVM_IMPORT_NAMES, SYSCALLS } from "../../../src/core/fvm-abi.ts";
import { compileModule } from "../../../src/core/load.ts";

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
