/** A deal whose messages to the market all get a higher fee by hand while they wait in the pool: each is the one that it was, and nothing is sent twice. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { signMessage } from "../../../src/keys/keys.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { minerWorker } from "../../../src/node/local-miners.ts";
import { MARKET } from "../../../src/types/singletons.ts";
import {
  clientView,
  DEAL_OPTIONS,
  escrow,
  importFile,
  makeFile,
  providerView,
  startDeal,
} from "../../support/deals.ts";
import { until } from "../../support/until.ts";

test("the funds and the publishing of a deal, each replaced in the pool", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "filigree-replaced-"));
  const net = await Devnet.open({ ...DEAL_OPTIONS });
  try {
    net.clock.setAutomine(false);
    const { pool, crypto, keystore } = net.node;
    const methods: number[] = [];
    const seen = new Set<string>();
    /** Raises the fee of what waits for the market. */
    const raiseAll = async (): Promise<void> => {
      for (const { message } of pool.pending()) {
        const name = `${message.from} ${message.nonce}`;
        if (!message.to.equals(MARKET) || seen.has(name)) continue;
        seen.add(name);
        methods.push(Number(message.method));
        const key = keystore.has(message.from) ? keystore.get(message.from) : minerWorker(crypto, DEAL_OPTIONS.seed, 0);
        const fees = { gasPremium: message.gasPremium * 2n + 1n, gasFeeCap: message.gasFeeCap * 2n + 1n };
        await pool.push(signMessage(crypto, key, { ...message, ...fees }));
      }
    };
    await makeFile(path.join(folder, "file"), 400);
    const root = await importFile(net, path.join(folder, "file"));
    const deal = await startDeal(net, root);
    const { Client: payer, ...terms } = (await clientView(net, deal))["Proposal"];
    await until("both sides to see the deal active", async () => {
      await raiseAll();
      await net.clock.mine(1);
      const [bought, sold] = [await clientView(net, deal), await providerView(net, deal).catch(() => null)];
      if (bought["State"] === "Failed") throw new Error(bought["Error"]);
      return bought["State"] === "Active" && sold?.["State"] === "Active";
    });
    // The client puts in what it owes, the provider publishes, each once; of the provider nothing is asked here.
    expect(methods).toEqual([2, 4]);
    const price = BigInt(terms["StoragePricePerEpoch"]) * BigInt(terms["EndEpoch"] - terms["StartEpoch"]);
    expect(await escrow(net, payer)).toEqual({ escrow: price, locked: price });
    const log: { Event: string }[] = (await providerView(net, deal))["Log"];
    expect(log.filter(({ Event }) => ["again", "waiting"].includes(Event))).toEqual([]);
  } finally {
    await net.close();
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
