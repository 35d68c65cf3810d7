/** Nodes in processes of their own: they join, follow, are killed and come back; what a miner signed is not forgotten. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { waitFor } from "../support/local-network.ts";
import { type Line, LineProcess, MAIN } from "../support/network-processes.ts";

const folder = await mkdtemp(path.join(tmpdir(), "filigree-processes-"));
const running: LineProcess[] = [];
afterAll(async () => {
  await Promise.all(running.map((one) => one.kill()));
  await rm(folder, { recursive: true, force: true });
});

function start(...args: readonly string[]): LineProcess {
  const run = new LineProcess(process.execPath, [MAIN, ...args]);
  running.push(run);
  return run;
}

/** An error, but that no peer was reached within the first seconds, which a busy machine may need. */
const isFault = (line: Line): boolean => line.event === "error" && line["where"] !== "peers";

test("a node of another process joins, follows, is killed and follows again", async () => {
  const data = path.join(folder, "net");
  const net = start(
    "devnet",
    "--listen",
    "/ip4/127.0.0.1/tcp/0",
    "--miners",
    "2",
    "--accounts",
    "2",
    // Behind the clock, so that epochs pass before the network serves.
    "--genesis-time",
    `${Math.floor(Date.now() / 1000) - 30}`,
    "--port",
    "0",
    "--data",
    data,
    "--json",
  );
  await waitFor("the network", () => net.line("start"));
  expect(net.first?.event).toBe("start");
  const own = path.join(folder, "joined");
  const files = ["--network", path.join(data, "devnet.json"), "--genesis", path.join(data, "genesis.car")];
  const made = spawnSync(process.execPath, [MAIN, "node", "init", ...files, "--data", own, "--json"], {
    encoding: "utf8",
  });
  expect(JSON.parse(made.stdout)).toMatchObject({ ok: true, network: "localnet", epoch: 0 });
  const again = spawnSync(process.execPath, [MAIN, "node", "init", ...files, "--data", own], { encoding: "utf8" });
  const told = `${own} holds a node already: start it with \`filigree node start --data ${own}\``;
  expect([again.status, again.stderr]).toEqual([1, expect.stringContaining(told)]);

  const sameHead = (node: LineProcess, above: number) => () => {
    const heads = net.heads.get(0);
    const mine = node.heads.get(0);
    const epoch = [...(mine?.keys() ?? [])].reverse().find((one) => one > above && heads?.has(one));
    if (epoch === undefined) return null;
    return heads?.get(epoch)?.tipset.join() === mine?.get(epoch)?.tipset.join() ? epoch : null;
  };
  const first = start("node", "start", "--data", own, "--json");
  const epoch = await waitFor("the same head", sameHead(first, 3));
  await first.kill();
  const second = start("node", "start", "--data", own, "--json");
  const line = await waitFor("the second start", () => second.line("start"));
  expect(line["epoch"]).toBeGreaterThanOrEqual(epoch);
  await waitFor("the same head again", sameHead(second, epoch + 1));
  expect([...first.lines, ...second.lines].filter(isFault)).toEqual([]);

  const [url = ""] = (net.first?.["rpc"] ?? []) as string[];
  const info = spawnSync(process.execPath, [MAIN, "miner", "info", "--rpc", url, "--json"], { encoding: "utf8" });
  expect([info.status, info.stderr]).toEqual([0, ""]);
  await second.kill();
  const wrong = ["node", "start", "--data", own, "--bootstrap", "localhost:4001"];
  const refused = spawnSync(process.execPath, [MAIN, ...wrong], { encoding: "utf8" });
  expect([refused.status, refused.stderr]).toEqual([64, expect.stringContaining("/ip4/127.0.0.1/tcp/4001")]);
  const alone = start("node", "start", "--data", own, "--bootstrap", "/ip4/127.0.0.1/tcp/9", "--json");
  await waitFor("the warning", () => alone.lines.find((line) => line["where"] === "peers") ?? null);
}, 240_000);

test("what the slash filter allowed before kill -9 it remembers after it", async () => {
  const script = fileURLToPath(new URL("../support/slash-writer.mjs", import.meta.url));
  const store = path.join(folder, "slash");
  let last = 0;
  for (const mark of [1, 2, 3]) {
    const child = spawn(process.execPath, [script, store, "1", `${mark}`], { stdio: ["ignore", "pipe", "inherit"] });
    const gone = once(child, "exit");
    const refused: number[] = [];
    const allowed: number[] = [];
    for await (const text of createInterface({ input: child.stdout })) {
      const [word, epoch] = text.split(" ");
      (word === "allowed" ? allowed : refused).push(Number(epoch));
      if (allowed.length === 20) child.kill("SIGKILL");
    }
    await gone;
    expect(child.signalCode).toBe("SIGKILL");
    // Another block of an epoch that was allowed is refused; at most one more had reached the disk unsaid.
    expect(refused.slice(0, last)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
    expect(allowed[0]).toBeGreaterThan(last);
    last = allowed.at(-1) as number;
  }
}, 60_000);

test("usage: several nodes need miners and whole seconds; what cannot be joined is said", () => {
  const run = (...args: readonly string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
  expect(run("devnet", "--nodes", "2", "--miners", "0", "--memory", "--port", "0")).toMatchObject({
    status: 64,
    stderr: expect.stringContaining("--miners"),
  });
  const other = path.join(folder, "other");
  for (const name of ["devnet.json", "genesis.car"]) {
    mkdirSync(other);
    writeFileSync(path.join(other, name), "mine");
    expect(run("devnet", "--nodes", "2", "--miners", "1", "--data", other, "--port", "0")).toMatchObject({
      status: 64,
      stderr: expect.stringContaining(`${name} is there, and is of no network in that folder`),
    });
    expect(readFileSync(path.join(other, name), "utf8")).toBe("mine");
    rmSync(other, { recursive: true });
  }
  expect(run("node", "start", "--data", path.join(folder, "none"))).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("node init"),
  });
  expect(existsSync(path.join(folder, "none"))).toBe(false);
  const meeting = ["--port", "46320", "--listen", "/ip4/127.0.0.1/tcp/46321", "--miners", "1", "--memory"];
  expect(run("devnet", "--nodes", "2", ...meeting)).toMatchObject({
    status: 64,
    stderr: expect.stringContaining(
      "--port takes ports 46320 to 46321 for JSON-RPC and --listen ports 46321 to 46322 for peers",
    ),
  });
}, 240_000);
