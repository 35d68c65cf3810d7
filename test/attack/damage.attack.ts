/**
 * Files of a data folder flipped, cut or removed while no process has it: the next start goes on from where the chain
 * was, or refuses and names the damage. It never rolls back unasked, and never serves without mining.
 */
import { cp, mkdtemp, open, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { type Announced, checkKept, Network } from "./network.ts";
import { attackTimes, random, shareOf } from "./tally.ts";

const RUNS = 100;
/** Tipsets of the folder that is damaged: with all runs enough for tables and a log. */
const TIPSETS = 40 + shareOf(260);
const ARGS = ["--accounts", "4", "--block-time", "0.02"];
const root = await mkdtemp(path.join(tmpdir(), "filigree-damage-"));
const whole = path.join(root, "whole");
let last: Announced;

beforeAll(async () => {
  for (let starts = 0; starts < 2; starts++) {
    const network = new Network(whole, ...ARGS);
    await network.mined(TIPSETS / 2);
    await network.end(starts === 0 ? "SIGTERM" : "SIGKILL");
    last = network.tipsets.at(-1) as Announced;
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Damages one file and tells how. */
async function damage(folder: string, rnd: (below: number) => number): Promise<string> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !/^(LOCK|LOG|LOG\.old)$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  const file = names[rnd(names.length)] as string;
  const name = path.relative(folder, file);
  const { size } = await stat(file);
  switch (rnd(3)) {
    case 0:
      await rm(file);
      return `${name} removed`;
    case 1: {
      const left = rnd(size);
      await truncate(file, left);
      return `${name} cut to ${left} of ${size} bytes`;
    }
    default: {
      const handle = await open(file, "r+");
      const at = rnd(size);
      const byte = new Uint8Array(1);
      await handle.read(byte, 0, 1, at);
      byte[0] = (byte[0] as number) ^ (1 << rnd(8));
      await handle.write(byte, 0, 1, at);
      await handle.close();
      return `${name}: bit of byte ${at} of ${size} flipped`;
    }
  }
}

test("bit flips, cuts and removals of the store's files", async (context) => {
  const rnd = random(4);
  const outcomes = { "goes on": 0, refuses: 0, "stops later": 0 };
  await attackTimes(context, RUNS, async (run) => {
    const folder = path.join(root, `copy-${run}`);
    await cp(whole, folder, { recursive: true });
    const how = await damage(folder, rnd);
    const network = new Network(folder, ...ARGS);
    try {
      await network.until(() => network.tipsets.length >= 10, 30_000);
      const first = network.tipsets[0];
      if (first !== undefined && first.epoch <= last.epoch) throw new Error(`${how}: rolled back to ${first.epoch}`);
      if (network.hasEnded) {
        const named = /\[(DAMAGED|BEHIND|CORRUPT|BAD_KEYSTORE|STATE_MISSING|BLOCK_MISSING)\]/.test(network.stderr);
        if (!named || network.child.exitCode === 0)
          throw new Error(`${how}: ended with ${network.child.exitCode} ${network.stderr}`);
        outcomes[first === undefined ? "refuses" : "stops later"]++;
      } else {
        await checkKept(network, last);
        outcomes["goes on"]++;
      }
    } catch (error) {
      throw new Error(`${how}: ${(error as Error).message}`);
    } finally {
      await network.end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    }
  });
  console.info(outcomes);
});
