/** A miner's dealings with the chain, on a network of its own: what it reads, and what its messages do. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { BLOCK_LIMITS } from "../../../../src/consensus/limits.ts";
import type { MinerCall, MinerMessages } from "../../../../src/miner/chain-side/calls.ts";
import type { MinerChain } from "../../../../src/miner/chain-side/chain.ts";
import { minerMessages } from "../../../../src/miner/chain-side/messages.ts";
import { RpcChain } from "../../../../src/miner/chain-side/rpc-chain.ts";
import { senderFor } from "../../../../src/miner/chain-side/sender.ts";
import { MessageTracker } from "../../../../src/miner/chain-side/tracker.ts";
import { Devnet } from "../../../../src/node/devnet.ts";
import type { LocalMiners } from "../../../../src/node/local-miners.ts";
import { MemoryStore } from "../../../../src/storage/memory.ts";
import { FIL } from "../../../../src/types/amount.ts";
import type { SignedMessage } from "../../../../src/types/message.ts";

let net: Devnet;
let chain: MinerChain;
let tracker: MessageTracker;
let calls: MinerMessages;
beforeAll(async () => {
  net = await Devnet.open({ accounts: 2, seed: "chain side", genesisTime: 1_700_000_000, miners: 1, sectors: 2 });
  const local = net.local as LocalMiners;
  chain = local.chainOf(local.miners[0] as (typeof local.miners)[0], net.node);
  tracker = new MessageTracker(chain, net.node.chain.blocks);
  calls = minerMessages(chain.miner, (await chain.head()).networkVersion, chain.prefix);
  await net.clock.mine(2);
});
afterAll(() => net?.close());

/** Sends and waits; the network makes tipsets when they are needed. */
async function done(key: string, call: MinerCall): Promise<number> {
  await tracker.send(key, call);
  return (await tracker.wait(key, 2)).receipt.exitCode;
}

test("reads a miner as the genesis made it", async () => {
  const facts = await chain.facts();
  expect(facts).toMatchObject({ sealProof: 0, sectorBytes: 2048, partitionSectors: 2, newWorker: null, controls: [] });
  const power = await chain.power();
  expect(power).toMatchObject({ raw: 4096n, qualityAdjusted: 4096n, totalRaw: 4096n, hasMinPower: true });
  const sector = await chain.sector(1);
  expect(sector).toMatchObject({ number: 1, expiration: 1_500_000, activation: 0 });
  expect([await chain.sector(2), await chain.isAllocated(1), await chain.isAllocated(2)]).toEqual([null, true, false]);
  const money = await chain.money();
  expect(money.initialPledge).toBe(2n * (sector?.initialPledge ?? 0n));
  expect(money).toMatchObject({ preCommitDeposits: 0n, feeDebt: 0n });
  expect(money.available).toBe(money.balance - money.initialPledge - money.vesting);
  const clock = await chain.deadline();
  const { height } = await chain.head();
  expect(clock.close - clock.open).toBe(60);
  expect(clock.close).toBeGreaterThan(height);
  expect(clock.open).toBeLessThanOrEqual(height + 1);
  const all = [];
  for (let index = 0; index < 48; index++) all.push(...(await chain.sectorsDue(index)).partitions);
  expect(all.flatMap(({ sectors }) => sectors)).toEqual([0, 1]);
});

test("control addresses, peer id, addresses, owner and worker are changed by those who may", async () => {
  const { owner, worker } = await chain.facts();
  const control = (net.accounts[1] as (typeof net.accounts)[0]).id;
  expect((await senderFor(chain, calls.changePeerId(new Uint8Array(1)))).equals(owner)).toBe(true);
  expect(await done("controls", calls.changeWorker(worker, [control]))).toBe(0);
  expect((await chain.facts()).controls.map(String)).toEqual([`${control}`]);
  // From now on the control address sends what it may, and pays for it.
  expect((await senderFor(chain, calls.changePeerId(new Uint8Array(1)))).equals(control)).toBe(true);
  expect(await done("peer", calls.changePeerId(Uint8Array.of(0, 36, 8, 1)))).toBe(0);
  expect(await done("addresses", calls.changeMultiaddrs([Uint8Array.of(4, 127, 0, 0, 1)]))).toBe(0);
  expect(await done("owner", calls.changeOwner(control, "owner"))).toBe(0);
  expect(`${(await chain.facts()).pendingOwner}`).toBe(`${control}`);
  expect(await done("owner/confirm", calls.changeOwner(control, "proposed"))).toBe(0);
  expect(await chain.facts()).toMatchObject({ owner: control, pendingOwner: null });
});

test("withdraws to the owner, and pays debts that it has not", async () => {
  const { owner } = await chain.facts();
  const before = await chain.balanceOf(owner);
  const call = calls.withdraw(3n * FIL);
  expect(await done("withdraw", call)).toBe(0);
  const gained = (await chain.balanceOf(owner)) - before;
  expect(gained).toBeLessThan(3n * FIL);
  expect(gained).toBeGreaterThan(3n * FIL - call.maxFee);
  expect(await done("debt", calls.repayDebt(0n))).toBe(0);
});

test("a fee is raised in place, and what was raised is the outcome of the first", async () => {
  net.clock.setAutomine(false);
  const { owner: from } = await chain.facts();
  const { name, to, method, params, value, maxFee } = calls.changePeerId(Uint8Array.of(9));
  const keep = async (): Promise<void> => undefined;
  const first = await chain.send({ name, to, from, method, params, value }, { maxFee }, keep);
  expect(await chain.raise(first, { maxFee: first.message.gasFeeCap * first.message.gasLimit }, keep)).toBeNull();
  const kept: SignedMessage[] = [];
  const raised = (await chain.raise(
    first,
    { maxFee: 10n * maxFee },
    async (one) => void kept.push(one),
  )) as SignedMessage;
  expect(kept).toEqual([raised]);
  expect(raised.message).toMatchObject({ nonce: first.message.nonce });
  expect(raised.message.gasPremium).toBeGreaterThan(first.message.gasPremium);
  expect(await chain.outcome(first, 0)).toEqual({ kind: "open" });
  await net.clock.mine(2);
  expect(await chain.outcome(first, 0)).toMatchObject({ kind: "executed", receipt: { exitCode: 0 } });
  await expect(chain.resend({ ...first, message: { ...first.message, params: Uint8Array.of(64) } })).rejects.toThrow();
  net.clock.setAutomine(true);
});

test("a message that never came into the pool: what has its nonce is its outcome, the same call or another", async () => {
  net.clock.setAutomine(false);
  const { owner: from } = await chain.facts();
  const { name, to, method, params, value, maxFee } = calls.changePeerId(Uint8Array.of(10));
  const keep = async (): Promise<void> => undefined;
  const first = await chain.send({ name, to, from, method, params, value }, { maxFee }, keep);
  await net.clock.mine(1);
  // The head carries it, so that the higher fee comes too late.
  const raised = (await chain.raise(first, { maxFee: 10n * maxFee }, keep)) as SignedMessage;
  await chain.resend(raised);
  expect(await chain.outcome(raised, 0)).toEqual({ kind: "open" });
  await net.clock.mine(1);
  const executed = await chain.outcome(first, 0);
  expect(executed).toMatchObject({ kind: "executed", receipt: { exitCode: 0 } });
  expect(await chain.outcome(raised, 0)).toEqual(executed);
  const other = { ...first, message: { ...first.message, params: Uint8Array.of(64) } };
  expect(await chain.outcome(other, 0)).toEqual({ kind: "displaced" });
  net.clock.setAutomine(true);
});

test("a reorganisation takes a message back into the pool, and the tracker sees it through", async () => {
  net.clock.setAutomine(false);
  const fork = net.head;
  await tracker.send("reorg", calls.changePeerId(Uint8Array.of(7)));
  await net.clock.mine(2);
  const signed = ((await tracker.find("reorg")) as { signed: SignedMessage }).signed;
  expect((await chain.outcome(signed, 0)).kind).toBe("executed");
  await net.node.chain.setHead(fork);
  expect((await chain.outcome(signed, 0)).kind).toBe("open");
  net.clock.setAutomine(true);
  expect((await tracker.wait("reorg", 3)).receipt.exitCode).toBe(0);
});

test("a miner that was away for longer than a finality finds what became of its message, in its node and over the interface", async () => {
  const overRpc = new RpcChain({
    ...{ miner: chain.miner, prefix: "t", pollMs: 5, isRefusal: () => true },
    request: (method, ...params) => net.request(method, ...params),
  });
  const store = new MemoryStore();
  const [before, key] = [new MessageTracker(chain, store), "precommit/7"];
  net.clock.setAutomine(false);
  await before.send(key, calls.changePeerId(Uint8Array.of(11)));
  await net.clock.mine(2);
  // Killed before it has seen that.
  const { signed, sentAt } = (await before.find(key)) as { signed: SignedMessage; sentAt: number };
  const unknown = { ...signed, message: { ...signed.message, gasPremium: signed.message.gasPremium + 1n } };
  const other = { ...signed, message: { ...signed.message, params: Uint8Array.of(64) } };
  const executed = await chain.outcome(signed, sentAt);
  const height = executed.kind === "executed" ? executed.height : -1;
  await net.request("Devnet.fastForward", net.head.height + BLOCK_LIMITS.finality + 10);
  for (const one of [chain, overRpc]) {
    expect(await one.outcome(signed, sentAt)).toEqual(executed);
    // Were it sent now, so far back nothing of it would be.
    expect(await one.outcome(signed, net.head.height)).toEqual({ kind: "open" });
    expect(await one.outcome(unknown, sentAt)).toEqual(executed);
    expect(await one.outcome(other, sentAt)).toEqual({ kind: "displaced" });
  }
  expect((await new MessageTracker(overRpc, store).check(key, 5))?.height).toBe(height);
  net.clock.setAutomine(true);
});

test("without a key, or without funds, nothing is sent", async () => {
  const call = calls.changePeerId(Uint8Array.of(1));
  await expect(tracker.send("dear", { ...call, value: 10n ** 27n })).rejects.toMatchObject({
    data: { code: "NO_SENDER", method: "ChangePeerID" },
  });
  const from = chain.miner;
  await expect(tracker.send("keyless", call, from)).rejects.toThrow();
  expect([await tracker.find("dear"), await tracker.find("keyless")]).toEqual([null, null]);
});

test("gas is estimated after the head's rewards, and with room for the first one, which makes a withdrawal dearer", async () => {
  const fresh = await Devnet.open({ accounts: 1, seed: "first", genesisTime: 1_700_000_000, miners: 1, sectors: 1 });
  try {
    const local = fresh.local as LocalMiners;
    const own = local.chainOf(local.miners[0] as (typeof local.miners)[0], fresh.node);
    const { owner } = await own.facts();
    const { call, maxFee } = { call: calls.withdraw(1n), ...calls.withdraw(1n) };
    const outgoing = {
      name: call.name,
      from: owner,
      to: own.miner,
      value: 0n,
      method: call.method,
      params: call.params,
    };
    const withdraw = async (): Promise<SignedMessage> => own.send(outgoing, { maxFee }, async () => undefined);
    const used = async (signed: SignedMessage): Promise<bigint> => {
      const found = await own.outcome(signed, 0);
      expect(found).toMatchObject({ kind: "executed", receipt: { exitCode: 0 } });
      return found.kind === "executed" ? found.receipt.gasUsed : 0n;
    };
    const limits: bigint[] = [];
    const uses: bigint[] = [];
    for (let i = 0; i < 2; i++) {
      const signed = await withdraw();
      limits.push(signed.message.gasLimit);
      // One tipset carries the message, the next one's state has its receipt.
      while ((await own.outcome(signed, 0)).kind === "open") await fresh.clock.mine(1);
      uses.push(await used(signed));
    }
    const [before, after] = uses as [bigint, bigint];
    expect(after).toBeGreaterThan(2n * before);
    // Either message, had it come after the reward, would have had enough; neither pays for much more.
    for (const limit of limits) expect(limit).toBeGreaterThanOrEqual(after);
    expect(limits[1]).toBeLessThan((after * 4n) / 3n);
  } finally {
    await fresh.close();
  }
});
