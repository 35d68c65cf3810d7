/**
 * A storage deal that is paid: two days of chain time, most of them null rounds, with the proofs of the miner's deadline made.
 * The market moves attoFIL from the client's escrow to the provider's, epoch by epoch, and nothing else moves.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { checkState } from "../../src/core/state-check.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { active, DEAL_OPTIONS, escrow, importFile, makeFile, startDeal } from "../support/deals.ts";

/** The miner's sectors are proven in the deadline that opens at epoch 133, and a day later again. */
const DEADLINES = [133, 133 + 2880];
const DAY = 2880;
/** Null rounds at a time: elections look back further. */
const MOST_NULL = 800;

test("a deal is paid by the epoch from its start on", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "filigree-paid-"));
  const net = await Devnet.open(DEAL_OPTIONS);
  const skipTo = async (epoch: number): Promise<void> => {
    while (net.head.height < epoch) await net.clock.skip(Math.min(MOST_NULL, Math.max(0, epoch - 1 - net.head.height)));
  };
  try {
    await makeFile(path.join(folder, "file"), 900);
    const deal = await startDeal(net, await importFile(net, path.join(folder, "file")));
    const { client } = await active(net, deal);
    const { StartEpoch: start, StoragePricePerEpoch: price, Client: payer } = client["Proposal"];
    const provider = net.miner.toString("t");
    const before = { payer: await escrow(net, payer), provider: await escrow(net, provider) };
    for (const open of DEADLINES) {
      await skipTo(open + 2);
      await net.clock.mine(8);
    }
    // The market looks at a deal at a random epoch of the day after its start, and then every day.
    await skipTo(start + DAY + 2);
    const { updated, activated } = (await net.node.market.deal(0)) ?? {};
    expect(activated).toBe(client["Activated"]);
    expect(updated).toBeGreaterThanOrEqual(start);
    const paid = BigInt(price) * BigInt((updated as number) - start);
    expect(await escrow(net, payer)).toEqual({
      escrow: before.payer.escrow - paid,
      locked: before.payer.locked - paid,
    });
    const earned = { escrow: before.provider.escrow + paid, locked: before.provider.locked };
    expect(await escrow(net, provider)).toEqual(earned);
    expect(net.deals.provider?.list()[0]?.state).toBe("Active");
    const { stateRoot } = await net.node.states.result(net.head);
    const report = await checkState(stateRoot, net.head.height, net.node.chain.blocks, { profile: "devnet" });
    expect(report.complaints).toEqual([]);
  } finally {
    await net.close();
    await rm(folder, { recursive: true });
  }
}, 600_000);
