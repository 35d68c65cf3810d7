/** A sector that stays lost: a fee for every day, and after 14 of them its termination, to the attoFIL. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JsonObject, ObjectReader } from "../../src/state/actor-reader.ts";
import { faultFee, terminationFee } from "../../src/stmgr/penalties.ts";
import { type LabMiner, MinerLab } from "../support/miner-lab.ts";

const SECTOR = 2048n;
const DAY = 2880;
/** Days after the one in which it is found faulty. */
const DAYS = 14;

let lab: MinerLab;
let lost: LabMiner;
beforeAll(async () => {
  // The second miner makes no blocks: nothing but fees moves its money. Its deadline opens at epoch 716 of each day.
  lab = await MinerLab.open({ miners: 2, sectors: 2, accounts: 23, balance: 10n ** 20n });
  lost = lab.miners[1] as LabMiner;
}, 600_000);
afterAll(() => lab?.close());

test("14 days of fees, then it is ended, and its pledge is free", async () => {
  const { open } = await lab.deadlineOf(lost);
  await lab.passTo(open - 70);
  lab.lab.setFault(lost.own.address, 1, "lost");
  for (let day = 0; day <= DAYS; day++) {
    await lab.passTo(open + day * DAY + 58);
    const before = await lab.lab.report(lost.own.address);
    const figures = await lab.figures();
    const { states } = lab.net.node;
    const view = await states.stateAfter(lab.net.head);
    const state = await ObjectReader.open(states.chain.blocks, await view.requireActor(lost.own.address), "t");
    const sector = (await state.element("Sectors", 1n)) as JsonObject;
    await lab.step(open + day * DAY + 59);
    const after = await lab.lab.report(lost.own.address);
    const isLast = after.sectors.terminated.length > 0;
    const ended = terminationFee(figures, {
      qaPower: SECTOR,
      age: BigInt(lab.height - Number(sector["Activation"])),
      expectedDayReward: BigInt(sector["ExpectedDayReward"] as string),
      expectedStoragePledge: BigInt(sector["ExpectedStoragePledge"] as string),
      ...{ replacedAge: 0n, replacedDayReward: 0n },
    });
    const fee = faultFee(figures, SECTOR) + (isLast ? ended : 0n);
    expect(before.money.balance - after.money.balance, `day ${day}`).toBe(fee);
    expect(after.burnt - before.burnt, `day ${day}`).toBe(fee);
    expect(isLast, `day ${day}`).toBe(day === DAYS);
    expect(after.power.raw).toBe(SECTOR);
    expect(after.sectors).toMatchObject(isLast ? { live: [0], terminated: [1] } : { live: [0, 1], faulty: [1] });
    if (isLast)
      expect(before.money.initialPledge - after.money.initialPledge).toBe(BigInt(sector["InitialPledge"] as string));
  }
});
