/**
 * Payment channels of a network on disk, as a user has them: made, topped up, paid from, settled and collected, with the
 * network stopped in between. Balances reconcile to the attoFIL.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { until } from "../support/until.ts";

type Json = Record<string, unknown>;
type Link = { readonly "/": string };

let folder: string;
let net: Devnet;
let alice: string;
let bob: string;

const open = async (): Promise<void> => {
  net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600, data: folder });
  [alice, bob] = net.accounts.map(({ secp256k1 }) => secp256k1.toString("t")) as [string, string];
};
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-payments-"));
  await open();
  await net.clock.mine(1);
});
afterAll(async () => {
  await net.close();
  await rm(folder, { recursive: true });
});

const ask = <T>(method: string, ...params: readonly unknown[]): Promise<T> => net.request<T>(method, ...params);
const balance = async (address: string): Promise<bigint> => BigInt(await ask<string>("WalletBalance", address));
/** attoFIL that messages of an address cost beside what they send. */
async function fees(address: string, from: number): Promise<bigint> {
  const { Height: height } = await ask<{ Height: number }>("ChainHead");
  let sum = 0n;
  for (const cid of await ask<readonly Link[] | null>("StateListMessages", { From: address }, [], from).then(
    (l) => l ?? [],
  )) {
    const { GasCost: cost } = await ask<{ GasCost: { TotalCost: string } }>("StateReplay", [], cid);
    sum += BigInt(cost.TotalCost);
  }
  expect(height).toBeGreaterThan(from);
  return sum;
}

test("a channel from its first attoFIL to its last", async () => {
  const start = { alice: await balance(alice), bob: await balance(bob) };
  const { Channel, WaitSentinel } = await ask<Json>("PaychGet", alice, bob, "1000", null);
  expect(Channel).toBe("<empty>");
  // The network stops before the message is in a block.
  await net.close();
  await open();
  await net.clock.mine(8);
  const channel = await ask<string>("PaychGetWaitReady", WaitSentinel);
  expect(channel).toMatch(/^t2/);
  expect(await ask("PaychList")).toEqual([channel]);
  expect(await ask("PaychAvailableFunds", channel)).toMatchObject({ ConfirmedAmt: "1000", NonReservedAmt: "0" });

  const top = await ask<Json>("PaychFund", alice, bob, "500");
  expect(top["Channel"]).toBe(channel);
  await net.clock.mine(8);
  await ask("PaychGetWaitReady", top["WaitSentinel"]);
  expect(await ask("PaychAvailableFunds", channel)).toMatchObject({ ConfirmedAmt: "1500", NonReservedAmt: "500" });
  await expect(ask("PaychGet", alice, bob, "501", { OffChain: true })).rejects.toThrow(/not enough funds available/);
  const payment = await ask<Json>("PaychNewPayment", alice, bob, [{ Amount: "300" }, { Amount: "400", MinSettle: 5 }]);
  expect(payment).toMatchObject({ Channel: channel, WaitSentinel: null });
  const [, second] = payment["Vouchers"] as readonly [Json, Json];
  expect(second).toMatchObject({ Lane: 0, Nonce: 2, Amount: "400", MinSettleHeight: 5, ChannelAddr: channel });

  // All methods of vouchers, as the reference's tools call them.
  await expect(ask("PaychVoucherCheckValid", channel, second)).rejects.toThrow(/nonce too low/);
  expect(await ask("PaychVoucherCheckSpendable", channel, second, "", "")).toBe(true);
  const { Shortfall } = await ask<Json>("PaychVoucherCreate", channel, "1200", 1);
  expect(Shortfall).toBe("100");
  const { Voucher: merged } = await ask<Json>("Filigree.PaychVoucherCreate", channel, {
    Lane: 1,
    Amount: "1100",
    Merges: [],
  });
  const { Voucher: all } = await ask<Json>("Filigree.PaychVoucherCreate", channel, {
    Lane: 2,
    Amount: "1500",
    Merges: [0, 1],
  });
  expect(merged).toMatchObject({ Lane: 1, Nonce: 1 });
  expect(all).toMatchObject({
    Lane: 2,
    Merges: [
      { Lane: 0, Nonce: 3 },
      { Lane: 1, Nonce: 2 },
    ],
  });
  expect(await ask<Json[]>("PaychVoucherList", channel)).toHaveLength(4);

  // Who pays settles; the watcher of who is paid submits everything, also one that is started in between.
  await ask("PaychSettle", channel);
  await net.clock.mine(1);
  await net.close();
  await open();
  await until("vouchers redeemed", async () => {
    await net.clock.mine(1);
    const { State } = await ask<{ State: Json }>("StateReadState", channel, []);
    return State["ToSend"] === "1500";
  });
  await expect(ask("PaychCollect", channel)).rejects.toThrow(/not settling or settled/);
  await ask("Devnet.skipRounds", 1440);
  await ask("PaychCollect", channel);
  await net.clock.mine(2);
  await expect(ask("StateGetActor", channel, [])).rejects.toThrow(/actor not found/);
  expect(await balance(bob)).toBe(start.bob + 1500n - (await fees(bob, 0)));
  expect(await balance(alice)).toBe(start.alice - 1500n - (await fees(alice, 0)));
  // The pair's next channel is another one.
  expect(await ask("PaychAvailableFundsByFromTo", alice, bob)).toMatchObject({ Channel: null, ConfirmedAmt: "0" });
});
