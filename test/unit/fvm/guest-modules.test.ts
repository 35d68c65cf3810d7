import { expect, test, vi } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import { encodeVarint } from "../../../src/base/varint.ts";
import { INSTRUMENT_WASM } from "../../../src/core/assets/fvm.ts";
import { GuestModules, instrument } from "../../../src/core/guest-modules.ts";
import { compileModule } from "../../../src/core/load.ts";
import { wasmModule } from "../../support/wasm-module.ts";

const section = (id: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const body = concat(...parts);
  return concat(Uint8Array.of(id), encodeVarint(body.length), body);
};

test("a module that is valid only before it is instrumented is refused, once and for all", async () => {
  // As many globals as engines take: (global i32 (i32.const 0)).
  const count = 1_000_000;
  const globals = new Uint8Array(5 * count);
  for (let i = 0; i < count; i++) globals.set([0x7f, 0, 0x41, 0, 0x0b], 5 * i);
  const code = concat(
    Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    section(5, Uint8Array.of(1, 0, 1)),
    section(6, encodeVarint(count), globals),
  );
  expect(WebAssembly.validate(code as Uint8Array<ArrayBuffer>)).toBe(true);
  const modules = new GuestModules(await compileModule(INSTRUMENT_WASM));
  let reads = 0;
  const get = () =>
    modules.get("code", 3, () => {
      reads++;
      return code;
    });
  const found = get();
  expect(found).toMatchObject({ refused: expect.stringMatching(/once it is instrumented/) });
  expect(get()).toBe(found);
  expect(reads).toBe(1);
});

test("code that is known to be valid is not looked at twice; what is damaged all the same is refused", async () => {
  const modules = new GuestModules(await compileModule(INSTRUMENT_WASM));
  const sound = wasmModule({ functions: [{ params: 1, gives: true, body: [0x41, 0, 0x0b] }], exports: { invoke: 0 } });
  // i32.add of one operand: the instrumenter notices. i64.eqz of an i32: the engine does.
  const cases = [
    { name: "sound", code: sound, refused: undefined },
    { name: "short", code: wasmModule({ functions: [{ gives: true, body: [0x6a, 0x0b] }] }), refused: /./ },
    {
      name: "of another type",
      code: wasmModule({ functions: [{ gives: true, body: [0x41, 0, 0x50, 0x0b] }] }),
      refused: /the engine does not take it once it is instrumented/,
    },
  ];
  for (const { name, code, refused } of cases)
    for (const isValid of [true, false]) {
      const validates = vi.spyOn(WebAssembly, "validate");
      try {
        const found = modules.get(
          `${name} ${isValid}`,
          3,
          () => code,
          () => isValid,
        );
        expect(validates).toHaveBeenCalledTimes(isValid ? 0 : 1);
        if (refused === undefined) expect(found).toHaveProperty("module");
        else
          expect(found).toMatchObject({
            refused: isValid ? expect.stringMatching(refused) : expect.stringMatching(/valid/),
          });
      } finally {
        validates.mockRestore();
      }
    }
});

test("code that takes more memory to be instrumented than this host gives is a fault by name, and no refusal", async () => {
  // Calls of the function itself, two bytes each, of which the limiter makes more than thirty.
  const calls = 200_000;
  const body = new Uint8Array(2 * calls + 2);
  for (let i = 0; i < calls; i++) body[1 + 2 * i] = 0x10;
  body[body.length - 1] = 0x0b;
  const code = concat(
    Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    section(1, Uint8Array.of(1, 0x60, 0, 0)),
    section(3, Uint8Array.of(1, 0)),
    section(5, Uint8Array.of(1, 0, 1)),
    section(10, Uint8Array.of(1), encodeVarint(body.length), body),
  );
  const module = await compileModule(INSTRUMENT_WASM);
  expect(() => instrument(module, code, 3, { maxPages: 70 })).toThrow(
    expect.objectContaining({ data: expect.objectContaining({ code: "MEMORY_LIMIT", maxPages: 70 }) }),
  );
  expect(instrument(module, code, 3)).toBeInstanceOf(Uint8Array);
});

test("a fault of the instrumenter's own is not taken for a lack of memory", () => {
  // i32.load of an address beyond the memory; then the call of abort (imported, index 0).
  const bodies = [
    { body: [0x41, 0x7f, 0x28, 0, 0, 0x0b], code: "CORE_TRAP" },
    { body: [0x41, 0, 0x41, 0, 0x41, 7, 0x41, 9, 0x10, 0, 0x0b], code: "CORE_ABORT" },
  ];
  for (const { body, code } of bodies) {
    const bytes = wasmModule({
      imports: [{ module: "env", name: "abort", params: 4 }],
      functions: [
        { params: 1, gives: true, body: [0x41, 0, 0x0b] },
        { params: 3, gives: true, body },
        { gives: true, body: [0x41, 0, 0x0b] },
      ],
      exports: { alloc: 1, instrument: 2, resultPtr: 3 },
    });
    const broken = new WebAssembly.Module(bytes);
    expect(() => instrument(broken, wasmModule({ functions: [] }), 3)).toThrow(
      expect.objectContaining({ data: expect.objectContaining({ code }) }),
    );
  }
});

test("modules that were not used for long are given up", async () => {
  const modules = new GuestModules(await compileModule(INSTRUMENT_WASM));
  let reads = 0;
  const get = (name: string) =>
    modules.get(name, 3, () => {
      reads++;
      return new Uint8Array(0);
    });
  for (let i = 0; i < 257; i++) {
    get(`${i}`);
    get("often");
  }
  get("256");
  get("often");
  expect(reads).toBe(258);
  get("0");
  expect(reads).toBe(259);
});
