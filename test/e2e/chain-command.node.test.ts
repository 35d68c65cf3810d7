/** `filigree chain` and `filigree mpool` as users type them: on a running node, and on a data folder that nobody has open. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startTestNet, type TestNet } from "../support/devnet.ts";
import { type KeptProcess, type Outcome, startKeptProcess } from "../support/kept-process.ts";

// Machines may have much else to do.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let net: TestNet;
let kept: KeptProcess;

const filigree = (...args: readonly string[]): Promise<Outcome> => kept.run(args, { FILIGREE_RPC: net.url });
const json = async (...args: readonly string[]): Promise<Record<string, never>> =>
  JSON.parse((await filigree(...args, "--json")).out) as Record<string, never>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-chain-"));
  net = await startTestNet({ blockTime: 3600, data: path.join(folder, "net") });
  await net.devnet.clock.mine(7);
  kept = startKeptProcess(folder);
});
afterAll(async () => {
  await kept.close();
  await net.close();
  await rm(folder, { recursive: true });
});

test("the head and any epoch are shown; an object is followed by its path", async () => {
  const { head } = net.devnet;
  const tipset = head.key.map(String);
  const [shown, text, object, wrong] = await Promise.all([
    json("chain", "head"),
    filigree("chain", "get", "3"),
    json("chain", "get", `${tipset[0]}/7`),
    filigree("chain", "get", "nothing"),
  ]);
  expect(shown).toMatchObject({ epoch: head.height, tipset, blocks: 1 });
  expect(text.out).toContain(`epoch 3, `);
  expect(text.out).toContain(`${(await net.devnet.node.chain.tipsetAtOrBefore(3)).key[0]}`);
  expect(object).toEqual({ cid: tipset[0], object: head.height });
  expect(wrong).toMatchObject({ code: 64, err: expect.stringContaining("neither an epoch nor a CID") });
});

test("a snapshot of a running node is taken into an empty folder, validated, pruned and exported again", async () => {
  const tipset = net.devnet.head.key.map(String);
  const out = await json("chain", "export", "one.car", "--format", "2", "--recent-stateroots", "4");
  expect(out).toMatchObject({ epoch: 8, tipset, format: 2 });
  expect(out["bytes"]).toBe((await readFile(path.join(folder, "one.car"))).length);
  await writeFile(path.join(folder, "cut.car"), (await readFile(path.join(folder, "one.car"))).subarray(0, -9));
  const [again, locked, cut, behind, taken] = await Promise.all([
    filigree("chain", "export", "one.car"),
    filigree("chain", "export", "two.car", "--data", "net"),
    filigree("chain", "import", "cut.car", "--data", "broken"),
    filigree("chain", "import", "--data", "behind", "--validate", "one.car"),
    json("chain", "import", "one.car", "--data", "taken", "--validate", "3"),
  ]);
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining("--force replaces it") });
  expect(locked).toMatchObject({ code: 1, err: expect.stringContaining("in use by another process") });
  expect(cut).toMatchObject({ code: 1, err: expect.stringMatching(/^error: cut\.car: .*TRUNCATED/m) });
  expect(behind).toMatchObject({ code: 64, err: expect.stringContaining("the file stands before --validate") });
  expect(taken).toMatchObject({ ok: true, format: 2, epoch: 8, tipset, statesFrom: 4, validated: { tipsets: 3 } });
  const [full, other, more] = [
    await filigree("chain", "import", "one.car", "--data", "taken"),
    await json("chain", "export", "two.car", "--data", "taken", "--recent-stateroots", "4", "--tipset", "@8"),
    await filigree("chain", "export", "three.car", "--data", "taken"),
  ];
  expect(full).toMatchObject({ code: 1, err: expect.stringContaining("NOT_EMPTY") });
  expect(other).toMatchObject({ epoch: 8, tipset, format: 1 });
  expect(more).toMatchObject({
    code: 1,
    err: expect.stringContaining("those of 4 epochs can be exported: --recent-stateroots 4 [STATES_COLLECTED]"),
  });
  expect(await json("chain", "prune", "--data", "taken", "--keep", "1000")).toMatchObject({
    ok: true,
    states: 0,
    from: 4,
  });
});

test("messages that wait are listed, replaced for a higher fee and dropped; settings change", async () => {
  const [alice, bob] = net.devnet.accounts.map(({ secp256k1 }) => secp256k1.toString("t")) as [string, string];
  const { chain, pool } = net.devnet.node;
  const sent = await net.devnet.request("MpoolPushMessage", { From: alice, To: bob, Value: "5" }, null);
  const cid = sent.CID["/"];
  const [listed, refused] = await Promise.all([
    filigree("mpool", "pending", "--from", alice),
    filigree("mpool", "replace", alice, "0", "--gas-premium", "1 aFIL", "--gas-feecap", "1 aFIL"),
  ]);
  expect(listed.out.split("\n")[0]).toMatch(/^message +from +nonce/);
  expect(listed.out).toMatch(new RegExp(`${cid} +${alice} +0 +${bob}`));
  expect(refused.code).toBe(1);
  const id = net.devnet.accounts[1]?.id.toString("f") as string;
  for (const more of [
    ["--from", `f${alice.slice(1)}`],
    ["--from", "t0100"],
    ["--to", id],
  ])
    expect((await filigree("mpool", "pending", "--cids", ...more)).out.trim()).toBe(cid);
  const replaced = await json("mpool", "replace", cid, "--auto");
  expect(replaced).toMatchObject({ replaced: cid });
  expect(pool.pending().map(({ message }) => `${message.gasPremium}`)).toEqual([replaced["gasPremium"]]);
  expect(Number(replaced["gasPremium"])).toBeGreaterThan(1.24 * Number(sent.Message.GasPremium));
  expect(await json("mpool", "config", '{"ReplaceByFeeRatio":1.5}')).toMatchObject({
    config: { ReplaceByFeeRatio: 1.5 },
  });
  expect((await filigree("mpool", "clear")).code).toBe(64);
  expect((await filigree("mpool", "clear", "--really-do-it")).out).toBe(
    "0 messages dropped\n1 message of this node left: --local drops them, too\n",
  );
  expect(await json("mpool", "clear", "--local", "--really-do-it")).toEqual({ ok: true, dropped: 1, left: 0 });
  expect(pool.size).toBe(0);
  expect(chain.head.height).toBe(8);
});

test("a node that does not have all the states of an export says so, and how many it has", async () => {
  const { chain } = net.devnet.node;
  await chain.forgetStatesBelow(3);
  const [refused, given] = [
    await filigree("chain", "export", "all.car"),
    await json("chain", "export", "some.car", "--recent-stateroots", "5"),
  ];
  expect(refused).toMatchObject({
    code: 1,
    err: expect.stringContaining(
      "states are kept from epoch 3 on: those of 5 epochs can be exported: --recent-stateroots 5",
    ),
  });
  expect(given).toMatchObject({ epoch: 8, recentStateroots: 5 });
});
