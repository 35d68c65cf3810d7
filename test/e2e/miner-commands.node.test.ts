/** `filigree miner` as users type it, against a network whose miner has sectors. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { DiskFolder } from "../../src/miner/folders/disk-folder.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { SEALED_FILE } from "../../src/sector/store.ts";
import { type KeptProcess, type Outcome, startKeptProcess } from "../support/kept-process.ts";

// Machines may have much else to do.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let net: Devnet;
let url: string;
let kept: KeptProcess;
beforeAll(async () => {
  kept = startKeptProcess(".");
  net = await Devnet.open({ accounts: 24, balance: 10n ** 20n, seed: "lab", miners: 1, sectors: 2 });
  ({ url } = await net.serve());
  await net.clock.mine(1);
});
afterAll(async () => {
  await kept.close();
  await net?.close();
});

const filigreeAt = (rpc: string, ...args: readonly string[]): Promise<Outcome> =>
  kept.run(["miner", ...args, "--rpc", rpc]);
const filigree = (...args: readonly string[]): Promise<Outcome> => filigreeAt(url, ...args);
const json = async (...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await filigree(...args, "--json")).out);

test("a miner's actor: read, its addresses and sectors changed, what cannot be meant refused", async () => {
  const [info, due, none] = await Promise.all([
    json("info"),
    json("proving", "deadlines"),
    filigree("proving", "faults"),
  ]);
  expect(info).toMatchObject({
    miner: "t0149",
    owner: "t0100",
    power: { raw: "4096" },
    sectors: { live: 2, active: 2 },
  });
  expect(due).toMatchObject({ deadlines: [{ deadline: 0, open: 110, partitions: 1, sectors: 2, faulty: 0 }] });
  expect(none.out).toBe("t0149 has no faulty sectors\n");
  expect(await json("actor", "control", "set", "bob")).toMatchObject({ method: "ChangeWorkerAddress", exitCode: 0 });
  expect(await json("sectors", "extend", "1", "--expiration", "1530000")).toMatchObject({ exitCode: 0 });
  const [mild, gone, far] = await Promise.all([
    filigree("sectors", "terminate", "0"),
    filigree("sectors", "terminate", "7", "--really-do-it"),
    filigree("actor", "withdraw", "1000000 FIL"),
  ]);
  // The first tells what it would cost; the others are the chain's "no".
  expect([mild.code, gone.code, far.code]).toEqual([0, 1, 1]);
  expect(mild.out).toMatch(/^ending sector 0 early costs a fee of [\d.]+ \w+ at this moment .*\nnothing was sent: /);
  expect(gone.err).toContain("t0149 has no live sector 7");
  expect(far.err).toContain("that t0149 has free");
  const burnt = async (): Promise<bigint> =>
    BigInt(((await net.request("StateGetActor", "t099", null)) as { Balance: string }).Balance);
  const before = await burnt();
  const { fee, pledgeReleased, sectors } = (await json("sectors", "terminate", "0", "--really-do-it")) as {
    readonly fee: string;
    readonly pledgeReleased: string;
    readonly sectors: readonly number[];
  };
  await net.clock.mine(1);
  // Beside the fee the gas of its message is burnt.
  expect(BigInt(fee)).toBeGreaterThan(0n);
  expect(await burnt()).toBeGreaterThan(before + BigInt(fee));
  expect([sectors, BigInt(pledgeReleased) > 0n]).toEqual([[0], true]);
  expect((await filigree("sectors", "list")).out).toMatch(/0 +TerminateFinality +terminated/);
  expect((await filigree("sectors", "status", "0")).out).toMatch(
    /ended +terminated before its time.*no longer on chain/,
  );
  const checked = await filigree("proving", "check");
  expect([checked.code, checked.err]).toEqual([0, ""]);
  expect(checked.out).toMatch(/0 +ended.*\n *1 +good/);
  expect(await json("proving", "check", "0")).toMatchObject({ sectors: [{ sector: 0, ok: null }] });
  expect((await filigree("sectors", "remove", "0", "--really-do-it")).err).toContain("it has ended already");
  const after = await filigree("info");
  expect(after.out).toContain("1 live, 1 active, 0 faulty");
  expect(after.out).toContain("control t0102");
});

test("a check of a sector that there is not is refused, and names it", async () => {
  const found = await filigree("proving", "check", "1", "7");
  expect(found).toMatchObject({ code: 1, out: "", err: expect.stringContaining("the miner has no sector 7") });
});

test("a folder for a miner that is refused is not left behind", async () => {
  const data = await mkdtemp(path.join(tmpdir(), "filigree-init-"));
  try {
    const refused = await filigree("init", "--data", path.join(data, "one"), "--actor", "t0999");
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(await readdir(data)).toEqual([]);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});

test("asked of a miner's own interface, which knows no chain, it says whom to ask", async () => {
  // As much of that interface as the command asks for.
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const { method } = JSON.parse(body) as { method: string };
    const answer =
      method === "Filecoin.ActorAddress"
        ? { result: "t0149" }
        : { error: { code: -32601, message: `method '${method}' not found` } };
    response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...answer }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const { code, err } = await filigreeAt(`http://127.0.0.1:${port}/rpc/v0`, "info");
    expect(code).toBe(64);
    expect(err).toContain("is the interface of miner t0149 itself");
    expect(err).toContain("ask its node, with --rpc");
    for (const words of [["chain", "head"], ["balance", "alice"], ["net", "peers"], ["account"]]) {
      const told = await kept.run([...words, "--rpc", `http://127.0.0.1:${port}/rpc/v0`]);
      expect([words, told.err]).toEqual([words, expect.stringContaining("ask its node, with --rpc")]);
    }
  } finally {
    server.close();
  }
});

test("a withdrawal says how much was paid out", async () => {
  const From = net.accounts[1]?.secp256k1.toString("t");
  const { CID } = await net.request(
    "MpoolPushMessage",
    { From, To: "t0149", Value: `${3n * 10n ** 18n}`, Method: 0 },
    null,
  );
  await net.request("StateWaitMsg", CID, 0, -1, true);
  expect(await json("actor", "withdraw", "1.5 FIL")).toMatchObject({ exitCode: 0, paid: `${15n * 10n ** 17n}` });
  const { out } = await filigree("actor", "withdraw", "0.25 FIL");
  expect(out).toContain("\n0.25 FIL paid to the owner\n");
  const [, included, receipt] = /included at epoch (\d+) \(its receipt is in (\d+)\): bafy/.exec(out) ?? [];
  expect(Number(included)).toBeLessThan(Number(receipt));
});

test("an account in a miner's place is told what it is, whatever is asked of it", async () => {
  const { code, err } = await filigree("info", "--actor", "bob");
  expect([code, err]).toEqual([1, expect.stringContaining("t0102 is no miner, it is an account")]);
  const methods = [
    ...["StateMinerInfo", "StateMinerDeadlines", "StateMinerFaults", "StateMinerRecoveries", "StateMinerSectorCount"],
    ...["StateMinerActiveSectors", "StateMinerAllocated", "StateMinerProvingDeadline", "StateMinerAvailableBalance"],
  ] as const;
  for (const method of methods)
    await expect(net.request(method, "t0102", null)).rejects.toThrow("t0102 is no miner, it is an account");
  await expect(net.request("StateMinerPartitions", "t04", 0, null)).rejects.toThrow("it is the actor storagepower");
  await expect(net.request("StateSectorGetInfo", "t0102", 1, null)).rejects.toThrow("t0102 is no miner");
  await expect(net.request("StateMinerSectors", "t0102", null, null)).rejects.toThrow("t0102 is no miner");
});

test("what is refused names the limit, and what was given; a sector that recovers needs no second declaration", async () => {
  // Of its own: a second sector goes on making blocks while one is faulty.
  const other = await Devnet.open({ accounts: 24, balance: 10n ** 20n, seed: "lab", miners: 1, sectors: 2 });
  const { url: at } = await other.serve();
  await other.clock.mine(1);
  const filigree = (...args: readonly string[]): Promise<Outcome> => filigreeAt(at, ...args);
  const json = async (...args: readonly string[]) => JSON.parse((await filigree(...args, "--json")).out) as unknown;
  const far = await filigree("sectors", "extend", "1", "--expiration", "9999999");
  const latest = other.head.height + 1 + 1_555_200;
  expect(far.code).toBe(1);
  expect(far.err).toMatch(
    new RegExp(`sector 1 may be given an expiration from 15\\d{5} to ${latest}; 9999999 was asked for`),
  );
  expect((await filigree("sectors", "extend", "1", "--expiration", "9")).err).toMatch(
    new RegExp(`an expiration from 15\\d{5} to ${latest}; 9 was asked for`),
  );
  await other.request("Devnet.setSectorFault", "t0149", 1, "lost");
  const { Open } = await other.request("StateMinerProvingDeadline", "t0149", null);
  expect(Open).toBeLessThan(3000);
  await other.request("Devnet.mineToSector", "t0149", 1, "Faulty", 3000);
  await other.clock.mine(1);
  const vain = await filigree("proving", "recover-faults", "1");
  expect(vain).toMatchObject({ code: 1, out: "" });
  expect(vain.err).toMatch(/nothing was declared: sector 1: .*missing.*leave these sectors out/);
  await other.request("Devnet.setSectorFault", "t0149", 1, "none");
  const told = async () => (await json("proving", "recover-faults", "1")) as Record<string, unknown>;
  const faults = (await json("proving", "faults")) as { faults: { declareUntil: number }[] };
  const until = faults.faults[0]?.declareUntil as number;
  if (other.head.height < until) {
    expect(await told()).toMatchObject({ method: "DeclareFaultsRecovered", declared: [{ sector: 1 }], recovering: [] });
    expect(await told()).toEqual({ declared: [], recovering: [{ sector: 1, countsFrom: until + 71 }] });
    expect((await filigree("sectors", "list")).out).toContain(`counts again from its proof at epoch ${until + 71} on`);
  } else {
    const late = await filigree("proving", "recover-faults", "1");
    expect([late.code, late.err]).toEqual([1, expect.stringContaining(`were taken until epoch ${until}`)]);
  }
  await other.close();
});

test("a termination of what another message ends already names those sectors", async () => {
  const other = await Devnet.open({ accounts: 24, balance: 10n ** 20n, seed: "lab", miners: 1, sectors: 2 });
  const { url: at } = await other.serve();
  await other.clock.mine(1);
  other.clock.setAutomine(false);
  const end = (...words: readonly string[]) =>
    filigreeAt(at, "sectors", "terminate", ...words, "--really-do-it", "--no-wait");
  expect((await end("0")).code).toBe(0);
  const second = await end("0", "1");
  expect(second.code).toBe(1);
  expect(second.err).toContain(
    "not live any more: sector 0; another message has ended them, or is about to: the others",
  );
  expect((await end("1")).code).toBe(0);
  await other.close();
});

test("a folder that was one before keeps its limits, and the command says so; it is given up, with sectors when that is insisted on", async () => {
  const data = await mkdtemp(path.join(tmpdir(), "filigree-limits-"));
  const disk = await Devnet.open({ accounts: 1, seed: "limits", miners: 1, sectors: 1, data: path.join(data, "net") });
  try {
    const { url: at } = await disk.serve();
    const place = path.join(data, "more");
    const genesis = `${(await disk.node.states.chain.genesis()).key[0]}`;
    const limits = { maxBytes: 1 << 20, canSeal: false, canStore: true };
    await (await DiskFolder.open(place, { create: true, limits, network: genesis })).close();
    const { out } = await filigreeAt(at, "storage", "attach", place);
    expect(out).toBe(`attached: ${place}\nit keeps the limits that it was made with: 1.0 MiB; it stores\n`);
    expect((await filigreeAt(at, "storage", "detach", place)).out).toBe(`detached: ${place}\n`);
    await filigreeAt(at, "storage", "attach", place);
    await mkdir(path.join(place, "s-t0103-9"));
    await writeFile(path.join(place, "s-t0103-9", SEALED_FILE), "x");
    const refused = await filigreeAt(at, "storage", "detach", place);
    expect(refused.err).toContain(
      `1 sector in ${place}, which is not proven until it is attached again: give --really-do-it`,
    );
    expect((await filigreeAt(at, "storage", "detach", place, "--really-do-it", "--json")).out).toBe(
      `${JSON.stringify({ path: place, sectors: [{ miner: "t0103", number: 9 }] })}\n`,
    );
    const none = await filigreeAt(at, "storage", "detach", place);
    expect(none.err).toContain(`${place} is not attached`);
  } finally {
    await disk.close();
    await rm(data, { recursive: true, force: true });
  }
});
