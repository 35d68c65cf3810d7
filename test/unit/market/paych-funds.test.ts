/**
 * Funds of payment channels. The cases are those of lotus' tables (paychmgr/paychget_test.go at b835fab702eb), and what a
 * process that is killed leaves behind.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { chainAccess, type NodeAccess } from "../../../src/market/paych/chain-access.ts";
import { PaychManager } from "../../../src/market/paych/manager.ts";
import { actorOfCode } from "../../../src/params/actor-codes.ts";
import { devnetAt } from "../../../src/params/networks.ts";
import { findVersion } from "../../../src/schema/versions/rows.ts";
import { StateManagerError } from "../../../src/stmgr/errors.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { type CID, cidOfBlock } from "../../../src/types/cid.ts";
import { FakeChain } from "../../support/paych-chain.ts";
import { until } from "../../support/until.ts";

const RESERVE = { reserve: true, offChain: false } as const;
const FUND = { reserve: false, offChain: false } as const;
const OFF_CHAIN = { reserve: true, offChain: true } as const;
const CHANNEL = Address.actor(new Uint8Array(20).fill(9));

let crypto: Crypto;
let blocks: MemoryStore;
let chain: FakeChain;
let channels: PaychManager;
let from: Address;
let to: Address;

beforeAll(async () => {
  crypto = await loadCrypto();
});
beforeEach(async () => {
  blocks = new MemoryStore();
  chain = new FakeChain(crypto);
  from = chain.own(1);
  to = chain.foreign(2);
  channels = await open();
});

async function open(): Promise<PaychManager> {
  let made = 0;
  const manager = new PaychManager({ blocks, chain, randomBytes: (n) => new Uint8Array(n).fill(++made) });
  await manager.start();
  return manager;
}

const sent = (count: number): Promise<void> => until(`${count} messages`, () => chain.sent.length === count);
const queued = async (amount: bigint): Promise<void> =>
  until(`${amount} queued`, async () => (await channels.availableFundsOf(from, to)).queued === amount);
const confirmed = async (amount: bigint): Promise<void> =>
  until(`${amount} confirmed`, async () => (await channels.availableFundsOf(from, to)).confirmed === amount);
const funds = () => channels.availableFundsOf(from, to);

/** A channel with `amount` in it, of which nobody has reserved `free`. */
async function channelOf(amount: bigint, free = 0n): Promise<void> {
  if (free < amount) {
    await channels.get(from, to, amount - free, RESERVE);
    chain.executeCreate(CHANNEL);
    await confirmed(amount - free);
  }
  if (free === 0n) return;
  await channels.get(from, to, free, FUND);
  if (chain.channels.size === 0) chain.executeCreate(CHANNEL);
  else chain.execute();
  await confirmed(amount);
}

test("a channel that is not there is made with the amount", async () => {
  const { channel, message } = await channels.get(from, to, 10n, RESERVE);
  expect(channel).toBeNull();
  expect(chain.sent).toHaveLength(1);
  expect(chain.sent[0]?.draft).toMatchObject({ value: 10n, method: 2n });
  expect(message?.equals(chain.sent[0]?.cid as never)).toBe(true);
  expect(await funds()).toMatchObject({ channel: null, confirmed: 0n, pending: 10n, pendingAvailable: 0n });
  chain.executeCreate(CHANNEL);
  expect((await channels.waitReady(message as never)).equals(CHANNEL)).toBe(true);
  expect(await funds()).toMatchObject({ confirmed: 10n, pending: 0n, pendingMessage: null });
  expect(channels.list().map(String)).toEqual([`${CHANNEL}`]);
});

test("funds are not put in off-chain, nor is a channel made", async () => {
  await expect(channels.get(from, to, 10n, { reserve: false, offChain: true })).rejects.toThrow(/can't fund/);
  await expect(channels.get(from, to, 10n, OFF_CHAIN)).rejects.toThrow(/payment channel doesn't exist; create it/);
  await expect(channels.get(from, to, -1n, RESERVE)).rejects.toThrow(/not negative/);
  await expect(channels.get(from, from, 1n, RESERVE)).rejects.toThrow(/between two parties/);
  expect(chain.sent).toEqual([]);
});

test("a request for more waits until the channel is there, then adds to it", async () => {
  await channels.get(from, to, 10n, RESERVE);
  const second = channels.get(from, to, 5n, RESERVE);
  await queued(5n);
  expect(chain.sent).toHaveLength(1);
  chain.executeCreate(CHANNEL);
  const { channel, message } = await second;
  expect(channel?.equals(CHANNEL)).toBe(true);
  expect(chain.sent[1]?.draft).toMatchObject({ value: 5n, method: 0n });
  expect(await funds()).toMatchObject({ confirmed: 10n, pending: 5n, queued: 0n });
  chain.execute();
  await channels.waitReady(message as never);
  expect(await funds()).toMatchObject({ confirmed: 15n, pending: 0n });
});

test("what was put in beforehand is reserved without a message; the whole amount is added where it is too little", async () => {
  await channelOf(10n, 10n);
  expect(await funds()).toMatchObject({ available: 10n });
  expect(await channels.get(from, to, 6n, RESERVE)).toMatchObject({ message: null });
  expect(await funds()).toMatchObject({ confirmed: 10n, available: 4n });
  const { message } = await channels.get(from, to, 5n, RESERVE);
  expect(message).not.toBeNull();
  expect(chain.sent.at(-1)?.draft.value).toBe(5n);
  expect(await funds()).toMatchObject({ available: 4n, pending: 5n, pendingAvailable: 0n });
});

test("nothing may be asked for: the channel is made, or given", async () => {
  await channels.get(from, to, 0n, FUND);
  expect(chain.sent[0]?.draft.value).toBe(0n);
  chain.executeCreate(CHANNEL);
  await until("the channel", async () => (await funds()).channel !== null);
  expect(await channels.get(from, to, 0n, FUND)).toMatchObject({ message: null });
  expect(await channels.get(from, to, 0n, OFF_CHAIN)).toMatchObject({ message: null });
});

test("a channel whose making failed is made again for who waited", async () => {
  const { message } = await channels.get(from, to, 10n, RESERVE);
  const second = channels.get(from, to, 7n, RESERVE);
  await queued(7n);
  chain.execute(1);
  await expect(channels.waitReady(message as never)).rejects.toThrow(/creation failed \(exit code 1\)/);
  const { channel } = await second;
  expect(channel).toBeNull();
  expect(chain.sent[1]?.draft).toMatchObject({ method: 2n, value: 7n });
  chain.executeCreate(CHANNEL);
  await confirmed(7n);
});

test("a wait that breaks off is no failure of its message; another message in its place is one", async () => {
  const { message } = await channels.get(from, to, 10n, RESERVE);
  const ready = channels.waitReady(message as never);
  await until("a wait", () => chain.isWaitedFor);
  chain.breakOff(new Error("the store cannot be read"));
  chain.executeCreate(CHANNEL);
  expect(`${await ready}`).toBe(`${CHANNEL}`);
  expect(await funds()).toMatchObject({ confirmed: 10n });
  const more = await channels.get(from, to, 5n, RESERVE);
  await until("another wait", () => chain.isWaitedFor);
  const replaced = { code: "MESSAGE_REPLACED", wanted: "", found: "" } as const;
  chain.breakOff(new StateManagerError(replaced, "message was replaced"));
  await expect(channels.waitReady(more.message as never)).rejects.toThrow("message was replaced");
});

test("funds that could not be added are added by the next request", async () => {
  await channelOf(10n);
  const { message } = await channels.get(from, to, 5n, RESERVE);
  chain.execute(6);
  await expect(channels.waitReady(message as never)).rejects.toThrow(/adding funds \(exit code 6\)/);
  expect(await funds()).toMatchObject({ confirmed: 10n, pending: 0n, pendingMessage: null });
  const again = await channels.get(from, to, 3n, RESERVE);
  chain.execute();
  await channels.waitReady(again.message as never);
  expect(await funds()).toMatchObject({ confirmed: 13n });
});

test("a message that the pool refuses leaves nothing behind", async () => {
  chain.refusal = new Error("no funds");
  await expect(channels.get(from, to, 10n, RESERVE)).rejects.toThrow("no funds");
  expect(channels.book.channels()).toEqual([]);
  expect(channels.book.messages()).toEqual([]);
  chain.refusal = null;
  await channelOf(10n);
  chain.refusal = new Error("no funds");
  await expect(channels.get(from, to, 5n, RESERVE)).rejects.toThrow("no funds");
  expect(await funds()).toMatchObject({ confirmed: 10n, pending: 0n, pendingMessage: null });
});

test("waits end by what is waited for, by an error, by who waits, and by the node", async () => {
  const unknown = cidOfBlock(Uint8Array.of(1));
  await expect(channels.waitReady(unknown)).rejects.toThrow(/Could not find wait msg/);
  const { message } = await channels.get(from, to, 10n, RESERVE);
  const gone = new AbortController();
  const wait = channels.waitReady(message as never, gone.signal);
  gone.abort(new Error("gone"));
  await expect(wait).rejects.toThrow("gone");
  const stopped = channels.waitReady(message as never);
  stopped.catch(() => undefined);
  await channels.close();
  await expect(stopped).rejects.toThrow(/stopping/);
});

test("requests that wait are served by one message, each with what it reserves", async () => {
  await channels.get(from, to, 10n, RESERVE);
  const waiting = [
    channels.get(from, to, 3n, FUND),
    channels.get(from, to, 4n, RESERVE),
    channels.get(from, to, 5n, FUND),
  ];
  await queued(12n);
  chain.executeCreate(CHANNEL);
  const answers = await Promise.all(waiting);
  expect(new Set(answers.map(({ message }) => `${message}`)).size).toBe(1);
  expect(chain.sent.at(-1)?.draft.value).toBe(12n);
  chain.execute();
  await confirmed(22n);
  expect(await funds()).toMatchObject({ available: 8n });
});

test("free funds serve the small requests first; what is off-chain and not covered is refused at once", async () => {
  await channelOf(30n, 20n);
  chain.put(CHANNEL, { from, to });
  const { message: busy } = await channels.get(from, to, 1n, FUND);
  const all = [
    channels.get(from, to, 15n, OFF_CHAIN),
    channels.get(from, to, 8n, OFF_CHAIN),
    channels.get(from, to, 9n, RESERVE),
    channels.get(from, to, 6n, RESERVE),
    channels.get(from, to, 100n, FUND),
  ];
  const settled = Promise.allSettled(all);
  await queued(138n);
  chain.execute(0, undefined, busy as never);
  const [big, small, nine, six, more] = await settled;
  // 21 are free: 8 and 15 off-chain in that order, then 6, then 9.
  expect(small).toMatchObject({ status: "fulfilled", value: { message: null } });
  expect(big).toMatchObject({ status: "rejected" });
  expect(six).toMatchObject({ status: "fulfilled", value: { message: null } });
  expect(nine?.status === "fulfilled" && nine.value.message).toBeTruthy();
  expect(more?.status).toBe("fulfilled");
  expect(chain.sent.at(-1)?.draft.value).toBe(109n);
  expect(await funds()).toMatchObject({ available: 7n, pending: 109n, pendingAvailable: 100n });
});

test("requests of callers that went away cost nothing", async () => {
  await channels.get(from, to, 10n, RESERVE);
  const gone = new AbortController();
  const [one, two] = [channels.get(from, to, 3n, RESERVE, gone.signal), channels.get(from, to, 4n, RESERVE)];
  one.catch(() => undefined);
  await queued(7n);
  gone.abort(new Error("gone"));
  await expect(one).rejects.toThrow("gone");
  expect(await funds()).toMatchObject({ queued: 4n });
  chain.executeCreate(CHANNEL);
  await two;
  expect(chain.sent.at(-1)?.draft.value).toBe(4n);
});

test("what is set aside for a caller is told, or is not set aside, however he goes away meanwhile", async () => {
  await channelOf(10n, 10n);
  const gone = new AbortController();
  const write = blocks.write.bind(blocks);
  blocks.write = (batch) => {
    gone.abort(new Error("gone"));
    return write(batch);
  };
  expect(await channels.get(from, to, 6n, RESERVE, gone.signal)).toMatchObject({ message: null });
  expect(await funds()).toMatchObject({ available: 4n });
  const early = new AbortController();
  const view = chain.channel.bind(chain);
  chain.channel = (address) => {
    early.abort(new Error("gone"));
    return view(address);
  };
  await expect(channels.get(from, to, 3n, RESERVE, early.signal)).rejects.toThrow("gone");
  expect(await funds()).toMatchObject({ available: 4n });
});

test.each([0, 4, 10, 23])(
  "channels are made of the actors of network version %i, where the next epoch has it",
  async (version) => {
    const networkVersionAt = (epoch: number): number => (epoch > 5 ? version : 16);
    const states = { chain: { head: { height: 5 } }, networkVersionAt, network: devnetAt(version) };
    const { params } = await chainAccess({ states } as unknown as NodeAccess).createDraft(from, to, 1n);
    const [code] = dagCbor.decode(params) as [CID];
    const { actors } = findVersion(version) ?? { actors: -1 };
    expect(actorOfCode(code)).toEqual({ name: "paymentchannel", actorsVersion: actors });
  },
);

test.each(["create", "fund"])(
  "a process that ends while a %s message is under way is followed by one that goes on",
  async (kind) => {
    if (kind === "fund") await channelOf(10n);
    const { message } = await channels.get(from, to, 5n, RESERVE);
    // Killed: nothing is closed, and the chain's answer comes to the next process alone.
    channels = await open();
    expect(await funds()).toMatchObject({ pending: 5n });
    if (kind === "create") chain.executeCreate(CHANNEL);
    else chain.execute();
    await channels.waitReady(message as never);
    expect(await funds()).toMatchObject({ confirmed: kind === "create" ? 5n : 15n, pending: 0n });
  },
);

test("a message that was kept and not sent is sent by the next process, the same one", async () => {
  const send = chain.send.bind(chain);
  let cut = (): void => undefined;
  const killed = new Promise<void>((resolve) => {
    cut = resolve;
  });
  chain.send = async (draft, keep) =>
    send(draft, async (signed) => {
      await keep(signed);
      cut();
      // The process is gone before the pool has it.
      await new Promise(() => undefined);
    });
  void channels.get(from, to, 5n, RESERVE);
  await killed;
  expect(chain.sent).toEqual([]);
  channels = await open();
  await sent(1);
  expect(chain.sent[0]?.draft.value).toBe(5n);
  chain.executeCreate(CHANNEL);
  await confirmed(5n);
});

test("a channel that somebody settles, or that this node does, is not used any more", async () => {
  await channelOf(10n);
  chain.put(CHANNEL, { from, to, settlingAt: 100 });
  const { channel } = await channels.get(from, to, 4n, RESERVE);
  expect(channel).toBeNull();
  const other = Address.actor(new Uint8Array(20).fill(8));
  chain.executeCreate(other);
  await confirmed(4n);
  await channels.settle(other);
  expect(await funds()).toMatchObject({ channel: null, confirmed: 0n });
  chain.execute(1);
  await until("settling is over", async () => (await funds()).channel !== null);
});
