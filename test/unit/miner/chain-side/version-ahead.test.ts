/** The network version of epochs to come, as a node's answers tell it. */
import { expect, test } from "vitest";
import { VersionAhead } from "../../../../src/miner/chain-side/version-ahead.ts";

class Refused extends Error {}

/** A network of version 26, with 27 after epoch 10 and 28 after 20. */
function nodeAt(height: number, heights: unknown = { UpgradeGoldenWeekHeight: 10, UpgradeFireHorseHeight: 20 }) {
  const calls: string[] = [];
  let isAway = false;
  const versions = new VersionAhead({
    isRefusal: (error) => error instanceof Refused,
    async request(method) {
      calls.push(method);
      if (isAway) throw new TypeError("nothing listens there");
      if (method === "Filecoin.StateNetworkVersion") return height > 20 ? 28 : height > 10 ? 27 : 26;
      if (heights === null) throw new Refused("no such method");
      return { ForkUpgradeParams: heights };
    },
  });
  const go = (away: boolean): void => {
    isAway = away;
  };
  return { calls, go, ahead: (epoch: number) => versions.at({ key: null, height }, epoch) };
}

test("what comes on top of the last epoch before an upgrade is of its version, null rounds between or not", async () => {
  expect(await nodeAt(9).ahead(10)).toBe(26);
  expect(await nodeAt(10).ahead(11)).toBe(27);
  expect(await nodeAt(9).ahead(11)).toBe(27);
  expect(await nodeAt(9).ahead(21)).toBe(28);
  expect(await nodeAt(20).ahead(21)).toBe(28);
  expect(await nodeAt(30).ahead(31)).toBe(28);
});

test("heights are asked for once, and again where nobody answered", async () => {
  const node = nodeAt(10);
  node.go(true);
  await expect(node.ahead(11)).rejects.toThrow("nothing listens");
  node.go(false);
  expect([await node.ahead(11), await node.ahead(11)]).toEqual([27, 27]);
  expect(node.calls.filter((method) => method.endsWith("NetworkParams"))).toHaveLength(2);
});

test("a node that tells no heights, or odd ones, has its own version", async () => {
  expect(await nodeAt(10, null).ahead(11)).toBe(26);
  expect(await nodeAt(10, { UpgradeGoldenWeekHeight: "10", UpgradeUnheardOfHeight: 10 }).ahead(11)).toBe(26);
  // Behind it already: not told twice.
  expect(await nodeAt(5, { UpgradeSharkHeight: -1, UpgradeFireHorseHeight: -2 }).ahead(6)).toBe(26);
});
