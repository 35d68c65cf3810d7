/** Messages of the FVM over a store that answers later, and over verdicts and randomness that have to be awaited. */
import { expect, test } from "vitest";
import { platform } from "#platform";
import { concat, utf8 } from "../../../src/base/bytes.ts";
import { FvmExecutor, type FvmParts } from "../../../src/exec/fvm-executor.ts";
import { builtFile } from "../../../src/platform/web.ts";
import { BASE_FEE, EPOCH, makeWorld, messageOf } from "../../support/fvm-world.ts";

const code = await platform.readAsset(builtFile("wasm/guest-test.wasm"));
const world = makeWorld({ code });
const digest = new Uint8Array(32).fill(1);

const context = {
  ...{ stateRoot: world.root, epoch: EPOCH, timestamp: 30 * EPOCH, networkVersion: 18, chainId: 0 },
  ...{ baseFee: BASE_FEE, circulatingSupply: 0n },
};

function executorOver(parts: Partial<FvmParts>): FvmExecutor {
  const yes = (): boolean => true;
  return new FvmExecutor({
    blocks: world.store,
    actors: { peek: () => undefined },
    randomness: { ticketDigest: () => digest, beaconDigest: () => digest },
    proofs: { verifyPoSt: yes, verifySeal: yes, verifyAggregate: yes, verifyReplicaUpdate: yes },
    consensusFault: () => null,
    ...parts,
  });
}

const draw = messageOf({ method: 33n, params: concat(new Uint8Array(16), utf8("entropy")) });
const message = { bytes: draw, chainLength: draw.length };

test("blocks that are fetched and randomness that is awaited give what a store at hand gives", async () => {
  const atOnce = await executorOver({}).applyMessage(context, message);
  expect(atOnce.applied.exitCode).toBe(0);
  let fetched = 0;
  const blocks: FvmParts["blocks"] = {
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
  const slow = executorOver({ blocks, randomness: { ticketDigest: later, beaconDigest: later } });
  const { applied, stateRoot, blocks: made } = await slow.applyMessage(context, message);
  expect(applied).toEqual(atOnce.applied);
  expect(stateRoot.equals(atOnce.stateRoot)).toBe(true);
  expect(made).toEqual(atOnce.blocks);
  expect(fetched).toBeGreaterThan(3);
  expect(drawn).toBe(1);
});

test("a block that is nowhere ends the run with its fault, and the next message runs", async () => {
  let broken = true;
  const blocks: FvmParts["blocks"] = {
    peek: (cid) => (broken ? undefined : world.store.peek(cid)),
    get: async () => undefined,
  };
  const executor = executorOver({ blocks });
  await expect(executor.applyMessage(context, message)).rejects.toMatchObject({ data: { code: "BLOCK_MISSING" } });
  broken = false;
  expect((await executor.applyMessage(context, message)).applied.exitCode).toBe(0);
});

test("randomness that fails fails the run", async () => {
  const failing = (): Promise<Uint8Array> => Promise.reject(new Error("no beacon"));
  const executor = executorOver({ randomness: { ticketDigest: failing, beaconDigest: failing } });
  await expect(executor.applyMessage(context, message)).rejects.toThrow("no beacon");
});
