/** From network version 14 on randomness of a null round is that of its own round, which the next tipset carries. */
import { expect, test } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import type { Chain } from "../../../src/chain/chain.ts";
import { drawRandomness, randomnessAt } from "../../../src/chain/randomness.ts";
import type { Tipset } from "../../../src/types/block-header.ts";

const entry = (round: number) => ({ round: BigInt(round), data: utf8(`entry ${round}`) });
const tipset = (height: number, rounds: readonly number[]): Tipset =>
  ({ key: [], height, blocks: [{ height, ticket: utf8(`${height}`), beaconEntries: rounds.map(entry) }] }) as never;

// Epochs 4 and 5 are null rounds; epoch 7 has no entry of its own: its beacon is slower than it.
const line = [tipset(0, [1]), tipset(3, [2, 3, 4]), tipset(6, [5, 6, 7]), tipset(7, [])];
const chain = {
  knownAtOrBefore: (height: number) => line.findLast((one) => one.height <= height),
  tipsetAtOrAfter: async (height: number) => line.find((one) => one.height >= height),
  tipsetAtOrBefore: async (height: number) => line.findLast((one) => one.height <= height),
  parent: async (one: Tipset) => line[line.indexOf(one) - 1] ?? null,
} as unknown as Chain;

test("each epoch draws its own entry, null rounds those that the tipset after them carries", async () => {
  const drawn = async (version: number, epoch: number): Promise<number> => {
    const got = await randomnessAt(chain, line[3] as Tipset, () => version).beaconRandomness(6, epoch, utf8("x"));
    return (
      [1, 2, 3, 4, 5, 6, 7].find((round) => `${drawRandomness(entry(round).data, 6, epoch, utf8("x"))}` === `${got}`) ??
      -1
    );
  };
  const all = async (version: number) => Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((epoch) => drawn(version, epoch)));
  expect(await all(28)).toEqual([1, 2, 3, 4, 5, 6, 7, 7]);
  expect(await all(14)).toEqual([1, 2, 3, 4, 5, 6, 7, 7]);
  expect(await all(13)).toEqual([1, 4, 4, 4, 7, 7, 7, 7]);
  expect(await all(5)).toEqual([1, 1, 1, 4, 4, 4, 7, 7]);
});

test("a tipset at hand is named at once, and another one later", async () => {
  const { digests } = randomnessAt(chain, line[3] as Tipset, () => 28);
  expect(digests?.tipsetCid(5)).toBeInstanceOf(Uint8Array);
  const far = { ...chain, knownAtOrBefore: () => undefined } as unknown as Chain;
  expect(randomnessAt(far, line[3] as Tipset, () => 28).digests?.tipsetCid(5)).toBeInstanceOf(Promise);
});
