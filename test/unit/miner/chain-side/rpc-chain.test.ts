/** A miner that sees the chain over JSON-RPC sees the same, and proves its sectors all the same. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { addressOf } from "../../../../src/keys/keys.ts";
import type { HeadView, MinerChain } from "../../../../src/miner/chain-side/chain.ts";
import { RpcChain } from "../../../../src/miner/chain-side/rpc-chain.ts";
import { MessageTracker } from "../../../../src/miner/chain-side/tracker.ts";
import { WindowPoster } from "../../../../src/miner/window-poster.ts";
import type { LocalMiners } from "../../../../src/node/local-miners.ts";
import { sealedCid } from "../../../../src/sector/piece/cid.ts";
import { MemoryStore } from "../../../../src/storage/memory.ts";
import { Address } from "../../../../src/types/address.ts";
import { signedMessageCid } from "../../../../src/types/message.ts";
import { type LabMiner, MinerLab } from "../../../support/miner-lab.ts";

let lab: MinerLab;
let miner: LabMiner;
let chain: RpcChain;
/** While true, nothing answers. */
let isAway = false;
beforeAll(async () => {
  lab = await MinerLab.open({ miners: 1, sectors: 2, accounts: 24, balance: 10n ** 20n });
  miner = lab.miners[0] as LabMiner;
  const { crypto } = lab.net.node;
  const worker = addressOf(crypto, miner.own.worker);
  chain = new RpcChain({
    ...{ miner: miner.own.address, prefix: "t", pollMs: 5 },
    request: (method, ...params) =>
      isAway ? Promise.reject(new TypeError("nothing listens there")) : lab.net.request(method, ...params),
    isRefusal: (error) => !(error instanceof TypeError),
    keys: { crypto, of: (key) => (key.equals(worker) ? miner.own.worker : null) },
  });
  await lab.passTo(3);
});
afterAll(() => lab?.close());

test("the same facts, deadlines, sectors, power, money and randomness", async () => {
  const { states } = lab.net.node;
  const head = await chain.head();
  expect(head).toEqual(await miner.chain.head());
  // The interface tells of the state before a tipset: that is the one after its parent.
  const parent = await states.chain.parent(lab.net.head);
  const before: HeadView = { ...head, key: parent?.key ?? [], height: parent?.height ?? 0 };
  const same = async (read: (from: MinerChain, at: HeadView) => Promise<unknown>): Promise<void> =>
    expect(await read(chain, head)).toEqual(await read(miner.chain, before));
  await same((from, at) => from.facts(at));
  await same((from, at) => from.deadline(at));
  for (const index of [0, 1, 47]) await same((from, at) => from.sectorsDue(index, at));
  for (const number of [0, 1, 2]) await same((from, at) => from.sector(number, at));
  await same((from, at) => from.preCommit(0, at));
  await same((from, at) => from.isAllocated(1, at));
  await same((from, at) => from.isAllocated(2, at));
  await same((from, at) => from.power(at));
  const money = await chain.money(head);
  expect({ ...money, available: 0n }).toEqual({ ...(await miner.chain.money(before)), available: 0n });
  expect(await chain.balanceOf(miner.own.address, head)).toBe(money.balance);
  expect(await chain.balanceOf(Address.id(99_999), head)).toBe(0n);
  for (const kind of ["ticket", "beacon"] as const)
    expect(await chain.randomness(kind, 4, 2, Uint8Array.of(1, 2), head)).toEqual(
      await miner.chain.randomness(kind, 4, 2, Uint8Array.of(1, 2), head),
    );
});

test("a deal is not there where the node says so, and not where it refuses to say", async () => {
  const refusing = (text: string) =>
    new RpcChain({
      ...{ miner: miner.own.address, prefix: "t", pollMs: 5, isRefusal: () => true },
      request: () => Promise.reject(new Error(text)),
    });
  expect(await chain.deal(9n)).toBeNull();
  expect(await refusing("deal 9 not found - deal may not have completed sealing before").deal(9n)).toBeNull();
  for (const text of ["too many requests", "failed to load market actor: block not found", "method not found"])
    await expect(refusing(text).deal(9n)).rejects.toThrow(text);
});

test("heads are heard of; a node that went away is told of once, and listened to again when it is back", async () => {
  const heard: boolean[] = [];
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      const stop = chain.onHeadChange((hasReverted) => {
        heard.push(hasReverted);
        stop();
        resolve();
      });
    });
  await next();
  const fork = lab.net.head;
  const moved = next();
  await lab.step();
  await moved;
  isAway = true;
  await expect(chain.head()).rejects.toThrow("nothing listens");
  const back = next();
  await lab.net.node.chain.setHead(fork);
  isAway = false;
  await back;
  expect(heard).toEqual([false, false, true]);
});

test("the head is asked for by one question at a time, however often listeners come and go", async () => {
  let [asked, open, most] = [0, 0, 0];
  const other = new RpcChain({
    ...{ miner: miner.own.address, prefix: "t", pollMs: 0, isRefusal: () => false },
    async request(method) {
      if (method !== "Filecoin.ChainHead") return 5;
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 1));
      open--;
      return { Cids: [{ "/": `${sealedCid(new Uint8Array(32).fill(++asked))}` }], Height: 0 };
    },
  });
  for (let heads = 0; heads < 10; heads++)
    await new Promise<void>((resolve) => {
      const stop = other.onHeadChange(() => {
        stop();
        resolve();
      });
    });
  expect(most).toBe(1);
});

test("what became of a message is told by the chain, whether the node knows the message or not", async () => {
  const { worker: from } = await chain.facts();
  const { name, to, method, params, value, maxFee } = miner.calls.changePeerId(Uint8Array.of(9));
  const early = await chain.head();
  const held = await chain.balanceOf(from, early);
  const signed = await chain.send({ name, to, from, method, params, value }, { maxFee }, async () => undefined);
  const raised = { ...signed, message: { ...signed.message, gasPremium: signed.message.gasPremium + 1n } };
  const other = { ...signed, message: { ...signed.message, params: Uint8Array.of(64) } };
  const later = { ...signed, message: { ...signed.message, nonce: signed.message.nonce + 1n } };
  const outcomes = () => Promise.all([signed, raised, other, later].map((one) => chain.outcome(one, 0)));
  const open = { kind: "open" };
  expect(await outcomes()).toEqual([open, open, open, open]);
  await lab.step();
  expect(await outcomes()).toEqual([open, open, open, open]);
  await lab.step();
  const [executed, ...others] = await outcomes();
  expect(executed).toMatchObject({ kind: "executed", cid: signedMessageCid(signed), receipt: { exitCode: 0 } });
  expect(others).toEqual([executed, { kind: "displaced" }, open]);
  // Their nonce is used: nothing is to be done. The last one's is not: that it was refused is said.
  for (const one of [signed, raised, other]) await chain.resend(one);
  await expect(chain.resend(later)).rejects.toThrow("signature");
  // Its gas was paid for since.
  expect(await chain.balanceOf(from)).toBeLessThan(held);
  expect(await chain.balanceOf(from, early)).toBe(held);
});

test("a node that prices another message, or too dearly, gets no signature for it", async () => {
  const { worker: from } = await chain.facts();
  const { name, to, method, params, value, maxFee } = miner.calls.changePeerId(Uint8Array.of(7));
  const { crypto } = lab.net.node;
  let answer: Record<string, unknown> = {};
  const sent: unknown[] = [];
  const lied = new RpcChain({
    ...{ miner: miner.own.address, prefix: "t", pollMs: 5, isRefusal: () => false },
    async request(name, ...args) {
      if (name === "Filecoin.MpoolPush") return sent.push(args[0]);
      const found = await lab.net.request(name, ...args);
      return name === "Filecoin.GasEstimateMessageGas" ? { ...(found as object), ...answer } : found;
    },
    keys: { crypto, of: () => miner.own.worker },
  });
  const send = () => lied.send({ name, to, from, method, params, value }, { maxFee }, async () => undefined);
  answer = { To: `${addressOf(crypto, miner.own.worker).toString("t")}`, Value: "5", Method: 0, Params: null };
  expect((await send()).message).toMatchObject({ to, method, params, value });
  answer = { GasFeeCap: `${maxFee}` };
  await expect(send()).rejects.toMatchObject({ code: "BAD_ANSWER" });
  expect(sent).toHaveLength(1);
});

test("window PoSt over the interface, signed by the miner's own key", async () => {
  const { open, index } = await lab.deadlineOf(miner);
  const { prover } = (lab.net.local as LocalMiners).making(lab.net.node.states);
  const poster = new WindowPoster({
    prover,
    accountOf: () => ({ chain, tracker: new MessageTracker(chain, new MemoryStore()) }),
  });
  await lab.lab.skip(miner.own.address, "all", true);
  await lab.step(open);
  for (let i = 0; i < 4; i++) {
    await poster.headMoved([miner.own]);
    await lab.step();
  }
  expect((await miner.chain.sectorsDue(index)).proven).toEqual([0]);
  await lab.passTo(open + 65);
  expect((await lab.lab.report(miner.own.address)).sectors).toMatchObject({ active: [0, 1], faulty: [] });
});
