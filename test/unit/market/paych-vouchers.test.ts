/**
 * Vouchers of payment channels, made, checked, taken in and submitted. The cases are those of lotus' tables
 * (paychmgr/paych_test.go at b835fab702eb), and those of vouchers with conditions and merges.
 */
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { signBytes } from "../../../src/keys/keys.ts";
import type { ChannelView } from "../../../src/market/paych/chain-access.ts";
import { PaychManager } from "../../../src/market/paych/manager.ts";
import { Vouchers } from "../../../src/market/paych/vouchers.ts";
import { PaychWatcher, type WatchNote } from "../../../src/market/paych/watcher.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { type SignedVoucher, signingBytes } from "../../../src/types/voucher.ts";
import { FakeChain, keyOfNumber } from "../../support/paych-chain.ts";
import { until } from "../../support/until.ts";

const CHANNEL = Address.actor(new Uint8Array(20).fill(9));
const NOTHING = new Uint8Array(0);
const PAYER = 1;
const PAYEE = 2;

let crypto: Crypto;
let blocks: MemoryStore;
let chain: FakeChain;
let channels: PaychManager;
let vouchers: Vouchers;

beforeAll(async () => {
  crypto = await loadCrypto();
});

async function open(): Promise<void> {
  let made = 0;
  channels = new PaychManager({ blocks, chain, randomBytes: (n) => new Uint8Array(n).fill(++made) });
  vouchers = new Vouchers(channels);
  await channels.start();
}

type Lanes = readonly (readonly [lane: number, redeemed: number, nonce: number])[];

/** A channel with a balance and lanes, of which this node has one party's key. */
async function channelOf(balance: number, lanes: Lanes = [], own: "payer" | "payee" = "payee"): Promise<void> {
  blocks = new MemoryStore();
  chain = new FakeChain(crypto);
  const from = own === "payer" ? chain.own(PAYER) : chain.foreign(PAYER);
  const to = own === "payee" ? chain.own(PAYEE) : chain.foreign(PAYEE);
  setLanes(balance, lanes, from, to);
  await open();
}

function setLanes(balance: number, lanes: Lanes, from = chain.foreign(PAYER), to = chain.foreign(PAYEE)): void {
  const ledger = {
    owed: BigInt(lanes.reduce((sum, [, redeemed]) => sum + redeemed, 0)),
    lanes: new Map(
      lanes.map(([lane, redeemed, nonce]) => [BigInt(lane), { redeemed: BigInt(redeemed), nonce: BigInt(nonce) }]),
    ),
  };
  chain.put(CHANNEL, { from, to, balance: BigInt(balance), ledger });
}

type Change = Partial<Omit<SignedVoucher, "lane" | "nonce" | "amount">> & {
  readonly lane?: number;
  readonly nonce?: number;
  readonly amount?: number;
};

/** A voucher as the payer, or somebody else, signs it. */
function voucherOf(change: Change = {}, signer = PAYER): SignedVoucher {
  const { lane = 1, nonce = 1, amount = 5, ...rest } = change;
  const bare: SignedVoucher = {
    ...{ channel: CHANNEL, timeLockMin: 0n, timeLockMax: 0n, secretHash: NOTHING, extra: null },
    ...{ lane: BigInt(lane), nonce: BigInt(nonce), amount: BigInt(amount), minSettleHeight: 0n, merges: [] },
    ...rest,
    signature: null,
  };
  return { ...bare, signature: signBytes(crypto, keyOfNumber(signer), signingBytes(bare)) };
}

describe("a voucher is valid, or says why not", () => {
  const table: readonly (readonly [string, number, Lanes, Change & { signer?: number }, RegExp | null])[] = [
    ["an amount that the channel has", 10, [], { amount: 5 }, null],
    ["all that it has", 5, [], { amount: 5 }, null],
    ["more than it has", 4, [], { amount: 5 }, /shortfall: 1 attoFIL/],
    ["somebody else's signature", 10, [], { signer: 7 }, /signature is not the payer's/],
    ["the payee's own signature", 10, [], { signer: PAYEE }, /signature is not the payer's/],
    ["a nonce that was used", 10, [[1, 2, 3]], { nonce: 2 }, /nonce too low/],
    ["the same nonce", 10, [[1, 2, 3]], { nonce: 3 }, /nonce too low/],
    ["a higher nonce", 10, [[1, 2, 3]], { nonce: 4 }, null],
    ["a low nonce in another lane", 10, [[2, 2, 3]], { nonce: 1 }, null],
    [
      "less than its lane has redeemed",
      10,
      [[1, 6, 2]],
      { nonce: 3 },
      /lower than amount for voucher with lower nonce/,
    ],
    ["as much as its lane has redeemed", 10, [[1, 5, 2]], { nonce: 3 }, /lower than amount/],
    [
      "its lane's rest",
      10,
      [
        [1, 4, 2],
        [2, 4, 1],
      ],
      { nonce: 3, amount: 6 },
      null,
    ],
    ["too much beside other lanes", 10, [[2, 6, 1]], { amount: 5 }, /shortfall: 1 attoFIL/],
    [
      "too much over its own lane",
      10,
      [
        [1, 4, 1],
        [2, 6, 1],
      ],
      { nonce: 2, amount: 5 },
      /shortfall: 1 attoFIL/,
    ],
    ["another channel", 10, [], { channel: Address.id(4) }, /doesn't match channel address/],
    ["an extra call", 10, [], { extra: { actor: Address.id(1), method: 1n, data: NOTHING } }, /Message Locked/],
    ["an end", 10, [], { timeLockMax: 9n }, /Max Time Locked/],
    ["a beginning", 10, [], { timeLockMin: 9n }, /Min Time Locked/],
    ["a secret", 10, [], { secretHash: new Uint8Array(32) }, /Hash Locked/],
    ["a merge into itself", 10, [[1, 1, 1]], { nonce: 2, merges: [{ lane: 1n, nonce: 9n }] }, /into its own lane/],
    ["a merge of nothing", 10, [], { merges: [{ lane: 8n, nonce: 9n }] }, /which nothing was paid on/],
    ["an old merge", 10, [[2, 1, 3]], { merges: [{ lane: 2n, nonce: 3n }] }, /outdated nonce/],
    ["a merge that loses", 10, [[2, 5, 3]], { amount: 4, merges: [{ lane: 2n, nonce: 4n }] }, /worth less/],
    ["a merge", 10, [[2, 5, 3]], { amount: 10, merges: [{ lane: 2n, nonce: 4n }] }, null],
    [
      "a merge of more than there is",
      10,
      [[2, 5, 3]],
      { amount: 11, merges: [{ lane: 2n, nonce: 4n }] },
      /shortfall: 1 /,
    ],
  ];
  test.each(table)("%s", async (_, balance, lanes, { signer, ...change }, wrong) => {
    await channelOf(balance, lanes);
    const check = vouchers.checkValid(CHANNEL, voucherOf(change, signer));
    if (wrong === null) await check;
    else await expect(check).rejects.toThrow(wrong);
  });
});

describe("who pays", () => {
  beforeEach(() => channelOf(21, [], "payer"));
  const make = (lane: number, amount: number) =>
    vouchers.create(CHANNEL, { lane: BigInt(lane), amount: BigInt(amount) });

  test("makes vouchers lane by lane, or hears what is lacking", async () => {
    const first = await make(1, 5);
    expect(first.voucher).toMatchObject({ lane: 1n, nonce: 1n, amount: 5n });
    expect((await make(1, 10)).voucher).toMatchObject({ nonce: 2n });
    expect((await make(2, 8)).voucher).toMatchObject({ lane: 2n, nonce: 1n });
    // 10 and 8 are promised, 3 are left.
    expect(await make(2, 15)).toEqual({ voucher: null, shortfall: 4n });
    expect((await make(2, 11)).voucher).toMatchObject({ nonce: 2n });
    await expect(make(2, 11)).rejects.toThrow(/lower than amount/);
    expect((await vouchers.list(CHANNEL)).map(({ voucher }) => Number(voucher.amount))).toEqual([5, 10, 8, 11]);
    expect(await channels.availableFunds(CHANNEL)).toMatchObject({ redeemed: 21n });
  });

  test("finds them after being killed: no nonce is used twice, nothing is promised twice", async () => {
    const before = [await make(0, 5), await make(0, 9)];
    await open();
    expect((await vouchers.list(CHANNEL)).map(({ voucher }) => voucher)).toEqual(before.map(({ voucher }) => voucher));
    expect((await make(0, 10)).voucher).toMatchObject({ nonce: 3n });
    expect(await make(1, 12)).toEqual({ voucher: null, shortfall: 1n });
  });

  test("merges lanes; both then end, or wait for the chain", async () => {
    await make(1, 5);
    await make(2, 6);
    const merged = await vouchers.create(CHANNEL, { lane: 2n, amount: 12n, merges: [1n] });
    expect(merged.voucher).toMatchObject({ nonce: 2n, merges: [{ lane: 1n, nonce: 2n }] });
    expect(await channels.availableFunds(CHANNEL)).toMatchObject({ redeemed: 12n });
    await expect(make(1, 7)).rejects.toThrow(/lane 1 was merged into lane 2 and is closed/);
    await expect(make(2, 13)).rejects.toThrow(/lane 2 waits until its voucher/);
    await expect(vouchers.create(CHANNEL, { lane: 3n, amount: 20n, merges: [1n] })).rejects.toThrow(/is closed/);
    await expect(vouchers.create(CHANNEL, { lane: 3n, amount: 20n, merges: [2n] })).rejects.toThrow(/waits/);
    chain.channels.set(`${CHANNEL}`, {
      ...(chain.channels.get(`${CHANNEL}`) as ChannelView),
      ledger: {
        owed: 12n,
        lanes: new Map([
          [1n, { redeemed: 5n, nonce: 2n }],
          [2n, { redeemed: 12n, nonce: 2n }],
        ]),
      },
    });
    expect((await make(2, 21)).voucher).toMatchObject({ nonce: 3n });
    expect((await channels.availableFunds(CHANNEL)).redeemed).toBe(21n);
  });

  test("divides a payment over time evenly, in a lane of its own, all vouchers or none", async () => {
    await channelOf(100, [], "payer");
    const plan = { amount: 100n, count: 3, start: 10n, end: 20n, minSettleHeight: 20n };
    const { vouchers: made, shortfall } = await vouchers.schedule(CHANNEL, plan);
    expect(shortfall).toBe(0n);
    expect(made.map(({ amount, timeLockMin, nonce, lane }) => [amount, timeLockMin, nonce, lane])).toEqual([
      [33n, 13n, 1n, 0n],
      [66n, 16n, 2n, 0n],
      [100n, 20n, 3n, 0n],
    ]);
    await open();
    // They are on the disk, they have their lane, and nothing of the funds is promised twice.
    expect((await vouchers.list(CHANNEL)).map(({ voucher }) => voucher)).toEqual(made);
    expect(await channels.allocateLane(CHANNEL)).toBe(1n);
    expect(await vouchers.schedule(CHANNEL, { ...plan, amount: 7n })).toEqual({ vouchers: [], shortfall: 7n });
    expect(await vouchers.list(CHANNEL)).toHaveLength(3);
    // The payee takes each in.
    await channelOf(100, [], "payee");
    for (const one of made) await vouchers.add(CHANNEL, one, 0n);
    expect(await vouchers.list(CHANNEL)).toHaveLength(3);
  });

  test.each([
    [{ count: 0 }, /1 to 1000 vouchers/],
    [{ count: 1001 }, /1 to 1000 vouchers/],
    [{ amount: 2n }, /2 attoFIL cannot be divided into 3 vouchers/],
    [{ end: 10n }, /the end, epoch 10, must be after the start/],
    [{ end: 12n }, /2 epochs cannot be divided among 3 vouchers/],
  ])("a schedule that cannot be divided is refused: %o", async (more, why) => {
    await channelOf(100, [], "payer");
    const plan = { amount: 100n, count: 3, start: 10n, end: 20n, minSettleHeight: 0n, ...more };
    await expect(vouchers.schedule(CHANNEL, plan)).rejects.toThrow(why);
    expect(await vouchers.list(CHANNEL)).toEqual([]);
  });

  test("only with its key; lanes are given out once", async () => {
    expect([await channels.allocateLane(CHANNEL), await channels.allocateLane(CHANNEL)]).toEqual([0n, 1n]);
    await make(7, 1);
    expect(await channels.allocateLane(CHANNEL)).toBe(8n);
    await channelOf(10, [[4, 1, 1]]);
    expect(await channels.allocateLane(CHANNEL)).toBe(5n);
    await expect(make(1, 1)).rejects.toThrow(/does not have the payer's key/);
  });
});

describe("who is paid", () => {
  const add = (change: Change = {}, least = 0) => vouchers.add(CHANNEL, voucherOf(change), BigInt(least));

  test("hears what a voucher adds, and refuses one that adds too little", async () => {
    await channelOf(100);
    await expect(add({ amount: 1 }, 2)).rejects.toThrow(/too low; minD=2, D=1/);
    expect(await add({ amount: 3 }, 2)).toBe(3n);
    expect(await add({ amount: 3 }, 2)).toBe(0n);
    expect(await add({ nonce: 2, amount: 8 })).toBe(5n);
    expect(await add({ lane: 9, amount: 4 })).toBe(4n);
    expect(await channels.allocateLane(CHANNEL)).toBe(10n);
    await expect(add({ nonce: 1, amount: 9 })).rejects.toThrow(/nonce too low/);
    await open();
    expect(await add({ nonce: 3, amount: 10 })).toBe(2n);
  });

  test("needs a key of the channel, which is tracked from then on", async () => {
    await channelOf(100);
    expect(channels.list()).toEqual([]);
    await add();
    expect(channels.list().map(String)).toEqual([`${CHANNEL}`]);
    expect(await channels.tracked(CHANNEL)).toMatchObject({ direction: "inbound" });
    await channelOf(100, [], "payer");
    chain.keys.clear();
    await expect(add()).rejects.toThrow(/wallet does not have key/);
    await expect(vouchers.list(Address.id(9))).rejects.toThrow(/no payment channel is at/);
  });

  test("counts a voucher with conditions as nothing, and keeps it", async () => {
    await channelOf(100);
    const secret = Uint8Array.of(1, 2, 3);
    const locked = voucherOf({ amount: 6, secretHash: crypto.blake2b256(secret) });
    await expect(vouchers.add(CHANNEL, locked, 1n)).rejects.toThrow(/worth nothing until it is redeemed/);
    expect(await vouchers.add(CHANNEL, locked, 0n)).toBe(0n);
    await expect(
      vouchers.add(CHANNEL, voucherOf({ nonce: 2, amount: 9, secretHash: new Uint8Array(32) }), 0n, secret),
    ).rejects.toThrow(/not the one/);
    await vouchers.add(CHANNEL, locked, 0n, secret);
    expect((await vouchers.list(CHANNEL))[0]?.secret).toEqual(secret);
    // The next one stands for all of its lane.
    await expect(add({ nonce: 2, amount: 6 })).rejects.toThrow(/lower than amount/);
    expect(await add({ nonce: 2, amount: 7 })).toBe(7n);
  });

  test("spends the best voucher of each lane, each once", async () => {
    await channelOf(100);
    await add({ lane: 0, nonce: 1, amount: 3 });
    await add({ lane: 0, nonce: 2, amount: 7 });
    await add({ lane: 1, nonce: 1, amount: 9 });
    const best = async () => (await vouchers.bestSpendable(CHANNEL)).map(({ amount }) => Number(amount));
    expect(await best()).toEqual([7, 9]);
    await vouchers.submit(CHANNEL, voucherOf({ lane: 0, nonce: 2, amount: 7 }));
    expect(chain.sent.at(-1)?.draft.from.equals(chain.foreign(PAYEE))).toBe(true);
    expect(await best()).toEqual([9]);
    for (const one of [voucherOf({ lane: 0, nonce: 2, amount: 7 }), voucherOf({ lane: 0, nonce: 1, amount: 3 })])
      await expect(vouchers.submit(CHANNEL, one)).rejects.toThrow(/already been submitted/);
    chain.exit = 16;
    expect(await best()).toEqual([]);
  });

  test("may submit again what failed, and what it never added", async () => {
    await channelOf(100);
    const one = voucherOf();
    await vouchers.submit(CHANNEL, one);
    expect(await vouchers.checkSpendable(CHANNEL, one)).toBe(false);
    chain.execute(16);
    await until("the failure", async () => (await vouchers.list(CHANNEL))[0]?.submitted === null);
    expect(await vouchers.checkSpendable(CHANNEL, one)).toBe(true);
    await vouchers.submit(CHANNEL, one);
    await open();
    await expect(vouchers.submit(CHANNEL, one)).rejects.toThrow(/already been submitted/);
  });
});

describe("the watcher", () => {
  let notes: WatchNote[];
  const look = async (): Promise<readonly (readonly number[])[]> => {
    notes = [];
    const watcher = new PaychWatcher(channels, vouchers, (note) => notes.push(note));
    const before = chain.sent.length;
    watcher.headMoved();
    await watcher.idle();
    return chain.sent.slice(before).map(({ draft }) => [...draft.params]);
  };
  const settle = (at: number): void =>
    void chain.put(CHANNEL, { from: chain.foreign(PAYER), to: chain.foreign(PAYEE), settlingAt: at });
  const add = (change: Change, secret = NOTHING) => vouchers.add(CHANNEL, voucherOf(change), 0n, secret);

  test("submits the best voucher of each lane once the channel settles, and only before it closes", async () => {
    await channelOf(100);
    await add({ lane: 0, nonce: 1, amount: 3 });
    await add({ lane: 0, nonce: 2, amount: 7 });
    await add({ lane: 1, nonce: 1, amount: 9 });
    expect(await look()).toEqual([]);
    settle(chain.epoch + 1);
    expect(await look()).toEqual([]);
    settle(chain.epoch + 2);
    expect(await look()).toEqual([
      [0, 2],
      [1, 1],
    ]);
    expect(notes.map(({ kind }) => kind)).toEqual(["submitted", "submitted"]);
    expect(await look()).toEqual([]);
  });

  test("tries again what failed, waits for locks and secrets, and submits before a voucher expires", async () => {
    await channelOf(100);
    const secret = Uint8Array.of(4);
    const locked = { lane: 0, amount: 3, secretHash: crypto.blake2b256(secret) };
    await add(locked);
    await add({ lane: 1, amount: 9, timeLockMin: 50n });
    await add({ lane: 2, amount: 5, timeLockMax: 400n });
    expect(await look()).toEqual([]);
    chain.epoch = 200;
    expect(await look()).toEqual([[2, 1]]);
    chain.execute(16);
    await until("the failure", async () => (await vouchers.list(CHANNEL)).every(({ submitted }) => submitted === null));
    settle(3000);
    expect(await look()).toEqual([
      [1, 1],
      [2, 1],
    ]);
    await add(locked, secret);
    expect(await look()).toEqual([[0, 1]]);
  });

  test("a voucher that merges lanes comes after theirs", async () => {
    await channelOf(100);
    await add({ lane: 0, amount: 3 });
    await add({ lane: 1, amount: 9, merges: [{ lane: 0n, nonce: 2n }] });
    settle(3000);
    expect(await look()).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  test("of what the pool refuses it tells, and comes back to it later", async () => {
    await channelOf(100);
    await add({});
    settle(3000);
    chain.refusal = new Error("pool is full");
    expect(await look()).toEqual([]);
    expect(notes).toMatchObject([{ kind: "refused", why: "pool is full" }]);
    const watcher = new PaychWatcher(channels, vouchers, (note) => notes.push(note));
    for (let head = 0; head < 3; head++) {
      watcher.headMoved();
      await watcher.idle();
    }
    expect(notes).toHaveLength(2);
    chain.refusal = null;
    expect(await look()).toEqual([[1, 1]]);
  });
});
