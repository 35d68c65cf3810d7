/** kill -9 of a network that collects old states without end: what must stay is whole after each. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, test } from "vitest";
import { killCollecting } from "../support/kill-collecting.ts";
import { attackTimes, random, shareOf } from "./tally.ts";

const KILLS = 50;
/** Kills that one folder outlives before the next is begun. */
const KILLS_PER_FOLDER = 10;

const root = await mkdtemp(path.join(tmpdir(), "filigree-retention-"));
afterAll(() => rm(root, { recursive: true, force: true }));

test("kill -9 during collections of states", async (context) => {
  const rnd = random(3);
  let partly = 0;
  await attackTimes(context, KILLS, async (run) => {
    const data = path.join(root, `${Math.floor(run / KILLS_PER_FOLDER)}`);
    if ((await killCollecting(data, 4 + rnd(20), rnd(60))).isPartly) partly++;
  });
  console.info(`${partly} of them while states were being removed`);
  if (shareOf(KILLS) === KILLS && partly < KILLS / 10) throw new Error("hardly a kill fell into a collection");
});
