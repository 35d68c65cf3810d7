/**
 * A miner that is a process of its own: killed (-9) at random moments while it mines and seals, and without its node for 20 epochs.
 * `FILIGREE_NETWORK_VERSION=28 FILIGREE_BUNDLES=<folder>` does the same with published actors.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/local-network.ts";
import { freePort, type Line, LineProcess, MAIN } from "../support/network-processes.ts";

const KILLS = Number(process.env["FILIGREE_KILLS"] ?? 8);
const LOST_EPOCHS = 20;
const VERSION = process.env["FILIGREE_NETWORK_VERSION"] ?? "5";
/** Methods that a sector is pre-committed and proven by. */
const [PRE_COMMIT, PROVE] = VERSION === "5" ? [6, 7] : [28, 34];
const root = await mkdtemp(path.join(tmpdir(), "filigree-miner-process-"));
let port: number;
let node: LineProcess;
let miner: LineProcess;
const faults: Line[] = [];
const alive: LineProcess[] = [];

function start(...args: readonly string[]): LineProcess {
  const made = new LineProcess(process.execPath, [MAIN, ...args, "--json"]);
  alive.push(made);
  return made;
}
const startNode = (): LineProcess =>
  start(
    ...["devnet", "--listen", "/ip4/127.0.0.1/tcp/0", "--miners", "2", "--apart", "1", "--block-time", "1"],
    ...[
      "--network-version",
      VERSION,
      "--accounts",
      "3",
      "--port",
      `${port}`,
      "--data",
      path.join(root, "net"),
      "--verbose",
    ],
  );
const rpc = (): string => `http://127.0.0.1:${port}/rpc/v1`;
const startMiner = (): LineProcess =>
  start("miner", "run", "--rpc", rpc(), "--data", path.join(root, "miner"), "--port", "0", "--verbose");

async function call<T>(url: string, method: string, ...params: readonly unknown[]): Promise<T> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: `Filecoin.${method}`, params });
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = (await answer.json()) as { result: T; error?: { message: string } };
  if (error !== undefined) throw new Error(error.message);
  return result;
}
const made = (of: LineProcess): Line[] => of.lines.filter(({ event, state }) => event === "mining" && state === "made");
const ready = (of: LineProcess): Promise<Line> => waitFor("a start", () => of.line("start"));

beforeAll(async () => {
  port = await freePort();
  node = startNode();
  await ready(node);
  const { miners } = (node.line("start") ?? {}) as unknown as { miners: { address: string; node: number | null }[] };
  const apart = miners.find(({ node: owner }) => owner === null)?.address as string;
  const init = start(
    "miner",
    "init",
    "--actor",
    apart,
    "--genesis",
    "--rpc",
    rpc(),
    "--data",
    path.join(root, "miner"),
  );
  await waitFor("init", () => (init.isRunning ? null : true));
  expect(init.errors.join("")).toBe("");
  miner = startMiner();
  await ready(miner);
}, 300_000);
afterAll(async () => {
  for (const one of alive) await one.kill();
  await rm(root, { recursive: true, force: true });
});

test("kills at random moments: blocks go on, none twice, and a sector comes to be proven", async () => {
  const url = (await ready(miner))["url"] as string;
  await waitFor("a block", () => made(miner)[0] ?? null);
  const { Number: sector } = await call<{ Number: number }>(url, "PledgeSector");
  for (let i = 0; i < KILLS; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1000 + Math.random() * 6000));
    await miner.kill();
    miner = startMiner();
    await ready(miner);
  }
  await waitFor("a block after all kills", () => made(miner)[0] ?? null);
  const last = (await ready(miner))["url"] as string;
  await waitFor(
    "the sector to be proven",
    async () => (await call<{ State: string }>(last, "SectorsStatus", sector)).State === "Proving" || null,
    300_000,
  );
  const head = await call<{ Height: number; Cids: unknown[] }>(rpc(), "ChainHead");
  const methods = new Map<number, number>();
  const found = await call<{ "/": string }[]>(
    rpc(),
    "StateListMessages",
    { To: miner.line("start")?.["miner"] },
    head.Cids,
    0,
  );
  // Two blocks of one tipset may carry the same message.
  for (const cid of new Set(found.map((link) => link["/"]))) {
    const link = { "/": cid };
    const { Method, Params } = await call<{ Method: number; Params: string }>(rpc(), "ChainGetMessage", link);
    if (Params !== "") methods.set(Method, (methods.get(Method) ?? 0) + 1);
  }
  // One pre-commit, one proof.
  expect([methods.get(PRE_COMMIT), methods.get(PROVE)]).toEqual([1, 1]);
  faults.push(...node.lines.filter(({ event }) => event === "fault"));
  expect(faults).toEqual([]);
}, 900_000);

test("without its node for 20 epochs: it waits, says so once, and goes on", async () => {
  await node.kill();
  await waitFor("the loss", () => miner.lines.find(({ state, by }) => state === "paused" && by === "node") ?? null);
  await new Promise((resolve) => setTimeout(resolve, 1000 * LOST_EPOCHS));
  const before = made(miner).length;
  node = startNode();
  await ready(node);
  await waitFor("a block", () => (made(miner).length > before ? true : null), 300_000);
  expect(miner.isRunning).toBe(true);
  expect(miner.lines.filter(({ state, by }) => state === "paused" && by === "node")).toHaveLength(1);
  await waitFor("the miner's block in the node's chain", async () => {
    const { Blocks } = await call<{ Blocks: { Miner: string }[] }>(rpc(), "ChainHead");
    return Blocks.some(({ Miner }) => Miner === miner.line("start")?.["miner"]) || null;
  });
  expect(node.lines.filter(({ event }) => event === "fault")).toEqual([]);
}, 900_000);
