/** Which tipset becomes the head, what an equivocating miner's blocks do to it, and what may never be the head. */
import { expect, test } from "vitest";
import { Chain } from "../../../src/chain/chain.ts";
import { WeightError } from "../../../src/consensus/weight.ts";
import { HeadChoice } from "../../../src/sync/head-choice.ts";
import { isFaultOfNode } from "../../../src/sync/tipset-import.ts";
import { type Tipset, tipsetKeyText } from "../../../src/types/block-header.ts";
import { GENESIS, madeBlock, madeChain, plainWeight, SyncWorld, TOP, tipsetOf } from "../../support/sync-world.ts";

const genesis = tipsetOf([GENESIS]);
const text = ({ key }: Tipset): string => tipsetKeyText(key);

test("blocks of one epoch and parent set become one tipset, heavier with each", async () => {
  const { imports, chain } = await SyncWorld.open();
  const [a, b] = [madeBlock(genesis, 1, 1000), madeBlock(genesis, 1, 1001)];
  await imports.take([a]);
  expect(text(chain.head)).toBe(text(tipsetOf([a])));
  await imports.take([b]);
  expect(text(chain.head)).toBe(text(tipsetOf([a, b])));
});

test("a chain of the same weight takes the head's place only with the smaller ticket", async () => {
  const blocks = [madeBlock(genesis, 1, 1000, 1), madeBlock(genesis, 2, 1001, 2)];
  const heads = [];
  for (const order of [blocks, [...blocks].reverse()]) {
    const { imports, chain } = await SyncWorld.open();
    for (const block of order) await imports.take([block]);
    heads.push(text(chain.head));
  }
  expect(heads[0]).toBe(heads[1]);
});

test("a miner with two blocks of an epoch has none: the head shrinks at once, here and after a restart", async () => {
  const world = await SyncWorld.open();
  const [good, one, two] = [
    madeBlock(genesis, 1, 1000),
    madeBlock(genesis, 1, 1001, 1),
    madeBlock(genesis, 1, 1001, 2),
  ];
  await world.imports.take([good]);
  await world.imports.take([one]);
  expect(world.chain.head.blocks).toHaveLength(2);
  const again = await Chain.open({ blocks: world.chain.blocks });
  await world.imports.take([two]);
  expect(text(world.chain.head)).toBe(text(tipsetOf([good])));

  const restarted = new HeadChoice({ chain: again, weight: async (tipset) => plainWeight(tipset) });
  const tipset = await again.put({ headers: [two.header] });
  expect(again.head.blocks).toHaveLength(2);
  await restarted.consider(tipset);
  // Of the head's blocks one is left, which the node knows from the head only.
  expect(text(again.head)).toBe(text(tipsetOf([good])));
});

test("where nothing of the head is left its parent or a neighbour is the head", async () => {
  const { imports, chain } = await SyncWorld.open();
  await imports.take([madeBlock(genesis, 1, 1000, 1)]);
  const below = text(chain.head);
  await imports.take([madeBlock(chain.head, 2, 1001, 1)]);
  await imports.take([madeBlock(await chain.tipsetAtOrBefore(1), 2, 1001, 2)]);
  expect(text(chain.head)).toBe(below);
});

test("no fork of more than a finality and none below the checkpoint, however heavy", async () => {
  const own = madeChain(genesis, 902, 1);
  const { imports, chain, refused } = await SyncWorld.open(own);
  const head = text(chain.head);
  await imports.take([madeBlock(genesis, 903, 1001, 2, 1_000_000)]);
  expect(text(chain.head)).toBe(head);
  expect(refused[0]).toMatch("902 tipsets");
  const fork = madeBlock(await chain.tipsetAtOrBefore(899), 903, 1002, 3, 1_000_000);
  await chain.setCheckpoint(await chain.tipsetAtOrBefore(900));
  await imports.take([fork]);
  expect(text(chain.head)).toBe(head);
  expect(refused[1]).toMatch("below the checkpoint");
  await chain.setCheckpoint(await chain.tipsetAtOrBefore(899));
  await imports.take([madeBlock(await chain.tipsetAtOrBefore(899), 904, 1003, 4, 1_000_000)]);
  expect(chain.head.height).toBe(904);
  expect(TOP(own).height).toBe(902);
});

test("a tipset without weight is never the head, keeps no other from it, and is no fault of this node", async () => {
  const below = madeBlock(genesis, 1, 1000);
  const { chain } = await SyncWorld.open([below]);
  const dead = madeBlock(tipsetOf([below]), 2, 1001, 1, 9);
  const good = madeBlock(genesis, 2, 1002, 2, 5);
  const refused: string[] = [];
  const choice = new HeadChoice({
    chain,
    weight: async (tipset) => {
      if (text(tipset) !== text(tipsetOf([dead]))) return plainWeight(tipset);
      throw new WeightError({ code: "NO_POWER" }, "no power is left");
    },
    onRefused: (_, why) => refused.push(why),
  });
  await chain.put({ headers: [dead.header] });
  expect(await choice.consider(tipsetOf([dead]))).toBe(false);
  expect([chain.head.height, refused]).toEqual([1, ["no power is left"]]);
  await chain.put({ headers: [good.header] });
  expect(await choice.consider(tipsetOf([good]))).toBe(true);
  expect(text(chain.head)).toBe(text(tipsetOf([good])));
  expect(isFaultOfNode(await choice.weight(tipsetOf([dead])).catch((error: unknown) => error))).toBe(false);
});
