import { expect, test } from "vitest";
import { estimateFeeCap, estimatePremium, QUIET_PREMIUM, roomyGasLimit } from "../../../src/mpool/fees.ts";
import { MessagePool, type SenderState } from "../../../src/mpool/pool.ts";
import { POOL_LIMITS, PoolError, type PoolErrorData, replacementPremium } from "../../../src/mpool/rules.ts";
import { Address } from "../../../src/types/address.ts";
import { FIL } from "../../../src/types/amount.ts";
import type { Message, SignedMessage } from "../../../src/types/message.ts";

const sender = (i: number): Address => Address.secp256k1(new Uint8Array(65).fill(i + 1));

function makePool(states: Map<string, SenderState>, valid = true): MessagePool {
  return new MessagePool({
    resolveKey: async (address) => (states.has(`${address}`) ? address : null),
    senderState: async (address) => states.get(`${address}`) ?? null,
    verify: () => valid,
    minGas: () => 100n,
  });
}

function signed(from: Address, nonce: bigint, change: Partial<Message> = {}): SignedMessage {
  const message = {
    to: sender(99),
    from,
    nonce,
    value: 0n,
    gasLimit: 1000n,
    gasFeeCap: 1000n,
    gasPremium: 100n,
    method: 0n,
    params: new Uint8Array(0),
  };
  return { message: { ...message, ...change }, signature: { type: 1, data: new Uint8Array(65) } };
}

const rich = (nonce = 0n): SenderState => ({ nonce, balance: FIL });
const one = (state = rich()) => new Map([[`${sender(0)}`, state]]);

async function refusal(work: Promise<unknown>): Promise<PoolErrorData["code"] | "accepted"> {
  try {
    await work;
    return "accepted";
  } catch (error) {
    expect(error).toBeInstanceOf(PoolError);
    return (error as PoolError).code;
  }
}

test.each<[string, Partial<Message>, PoolErrorData["code"]]>([
  ["a negative value", { value: -1n }, "BAD_FIELD"],
  ["more than all FIL", { value: 3_000_000_000n * FIL }, "BAD_FIELD"],
  ["a premium above the cap", { gasPremium: 1001n }, "BAD_FIELD"],
  ["a cap below any base fee", { gasFeeCap: 99n, gasPremium: 1n }, "FEE_TOO_LOW"],
  ["less gas than storing it costs", { gasLimit: 99n }, "GAS_LIMIT"],
  ["more gas than a block has", { gasLimit: 10_000_000_001n }, "GAS_LIMIT"],
  ["64 KiB and more", { params: new Uint8Array(64 << 10) }, "TOO_LARGE"],
  ["more funds than the sender has", { value: FIL }, "INSUFFICIENT_FUNDS"],
  ["a nonce far ahead", { nonce: 5n }, "NONCE_GAP"],
])("pool: refuses %s", async (_, change, code) => {
  expect(await refusal(makePool(one()).push(signed(sender(0), 0n, change)))).toBe(code);
});

test("pool: refuses a used nonce, a bad signature and an unknown sender", async () => {
  expect(await refusal(makePool(one(rich(3n))).push(signed(sender(0), 2n)))).toBe("NONCE_TOO_LOW");
  expect(await refusal(makePool(one(), false).push(signed(sender(0), 0n)))).toBe("BAD_SIGNATURE");
  expect(await refusal(makePool(one()).push(signed(sender(1), 0n)))).toBe("UNKNOWN_SENDER");
});

test("pool: a message is replaced only for a quarter more premium and one", async () => {
  const pool = makePool(one());
  await pool.push(signed(sender(0), 0n, { gasPremium: 100n }));
  const least = replacementPremium(100n);
  expect(least).toBe(126n);
  expect(await refusal(pool.push(signed(sender(0), 0n, { gasPremium: 100n })))).toBe("ALREADY_PENDING");
  expect(await refusal(pool.push(signed(sender(0), 0n, { gasPremium: least - 1n })))).toBe("REPLACE_FEE_TOO_LOW");
  expect(await refusal(pool.push(signed(sender(0), 0n, { gasPremium: least })))).toBe("accepted");
  expect(pool.size).toBe(1);
  expect(pool.pending()[0]?.message.gasPremium).toBe(least);
});

test("pool: funds are counted over the whole line", async () => {
  const pool = makePool(one({ nonce: 0n, balance: 2_500_000n }));
  await pool.push(signed(sender(0), 0n));
  await pool.push(signed(sender(0), 1n));
  expect(await refusal(pool.push(signed(sender(0), 2n)))).toBe("INSUFFICIENT_FUNDS");
});

test("pool: one sender may have so many waiting and no more", async () => {
  const pool = makePool(one({ nonce: 0n, balance: 10n ** 30n }));
  for (let i = 0; i < POOL_LIMITS.pendingPerSender; i++) await pool.push(signed(sender(0), BigInt(i)));
  expect(await refusal(pool.push(signed(sender(0), 1000n)))).toBe("TOO_MANY_PENDING");
});

test("pool: selection keeps nonce order, cuts at gaps and unpaid fees, and takes the dearest first", async () => {
  const states = new Map([0, 1].map((i) => [`${sender(i)}`, rich()] as const));
  const pool = makePool(states);
  await pool.push(signed(sender(0), 0n, { gasPremium: 10n }));
  await pool.push(signed(sender(0), 1n, { gasPremium: 900n }));
  await pool.push(signed(sender(0), 3n));
  await pool.push(signed(sender(1), 0n, { gasPremium: 500n }));
  await pool.push(signed(sender(1), 1n, { gasFeeCap: 150n }));
  const chosen = (await pool.select(200n)).map(({ message }) => [`${message.from}`, message.nonce]);
  expect(chosen).toEqual([
    [`${sender(1)}`, 0n],
    [`${sender(0)}`, 0n],
    [`${sender(0)}`, 1n],
  ]);
});

test("pool: what the state has used up goes away, and listeners hear of it", async () => {
  const states = one();
  const pool = makePool(states);
  const heard: string[] = [];
  pool.onChange(({ kind, signed: { message } }) => heard.push(`${kind} ${message.nonce}`));
  await pool.push(signed(sender(0), 0n));
  await pool.push(signed(sender(0), 1n));
  expect(pool.nextNonce(sender(0), 0n)).toBe(2n);
  states.set(`${sender(0)}`, rich(1n));
  await pool.prune();
  expect(pool.size).toBe(1);
  pool.clear();
  expect(heard).toEqual(["add 0", "add 1", "remove 0", "remove 1"]);
});

test("fees: a cap outlasts twenty epochs of growth, a premium is never below the quiet one", () => {
  let fee = 100n;
  for (let i = 0; i < 20; i++) fee += fee / 8n;
  expect(estimateFeeCap(100n, 7n)).toBeGreaterThanOrEqual(fee + 7n);
  expect(estimatePremium([])).toBe(QUIET_PREMIUM);
  expect(estimatePremium([1n, 2n, 3n])).toBe(QUIET_PREMIUM);
  expect(estimatePremium([200_000n, 300_000n, 100_000n])).toBe(200_000n);
  expect(roomyGasLimit(1000n)).toBe(1250n);
});
