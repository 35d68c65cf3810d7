/**
 * What contract developers do to a local network, with small actors of the tests' own: state that no message made, time, accounts
 * without keys, and the provider in this process. With the published actors: `test/clients/contracts.test.ts`.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fromHex } from "../../../../src/base/bytes.ts";
import { Chain } from "../../../../src/chain/chain.ts";
import { NO_RANDOMNESS } from "../../../../src/chain/randomness.ts";
import { Executor } from "../../../../src/exec/executor.ts";
import { CHAIN_LIMITS } from "../../../../src/params/networks.ts";
import { LocalProvider, type ProviderMessage } from "../../../../src/provider.ts";
import type { MethodContext } from "../../../../src/rpc/method.ts";
import { ethDevGroup } from "../../../../src/rpc/methods/eth-dev.ts";
import { StateManager } from "../../../../src/stmgr/state-manager.ts";
import { Address } from "../../../../src/types/address.ts";
import { type Tipset, tipsetKeyText } from "../../../../src/types/block-header.ts";
import { messageOfTransaction } from "../../../../src/types/eth-transaction.ts";
import contracts from "../../../fixtures/contracts/contracts.json" with { type: "json" };
import { type EthNet, type Json, openEthNet } from "../../../support/eth-net.ts";
import { until } from "../../../support/until.ts";

let eth: EthNet;
const NOBODY = `0x${"ab".repeat(20)}`;
const NO_PROOFS = { verifyPoSt: () => false, verifySeal: () => false };
const root = (): string => `${eth.net.head.blocks[0]?.parentStateRoot}`;

describe("a local network", () => {
  beforeEach(async () => {
    eth = await openEthNet({ predeploy: true });
    await eth.net.clock.mine(1);
  });
  afterEach(() => eth.net.close());

  test("balance, nonce and code are set, and a snapshot takes them back", async () => {
    const { ask, net } = eth;
    const snapshot = await ask("evm_snapshot");
    const first = net.head;
    expect(await ask("anvil_setBalance", NOBODY, "0xde0b6b3a7640000000")).toBe(true);
    // One tipset shows it.
    expect([net.head.height, await ask("eth_getBalance", NOBODY, "latest")]).toEqual([2, "0xde0b6b3a7640000000"]);
    await ask("hardhat_setNonce", eth.ethereum(1), "0x9");
    expect(await ask("eth_getTransactionCount", eth.ethereum(1), "latest")).toBe("0x9");
    await ask("anvil_setCode", NOBODY, "0x6001");
    expect(await ask("eth_getCode", NOBODY, "latest")).toBe("0x6001");
    expect(await ask("eth_getBalance", NOBODY, "latest")).toBe("0xde0b6b3a7640000000");
    await ask("evm_setAutomine", false);
    await ask("anvil_setBalance", NOBODY, "0x1");
    await ask("anvil_setBalance", eth.ethereum(1), "0x2");
    await ask("anvil_mine");
    expect([
      await ask("eth_getBalance", NOBODY, "latest"),
      await ask("eth_getBalance", eth.ethereum(1), "latest"),
    ]).toEqual(["0x1", "0x2"]);
    expect(await ask("evm_revert", snapshot)).toBe(true);
    // As anvil and Hardhat answer, whose clients look at it: no error.
    expect([await ask("evm_revert", snapshot), await ask("evm_revert", "0x7fffffff")]).toEqual([false, false]);
    expect(`${net.head.key}`).toBe(`${first.key}`);
    await net.clock.mine(2);
    expect([await ask("eth_getBalance", NOBODY, "latest"), await ask("eth_getCode", NOBODY, "latest")]).toEqual([
      "0x0",
      "0x",
    ]);
  });

  test("a state that was set is come to again when the tipset is executed anew", async () => {
    const { ask, net } = eth;
    await ask("anvil_setBalance", NOBODY, "0x5");
    const edited = (await net.node.chain.parent(net.head)) as Tipset;
    const { blocks } = net.node.chain;
    await blocks.write({ metadata: [[`result/${tipsetKeyText(edited.key)}`, null]] });
    // As after a restart: nothing is known but what is stored.
    const chain = await Chain.open({ blocks, chainId: net.network.chainId });
    expect(await chain.knownResult(edited)).toBeNull();
    const { rules, network } = net.node.states;
    const machine = new Executor({}, { blocks, randomness: NO_RANDOMNESS, proofs: NO_PROOFS });
    const states = new StateManager({
      chain,
      network,
      rules,
      machines: { tipsets: machine, calls: machine },
      now: () => 0,
    });
    expect(`${(await states.result(edited)).stateRoot}`).toBe(root());
  });

  test("a head that moves meanwhile gets no state of another one", async () => {
    const { ask, net } = eth;
    const { chain, states } = net.node;
    await net.clock.mine(1);
    const below = (await chain.parent(net.head)) as Tipset;
    const before = await chain.knownResult(below);
    const edit = { address: net.accounts[0]?.delegated.bytes as Uint8Array, balance: 1n };
    const edited = states.editHead([edit]);
    await chain.setHead(below);
    await expect(edited).rejects.toMatchObject({ data: { code: "HEAD_MOVED" } });
    expect(await chain.knownResult(below)).toEqual(before);
    expect(await ask("eth_getBalance", eth.ethereum(0), "latest")).not.toBe("0x1");
  });

  test("accounts without keys send, while they are impersonated", async () => {
    const { ask, net } = eth;
    await ask("anvil_setBalance", NOBODY, "0xde0b6b3a7640000");
    const sent = { from: NOBODY, to: eth.ethereum(1), value: "0x7" };
    await expect(ask("eth_sendTransaction", sent)).rejects.toThrow(/unknown account 0xabab.*impersonate it/);
    await ask("hardhat_impersonateAccount", NOBODY);
    const hash = await ask("eth_sendTransaction", sent);
    await net.clock.mine(2);
    expect(await ask("eth_getTransactionReceipt", hash)).toMatchObject({ status: "0x1", from: NOBODY });
    await ask("hardhat_stopImpersonatingAccount", NOBODY);
    await expect(ask("eth_sendTransaction", sent)).rejects.toThrow(/unknown account/);
    const own = await ask("eth_sendTransaction", { ...sent, from: eth.ethereum(0) });
    await net.clock.mine(2);
    expect(await ask("eth_getTransactionByHash", own)).toMatchObject({ from: eth.ethereum(0), nonce: "0x0" });
    expect(await ask("eth_accounts")).toEqual([eth.ethereum(0), eth.ethereum(1)]);
    expect(await ask("personal_sign", "0x00", eth.ethereum(0))).toMatch(/^0x[0-9a-f]{128}1[bc]$/);
  });

  test("what waits of a sender ends no chain when its nonce is set, or when it is made a contract", async () => {
    const { ask, net } = eth;
    const [from, to] = [eth.ethereum(0), eth.ethereum(1)];
    const send = (sender = from): Promise<string> => ask("eth_sendTransaction", { from: sender, to, value: "0x7" });
    const count = async (): Promise<number> => Number(await ask("eth_getTransactionCount", from, "pending"));
    await ask("evm_setAutomine", false);
    await ask("anvil_setNonce", from, "0x5");
    await send();
    await ask("anvil_setNonce", from, "0x10");
    expect([net.node.pool.size, await count()]).toEqual([0, 16]);
    await send();
    await ask("anvil_setNonce", from, "0x2");
    expect([net.node.pool.size, await count()]).toEqual([1, 2]);
    await send();
    await net.clock.mine(2);
    expect([net.node.pool.size, await count()]).toEqual([1, 3]);
    await send();
    await ask("anvil_setCode", from, "0x00");
    // In instant mode tipsets would be made without end if blocks carried what stays in the pool.
    const { height } = net.head;
    await ask("evm_setIntervalMining", 0);
    await ask("evm_setAutomine", true);
    await net.clock.mine(1);
    await net.clock.between(async () => undefined);
    expect(net.head.height).toBeLessThan(height + 5);
    expect(net.node.pool.size).toBe(2);
    await expect(send()).rejects.toThrow(/a contract, which sends no messages/);
  });

  test("what every tipset needs is made no contract, for a call neither; its balance can be set, up to all FIL", async () => {
    const { ask, net } = eth;
    const addressOf = (id: number): string => `0xff${"00".repeat(18)}${id.toString(16).padStart(2, "0")}`;
    const hexOf = (value: bigint): string => `0x${value.toString(16)}`;
    const word = `0x${"11".repeat(32)}`;
    for (const [id, name] of [
      [0, "system"],
      [1, "init"],
      [2, "reward"],
      [3, "cron"],
      [4, "storagepower"],
    ] as const) {
      const why = new RegExp(`the actor ${name}, without which no tipset`);
      await expect(ask("anvil_setCode", addressOf(id), "0x00")).rejects.toThrow(why);
      await expect(ask("anvil_setStorageAt", addressOf(id), "0x0", word)).rejects.toThrow(why);
      const call = ask("eth_call", { to: NOBODY }, "latest", { [addressOf(id)]: { code: "0x00" } });
      await expect(call).rejects.toThrow(why);
      // More than an actor can be told: rewards and cron would end in it.
      for (const balance of [`0x${"f".repeat(64)}`, hexOf(CHAIN_LIMITS.totalFilecoin + 1n)])
        await expect(ask("anvil_setBalance", addressOf(id), balance)).rejects.toThrow(why);
    }
    expect(await ask("anvil_setBalance", addressOf(2), hexOf(CHAIN_LIMITS.totalFilecoin))).toBe(true);
    expect(await ask("anvil_setBalance", NOBODY, `0x${"f".repeat(64)}`)).toBe(true);
    expect(await ask("anvil_setBalance", addressOf(4), "0x5")).toBe(true);
    expect(await ask("anvil_setCode", addressOf(5), "0x00")).toBe(true);
    const { height } = net.head;
    await net.clock.mine(2);
    expect(net.head.height).toBe(height + 2);
  });

  test("a contract's transaction is refused when it is sent, by its name; its estimate is no less than what the pool asks for", async () => {
    const { ask, net } = eth;
    const contract = "0xca11bde05977b3631167028862be2a173976ca11";
    await ask("anvil_setBalance", contract, "0xde0b6b3a7640000");
    await ask("anvil_impersonateAccount", contract);
    const sent = { from: contract, to: eth.ethereum(1), input: `0x${"ab".repeat(2000)}` };
    const estimate = BigInt(await ask("eth_estimateGas", sent));
    for (const gas of [{}, { gas: "0x989680" }])
      await expect(ask("eth_sendTransaction", { ...sent, ...gas })).rejects.toThrow(
        /0xca11bde.* is a contract, which sends no messages on Filecoin: send from an account, or see with eth_call/,
      );
    expect(net.node.pool.size).toBe(0);
    // An account that has the same bytes to send with so much gas is not refused.
    const own = { ...sent, from: eth.ethereum(0), gas: `0x${estimate.toString(16)}`, maxFeePerGas: "0x3b9aca00" };
    await ask("evm_setAutomine", false);
    await ask("eth_sendTransaction", own);
    expect(net.node.pool.size).toBe(1);
  });

  test("what is said of a message before it is sent goes by the gas that this version's pool takes", async () => {
    const { ask, net } = eth;
    const text = `${net.accounts[0]?.secp256k1.toString("t")}`;
    const fees = { GasFeeCap: "1000000000", GasPremium: "100000" };
    // Enough at the prices of the first versions.
    const message = {
      Version: 0,
      From: text,
      To: text,
      Nonce: 0,
      Value: "1",
      GasLimit: 300_000,
      Method: 0,
      Params: "",
    };
    const checks = await ask("MpoolCheckMessages", [{ Message: { ...message, ...fees }, ValidNonce: true }]);
    const least = checks[0].find((one: Json) => one.Hint?.minGas !== undefined);
    expect(least).toMatchObject({ OK: false, Err: "GasLimit less than epoch minimum gas" });
    expect(Number(least.Hint.minGas)).toBeGreaterThan(300_000);
  });

  test("an address whose nonce is set has sent messages: it is an account, and sends more", async () => {
    const { ask, net } = eth;
    await ask("anvil_setBalance", NOBODY, "0xde0b6b3a7640000");
    await ask("anvil_setNonce", NOBODY, "0x5");
    await ask("hardhat_impersonateAccount", NOBODY);
    const hash = await ask("eth_sendTransaction", { from: NOBODY, to: eth.ethereum(1), value: "0x7" });
    await net.clock.mine(2);
    expect(await ask("eth_getTransactionReceipt", hash)).toMatchObject({ status: "0x1" });
    expect(await ask("eth_getTransactionCount", NOBODY, "latest")).toBe("0x6");
    // What sends nothing has a nonce all the same.
    expect(await ask("eth_getTransactionCount", `0xff${"00".repeat(18)}04`, "pending")).toBe("0x0");
  });

  test("only what is asked for unsigned is impersonated: what others push in such a spelling is refused", async () => {
    const { ask, net } = eth;
    await ask("anvil_setBalance", NOBODY, "0xde0b6b3a7640000");
    await ask("hardhat_impersonateAccount", NOBODY);
    const from = Address.fromEthereum(fromHex(NOBODY.slice(2)));
    const tx = {
      kind: "eip1559",
      nonce: 0n,
      value: 7n,
      gasLimit: 10_000_000n,
      maxFee: 10n ** 10n,
      s: 1n,
      v: 0n,
    } as const;
    const to = fromHex(eth.ethereum(1).slice(2));
    const forged = messageOfTransaction(
      { ...tx, to, input: new Uint8Array(), maxPriorityFee: 10n ** 6n, r: 12_345n },
      from,
    );
    await expect(net.node.pool.push(forged)).rejects.toThrow(/signature/);
    expect(net.node.pool.pending()).toEqual([]);
    await ask("evm_setAutomine", false);
    await ask("eth_sendTransaction", { from: NOBODY, to: eth.ethereum(1), value: "0x7" });
    expect(net.node.pool.pending().map(({ message }) => message.from.key)).toEqual([from.key]);
  });

  test("blocks have the times that are set; epochs do not follow; a snapshot takes the time that is to come back", async () => {
    const { ask, net } = eth;
    const time = (): number => Number(net.head.blocks[0]?.timestamp);
    const height = (): number => net.head.height;
    const begun = time();
    const snapshot = await ask("evm_snapshot");
    expect(await ask("evm_increaseTime", 86_400)).toBe("0x15180");
    expect(await ask("evm_revert", snapshot)).toBe(true);
    await net.clock.mine(1);
    const { blockDelaySeconds } = net.network;
    expect(time() - begun).toBe(blockDelaySeconds);
    await ask("evm_increaseTime", "0x64");
    await net.clock.mine(2);
    expect([time() - begun, net.head.height]).toEqual([3 * blockDelaySeconds + 100, 4]);
    await ask("evm_setNextBlockTimestamp", time() + 5000);
    await ask("hardhat_mine", "0x2", "0xa");
    expect(time() - begun).toBe(3 * blockDelaySeconds + 120);
    await expect(ask("evm_setNextBlockTimestamp", 1)).rejects.toThrow(/later than the last/);
    const [asked, before] = [time() + 7000, height()];
    expect(await ask("evm_mine", `0x${asked.toString(16)}`)).toBe("0x0");
    expect([time(), height()]).toEqual([asked, before + 1]);
    await ask("evm_mine", { timestamp: asked + 100, blocks: 3 });
    expect(height()).toBe(before + 4);
    await ask("evm_mine", null);
    expect(height()).toBe(before + 5);
    await expect(ask("evm_mine", 5)).rejects.toThrow(/a timestamp in seconds .* got 5; so many blocks: anvil_mine/);
    await expect(ask("evm_mine", asked)).rejects.toThrow(/later than the last/);
  });

  test("contracts that tools expect stand in the genesis; a network without them is another one", async () => {
    const { ask } = eth;
    expect(await ask("eth_getCode", "0xca11bde05977b3631167028862be2a173976ca11", "latest")).toBe(
      contracts.Multicall.runtime,
    );
    expect((await ask("eth_getCode", "0x4e59b44847b379578588920ca78fbf26c0b4956c", "latest")).length).toBe(140);
  });

  test("of a transaction that is sent nothing is left out in silence: another chain's, and kinds that there are not, are refused", async () => {
    const { ask, net } = eth;
    const call = { from: eth.ethereum(0), to: eth.ethereum(1), value: "0x1", gas: "0x989680" };
    const send = (more: object): Promise<string> => ask("eth_sendTransaction", { ...call, ...more });
    for (const [more, why] of [
      [{ chainId: "0x1" }, /chainId: this is chain 31415926, not 1/],
      [{ type: "0x1" }, /type: 0x0 or 0x2 expected/],
      [{ type: "0x4" }, /type: 0x0 or 0x2 expected/],
      [{ accessList: [{ address: NOBODY, storageKeys: [] }] }, /accessList: a transaction on Filecoin has none/],
      [{ blobVersionedHashes: [`0x01${"00".repeat(31)}`] }, /blobVersionedHashes: a transaction on Filecoin has none/],
      [{ authorizationList: {} }, /authorizationList: a transaction on Filecoin has none/],
      [{ data: "0x01", input: "0x02" }, /data and input are the same thing, and differ/],
      [{ gasPrice: "0x1", maxFeePerGas: "0x1" }, /gasPrice stands for maxFeePerGas, too/],
      [{ gasPrice: "0x1", maxPriorityFeePerGas: "0x1" }, /gasPrice stands for maxPriorityFeePerGas, too/],
    ] as const)
      await expect(send(more)).rejects.toThrow(why);
    expect(net.node.pool.size).toBe(0);
    await send({ chainId: "0x1df5e76", type: "0x2", accessList: [], blobs: null, data: "0xAB", input: "0xab" });
    expect(net.node.pool.size).toBe(1);
  });

  test("a call whose caller went away does not run", async () => {
    const { states } = eth.net.node;
    const gone = new Error("gone");
    await expect(states.tryAfter(eth.net.head, [], [], AbortSignal.abort(gone))).rejects.toBe(gone);
  });

  test("an account's sender is kept, and what is no override is refused", async () => {
    const { ask } = eth;
    const call = (given: object): Promise<unknown> => ask("eth_call", { to: NOBODY }, "latest", { [NOBODY]: given });
    await expect(call({ state: {}, stateDiff: {} })).rejects.toThrow(/all of the storage/);
    await expect(call({ stateDiff: { "0x1": "0x2" } })).rejects.toThrow(/32 bytes/);
    await expect(call({ balance: "5" })).rejects.toThrow(/quantity/);
    await expect(ask("eth_call", { to: NOBODY }, "latest", [])).rejects.toThrow(/object/);
    expect(await call({ code: "0x00", nonce: "0x2" })).toBe("0x");
  });
});

test("the provider answers, tells of subscriptions, and gives errors their codes", async () => {
  eth = await openEthNet({ blockTime: 0 });
  const provider = new LocalProvider(eth.net);
  try {
    await eth.net.clock.start();
    const heard: ProviderMessage[] = [];
    provider.on("message", (message) => heard.push(message));
    const subscription = await provider.request({ method: "eth_subscribe", params: ["newHeads"] });
    const hash = await provider.request({ method: "eth_sendRawTransaction", params: [eth.signed()] });
    const receipt = (): Promise<Json> => provider.request({ method: "eth_getTransactionReceipt", params: [hash] });
    await until("the receipt", async () => (await receipt()) !== null);
    await until("the block", () => heard.length > 0);
    expect(heard[0]).toMatchObject({ type: "eth_subscription", data: { subscription } });
    const refused = provider.request({ method: "eth_getBlockByNumber", params: ["soon"] });
    await expect(refused).rejects.toMatchObject({ name: "ProviderRpcError", code: -32602 });
    await expect(provider.request({ method: "eth_fillTransaction" })).rejects.toMatchObject({ code: -32601 });
  } finally {
    await provider.close();
  }
});

test("of several nodes one says that it is one of several, and not that there are no contracts", () => {
  const asked = (version: number) => () => {
    const node = { dev: {}, chain: { head: { height: 1 } }, states: { networkVersionAt: () => version } };
    return ethDevGroup.methods.anvil_getAutomine.run([], { node } as unknown as MethodContext);
  };
  expect(asked(28)).toThrow(/this network has peers, .*: start one of a single node/);
  expect(asked(5)).toThrow(/no contracts/);
});
