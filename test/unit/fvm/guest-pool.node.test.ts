/** Instances of guests that are used again: a guest sees a new one, however the one before it ended. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fvm } from "../../../src/core/fvm.ts";
import { BASE_FEE, EPOCH, makeWorld, messageOf } from "../../support/fvm-world.ts";
import { signedLeb, wasmModule } from "../../support/wasm-module.ts";

const PAGE = 65536;
const constant = (value: number): number[] => [0x41, ...signedLeb(value)];
const load8 = (at: number): number[] => [...constant(at), 0x2d, 0, 0];
const store8 = (at: number, value: number): number[] => [...constant(at), ...constant(value), 0x3a, 0, 0];
/** Traps if the number on the stack is another. */
const expected = (value: number): number[] => [...constant(value), 0x47, 0x04, 0x40, 0x00, 0x0b];
const size = [0x3f, 0];
const grow = (pages: number): number[] => [...constant(pages), 0x40, 0];

/** Traps unless all is as at first; then changes all that it can reach, and grows its memory by a page. */
const SPOILS = [
  ...[...load8(0), ...expected(5), ...load8(1), ...expected(6), ...load8(5000), ...expected(0)],
  ...[0x23, 0, ...expected(-3), ...size, ...expected(1), ...grow(1), ...expected(1), ...size, ...expected(2)],
  ...[...load8(PAGE + 9), ...expected(0), ...store8(0, 1), ...store8(5000, 1), ...store8(PAGE + 9, 1)],
  ...[...constant(8), 0x24, 0],
];
/** More than the pages allowed: -1, and nothing has changed. */
const TOO_MUCH = [...grow(9000), ...expected(-1), ...size, ...expected(2)];
const ENDS: readonly (readonly [name: string, exitCode: number, body: readonly number[]])[] = [
  ["returns", 0, [...TOO_MUCH, ...constant(0), 0x0b]],
  ["traps", 4, [0x00, 0x0b]],
  ["runs out of gas", 7, [0x03, 0x40, 0x0c, 0, 0x0b, 0x00, 0x0b]],
  ["leaves", 33, [...constant(33), ...constant(0), ...constant(0), ...constant(0), 0x10, 0, 0x1a, 0x00, 0x0b]],
];

async function opened(body: readonly number[], reuses: boolean): Promise<Fvm> {
  const code = wasmModule({
    imports: [{ module: "vm", name: "exit", params: 4 }],
    functions: [{ params: 1, gives: true, body }],
    exports: { invoke: 1 },
    globals: [-3],
    data: [5, 6],
  });
  const { host, root } = makeWorld({ code });
  const vm = await Fvm.create(host, { reuses: () => reuses });
  vm.open({
    ...{ stateRoot: root, epoch: EPOCH, timestamp: 30 * EPOCH, networkVersion: 18, chainId: 0 },
    ...{ baseFee: BASE_FEE, circulatingSupply: 0n },
  });
  return vm;
}

/** Instances made of guests and, of a code that is met for the first time, of the instrumenter. */
let made = 0;
const Real = WebAssembly.Instance;
beforeAll(() => {
  WebAssembly.Instance = class extends Real {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, imports);
      made++;
    }
  };
});
afterAll(() => {
  WebAssembly.Instance = Real;
});

test.each(ENDS)("a guest that %s leaves nothing to the next", async (_, exit, end) => {
  const runs = [];
  for (const reuses of [true, false]) {
    const vm = await opened([...SPOILS, ...end], reuses);
    made = 0;
    const outcomes = [0n, 1n, 2n, 3n].map((nonce) => {
      const message = messageOf({ method: 2n, nonce, gasLimit: exit === 7 ? 5_000_000 : 500_000_000 });
      const { exitCode, gasUsed } = vm.apply(message, message.length);
      return { exitCode, gasUsed };
    });
    runs.push({ outcomes, root: `${vm.flush()}`, guests: made - (reuses ? 1 : 0) });
  }
  const [reused, anew] = runs;
  expect(reused).toEqual({ ...anew, guests: 1 });
  expect(anew).toMatchObject({ guests: 4 });
  expect(anew?.outcomes.map(({ exitCode }) => exitCode)).toEqual([exit, exit, exit, exit]);
});

test("an instance whose memory has grown large is not kept", async () => {
  const vm = await opened([...grow(64), ...expected(1), ...size, ...expected(65), ...constant(0), 0x0b], true);
  made = 0;
  for (const nonce of [0n, 1n]) {
    const message = messageOf({ method: 2n, nonce, gasLimit: 50_000_000 });
    expect(vm.apply(message, message.length).exitCode).toBe(0);
  }
  expect(made).toBe(1 + 2);
});
