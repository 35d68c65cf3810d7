/** Life cycle of a node, time on a local network, and several of them in one process. */
import { afterEach, describe, expect, test } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import { exportChain } from "../../../src/chain/export.ts";
import { replayChain } from "../../../src/conformance/replay.ts";
import { signMessage } from "../../../src/keys/keys.ts";
import { Devnet, type DevnetOptions } from "../../../src/node/devnet.ts";
import { type Health, Parts, type Startable } from "../../../src/node/startable.ts";
import type { CID } from "../../../src/types/cid.ts";
import { signedMessageCid } from "../../../src/types/message.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

const opened: Devnet[] = [];
afterEach(async () => {
  for (const net of opened.splice(0)) await net.close();
});

async function open(options: Partial<DevnetOptions>): Promise<Devnet> {
  const net = await Devnet.open({ ...TEST_OPTIONS, ...options });
  opened.push(net);
  return net;
}

/** Signs and pushes a transfer to the next account; its CID. */
async function push(net: Devnet, from: number, gasLimit = 2_000_000n): Promise<CID> {
  const [sender, receiver] = [net.accounts[from], net.accounts[(from + 1) % net.accounts.length]];
  if (sender === undefined || receiver === undefined) throw new Error("no such account");
  const message = {
    from: sender.secp256k1,
    to: receiver.secp256k1,
    nonce: await net.node.pool.nextNonceOf(sender.secp256k1),
    value: 1n,
    gasLimit,
    gasFeeCap: 1_000_000_000n,
    gasPremium: 100_000n,
    method: 0n,
    params: new Uint8Array(0),
  };
  const signed = signMessage(net.node.crypto, sender.keys.secp256k1, message);
  await net.node.pool.push(signed);
  return signedMessageCid(signed);
}

const wait = (net: Devnet, cid: CID, confidence = 0) =>
  net.node.states.wait(cid, { confidence, lookback: -1, allowReplaced: true });

describe("in instant mode", () => {
  test("a message is mined and what it did shows, and then time stands still", async () => {
    const net = await open({ blockTime: 0 });
    const found = await wait(net, await push(net, 0));
    expect([found.receipt.exitCode, found.tipset.height]).toEqual([0, 2]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(net.head.height).toBe(2);
    // The state before the head has it: that is what clients are told.
    const view = await net.node.states.stateBefore(net.head);
    expect((await view.requireActor(net.accounts[1]?.secp256k1 as never)).balance).toBe(TEST_OPTIONS.balance + 1n);
  });

  test("tipsets are made until no message that can be paid for is left", async () => {
    const net = await open({ blockTime: 0 });
    // Nine tenths of a block's gas each.
    const cids = [
      await push(net, 0, 9_000_000_000n),
      await push(net, 1, 9_000_000_000n),
      await push(net, 2, 9_000_000_000n),
    ];
    const found = await Promise.all(cids.map((cid) => wait(net, cid)));
    expect(found.map(({ receipt }) => receipt.exitCode)).toEqual([0, 0, 0]);
    expect(net.node.pool.size).toBe(0);
    const carriers = new Set(found.map(({ tipset }) => tipset.height));
    expect(carriers.size).toBe(3);
  });

  test("a wait for confidence makes the epochs that it asks for", async () => {
    const net = await open({ blockTime: 0 });
    const found = await wait(net, await push(net, 0), 5);
    expect(net.head.height).toBe(found.tipset.height + 5);
  });

  test("nothing is made when mining is switched off, until it is on again", async () => {
    const net = await open({ blockTime: 0 });
    net.clock.setAutomine(false);
    const cid = await push(net, 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(net.head.height).toBe(0);
    net.clock.setAutomine(true);
    expect((await wait(net, cid)).receipt.exitCode).toBe(0);
  });
});

test("a network stops in the middle of very many null rounds, and nothing of them was told", async () => {
  const net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600, machine: "worker" });
  await net.clock.mine(1);
  const heard: number[] = [];
  net.node.chain.onHeadChange((changes) => heard.push(...changes.map(({ tipset }) => tipset.height)));
  const skipped = net.clock.skip(9_000_000).catch((error: { code?: string }) => error.code);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await net.close();
  expect([await skipped, heard, net.head.height]).toEqual(["CLOSED", [], 1]);
});

test("null rounds that were cancelled leave the head, and what follows does not wait for them", async () => {
  const net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
  const cancel = new AbortController();
  const gone = expect(net.clock.skip(1_000_000, cancel.signal)).rejects.toThrow("enough");
  const late = expect(net.clock.skip(5, cancel.signal)).rejects.toThrow("enough");
  const next = net.clock.mine(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  cancel.abort(new Error("enough"));
  expect((await next).height).toBe(1);
  await Promise.all([gone, late]);
  await net.close();
});

test("what was replaced in the pool stays known, and its search finds what took its place", async () => {
  const net = await open({ blockTime: 3600 });
  const { chain, states, pool, crypto } = net.node;
  const [sender, receiver] = net.accounts;
  if (sender === undefined || receiver === undefined) throw new Error("no accounts");
  const sign = (gasPremium: bigint) =>
    signMessage(crypto, sender.keys.secp256k1, {
      from: sender.secp256k1,
      to: receiver.secp256k1,
      nonce: 0n,
      value: 1n,
      gasLimit: 2_000_000n,
      gasFeeCap: 1_000_000_000n,
      gasPremium,
      method: 0n,
      params: new Uint8Array(0),
    });
  const [cheap, dear] = [sign(100_000n), sign(200_000n)];
  await pool.push(cheap);
  const waiting = wait(net, signedMessageCid(cheap));
  await pool.push(dear);
  const options = { lookback: -1, allowReplaced: true };
  expect(await states.search(net.head, signedMessageCid(cheap), options)).toBeNull();
  await net.clock.mine(1);
  // The head carries it, but nothing has executed it yet.
  expect(await states.search(net.head, signedMessageCid(dear), options)).toBeNull();
  await net.clock.mine(1);
  const found = await states.search(net.head, signedMessageCid(cheap), options);
  expect([`${found?.cid}`, found?.tipset.height]).toEqual([`${signedMessageCid(dear)}`, 2]);
  expect(`${(await waiting).cid}`).toBe(`${signedMessageCid(dear)}`);
  expect((await chain.message(signedMessageCid(cheap))).message.gasPremium).toBe(100_000n);
  // Below the tipset that executed it, it is not found.
  const below = await chain.tipsetAtOrBefore(1);
  expect(await states.search(below, signedMessageCid(dear), options)).toBeNull();
});

test("networks in one process share nothing: the same seed gives the same chain, each at its own time", async () => {
  const [one, other] = [await open({ blockTime: 3600 }), await open({ blockTime: 3600 })];
  await push(one, 0);
  await one.clock.mine(3);
  expect([one.head.height, other.head.height, other.node.pool.size]).toEqual([3, 0, 0]);
  await push(other, 0);
  await other.clock.mine(3);
  expect(other.head.key.map(String)).toEqual(one.head.key.map(String));
  const third = await open({ blockTime: 3600, seed: "another" });
  await third.clock.mine(1);
  expect(third.head.key.map(String)).not.toEqual((await one.node.chain.tipsetAtOrBefore(1)).key.map(String));
});

test("a network tells the health of its parts, and stops them all", async () => {
  const net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
  const status = (): Record<string, string> =>
    Object.fromEntries(Object.entries(net.health()).map(([name, { status: now }]) => [name, now]));
  const parts = {
    store: "ok",
    machines: "ok",
    states: "ok",
    pool: "ok",
    payments: "ok",
    deals: "ok",
    client: "ok",
    collector: "ok",
    clock: "ok",
  };
  expect(status()).toEqual(parts);
  await net.close();
  expect(new Set(Object.values(status()))).toEqual(new Set(["stopped"]));
});

describe("parts of a node", () => {
  function part(name: string, log: string[], fails?: "start" | "stop"): Startable {
    const act = (what: "start" | "stop") => async () => {
      log.push(`${what} ${name}`);
      if (fails === what) throw new Error(`${name} does not ${what}`);
    };
    return { name, start: act("start"), stop: act("stop"), health: (): Health => ({ status: "ok" }) };
  }

  test("start in order, each once, and stop in the opposite order, each once", async () => {
    const log: string[] = [];
    const parts = new Parts();
    parts.add(part("a", log));
    parts.add(part("b", log));
    await parts.start();
    parts.add(part("c", log));
    await parts.start();
    await Promise.all([parts.stop(), parts.stop()]);
    expect(log).toEqual(["start a", "start b", "start c", "stop c", "stop b", "stop a"]);
    expect(Object.keys(parts.health())).toEqual(["a", "b", "c"]);
  });

  test("are all stopped when one does not start, or does not stop", async () => {
    const log: string[] = [];
    const parts = new Parts();
    parts.add(part("a", log));
    parts.add(part("b", log, "start"));
    parts.add(part("c", log));
    await expect(parts.start()).rejects.toThrow("b does not start");
    expect(log).toEqual(["start a", "start b", "stop c", "stop b", "stop a"]);
    const again: string[] = [];
    const stubborn = new Parts();
    stubborn.add(part("a", again));
    stubborn.add(part("b", again, "stop"));
    await stubborn.start();
    await expect(stubborn.stop()).rejects.toThrow("b does not stop");
    expect(again.at(-1)).toBe("stop a");
  });
});

test("a chain of a local network is no chain for a replay, which says what is", async () => {
  const net = await open({ blockTime: 3600 });
  await net.clock.mine(3);
  const parts: Uint8Array[] = [];
  for await (const part of exportChain(net.node.chain, net.head, { recentRoots: 0, skipOldMessages: false }))
    parts.push(part);
  const proofs = { verifyPoSt: () => true, verifySeal: () => true };
  await expect(replayChain(concat(...parts), { proofs, hashes: net.node.crypto })).rejects.toMatchObject({
    code: "OTHER_NETWORK",
    message: expect.stringContaining("chain import"),
  });
});
