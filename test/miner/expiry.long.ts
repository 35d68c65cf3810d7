/**
 * Sectors at the end of their lives: proven for 181 days, they expire at the end of their deadline, without a fee, and their
 * pledge is free, to the attoFIL.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkState } from "../../src/core/state-check.ts";
import { type JsonObject, ObjectReader } from "../../src/state/actor-reader.ts";
import type { MemoryStore } from "../../src/storage/memory.ts";
import { type LabMiner, MinerLab } from "../support/miner-lab.ts";

const SECTOR = 2048n;
const DAY = 2880;
const EXPIRATION = 521_430;

let lab: MinerLab;
let miner: LabMiner;
beforeAll(async () => {
  lab = await MinerLab.open({ miners: 1, sectors: 2, accounts: 23, balance: 10n ** 20n, expiration: EXPIRATION });
  miner = lab.miners[0] as LabMiner;
}, 600_000);
afterAll(() => lab?.close());

test("an extension holds one sector, the other expires: no fee, its pledge is free, its power is gone", async () => {
  const { open, index } = await lab.deadlineOf(miner);
  const { partitions } = await miner.chain.sectorsDue(index);
  const place = { deadline: index, partition: partitions[0]?.partition as number, sectors: [1] };
  await lab.passTo(open + 100);
  expect(await lab.done(miner, "extend", miner.calls.extend([{ ...place, expiration: EXPIRATION + 40 * DAY }]))).toBe(
    0,
  );
  // Expirations are rounded up to the end of their deadline.
  let end = open + 59;
  while (end < EXPIRATION) end += DAY;
  await lab.passTo(end - 1);
  const { states } = lab.net.node;
  const stateOf = async () =>
    ObjectReader.open(
      states.chain.blocks,
      await (await states.stateAfter(lab.net.head)).requireActor(miner.own.address),
      "t",
    );
  const { InitialPledge } = (await (await stateOf()).element("Sectors", 0n)) as JsonObject;
  const before = await lab.lab.report(miner.own.address);
  expect(before.sectors).toMatchObject({ live: [0, 1], active: [0, 1], faulty: [], terminated: [] });
  expect(lab.told).toEqual([]);
  await lab.step(end);
  const after = await lab.lab.report(miner.own.address);
  expect(after.sectors).toMatchObject({ live: [1], active: [1], faulty: [], terminated: [0] });
  expect(before.power.raw - after.power.raw).toBe(SECTOR);
  expect(before.money.initialPledge - after.money.initialPledge).toBe(BigInt(InitialPledge as string));
  expect(after.money.feeDebt).toBe(0n);
  expect(after.burnt).toBe(before.burnt);
  const { stateRoot } = await states.result(lab.net.head);
  const checked = await checkState(stateRoot, lab.height, states.chain.blocks as MemoryStore, { profile: "devnet" });
  expect(checked.complaints).toEqual([]);
  // What is left is proven as before.
  await lab.passTo(end + DAY + 200);
  expect((await lab.lab.report(miner.own.address)).sectors).toMatchObject({ live: [1], active: [1], faulty: [] });
  expect(await lab.done(miner, "compact", miner.calls.compact(index, [place.partition]))).toBe(0);
  expect((await lab.lab.report(miner.own.address)).sectors.terminated).toEqual([]);
}, 7_200_000);
