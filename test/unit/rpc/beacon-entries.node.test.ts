/** Entries of the beacon over RPC: those that the chain has cost nobody a request, and many who ask at once cost one. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { maxRoundAt } from "../../../src/beacon/drand.ts";
import { localBeacon } from "../../../src/beacon/local.ts";
import type { BeaconSource } from "../../../src/beacon/source.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { sharedEntries } from "../../../src/node/local-miners.ts";
import { makeDispatcher } from "../../../src/rpc/api.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

let net: Devnet;
beforeAll(async () => {
  net = await Devnet.open({ ...TEST_OPTIONS, seed: "entries", miners: 1, blockTime: 3600 });
  await net.clock.mine(2);
  await net.clock.skip(3);
});
afterAll(() => net.close());

test("of every epoch of the chain, null rounds too, are the beacon's; only the next epoch's is asked for", async () => {
  const asked: number[] = [];
  const beacon = async (epoch: number) => {
    asked.push(epoch);
    return (net.services.beacon as (epoch: number) => Promise<{ round: bigint; data: Uint8Array }>)(epoch);
  };
  const rpc = makeDispatcher({ ...net.services, beacon });
  const { height } = net.head;
  const entryOf = (epoch: number) => rpc.request("StateGetBeaconEntry", epoch) as Promise<{ Round: number }>;
  const found = [];
  for (let epoch = 1; epoch <= height; epoch++) found.push((await entryOf(epoch)).Round);
  expect(asked).toEqual([]);
  const due = await Promise.all(found.map((_, i) => net.services.beacon?.(i + 1)));
  expect(found).toEqual(due.map((entry) => Number(entry?.round)));
  expect((await entryOf(height + 1)).Round).toBeGreaterThan(found.at(-1) as number);
  expect(asked).toEqual([height + 1]);
  await expect(entryOf(height + 2)).rejects.toThrow("not there yet");
});

test("many who ask for one at once wait for one answer; a failure is not kept", async () => {
  const times = { genesisTime: 1_600_000_000, blockDelay: 4 };
  const local = localBeacon(await loadCrypto(), "entries", times);
  let asked = 0;
  let isSilent = true;
  const source: BeaconSource = {
    async entry(info, round, signal) {
      asked++;
      if (isSilent) throw new Error("no server answers");
      return local.source.entry(info, round, signal);
    },
  };
  const entry = sharedEntries({ info: local.info, source }, times, () => 5);
  const failed = await Promise.allSettled([entry(7), entry(7), entry(7)]);
  expect([asked, failed.map(({ status }) => status)]).toEqual([1, ["rejected", "rejected", "rejected"]]);
  isSilent = false;
  const all = await Promise.all([entry(7), entry(7), entry(8)]);
  expect([asked, all.map(({ round }) => round)]).toEqual([
    3,
    [7, 7, 8].map((epoch) => maxRoundAt(local.info, times, epoch, 5)),
  ]);
});
