/** What `sync status` says to people: what the table is of, from where to where, and one of a kind in the singular. */
import { expect, test } from "vitest";
import { replayLines } from "../../../src/cli/commands/replay.ts";
import { syncLines } from "../../../src/cli/commands/sync.ts";

const RUN = { stage: "complete", base: 13, height: 15, target: 15, started: "2026-11-30T10:05:58.123Z", message: "" };

test("fetches are told with their time and what they are, and numbers agree with their words", () => {
  const lines = syncLines({ epoch: 82, behind: 1, applied: 1 }, [RUN, { ...RUN, base: null, target: null }], ["w"]);
  expect(lines[0]).toBe("head at epoch 82, 1 epoch behind the clock; 1 message of peers' blocks applied");
  expect(lines[1]).toBe("warning: w");
  expect(lines[2]).toMatch(/fetched of peers, the newest first \(no line: blocks that came one by one/);
  expect(lines[3]).toMatch(/^began +stage +from epoch +at epoch +to epoch/);
  expect(lines[4]).toMatch(/^2026-11-30T10:05:58 +complete +13 +15 +15/);
  expect(lines[5]).toMatch(/complete +\? +15 +\?/);
});

test("without a fetch it says so, and of a node without peers that it has none", () => {
  const none = syncLines({ epoch: 2, behind: 0, applied: 2 }, [], []);
  expect(none).toEqual([
    "head at epoch 2, 0 epochs behind the clock; 2 messages of peers' blocks applied",
    "no chain was fetched",
  ]);
  expect(syncLines({ epoch: 2, behind: null, applied: 0 }, [], [])).toEqual([expect.stringMatching(/no peers/)]);
});

test("a chain of one tipset is not of tipsets", () => {
  const report = { firstEpoch: 0, lastEpoch: 1, tipsets: 1, fileTipsets: 2, messages: 1, nullRounds: 1, checks: null };
  const [first, second] = replayLines(
    { ...report, stateRoot: "root" } as unknown as Parameters<typeof replayLines>[0],
    1,
    0.5,
  );
  expect(first).toBe("epochs 0 to 1: 1 tipset executed, 1 message, 1 null round, every root equal (0.5 s)");
  expect(second).toMatch(/^the file holds 2 tipsets:/);
});
