/** Ethereum's index of the chain: what moves with the head and back, and what is told of it by filters and subscriptions. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PERMISSIONS } from "../../../../src/rpc/auth.ts";
import { Session } from "../../../../src/rpc/session.ts";
import { type EthNet, type Json, MARKET_ADDRESS, openEthNet, topicOf } from "../../../support/eth-net.ts";
import { until } from "../../../support/until.ts";

let eth: EthNet;
beforeEach(async () => {
  eth = await openEthNet();
});
afterEach(() => eth.net.close());

const ALL = { fromBlock: "0x0", toBlock: "latest" };
const facts = async (): Promise<string[]> =>
  (await eth.net.node.chain.blocks.metadataWith("eth/")).map(([name, value]) => `${name} ${value}`).sort();

describe("the index", () => {
  test("is rolled back with the head, and is the same when the head comes back", async () => {
    const { net, ask } = eth;
    await net.clock.mine(1);
    await eth.emit(1);
    const hash = await ask("eth_sendRawTransaction", eth.signed());
    await net.clock.mine(1);
    const below = net.head;
    const before = await facts();
    expect(await ask("eth_getTransactionReceipt", hash)).toBeNull();
    await net.clock.mine(1);
    const [log] = await ask("eth_getLogs", ALL);
    const receipt = await ask("eth_getTransactionReceipt", hash);
    expect([log.logIndex, receipt.status]).toEqual(["0x0", "0x1"]);
    const after = await facts();
    expect(after.length).toBeGreaterThan(before.length);
    const top = net.head;
    await net.node.chain.setHead(below);
    expect(await facts()).toEqual(before);
    expect([await ask("eth_getLogs", ALL), await ask("eth_getTransactionReceipt", hash)]).toEqual([[], null]);
    await net.node.chain.setHead(top);
    expect(await facts()).toEqual(after);
    expect(await ask("eth_getTransactionReceipt", hash)).toEqual(receipt);
    expect(await ask("eth_getBlockByHash", log.blockHash, false)).toMatchObject({ number: log.blockNumber });
  });

  test("a snapshot takes it back, and logs are found without their receipts, by address and topic", async () => {
    const { net, ask } = eth;
    const kept = await ask("evm_snapshot");
    const before = await facts();
    for (const byte of [1, 2, 1]) {
      await eth.emit(byte);
      await net.clock.mine(2);
    }
    const found = async (wish: object): Promise<string[]> =>
      (await ask("eth_getLogs", { ...ALL, ...wish })).map((log: Json) => log.data);
    expect(await found({})).toEqual(["0x01", "0x02", "0x01"]);
    expect(await found({ topics: [topicOf(1)] })).toEqual(["0x01", "0x01"]);
    expect(await found({ address: [MARKET_ADDRESS], topics: [[topicOf(2), topicOf(3)]] })).toEqual(["0x02"]);
    expect(await found({ topics: [null, topicOf(1)] })).toEqual([]);
    // A block that is not indexed is read; the answer is the same.
    const name = (await net.node.chain.blocks.metadataWith("eth/block/")).find(([, value]) => value.length > 100)?.[0];
    await net.node.chain.blocks.write({ metadata: [[name as string, null]] });
    expect(await found({})).toEqual(["0x01", "0x02", "0x01"]);
    expect(await ask("evm_revert", kept)).toBe(true);
    expect(await facts()).toEqual(before);
    expect(await found({})).toEqual([]);
  });

  test("of messages that are given up, transactions are forgotten and logs stay", async () => {
    const { net, ask } = eth;
    await eth.emit(4);
    const hash = await ask("eth_sendRawTransaction", eth.signed());
    await net.clock.mine(6);
    await net.node.collector.collect(2);
    expect((await facts()).some((name) => name.startsWith("eth/tx/"))).toBe(false);
    expect(await net.node.chain.blocks.metadataWith("eth-tx/")).toEqual([]);
    expect(await ask("eth_getTransactionByHash", hash)).toBeNull();
    expect(await ask("eth_getLogs", ALL)).toMatchObject([{ data: "0x04" }]);
  });
});

test("traces tell of a transfer and of a native call, whole blocks and parts of them", async () => {
  const { net, ask } = eth;
  await eth.emit(5);
  const hash = await ask("eth_sendRawTransaction", eth.signed());
  await net.clock.mine(2);
  const rows = await ask("trace_block", "latest");
  expect(rows.map((row: Json) => [row.type, row.traceAddress, row.transactionPosition])).toEqual([
    ["call", [], 0],
    ["call", [], 1],
  ]);
  const native = rows.find((row: Json) => row.action.to === MARKET_ADDRESS);
  const transfer = rows.find((row: Json) => row.transactionHash === hash);
  // handle_filecoin_method(35, CBOR, …); what it returned is (0, raw, four bytes).
  const words = (...values: readonly number[]): string =>
    values.map((value) => value.toString(16).padStart(64, "0")).join("");
  expect(native.action.input.startsWith(`0x868e10c4${words(35, 0x51, 96)}`)).toBe(true);
  expect(native.result.output).toBe(`0x${words(0, 0x55, 96, 4, 0)}`);
  expect(transfer).toMatchObject({
    transactionHash: hash,
    action: { from: eth.ethereum(0), value: "0x5", input: "0x" },
  });
  expect(BigInt(native.result.gasUsed)).toBeGreaterThan(0n);
  expect(await ask("trace_transaction", hash)).toEqual([transfer]);
  const wish = { fromBlock: "0x1", toBlock: "latest", toAddress: [eth.ethereum(1)] };
  expect(await ask("trace_filter", wish)).toEqual([transfer]);
  expect(await ask("trace_filter", { ...wish, after: "0x1" })).toEqual([]);
  await expect(ask("trace_replayBlockTransactions", "latest", ["vmTrace"])).rejects.toThrow(/only/);
  const replayed = await ask("trace_replayBlockTransactions", "latest", ["trace"]);
  expect(replayed.find((one: Json) => one.transactionHash === hash)).toMatchObject({
    transactionHash: hash,
    output: "0x",
    vmTrace: null,
    stateDiff: null,
  });
  // A range that begins with null rounds does not have the block before them.
  const below = Number(transfer.blockNumber);
  await net.clock.skip(3);
  await net.clock.mine(1);
  const later = { ...wish, fromBlock: `0x${(net.head.height - 2).toString(16)}` };
  expect((await ask("trace_filter", later)).length).toBe(0);
  expect(await ask("trace_filter", { ...wish, fromBlock: `0x${below.toString(16)}` })).toEqual([transfer]);
  const { transactionIndex } = await ask("eth_getTransactionReceipt", hash);
  expect(transfer.transactionPosition).toBe(Number(transactionIndex));
});

test("what is asked of the state at a null round is that of the block before it; the block, receipts and traces are not there", async () => {
  const { net, ask } = eth;
  await net.clock.mine(2);
  const before = `0x${net.head.height.toString(16)}`;
  await net.clock.skip(2);
  await net.clock.mine(1);
  const at = `0x${(net.head.height - 2).toString(16)}`;
  const call = { from: eth.ethereum(0), to: eth.ethereum(1), value: "0x1" };
  const both = async (method: string, params: (block: string) => unknown[]): Promise<void> =>
    expect(await ask(method, ...params(at)), method).toEqual(await ask(method, ...params(before)));
  await both("eth_call", (block) => [call, block]);
  await both("eth_estimateGas", (block) => [call, block]);
  await both("eth_feeHistory", (block) => ["0x2", block, [50]]);
  await both("eth_getBalance", (block) => [eth.ethereum(0), block]);
  await both("eth_getCode", (block) => [eth.ethereum(0), block]);
  await both("eth_getStorageAt", (block) => [eth.ethereum(0), "0x0", block]);
  await both("eth_getTransactionCount", (block) => [eth.ethereum(0), block]);
  for (const [method, ...more] of [
    ["eth_getBlockByNumber", false],
    ["eth_getBlockTransactionCountByNumber"],
    ["eth_getTransactionByBlockNumberAndIndex", "0x0"],
    ["eth_getBlockReceipts"],
    ["trace_block"],
    ["trace_replayBlockTransactions", ["trace"]],
  ] as const)
    await expect(ask(method, at, ...more), method).rejects.toThrow(/null round/);
});

test("messages and transactions are found by each other's names, and methods by the reference's own", async () => {
  const { net, ask } = eth;
  await eth.emit(1);
  const hash = await ask("eth_sendRawTransaction", eth.signed());
  const message = await ask("Filecoin.EthGetMessageCidByTransactionHash", hash);
  expect(await ask("MpoolPending", [])).toContainEqual(expect.objectContaining({ CID: message }));
  await net.clock.mine(2);
  const rows = await ask("eth_getBlockByNumber", "latest", true);
  expect(await ask("Filecoin.EthGetBlockByNumber", "latest", true)).toEqual(rows);
  for (const { hash: one } of rows.transactions) {
    const cid = await ask("Filecoin.EthGetMessageCidByTransactionHash", one);
    expect(await ask("ChainGetMessage", cid)).toBeTruthy();
    expect(await ask("Filecoin.EthGetTransactionHashByCid", cid)).toBe(one);
  }
  expect(await ask("Filecoin.EthGetMessageCidByTransactionHash", hash)).toEqual(message);
  // A block that is no message, and none at all.
  expect(await ask("Filecoin.EthGetTransactionHashByCid", { "/": net.head.key[0]?.toString() })).toBeNull();
  expect(await ask("Filecoin.EthGetMessageCidByTransactionHash", topicOf(9))).toBeNull();
  expect(await ask("Filecoin.EthTraceBlock", "latest")).toEqual(await ask("trace_block", "latest"));
  expect(await ask("Filecoin.NetVersion")).toBe(await ask("net_version"));
  expect(await ask("Filecoin.Web3ClientVersion")).toBe(await ask("web3_clientVersion"));
});

describe("filters", () => {
  test("give what is new once: blocks, what waits, logs with those taken back", async () => {
    const { net, ask } = eth;
    await net.clock.mine(1);
    await eth.emit(1);
    await net.clock.mine(2);
    const [blocks, pending] = [await ask("eth_newBlockFilter"), await ask("eth_newPendingTransactionFilter")];
    const wish = { topics: [[topicOf(1), topicOf(2)]] };
    const [logs, past] = [await ask("eth_newFilter", wish), await ask("eth_newFilter", { ...wish, fromBlock: "0x0" })];
    expect(await ask("eth_getFilterChanges", logs)).toEqual([]);
    expect(await ask("eth_getFilterChanges", past)).toMatchObject([{ data: "0x01", removed: false }]);
    const fork = net.head;
    const hash = await ask("eth_sendRawTransaction", eth.signed());
    for (const byte of [2, 3]) await eth.emit(byte);
    await net.clock.mine(2);
    const waited = await ask("eth_getFilterChanges", pending);
    expect([waited.length, waited[0], await ask("eth_getFilterChanges", pending)]).toEqual([3, hash, []]);
    const newest = await ask("eth_getBlockByNumber", "latest", false);
    const told = await ask("eth_getFilterChanges", blocks);
    expect([told.length, told.at(-1)]).toEqual([2, newest.hash]);
    const [log, ...more] = await ask("eth_getFilterChanges", logs);
    expect([log.data, log.removed, more]).toEqual(["0x02", false, []]);
    expect(await ask("eth_getFilterChanges", past)).toEqual([log]);
    await net.node.chain.setHead(fork);
    expect(await ask("eth_getFilterChanges", logs)).toEqual([{ ...log, removed: true }]);
    expect((await ask("eth_getFilterLogs", past)).map((one: Json) => one.data)).toEqual(["0x01"]);
    await expect(ask("eth_getFilterLogs", blocks)).rejects.toThrow(/not one of logs/);
    expect([await ask("eth_uninstallFilter", logs), await ask("eth_uninstallFilter", logs)]).toEqual([true, false]);
    await expect(ask("eth_getFilterChanges", logs)).rejects.toThrow(/filter not found/);
  });

  test("are bounded", async () => {
    const { ask } = eth;
    for (let i = 0; i < 100; i++) await ask("eth_newBlockFilter");
    await expect(ask("eth_newFilter", {})).rejects.toThrow(/there are 100 filters/);
  });
});

test("subscriptions tell of heads, logs and what waits, behind the reply, until they are ended", async () => {
  const { net } = eth;
  await net.clock.mine(1);
  const heard: Json[] = [];
  const session = new Session({ permissions: PERMISSIONS, push: (text) => heard.push(JSON.parse(text)) });
  const call = async (method: string, ...params: unknown[]): Promise<Json> => {
    let reply: Json;
    const text = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    await net.dispatcher.answer(text, session, (sent) => {
      reply = JSON.parse(sent);
    });
    return reply.result ?? reply.error;
  };
  const ids = [
    await call("eth_subscribe", "newHeads"),
    await call("eth_subscribe", "logs", { address: MARKET_ADDRESS }),
    await call("eth_subscribe", "newPendingTransactions"),
  ];
  expect(await call("eth_subscribe", "syncing")).toMatchObject({ code: -32602 });
  await eth.emit(7);
  await net.clock.mine(2);
  const of = (i: number): Json[] =>
    heard.filter(({ params }) => params.subscription === ids[i]).map(({ params }) => params.result);
  await until("what was told", () => of(0).length === 2 && of(1).length === 1 && of(2).length === 1);
  expect(of(0).map(({ number }) => number)).toEqual(["0x1", "0x2"]);
  expect(of(1)).toMatchObject([{ data: "0x07", removed: false, transactionHash: of(2)[0] }]);
  expect([await call("eth_unsubscribe", ids[0]), await call("eth_unsubscribe", ids[0])]).toEqual([true, false]);
  session.close();
  await eth.emit(8);
  await net.clock.mine(2);
  expect(heard).toHaveLength(4);
  await expect(eth.ask("eth_subscribe", "newHeads")).rejects.toThrow(/needs a WebSocket/);
});
