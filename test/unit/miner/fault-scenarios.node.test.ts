/**
 * Faults of miners, step by step: what becomes of power, fees, collateral and eligibility, to the attoFIL. The figures that
 * are expected come from the host's formulas, which equal the official modules' (`penalties.test.ts`); the actors are the
 * judges here, and what is tried is the software around them.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../../src/state/actor-reader.ts";
import { ObjectReader } from "../../../src/state/actor-reader.ts";
import { consensusFaultFine, faultFee, reporterShare, terminationFee } from "../../../src/stmgr/penalties.ts";
import { FIL } from "../../../src/types/amount.ts";
import { type LabMiner, MinerLab } from "../../support/miner-lab.ts";

const SECTOR = 2048n;
const DAY = 2880;

let lab: MinerLab;
/** Skips a sector, then signs two blocks of an epoch. Deadline from epoch 110. */
let skipping: LabMiner;
/** Declares a sector faulty and recovers it; extends and terminates another. From 716. */
let declaring: LabMiner;
/** Has spent its money, then misses its deadline. From 1028. */
let missing: LabMiner;
beforeAll(async () => {
  // With so many accounts the ids of the miners put their deadlines into the first day's first half.
  lab = await MinerLab.open({ miners: 3, sectors: 2, accounts: 23, balance: 1000n * FIL });
  [skipping, declaring, missing] = lab.miners as [LabMiner, LabMiner, LabMiner];
});
afterAll(() => lab?.close());

const report = ({ own }: LabMiner) => lab.lab.report(own.address);

/** Ends a deadline and gives what its last epoch, in which nothing else happens, has changed. */
async function endOfDeadline(miner: LabMiner, open: number) {
  await lab.passTo(open + 58);
  const before = await report(miner);
  const figures = await lab.figures();
  await lab.step(open + 59);
  const after = await report(miner);
  return {
    ...{ before, after },
    burnt: after.burnt - before.burnt,
    paid: before.money.balance - after.money.balance,
    fee: (bytes: bigint) => faultFee(figures, bytes),
  };
}

test("a sector lost after its deadline was looked at: skipped, the other is proven; the fault costs from its first day", async () => {
  const { index, open } = await lab.deadlineOf(skipping);
  expect(open).toBe(110);
  await lab.passTo(open - 60);
  expect((await report(skipping)).power).toMatchObject({ raw: 2n * SECTOR, totalRaw: 6n * SECTOR });
  lab.lab.setFault(skipping.own.address, 1, "lost");
  await lab.passTo(open + 4);
  expect(lab.told[0]).toEqual({
    miner: `${skipping.own.address}`,
    sectors: [1],
    why: expect.stringContaining("hides"),
  });
  expect((await skipping.chain.sectorsDue(index)).proven).toEqual([0]);
  const proven = await report(skipping);
  expect(proven.sectors).toMatchObject({ live: [0, 1], active: [0], faulty: [1], recovering: [] });
  expect(proven.power).toMatchObject({ raw: SECTOR, totalRaw: 5n * SECTOR, hasMinPower: true });
  const end = await endOfDeadline(skipping, open);
  expect(end.burnt).toBe(end.fee(SECTOR));
  expect(end.burnt).toBeGreaterThan(0n);
  // It makes all blocks here, and what it has to pay is taken from what vests, first: what is free stays.
  expect(end.after.money.available).toBe(end.before.money.available);
  expect(end.after.money.vesting - end.before.money.vesting).toBe(-end.paid);
  expect(end.after.money).toMatchObject({ feeDebt: 0n, initialPledge: end.before.money.initialPledge });
  expect(end.after.sectors).toMatchObject({ active: [0], faulty: [1] });
});

test("a sector changed before: declared faulty in time, and not part of the proof", async () => {
  const { index, open } = await lab.deadlineOf(declaring);
  expect(open).toBe(716);
  await lab.passTo(open - 130);
  lab.lab.setFault(declaring.own.address, 0, "changed");
  await lab.passTo(open - 110);
  const declared = await report(declaring);
  expect(declared.sectors).toMatchObject({ active: [1], faulty: [0], recovering: [] });
  expect(declared.power.raw).toBe(SECTOR);
  expect(lab.told.at(-1)).toEqual({
    ...{ miner: `${declaring.own.address}`, sectors: [0] },
    why: `declared faulty before deadline ${index}`,
  });
  const end = await endOfDeadline(declaring, open);
  expect((await declaring.chain.sectorsDue(index)).proven).toEqual([]);
  expect([end.burnt, end.paid]).toEqual([end.fee(SECTOR), end.fee(SECTOR)]);
  expect(end.after.power.raw).toBe(SECTOR);
  expect(end.after.sectors).toMatchObject({ active: [1], faulty: [0] });
  lab.lab.setFault(declaring.own.address, 0, "none");
});

test("a missed deadline: all sectors faulty, no fee yet, no power, no blocks", async () => {
  const { open } = await lab.deadlineOf(missing);
  expect(open).toBe(1028);
  const { available } = (await report(missing)).money;
  expect(await lab.done(missing, "withdraw", missing.calls.withdraw(available))).toBe(0);
  expect((await report(missing)).money).toMatchObject({ available: 0n, feeDebt: 0n });
  await lab.lab.skip(missing.own.address, "all");
  const end = await endOfDeadline(missing, open);
  expect([end.burnt, end.paid]).toEqual([0n, 0n]);
  expect(end.before.power.raw).toBe(2n * SECTOR);
  expect(end.after.power).toMatchObject({ raw: 0n, hasMinPower: false });
  expect(end.after.sectors).toMatchObject({ live: [0, 1], active: [], faulty: [0, 1] });
  await lab.step();
  expect((await report(missing)).notEligible).toBe("it has no power");
});

test("a consensus fault: fined, the reporter paid, no blocks for 900 epochs", async () => {
  await lab.step();
  await lab.step();
  const before = await report(skipping);
  const figures = await lab.figures();
  const faulted = lab.height - 1;
  await lab.lab.equivocate(skipping.own.address);
  const { producer } = lab as unknown as { producer: { produce(epoch: number): Promise<unknown> } };
  await producer.produce(lab.height + 1);
  const after = await report(skipping);
  const { consensusFaultElapsed } = await skipping.chain.facts();
  expect(consensusFaultElapsed).toBe(lab.height + 900);
  const fine = consensusFaultFine(figures.reward);
  const share = reporterShare(figures.networkVersion, lab.height - faulted, fine);
  const { receipt, message, baseFee } = await lab.lastMessage();
  expect(receipt.exitCode).toBe(0);
  // Of the gas, the base fee is burnt, and so is what of the limit was asked for and not used, above a tenth.
  const gas = lab.burntGas(receipt.gasUsed, message.gasLimit) * baseFee;
  expect(after.burnt - before.burnt).toBe(fine - share + gas);
  expect(after.money.feeDebt).toBe(0n);
  await lab.step();
  expect((await report(skipping)).notEligible).toContain(
    `excluded for a consensus fault until epoch ${consensusFaultElapsed}`,
  );
});

test("an extension: later expiration, the same power and pledge", async () => {
  const { index } = await lab.deadlineOf(declaring);
  const before = await report(declaring);
  const place = { deadline: index, partition: 0, sectors: [1] };
  const extended = declaring.calls.extend([{ ...place, expiration: 1_530_000 }]);
  expect(await lab.done(declaring, "extend", extended)).toBe(0);
  expect((await declaring.chain.sector(1))?.expiration).toBe(1_530_000);
  expect((await declaring.chain.sector(0))?.expiration).toBe(1_500_000);
  const after = await report(declaring);
  expect(after.power.raw).toBe(before.power.raw);
  expect(after.money).toEqual(before.money);
  // Too far ahead: the actor refuses, and the message is not sent.
  const far = declaring.calls.extend([{ ...place, expiration: 1_700_000 }]);
  await expect(lab.done(declaring, "far", far)).rejects.toMatchObject({
    data: { code: "REFUSED", method: "ExtendSectorExpiration" },
    message: "ExtendSectorExpiration was not sent",
  });
});

test("an early termination: fee and pledge", async () => {
  const { own, chain, calls } = skipping;
  const { index } = await lab.deadlineOf(skipping);
  const { states } = lab.net.node;
  const view = await states.stateAfter(lab.net.head);
  const state = await ObjectReader.open(states.chain.blocks, await view.requireActor(own.address), "t");
  const sector = (await state.element("Sectors", 0n)) as JsonObject;
  const before = await report(skipping);
  const figures = await lab.figures();
  await skipping.tracker.send("terminate", calls.terminate([{ deadline: index, partition: 0, sectors: [0] }]));
  const { producer } = lab as unknown as { producer: { produce(epoch: number): Promise<unknown> } };
  await producer.produce(lab.height + 1);
  const fee = terminationFee(figures, {
    qaPower: SECTOR,
    age: BigInt(lab.height - Number(sector["Activation"])),
    expectedDayReward: BigInt(sector["ExpectedDayReward"] as string),
    expectedStoragePledge: BigInt(sector["ExpectedStoragePledge"] as string),
    ...{ replacedAge: 0n, replacedDayReward: 0n },
  });
  const after = await report(skipping);
  const { receipt, message, baseFee } = await lab.lastMessage();
  expect(receipt.exitCode).toBe(0);
  const gas = lab.burntGas(receipt.gasUsed, message.gasLimit) * baseFee;
  expect(after.burnt - before.burnt).toBe(fee + gas);
  expect(fee).toBeGreaterThan(0n);
  expect(before.money.initialPledge - after.money.initialPledge).toBe(BigInt(sector["InitialPledge"] as string));
  expect(after.power).toMatchObject({ raw: 0n, hasMinPower: false });
  expect(after.sectors).toMatchObject({ live: [1], active: [], faulty: [1], terminated: [0] });
  expect(await chain.isAllocated(0)).toBe(true);
});

test("the sector that is back is declared recovered, proven, and has its power again, without a fee", async () => {
  const { open } = await lab.deadlineOf(declaring);
  expect(open).toBe(716 + DAY);
  await lab.passTo(open - 110);
  const waiting = await report(declaring);
  expect(waiting.sectors).toMatchObject({ active: [1], faulty: [0], recovering: [0] });
  expect(waiting.power.raw).toBe(SECTOR);
  await lab.passTo(open + 4);
  const back = await report(declaring);
  expect(back.sectors).toMatchObject({ active: [0, 1], faulty: [], recovering: [] });
  expect(back.power.raw).toBe(2n * SECTOR);
  const end = await endOfDeadline(declaring, open);
  expect([end.burnt, end.paid]).toEqual([0n, 0n]);
});

test("an ongoing fault of who has no money becomes debt: no recovery, no blocks, until it is paid", async () => {
  const { index, open } = await lab.deadlineOf(missing);
  expect(open).toBe(1028 + DAY);
  await lab.lab.skip(missing.own.address, []);
  lab.lab.setFault(missing.own.address, 0, "lost");
  lab.lab.setFault(missing.own.address, 1, "lost");
  const end = await endOfDeadline(missing, open);
  const fee = end.fee(2n * SECTOR);
  expect([end.burnt, end.paid]).toEqual([0n, 0n]);
  expect(end.after.money).toMatchObject({ feeDebt: fee, available: -fee });
  lab.lab.setFault(missing.own.address, 0, "none");
  lab.lab.setFault(missing.own.address, 1, "none");
  // The next day it could recover, and the actor would refuse it.
  await lab.passTo(open + DAY - 110);
  expect((await report(missing)).sectors).toMatchObject({ faulty: [0, 1], recovering: [] });
  expect(lab.told.at(-1)?.why).toContain("owes");
  const recover = missing.calls.declareRecoveries([{ deadline: index, partition: 0, sectors: [0, 1] }]);
  await expect(lab.done(missing, "recover too early", recover)).rejects.toMatchObject({ data: { code: "REFUSED" } });
  expect(await lab.done(missing, "pay", missing.calls.repayDebt(fee))).toBe(0);
  expect((await report(missing)).money).toMatchObject({ feeDebt: 0n, available: 0n });
  expect(await lab.done(missing, "recover", recover)).toBe(0);
  await lab.passTo(open + DAY + 4);
  const back = await report(missing);
  expect(back.sectors).toMatchObject({ active: [0, 1], faulty: [] });
  expect(back.power).toMatchObject({ raw: 2n * SECTOR, hasMinPower: true });
});
