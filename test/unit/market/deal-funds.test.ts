/** Funds for deals while heads move faster than they are looked at: nothing is sent twice, nothing forgotten. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import type { MarketChain } from "../../../src/market/storage/chain-access.ts";
import { MarketFunds, totalOf } from "../../../src/market/storage/funds.ts";
import type { DealProposal } from "../../../src/market/storage/proposal.ts";
import { Random } from "../../../src/sim/random.ts";
import type { BlockStore } from "../../../src/storage/contract.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import type { SignedMessage } from "../../../src/types/message.ts";
import { FakeMarket, MINER, rootOf } from "../../support/market-chain.ts";

const crypto = await loadCrypto();
const CLIENT = Address.id(101);

test("a message that leaves the pool while the balance is read is not sent again", async () => {
  const market = new FakeMarket(crypto);
  const plain = market.chain();
  // Each look at the balance finds another head behind it; with the last one the message is executed.
  let looks = 0;
  const chain = Object.create(plain, {
    escrow: {
      async value(id: Address) {
        const found = await plain.escrow(id);
        if (++looks === 5) market.mine();
        else market.epoch++;
        return found;
      },
    },
  }) as MarketChain;
  const blocks = new MemoryStore();
  const funds = new MarketFunds({ blocks, chain, isWaiting: market.isWaiting });
  const hold = (deal: string, amount: bigint) => {
    looks = 0;
    return funds.hold(market.client, CLIENT, deal, amount);
  };
  await hold("a", 100n);
  await hold("b", 50n);
  for (let i = 0; i < 20 && !(await funds.isCovered(CLIENT)); i++) {
    await hold("a", 100n);
    await hold("b", 50n);
  }
  market.mine();
  expect(await funds.isCovered(CLIENT)).toBe(true);
  expect(market.held(CLIENT)).toEqual({ escrow: 150n, locked: 0n });
  expect(totalOf(await funds.of(CLIENT))).toBe(150n);
  await funds.drop(CLIENT, "a");
  await funds.drop(CLIENT, "a");
  expect(totalOf(await funds.of(CLIENT))).toBe(50n);
  await expect(funds.withdraw(market.client, CLIENT, CLIENT, 101n)).rejects.toThrow(/reserved: 50 attoFIL/);
  // What was never sent is not there for the next one to count on.
  await funds.reserve(market.client, CLIENT, 200n);
  market.mine();
  expect(market.held(CLIENT).escrow).toBe(250n);
});

test("a message that got a higher fee by hand is under way as it was; one in whose place is another is sent again", async () => {
  const market = new FakeMarket(crypto);
  const blocks = new MemoryStore();
  const open = () => new MarketFunds({ blocks, chain: market.chain(), isWaiting: market.isWaiting });
  const hold = (deal: string, amount: bigint) => open().hold(market.client, CLIENT, deal, amount);
  const waiting = () => market.pool[0] as SignedMessage;
  await hold("a", 100n);
  market.replace(waiting());
  expect(await hold("a", 100n)).toBeNull();
  expect(await hold("b", 50n)).not.toBeNull();
  market.replace(waiting());
  market.mine();
  expect(market.held(CLIENT).escrow).toBe(150n);
  expect((await open().of(CLIENT)).adding).toHaveLength(2);
  expect(await hold("b", 50n)).toBeNull();
  expect((await open().of(CLIENT)).adding).toEqual([]);
  // Taken out, with another fee: it is not free for somebody else meanwhile.
  await open().withdraw(market.client, CLIENT, CLIENT, 0n);
  market.mine();
  await open().drop(CLIENT, "b");
  await open().withdraw(market.client, CLIENT, CLIENT, 50n);
  market.replace(waiting());
  await expect(open().withdraw(market.client, CLIENT, CLIENT, 50n)).rejects.toThrow(/reserved/);
  market.mine();
  expect(market.held(CLIENT).escrow).toBe(100n);
  // Its nonce is another message's: what it was to bring does not come.
  await hold("c", 30n);
  market.replace(waiting(), { value: 0n });
  expect(await hold("c", 30n)).not.toBeNull();
  market.mine();
  expect(market.held(CLIENT).escrow).toBe(130n);
});

test("what is held for a deal that the market has locked already is not put in again for the next one", async () => {
  const market = new FakeMarket(crypto);
  const funds = new MarketFunds({
    ...{ blocks: new MemoryStore(), chain: market.chain(), isWaiting: market.isWaiting },
  });
  const proposal = (label: string): DealProposal => ({
    ...{ pieceCid: rootOf(1), pieceSize: 128n, verified: false, client: market.client, provider: MINER, label },
    ...{ startEpoch: 100n, endEpoch: 200n, pricePerEpoch: 1n, providerCollateral: 0n, clientCollateral: 0n },
  });
  const [one, two] = [proposal("one"), proposal("two")];
  const hold = (deal: string, wanted: DealProposal) => funds.hold(market.client, CLIENT, deal, 100n, wanted);
  expect(await hold("one", one)).not.toBeNull();
  market.mine();
  // Published: the market has locked the price, and the client has not heard of it yet.
  const onChain = market.normalised(one) as DealProposal;
  market.deals.push({ proposal: onChain, activated: null, slashed: null, updated: null, gone: null });
  market.held(CLIENT).locked += 100n;
  expect(await funds.isCovered(CLIENT)).toBe(true);
  // What is locked is not reserved beside that: of 100 in escrow nothing is lacking, and nothing is free.
  expect(await funds.reservedOf(CLIENT)).toBe(0n);
  expect(await hold("two", two)).not.toBeNull();
  expect(await funds.reservedOf(CLIENT)).toBe(100n);
  market.mine();
  expect(market.held(CLIENT)).toEqual({ escrow: 200n, locked: 100n });
  expect(await funds.reservedOf(CLIENT)).toBe(100n);
  expect(await hold("two", two)).toBeNull();
  await expect(funds.withdraw(market.client, CLIENT, CLIENT, 1n)).rejects.toThrow(/reserved: 100 attoFIL/);
  await funds.add(market.client, CLIENT, 30n);
  market.mine();
  await expect(funds.withdraw(market.client, CLIENT, CLIENT, 31n)).rejects.toThrow(/reserved: 100 attoFIL/);
  expect(await funds.withdraw(market.client, CLIENT, CLIENT, 30n)).not.toBeNull();
  market.mine();
  expect(await funds.isCovered(CLIENT)).toBe(true);
  await funds.drop(CLIENT, "one");
  expect(await funds.isCovered(CLIENT)).toBe(true);
});

test("deals that wait for their funds ask again at each head, and nothing is written for it that is written already", async () => {
  const market = new FakeMarket(crypto);
  const blocks = new MemoryStore();
  let [writes, looks] = [0, 0];
  const counted = Object.create(blocks, {
    write: {
      value: (...given: Parameters<typeof blocks.write>) => {
        writes++;
        return blocks.write(...given);
      },
    },
  }) as BlockStore;
  const plain = market.chain();
  const chain = Object.create(plain, {
    pendingOf: {
      value: (names: readonly string[]) => {
        looks++;
        return plain.pendingOf(names);
      },
    },
  }) as MarketChain;
  const funds = new MarketFunds({ blocks: counted, chain, isWaiting: market.isWaiting });
  const deals = Array.from({ length: 50 }, (_, n) => `deal${n}`);
  const ask = async (): Promise<void> => {
    for (const deal of deals) await funds.hold(market.client, CLIENT, deal, 10n);
  };
  await ask();
  expect(writes).toBeGreaterThanOrEqual(deals.length);
  for (let heads = 0; heads < 3; heads++) {
    [writes, looks] = [0, 0];
    await ask();
    expect(writes).toBe(0);
    expect(looks).toBe(deals.length);
  }
  // What was executed is forgotten, and what is lacking is sent together: two things to write.
  market.mine();
  writes = 0;
  await ask();
  expect(writes).toBe(1);
  market.mine();
  await ask();
  expect(writes).toBe(2);
  expect(await funds.isCovered(CLIENT)).toBe(true);
  expect(market.held(CLIENT)).toEqual({ escrow: 500n, locked: 0n });
});

/** What the chain and the pool say of the client's balance, whatever a node has written down. */
function balance(market: FakeMarket) {
  const of = (method: bigint, amount: (signed: FakeMarket["pool"][0]) => bigint): bigint =>
    market.pool.filter(({ message }) => message.method === method).reduce((sum, one) => sum + amount(one), 0n);
  const coming = of(2n, ({ message }) => message.value);
  const going = of(3n, ({ message }) => BigInt((dagCbor.decode(message.params) as [unknown, string])[1]));
  const { escrow, locked } = market.held(CLIENT);
  return { here: escrow - locked - going, coming };
}

test("what is being taken out is there for nobody: not for a deal, and not to be taken out once more", async () => {
  const market = new FakeMarket(crypto);
  const funds = new MarketFunds({ blocks: new MemoryStore(), chain: market.chain(), isWaiting: market.isWaiting });
  await funds.add(market.client, CLIENT, 150n);
  // What comes of its own user is counted on.
  expect(await funds.hold(market.client, CLIENT, "a", 50n)).toBeNull();
  expect(await funds.isCovered(CLIENT, "a")).toBe(false);
  market.mine();
  expect(await funds.isCovered(CLIENT, "a")).toBe(true);
  await funds.withdraw(market.client, CLIENT, CLIENT, 100n);
  await expect(funds.withdraw(market.client, CLIENT, CLIENT, 1n)).rejects.toThrow(/reserved: 50 attoFIL/);
  expect(await funds.hold(market.client, CLIENT, "b", 60n)).not.toBeNull();
  expect([await funds.isCovered(CLIENT, "a"), await funds.isCovered(CLIENT, "b")]).toEqual([true, false]);
  market.mine();
  expect(market.held(CLIENT).escrow).toBe(110n);
  expect(await funds.isCovered(CLIENT, "b")).toBe(true);
  expect((await funds.of(CLIENT)).taking).toHaveLength(1);
  await funds.hold(market.client, CLIENT, "b", 60n);
  expect((await funds.of(CLIENT)).taking).toEqual([]);
});

test("more than there is may be asked for, and takes out what there is: no deal puts more in for it", async () => {
  const market = new FakeMarket(crypto);
  const funds = new MarketFunds({ blocks: new MemoryStore(), chain: market.chain(), isWaiting: market.isWaiting });
  market.held(CLIENT).escrow = 100n;
  await funds.withdraw(market.client, CLIENT, CLIENT, 10n ** 27n);
  expect(await funds.hold(market.client, CLIENT, "a", 50n)).not.toBeNull();
  expect(await funds.isCovered(CLIENT, "a")).toBe(false);
  expect(market.pool.map(({ message }) => message.value)).toEqual([0n, 50n]);
  market.mine();
  expect(market.held(CLIENT).escrow).toBe(50n);
  expect(await funds.isCovered(CLIENT, "a")).toBe(true);
});

test("a deal does not wait for those that came after it, and many at once are funded by few messages", async () => {
  const market = new FakeMarket(crypto);
  const funds = new MarketFunds({ blocks: new MemoryStore(), chain: market.chain(), isWaiting: market.isWaiting });
  const names = Array.from({ length: 200 }, (_, i) => `deal${i}`);
  await funds.hold(market.client, CLIENT, "first", 7n);
  market.mine();
  await Promise.all(names.map((name) => funds.hold(market.client, CLIENT, name, 10n)));
  expect([await funds.isCovered(CLIENT, "first"), await funds.isCovered(CLIENT)]).toEqual([true, false]);
  expect(market.pool.length).toBeLessThan(10);
  for (let i = 0; i < 3; i++) {
    market.mine();
    await Promise.all(names.map((name) => funds.hold(market.client, CLIENT, name, 10n)));
  }
  expect([await funds.isCovered(CLIENT), market.held(CLIENT).escrow]).toEqual([true, 2007n]);
  expect(market.executed.length).toBeLessThan(12);
});

test.each([1, 2, 3, 4, 5, 6])(
  "many deals, funds put in and taken out, failures and crashes at every step: nothing is reserved twice or for ever (%i)",
  async (seed) => {
    const random = new Random(`funds/${seed}`);
    const market = new FakeMarket(crypto);
    const store: BlockStore = new MemoryStore();
    const plain = market.chain();
    /** Where the next message, or write, fails: before it is written down, behind that, or as the process ends. */
    let failsAt: "send" | "keep" | "pool" | "write" | null = null;
    const fails = (at: typeof failsAt): void => {
      if (failsAt !== at) return;
      failsAt = null;
      throw new Error(`failed at ${at}`);
    };
    const chain = Object.create(plain, {
      messages: {
        value: {
          ...plain.messages,
          send: async (draft: never, keep: (signed: never) => Promise<void>) => {
            fails("send");
            await plain.messages.send(draft, async (signed) => {
              fails("keep");
              await keep(signed as never);
              fails("pool");
            });
          },
        },
      },
    }) as MarketChain;
    const blocks = Object.create(store, {
      metadata: { value: store.metadata.bind(store) },
      write: {
        async value(...given: Parameters<typeof blocks.write>) {
          fails("write");
          await store.write(...given);
        },
      },
    }) as BlockStore;
    const open = () => new MarketFunds({ blocks, chain, isWaiting: market.isWaiting });
    let funds = open();
    /** Deals as their records have them, in the order in which they were held first. */
    const wanted = new Map<string, bigint>();
    let [reserved, most, added, taken] = [0n, 0n, 0n, 0n];
    const total = (): bigint => [...wanted.values()].reduce((sum, one) => sum + one, reserved);
    const tried = async (work: Promise<unknown>): Promise<boolean> =>
      work.then(
        () => true,
        () => false,
      );
    for (let step = 0; step < 150; step++) {
      failsAt = random.chance(0.25) ? random.pick(["send", "keep", "pool", "write"] as const) : null;
      const amount = BigInt(random.between(1, 100));
      const name = random.pick(["a", "b", "c", "d", "e"]);
      const kind = random.pick([
        "hold",
        "hold",
        "hold",
        "drop",
        "mine",
        "mine",
        "add",
        "take",
        "reserve",
        "free",
        "die",
      ]);
      if (kind === "hold") {
        const held = wanted.get(name) ?? amount;
        if (await tried(funds.hold(market.client, CLIENT, name, held))) wanted.set(name, held);
        else if (!(await funds.of(CLIENT)).holds.has(name)) wanted.delete(name);
      } else if (kind === "drop") {
        if (await tried(funds.drop(CLIENT, name))) wanted.delete(name);
      } else if (kind === "add") added += (await tried(funds.add(market.client, CLIENT, amount))) ? amount : 0n;
      else if (kind === "take") {
        const spare = balance(market).here - total();
        const isTaken = await tried(funds.withdraw(market.client, CLIENT, CLIENT, amount));
        if (isTaken && total() > 0n) expect(amount <= spare, `step ${step}: ${amount} of ${spare}`).toBe(true);
        taken += isTaken ? amount : 0n;
      } else if (kind === "reserve") {
        reserved += (await tried(funds.reserve(market.client, CLIENT, amount))) ? amount : 0n;
      } else if (kind === "free") {
        if (await tried(funds.release(CLIENT, amount))) reserved = reserved > amount ? reserved - amount : 0n;
      } else if (kind === "mine") market.mine();
      else funds = open();
      failsAt = null;
      if (total() > most) most = total();
      // What is reserved is what was asked for, and no more was sent than it, and what the user put in, needs.
      expect(totalOf(await funds.of(CLIENT)), `step ${step}, ${kind}`).toBe(total());
      const { here, coming } = balance(market);
      expect(here + coming, `step ${step}, ${kind}`).toBeLessThanOrEqual(most + added + taken);
      let upTo = (await funds.of(CLIENT)).reserved;
      for (const [deal, { amount: held }] of (await funds.of(CLIENT)).holds) {
        upTo += held;
        if (await funds.isCovered(CLIENT, deal)) expect(upTo, `step ${step}, ${deal}`).toBeLessThanOrEqual(here);
      }
    }
    for (let i = 0; i < 3; i++) {
      for (const [deal, amount] of wanted) await funds.hold(market.client, CLIENT, deal, amount);
      await funds.reserve(market.client, CLIENT, 0n);
      market.mine();
    }
    expect(await funds.isCovered(CLIENT)).toBe(true);
    for (const deal of wanted.keys()) await funds.drop(CLIENT, deal);
    await funds.release(CLIENT, reserved);
    await funds.hold(market.client, CLIENT, "last", 0n);
    await funds.drop(CLIENT, "last");
    expect(await store.metadata(`market/reserved/${CLIENT}`)).toBeUndefined();
  },
);
