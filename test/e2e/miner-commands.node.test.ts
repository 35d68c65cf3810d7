/** `filigree miner` as users type it, against a network whose miner has sectors. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
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
  expect([mild.code, gone.code, far.code]).toEqual([64, 64, 64]);
  expect(mild.err).toContain("give --really-do-it");
  expect(gone.err).toContain("t0149 has no live sector 7");
  expect(far.err).toContain("that t0149 has free");
  const ended = await filigree("sectors", "terminate", "0", "--really-do-it");
  expect(ended.out).toMatch(/^TerminateSectors executed at epoch \d+: bafy/);
  const after = await filigree("info");
  expect(after.out).toContain("1 live, 1 active, 0 faulty");
  expect(after.out).toContain("control t0102");
});

test("a check of a sector that there is not is refused, and names it", async () => {
  const found = await filigree("proving", "check", "1", "7");
  expect(found).toMatchObject({ code: 64, out: "", err: expect.stringContaining("the miner has no sector 7") });
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
    expect(err).toContain("is the interface of miner t0149 itself: ask its node, with --rpc");
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
  expect((await filigree("actor", "withdraw", "0.25 FIL")).out).toContain("\n0.25 FIL paid to the owner\n");
});
