/** Ctrl-C ends nodes that have peers in every runtime: libraries of the peer-to-peer network may hold a process that has closed everything. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { waitFor } from "../support/local-network.ts";
import { filigree, type LineProcess, prepareNetwork } from "../support/network-processes.ts";

const folder = await mkdtemp(path.join(tmpdir(), "filigree-ends-"));
const running: LineProcess[] = [];
afterAll(async () => {
  await Promise.all(running.map((one) => one.kill()));
  await rm(folder, { recursive: true, force: true });
});

/** Milliseconds that a busy machine may need to close everything. */
const CLOSING_MS = 60_000;

async function endOf(signal: NodeJS.Signals, ...words: readonly string[]): Promise<unknown[]> {
  const run = filigree(...words);
  running.push(run);
  await waitFor("the start", () => run.line("start"));
  const gone = once(run.child, "exit");
  // Deno says of a process whose `kill` was called that the signal ended it, whatever it ended with.
  process.kill(run.child.pid as number, signal);
  const late = new Promise((resolve) => setTimeout(resolve, CLOSING_MS, ["it runs on"]).unref());
  return [...((await Promise.race([gone, late])) as unknown[]), run.lines.at(-1)?.event];
}

test("a network of two nodes", async () => {
  expect(await endOf("SIGINT", "devnet", "--nodes", "2", "--memory", "--port", "0")).toEqual([0, null, "stop"]);
});

test("a node that joined", async () => {
  const { files } = await prepareNetwork(folder, 1, 60, "ends");
  const data = path.join(folder, "joined");
  const init = filigree("node", "init", "--network", files.description, "--genesis", files.genesis, "--data", data);
  running.push(init);
  expect((await once(init.child, "exit"))[0]).toBe(0);
  expect(await endOf("SIGTERM", "node", "start", "--data", data)).toEqual([0, null, "stop"]);
});
