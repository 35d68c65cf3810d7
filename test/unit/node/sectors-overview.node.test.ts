/** What is told of a miner's sectors, here and on the chain, and which of them may be removed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Devnet } from "../../../src/node/devnet.ts";

let net: Devnet;
let miner: number;
beforeAll(async () => {
  net = await Devnet.open({ accounts: 1, seed: "overview", miners: 1, sectors: 1 });
  net.clock.setAutomine(false);
  await net.clock.mine(1);
});
afterAll(() => net?.close());

const overview = () => net.request("Filigree.SectorsOverview");
const stateOf = async (number: number) => (await net.request("SectorsStatus", number, false)).State;
async function comes(number: number, state: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if ((await stateOf(number)) === state) return;
    await net.clock.mine(1);
  }
  throw new Error(`sector ${number} is ${await stateOf(number)}, not ${state}`);
}
const check = (number: number) =>
  net.request("CheckProvable", 0, [{ ID: { Miner: miner, Number: number }, ProofType: 0 }], false);

test("a live sector whose files were removed is still told of, and found bad; what cannot be removed says why", async () => {
  const ofGenesis = { Number: 0, State: "Proving", Chain: "healthy", Held: true, CountsFrom: null, KeptUntil: null };
  expect(await overview()).toEqual([ofGenesis]);
  const begun = await net.request("PledgeSector");
  miner = Number(begun.Miner);
  expect(begun.Number).toBe(1);
  expect((await overview())[1]).toMatchObject({ Number: 1, Chain: "absent", Held: false });
  await comes(1, "PreCommitWait");
  await expect(net.request("SectorRemove", 1)).rejects.toThrow("cannot be removed while it is PreCommitWait: wait");
  await comes(1, "Proving");
  expect(await overview()).toEqual([ofGenesis, { ...ofGenesis, Number: 1, Chain: "unproven" }]);
  expect(await check(1)).toEqual({});
  await net.request("SectorRemove", 1);
  await comes(1, "Removed");
  expect((await overview())[1]).toEqual({ ...ofGenesis, Number: 1, State: "Removed", Chain: "unproven", Held: false });
  expect(await check(1)).toEqual({ 1: "its files were removed" });
  await expect(net.request("SectorRemove", 1)).rejects.toThrow("sector 1 is removed already");
  await expect(net.request("SectorRemove", 0)).rejects.toThrow("sealed with the network's genesis");
  await net.request("PledgeSector");
  await comes(2, "Proving");
  await net.request("Devnet.terminateSectors", `t0${miner}`, [2], true);
  await comes(2, "TerminateFinality");
  const { KeptUntil } = (await overview())[2];
  expect(KeptUntil - net.head.height).toBeGreaterThan(890);
  await expect(net.request("SectorRemove", 2)).rejects.toThrow(
    `sector 2 has ended (TerminateFinality): its files are kept while an election may still draw it, and go by themselves at epoch ${KeptUntil}`,
  );
  await expect(net.request("SectorRemove", 7)).rejects.toThrow("the miner has no sector 7");
});
