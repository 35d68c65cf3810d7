/**
 * How deep calls may nest. A worker of an `ExecutionPool` has a stack for the protocol's limit, which Node gives on
 * request; in a browser, and on the main thread, the engine's stack ends earlier, and that is a fault (`storm.test.ts`).
 */
import * as dagCbor from "@ipld/dag-cbor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platform } from "#platform";
import { concat } from "../../../src/base/bytes.ts";
import { EngineFault } from "../../../src/core/errors.ts";
import { ExecutionPool } from "../../../src/exec/pool.ts";
import type { AppliedMessage, Execution } from "../../../src/exec/types.ts";
import { builtFile } from "../../../src/platform/web.ts";
import { Address } from "../../../src/types/address.ts";
import { BASE_FEE, EPOCH, makeWorld, messageOf, TESTER_ID } from "../../support/fvm-world.ts";
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

  test("of the FVM's calls the protocol allows 1,024: 1,023 inside of the message's own, and the next is refused", async () => {
    const code = await platform.readAsset(builtFile("wasm/guest-test.wasm"));
    const world = makeWorld({ code });
    const client = pool.client({}, { blocks: world.store, randomness: NO_RANDOMNESS, proofs: NO_PROOFS });
    const own = Address.id(TESTER_ID).bytes;
    const facts = { chainId: 0, epoch: EPOCH, timestamp: 30 * EPOCH, genesisTime: 0, blockDelay: 30 };
    const place = { stateRoot: world.root, epoch: EPOCH, networkVersion: 18, facts };
    const nest = async (levels: number): Promise<readonly number[]> => {
      const params = concat(new Uint8Array(Uint32Array.of(levels).buffer), Uint8Array.of(own.length), own);
      const bytes = messageOf({ method: 14n, params, gasLimit: 9_000_000_000 });
      const message = { bytes, chainLength: bytes.length };
      const { applied } = await client.applyMessage({ ...place, baseFee: BASE_FEE, circulatingSupply: 0n, message });
      return [applied.exitCode, ...new Uint32Array(applied.return.slice().buffer)];
    };
    expect(await nest(1023)).toEqual([0, 0, 1023]);
    // The innermost's send is refused with error 3, and all above end well.
    expect((await nest(1024)).slice(0, 1)).toEqual([0]);
  });
});
