/** kill -9 during a collection of states: nothing is lost that must stay, and the next start goes on with it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { killCollecting } from "../support/kill-collecting.ts";

const ROUNDS = 2;

const folder = await mkdtemp(path.join(tmpdir(), "filigree-retention-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

test("kill -9 of a network that collects leaves headers, messages, receipts and kept states whole", async () => {
  let [head, from] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    const left = await killCollecting(folder, 9, 5 + 11 * round);
    expect(left.head).toBeGreaterThan(head);
    expect(left.from).toBeGreaterThanOrEqual(from);
    ({ head, from } = left);
  }
  expect(from).toBeGreaterThan(0);
});
