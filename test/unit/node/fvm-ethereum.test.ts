/**
 * Ethereum's interface on a network of tests' actors, which do nothing and succeed: transactions, blocks, receipts, what waits, null
 * rounds and logs. Contracts of the published actors: `test/conformance/fvm-network.test.ts` and `test/clients/ethereum.test.ts`.
 */

import * as dagCbor from "@ipld/dag-cbor";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { platform } from "#platform";
import { concat, fromHex, toBase64, toHex } from "../../../src/base/bytes.ts";
import { bloomOf, logFrom } from "../../../src/chain/eth-logs.ts";
import type { Devnet } from "../../../src/node/devnet.ts";
import { Devnet as Network } from "../../../src/node/devnet.ts";
import { builtFile } from "../../../src/platform/web.ts";
import { revertReason } from "../../../src/rpc/eth/calls.ts";
import { type EthTransaction, encodeTransaction, signingDigest } from "../../../src/types/eth-transaction.ts";
import { MARKET } from "../../../src/types/singletons.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";
import { testBundle } from "../../support/fvm-bundle.ts";

let net: Devnet;
const code = await platform.readAsset(builtFile("wasm/guest4-test.wasm"));
beforeEach(async () => {
  const bundle = await testBundle({ storagemarket: code });
  net = await Network.open({ ...TEST_OPTIONS, accounts: 2, blockTime: 3600, networkVersion: 23, bundle });
});
afterEach(() => net.close());

type Any = { readonly [name: string]: unknown };
const ask = <Answer = Any>(method: string, ...params: readonly unknown[]): Promise<Answer> =>
  net.request(method, ...params);
const ethereum = (i: number): string => `0x${toHex(net.accounts[i]?.delegated.ethereum ?? new Uint8Array(20))}`;
const big = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes)}`);

/** A signed transaction of the first account, raw. */
function signed(fields: Partial<EthTransaction>): string {
  const { chainId } = net.network;
  const tx: EthTransaction = {
    ...{ kind: "eip1559", nonce: 0n, to: fromHex(ethereum(1).slice(2)), value: 5n, input: new Uint8Array(0) },
    ...{ gasLimit: 10_000_000n, maxFee: 10n ** 9n, maxPriorityFee: 10n ** 5n, r: 0n, s: 0n, v: 0n },
    ...fields,
  };
  const signature = net.node.crypto.secp256k1.sign(
    signingDigest(tx, chainId),
    net.accounts[0]?.keys.ethereum.secret as Uint8Array,
  );
  const parity = BigInt(signature[64] as number);
  const v = { eip1559: parity, legacy: 27n + parity, eip155: 2n * BigInt(chainId) + 35n + parity }[tx.kind];
  const whole = { ...tx, r: big(signature.subarray(0, 32)), s: big(signature.subarray(32, 64)), v };
  return `0x${toHex(encodeTransaction(whole, chainId))}`;
}

const send = (fields: Partial<EthTransaction> = {}): Promise<unknown> => ask("eth_sendRawTransaction", signed(fields));

describe("a transaction", () => {
  test("waits, is in a block with its receipt, and moves funds", async () => {
    const hash = await send();
    expect(await ask("eth_getTransactionByHash", hash)).toMatchObject({
      hash,
      blockHash: null,
      nonce: "0x0",
      type: "0x2",
    });
    expect(await ask("eth_getTransactionReceipt", hash)).toBeNull();
    expect(await ask("eth_getTransactionCount", ethereum(0), "pending")).toBe("0x1");
    expect(await ask("eth_getTransactionCount", ethereum(0), "latest")).toBe("0x0");
    await net.clock.mine(2);
    const receipt = await ask("eth_getTransactionReceipt", hash);
    expect(receipt).toMatchObject({
      ...{ status: "0x1", from: ethereum(0), to: ethereum(1), contractAddress: null, logs: [], transactionHash: hash },
      ...{ blockNumber: "0x1", transactionIndex: "0x0", cumulativeGasUsed: receipt["gasUsed"] },
    });
    const block = await ask("eth_getBlockByNumber", "latest", false);
    expect(block).toMatchObject({
      hash: receipt["blockHash"],
      number: "0x1",
      transactions: [hash],
      gasUsed: receipt["gasUsed"],
    });
    expect(await ask("eth_getBlockByHash", block["hash"], false)).toEqual(block);
    expect(await ask("eth_getBlockReceipts", "latest")).toEqual([receipt]);
    const [inside] = (await ask("eth_getBlockByNumber", "0x1", true))["transactions"] as unknown as Any[];
    expect(await ask("eth_getTransactionByHash", hash)).toEqual(inside);
    expect(await ask("eth_getTransactionByBlockNumberAndIndex", "0x1", "0x0")).toEqual(inside);
    const spent = BigInt(receipt["gasUsed"] as string) * BigInt(receipt["effectiveGasPrice"] as string);
    const left = TEST_OPTIONS.balance - 5n - BigInt(await ask<string>("eth_getBalance", ethereum(0), "latest"));
    // The price is a quotient that was rounded down.
    expect(left - spent).toBeGreaterThanOrEqual(0n);
    expect(left - spent).toBeLessThan(BigInt(receipt["gasUsed"] as string));
    expect(await ask("eth_getBalance", ethereum(1), "latest")).toBe(`0x${(TEST_OPTIONS.balance + 5n).toString(16)}`);
  });

  test("of the kinds before EIP-1559; a replaced one is nowhere; a used nonce and a stranger are refused", async () => {
    const first = await send({ kind: "eip155" });
    const second = await send({ kind: "legacy", maxFee: 2n * 10n ** 9n, value: 6n });
    expect(await ask("eth_getTransactionByHash", first)).toBeNull();
    await net.clock.mine(2);
    expect(await ask("eth_getTransactionByHash", first)).toBeNull();
    expect(await ask("eth_getTransactionReceipt", second)).toMatchObject({ status: "0x1", type: "0x0" });
    await expect(send()).rejects.toThrow(/nonce 0 is used/);
    const bytes = fromHex(signed({ nonce: 1n }).slice(2));
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    await expect(ask("eth_sendRawTransaction", `0x${toHex(bytes)}`)).rejects.toThrow(/actor not found|nobody signed/);
  });

  test("before version 23 only EIP-1559", async () => {
    const old = net;
    net = await Network.open({
      ...TEST_OPTIONS,
      accounts: 2,
      blockTime: 3600,
      networkVersion: 18,
      bundle: await testBundle(),
    });
    try {
      await expect(send({ kind: "eip155" })).rejects.toThrow(/version 23 and later/);
      expect(await send()).toMatch(/^0x/);
    } finally {
      await net.close();
      net = old;
    }
  });
});

describe("blocks", () => {
  test("null rounds: error 12 where a block is asked for, the state before them where a state is", async () => {
    await net.clock.mine(1);
    await net.producer.produce(4);
    await net.clock.mine(2);
    expect(await ask("eth_blockNumber")).toBe("0x5");
    await expect(ask("eth_getBlockByNumber", "0x2", false)).rejects.toMatchObject({ data: { rpcCode: 12, data: 2 } });
    await expect(ask("eth_getBlockReceipts", "0x3")).rejects.toMatchObject({ data: { rpcCode: 12 } });
    expect(await ask("eth_getBalance", ethereum(0), "0x2")).toBe(`0x${TEST_OPTIONS.balance.toString(16)}`);
    expect(await ask("eth_getBlockByNumber", "0x6", false)).toBeNull();
    await expect(ask("eth_getBalance", ethereum(0), "0x6")).rejects.toThrow(/no such block/);
    expect(await ask("eth_getLogs", { fromBlock: "0x0", toBlock: "latest" })).toEqual([]);
    const history = await ask("eth_feeHistory", 3, "latest", [50]);
    expect([
      history["baseFeePerGas"],
      history["gasUsedRatio"],
      history["reward"],
      history["oldestBlock"],
    ]).toMatchObject([{ length: 4 }, [0, 0, 0], [["0x186a0"], ["0x186a0"], ["0x186a0"]], "0x1"]);
    await expect(ask("eth_feeHistory", 3, "latest", [50, 50, 49])).rejects.toThrow(/percentiles\[2\].*rising order/);
    for (const tag of ["safe", "finalized", "earliest"])
      expect(await ask("eth_getBlockByNumber", tag, false)).toMatchObject({
        number: "0x0",
        parentHash: `0x${"00".repeat(32)}`,
      });
  });

  test("logs of a range, by topic; ranges that are too long or upside down are refused", async () => {
    await expect(ask("eth_getLogs", { fromBlock: "0x5", toBlock: "0x1" })).resolves.toEqual([]);
    await net.clock.mine(3);
    await expect(ask("eth_getLogs", { fromBlock: "0x2", toBlock: "0x1" })).rejects.toThrow(
      /ends \(1\) before it begins \(2\)/,
    );
    await expect(ask("eth_getLogs", { blockHash: `0x${"11".repeat(32)}` })).rejects.toThrow(/no block with this hash/);
    await expect(ask("eth_getLogs", { topics: [1, 2, 3, 4, 5] })).rejects.toThrow(/at most 4/);
  });

  test("an actor's event is a log in its block, by address and topic", async () => {
    const old = net;
    // The market of these actors emits what it is given: [[flags, key, codec, value] ...].
    const guest = await platform.readAsset(builtFile("wasm/guest-test.wasm"));
    const bundle = await testBundle({ storagemarket: guest });
    net = await Network.open({ ...TEST_OPTIONS, accounts: 2, blockTime: 3600, networkVersion: 18, bundle });
    try {
      const topic = new Uint8Array(32).fill(9);
      const params = dagCbor.encode([
        [3, "t1", 0x55, topic],
        [3, "d", 0x55, Uint8Array.of(1, 2)],
      ]);
      const from = `${net.accounts[0]?.secp256k1}`;
      const message = { From: from, To: MARKET.toString("t"), Value: "0", Method: 35, Params: toBase64(params) };
      await ask("MpoolPushMessage", message, null);
      await net.clock.mine(3);
      const range = { fromBlock: "0x0", toBlock: "latest" };
      const address = "0xff00000000000000000000000000000000000005";
      const [log, ...more] = (await ask("eth_getLogs", range)) as unknown as Any[];
      expect(more).toEqual([]);
      expect(log).toMatchObject({
        address,
        topics: [`0x${toHex(topic)}`],
        data: "0x0102",
        logIndex: "0x0",
        removed: false,
      });
      expect(await ask("eth_getTransactionReceipt", log?.["transactionHash"])).toMatchObject({
        logs: [log],
        status: "0x1",
      });
      expect(await ask("eth_getLogs", { ...range, address, topics: [[`0x${toHex(topic)}`]] })).toEqual([log]);
      expect(await ask("eth_getLogs", { blockHash: log?.["blockHash"] })).toEqual([log]);
      expect(await ask("eth_getLogs", { ...range, address: ethereum(0) })).toEqual([]);
      expect(await ask("eth_getLogs", { ...range, topics: [null, `0x${toHex(topic)}`] })).toEqual([]);
    } finally {
      await net.close();
      net = old;
    }
  });

  test("an address that stands for an id that nothing can have is refused by its place", async () => {
    const wrong = `0xff${"00".repeat(11)}${"ff".repeat(8)}`;
    const why = /bad address: actor id .* is not below 2\^63/;
    await expect(ask("eth_getBalance", wrong, "latest")).rejects.toMatchObject({
      message: expect.stringMatching(/^address: bad address: actor id/),
      data: { rpcCode: -32602 },
    });
    await expect(ask("eth_call", { to: wrong }, "latest")).rejects.toThrow(why);
    await expect(send({ to: fromHex(wrong.slice(2)) })).rejects.toThrow(why);
  });

  test("calls on nothing, estimates of an absent sender, prices", async () => {
    const absent = `0x${"0a".repeat(20)}`;
    expect(await ask("eth_call", { from: absent, to: ethereum(1), data: "0x" }, "latest")).toBe("0x");
    expect(BigInt(await ask<string>("eth_estimateGas", { from: absent, to: ethereum(1) }))).toBeGreaterThan(1_000_000n);
    expect(await ask("eth_getCode", ethereum(1), "latest")).toBe("0x");
    expect(await ask("eth_getStorageAt", ethereum(1), "0x0", "latest")).toBe(`0x${"00".repeat(32)}`);
    const sent = { from: absent, to: ethereum(1), value: "0x5" };
    await expect(ask("eth_call", sent, "latest")).rejects.toThrow(/reverted/);
    expect(await ask("eth_call", sent, "latest", { [absent]: { balance: "0x5" } })).toBe("0x");
    await expect(ask("eth_call", sent, "latest", { [absent]: { foo: 1 } })).rejects.toThrow(/foo cannot be overridden/);
    expect(BigInt(await ask<string>("eth_maxPriorityFeePerGas"))).toBeGreaterThan(0n);
    expect(BigInt(await ask<string>("eth_gasPrice"))).toBeGreaterThan(
      BigInt(await ask<string>("eth_maxPriorityFeePerGas")),
    );
    // Hashes of what is there and is no message: of a block of the chain, of nothing.
    const [head] = net.head.key;
    for (const hash of [`0x${toHex(head?.multihash.digest ?? new Uint8Array(32))}`, `0x${"12".repeat(32)}`]) {
      expect(await ask("eth_getTransactionByHash", hash)).toBeNull();
      expect(await ask("eth_getTransactionReceipt", hash)).toBeNull();
    }
    expect([await ask("eth_chainId"), await ask("net_version")]).toEqual(["0x1df5e76", "31415926"]);
  });
});

describe("events and reverts", () => {
  const topic = new Uint8Array(32).fill(1);
  const entry = (key: string, value: Uint8Array, codec = 0x55): unknown[] => [3, key, codec, value];

  test("only raw topics and data are logs, topics without gaps", () => {
    expect(logFrom([entry("t1", topic), entry("d", topic)])).toEqual({ topics: [topic], data: topic });
    expect(logFrom([])).toEqual({ topics: [], data: new Uint8Array(0) });
    for (const bad of [
      [entry("t2", topic)],
      [entry("t1", topic), entry("t1", topic)],
      [entry("t1", topic.subarray(1))],
      [entry("d", topic, 0x71)],
      [entry("type", topic)],
    ])
      expect(logFrom(bad)).toBeNull();
  });

  test("a bloom has three bits for each address and topic", () => {
    // As go-ethereum sets them for one empty log of the address 0x22341ae42d6dd7384bc8584e50419ea3ac75b83f (core/types/bloom9_test.go).
    const address = fromHex("22341ae42d6dd7384bc8584e50419ea3ac75b83f");
    const bits = bloomOf([{ address, topics: [], data: new Uint8Array(0) }]).reduce(
      (sum, byte) => sum + byte.toString(2).replaceAll("0", "").length,
      0,
    );
    expect(bits).toBe(3);
    expect(bloomOf([])).toEqual(new Uint8Array(256));
  });

  test("reasons of reverts", () => {
    const word = (value: number): Uint8Array => fromHex(value.toString(16).padStart(64, "0"));
    const text = concat(fromHex("08c379a0"), word(32), word(3), new TextEncoder().encode("why"), new Uint8Array(29));
    expect(revertReason(text)).toBe("why");
    expect(revertReason(concat(fromHex("4e487b71"), word(0x11)))).toBe("panic 0x11");
    expect(revertReason(concat(fromHex("08c379a0"), word(32), word(1000)))).toBeNull();
    // What is no text reverts, too.
    expect(revertReason(concat(fromHex("08c379a0"), word(32), word(1), Uint8Array.of(0xff)))).toBe("\ufffd");
    expect(revertReason(new Uint8Array(0))).toBeNull();
  });
});
