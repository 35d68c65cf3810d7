/** What commands do to folders: nothing to those that are not theirs, and nothing that was not asked for. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { openFolder } from "../../src/cli/data-folder.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));
const root = await mkdtemp(path.join(tmpdir(), "filigree-folder-"));
afterAll(() => rm(root, { recursive: true, force: true }));

const run = (...args: string[]) =>
  spawnSync(process.execPath, [MAIN, ...args], { cwd: root, encoding: "utf8", timeout: 120_000 });
const devnet = (data: string, ...args: string[]) => [
  "devnet",
  "--json",
  "--accounts",
  "1",
  "--block-time",
  "3600",
  "--port",
  "0",
  "--data",
  data,
  ...args,
];

type Line = { readonly event: string; readonly epoch?: number; readonly url?: string };

/** Starts a network and waits for the first tipset; `stop` ends it and gives all it printed. */
async function start(data: string, ...args: string[]): Promise<{ child: ChildProcess; lines: Line[] }> {
  const child = spawn(process.execPath, [MAIN, ...devnet(data, ...args)], { cwd: root });
  const lines: Line[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (text) => {
      lines.push(JSON.parse(text) as Line);
      if (lines.at(-1)?.event === "tipset") resolve();
    });
    child.once("exit", () => reject(new Error("the network ended")));
  });
  return { child, lines };
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await once(child, "exit");
}

test("--reset leaves a project alone", async () => {
  const project = path.join(root, "project");
  await mkdir(path.join(project, ".git"), { recursive: true });
  await writeFile(path.join(project, "package.json"), "{}");
  const { status, stderr } = run(...devnet("project", "--reset"));
  expect(status).not.toBe(0);
  expect(stderr).toContain("no data folder of Filigree");
  expect((await readdir(project)).sort()).toEqual([".git", "package.json"]);
});

test("a folder of several nodes is no single node's", async () => {
  await (await openFolder(path.join(root, "several", "node-0"), {})).close();
  expect(run(...devnet("several")).stderr).toMatch(/several holds a network of nodes .*OTHER_NETWORK/);
});

test("--reset neither goes behind a running network, nor deletes before the port is known to be free", async () => {
  const { child, lines } = await start("kept");
  expect(run(...devnet("kept", "--reset")).stderr).toContain("in use by another process");
  expect(lines[0]?.url).toMatch(/^http/);
  await stop(child);
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  expect(run(...devnet("kept", "--reset", "--port", `${port}`)).stderr).toContain("EADDRINUSE");
  taken.close();
  // What cannot be changed any more is said where it is asked for.
  const again = await start("kept", "--genesis-time", "1700000000");
  const told = again.lines.find(({ event }) => event === "warning") as { readonly message?: string } | undefined;
  expect(told?.message).toMatch(/--genesis-time: the network in the data folder began at \d+ .*and keeps that/);
  expect(again.lines.find(({ event }) => event === "tipset")?.epoch).toBe(2);
  await stop(again.child);
  const several = run(...devnet("kept", "--nodes", "2", "--miners", "2", "--block-time", "1"));
  expect(several.stderr).toMatch(/kept holds a network of a single node .*--data.*--reset.*OTHER_NETWORK/);
  expect(await readdir(path.join(root, "kept"))).not.toContain("node-0");
  const anew = await start("kept", "--reset");
  expect(anew.lines.find(({ event }) => event === "tipset")?.epoch).toBe(1);
  await stop(anew.child);
});

test("what a network keeps is for its owner alone", async () => {
  const { child } = await start("shut");
  for (const name of ["", ...(await readdir(path.join(root, "shut"), { recursive: true }))])
    expect((await stat(path.join(root, "shut", name))).mode & 0o077, name).toBe(0);
  await stop(child);
});

test("a command that only reads creates nothing", async () => {
  const { status, stderr } = run("state", "check", "head", "--data", "typo");
  expect(status).toBe(1);
  expect(stderr).toContain("typo");
  expect(await readdir(root)).not.toContain("typo");
});
