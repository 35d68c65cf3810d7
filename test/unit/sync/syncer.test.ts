/** Chains that peers speak of: what is fetched, in which order, who is blamed for what, and what is tried again. */
import { afterEach, describe, expect, test } from "vitest";
import { MARKED_BY_OPERATOR } from "../../../src/chain/bad-blocks.ts";
import { blockError } from "../../../src/consensus/errors.ts";
import type { FullBlock } from "../../../src/consensus/validator.ts";
import { ExchangeError, type FetchedTipset } from "../../../src/network/exchange-client.ts";
import { StorageError } from "../../../src/storage/contract.ts";
import { headerCid, type Tipset, tipsetKeyText } from "../../../src/types/block-header.ts";
import {
  GENESIS,
  madeBlock,
  madeChain,
  plainWeight,
  SyncWorld,
  settle,
  TOP,
  ToldClock,
  tipsetOf,
} from "../../support/sync-world.ts";

const genesis = tipsetOf([GENESIS]);
const text = ({ key }: Tipset): string => tipsetKeyText(key);
const cidOf = ({ header }: FullBlock) => headerCid(header);

const worlds: SyncWorld[] = [];
async function open(...args: Parameters<typeof SyncWorld.open>): Promise<SyncWorld> {
  const world = await SyncWorld.open(...args);
  worlds.push(world);
  return world;
}
afterEach(async () => {
  for (const { syncer } of worlds.splice(0)) await syncer.stop();
});
const signal = () => AbortSignal.timeout(20_000);

describe("from nothing to a peer's head", () => {
  test("every tipset is validated once, from the bottom up, and the head goes along", async () => {
    const world = await open();
    const blocks = madeChain(genesis, 150, 1);
    const heads: number[] = [];
    world.chain.onHeadChange((changes) => heads.push(...changes.map(({ tipset }) => tipset.height)));
    world.hello("a", blocks);
    await world.syncer.waitSynced(signal());
    expect(text(world.chain.head)).toBe(text(TOP(blocks)));
    expect(world.validated).toEqual(blocks.map(({ header }) => header.height));
    expect(heads).toEqual(world.validated);
    expect(world.syncer.status()).toMatchObject({ behind: false, waiting: 0, active: [] });
    expect(world.syncer.status().ended[0]).toMatchObject({
      stage: "complete",
      tipsets: 150,
      validated: 150,
      headers: 150,
    });
    expect([world.peers.reports, world.faults]).toEqual([[], []]);
  });

  test("nothing is chosen before enough peers have spoken", async () => {
    const world = await open([], { minPeers: 2 });
    const blocks = madeChain(genesis, 3, 1);
    world.hello("a", blocks);
    await settle();
    expect(world.peers.asked).toEqual([]);
    world.hello("b", blocks);
    await world.syncer.waitSynced(signal());
    expect(world.chain.head.height).toBe(3);
  });

  test("it is behind while it fetches, and waiting for it can be given up", async () => {
    const world = await open();
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    world.peers.answer = async (_, all) => gate.then(() => all);
    world.hello("a", madeChain(genesis, 10, 1));
    await settle();
    expect(world.syncer.isBehind()).toBe(true);
    const given = new AbortController();
    const waiting = world.syncer.waitSynced(given.signal);
    given.abort(new Error("given up"));
    await expect(waiting).rejects.toThrow("given up");
    go();
    await world.syncer.waitSynced(signal());
    expect(world.syncer.isBehind()).toBe(false);
  });
});

test("a chain that comes by single headers holds no miner for long, nor does the next one of who sent it", async () => {
  const world = await open();
  const { clock } = world;
  world.peers.answer = async (peer, all) => {
    if (peer !== "slow") return all;
    await clock.sleep(9000, new AbortController().signal);
    return [all[0] as FetchedTipset];
  };
  world.hello("slow", madeChain(genesis, 300, 1));
  await clock.pass(30_000);
  expect(world.syncer.isBehind()).toBe(true);
  await clock.pass(40_000);
  expect(world.syncer.isBehind()).toBe(false);
  world.hello("slow", madeChain(genesis, 400, 2));
  await clock.pass(10_000);
  expect([world.syncer.isBehind(), world.syncer.status().active.length > 0]).toEqual([false, true]);
  // Another one's chain is fetched meanwhile, and counts.
  const good = madeChain(genesis, 40, 3);
  world.hello("quick", good);
  await clock.pass(20_000);
  expect([text(world.chain.head), world.peers.reports]).toEqual([text(TOP(good)), []]);
});

describe("forks", () => {
  test("the heavier chain wins over the longer one; what is not heavier is not even fetched", async () => {
    const shared = madeChain(genesis, 5, 1);
    const own = madeChain(TOP(shared), 12, 2);
    const world = await open([...shared, ...own]);
    world.hello("light", [...shared, ...madeChain(TOP(shared), 8, 3)]);
    await world.syncer.waitSynced(signal());
    expect(world.peers.asked).toEqual([]);
    const heavy = madeChain(TOP(shared), 10, 4, 3);
    const changes: string[] = [];
    world.chain.onHeadChange((all) => changes.push(...all.map(({ type, tipset }) => `${type} ${tipset.height}`)));
    world.hello("heavy", [...shared, ...heavy]);
    await world.syncer.waitSynced(signal());
    expect(text(world.chain.head)).toBe(text(TOP(heavy)));
    expect(changes.filter((one) => one.startsWith("revert"))).toHaveLength(7);
    expect(world.validated).toEqual([6, 7, 8, 9, 10]);
  });

  test.each([1, 2, 3, 8, 15, 16, 17, 31, 40])(
    "one that leaves ours %s below the head is followed from there on",
    async (depth) => {
      const own = madeChain(genesis, 60, 1);
      const world = await open(own);
      const shared = own.slice(0, 60 - depth);
      world.hello("a", [...shared, ...madeChain(TOP(shared), 62, 2, 2)]);
      await world.syncer.waitSynced(signal());
      expect(world.validated).toEqual(Array.from({ length: depth + 2 }, (_, i) => 61 - depth + i));
      expect(world.syncer.status().ended[0]).toMatchObject({ stage: "complete", tipsets: depth + 2 });
    },
  );

  test("a fork of more than a finality is refused and nobody blamed; the next head of it costs one request", async () => {
    const world = await open(madeChain(genesis, 905, 1));
    const fork = madeChain(genesis, 908, 2, 2);
    world.hello("a", fork.slice(0, 906));
    await world.syncer.waitSynced(signal());
    expect(world.syncer.status().ended[0]).toMatchObject({ stage: "failed" });
    expect(world.syncer.status().ended[0]?.message).toMatch("more than 900 tipsets");
    const asked = world.peers.asked.length;
    world.hello("a", fork);
    await world.syncer.waitSynced(signal());
    expect(world.peers.asked.length).toBe(asked + 1);
    expect([world.validated, world.peers.reports]).toEqual([[], []]);
  });

  test("what the operator takes back is held against no chain any more: a mark, a checkpoint, the head", async () => {
    const own = madeChain(genesis, 20, 1);
    const world = await open(own);
    const fork = [...own.slice(0, 8), ...madeChain(TOP(own.slice(0, 8)), 30, 2, 2)];
    const said = async (blocks: readonly FullBlock[]): Promise<number> => {
      world.hello("a", blocks);
      await world.syncer.waitSynced(signal());
      return world.chain.head.height;
    };
    const bad = cidOf(fork[10] as FullBlock);
    await world.chain.bad.mark(bad, MARKED_BY_OPERATOR);
    await world.chain.setCheckpoint(await world.chain.tipsetAtOrBefore(10));
    expect(await said(fork)).toBe(20);
    await world.chain.setCheckpoint(null);
    expect(await said(fork)).toBe(20);
    await world.chain.bad.unmark([bad]);
    expect(await said(fork)).toBe(30);
    const long = madeChain(genesis, 935, 3);
    const other = await open(long);
    other.hello("a", madeChain(genesis, 940, 4, 2));
    await other.syncer.waitSynced(signal());
    expect(other.chain.head.height).toBe(935);
    await other.chain.setHead(TOP(long.slice(0, 800)));
    other.hello("a", madeChain(genesis, 940, 4, 2));
    await other.syncer.waitSynced(signal());
    expect(other.chain.head.height).toBe(940);
  });

  test("nothing below the checkpoint is reverted", async () => {
    const own = madeChain(genesis, 20, 1);
    const world = await open(own);
    await world.chain.setCheckpoint(await world.chain.tipsetAtOrBefore(10));
    world.hello("a", [...own.slice(0, 8), ...madeChain(TOP(own.slice(0, 8)), 30, 2, 2)]);
    await world.syncer.waitSynced(signal());
    expect(world.syncer.status().ended[0]?.message).toMatch("checkpoint at epoch 10");
    expect([text(world.chain.head), world.peers.reports]).toEqual([text(TOP(own)), []]);
    world.hello("b", [...own.slice(0, 12), ...madeChain(TOP(own.slice(0, 12)), 30, 3, 2)]);
    await world.syncer.waitSynced(signal());
    expect(world.chain.head.height).toBe(30);
  });
});

describe("who is blamed", () => {
  test("a peer of another genesis", async () => {
    const world = await open();
    const other = madeBlock(null, 0, 998);
    const blocks = madeChain(tipsetOf([other]), 5, 1);
    world.peers.serve("a", [other]);
    world.hello("a", blocks);
    await world.syncer.waitSynced(signal());
    expect(world.peers.reports).toEqual(["a wrongGenesis"]);
  });

  test.each([
    ["one block twice", (own: readonly FullBlock[]) => [own[0], own[0]]],
    ["blocks of two epochs", (own: readonly FullBlock[]) => own.slice(0, 2)],
  ])("who vouches for a chain on %s, all of it here: that is no fault of this node's", async (_, parentsOf) => {
    const own = madeChain(genesis, 3, 1);
    const world = await open(own);
    const key = parentsOf(own).map((block) => cidOf(block as FullBlock));
    world.hello("liar", madeChain({ ...TOP(own), key }, 6, 2, 2));
    await world.syncer.waitSynced(signal());
    expect([world.faults, world.peers.reports]).toEqual([[], ["liar badBlock"]]);
  });

  test("who vouches for an invalid block, not who passed it on; what stands on it is bad, too", async () => {
    const world = await open();
    const good = madeChain(genesis, 20, 1);
    const bad = [...good.slice(0, 10), ...madeChain(TOP(good.slice(0, 10)), 30, 2, 2)];
    const wrong = bad[12] as FullBlock;
    world.wrong.set(`${cidOf(wrong)}`, blockError("STATE_ROOT", cidOf(wrong), "a wrong state root"));
    world.peers.serve("relay", [GENESIS, ...bad]);
    world.syncer.inform("relay", TOP(bad).key, 30, plainWeight(TOP(bad)), false);
    world.hello("liar", bad);
    world.hello("honest", good);
    await world.syncer.waitSynced(signal());
    expect(world.peers.reports).toEqual(["liar badBlock"]);
    expect(world.chain.bad.reasonOf(cidOf(wrong))).toMatch("wrong state root");
    expect(text(world.chain.head)).toBe(text(TOP(good)));
    // More on top of it: the headers lead to the bad block, nothing is validated.
    const count = world.validated.length;
    world.hello("liar", [...bad, ...madeChain(TOP(bad), 32, 3, 2)]);
    await world.syncer.waitSynced(signal());
    expect(world.validated.length).toBe(count);
    expect(world.peers.reports).toEqual(["liar badBlock", "liar badBlock"]);
    // The same once more is refused at the word.
    const asked = world.peers.asked.length;
    world.hello("liar", bad);
    expect([world.peers.asked.length, world.peers.reports.length]).toEqual([asked, 3]);
  });

  test("nobody for a block that the operator does not want", async () => {
    const world = await open();
    const blocks = madeChain(genesis, 6, 1);
    await world.chain.bad.mark(cidOf(blocks[3] as FullBlock), MARKED_BY_OPERATOR);
    world.hello("a", blocks);
    await world.syncer.waitSynced(signal());
    expect([world.chain.head.height, world.peers.reports]).toEqual([0, []]);
    // Nor if it is here already, under what the peer has.
    const more = madeChain(TOP(blocks.slice(0, 2)), 9, 2);
    const other = await open(blocks.slice(0, 2));
    await other.chain.bad.mark(cidOf(blocks[1] as FullBlock), MARKED_BY_OPERATOR);
    other.hello("a", [...blocks.slice(0, 2), ...more]);
    await other.syncer.waitSynced(signal());
    expect([other.validated, other.peers.reports]).toEqual([[], []]);
  });

  test("who sends other messages than the headers commit to; another peer's are taken", async () => {
    const world = await open();
    const blocks = madeChain(genesis, 5, 1);
    let lies = 2;
    world.peers.answer = (peer, all) =>
      peer === "liar" && all[0]?.messages !== null && lies-- > 0
        ? all.map((one) => ({ ...one, messages: { bls: [], blsIncludes: [], secp: [], secpIncludes: [] } }))
        : all;
    world.hello("liar", blocks);
    await world.syncer.waitSynced(signal());
    expect(world.peers.reports).toEqual(["liar badChain", "liar badChain"]);
    expect(world.chain.head.height).toBe(5);
  });

  test("who claims more weight than its chain has", async () => {
    const world = await open();
    world.hello("a", madeChain(genesis, 5, 1), 10_000n);
    world.hello("b", madeChain(genesis, 6, 2));
    await world.syncer.waitSynced(signal());
    expect(world.peers.reports).toEqual(["a badChain"]);
    expect(world.chain.head.height).toBe(6);
  });
});

describe("who is asked", () => {
  test("who called a chain its own comes first and is held to having it; who only passed a block on is not", async () => {
    const world = await open();
    const [passed, own] = [madeChain(genesis, 2, 1), madeChain(genesis, 4, 2)];
    world.hello("c", madeChain(genesis, 1, 3));
    await settle();
    world.peers.asked.length = 0;
    world.syncer.inform("a", TOP(passed).key, 2, 1n, false);
    await settle();
    expect(world.peers.asked.map(({ peers, vouched }) => ({ first: peers[0], vouched }))).toEqual([
      { first: "a", vouched: false },
    ]);
    world.peers.asked.length = 0;
    world.peers.serve("b", own);
    world.syncer.inform("a", TOP(own).key, 4, 5n, false);
    world.syncer.inform("b", TOP(own).key, 4, 5n);
    await settle();
    expect(world.peers.asked.every(({ peers, vouched }) => peers[0] === "b" && vouched)).toBe(true);
    expect(text(world.chain.head)).toBe(text(TOP(own)));
  });
});

describe("what is tried again", () => {
  test("a full disk is nobody's fault and marks nothing; with room again the chain is complete", async () => {
    const world = await open();
    const blocks = madeChain(genesis, 8, 1);
    world.disk.full = true;
    world.hello("a", blocks);
    await world.clock.pass(30_000);
    expect(world.chain.head.height).toBe(0);
    expect(world.faults.length).toBeGreaterThan(1);
    expect(world.faults[0]).toMatch("no space left");
    world.disk.full = false;
    await world.clock.pass(60_000);
    expect([world.chain.head.height, world.peers.reports]).toEqual([8, []]);
    for (const block of blocks) expect(world.chain.bad.reasonOf(cidOf(block))).toBe(null);
  });

  test("a disk that cannot be read while a chain is chosen ends nothing: with the disk back the chain is complete", async () => {
    const world = await open();
    world.disk.dead = true;
    world.hello("a", madeChain(genesis, 8, 1));
    await world.clock.pass(3000);
    expect(world.faults[0]).toMatch("input/output error");
    expect(world.faults.length).toBeLessThan(10);
    world.disk.dead = false;
    await world.clock.pass(60_000);
    expect([world.chain.head.height, world.peers.reports]).toEqual([8, []]);
  });

  test("a check that failed of this node's own disk marks nothing either, whatever its code", async () => {
    const world = await open();
    const blocks = madeChain(genesis, 4, 1);
    const block = blocks[1] as FullBlock;
    const cause = new StorageError({ code: "FAILED", place: "test" }, "input/output error");
    world.wrong.set(`${cidOf(block)}`, blockError("MINER_UNKNOWN", cidOf(block), "no such miner", { cause }));
    world.hello("a", blocks);
    await world.clock.pass(1000);
    expect([world.peers.reports, world.chain.bad.reasonOf(cidOf(block))]).toEqual([[], null]);
    expect(world.faults[0]).toMatch("no such miner");
    world.wrong.clear();
    await world.clock.pass(120_000);
    expect(world.chain.head.height).toBe(4);
  });

  test("a block from the future is good when its time has come", async () => {
    const world = await open();
    const blocks = madeChain(genesis, 4, 1);
    const block = blocks[3] as FullBlock;
    world.wrong.set(`${cidOf(block)}`, blockError("FROM_FUTURE", cidOf(block), "too early"));
    world.hello("a", blocks);
    await settle();
    expect([world.chain.head.height, world.peers.reports]).toEqual([3, []]);
    world.wrong.clear();
    await world.clock.pass(5000);
    expect([world.chain.head.height, world.chain.bad.reasonOf(cidOf(block))]).toEqual([4, null]);
  });

  test("a chain that nobody has is given up", async () => {
    const world = await open();
    const { key } = TOP(madeChain(genesis, 4, 1));
    world.syncer.inform("a", key, 4, 100n);
    await world.clock.pass(600_000);
    expect(world.syncer.status()).toMatchObject({ waiting: 0, active: [] });
    await world.syncer.waitSynced(signal());
  });
});

describe("messages that a peer does not keep", () => {
  /** Peers give headers of everything, and messages from an epoch on. */
  async function pruned(from: number, ...forgetful: string[]): Promise<{ world: SyncWorld; questions: string[] }> {
    const world = await open();
    const questions: string[] = [];
    world.peers.answer = (peer, all) => {
      if (all[0]?.messages === null) return all;
      questions.push(peer);
      const kept = forgetful.includes(peer) ? all.filter(({ tipset }) => tipset.height >= from) : all;
      if (kept.length > 0) return kept;
      throw new ExchangeError({ code: "NO_ANSWER", tried: 1 }, `none of 1 peers; ${peer} said "messages not found"`);
    };
    return { world, questions };
  }

  test("are asked for ever more rarely, however many heads the peer has, who is not blamed; the reason is told", async () => {
    const { world, questions } = await pruned(200, "a");
    const blocks = madeChain(genesis, 1500, 1);
    world.hello("a", blocks.slice(0, 1200));
    world.peers.serve("a", blocks.slice(1200));
    for (let epoch = 1200; epoch <= 1500; epoch += 10) {
      const { key } = TOP(blocks.slice(0, epoch));
      world.syncer.inform("a", key, epoch, BigInt(epoch));
      await world.clock.pass(10_000);
    }
    // 1, 2, 4 … 32 seconds, then every minute.
    expect(questions.length).toBeGreaterThan(6);
    expect(questions.length).toBeLessThanOrEqual(6 + 5 + 1);
    expect(world.peers.reports).toEqual([]);
    const { ended, waiting } = world.syncer.status();
    expect(waiting).toBeLessThanOrEqual(4);
    expect(ended[0]?.message).toMatch(/^messages above epoch 0: .*"messages not found"\. Connect to a peer that keeps/);
    expect(world.faults).toHaveLength(1);
    expect(world.faults[0]).toMatch(/^sync: .*messages above epoch 0: .*"messages not found"/);
  });

  test("another peer who speaks of the chain is asked at once", async () => {
    const { world, questions } = await pruned(200, "a");
    const blocks = madeChain(genesis, 1200, 1);
    world.hello("a", blocks);
    await world.clock.pass(100_000);
    world.hello("b", blocks.slice(0, 1100));
    await world.clock.pass(2000);
    expect(questions).toContain("b");
    expect(world.chain.head.height).toBeGreaterThanOrEqual(1100);
    expect(world.peers.reports).toEqual([]);
  });

  test("what one keeps back, again and again, keeps nobody from another that failed once", async () => {
    const world = await open();
    let failures = 0;
    world.peers.answer = (peer, all) => {
      if (all[0]?.messages === null || (peer === "b" && failures++ > 0)) return all;
      throw new ExchangeError({ code: "NO_ANSWER", tried: 1 }, `none of 1 peers; ${peer} said nothing`);
    };
    const [kept, good] = [madeChain(genesis, 60, 1), madeChain(genesis, 50, 2)];
    const speak = (epoch: number): void =>
      world.syncer.inform("a", TOP(kept.slice(0, epoch)).key, epoch, 1_000_000n + BigInt(epoch));
    world.hello("a", kept.slice(0, 20));
    await world.clock.pass(100_000);
    world.hello("b", good);
    world.peers.serve("a", kept.slice(20));
    for (let epoch = 21; epoch <= 40; epoch++) {
      speak(epoch);
      await world.clock.pass(500);
    }
    expect(failures).toBeGreaterThan(1);
    expect(text(world.chain.head)).toBe(text(TOP(good)));
  });

  test("of the last finality each peer is held to those of its own head", async () => {
    const { world } = await pruned(1, "a");
    world.hello("a", madeChain(genesis, 1000, 1));
    await world.clock.pass(2000);
    expect([...new Set(world.peers.asked.filter(({ messages }) => messages).map(({ vouched }) => vouched))]).toEqual([
      false,
      true,
    ]);
  });
});

describe("connections that break on the way", () => {
  /** Answers of so many tipsets come, then the connection breaks until so many questions later. */
  function breaking(
    world: SyncWorld,
    every: number,
    most = Number.POSITIVE_INFINITY,
  ): { breaks: number; headers: number } {
    const seen = { breaks: 0, headers: 0 };
    let questions = 0;
    world.peers.answer = (_, all) => {
      if (++questions % every === 0) {
        seen.breaks++;
        throw new ExchangeError({ code: "NO_ANSWER", tried: 1 }, "the connection broke");
      }
      const given = all.slice(0, most);
      if (given[0]?.messages === null) seen.headers += given.length;
      return given;
    };
    return seen;
  }

  test("a chain whose headers come by and by is walked back once, however often the connection breaks", async () => {
    const world = await open();
    const blocks = madeChain(genesis, 500, 1);
    // Every third question: more breaks than attempts at a chain of which nothing comes.
    const seen = breaking(world, 3, 10);
    world.hello("a", blocks);
    await world.clock.pass(600_000);
    expect([text(world.chain.head), world.peers.reports]).toEqual([text(TOP(blocks)), []]);
    expect(world.validated).toEqual(blocks.map(({ header }) => header.height));
    expect(seen.breaks).toBeGreaterThan(20);
    expect(seen.headers).toBeLessThan(500 + 10 * 8);
  });

  test("a later head of the chain goes on with the way of the earlier one, also from where that was reorganised", async () => {
    const world = await open();
    const blocks = madeChain(genesis, 600, 1);
    let isBroken = false;
    let headers = 0;
    world.peers.answer = (_, all) => {
      if (isBroken) throw new ExchangeError({ code: "NO_ANSWER", tried: 1 }, "the connection broke");
      if (all[0]?.messages !== null) throw new ExchangeError({ code: "NO_ANSWER", tried: 1 }, "the connection broke");
      headers += all.length;
      return all;
    };
    world.hello("a", blocks);
    await settle();
    expect([headers, world.chain.head.height]).toEqual([600, 0]);
    isBroken = true;
    await world.clock.pass(2000);
    isBroken = false;
    // Four tipsets of the first head are not of the second's chain.
    const later = [...blocks.slice(0, 596), ...madeChain(TOP(blocks.slice(0, 596)), 640, 2, 2)];
    const before = headers;
    world.hello("a", later);
    await world.clock.pass(5000);
    expect(headers - before).toBeLessThanOrEqual(44 + 8 + 8);
    world.peers.answer = (_, all) => all;
    await world.clock.pass(60_000);
    expect([text(world.chain.head), world.peers.reports]).toEqual([text(TOP(later)), []]);
    expect(world.validated).toEqual(later.map(({ header }) => header.height));
  });

  test("what was validated before the break is not fetched again", async () => {
    const world = await open();
    const blocks = madeChain(genesis, 400, 1);
    let whole = 0;
    let left = 100;
    world.peers.answer = (_, all) => {
      if (all[0]?.messages === null) return all;
      if (left <= 0) {
        left = 100;
        throw new ExchangeError({ code: "NO_ANSWER", tried: 1 }, "the connection broke");
      }
      left -= all.length;
      whole += all.length;
      return all;
    };
    world.hello("a", blocks);
    await world.clock.pass(60_000);
    expect(text(world.chain.head)).toBe(text(TOP(blocks)));
    expect(world.validated).toEqual(blocks.map(({ header }) => header.height));
    // Of each break the stretch that was fetched ahead, and what is between two keys that are kept.
    expect(whole).toBeLessThan(400 + 4 * (128 + 8));
  });

  test("a way that was gone long ago is checked again: a checkpoint set since, and a head that made it too long a fork", async () => {
    const own = madeChain(genesis, 20, 1);
    const world = await open(own);
    const fork = [...own.slice(0, 8), ...madeChain(TOP(own.slice(0, 8)), 60, 2, 2)];
    world.peers.answer = (_, all) => {
      if (all[0]?.messages === null) return all;
      throw new ExchangeError({ code: "NO_ANSWER", tried: 1 }, "the connection broke");
    };
    world.hello("a", fork);
    await settle();
    await world.chain.setCheckpoint(await world.chain.tipsetAtOrBefore(10));
    await world.clock.pass(1500);
    expect(world.syncer.status().ended[0]?.message).toMatch("below the checkpoint at epoch 10");
    expect([text(world.chain.head), world.peers.reports]).toEqual([text(TOP(own)), []]);
  });

  test("who breaks off again and again holds no miner for longer than who sends slowly", async () => {
    const world = await open();
    const { clock } = world;
    let questions = 0;
    world.peers.answer = async (_, all) => {
      await clock.sleep(20_000, new AbortController().signal);
      if (++questions % 2 === 0) throw new ExchangeError({ code: "NO_ANSWER", tried: 1 }, "the connection broke");
      return [all[0] as FetchedTipset];
    };
    world.hello("slow", madeChain(genesis, 300, 1));
    await clock.pass(30_000);
    expect(world.syncer.isBehind()).toBe(true);
    await clock.pass(60_000);
    expect(world.syncer.isBehind()).toBe(false);
  });
});

describe("bounds", () => {
  test("beside a peer that never answers another chain is fetched", async () => {
    const world = await open();
    const honest = madeChain(genesis, 10, 1);
    world.peers.answer = (peer, all) => (peer === "silent" ? new Promise(() => undefined) : all);
    world.hello("silent", madeChain(genesis, 12, 2));
    world.hello("honest", honest);
    await settle();
    expect(world.chain.head.height).toBe(0);
    await world.clock.pass(6000);
    expect(text(world.chain.head)).toBe(text(TOP(honest)));
    expect(world.syncer.status().active).toHaveLength(1);
  });

  test("what only a peer or an end can change is not looked at by the clock", async () => {
    const clock = new ToldClock();
    let sleeps = 0;
    const sleep = (ms: number, until: AbortSignal): Promise<void> => {
      sleeps++;
      return clock.sleep(ms, until);
    };
    const early = await open([], { minPeers: 2, sleep, now: clock.now });
    early.hello("a", madeChain(genesis, 4, 1));
    await clock.pass(20);
    expect(sleeps).toBe(0);
    const busy = await open([], { sleep, now: clock.now });
    busy.peers.answer = () => new Promise(() => undefined);
    for (let i = 0; i < 5; i++) busy.hello(`silent ${i}`, madeChain(genesis, 4, i));
    await clock.pass(20_000);
    expect(busy.syncer.status()).toMatchObject({ active: [{}, {}, {}], waiting: 2 });
    expect(sleeps).toBeLessThan(10);
  });

  test("however much peers speak of, the bucket stays small", async () => {
    const world = await open([], { minPeers: 1000 });
    for (let i = 0; i < 400; i++) {
      const { key } = tipsetOf([madeBlock(genesis, 1 + (i % 200), 1000 + i, i)]);
      world.syncer.inform(i % 2 === 0 ? "flooder" : `p${i}`, key, 1 + (i % 200), BigInt(i));
    }
    expect(world.syncer.status().waiting).toBeLessThanOrEqual(64);
  });

  test("a few peers with heavy claims do not crowd out what another speaks of", async () => {
    const world = await open([], { minPeers: 40 });
    const honest = madeChain(genesis, 5, 1);
    world.hello("honest", honest);
    for (let i = 0; i < 200; i++) {
      const { key } = tipsetOf([madeBlock(genesis, 1 + (i % 200), 2000 + i, i)]);
      world.syncer.inform(`liar ${i % 20}`, key, 1 + (i % 200), 10n ** 12n);
    }
    expect(world.syncer.status().waiting).toBe(64);
    for (let i = 0; i < 20; i++) world.syncer.inform(`more ${i}`, [], 0, 0n);
    await world.clock.pass(600_000);
    expect(text(world.chain.head)).toBe(text(TOP(honest)));
  });

  test("an epoch far ahead of the clock is not believed", async () => {
    const world = await open([], { epochNow: () => 10 });
    world.hello("a", madeChain(genesis, 16, 1));
    await settle();
    expect(world.peers.asked).toEqual([]);
    world.hello("a", madeChain(genesis, 15, 1));
    await world.syncer.waitSynced(signal());
    expect(world.chain.head.height).toBe(15);
  });
});
