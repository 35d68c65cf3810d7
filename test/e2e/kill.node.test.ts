/** A network that is killed at any moment keeps every tipset that it has announced. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { FIL } from "../../src/types/amount.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));
const ROUNDS = 4;

const folder = await mkdtemp(path.join(tmpdir(), "filigree-kill-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the devnet, kills it after some tipsets at an uneven moment, and returns the last one it announced. */
async function runAndKill(data: string, tipsets: number): Promise<{ epoch: number; key: readonly string[] }> {
  const args = [MAIN, "devnet", "--json", "--seed", "kill", "--accounts", "2", "--balance", "1000"];
  const child = spawn(process.execPath, [
    ...args,
    "--miners",
    "0",
    "--block-time",
    "0.02",
    "--port",
    "0",
    "--data",
    data,
  ]);
  let last = { epoch: -1, key: [] as readonly string[] };
  let seen = 0;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as { event: string; epoch: number; key: string[] };
    if (line.event !== "tipset") continue;
    last = { epoch: line.epoch, key: line.key };
    if (++seen === tipsets) setTimeout(() => child.kill("SIGKILL"), tipsets % 7);
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  expect(child.signalCode).toBe("SIGKILL");
  return last;
}

test("kill -9 loses no announced tipset, and the chain goes on from there", async () => {
  const data = path.join(folder, "data");
  let epoch = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const last = await runAndKill(data, 5 + 3 * round);
    expect(last.epoch).toBeGreaterThan(epoch);
    epoch = last.epoch;
    const net = await Devnet.open({ ...TEST_OPTIONS, accounts: 2, balance: 1000n * FIL, seed: "kill", data });
    const found = await net.services.chain.tipsetAtOrBefore(last.epoch);
    expect(found.key.map(String)).toEqual(last.key);
    const result = await net.services.chain.result(net.head);
    expect(await net.services.chain.blocks.has(result.stateRoot.bytes)).toBe(true);
    await net.close();
  }
});
