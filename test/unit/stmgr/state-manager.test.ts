import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { Chain } from "../../../src/chain/chain.ts";
import { buildMessageMeta } from "../../../src/chain/message-store.ts";
import { NO_RANDOMNESS } from "../../../src/chain/randomness.ts";
import { Vm } from "../../../src/core/vm.ts";
import { Executor } from "../../../src/exec/executor.ts";
import type { Execution } from "../../../src/exec/types.ts";
import { signMessage } from "../../../src/keys/keys.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { CHAIN_LIMITS } from "../../../src/params/networks.ts";
import { encodeMethodParams } from "../../../src/state/state-view.ts";
import { StateManager } from "../../../src/stmgr/state-manager.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { type BlockHeader, makeTipset, type Tipset } from "../../../src/types/block-header.ts";
import { type Block, cidOfText } from "../../../src/types/cid.ts";
import { type Message, messageCid, type SignedMessage, signedMessageCid } from "../../../src/types/message.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";
import { memoryOf } from "../../support/memory-of.ts";

let net: Devnet;
let genesisBlocks: readonly Block[];

beforeAll(async () => {
  net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
  genesisBlocks = [...memoryOf(net.node.chain.blocks).entries()].map(({ key, bytes }) => ({
    cid: Uint8Array.from(key, (char) => char.charCodeAt(0)),
    bytes,
  }));
  await net.clock.mine(2);
});
afterAll(() => net.close());

function account(index: number) {
  const found = net.accounts[index % net.accounts.length];
  if (found === undefined) throw new Error("no such account");
  return found;
}

function send(from: number, fields: Partial<Message> = {}): Message {
  return {
    from: account(from).secp256k1,
    to: account(from + 1).secp256k1,
    nonce: 0n,
    value: 5n,
    gasLimit: 2_000_000n,
    gasFeeCap: 1_000_000_000n,
    gasPremium: 100_000n,
    method: 0n,
    params: new Uint8Array(0),
    ...fields,
  };
}

async function push(from: number, fields: Partial<Message> = {}): Promise<SignedMessage> {
  const message = send(from, fields);
  const nonce = fields.nonce ?? (await net.node.pool.nextNonceOf(message.from));
  const signed = signMessage(net.node.crypto, account(from).keys.secp256k1, { ...message, nonce });
  await net.node.pool.push(signed);
  return signed;
}

/** A node that has the blocks of the genesis and the headers and messages above it, but nothing that was executed. */
async function bareNode(): Promise<{ states: StateManager; chain: Chain; runs: () => number }> {
  const from = net.node.chain;
  const store = new MemoryStore();
  store.writeNow({ blocks: genesisBlocks });
  const chain = await Chain.open({ blocks: store });
  const all: Tipset[] = [];
  for (let at: Tipset | null = from.head; at !== null; at = await from.parent(at)) all.unshift(at);
  for (const tipset of all) {
    const messages = await Promise.all(tipset.blocks.map((header) => from.messages(header)));
    await chain.append({
      headers: tipset.blocks,
      messages,
      blocks: messages.flatMap((one) => buildMessageMeta(one).blocks),
    });
  }
  const executor = new Executor(
    { profile: "devnet" },
    { blocks: store, randomness: NO_RANDOMNESS, proofs: { verifyPoSt: () => false, verifySeal: () => false } },
  );
  let runs = 0;
  const tipsets: Pick<Execution, "applyTipset"> = {
    applyTipset: (...given) => {
      runs++;
      return executor.applyTipset(...given);
    },
  };
  const { network, rules } = net.node.states;
  const machines = { tipsets: tipsets as Execution, calls: executor };
  return { states: new StateManager({ chain, network, rules, machines, now: () => 0 }), chain, runs: () => runs };
}

test("a result is computed once, however many ask, with the states below that are missing; then it is known", async () => {
  await push(0);
  await push(1);
  await net.clock.mine(1);
  await push(0);
  const last = await net.clock.mine(1);
  const { states, chain, runs } = await bareNode();
  const results = await Promise.all(Array.from({ length: 10 }, () => states.result(last)));
  expect(runs()).toBe(last.height);
  const expected = await net.node.chain.result(last);
  for (const { stateRoot, receiptsRoot } of results)
    expect([`${stateRoot}`, `${receiptsRoot}`]).toEqual([`${expected.stateRoot}`, `${expected.receiptsRoot}`]);
  const genesis = await chain.genesis();
  for (let at: Tipset | null = last; at !== null; at = await chain.parent(at))
    expect(`${(await states.result(at)).stateRoot}`).toBe(`${(await net.node.states.result(at)).stateRoot}`);
  expect(runs()).toBe(last.height);
  expect(`${(await states.result(genesis)).stateRoot}`).toBe(`${genesis.blocks[0]?.parentStateRoot}`);
});

test("a result whose state was collected with its fork is computed again", async () => {
  const { states, chain, runs } = await bareNode();
  const { stateRoot } = await states.result(chain.head);
  const before = runs();
  await chain.blocks.write({ removed: [stateRoot.bytes] });
  expect((await states.result(chain.head)).stateRoot.equals(stateRoot)).toBe(true);
  expect(runs()).toBe(before + 1);
  expect(await chain.blocks.has(stateRoot.bytes)).toBe(true);
});

test("a tipset of any fork has its result and its states, whatever the head is", async () => {
  const { chain, states } = net.node;
  const base = chain.head;
  const receiver = account(2).secp256k1;
  const balanceAfter = async (tipset: Tipset): Promise<bigint> =>
    (await (await states.stateAfter(tipset)).requireActor(receiver)).balance;
  const before = await balanceAfter(base);
  await push(1, { value: 7n });
  const paid = await net.clock.mine(1);
  const above = await net.clock.mine(1);
  await chain.setHead(base);
  await net.node.pool.settled();
  // What reverted tipsets carried waits again.
  expect(net.node.pool.pending().map(({ message }) => message.value)).toEqual([7n]);
  await net.node.pool.clear();
  const other = await net.clock.skip(1);
  expect(await balanceAfter(paid)).toBe(before + 7n);
  expect(await balanceAfter(other)).toBe(before);
  expect((await (await states.stateBefore(above)).requireActor(receiver)).balance).toBe(before + 7n);
  expect((await (await states.stateBefore(paid)).requireActor(receiver)).balance).toBe(before);
  await chain.setHead(above);
  expect(chain.head.height).toBe(above.height);
});

test("the parts of the circulating supply add up to what the core computes", async () => {
  const { states, chain } = net.node;
  const tipset = await net.clock.mine(1);
  const parts = await states.circulatingSupply(tipset);
  const vm = await Vm.create(
    {
      peek: (cid) => chain.blocks.peek(cid),
      ticketRandomness: () => new Uint8Array(32),
      beaconRandomness: () => new Uint8Array(32),
      verifyPoSt: () => false,
      verifySeal: () => false,
    },
    { profile: "devnet" },
  );
  const stateRoot = tipset.blocks[0]?.parentStateRoot;
  if (stateRoot === undefined) throw new Error("no header");
  vm.open({
    stateRoot,
    epoch: tipset.height,
    networkVersion: 5,
    baseFee: 0n,
    circulatingSupply: states.rules.circulatingSupply,
  });
  expect(parts.circulating).toBe(vm.circulatingSupply());
  const given = BigInt(2 * net.accounts.length + 1) * TEST_OPTIONS.balance;
  expect(parts.reserveDisbursed).toBe(given);
  expect(parts.mined).toBeGreaterThan(0n);
  expect(parts.circulating).toBe(parts.mined + given - parts.burnt - parts.locked);
});

describe("a call that leaves nothing", () => {
  test("runs as the machine's own message: from any actor, without fees, on the state before the tipset", async () => {
    const { states, chain } = net.node;
    const tipset = await net.clock.mine(1);
    const root = `${(await chain.result(tipset)).stateRoot}`;
    const fromMiner = await states.call(send(0, { from: net.miner, value: 0n, gasFeeCap: 0n }), tipset);
    expect([fromMiner.receipt.exitCode, fromMiner.cost, fromMiner.error]).toEqual([0, null, ""]);
    const balance = (await (await states.stateBefore(tipset)).requireActor(account(0).secp256k1)).balance;
    // All that it has: there are no fees.
    expect((await states.call(send(0, { value: balance }), tipset)).receipt.exitCode).toBe(0);
    expect((await states.call(send(0, { value: balance + 1n }), tipset)).receipt.exitCode).not.toBe(0);
    expect(`${(await chain.result(tipset)).stateRoot}`).toBe(root);
    const nobody = { from: Address.id(77_777_777) };
    await expect(states.call(send(0, nobody), tipset)).rejects.toMatchObject({ code: "UNKNOWN_SENDER" });
  });

  test("sees what its sender sends in the tipset, and nothing of others", async () => {
    const { states } = net.node;
    const view = await states.stateAfter(net.head);
    const [mine, theirs] = [account(0).secp256k1, account(1).secp256k1];
    const nonce = (await view.requireActor(mine)).nonce;
    await push(0);
    await push(1);
    const tipset = await net.clock.mine(1);
    expect((await states.call(send(0), tipset)).message.nonce).toBe(nonce + 1n);
    const before = (await view.requireActor(theirs)).nonce;
    expect((await states.call(send(0, { from: theirs }), tipset)).message.nonce).toBe(before + 1n);
  });

  test("has at most the gas of a block, and as little as it asks for", async () => {
    const { states } = net.node;
    const much = await states.call(send(0, { gasLimit: 1n << 62n }), net.head);
    expect(much.message.gasLimit).toBe(CHAIN_LIMITS.blockGasLimit);
    expect((await states.call(send(0, { gasLimit: 0n }), net.head)).message.gasLimit).toBe(CHAIN_LIMITS.blockGasLimit);
    const params = encodeMethodParams(
      cidOfText("fil/2/init"),
      2n,
      { CodeCID: { "/": `${cidOfText("fil/2/multisig")}` }, ConstructorParams: null },
      "t",
    );
    const little = { to: Address.id(1), method: 2n, params, gasLimit: 1000n, value: 0n };
    expect((await states.call(send(0, little), net.head)).receipt.exitCode).toBe(7);
  });
});

test("a message is replayed with its trace, cost and receipt; one that is not in the tipset is named", async () => {
  const { states, chain } = net.node;
  await push(1, { value: 3n });
  const signed = await push(0, { value: 9n });
  const tipset = await net.clock.mine(1);
  const outcome = await states.replay(tipset, signedMessageCid(signed));
  const index = (await chain.tipsetMessages(tipset)).findIndex(({ cid }) => cid.equals(signedMessageCid(signed)));
  expect(outcome.receipt).toEqual((await chain.receipts(tipset))[index]);
  expect(toHex(messageCid(outcome.message).bytes)).toBe(toHex(messageCid(signed.message).bytes));
  expect(outcome.trace[0]?.value).toBe(9n);
  const { gasLimit, gasFeeCap } = signed.message;
  expect(outcome.cost?.totalCost).toBe(gasLimit * gasFeeCap - (outcome.cost?.refund ?? 0n));
  expect(outcome.cost?.totalCost).toBe(
    (outcome.cost?.baseFeeBurn ?? 0n) + (outcome.cost?.overEstimationBurn ?? 0n) + (outcome.cost?.minerTip ?? 0n),
  );
  const missing = messageCid(send(0, { value: 123n }));
  await expect(states.replay(tipset, missing)).rejects.toMatchObject({ code: "MESSAGE_NOT_IN_TIPSET" });
});

test("a computed state is the tipset's, or that with messages on top, and tells what became of each", async () => {
  const { states, chain } = net.node;
  const signed = await push(0);
  const tipset = await net.clock.mine(1);
  const plain = await states.compute(tipset, tipset.height, []);
  expect(`${plain.root}`).toBe(`${(await chain.result(tipset)).stateRoot}`);
  expect(plain.trace.map(({ cost }) => cost !== null)).toEqual([true, false, false]);
  const nonce = signed.message.nonce + 1n;
  const more = await states.compute(tipset, tipset.height + 3, [send(0, { nonce }), send(0, { nonce })]);
  expect(more.trace.slice(3).map(({ receipt }) => receipt.exitCode)).toEqual([0, 2]);
  expect(`${more.root}`).not.toBe(`${plain.root}`);
});

test("messages are not tried on a state that an upgrade changes before their epoch", async () => {
  const { chain, network, rules } = net.node.states;
  // Nothing is executed.
  const machines = { tipsets: {} as Execution, calls: {} as Execution };
  const tipset = await net.clock.mine(1);
  const due = { epoch: tipset.height + 1, name: "actors-v18" } as const;
  const parts = { chain, network, machines, now: () => 0 };
  const states = new StateManager({ ...parts, rules: { ...rules, upgrades: [due] } });
  await expect(states.compute(tipset, tipset.height + 2, [send(0)])).rejects.toMatchObject({
    data: { code: "UPGRADE_BETWEEN", epoch: tipset.height + 2 },
    message: `from epoch ${tipset.height + 2} on the state is another one, of a later network version: messages can be tried up to epoch ${tipset.height + 1}, or on a tipset of epoch ${tipset.height + 2} or later`,
  });
  states.close();
});

test("power and keys for a block are those of the tipset 900 epochs back, or of the genesis", async () => {
  const { states, chain } = net.node;
  const genesis = await chain.genesis();
  const early = await states.lookback(net.head, net.head.height + 1);
  expect([early.tipset.height, `${early.stateRoot}`]).toEqual([0, `${(await states.result(genesis)).stateRoot}`]);
  const before = net.head;
  await net.clock.skip(895);
  const head = await net.clock.mine(1);
  const found = await states.lookback(head, before.height + 900);
  expect(found.tipset.height).toBe(before.height);
  expect(`${found.stateRoot}`).toBe(`${(await states.result(before)).stateRoot}`);
  // In the null rounds after it, the last tipset before them counts.
  expect((await states.lookback(head, before.height + 903)).tipset.height).toBe(before.height);
  expect((await states.lookback(genesis, 1)).tipset.height).toBe(0);
  await expect(states.lookback(before, before.height + 2000)).rejects.toMatchObject({ code: "LOOKBACK_AHEAD" });
});

test("a tipset that two blocks make executes each sender's messages once, in the order of nonces", async () => {
  const { states, chain, crypto } = net.node;
  const head = await net.clock.mine(1);
  const nonce = (await (await states.stateAfter(head)).requireActor(account(0).secp256k1)).nonce;
  const sign = (at: bigint, value: bigint): SignedMessage =>
    signMessage(crypto, account(0).keys.secp256k1, send(0, { nonce: at, value }));
  const [one, two, rival] = [sign(nonce, 1n), sign(nonce + 1n, 2n), sign(nonce + 1n, 3n)];
  const blocks = [
    { bls: [], secp: [one, two] },
    { bls: [], secp: [one, rival] },
  ];
  const baseFee = await states.nextBaseFee(head);
  const { stateRoot, receiptsRoot } = await chain.result(head);
  const first = head.blocks[0];
  if (first === undefined) throw new Error("no header");
  const headers = blocks.map(
    (messages, i): BlockHeader => ({
      ...first,
      miner: i === 0 ? net.miner : Address.id(2),
      ticket: Uint8Array.of(i),
      parents: head.key,
      height: head.height + 1,
      parentStateRoot: stateRoot,
      parentMessageReceipts: receiptsRoot,
      parentBaseFee: baseFee,
      messages: buildMessageMeta(messages).root,
    }),
  );
  const tipset = makeTipset(headers);
  const ordered = tipset.blocks.map((header) => blocks[headers.indexOf(header)] ?? { bls: [], secp: [] });
  const { applied } = await states.execute(tipset, { given: ordered });
  const messages = applied.filter(({ kind }) => kind === "message");
  expect(messages.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(applied.filter(({ kind }) => kind === "reward")).toHaveLength(2);
});
