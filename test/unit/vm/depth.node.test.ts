/**
 * How deep calls may nest. A thread with a larger stack takes the protocol's limit, which Node and Deno give on request;
 * in a browser, and on the main thread, the engine's stack ends earlier, and that is a fault (`storm.test.ts`).
 * The worker runs the built code of `dist`, as an application does.
 */
import { Worker } from "node:worker_threads";
import * as dagCbor from "@ipld/dag-cbor";
import { beforeAll, describe, expect, test } from "vitest";
import { Address } from "../../../src/types/address.ts";
import { makeState, message } from "../../support/plain-state.ts";

const STACK_MIB = 32;

const SCRIPT = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { blocks, root, networkVersion, bytes, dist } = workerData;
  (async () => {
    const { Vm } = await import(dist + "core/vm.js");
    const { cidKey } = await import(dist + "types/cid.js");
    const map = new Map(blocks);
    const vm = await Vm.create({ peek: (cid) => map.get(cidKey(cid)) }, { asset: "vm-test.wasm" });
    vm.open({ stateRoot: root, epoch: 1000, networkVersion, baseFee: 100n, circulatingSupply: 0n });
    const { exitCode, return: value } = vm.apply(bytes, bytes.length);
    parentPort.postMessage({ exitCode, value });
  })().catch((error) => parentPort.postMessage({ error: String(error) }));
`;

type Answer = { readonly exitCode?: number; readonly value?: Uint8Array; readonly error?: string };

let state: ReturnType<typeof makeState>;
beforeAll(() => {
  state = makeState(6, 1, [{ id: 90, code: "fil/1/storm", state: [] }]);
});

/** Calls nested `depth` deep below the first one. */
async function dive(depth: number, networkVersion: number): Promise<Answer> {
  const bytes = message({ to: Address.id(90), method: 4n, params: dagCbor.encode(depth), gasLimit: 10n ** 15n });
  const blocks = [...state.store.entries()].map(({ key, bytes: block }) => [key, block]);
  const dist = new URL("../../../dist/", import.meta.url).href;
  const worker = new Worker(SCRIPT, {
    eval: true,
    workerData: { blocks, root: state.root, networkVersion, bytes, dist },
    resourceLimits: { stackSizeMb: STACK_MIB },
  });
  try {
    return await new Promise<Answer>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  } finally {
    await worker.terminate();
  }
}

// Deno gives its workers one stack size; what it does with deeper calls is a fault there.
describe.skipIf("Deno" in globalThis)("depth in a worker with a large stack", () => {
  test("4096 calls around a call are allowed", async () => {
    const { exitCode, value, error } = await dive(4096, 6);
    expect(error).toBeUndefined();
    expect(exitCode).toBe(0);
    expect(dagCbor.decode(value as Uint8Array)).toBe(4096);
  });

  test("one more is exit 8 from network version 6", async () => {
    expect(await dive(4097, 6)).toMatchObject({ exitCode: 8 });
  });

  test("before network version 6 only gas limits the depth", async () => {
    expect(await dive(10_000, 5)).toMatchObject({ exitCode: 0 });
  });
});
