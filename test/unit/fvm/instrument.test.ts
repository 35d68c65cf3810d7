/** The instrumenter on small modules: what is charged and when, what is limited, what is refused. */
import { describe, expect, test, vi } from "vitest";
import { INSTRUMENT_WASM } from "../../../src/core/assets/fvm.ts";
import { instrument } from "../../../src/core/guest-modules.ts";
import { compileModule } from "../../../src/core/load.ts";
import { leb, signedLeb, type WasmFunction, type WasmParts, wasmModule } from "../../support/wasm-module.ts";

const instrumenter = await compileModule(INSTRUMENT_WASM);
const OP = 4000n;

type Run = { readonly used: bigint; readonly result: unknown; readonly trapped: boolean; readonly pages: number };

const modules = new Map<string, WebAssembly.Module>();

function instrumented(parts: WasmParts, generation: 2 | 3): WebAssembly.Module {
  const key = `${generation} ${JSON.stringify(parts)}`;
  let module = modules.get(key);
  if (module === undefined) {
    const bytes = instrument(instrumenter, wasmModule(parts), generation);
    if (typeof bytes === "string") throw new Error(bytes);
    module = new WebAssembly.Module(bytes);
    modules.set(key, module);
  }
  return module;
}

/** Instruments a module, runs its export `f`, and says what it used of `gas`. */
function run(parts: WasmParts, generation: 2 | 3, args: readonly number[] = [], gas = 10n ** 12n, pages = 8192): Run {
  const { exports } = new WebAssembly.Instance(instrumented(parts, generation), { env: { host: () => 5 } });
  const counter = exports["filigree:gas"] as WebAssembly.Global<"i64">;
  counter.value = gas;
  (exports["filigree:pages"] as WebAssembly.Global<"i32">).value = pages;
  let result: unknown;
  let trapped = false;
  try {
    result = (exports["f"] as (...args: readonly number[]) => unknown)(...args);
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    trapped = true;
  }
  const memory = exports["memory"] as WebAssembly.Memory;
  return { used: gas - counter.value, result, trapped, pages: memory.buffer.byteLength / 65536 };
}

const f = (one: WasmFunction, more: Partial<WasmParts> = {}): WasmParts => ({
  functions: [one],
  exports: { f: 0 },
  ...more,
});
/** What reaching a function from outside costs: its parameters, the limiter's twelve, the call. */
const thunk = (params: number): bigint => OP * BigInt(params + 13);

describe.each([2, 3] as const)("charges of generation %i", (generation) => {
  test("a body of very many changes is charged like one of few", () => {
    const one = [0x41, 1, 0x04, 0x40, 0x01, 0x0b, 0x03, 0x40, 0x0b, 0x3f, 0, 0x1a];
    const body = Array.from({ length: 10_000 }, () => one).flat();
    const { used, trapped } = run(f({ body: [...body, 0x0b] }), generation);
    expect(trapped).toBe(false);
    expect(used).toBe(thunk(0) + 30_000n * OP);
  });

  test("an instruction costs 4 gas; nop, drop, block, loop, else, end, return and unreachable nothing", () => {
    // i32.const, drop, nop, block end, i32.const, return
    const body = [0x41, 1, 0x1a, 0x01, 0x02, 0x40, 0x0b, 0x41, 7, 0x0f, 0x0b];
    const { used, result } = run(f({ gives: true, body }), generation);
    expect(result).toBe(7);
    expect(used).toBe(thunk(0) + 2n * OP);
  });

  test("of an if and its else only the one taken is paid for", () => {
    // local.get 0; if (result i32) i32.const, i32.const, i32.add else i32.const end
    const body = [0x20, 0, 0x04, 0x7f, 0x41, 1, 0x41, 2, 0x6a, 0x05, 0x41, 9, 0x0b, 0x0b];
    const parts = f({ params: 1, gives: true, body });
    expect(run(parts, generation, [1])).toMatchObject({ result: 3, used: thunk(1) + 5n * OP });
    expect(run(parts, generation, [0])).toMatchObject({ result: 9, used: thunk(1) + 3n * OP });
  });

  test("a loop is paid for at every turn", () => {
    // loop: local.get 0; i32.const 1; i32.sub; local.tee 0; br_if 0
    const body = [0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x0b];
    const turns = (n: number): bigint => run(f({ params: 1, body }), generation, [n]).used;
    expect(turns(1)).toBe(thunk(1) + 5n * OP);
    expect(turns(10)).toBe(thunk(1) + 50n * OP);
  });

  test("what follows a block that is left early is a piece of its own, before a branch that only ends it is not", () => {
    // block: local.get 0; br_if 0; i32.const; drop; end; i32.const; drop
    const one = [0x02, 0x40, 0x20, 0, 0x0d, 0, 0x41, 1, 0x1a, 0x0b, 0x41, 2, 0x1a, 0x0b];
    const parts = f({ params: 1, body: one });
    expect(run(parts, generation, [1]).used).toBe(thunk(1) + 3n * OP);
    expect(run(parts, generation, [0]).used).toBe(thunk(1) + 4n * OP);
  });

  test("a call costs itself and the limiter's twelve instructions; an imported function only itself", () => {
    const parts: WasmParts = {
      imports: [{ module: "env", name: "host", params: 0 }],
      functions: [
        { gives: true, body: [0x10, 2, 0x10, 0, 0x6a, 0x0b] },
        { gives: true, body: [0x41, 4, 0x0b] },
      ],
      exports: { f: 1 },
    };
    // outer: 13 + 1 + 1 (add); inner: 1
    expect(run(parts, generation)).toMatchObject({ result: 9, used: thunk(0) + 16n * OP });
  });

  test("an indirect call passes the thunk of the function that is called", () => {
    // i32.const 0; call_indirect (type of function 1)
    const parts: WasmParts = {
      functions: [
        { gives: true, body: [0x41, 0, 0x11, 1, 0, 0x0b] },
        { gives: true, body: [0x41, 4, 0x0b] },
      ],
      exports: { f: 0 },
      table: [1],
    };
    expect(run(parts, generation)).toMatchObject({ result: 4, used: thunk(0) + 2n * OP + thunk(0) + OP });
  });

  test("out of gas is a trap with a counter below 0, before the work that it cannot pay for", () => {
    const body = [0x41, 0, 0x41, 1, 0x36, 2, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b];
    const gas = 1_000_000n;
    const { used, trapped } = run(f({ body }), generation, [], gas);
    expect(trapped).toBe(true);
    expect(used).toBeGreaterThan(gas);
    expect(used - gas).toBeLessThanOrEqual(OP);
  });

  test("other traps leave the counter as it is", () => {
    const { used, trapped } = run(f({ body: [0x00, 0x0b] }), generation);
    expect({ used, trapped }).toEqual({ used: thunk(0), trapped: true });
  });
});

describe("where the generations differ", () => {
  const grow: WasmParts = f({ params: 1, gives: true, body: [0x20, 0, 0x40, 0, 0x0b] });
  const growTwo: WasmParts = f({ gives: true, body: [0x41, 2, 0x40, 0, 0x0b] });

  test("memory that grows costs 26,214.4 gas a page from the third on, also folded from a constant", () => {
    expect(run(grow, 2, [2])).toMatchObject({ result: 1, pages: 3, used: thunk(1) + 2n * OP });
    expect(run(grow, 3, [2])).toMatchObject({ result: 1, pages: 3, used: thunk(1) + 2n * OP + 2n * 26_214_400n });
    expect(run(growTwo, 3)).toMatchObject({ result: 1, pages: 3, used: thunk(0) + 2n * OP + 2n * 26_214_400n });
  });

  test("copying costs 0.4 gas a byte from the third on; a negative length is a large one", () => {
    // memory.fill(0, 1, n)
    const fill = f({ params: 1, body: [0x41, 0, 0x41, 1, 0x20, 0, 0xfc, 11, 0, 0x0b] });
    expect(run(fill, 2, [100]).used).toBe(thunk(1) + 4n * OP);
    expect(run(fill, 3, [100]).used).toBe(thunk(1) + 4n * OP + 40_000n);
    const negative = run(fill, 3, [-1]);
    expect(negative.trapped).toBe(true);
    expect(negative.used).toBe(thunk(1) + 4n * OP + 400n * 0xffffffffn);
    const constant = f({ body: [0x41, 0, 0x41, 1, 0x41, 0x7f, 0xfc, 11, 0, 0x0b] });
    expect(instrument(instrumenter, wasmModule(constant), 3)).toMatch(/negative/);
  });

  test("the third leaves the default target of br_table out when it asks how far a branch leads", () => {
    // block block: local.get 0; br_table [0] 1; end; i32.const; drop; end; i32.const; drop
    const body = [
      ...[0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x0e, 1, 0, 1, 0x0b],
      ...[0x41, 1, 0x1a, 0x0b, 0x41, 2, 0x1a, 0x0b],
    ];
    const parts = f({ params: 1, body });
    // Second: what lies between the two ends is a piece of its own. Third: it is paid for at the start, taken or not.
    expect(run(parts, 2, [0]).used).toBe(thunk(1) + 4n * OP);
    expect(run(parts, 2, [1]).used).toBe(thunk(1) + 3n * OP);
    expect(run(parts, 3, [0]).used).toBe(thunk(1) + 4n * OP);
    expect(run(parts, 3, [1]).used).toBe(thunk(1) + 4n * OP);
  });

  test("locals count one by one in the second, by group in the third", () => {
    // f(n): n == 0 ? 0 : f(n - 1); 20 locals in one group
    const body = [0x20, 0, 0x45, 0x04, 0x40, 0x41, 0, 0x0f, 0x0b, 0x20, 0, 0x41, 1, 0x6b, 0x10, 0, 0x0b];
    const parts = f({ params: 1, gives: true, locals: [20], body });
    const depth = (generation: 2 | 3): number => {
      let n = 1;
      while (!run(parts, generation, [n]).trapped) n++;
      return n;
    };
    // The stack of 2048: an activation of 2, two operands, and 20 locals or 1 group; the first call is the thunk's.
    expect(depth(2)).toBe(Math.floor(2048 / 24));
    expect(depth(3)).toBe(Math.floor(2048 / 5));
  });

  test("sign extension is known from the third on", () => {
    const parts = f({ params: 1, gives: true, body: [0x20, 0, 0xc0, 0x0b] });
    expect(instrument(instrumenter, wasmModule(parts), 2)).toMatch(/may not use/);
    expect(run(parts, 3, [0xff])).toMatchObject({ result: -1 });
  });
});

test("memory does not grow above the pages allowed, and costs all the same", () => {
  const parts = f({ params: 1, gives: true, body: [0x20, 0, 0x40, 0, 0x0b] });
  expect(run(parts, 3, [4], 10n ** 12n, 5)).toMatchObject({ result: 1, pages: 5 });
  expect(run(parts, 3, [5], 10n ** 12n, 5)).toMatchObject({
    ...{ result: -1, pages: 1 },
    used: thunk(1) + 2n * OP + 5n * 26_214_400n,
  });
  expect(run(parts, 3, [-1], 10n ** 18n, 5)).toMatchObject({ result: -1, pages: 1 });
});

test("a table does not grow above 20,000 elements, and costs all the same", () => {
  // table.get 0, then table.grow by the parameter; or by a constant, which is charged at once.
  const grow = (by: readonly number[]) =>
    f({ params: 1, gives: true, body: [0x41, 0, 0x25, 0, ...by, 0xfc, 0x0f, 0, 0x0b] }, { table: [0] });
  const given = grow([0x20, 0]);
  expect(run(given, 3, [19_999])).toMatchObject({ result: 1, used: thunk(1) + 4n * OP + 19_999n * 3200n });
  for (const by of [20_000, 10_000_000, -1])
    expect(run(given, 3, [by], 10n ** 18n)).toMatchObject({
      ...{ result: -1, trapped: false },
      used: thunk(1) + 4n * OP + BigInt(by >>> 0) * 3200n,
    });
  expect(run(grow([0x41, 1]), 3, [0])).toMatchObject({ result: 1, used: thunk(1) + 4n * OP + 3200n });
  expect(run(grow([0x41, ...signedLeb(20_000)]), 3, [0]).result).toBe(-1);
});

test("a start function does not run before the host has set the counter", () => {
  // It writes 7 to address 0.
  const parts = { functions: [{ body: [0x41, 0, 0x41, 7, 0x36, 2, 0, 0x0b] }], exports: {}, start: 0 };
  const bytes = instrument(instrumenter, wasmModule(parts), 3) as Uint8Array<ArrayBuffer>;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
  const first = (): number => new Uint8Array((exports["memory"] as WebAssembly.Memory).buffer)[0] as number;
  const counter = exports["filigree:gas"] as WebAssembly.Global<"i64">;
  expect(first()).toBe(0);
  counter.value = 10n ** 9n;
  (exports["filigree:start"] as () => void)();
  expect(first()).toBe(7);
  expect(10n ** 9n - counter.value).toBe(thunk(0) + 3n * OP);
});

describe("refused", () => {
  const idle: WasmFunction = { body: [0x0b] };
  const refused = (code: Uint8Array): unknown => instrument(instrumenter, code, 3);

  test.each([
    ["no memory", wasmModule({ functions: [idle], memory: null }), /no memory/],
    ["SIMD", wasmModule(f({ body: [...[0xfd, 12], ...new Array<number>(16).fill(0), 0x1a, 0x0b] })), /may not use/],
    ["an invalid body", wasmModule(f({ body: [0x6a, 0x0b] })), /no valid WebAssembly/],
    ["a global that is not there", wasmModule(f({ body: [0x42, 0, 0x24, 0, 0x0b] })), /no valid WebAssembly/],
    ["memory above 512 MiB", wasmModule({ functions: [idle], memory: 8193 }), /too large/],
    ["other bytes", Uint8Array.of(1, 2, 3), /no valid WebAssembly/],
  ])("%s", (_, code, why) => {
    expect(refused(code)).toMatch(why);
  });

  /** A module of one function of the given type, locals and body, and of one global. */
  const whole = (type: readonly number[], locals: readonly number[], body: readonly number[], global: number[]) => {
    const code = [...locals, ...body];
    const section = (id: number, bytes: readonly number[]): number[] => [id, ...leb(bytes.length), ...bytes];
    const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...section(1, [1, 0x60, ...type]), ...section(3, [1, 0])];
    const rest = [...section(5, [1, 0, 1]), ...section(6, [1, ...global])];
    return Uint8Array.from([...head, ...rest, ...section(10, [1, ...leb(code.length), ...code])]);
  };
  const NUMBER = [0x7f, 1, 0x41, 0, 0x0b];

  // What engines of later years read otherwise than actors' rules do would hide instructions from the metering.
  test.each<[string, Uint8Array, RegExp]>([
    [
      "a load from one of several memories",
      whole([0, 0], [0], [0x41, 0, 0x28, 0x42, 0, 0, 0x1a, 0x0b], NUMBER),
      /malf/,
    ],
    ["a local of a type of several bytes", whole([0, 0], [1, 1, 0x63, 0x70], [0x0b], NUMBER), /a type/],
    ["a parameter of such a type", whole([1, 0x64, 0x70, 0], [0], [0x0b], NUMBER), /a type/],
    ["a result of such a type", whole([0, 1, 0x63, 0x70], [0], [0, 0x0b], NUMBER), /a type/],
    ["a vector", whole([0, 0], [1, 1, 0x7b], [0x0b], NUMBER), /a type/],
    ["a block of a vector", whole([0, 0], [0], [0x02, 0x7b, 0, 0x0b, 0x1a, 0x0b], NUMBER), /a type/],
    ["a global of a type of several bytes", whole([0, 0], [0], [0x0b], [0x63, 0x70, 0, 0xd0, 0x70, 0x0b]), /a type/],
    ["a global that threads share", whole([0, 0], [0], [0x0b], [0x7f, 3, 0x41, 0, 0x0b]), /malformed/],
    [
      "a global whose first value is computed",
      whole([0, 0], [0], [0x0b], [0x7f, 1, 0x41, 0, 0x41, 1, 0x6a, 0x0b]),
      /an instruction/,
    ],
  ])("%s, whether or not the engine knows it", (_, code, why) => {
    const validates = vi.spyOn(WebAssembly, "validate").mockReturnValue(true);
    try {
      expect(refused(code)).toMatch(why);
      const plain = whole([1, 0x70, 1, 0x7f], [1, 2, 0x6f], [0, 0x0b], [0x70, 1, 0xd0, 0x70, 0x0b]);
      expect(refused(plain)).toBeInstanceOf(Uint8Array);
    } finally {
      validates.mockRestore();
    }
  });

  test("cut anywhere, or with a byte changed, it is refused or valid, and the instrumenter comes back", () => {
    const whole = wasmModule({
      functions: [{ params: 1, gives: true, body: [0x20, 0, 0x40, 0, 0x0b] }, idle],
      exports: { f: 0 },
      table: [1],
    });
    for (let i = 0; i < whole.length; i++) {
      for (const change of [1, 0x80]) {
        const bytes = whole.slice();
        bytes[i] = (bytes[i] as number) ^ change;
        const out = refused(bytes);
        if (typeof out !== "string")
          expect(WebAssembly.validate(out as Uint8Array<ArrayBuffer>), `byte ${i}`).toBe(true);
      }
      expect(typeof refused(whole.subarray(0, i)) === "string" || i === 8).toBe(true);
    }
  });
});
