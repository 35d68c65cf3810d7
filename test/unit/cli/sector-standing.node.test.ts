/** How `miner sectors status` tells that a sector has ended: nothing is told that is not known. */
import { expect, test } from "vitest";
import { standingLines } from "../../../src/cli/commands/miner-sectors.ts";

const ended = (State: string, EndedAt: number | null): string | undefined =>
  standingLines({
    ...{ State, EndedAt, ChainState: "terminated", CountsFrom: null },
    ...{ Activation: 0, Expiration: 900, InitialPledge: "5" },
  })[0];

test.each([
  ["Expiring", 903, "it has expired, seen at epoch 903"],
  ["Removed", 903, "it has expired, seen at epoch 903"],
  ["TerminateFinality", 500, "terminated before its time, seen at epoch 500"],
  ["Removed", 500, "terminated before its time, seen at epoch 500"],
  // Of sectors of the genesis no epoch is noted.
  ["Expiring", null, "it has expired, when is not noted here"],
  ["TerminateFinality", null, "terminated before its time, when is not noted here"],
  ["Removed", null, "in time or before it, when is not noted here"],
] as const)("%s, %s", (state, at, text) => {
  expect(ended(state, at)).toBe(`ended       ${text}: no longer on chain, without power and pledge`);
});
