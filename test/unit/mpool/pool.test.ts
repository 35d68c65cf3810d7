import { expect, test } from "vitest";
import type { KeptMessages, OtherBase, PoolNote, SenderState } from "../../../src/mpool/parts.ts";
import { MessagePool } from "../../../src/mpool/pool.ts";
import { POOL_LIMITS, PoolError, type PoolErrorData, replacementPremium } from "../../../src/mpool/rules.ts";
import type { Origin } from "../../../src/mpool/sender-queue.ts";
import { Address } from "../../../src/types/address.ts";
import { FIL } from "../../../src/types/amount.ts";
import type { Tipset } from "../../../src/types/block-header.ts";
import { type Message, type SignedMessage, signedMessageCid } from "../../../src/types/message.ts";

const sender = (i: number): Address => Address.secp256k1(new Uint8Array(65).fill(i + 1));

type World = {
  readonly states: Map<string, SenderState>;
  /** Key address of an ID address. */
  readonly ids?: Map<string, Address>;
  readonly carried?: Map<Tipset, readonly SignedMessage[]>;
  readonly kept?: KeptMessages | null;
  readonly valid?: boolean;
  readonly baseFee?: bigint;
  readonly networkVersion?: number;
  readonly other?: OtherBase;
};

function poolOf({ states, ids, carried, kept = null, valid = true, baseFee = 100n, networkVersion = 5, other }: World) {
  const of = (tipset: Tipset): readonly SignedMessage[] => carried?.get(tipset) ?? [];
  return new MessagePool({
    resolveKey: async (address) => ids?.get(`${address}`) ?? null,
    senderState: async (address) => states.get(`${address}`) ?? null,
    verify: () => valid,
    minGas: () => 100n,
    prefix: "t",
    networkVersion: () => networkVersion,
    baseFee: async () => baseFee,
    carried: async (tipset) => of(tipset).map(({ message }) => message),
    signedOf: async (tipset) => of(tipset),
    seenFrom: async () => other ?? null,
    kept,
  });
}

const makePool = (states: Map<string, SenderState>, valid = true): MessagePool => poolOf({ states, valid });

/** A disk that can be asked what lies on it. */
function disk(): KeptMessages & { readonly messages: Map<string, SignedMessage> } {
  const messages = new Map<string, SignedMessage>();
  return {
    messages,
    add: async (message) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      messages.set(`${signedMessageCid(message)}`, message);
    },
    remember: async () => undefined,
    remove: async (cids) => {
      for (const cid of cids) messages.delete(`${cid}`);
    },
    all: async () => ({ messages: [...messages.values()], unreadable: [] }),
    config: async () => null,
    setConfig: async () => undefined,
  };
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
  ["more fees than the sender has funds for", { gasFeeCap: FIL }, "INSUFFICIENT_FUNDS"],
  ["no gas", { gasLimit: 0n }, "GAS_LIMIT"],
  ["a protocol-4 receiver", { to: Address.fromEthereum(new Uint8Array(20).fill(7)) }, "BAD_ADDRESS"],
  ["a protocol-4 sender", { from: Address.fromEthereum(new Uint8Array(20).fill(7)) }, "BAD_ADDRESS"],
])("pool: refuses %s", async (_, change, code) => {
  expect(await refusal(makePool(one()).push(signed(sender(0), 0n, change)))).toBe(code);
});

test("pool: refuses a used nonce, a bad signature and an unknown sender", async () => {
  expect(await refusal(makePool(one(rich(3n))).push(signed(sender(0), 2n)))).toBe("NONCE_TOO_LOW");
  expect(await refusal(makePool(one(), false).push(signed(sender(0), 0n)))).toBe("BAD_SIGNATURE");
  expect(await refusal(makePool(one()).push(signed(sender(1), 0n)))).toBe("UNKNOWN_SENDER");
});

test("pool: a message is replaced only for a tenth more premium and one", async () => {
  const pool = makePool(one());
  await pool.push(signed(sender(0), 0n, { gasPremium: 100n }));
  const least = replacementPremium(100n);
  expect(least).toBe(111n);
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

test("pool: addresses and signatures of later network versions are taken there", async () => {
  const to = Address.fromEthereum(new Uint8Array(20).fill(7));
  const zero = Address.bls(Uint8Array.from({ length: 48 }, (_, i) => (i === 0 ? 0xc0 : 0)));
  const at = (networkVersion: number) => poolOf({ states: one(), networkVersion });
  expect(await refusal(at(17).push(signed(sender(0), 0n, { to })))).toBe("BAD_ADDRESS");
  expect(await refusal(at(18).push(signed(sender(0), 0n, { to })))).toBe("accepted");
  expect(await refusal(at(6).push(signed(sender(0), 0n, { to: zero })))).toBe("accepted");
  expect(await refusal(at(7).push(signed(sender(0), 0n, { to: zero })))).toBe("BAD_ADDRESS");
  const delegated = { ...signed(sender(0), 0n), signature: { type: 3, data: new Uint8Array(65) } };
  expect(await refusal(at(5).push(delegated))).toBe("BAD_SIGNATURE");
});

test("pool: what is sent need not be covered, its gas must be", async () => {
  expect(await refusal(makePool(one()).push(signed(sender(0), 0n, { value: 5n * FIL })))).toBe("accepted");
});

test("pool: strangers and other nodes may skip fewer nonces and wait with fewer messages than the node's user", async () => {
  const rules: [Origin, bigint, PoolErrorData["code"] | "accepted"][] = [
    ["local", 50n, "accepted"],
    ["network", 4n, "accepted"],
    ["network", 5n, "NONCE_GAP"],
    ["untrusted", 1n, "NONCE_GAP"],
  ];
  for (const [origin, nonce, code] of rules)
    expect(await refusal(makePool(one()).push(signed(sender(0), nonce), origin))).toBe(code);
  const pool = makePool(one());
  for (let i = 0; i < POOL_LIMITS.pendingPerUntrusted; i++) await pool.push(signed(sender(0), BigInt(i)), "untrusted");
  expect(await refusal(pool.push(signed(sender(0), 100n), "untrusted"))).toBe("TOO_MANY_PENDING");
  const dear = poolOf({ states: one(), baseFee: 1_000_000n });
  expect(await refusal(dear.push(signed(sender(0), 0n), "network"))).toBe("FEE_BELOW_BASE_FEE");
});

test("pool: selection drops what the rules of now refuse, with the reason, and goes on", async () => {
  const states = new Map([0, 1].map((i) => [`${sender(i)}`, rich()] as const));
  const world = { states, networkVersion: 18 };
  const pool = poolOf(world);
  await pool.push(signed(sender(0), 0n, { to: Address.fromEthereum(new Uint8Array(20).fill(7)) }));
  await pool.push(signed(sender(1), 0n));
  const notes: string[] = [];
  pool.onNote(({ kind, reason }) => notes.push(`${kind}: ${reason}`));
  (pool as unknown as { parts: { networkVersion: () => number } }).parts.networkVersion = () => 17;
  expect((await pool.select(100n)).map(({ message }) => `${message.from}`)).toEqual([`${sender(1)}`]);
  expect(notes).toEqual([expect.stringMatching(/^dropped: 'To' address protocol unsupported/)]);
  expect(pool.size).toBe(1);
});

test("pool: a sender whose state cannot be read does not stop the others", async () => {
  const states = new Map([0, 1].map((i) => [`${sender(i)}`, rich()] as const));
  const pool = makePool(states);
  await pool.push(signed(sender(0), 0n));
  await pool.push(signed(sender(1), 0n));
  const parts = (pool as unknown as { parts: { senderState: (address: Address) => Promise<SenderState | null> } })
    .parts;
  const { senderState } = parts;
  parts.senderState = (address) =>
    address.equals(sender(0)) ? Promise.reject(new Error("damaged node")) : senderState(address);
  const notes: string[] = [];
  pool.onNote(({ reason }) => notes.push(reason));
  expect((await pool.select(100n)).map(({ message }) => `${message.from}`)).toEqual([`${sender(1)}`]);
  expect(notes.join()).toContain("damaged node");
});

test("pool: a fee cap below the base fee is said, once, and held against nobody else", async () => {
  const pool = poolOf({ states: one(), baseFee: 2000n });
  const notes: string[] = [];
  pool.onNote(({ kind, reason }) => notes.push(`${kind}: ${reason}`));
  await pool.push(signed(sender(0), 0n));
  expect(notes).toEqual([expect.stringMatching(/^waits: its GasFeeCap of 1000 is below the base fee of 2000 attoFIL/)]);
  expect(await pool.select(2000n)).toEqual([]);
  expect(notes.length).toBe(1);
  expect((await pool.select(900n)).length).toBe(1);
});

test("pool: bounded by bytes: what pays least gives way, and nothing else", async () => {
  const big = { params: new Uint8Array(60_000) };
  const states = new Map([0, 1, 2].map((i) => [`${sender(i)}`, { nonce: 0n, balance: 10n ** 30n }] as const));
  const pool = makePool(states);
  const answers: string[] = [];
  for (let i = 0; i < 1200; i++) answers.push(await refusal(pool.push(signed(sender(i % 2), BigInt(i >> 1), big))));
  const accepted = Math.floor(POOL_LIMITS.pendingBytes / (pool.totalBytes / pool.size));
  expect(answers.indexOf("POOL_FULL")).toBe(accepted);
  expect(pool.size).toBe(accepted);
  const dear = signed(sender(2), 0n, { ...big, gasPremium: 900n });
  expect(await refusal(pool.push(dear))).toBe("accepted");
  expect(pool.size).toBe(accepted);
  expect(pool.get(signedMessageCid(dear).bytes)).toBeDefined();
  expect(pool.totalBytes).toBeLessThanOrEqual(POOL_LIMITS.pendingBytes);
});

test("pool: bounded by count, as configured; a configuration that cannot be is refused", async () => {
  const states = new Map(Array.from({ length: 6 }, (_, i) => [`${sender(i)}`, rich()] as const));
  const pool = makePool(states);
  await pool.setConfig({ ...pool.config, sizeLimitHigh: 4, sizeLimitLow: 2 });
  for (let i = 0; i < 4; i++) await pool.push(signed(sender(i), 0n, { gasPremium: 100n + BigInt(i) }));
  expect(await refusal(pool.push(signed(sender(4), 0n, { gasPremium: 100n })))).toBe("POOL_FULL");
  expect(await refusal(pool.push(signed(sender(4), 0n, { gasPremium: 101n })))).toBe("accepted");
  expect(pool.pendingOf(sender(0))).toEqual([]);
  expect(pool.size).toBe(4);
  for (const change of [{ replaceByFeeRatio: 1.09 }, { gasLimitOverestimation: 0.9 }, { sizeLimitHigh: 40_000 }])
    await expect(pool.setConfig({ ...pool.config, ...change })).rejects.toThrow(PoolError);
});

test("pool: twenty at once of one sender, by key and by ID address, get twenty nonces", async () => {
  const id = Address.id(1234);
  const pool = poolOf({ states: one(), ids: new Map([[`${id}`, sender(0)]]), kept: disk() });
  const pushed = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      pool.pushNext(i % 2 === 0 ? sender(0) : id, async (nonce) => {
        await new Promise((resolve) => setTimeout(resolve, i % 3));
        return signed(sender(0), nonce);
      }),
    ),
  );
  expect(pushed.map(({ message }) => Number(message.nonce)).sort((a, b) => a - b)).toEqual([...Array(20).keys()]);
  expect(pool.size).toBe(20);
  expect(await pool.nextNonceOf(id)).toBe(20n);
});

test("pool: a nonce that a block uses up between its choice and the push is chosen again", async () => {
  const states = one();
  const pool = makePool(states);
  const tried: bigint[] = [];
  const pushed = await pool.pushNext(sender(0), async (nonce) => {
    tried.push(nonce);
    if (tried.length === 1) states.set(`${sender(0)}`, rich(3n));
    return signed(sender(0), nonce);
  });
  expect(tried).toEqual([0n, 3n]);
  expect(pushed.message.nonce).toBe(3n);
});

test("pool: messages of this node's user outlive the process, unless a block has them", async () => {
  const states = one();
  const kept = disk();
  const pool = poolOf({ states, kept });
  for (let i = 0; i < 3; i++) await pool.push(signed(sender(0), BigInt(i)));
  await pool.push(signed(sender(0), 3n), "network");
  expect(kept.messages.size).toBe(3);
  states.set(`${sender(0)}`, rich(1n));
  const again = poolOf({ states, kept });
  await again.load();
  expect(again.pending().map(({ message }) => message.nonce)).toEqual([1n, 2n]);
  await Promise.resolve();
  expect(kept.messages.size).toBe(2);
  await again.clear();
  expect(kept.messages.size).toBe(0);
});

test("pool: a kept message that cannot be read is told of, to the first listener also what was before it", async () => {
  const states = one();
  const good = signed(sender(0), 0n);
  const cid = signedMessageCid(signed(sender(0), 1n));
  const kept: KeptMessages = {
    ...disk(),
    all: async () => ({ messages: [good], unreadable: [{ cid, reason: "not found" }] }),
  };
  const pool = poolOf({ states, kept });
  await pool.load();
  expect(pool.pending()).toEqual([good]);
  const heard: PoolNote[] = [];
  pool.onNote((note) => heard.push(note));
  expect(heard).toEqual([{ kind: "unreadable", cid, message: null, reason: "not found" }]);
  const second: PoolNote[] = [];
  pool.onNote((note) => second.push(note));
  expect(second).toEqual([]);
});

test("pool: of notes that nobody hears, the last hundred wait", async () => {
  const cids = Array.from({ length: 101 }, (_, i) => signedMessageCid(signed(sender(0), BigInt(i))));
  const unreadable = cids.map((cid, i) => ({ cid, reason: `${i}` }));
  const pool = poolOf({ states: one(), kept: { ...disk(), all: async () => ({ messages: [], unreadable }) } });
  await pool.load();
  const heard: string[] = [];
  pool.onNote(({ reason }) => heard.push(reason));
  expect(heard).toEqual(unreadable.slice(1).map(({ reason }) => reason));
});

test("pool: a nonce that a reverted message takes while another is signed for it is not taken twice", async () => {
  const tipset = { height: 7 } as Tipset;
  const back = signed(sender(0), 0n);
  const pool = poolOf({ states: one(), carried: new Map([[tipset, [back]]]) });
  const nonces: bigint[] = [];
  const next = await pool.pushNext(sender(0), async (nonce) => {
    nonces.push(nonce);
    if (nonces.length === 1) {
      pool.headChanged([{ type: "revert", tipset }]);
      await pool.settled();
    }
    // It pays enough to take the other one's place.
    return signed(sender(0), nonce, { gasPremium: 1000n });
  });
  expect(nonces).toEqual([0n, 1n]);
  expect(pool.pending()).toEqual([back, next]);
});

test("pool: the state is looked at again if the head moves while a message is written to the disk", async () => {
  const states = one();
  const kept = disk();
  const moving: KeptMessages = {
    ...kept,
    add: async (message) => {
      await kept.add(message);
      states.set(`${sender(0)}`, rich(1n));
      pool.headChanged([]);
    },
  };
  const pool: MessagePool = poolOf({ states, kept: moving });
  expect(await refusal(pool.push(signed(sender(0), 0n)))).toBe("NONCE_TOO_LOW");
  expect(pool.size).toBe(0);
  expect(kept.messages.size).toBe(0);
});

test("pool: what comes back from a reverted block while it is pushed again stays on the disk", async () => {
  const message = signed(sender(0), 0n);
  const tipset = {} as Tipset;
  const kept = disk();
  let isFirst = true;
  const moving: KeptMessages = {
    ...kept,
    add: async (one) => {
      const reverts = isFirst;
      isFirst = false;
      await kept.add(one);
      if (!reverts) return;
      pool.headChanged([{ type: "revert", tipset }]);
      await pool.settled();
    },
  };
  const pool: MessagePool = poolOf({ states: one(), kept: moving, carried: new Map([[tipset, [message]]]) });
  expect(await refusal(pool.push(message))).toBe("ALREADY_PENDING");
  expect(pool.pending()).toEqual([message]);
  expect(kept.messages.size).toBe(1);
});

test("pool: refusals name addresses as the network spells them, and amounts in FIL", async () => {
  const pool = poolOf({ states: new Map([[`${sender(0)}`, { nonce: 0n, balance: FIL / 2n }]]) });
  const dear = signed(sender(0), 0n, { gasFeeCap: FIL / 10n ** 6n, gasLimit: 10n ** 6n });
  await expect(pool.push(dear)).rejects.toThrow("not enough funds: 1 FIL needed with what waits, balance is 0.5 FIL");
  await expect(pool.push(signed(sender(1), 0n))).rejects.toThrow(
    `sender ${sender(1).toString("t")}: actor not found: it has no funds yet, or is a contract, which sends no messages`,
  );
  await expect(pool.nextNonceOf(Address.id(7))).rejects.toThrow("t07: actor not found");
  await pool.push(signed(sender(0), 0n));
  const again = signed(sender(0), 0n, { value: 1n });
  await expect(pool.push(again)).rejects.toThrow(
    `message from ${sender(0).toString("t")} with nonce 0 already in mpool`,
  );
});

test("pool: a message that cannot be kept is not accepted", async () => {
  const kept = { ...disk(), add: () => Promise.reject(new Error("No space left on device")) };
  const pool = poolOf({ states: one(), kept });
  expect(await refusal(pool.push(signed(sender(0), 0n)))).toBe("NOT_KEPT");
  expect(pool.size).toBe(0);
});

test("pool: what the disk cannot forget is told to whoever wants it gone: it would wait again after a restart", async () => {
  const states = one();
  const kept = { ...disk(), remove: () => Promise.reject(new Error("the disk is gone")) };
  const pool = poolOf({ states, kept });
  await pool.push(signed(sender(0), 0n));
  await expect(pool.clear()).rejects.toThrow("the disk is gone");
  expect(pool.size).toBe(0);
  // Refused after it was kept: its sender spends meanwhile what it had.
  const refused = pool.push(signed(sender(0), 1n));
  await new Promise((resolve) => setTimeout(resolve, 0));
  states.set(`${sender(0)}`, { nonce: 0n, balance: 0n });
  pool.headChanged([]);
  await expect(refused).rejects.toThrow("the disk is gone");
});

test("pool: the head moves: what blocks carry goes, what reverted blocks carried comes back", async () => {
  const states = one();
  const tipset = {} as Tipset;
  const carried = new Map([[tipset, [signed(sender(0), 0n), signed(sender(0), 1n)]]]);
  const pool = poolOf({ states, carried });
  for (let i = 0; i < 3; i++) await pool.push(signed(sender(0), BigInt(i)));
  states.set(`${sender(0)}`, rich(2n));
  pool.headChanged([{ type: "apply", tipset }]);
  await pool.settled();
  expect(pool.pending().map(({ message }) => message.nonce)).toEqual([2n]);
  states.set(`${sender(0)}`, rich(0n));
  pool.headChanged([{ type: "revert", tipset }]);
  await pool.settled();
  expect(pool.pending().map(({ message }) => message.nonce)).toEqual([0n, 1n, 2n]);
  expect(await pool.nextNonceOf(sender(0))).toBe(3n);
});

test("pool: what a reverted block carried comes back, though the state of another sender cannot be read", async () => {
  const states = new Map([0, 1].map((i) => [`${sender(i)}`, rich()] as const));
  const tipset = {} as Tipset;
  const pool = poolOf({ states, carried: new Map([[tipset, [signed(sender(0), 0n), signed(sender(1), 0n)]]]) });
  await pool.push(signed(sender(1), 1n));
  const get = states.get.bind(states);
  states.get = (name) => {
    if (name === `${sender(1)}`) throw new Error("a block is missing");
    return get(name);
  };
  pool.headChanged([{ type: "revert", tipset }]);
  await pool.settled();
  expect(pool.pendingOf(sender(0)).map(({ message }) => message.nonce)).toEqual([0n]);
});

test("pool: on another base than the head, what was carried since is chosen again, by the states there", async () => {
  const states = one(rich(2n));
  const carried = [signed(sender(0), 0n), signed(sender(0), 1n), signed(sender(1), 0n)];
  const past = new Map([0, 1].map((i) => [`${sender(i)}`, rich()] as const));
  const other: OtherBase = { senderState: async (address) => past.get(`${address}`) ?? null, carried };
  const pool = poolOf({ states, other });
  await pool.push(signed(sender(0), 2n));
  const nonces = (list: readonly SignedMessage[]) => list.map(({ message }) => Number(message.nonce)).sort();
  expect(nonces(await pool.select(100n, 1, {} as Tipset))).toEqual([0, 0, 1, 2]);
  expect(nonces(await pool.select(100n))).toEqual([2]);
  expect(pool.size).toBe(1);
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
  await pool.clear();
  expect(heard).toEqual(["add 0", "add 1", "remove 0", "remove 1"]);
});
