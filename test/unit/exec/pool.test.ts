/** Several nodes in one pool: what they share, what they must not, and who goes first. */
import { afterEach, beforeAll, expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { EngineFault } from "../../../src/core/errors.ts";
import { Executor } from "../../../src/exec/executor.ts";
import { ExecutionPool } from "../../../src/exec/pool.ts";
import { leasePool } from "../../../src/exec/shared-pool.ts";
import type { Priority, TipsetInput } from "../../../src/exec/types.ts";
import { buildGenesis } from "../../../src/node/genesis.ts";
import { DEVNET } from "../../../src/params/networks.ts";
import type { BlockSource } from "../../../src/storage/contract.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import type { Address } from "../../../src/types/address.ts";
import { FIL } from "../../../src/types/amount.ts";
import type { CID } from "../../../src/types/cid.ts";
import { contextOf, key, message, NO_PROOFS, NO_RANDOMNESS } from "../../support/plain-state.ts";

const RULES = { networkVersionAt: () => 5, circulatingSupply: 10n ** 27n };
const OPTIONS = { profile: "devnet" } as const;

let store: MemoryStore;
let root: CID;
let miner: Address;
beforeAll(async () => {
  const accounts = Array.from({ length: 5 }, (_, i) => ({ address: key(i), balance: 1000n * FIL }));
  const genesis = await buildGenesis({ network: DEVNET, networkVersion: 5, accounts, worker: key(0) });
  store = new MemoryStore();
  store.writeNow({ blocks: genesis.blocks });
  root = genesis.stateRoot;
  miner = genesis.miners[0] as Address;
});

const pools: ExecutionPool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

function poolOf(size: number): ExecutionPool {
  const pool = new ExecutionPool({ size });
  pools.push(pool);
  return pool;
}

const partsOver = (blocks: BlockSource) => ({ blocks, randomness: NO_RANDOMNESS, proofs: NO_PROOFS });

function tipset(epoch: number, from = 1): TipsetInput {
  const bytes = message({ from: key(from), value: 5n });
  const send = { bytes, chainLength: bytes.length };
  const block = { miner, winCount: 1n, blsMessages: [send], secpMessages: [] };
  return { stateRoot: root, parentEpoch: epoch - 1, epoch, baseFee: 100n, blocks: [block] };
}

/** A store whose answers wait until they are let go. */
function gate(under: BlockSource): { source: BlockSource; open: () => void; asked: Promise<void> } {
  let open = (): void => {};
  let ask = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const get = async (cid: Uint8Array): Promise<Uint8Array | undefined> => {
    ask();
    await opened;
    return under.get(cid);
  };
  return { source: { peek: () => undefined, get }, open, asked };
}

test("many nodes at once get what each gets alone, from no more workers than the pool has", async () => {
  const pool = poolOf(2);
  const alone = new Executor(OPTIONS, partsOver(store));
  const jobs = Array.from({ length: 12 }, (_, i) => tipset(20 + i, 1 + (i % 4)));
  const expected = [];
  for (const job of jobs) expected.push(await alone.applyTipset(job, RULES));
  const nodes = Array.from({ length: 6 }, () => pool.client(OPTIONS, partsOver(new MemoryStore(store))));
  const got = await Promise.all(jobs.map((job, i) => nodes[i % 6]?.applyTipset(job, RULES)));
  expect(got).toEqual(expected);
  expect(pool.started).toBe(1);
  const context = { ...contextOf(root, 5), baseFee: 0n };
  const outcomes = await Promise.all(nodes.map((node) => node.simulate({ context, messages: [] })));
  expect(outcomes.map(({ applied }) => applied)).toEqual(nodes.map(() => []));
  expect(pool.started).toBe(2);
});

test("what one node has in its store is not at hand for another that lacks it", async () => {
  const pool = poolOf(1);
  await pool.client(OPTIONS, partsOver(store)).applyTipset(tipset(20), RULES);
  const poor = pool.client(OPTIONS, partsOver(new MemoryStore()));
  const error: unknown = await poor.applyTipset(tipset(20), RULES).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EngineFault);
  expect((error as EngineFault).data.code).toBe("BLOCK_MISSING");
});

test("a worker asks a store for a block once", async () => {
  const pool = poolOf(1);
  let copied = 0;
  const counting = (under: BlockSource): BlockSource => ({
    peek: (cid) => {
      copied++;
      return under.peek(cid);
    },
    get: (cid) => under.get(cid),
  });
  const first = pool.client(OPTIONS, partsOver(counting(store)));
  await first.applyTipset(tipset(20), RULES);
  const asked = copied;
  expect(asked).toBeGreaterThan(0);
  await first.applyTipset(tipset(20), RULES);
  expect(copied).toBe(asked);
});

test("machines of different configurations take turns in one worker", async () => {
  const pool = poolOf(1);
  const main = pool.client({ profile: "mainnet" }, partsOver(store));
  const dev = pool.client(OPTIONS, partsOver(store));
  const [a, b, c] = [
    await main.applyTipset(tipset(20), RULES),
    await dev.applyTipset(tipset(20), RULES),
    await main.applyTipset(tipset(20), RULES),
  ];
  expect(b.receiptsRoot).toEqual(a.receiptsRoot);
  expect(c).toEqual(a);
});

test("waiting runs go by priority, then by their coming; what is aborted leaves the queue", async () => {
  const pool = poolOf(1);
  const { source, open, asked } = gate(store);
  const slow = pool.client(OPTIONS, partsOver(source));
  const quick = pool.client(OPTIONS, partsOver(store));
  const holding = slow.applyTipset(tipset(20), RULES);
  await asked;
  const order: string[] = [];
  const controller = new AbortController();
  const queue = (name: string, priority: Priority, signal?: AbortSignal): Promise<unknown> =>
    quick
      .applyTipset(tipset(20), RULES, signal === undefined ? { priority } : { priority, signal })
      .then(() => order.push(name));
  const runs = [queue("call", "call"), queue("mine", "mine"), queue("validate 1", "validate")];
  const dropped = queue("dropped", "validate", controller.signal);
  runs.push(queue("validate 2", "validate"));
  controller.abort(new Error("no longer wanted"));
  await expect(dropped).rejects.toThrow("no longer wanted");
  open();
  await Promise.all([holding, ...runs]);
  expect(order).toEqual(["validate 1", "validate 2", "mine", "call"]);
});

test("a call does not wait for a tipset, nor a tipset for a call", async () => {
  const pool = poolOf(2);
  const context = { ...contextOf(root, 5), baseFee: 0n };
  const bytes = message({ value: 1n });
  const sends = [{ bytes, chainLength: bytes.length }];
  const held = gate(store);
  const slow = pool.client(OPTIONS, partsOver(held.source));
  const quick = pool.client(OPTIONS, partsOver(store));
  const long = slow.applyTipset(tipset(20), RULES);
  await held.asked;
  expect((await quick.simulate({ context, messages: sends })).applied).toHaveLength(1);
  held.open();
  await long;
  const again = gate(store);
  const slowCalls = pool.client(OPTIONS, partsOver(again.source));
  const call = slowCalls.simulate({ context, messages: sends });
  await again.asked;
  expect((await quick.applyTipset(tipset(20), RULES)).applied.length).toBeGreaterThan(0);
  again.open();
  await call;
});

test("a state upgrade runs where the tipset runs, by its name", async () => {
  const accounts = Array.from({ length: 3 }, (_, i) => ({ address: key(i), balance: 1000n * FIL }));
  const genesis = await buildGenesis({ network: DEVNET, networkVersion: 3, accounts, worker: key(0) });
  const early = new MemoryStore();
  early.writeNow({ blocks: genesis.blocks });
  const rules = {
    networkVersionAt: (epoch: number) => (epoch <= 12 ? 3 : 4),
    circulatingSupply: 10n ** 27n,
    upgrades: [{ epoch: 12, name: "actors-v2" }],
  } as const;
  const job = { stateRoot: genesis.stateRoot, parentEpoch: 10, epoch: 15, baseFee: 100n, blocks: [] };
  const expected = await new Executor(OPTIONS, partsOver(early)).applyTipset(job, rules);
  const pool = poolOf(1);
  expect(await pool.client(OPTIONS, partsOver(early)).applyTipset(job, rules)).toEqual(expected);
  const without = { ...rules, upgrades: [], networkVersionAt: () => 3 };
  const other = await pool.client(OPTIONS, partsOver(early)).applyTipset(job, without);
  expect(`${other.stateRoot}`).not.toBe(`${expected.stateRoot}`);
});

test("the process's pool is one for all who hold it, and ends with the last", async () => {
  const [first, second] = [leasePool(), leasePool()];
  expect(second.pool).toBe(first.pool);
  await first.release();
  await first.release();
  const client = second.pool.client(OPTIONS, partsOver(store));
  expect((await client.applyTipset(tipset(20), RULES)).applied.length).toBeGreaterThan(0);
  await second.release();
  await expect(client.applyTipset(tipset(20), RULES)).rejects.toThrow("the pool is closed");
  const third = leasePool();
  expect(third.pool).not.toBe(first.pool);
  await third.release();
});

test("a closed pool rejects what waits, and a closed client lets its runs end", async () => {
  const pool = poolOf(1);
  const { source, open, asked } = gate(store);
  const client = pool.client(OPTIONS, partsOver(source));
  const run = client.applyTipset(tipset(20), RULES);
  await asked;
  const closing = client.close();
  await expect(client.applyTipset(tipset(20), RULES)).rejects.toThrow("the executor is closed");
  open();
  await closing;
  expect((await run).applied.length).toBeGreaterThan(0);
});

test("signatures are verified and made in a worker that is free, with the same answers; without one, nothing waits", async () => {
  const crypto = await loadCrypto();
  const secret = new Uint8Array(32).fill(1);
  const publicKey = crypto.blsPublicKey(secret);
  const signed = [1, 2, 3].map((i) => {
    const bytes = new Uint8Array(38).fill(i);
    return { publicKey, message: bytes, signature: crypto.blsSign(secret, bytes) };
  });
  const [first] = signed as [(typeof signed)[0]];
  const forged = { ...first, message: new Uint8Array(38).fill(9) };
  const aggregate = crypto.blsAggregate(signed.map(({ signature }) => signature));
  const pool = poolOf(2);
  const answers = pool.verify([
    { kind: "signatures", signed },
    { kind: "signatures", signed: [...signed, forged] },
    { kind: "aggregate", messages: signed, signature: aggregate },
    { kind: "aggregate", messages: signed.slice(1), signature: aggregate },
  ]);
  // One worker is left to tipsets, the other is at work.
  expect(pool.verify([{ kind: "signatures", signed }])).toBeNull();
  expect(pool.sign({ secret, message: first.message })).toBeNull();
  expect(await answers).toEqual([true, false, true, false]);
  await expect(pool.verify([{ kind: "signatures", signed: [{ ...first, signature: publicKey }] }])).rejects.toThrow();
  expect(await pool.verify([{ kind: "signatures", signed: [first] }])).toEqual([true]);
  expect(await pool.sign({ secret, message: first.message })).toEqual(first.signature);
  await expect(pool.sign({ secret: new Uint8Array(32), message: first.message })).rejects.toThrow();
  expect(await pool.sign({ secret, message: forged.message })).toEqual(crypto.blsSign(secret, forged.message));
  await pool.close();
  expect(pool.verify([{ kind: "signatures", signed }])).toBeNull();
  expect(poolOf(1).verify([{ kind: "signatures", signed }])).toBeNull();
});
