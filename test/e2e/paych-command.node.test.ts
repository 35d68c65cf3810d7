/** `filigree paych` as users type it, from making a channel to handing its voucher in. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { startTestNet, type TestNet } from "../support/devnet.ts";
import { type KeptProcess, type Outcome, startKeptProcess } from "../support/kept-process.ts";

// Machines may have much else to do.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let net: TestNet;
let kept: KeptProcess;
beforeAll(async () => {
  net = await startTestNet({ blockTime: 0 });
  kept = startKeptProcess(".");
});
afterAll(async () => {
  await kept.close();
  await net.close();
});

async function filigree(...args: readonly string[]): Promise<Outcome> {
  const { code, out, err } = await kept.run(["paych", ...args], { FILIGREE_RPC: net.url });
  return { code, out: out.trim(), err };
}

test("a channel is made and paid from; what is wrong is said in plain words", async () => {
  const { out: channel } = await filigree("add-funds", "alice", "bob", "2 FIL");
  expect(channel).toMatch(/^t2/);
  const secret = Uint8Array.of(1, 2, 3);
  const hash = toHex(net.devnet.services.crypto.blake2b256(secret));
  const [status, short, bad] = await Promise.all([
    filigree("status", channel),
    filigree("voucher", "create", channel, "2.5 FIL"),
    filigree("voucher", "check", channel, "nonsense!"),
  ]);
  expect(status.out).toMatch(/state {9}open\non chain {6}2 FIL\n[\s\S]*confirmed {5}2 FIL\nnot reserved {2}2 FIL/);
  expect(short).toMatchObject({ code: 1, err: expect.stringContaining("the channel lacks 0.5 FIL; add it: filigree") });
  expect(bad).toMatchObject({ code: 64, err: expect.stringContaining("not a voucher") });

  const spread = ["voucher", "schedule", channel, "1 FIL", "--count", "2", "--start-epoch", "10", "--end-epoch", "20"];
  const [planned, long] = await Promise.all([filigree(...spread), filigree(...spread, "--count", "11")]);
  expect(planned.out).toMatch(/^from epoch 15: 0.5 FIL {2}\S+\nfrom epoch 20: 1 FIL {2}\S+$/);
  expect(long).toMatchObject({ code: 1, err: expect.stringContaining("10 epochs cannot be divided among 11") });

  const locked = await filigree("voucher", "create", channel, "1 FIL", "--lane", "3", "--secret-hash", hash);
  const [wrong, added] = await Promise.all([
    filigree("voucher", "submit", channel, locked.out, "--secret", "0405"),
    filigree("voucher", "add", channel, locked.out, "--secret", toHex(secret)),
  ]);
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("incorrect secret") });
  expect(added).toMatchObject({ code: 0, out: "kept; worth 0 FIL more than those before it" });
  const best = await filigree("voucher", "best-spendable", channel, "--export");
  expect(best.out).toBe(`lane 3, nonce 1: 1 FIL  ${locked.out}`);

  const settle = await net.devnet.request<{ "/": string }>("Filecoin.PaychSettle", channel);
  await net.devnet.request("Filecoin.StateWaitMsg", settle, 0, -1, true);
  expect((await filigree("status", channel)).out).toMatch(/settling: it can be collected from epoch 14\d\d on/);
  await net.devnet.request("Devnet.skipRounds", 1440);
  const collect = await net.devnet.request<{ "/": string }>("Filecoin.PaychCollect", channel);
  await net.devnet.request("Filecoin.StateWaitMsg", collect, 0, -1, true);
  expect((await filigree("status", channel)).out).toMatch(/not on chain any more.*\non chain {6}0 FIL\n/);
});
