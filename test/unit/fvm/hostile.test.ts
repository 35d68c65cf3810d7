/** Modules that mean harm: each is refused or metered as the reference does it, and the machine takes the next message. */
import { expect, test } from "vitest";
import { applyIn, makeWorld, messageOf, openWorld } from "../../support/fvm-world.ts";
import { leb, signedLeb, wasmModule } from "../../support/wasm-module.ts";

const guest = (body: readonly number[], more: Partial<Parameters<typeof wasmModule>[0]> = {}) =>
  wasmModule({
    functions: [{ params: 1, gives: true, body }],
    exports: { invoke: more.imports?.length ?? 0 },
    ...more,
  });
const IDLE = [0x41, 0, 0x0b];
const LIMIT = 1_000_000_000n;

test.each([
  ["a function that there is not", { module: "vm", name: "halt", params: 1 }],
  ["a function of another generation", { module: "vm", name: "context", params: 1 }],
  ["one more parameter than the syscall has", { module: "ipld", name: "block_stat", params: 3 }],
  ["a parameter of another type", { module: "ipld", name: "block_stat", params: ["i32", "i64"] }],
  ["a name of JavaScript's objects", { module: "constructor", name: "name", params: 1 }],
] as const)("an import of %s: exit 10 and the whole limit", async (_, one) => {
  const code = guest(IDLE, { imports: [one] });
  for (const networkVersion of [18, 28]) {
    const ret = await applyIn(makeWorld({ code, networkVersion }), { method: 2n }, networkVersion);
    expect(ret).toMatchObject({ exitCode: 10, gasUsed: LIMIT });
    expect(ret.vm.apply(messageOf({ value: 1n, nonce: 1n }), 100).exitCode).toBe(0);
  }
});

test.each([
  ["a loop without end", [0x03, 0x40, 0x0c, 0, 0x0b, 0x00, 0x0b], 7],
  ["memory asked for without end", [0x03, 0x40, 0x41, 1, 0x40, 0, 0x1a, 0x0c, 0, 0x0b, 0x00, 0x0b], 7],
  [
    "a fill of more bytes than gas pays for",
    [0x41, 0, 0x41, 0, 0x41, ...signedLeb(-2), 0x41, 1, 0x6a, 0xfc, 0x0b, 0, ...IDLE],
    7,
  ],
  ["a fill outside of the memory", [0x41, 0, 0x41, 0, 0x41, ...signedLeb(65_537), 0xfc, 0x0b, 0, ...IDLE], 4],
  ["a division by zero", [0x41, 1, 0x41, 0, 0x6d, 0x1a, ...IDLE], 4],
  ["a conversion of a float that is none", [0x43, 0, 0, 0xc0, 0x7f, 0xa8, 0x1a, ...IDLE], 4],
] as const)("%s ends by its gas or in a trap", async (_, body, exitCode) => {
  const code = guest(body);
  for (const networkVersion of [18, 28]) {
    const sent = { method: 2n, gasLimit: 8_000_000 };
    const ret = await applyIn(makeWorld({ code, networkVersion }), sent, networkVersion);
    expect(ret.exitCode).toBe(exitCode);
    if (exitCode === 7) expect(ret.gasUsed).toBe(8_000_000n);
    expect(ret.vm.apply(messageOf({ value: 1n, nonce: 1n }), 100).exitCode).toBe(0);
  }
});

test("a table, or a memory at first, of more than there may be: no receipt but exit 10, and nothing is taken", async () => {
  const huge = (section: readonly number[]): Uint8Array => {
    const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0];
    const [invoke, memory] = ["invoke", "memory"].map((name) => [6, ...new TextEncoder().encode(name)]) as [
      number[],
      number[],
    ];
    return Uint8Array.from([...head, ...section, 7, 19, 2, ...invoke, 0, 0, ...memory, 2, 0, 10, 6, 1, 4, 0, ...IDLE]);
  };
  const table = (size: number) => [4, ...leb(3 + leb(size).length), 1, 0x70, 0, ...leb(size), 5, 3, 1, 0, 1];
  const memory = (pages: number) => [5, ...leb(2 + leb(pages).length), 1, 0, ...leb(pages)];
  const fits = await applyIn(makeWorld({ code: huge(table(20_000)), networkVersion: 28 }), { method: 2n }, 28);
  expect(fits.exitCode).toBe(0);
  const odd = [4, 4, 1, 0x70, 4, 1, 5, 3, 1, 0, 1];
  for (const code of [odd, table(20_001), table(0xffffffff), memory(8193), memory(65_537)].map(huge)) {
    const vm = await openWorld(makeWorld({ code, networkVersion: 28 }), 28);
    expect(vm.apply(messageOf({ method: 2n }), 100)).toMatchObject({ exitCode: 10, gasUsed: LIMIT });
    expect(vm.apply(messageOf({ value: 1n, nonce: 1n }), 100).exitCode).toBe(0);
  }
});

test("an event of more than a mebibyte is refused by number, and is paid for by the byte", async () => {
  const [ILLEGAL_ARGUMENT, LIMIT_EXCEEDED] = [1, 3];
  const gas = async (networkVersion: 18 | 28, length: number): Promise<bigint> => {
    const zeros = networkVersion === 18 ? [0x41, 0] : [0, 0, 0, 0, 0].flatMap((zero) => [0x41, zero]);
    const error = networkVersion === 18 ? ILLEGAL_ARGUMENT : LIMIT_EXCEEDED;
    const refused = [0x41, error, 0x47, 0x04, 0x40, 0x00, 0x0b];
    const code = guest([...zeros, 0x41, ...signedLeb(length), 0x10, 0, ...refused, ...IDLE], {
      imports: [{ module: "event", name: "emit_event", params: networkVersion === 18 ? 2 : 6 }],
      memory: 32,
    });
    const ret = await applyIn(makeWorld({ code, networkVersion }), { method: 2n }, networkVersion);
    expect(ret).toMatchObject({ exitCode: 0, eventsRoot: null });
    expect(ret.vm.apply(messageOf({ value: 1n, nonce: 1n }), 100).exitCode).toBe(0);
    return ret.gasUsed;
  };
  for (const networkVersion of [18, 28] as const)
    expect(await gas(networkVersion, 1_100_000)).toBeGreaterThan((await gas(networkVersion, (1 << 20) + 1)) + 50_000n);
});
