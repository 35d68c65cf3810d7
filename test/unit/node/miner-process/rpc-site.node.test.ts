/** A miner that asks its node over JSON-RPC, under a clock of its own: it makes blocks, loses the node and goes on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FullBlock } from "../../../../src/consensus/validator.ts";
import { addressOf } from "../../../../src/keys/keys.ts";
import type { RpcRequest } from "../../../../src/miner/chain-side/rpc-node.ts";
import { type MiningEvent, MiningLoop } from "../../../../src/miner/mining-loop.ts";
import type { OwnMiner } from "../../../../src/miner/own-sectors.ts";
import { SlashFilter } from "../../../../src/miner/slash-filter.ts";
import { Devnet } from "../../../../src/node/devnet.ts";
import type { LocalMiners } from "../../../../src/node/local-miners.ts";
import { tellingAway } from "../../../../src/node/miner-process/away.ts";
import { rpcSite } from "../../../../src/node/miner-process/rpc-site.ts";
import { makeDispatcher } from "../../../../src/rpc/api.ts";
import type { Dispatcher } from "../../../../src/rpc/dispatcher.ts";
import type { SyncService } from "../../../../src/rpc/services.ts";
import { MemoryStore } from "../../../../src/storage/memory.ts";
import { headerCid } from "../../../../src/types/block-header.ts";
import { TEST_OPTIONS } from "../../../support/devnet.ts";

const GENESIS = 1_700_000_000;
const BLOCK_TIME = 30;
const MAX_SLEEPS = 3000;
const at = (epoch: number): number => 1000 * (GENESIS + epoch * BLOCK_TIME);

let net: Devnet;
let local: LocalMiners;
let dispatcher: Dispatcher;
const calls: string[] = [];
beforeAll(async () => {
  net = await Devnet.open({ ...TEST_OPTIONS, genesisTime: GENESIS, blockTime: BLOCK_TIME, miners: 1, seed: "apart" });
  local = net.local as LocalMiners;
  const { chain } = net.node;
  const validator = local.validator(net.node.states);
  // The node takes blocks as one among peers does.
  const sync = {
    status: () => ({ active: [], ended: [], counts: { messages: 0 } }),
    onBlock: () => () => undefined,
    async submit(block: FullBlock) {
      await validator.validate(block);
      await chain.put({ headers: [block.header], messages: [block.messages], blocks: [] });
      const whole = chain.tracker.expand(block.header);
      await chain.put({ headers: whole.blocks });
      if (whole.height >= chain.head.height) await chain.setHead(whole);
    },
  } as unknown as SyncService;
  dispatcher = makeDispatcher({ ...net.services, sync: () => sync });
});
afterAll(() => net?.close());

/** A life of the miner's process: its clock begins at `from`, and the store outlives it. */
class Life {
  readonly events: MiningEvent[] = [];
  readonly abort = new AbortController();
  time: number;
  isAway = false;
  /** What the miner is told instead of an answer. */
  told: (method: string, answer: unknown) => unknown = (_, answer) => answer;
  private sleeps = 0;

  constructor(from: number) {
    this.time = at(from);
  }

  async run(store: MemoryStore, holdsKey: boolean, done: () => boolean): Promise<void> {
    const [miner] = local.miners as [OwnMiner];
    const { crypto } = net.node;
    const worker = addressOf(crypto, miner.worker);
    const refusals = new WeakSet<Error>();
    const raw: RpcRequest = async (method, ...params) => {
      if (this.isAway) throw new TypeError("nothing listens there");
      calls.push(method);
      const answer = await dispatcher.request(method, ...params).catch((error: Error) => {
        refusals.add(error);
        throw error;
      });
      return this.told(method, answer);
    };
    const isRefusal = (error: unknown): boolean => error instanceof Error && refusals.has(error);
    const site = rpcSite({
      request: tellingAway(raw, isRefusal),
      ...{
        isRefusal,
        crypto,
        prefix: "t",
        prover: local.making(net.node.states).prover,
        blockDelaySeconds: BLOCK_TIME,
      },
      keyOf: (key) => (holdsKey && key.equals(worker) ? miner.worker : null),
    });
    const loop = new MiningLoop<null>({
      ...{ site, times: { genesisTime: GENESIS, blockDelay: BLOCK_TIME }, miners: [miner] },
      slash: await SlashFilter.open(store),
      now: () => this.time,
      sleep: async (ms, signal) => {
        signal.throwIfAborted();
        // What the loop waits for a beacon: nothing is drawn before the node is asked.
        if (ms === 5000) return new Promise(() => undefined);
        this.time += ms;
        if (done() || ++this.sleeps > MAX_SLEEPS) this.abort.abort();
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 0));
      },
      onEvent: (event) => this.events.push(event),
    });
    await loop.run(this.abort.signal);
    for (const event of this.events) if (event.kind === "failed") throw event.error;
    if (this.sleeps > MAX_SLEEPS) throw new Error("the loop never came to what was waited for");
  }
}

test("a miner with its own key makes blocks over JSON-RPC, loses its node for 20 epochs and goes on", async () => {
  const { chain } = net.node;
  const store = new MemoryStore();
  const life = new Life(0);
  await life.run(store, true, () => {
    const epoch = (life.time - at(0)) / (1000 * BLOCK_TIME);
    life.isAway = epoch >= 5 && epoch < 25;
    return chain.head.height >= 27;
  });
  const heights: number[] = [];
  for (let tipset = chain.head; tipset.height > 0; tipset = await chain.tipset(tipset.blocks[0]?.parents ?? []))
    heights.unshift(tipset.height);
  expect(heights.slice(0, 4)).toEqual([1, 2, 3, 4]);
  expect(heights.filter((height) => height > 6 && height < 25)).toEqual([]);
  expect(heights.at(-1)).toBeGreaterThanOrEqual(27);
  const kinds = life.events.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "paused" || kind === "resumed")).toEqual(["paused", "resumed"]);
  expect(calls).toContain("Filecoin.MinerGetBaseInfo");
  expect(calls).not.toContain("Filecoin.WalletSign");
});

test("the node's wallet signs for a miner without its key; what was signed before an end is handed on", async () => {
  const { chain, keystore } = net.node;
  const [miner] = local.miners as [OwnMiner];
  await keystore.add(miner.worker);
  const store = new MemoryStore();
  const life = new Life(chain.head.height);
  const before = chain.head.height;
  // It ends while it waits for its block's time: the block is signed, and nobody has seen it.
  await life.run(store, false, () => calls.at(-1) === "Filecoin.MinerCreateBlock");
  expect(calls).toContain("Filecoin.WalletSign");
  expect(chain.head.height).toBe(before);
  const [signed] = (await SlashFilter.open(store)).unsettled([miner.address]);
  if (signed === undefined) throw new Error("nothing was signed");
  const next = new Life(signed.header.height + 2);
  await next.run(store, false, () => chain.head.height > signed.header.height);
  expect(await chain.blocks.has(headerCid(signed.header).bytes)).toBe(true);
  expect(next.events.find(({ kind }) => kind === "made")).toMatchObject({ epoch: signed.header.height, again: true });
});

test.each([
  ["here", true],
  ["in the node's wallet", false],
])("no block is signed with a message that ends the execution, the key being %s", async (_, holdsKey) => {
  const { chain, states, pool } = net.node;
  const from = net.accounts[0]?.secp256k1.toString("t");
  await net.request("MpoolPushMessage", { From: from, To: from, Value: "1" }, null);
  const execute = states.execute.bind(states);
  let tried = 0;
  states.execute = async (tipset, options) => {
    const isBad = (options?.given ?? []).some(({ bls, secp }) => bls.length + secp.length > 0);
    if (!isBad) return execute(tipset, options);
    tried++;
    throw new Error("a trap");
  };
  try {
    const before = chain.head.height;
    const life = new Life(before);
    await life.run(new MemoryStore(), holdsKey, () => chain.head.height > before);
    expect(tried).toBeGreaterThan(0);
    expect(pool.pending().length).toBeGreaterThan(0);
  } finally {
    states.execute = execute;
  }
});

test("a block is not signed that has another time, or a signature that is not the worker's", async () => {
  for (const change of [{ Timestamp: 1 }, { BlockSig: { Type: 2, Data: Buffer.alloc(96).toString("base64") } }]) {
    const life = new Life(net.node.chain.head.height);
    life.told = (method, answer) => {
      if (method !== "Filecoin.MinerCreateBlock") return answer;
      const made = answer as { readonly Header: object };
      return { ...made, Header: { ...made.Header, ...change } };
    };
    const store = new MemoryStore();
    const isOver = () => life.events.some(({ kind }) => kind === "failed");
    await expect(life.run(store, true, isOver)).rejects.toMatchObject({ code: "OTHER_BLOCK" });
    expect((await SlashFilter.open(store)).unsettled(local.miners.map(({ address }) => address))).toEqual([]);
  }
});
