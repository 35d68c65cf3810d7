/**
 * How deep calls may nest. A worker of an `ExecutionPool` has a stack for the protocol's limit, which Node gives on
 * request; in a browser, and on the main thread, the engine's stack ends earlier, and that is a fault (`storm.test.ts`).
 */
import * as dagCbor from "@ipld/dag-cbor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineFault } from "../../../src/core/errors.ts";
import { ExecutionPool } from "../../../src/exec/pool.ts";
import type { AppliedMessage, Execution } from "../../../src/exec/types.ts";
import { Address } from "../../../src/types/address.ts";
import {
  contextOf,
  executorOver,
  makeState,
  message,
  NO_PROOFS,
  NO_RANDOMNESS,
  type PlainState,
} from "../../support/plain-state.ts";

let state: PlainState;
const pool = new ExecutionPool({ size: 1 });
let worker: Execution;
beforeAll(() => {
  state = makeState(6, 1, [{ id: 90, code: "fil/1/storm", state: [] }]);
  const parts = { blocks: state.store, randomness: NO_RANDOMNESS, proofs: NO_PROOFS };
  worker = pool.client({ asset: "vm-test.wasm" }, parts);
});
afterAll(() => pool.close());

/** Calls nested `depth` deep below the first one. */
async function dive(depth: number, networkVersion: number, where: Execution = worker): Promise<AppliedMessage> {
  const bytes = message({ to: Address.id(90), method: 4n, params: dagCbor.encode(depth), gasLimit: 10n ** 15n });
  const input = { ...contextOf(state.root, networkVersion), message: { bytes, chainLength: bytes.length } };
  return (await where.applyMessage(input)).applied;
}

// Deno gives its workers one stack size; what it does with deeper calls is a fault there.
describe.skipIf("Deno" in globalThis)("depth in a worker with a large stack", () => {
  test("1024 calls around a call, which the main thread's stack does not hold", async () => {
    expect(await dive(1024, 6)).toMatchObject({ exitCode: 0, return: dagCbor.encode(1024) });
    await expect(dive(1024, 6, executorOver(state.store))).rejects.toBeInstanceOf(EngineFault);
  });

  test("4096 calls around a call are allowed", async () => {
    expect(await dive(4096, 6)).toMatchObject({ exitCode: 0, return: dagCbor.encode(4096) });
  });

  test("one more is exit 8 from network version 6", async () => {
    expect(await dive(4097, 6)).toMatchObject({ exitCode: 8 });
  });

  test("before network version 6 only gas limits the depth", async () => {
    expect(await dive(10_000, 5)).toMatchObject({ exitCode: 0 });
  });
});
