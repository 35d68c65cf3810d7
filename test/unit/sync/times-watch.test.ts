/** Peers whose chain has epochs of another length than this node was told, or heads beyond its clock. */
import { expect, test } from "vitest";
import type { SyncError } from "../../../src/sync/peers.ts";
import { TimesWatch } from "../../../src/sync/times-watch.ts";
import { makeTipset, type Tipset } from "../../../src/types/block-header.ts";
import { cidNumber, plainHeader } from "../../support/headers.ts";

const GENESIS = 1_700_000_000;
const at = (height: number, passed: number): Tipset =>
  makeTipset([plainHeader({ height, timestamp: BigInt(GENESIS + passed), parents: [cidNumber(1)] })]);

function watch(over: { readonly epochNow?: number; readonly height?: number; readonly serves?: Tipset | null } = {}) {
  const wrong: SyncError[] = [];
  const asked: string[] = [];
  const clock = { now: 0 };
  const times = new TimesWatch({
    genesisTime: GENESIS,
    blockDelay: 3,
    epochNow: () => over.epochNow ?? 100,
    now: () => clock.now,
    height: () => over.height ?? 0,
    fetch: async (peer) => {
      asked.push(peer);
      return over.serves == null ? [] : [{ tipset: over.serves, peer, messages: null }];
    },
    onWrong: (error) => wrong.push(error),
  });
  return { times, wrong, asked, clock };
}

test("a chain of another length of epochs is refused by name, and told once", () => {
  const { times, wrong } = watch();
  times.check(at(50, 150));
  expect(() => times.check(at(50, 100))).toThrow(/2 s an epoch, and this node was told 3 s/);
  expect(() => times.check(at(60, 120))).toThrow(/2 s an epoch/);
  expect(wrong).toMatchObject([{ data: { code: "OTHER_TIMES", seconds: 2 } }]);
  // One wrong timestamp is no other network: validation says what it is.
  times.check(at(50, 151));
  // A node whose chain has begun knows the times of its network.
  watch({ height: 7 }).times.check(at(50, 100));
});

test("whoever makes up lengths of epochs is refused each time, and heard of a few times only", () => {
  const { times, wrong } = watch();
  for (let seconds = 4; seconds < 104; seconds++)
    expect(() => times.check(at(50, 50 * seconds))).toThrow(`${seconds} s an epoch`);
  expect(wrong).toHaveLength(16);
});

test("a head beyond the clock, which is never fetched, is looked at: other seconds, or a wrong clock", async () => {
  const other = watch({ serves: at(150, 300) });
  await other.times.heard("near", [], 104);
  expect(other.asked).toEqual([]);
  await expect(other.times.heard("a", [], 150)).rejects.toThrow(/2 s an epoch/);
  await other.times.heard("b", [], 150);
  expect([other.asked, other.wrong.length]).toEqual([["a"], 1]);

  const early = watch({ serves: at(150, 450), height: 20 });
  await expect(early.times.heard("a", [], 150)).rejects.toThrow(
    /at epoch 150, and by this computer's clock it is epoch 100/,
  );
  expect(early.wrong).toHaveLength(1);
  // Whoever only claims it changes nothing.
  const liar = watch({ serves: null });
  await liar.times.heard("a", [], 1e9);
  expect(liar.wrong).toEqual([]);
});
