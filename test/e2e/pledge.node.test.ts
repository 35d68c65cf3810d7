/** New sectors on a running network: from nothing to power, over RPC and by command, and through an end of the network. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { powerTable } from "../../src/consensus/power.ts";
import { checkState } from "../../src/core/state-check.ts";
import { DiskFolder } from "../../src/miner/folders/disk-folder.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { partitionsOf } from "../../src/state/miner-sectors.ts";
import { until } from "../support/until.ts";

const root = await mkdtemp(path.join(tmpdir(), "filigree-pledge-"));
afterAll(() => rm(root, { recursive: true, force: true }));

/** With three accounts the miner has the id 107, and its first deadline with a sector opens at epoch 133. */
const OPTIONS = { accounts: 3, miners: 1, sectors: 1, seed: "filigree" } as const;
const PROVEN = 150;

const state = async (net: Devnet, number: number): Promise<string> =>
  ((await net.request("SectorsStatus", number)) as { State: string }).State;
const proving = (net: Devnet, number: number) =>
  until(`sector ${number} to be proven`, async () => (await state(net, number)) === "Proving");

describe("a network on a disk", () => {
  test("a pledged sector survives an end of the network, is proven at its deadline and has power", async () => {
    const data = path.join(root, "network");
    const first = await Devnet.open({ ...OPTIONS, data });
    const { Miner, Number: number } = await first.request("PledgeSector");
    expect([Miner, number]).toEqual([107, 1]);
    await until("it waits for its seed", async () => !["Packing", "GetTicket"].includes(await state(first, number)));
    await expect(DiskFolder.open(path.join(data, "sectors"))).rejects.toMatchObject({ data: { code: "LOCKED" } });
    await first.close();

    const net = await Devnet.open({ ...OPTIONS, data });
    try {
      expect(await net.request("SectorsList")).toEqual([0, 1]);
      await proving(net, number);
      expect(await net.request("SectorsSummary")).toEqual({ Proving: 2 });
      expect(await readdir(path.join(data, "sectors", "s-t0107-1"))).toEqual(
        expect.arrayContaining(["p_aux", "sealed", "sc-02-data-tree-r-last.dat"]),
      );
      await net.clock.mine(PROVEN - net.head.height);
      const { states, chain } = net.node;
      const view = await states.stateAfter(net.head);
      expect((await powerTable(chain.blocks, view)).total).toBe(4096n);
      for await (const { sectors, faults, unproven } of partitionsOf(
        chain.blocks,
        await view.requireActor(net.miner),
        "t",
      ))
        expect([sectors, faults, unproven]).toEqual([[0, 1], [], []]);
      const { stateRoot } = await states.result(net.head);
      const report = await checkState(stateRoot, net.head.height, chain.blocks, { profile: "devnet" });
      expect(report.complaints).toEqual([]);
      const status = await net.request("SectorsStatus", number, true);
      expect(status).toMatchObject({ SectorID: 1, State: "Proving", LastErr: "", Retries: 0, CommitDue: null });
      expect(status.Expiration).toBeGreaterThan(status.Activation + 500 * 2880);
      expect(status.Log.map(({ Kind }: { Kind: string }) => Kind)).toContain("event;seedDrawn");
      const sent: string[] = [];
      for (let at = net.head; at.height > 0; at = await chain.tipset(at.blocks[0]?.parents ?? []))
        for (const { message } of await chain.tipsetMessages(at))
          if (message.method === 6n || message.method === 7n) sent.push(`${message.method}`);
      expect(sent).toEqual(["7", "6"]);
    } finally {
      await net.close();
    }
  }, 120_000);
});

describe("requests", () => {
  test("name the miner and the sector that are not there; without miners there is nothing to ask", async () => {
    const net = await Devnet.open({ ...OPTIONS, miners: 2 });
    await expect(net.request("SectorsStatus", 77)).rejects.toThrow("the miner has no sector 77");
    await expect(net.request("PledgeSector", "t0999")).rejects.toThrow(
      /^t0999 is no miner of this node \(t0108, t0109\): if it is a process of its own, ask it with --rpc/,
    );
    await expect(net.request("MarketGetAsk", "t0999")).rejects.toThrow(
      /^t0999 is no miner of this node \(t0108, t0109\): ask the node whose own miner it is/,
    );
    const second = net.local?.miners[1]?.address.toString("t");
    const { Number: number } = await net.request("PledgeSector", second);
    await until("proven", async () => (await net.request("SectorsStatus", number, false, second)).State === "Proving");
    expect(await net.request("SectorsListInStates", ["Proving"], second)).toEqual([0, 1]);
    expect(await net.request("SectorsList")).toEqual([0]);
    await net.close();
    const none = await Devnet.open();
    await expect(none.request("PledgeSector")).rejects.toThrow(/no miners with sectors/);
    await none.close();
  }, 120_000);
});

test("a network that goes on has the miners that it was made with, whatever new ones have", async () => {
  for (const [made, later] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const data = path.join(root, `kept-${made}`);
    const heads: string[] = [];
    for (const minersOfNew of [made, later]) {
      const net = await Devnet.open({ accounts: 1, data, minersOfNew });
      expect(net.local?.miners.length ?? 0).toBe(made);
      heads.push(`${net.head.key}`);
      await net.close();
    }
    expect(heads[0]).toBe(heads[1]);
  }
}, 120_000);
