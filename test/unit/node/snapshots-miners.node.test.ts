/** Snapshots of a network whose miners prove sectors and seal new ones. */
import { afterEach, expect, test } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import { Devnet, type DevnetOptions } from "../../../src/node/devnet.ts";
import { tipsetKeyText } from "../../../src/types/block-header.ts";

const open: Devnet[] = [];
afterEach(async () => {
  for (const net of open.splice(0)) await net.close();
});

async function network(options: Partial<DevnetOptions> = {}): Promise<Devnet> {
  const net = await Devnet.open({ accounts: 3, seed: "snapshots", ...options });
  net.clock.setAutomine(false);
  open.push(net);
  return net;
}

const key = (net: Devnet): string => tipsetKeyText(net.head.key);

/** With so many accounts the miner's only deadline with sectors opens at epoch 110. */
const OF_MINERS = { accounts: 24, miners: 1, sectors: 2, seed: "lab" };

test("miners: the same chain twice over deadlines, with a lost sector, and one whose proofs are left out", async () => {
  const net = await network(OF_MINERS);
  const miner = net.miner.toString("t");
  await net.clock.skip(60);
  await net.request("Devnet.setSectorFault", miner, 1, "lost");
  await net.request("Devnet.mineTo", 112);
  const id = await net.snapshot();
  const report = await net.request("Devnet.minerReport", null);
  const live = async () => {
    await net.request("Devnet.setSectorFault", miner, 1, "none");
    await net.request("Devnet.skipProofs", miner, [3]);
    await net.request("Devnet.mineTo", 140);
    return key(net);
  };
  const once = await live();
  expect((await net.request("Devnet.minerReport", null))[0].Sectors.Faulty).toEqual([1]);
  await net.revert(id, { keep: true });
  expect(await net.request("Devnet.minerReport", null)).toEqual(report);
  expect(await live()).toBe(once);
  await net.revert(id);
  await net.request("Devnet.setMiner", miner, false);
  await expect(net.clock.mine(1)).rejects.toThrow(/^no miner won any .*: it was stopped\)/);
});

test("a sector that was sealed since is gone with its files, and its number is given to the next", async () => {
  const net = await network({ miners: 1, sectors: 1 });
  const miner = net.miner.toString("t");
  await net.clock.mine(1);
  const id = await net.snapshot();
  const pledge = async () => {
    const { Number: number } = await net.request("PledgeSector").then((sector) => sector);
    for (let i = 0; i < 400; i++) {
      await net.clock.mine(1);
      const { State } = await net.request("SectorsStatus", number, false);
      if (State === "Proving") return number;
    }
    throw new Error("the sector is not proving");
  };
  const number = await pledge();
  const folder = net.sealing?.folders.open?.all[0];
  expect(await folder?.sectors()).toHaveLength(1);
  await net.revert(id, { keep: true });
  expect(await folder?.sectors()).toHaveLength(0);
  expect(await net.request("SectorsList")).toEqual([0]);
  expect((await net.request("Devnet.minerReport", miner))[0].Sectors.Live).toEqual([0]);
  expect(await pledge()).toBe(number);
  const later = await net.snapshot();
  await net.request("Devnet.terminateSectors", miner, [number]);
  await net.clock.mine(3);
  await net.revert(later);
  expect((await net.request("Devnet.minerReport", miner))[0].Sectors.Terminated).toEqual([]);
  expect(await folder?.sectors()).toHaveLength(1);
});

test("a file of a network with miners: the copy proves, seals and mines on as the first one does", async () => {
  const net = await network({ ...OF_MINERS, seed: "file" });
  const miner = net.miner.toString("t");
  await net.clock.skip(60);
  await net.request("PledgeSector");
  await net.clock.mine(5);
  await net.request("Devnet.setSectorFault", miner, 1, "lost");
  await net.request("Devnet.skipProofs", miner, [7]);
  const parts: Uint8Array[] = [];
  for await (const part of net.dump()) parts.push(part);
  const copy = await Devnet.load(concat(...parts));
  open.push(copy);
  expect(key(copy)).toBe(key(net));
  expect(await copy.request("Devnet.minerReport", null)).toEqual(await net.request("Devnet.minerReport", null));
  const numbers = await net.request<number[]>("SectorsList");
  expect(await copy.request("SectorsList")).toEqual(numbers);
  for (let i = 0; i < 400; i++) {
    await copy.clock.mine(1);
    if ((await copy.request("SectorsStatus", numbers.at(-1), false)).State === "Proving") return;
  }
  throw new Error("the sector is not proving");
});
