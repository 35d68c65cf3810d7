/** Aborts, depth and faults: the machine must survive all of what an actor may do to it, or say that it did not. */
import * as dagCbor from "@ipld/dag-cbor";
import { beforeAll, describe, expect, test } from "vitest";
import { EngineFault } from "../../../src/core/errors.ts";
import { Vm } from "../../../src/core/vm.ts";
import { Address } from "../../../src/types/address.ts";
import { contextOf, hostOf, makeState, message, type PlainState } from "../../support/plain-state.ts";

const STORM = Address.id(90);
const NETWORK_VERSION = 5;
const ABORT_MANY = 2n;
const DIVE = 4n;

let state: PlainState;
beforeAll(() => {
  state = makeState(NETWORK_VERSION, 3, [{ id: 90, code: "fil/1/storm", state: [] }]);
});

async function open(maxPages?: number, networkVersion = NETWORK_VERSION): Promise<Vm> {
  const vm = await Vm.create(hostOf(state.store), {
    asset: "vm-test.wasm",
    ...(maxPages === undefined ? {} : { maxPages }),
  });
  vm.open(contextOf(state.root, networkVersion));
  return vm;
}

function call(method: bigint, argument: number, nonce = 0n): Uint8Array {
  const params = dagCbor.encode(argument);
  return message({ to: STORM, method, params, nonce, gasLimit: 1_000_000_000_000_000n });
}

/** Runs a call and returns what was thrown. */
function fault(vm: Vm, method: bigint, argument = 0): EngineFault {
  const bytes = call(method, argument);
  try {
    vm.apply(bytes, bytes.length);
  } catch (error) {
    if (error instanceof EngineFault) return error;
    throw error;
  }
  throw new Error("the call ended well");
}

describe("aborts", () => {
  test("200,000 nested aborts leave the machine whole and its memory bounded", async () => {
    const vm = await open(4096);
    let failed = 0;
    for (let i = 0n; i < 20n; i++) {
      const bytes = call(ABORT_MANY, 10_000, i);
      const result = vm.apply(bytes, bytes.length);
      expect(result.exitCode).toBe(0);
      failed += dagCbor.decode<number>(result.return);
    }
    expect(failed).toBe(200_000);
    expect(vm.memoryBytes).toBeLessThan(128 << 20);
    const send = message({ nonce: 20n, value: 5n });
    expect(vm.apply(send, send.length).exitCode).toBe(0);
  });

  test("a failed call keeps its gas and undoes its changes", async () => {
    const vm = await open();
    const one = call(ABORT_MANY, 1);
    const many = call(ABORT_MANY, 11, 1n);
    const first = vm.apply(one, one.length);
    const second = vm.apply(many, many.length);
    // Each further call: the price of a send (29233 - 5377) and nothing else.
    expect(second.gasUsed - first.gasUsed).toBe(10n * 23_856n);
    expect(vm.actor(STORM)?.nonce).toBe(0n);
  });
});

describe("depth", () => {
  test("300 nested calls return from all of them", async () => {
    const vm = await open();
    const bytes = call(DIVE, 300);
    const result = vm.apply(bytes, bytes.length);
    expect(result.exitCode).toBe(0);
    expect(dagCbor.decode(result.return)).toBe(300);
  });

  test("calls deeper than the engine's stack are a fault, never a receipt", async () => {
    const vm = await open();
    expect(fault(vm, DIVE, 400_000).code).toBe("CORE_TRAP");
    expect(vm.spent).toBe(true);
    expect(() => vm.flush()).toThrow(
      expect.objectContaining({ data: expect.objectContaining({ code: "INSTANCE_SPENT" }) }),
    );
  });
});

describe("faults of the engine", () => {
  test("a failed assertion is a fault that names its place", async () => {
    const thrown = fault(await open(), 5n);
    expect(thrown.code).toBe("CORE_ABORT");
    expect(thrown.message).toContain("storm.ts");
  });

  test("an endless stack is a fault", async () => {
    expect(fault(await open(), 6n).code).toBe("CORE_TRAP");
  });

  test("memory beyond the limit is a fault, and below it is not", async () => {
    const vm = await open(1024);
    const bytes = call(7n, 16);
    expect(vm.apply(bytes, bytes.length).exitCode).toBe(0);
    expect(["CORE_TRAP", "CORE_ABORT"]).toContain(fault(await open(1024), 7n, 128).code);
  });

  test("a machine opened again after a run of good messages forgets the old one", async () => {
    const vm = await open();
    const send = message({ value: 5n });
    vm.apply(send, send.length);
    vm.open(contextOf(state.root, NETWORK_VERSION));
    expect(vm.apply(send, send.length).exitCode).toBe(0);
  });
});
