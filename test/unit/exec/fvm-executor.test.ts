/** Messages of the FVM over a store that answers later, and over verdicts and randomness that have to be awaited. */
import { expect, test } from "vitest";
import { platform } from "#platform";
import { concat, utf8 } from "../../../src/base/bytes.ts";
import { switchesStacks } from "../../../src/core/fvm-guests.ts";
import { Executor, type ExecutorParts } from "../../../src/exec/executor.ts";
import type { ChainDigests } from "../../../src/exec/types.ts";
import { builtFile } from "../../../src/platform/web.ts";
import { Address } from "../../../src/types/address.ts";
import { BASE_FEE, EPOCH, makeWorld, messageOf, openWorld, TESTER_ID } from "../../support/fvm-world.ts";

const code = await platform.readAsset(builtFile("wasm/guest-test.wasm"));
const world = makeWorld({ code });
const digest = new Uint8Array(32).fill(1);

const facts = { chainId: 0, epoch: EPOCH, timestamp: 30 * EPOCH, genesisTime: 0, blockDelay: 30 };
const context = {
  ...{ stateRoot: world.root, epoch: EPOCH, networkVersion: 18, facts },
  ...{ baseFee: BASE_FEE, circulatingSupply: 0n },
};

/** Randomness of the FVM: the native machine's is never asked for. */
function drawing(digests: Partial<ChainDigests> = {}): ExecutorParts["randomness"] {
  const never = (): never => {
    throw new Error("the native machine's randomness");
  };
  const given = { ticketDigest: () => digest, beaconDigest: () => digest, tipsetCid: () => null };
  return { ticketRandomness: never, beaconRandomness: never, digests: { ...given, ...digests } };
}

function executorOver(parts: Partial<ExecutorParts>): Executor {
  const yes = (): boolean => true;
  return new Executor(
    {},
    {
      blocks: world.store,
      randomness: drawing(),
      proofs: { verifyPoSt: yes, verifySeal: yes, verifyAggregate: yes, verifyReplicaUpdate: yes },
      consensusFault: () => null,
      ...parts,
    },
  );
}

const draw = messageOf({ method: 33n, params: concat(new Uint8Array(16), utf8("entropy")) });
const message = { bytes: draw, chainLength: draw.length };

test("blocks that are fetched and randomness that is awaited give what a store at hand gives", async () => {
  const atOnce = await executorOver({}).applyMessage({ ...context, message });
  expect(atOnce.applied.exitCode).toBe(0);
  let fetched = 0;
  const blocks: ExecutorParts["blocks"] = {
    peek: () => undefined,
    get: async (cid) => {
      fetched++;
      return world.store.peek(cid);
    },
  };
  let drawn = 0;
  const later = async (): Promise<Uint8Array> => {
    drawn++;
    return digest;
  };
  const slow = executorOver({ blocks, randomness: drawing({ ticketDigest: later, beaconDigest: later }) });
  const { applied, stateRoot, blocks: made } = await slow.applyMessage({ ...context, message });
  expect(applied).toEqual(atOnce.applied);
  expect(stateRoot.equals(atOnce.stateRoot)).toBe(true);
  expect(made).toEqual(atOnce.blocks);
  expect(fetched).toBeGreaterThan(3);
  expect(drawn).toBe(1);
});

test("a block that is nowhere ends the run with its fault, and the next message runs", async () => {
  let broken = true;
  const blocks: ExecutorParts["blocks"] = {
    peek: (cid) => (broken ? undefined : world.store.peek(cid)),
    get: async () => undefined,
  };
  const executor = executorOver({ blocks });
  await expect(executor.applyMessage({ ...context, message })).rejects.toMatchObject({
    data: { code: "BLOCK_MISSING" },
  });
  broken = false;
  expect((await executor.applyMessage({ ...context, message })).applied.exitCode).toBe(0);
});

test("randomness that fails fails the run", async () => {
  const failing = (): Promise<Uint8Array> => Promise.reject(new Error("no beacon"));
  const executor = executorOver({ randomness: drawing({ ticketDigest: failing, beaconDigest: failing }) });
  await expect(executor.applyMessage({ ...context, message })).rejects.toThrow("no beacon");
});

/** The tester calls itself so many levels deep, each with a hundred activations of its own on the stack. */
function nested(levels: number): { readonly bytes: Uint8Array; readonly chainLength: number } {
  const own = Address.id(TESTER_ID).bytes;
  const params = concat(new Uint8Array(Uint32Array.of(levels).buffer), Uint8Array.of(own.length), own);
  const bytes = messageOf({ method: 14n, params, gasLimit: 9_000_000_000 });
  return { bytes, chainLength: bytes.length };
}

test("1,000 nested calls run where the engine switches stacks and has room, and are a fault by name elsewhere", async () => {
  const run = executorOver({}).applyMessage({ ...context, message: nested(1000) });
  const fault = await run.then(
    () => null,
    (error: unknown) => error,
  );
  // A page switches stacks, and may have no addresses left for the memories of so many guests.
  if (!switchesStacks()) expect(fault).toMatchObject({ data: { code: "HOST_STACK" } });
  else if (platform.folders === null && fault !== null) expect(fault).toMatchObject({ data: { code: "HOST_MEMORY" } });
  else {
    const { applied } = await run;
    expect([applied.exitCode, ...new Uint32Array(applied.return.slice().buffer)]).toEqual([0, 0, 1000]);
  }
});

test.skipIf(!switchesStacks())("on stacks of their own guests do, and cost, the same", async () => {
  const messages = [nested(20), message, nested(0)];
  for (const { bytes, chainLength } of messages) {
    const [plain, deep] = [await openWorld(world), await openWorld(world)];
    expect(await deep.applyDeep(bytes, chainLength)).toEqual(plain.apply(bytes, chainLength));
    expect(deep.flush()).toEqual(plain.flush());
  }
});

test("facts of the chain that are missing are named, and the executor goes on", async () => {
  const executor = executorOver({});
  const without = { ...facts, blockDelay: undefined as unknown as number };
  await expect(executor.applyMessage({ ...context, facts: without, message })).rejects.toThrow(
    /`facts.blockDelay` is no whole number/,
  );
  const { facts: _, ...none } = context;
  await expect(executor.applyMessage({ ...none, message })).rejects.toThrow(/takes chain id and time, too/);
  expect((await executor.applyMessage({ ...context, message })).applied.exitCode).toBe(0);
});
