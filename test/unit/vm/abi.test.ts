import { describe, expect, test } from "vitest";
import { EXPORT_NAMES, IMPORT_NAMES } from "../../../src/core/abi.ts";
import { compileModule } from "../../../src/core/load.ts";

/** What the compiler adds by itself. */
const OF_THE_RUNTIME = ["__new", "__pin", "__unpin", "__collect", "__rtti_base", "memory"];

describe.each(["vm.wasm", "vm-test.wasm"])("the ABI of %s", (asset) => {
  test("the module asks for nothing that the table lacks, but abort and its memory", async () => {
    const known = new Set(
      Object.entries(IMPORT_NAMES).flatMap(([room, names]) => names.map((name) => `${room}.${name}`)),
    );
    const asked = WebAssembly.Module.imports(await compileModule(asset)).map(({ module, name }) => `${module}.${name}`);
    expect(asked.filter((name) => !known.has(name)).sort()).toEqual(["env.abort", "env.memory"]);
  });

  test("the module uses every import of the table", async () => {
    const asked = new Set(
      WebAssembly.Module.imports(await compileModule(asset)).map(({ module, name }) => `${module}.${name}`),
    );
    const unused = Object.entries(IMPORT_NAMES)
      .flatMap(([room, names]) => names.map((name) => `${room}.${name}`))
      .filter((name) => !asked.has(name));
    expect(unused).toEqual([]);
  });

  test("the module exports exactly the table", async () => {
    const exported = WebAssembly.Module.exports(await compileModule(asset)).map(({ name }) => name);
    expect(exported.filter((name) => !OF_THE_RUNTIME.includes(name)).sort()).toEqual([...EXPORT_NAMES].sort());
  });
});
