/** The mining loop of one node under a clock of its own: rounds, bases that change, pauses. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { FullBlock } from "../../../src/consensus/validator.ts";
import { type MiningEvent, MiningLoop } from "../../../src/miner/mining-loop.ts";
import { type NodeSiteParts, nodeSite } from "../../../src/miner/mining-site.ts";
import type { OwnMiner } from "../../../src/miner/own-sectors.ts";
import { delaysFor, Rounds } from "../../../src/miner/rounds.ts";
import { SlashFilter } from "../../../src/miner/slash-filter.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import type { LocalMiners } from "../../../src/node/local-miners.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { type BlockHeader, headerCid, makeTipset, type Tipset } from "../../../src/types/block-header.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

const GENESIS = 1_700_000_000;
const BLOCK_TIME = 30;
const MINERS = 3;
/** What the loop waits for the beacon: here that time passes only when the beacon is silent. */
const BEACON_MS = 5000;
const MAX_SLEEPS = 1000;

/** A network that makes nothing by itself, and a clock that jumps when the loop sleeps. */
class Bench {
  readonly net: Devnet;
  readonly local: LocalMiners;
  readonly events: MiningEvent[] = [];
  readonly submitted: { readonly block: FullBlock; readonly at: number }[] = [];
  readonly abort = new AbortController();
  time: number;
  private sleeps = 0;
  behind = false;
  silent = false;
  /** Called at each sleep, with the milliseconds. */
  onSleep: (ms: number) => Promise<void> | void = () => undefined;

  constructor(net: Devnet) {
    this.net = net;
    this.local = net.local as LocalMiners;
    this.time = 1000 * (GENESIS + net.head.height * BLOCK_TIME);
  }

  /** Stores a block and makes the tipset of all blocks of its epoch and parents the head, if it is no lower. */
  async take({ header, messages }: FullBlock): Promise<void> {
    const { chain } = this.net.node;
    await chain.put({ headers: [header], messages: [messages], blocks: emptyLists });
    const whole = chain.tracker.expand(header);
    await chain.put({ headers: whole.blocks });
    if (whole.height >= chain.head.height) await chain.setHead(whole);
  }

  loop(over: {
    readonly slash: SlashFilter;
    readonly miners?: readonly OwnMiner[];
    readonly watchFirst?: number;
    readonly isMoved?: boolean;
    readonly submit?: NodeSiteParts["submit"];
  }): MiningLoop<unknown> {
    const making = this.local.making(this.net.node.states);
    const miners = over.miners ?? this.local.miners;
    const site = nodeSite({
      ...making,
      miners,
      source: {
        entry: (...args) => (this.silent ? new Promise(() => undefined) : making.source.entry(...args)),
      },
      pool: this.net.node.pool,
      isBehind: () => this.behind,
      submit:
        over.submit ??
        (async (block) => {
          this.submitted.push({ block, at: this.time });
          await this.take(block);
        }),
    });
    return new MiningLoop<unknown>({
      site,
      times: making.times,
      miners,
      slash: over.slash,
      watchFirst: over.watchFirst ?? 0,
      isMoved: over.isMoved ?? false,
      now: () => this.time,
      sleep: async (ms, signal) => {
        signal.throwIfAborted();
        if (ms === BEACON_MS && !this.silent) return new Promise(() => undefined);
        await this.onSleep(ms);
        signal.throwIfAborted();
        this.time += ms;
        if (++this.sleeps > MAX_SLEEPS) throw new Error("the loop never came to what was waited for");
        // So that the test's own time limit can be heard.
        await new Promise((resolve) => setTimeout(resolve, 0));
      },
      onEvent: (event) => this.events.push(event),
    });
  }

  /** Runs a loop until `done`, which is asked at each sleep. */
  async run(loop: MiningLoop<unknown>, done: () => boolean): Promise<void> {
    const before = this.onSleep;
    this.onSleep = async (ms) => {
      await before(ms);
      if (done() || this.kinds().includes("failed")) this.abort.abort();
    };
    await loop.run(this.abort.signal);
    for (const event of this.events) if (event.kind === "failed") throw event.error;
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }
}

const emptyLists = [] as const;
let net: Devnet;
let bench: Bench;
let slash: SlashFilter;
beforeAll(async () => {
  const options = { genesisTime: GENESIS, blockTime: BLOCK_TIME, miners: MINERS, seed: "loop" };
  net = await Devnet.open({ ...TEST_OPTIONS, ...options });
});
beforeEach(async () => {
  bench = new Bench(net);
  slash = await SlashFilter.open(new MemoryStore());
});
afterAll(() => net?.close());

test("waiting is scaled to the time between epochs, and a long pause is passed over in steps", () => {
  expect(delaysFor(30)).toEqual({ propagation: 10_000, equivocation: 2000 });
  const rounds = new Rounds({ genesisTime: 1000, blockDelay: 3 }, delaysFor(3));
  const base = { height: 10, key: [], blocks: [] } as unknown as Tipset;
  expect([rounds.timeOf(11), rounds.startOf(11)]).toEqual([1_033_000, 1_031_000]);
  expect(rounds.next(base, 1_030_000)).toBe(11);
  expect(rounds.next(base, 1_034_000)).toBe(12);
  rounds.tried(base, 12);
  expect(rounds.next(base, 1_034_000)).toBe(13);
  expect(rounds.next(base, 9_000_000)).toBe(75);
});

test("blocks go out at their epochs' times, each miner's once an epoch; epochs without a win are null rounds", async () => {
  const [miner] = bench.local.miners;
  const loop = bench.loop({ slash, miners: miner === undefined ? [] : [miner] });
  await bench.run(loop, () => bench.time > (GENESIS + 15 * BLOCK_TIME) * 1000);
  const heights = bench.submitted.map(({ block }) => block.header.height);
  expect(heights.length).toBeGreaterThan(5);
  // One of three miners with equal power does not win every epoch.
  expect(heights.length).toBeLessThan(15);
  expect(new Set(heights).size).toBe(heights.length);
  for (const { block, at } of bench.submitted) {
    expect(at).toBe(1000 * (GENESIS + block.header.height * BLOCK_TIME));
    expect(Number(block.header.timestamp) * 1000).toBe(at);
  }
  const validator = bench.local.validator(bench.net.node.states);
  for (const { block } of bench.submitted.slice(0, 3))
    expect((await validator.validate(block)).winningPost).toBe("verified");
});

test("several miners of one node make tipsets of several blocks", async () => {
  await bench.run(bench.loop({ slash }), () => net.head.blocks.length > 1 || bench.submitted.length > 20);
  expect(net.head.blocks.length).toBeGreaterThan(1);
});

test("a base that loses a block before signing is taken without it; a chain that took over is the base", async () => {
  const { chain } = bench.net.node;
  await bench.run(bench.loop({ slash }), () => bench.net.head.blocks.length >= 2);
  const wide = bench.net.head;
  const narrow = makeTipset(wide.blocks.slice(1));
  bench.submitted.length = 0;
  const one = new Bench(bench.net);
  one.time = bench.time;
  one.onSleep = async (ms) => {
    // The first wait of a winner is for equivocators: one shows itself.
    if (ms !== delaysFor(BLOCK_TIME).equivocation || chain.head.key.join() !== wide.key.join()) return;
    await chain.put({ headers: narrow.blocks });
    await chain.setHead(narrow);
  };
  await one.run(one.loop({ slash }), () => one.submitted.length > 0);
  expect(one.kinds()).toContain("rebased");
  expect(one.submitted[0]?.block.header.parents.map(String)).toEqual(narrow.key.map(String));
  const validator = one.local.validator(bench.net.node.states);
  await validator.validate(one.submitted[0]?.block as FullBlock);

  // The head goes to another chain while the winner waits.
  const two = new Bench(bench.net);
  two.time = one.time + 1000 * BLOCK_TIME;
  const before = chain.head;
  const below = (await chain.parent(before)) as Tipset;
  two.onSleep = async (ms) => {
    if (ms === delaysFor(BLOCK_TIME).equivocation && chain.head.key.join() === before.key.join())
      await chain.setHead(below);
  };
  await two.run(two.loop({ slash: await SlashFilter.open(new MemoryStore()) }), () => two.submitted.length > 0);
  expect(two.submitted[0]?.block.header.parents.map(String)).toEqual(below.key.map(String));
});

test("a silent beacon is told once; when it speaks again mining goes on by itself", async () => {
  bench.silent = true;
  let sleeps = 0;
  bench.onSleep = () => {
    if (++sleeps === 20) {
      expect(bench.submitted).toEqual([]);
      bench.silent = false;
    }
  };
  const loop = bench.loop({ slash });
  await bench.run(loop, () => bench.submitted.length > 0);
  expect(bench.kinds().slice(0, 2)).toEqual(["paused", "resumed"]);
  expect(bench.events[0]).toMatchObject({ by: "beacon" });
  expect(loop.pausedBy).toBeNull();
});

test("nothing is made while the node is behind its peers", async () => {
  bench.behind = true;
  let sleeps = 0;
  bench.onSleep = () => {
    if (++sleeps === 20) {
      expect(bench.submitted).toEqual([]);
      bench.behind = false;
    }
  };
  await bench.run(bench.loop({ slash }), () => bench.submitted.length > 0);
  expect(bench.events.slice(0, 2)).toMatchObject([
    { kind: "paused", by: "behind" },
    { kind: "resumed", after: "behind" },
  ]);
});

test("blocks that were signed before a stop are handed on after it, each once, and mining goes on", async () => {
  const store = new MemoryStore();
  const before = new Bench(net);
  const first = await SlashFilter.open(store);
  const base = net.head;
  // The node is killed while its winners wait for the epoch's time; and once more.
  let sleeps = 0;
  before.onSleep = () => {
    const isSigned = first.unsettled(before.local.miners.map(({ address }) => address)).length > 0;
    if (isSigned || ++sleeps > 100) before.abort.abort();
  };
  await before.loop({ slash: first }).run(before.abort.signal);
  expect(before.submitted).toEqual([]);
  const signed = first.unsettled(before.local.miners.map(({ address }) => address)).map(({ header }) => header);
  expect(signed.length).toBeGreaterThan(0);

  const after = new Bench(net);
  after.time = before.time + 3.2 * BLOCK_TIME * 1000;
  await after.run(after.loop({ slash: await SlashFilter.open(store) }), () => after.submitted.length > signed.length);
  const cids = (headers: readonly BlockHeader[]): string[] => headers.map((header) => `${headerCid(header)}`);
  const handedOn = after.submitted.slice(0, signed.length).map(({ block }) => block.header);
  expect(cids(handedOn)).toEqual(cids(signed));
  expect(after.events[0]).toMatchObject({ kind: "made", epoch: signed[0]?.height, again: true });
  expect(handedOn[0]?.parents.map(String)).toEqual(base.key.map(String));
  // The next ones stand on them, and what the chain has is not handed on again.
  expect(after.submitted[signed.length]?.block.header.parents.map(String).sort()).toEqual(cids(signed).sort());
  const third = new Bench(net);
  third.time = after.time;
  await third.run(third.loop({ slash: await SlashFilter.open(store) }), () => third.submitted.length > 0);
  const all = [...after.submitted, ...third.submitted].map(({ block }) => block.header);
  expect(new Set(all.map(({ miner, height }) => `${miner}@${height}`)).size).toBe(all.length);
  expect(new Set(all.map(({ miner, parents }) => `${miner} on ${parents}`)).size).toBe(all.length);
});

test("a block that could not be handed on is tried again", async () => {
  let failures = 0;
  const loop = bench.loop({
    slash,
    submit: async (block) => {
      if (failures++ === 0) throw new Error("disk full");
      bench.submitted.push({ block, at: bench.time });
      await bench.take(block);
    },
  });
  let sleeps = 0;
  bench.onSleep = () => {
    if (bench.submitted.length > 0 || ++sleeps > 100) bench.abort.abort();
  };
  await loop.run(bench.abort.signal);
  expect(bench.kinds()).toContain("failed");
  expect(bench.kinds()).not.toContain("refused");
  expect(bench.submitted.length).toBeGreaterThan(0);
});

test("a head that jumps about never makes a miner sign two blocks of one epoch", async () => {
  const { chain } = bench.net.node;
  let turn = 0;
  bench.onSleep = async () => {
    if (++turn % 3 !== 0 || chain.head.height < 2) return;
    await chain.setHead((await chain.parent(chain.head)) as Tipset);
  };
  await bench.run(bench.loop({ slash }), () => turn > 60);
  const signed = bench.submitted.map(({ block }) => `${block.header.miner}@${block.header.height}`);
  expect(signed.length).toBeGreaterThan(5);
  expect(new Set(signed).size).toBe(signed.length);
});

test("a block of its miner that a loop did not make ends it with an error; what a predecessor made does not", async () => {
  const { chain } = bench.net.node;
  const [miner] = bench.local.miners;
  const miners = miner === undefined ? [] : [miner];
  const end = () => bench.time > (GENESIS + (bench.net.head.height + 40) * BLOCK_TIME) * 1000;
  await bench.run(bench.loop({ slash, miners }), () => bench.submitted.length > 0 || end());
  expect(bench.submitted.length).toBeGreaterThan(0);
  // Another process with another record goes on: the head is a predecessor's block.
  const next = new Bench(net);
  next.time = bench.time;
  const record = await SlashFilter.open(new MemoryStore());
  const loop = next.loop({ slash: record, miners });
  let rival: FullBlock | null = null;
  next.onSleep = async () => {
    const block = next.submitted.at(-1)?.block;
    if (rival !== null || block === undefined || next.submitted.length < 2) return;
    // The same miner's block of the same epoch, made elsewhere.
    rival = { ...block, header: { ...block.header, forkSignaling: 7n } };
    await chain.put({ headers: [rival.header] });
    await chain.setHead(makeTipset([rival.header]));
  };
  await next.run(loop, () => next.kinds().includes("rival") || next.submitted.length > 5);
  const [told] = next.events.filter(({ kind }) => kind === "rival");
  expect(told).toMatchObject({ miner, error: { data: { code: "MINED_TWICE" } } });
  expect(next.submitted).toHaveLength(2);
  await chain.setHead((await chain.parent(chain.head)) as Tipset);
});

test("a block of its miner that no head has, as both of an equivocator are dropped, ends it too; its own and old ones do not", async () => {
  // Of its own: on the others' chain the same blocks were made before.
  const options = { genesisTime: GENESIS, blockTime: BLOCK_TIME, miners: 2, seed: "unseen" };
  const apart = await Devnet.open({ ...TEST_OPTIONS, ...options });
  try {
    const one = new Bench(apart);
    const [miner, other] = one.local.miners as readonly [OwnMiner, OwnMiner];
    const loop = one.loop({ slash, miners: [miner] });
    one.onSleep = () => {
      const [old, , newest] = one.submitted;
      if (old === undefined || newest === undefined || one.kinds().includes("rival")) return;
      const { header } = newest.block;
      for (const { block } of one.submitted) loop.see(block.header);
      loop.see({ ...header, miner: other.address });
      loop.see({ ...old.block.header, height: 1, forkSignaling: 7n });
      expect(one.kinds()).not.toContain("rival");
      loop.see({ ...header, forkSignaling: 7n });
    };
    await one.run(loop, () => one.submitted.length > 3);
    expect(one.kinds().filter((kind) => kind === "rival")).toHaveLength(1);
    expect(one.submitted).toHaveLength(3);
  } finally {
    await apart.close();
  }
});

test("a loop that only looks at first makes nothing where somebody else mines with its miner", async () => {
  // Of its own: on the others' chain the same blocks were made before.
  const options = { genesisTime: GENESIS, blockTime: BLOCK_TIME, miners: 1, seed: "watch" };
  const apart = await Devnet.open({ ...TEST_OPTIONS, ...options });
  try {
    const { chain } = apart.node;
    const [first, second] = [new Bench(apart), new Bench(apart)];
    await first.run(first.loop({ slash }), () => chain.head.height > 2);
    const newest = chain.head;
    await chain.setHead((await chain.genesis()) as Tipset);
    let slept = 0;
    second.onSleep = async () => {
      if (++slept === 2) await chain.setHead(newest);
    };
    const loop = second.loop({ slash: await SlashFilter.open(new MemoryStore()), watchFirst: 40 });
    await second.run(loop, () => second.kinds().includes("rival") || slept > 60);
    expect(second.kinds()).toEqual(["rival"]);
    expect(second.submitted).toEqual([]);
  } finally {
    await apart.close();
  }
});

test("a loop with a new record, whose node is far behind, takes its predecessor's blocks for no rival's; it looks for its epochs once it has the chain", async () => {
  const options = { genesisTime: GENESIS, blockTime: BLOCK_TIME, miners: 1, seed: "anew" };
  const apart = await Devnet.open({ ...TEST_OPTIONS, ...options });
  try {
    const { chain } = apart.node;
    const [first, second] = [new Bench(apart), new Bench(apart)];
    // More null rounds than one block may stand on.
    first.time += 200 * BLOCK_TIME * 1000;
    await first.run(first.loop({ slash }), () => chain.head.height > 199);
    const newest = chain.head;
    await chain.setHead((await chain.genesis()) as Tipset);
    Object.assign(second, { time: first.time, behind: true });
    let slept = 0;
    second.onSleep = async () => {
      if (++slept !== 2) return;
      await chain.setHead(newest);
      second.behind = false;
    };
    const began = Math.floor((second.time / 1000 - GENESIS) / BLOCK_TIME);
    const loop = second.loop({ slash: await SlashFilter.open(new MemoryStore()), watchFirst: 3 });
    await second.run(loop, () => second.submitted.length > 1 || slept > 60);
    expect(second.kinds()).not.toContain("rival");
    expect(second.submitted.length).toBeGreaterThan(1);
    expect(second.submitted[0]?.block.header.height).toBeGreaterThanOrEqual(began + 3);
  } finally {
    await apart.close();
  }
});

test("a block that was signed here on a call, and handed on by whoever called, is no rival's", async () => {
  const options = { genesisTime: GENESIS, blockTime: BLOCK_TIME, miners: 1, seed: "called" };
  const apart = await Devnet.open({ ...TEST_OPTIONS, ...options });
  try {
    const one = new Bench(apart);
    // Somebody who asks the node for the very block that its loop is about to sign, and is faster.
    const sign = slash.sign.bind(slash);
    slash.sign = async (header, parent, make) => {
      const signed = await sign(header, parent, make);
      await one.take(signed);
      return sign(header, parent, make);
    };
    await one.run(one.loop({ slash }), () => one.net.head.height > 3);
    expect(one.kinds()).not.toContain("rival");
    // And one who asks for what the loop has signed and hands on at its time.
    slash.sign = sign;
    const two = new Bench(apart);
    const loop = two.loop({ slash });
    const own = two.local.miners.map(({ address }) => address);
    two.onSleep = async () => {
      const [waiting] = slash.unsettled(own);
      if (waiting === undefined) return;
      loop.calledFor(waiting.header);
      await two.take(waiting);
    };
    await two.run(loop, () => two.net.head.height > 6);
    expect(two.kinds()).not.toContain("rival");
  } finally {
    await apart.close();
  }
});

test.each([
  ["behind", -100],
  ["ahead", 100],
])(
  "a loop that begins with a clock that is far %s looks about anew once the clock is set, and mines",
  async (_, off) => {
    const options = { genesisTime: GENESIS, blockTime: BLOCK_TIME, miners: 1, seed: "clock" };
    const apart = await Devnet.open({ ...TEST_OPTIONS, ...options });
    try {
      const { chain } = apart.node;
      const [first, second] = [new Bench(apart), new Bench(apart)];
      first.time += 150 * BLOCK_TIME * 1000;
      await first.run(first.loop({ slash }), () => chain.head.height > 149);
      // The record of the first is lost; the second has its chain, or gets it while it waits.
      const newest = chain.head;
      if (off < 0) await chain.setHead((await chain.genesis()) as Tipset);
      second.time = first.time + off * BLOCK_TIME * 1000;
      const loop = second.loop({ slash: await SlashFilter.open(new MemoryStore()), watchFirst: 2 });
      let slept = 0;
      second.onSleep = async () => {
        if (++slept !== 2) return;
        second.time = first.time;
        for (const header of newest.blocks) loop.see(header);
        await chain.setHead(newest);
      };
      await second.run(loop, () => second.submitted.length > 1 || slept > 60);
      expect(second.kinds()).not.toContain("rival");
      expect(second.submitted.length).toBeGreaterThan(1);
    } finally {
      await apart.close();
    }
  },
);

test.each([false, true])(
  "after its clock leapt, a loop looks about anew; by a clock that somebody moves (%s) it goes on at once",
  async (isMoved) => {
    const options = { genesisTime: GENESIS, blockTime: BLOCK_TIME, miners: 1, seed: "moved" };
    const apart = await Devnet.open({ ...TEST_OPTIONS, ...options });
    try {
      const bench = new Bench(apart);
      const loop = bench.loop({ slash: await SlashFilter.open(new MemoryStore()), watchFirst: 20, isMoved });
      let to = 0;
      bench.onSleep = async () => {
        if (to > 0 || bench.submitted.length < 2) return;
        bench.time += 50 * BLOCK_TIME * 1000;
        to = Math.floor((bench.time / 1000 - GENESIS) / BLOCK_TIME);
      };
      /** Epoch by the clock at which the first block after the leap is handed on. */
      const next = (): number | undefined =>
        bench.submitted
          .map(({ at }) => Math.floor((at / 1000 - GENESIS) / BLOCK_TIME))
          .find((epoch) => to > 0 && epoch >= to);
      await bench.run(loop, () => next() !== undefined);
      if (isMoved) expect(next()).toBeLessThan(to + 20);
      else expect(next()).toBeGreaterThanOrEqual(to + 20);
    } finally {
      await apart.close();
    }
  },
);
