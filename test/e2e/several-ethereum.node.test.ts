/**
 * Ethereum accounts of a network of several nodes: each node that began it signs for them, and one that joined says that it does not.
 * Needs the devnet bundle v18 in FILIGREE_BUNDLES.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { fromHex, toHex, utf8 } from "../../src/base/bytes.ts";
import { initNode, openJoinedNode } from "../../src/node/joined-node.ts";
import { LocalNetwork } from "../../src/node/local-network.ts";
import { descriptionToJson, parseDescription } from "../../src/node/network-description.ts";
import { memorySecrets } from "../../src/platform/secrets.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { foundBundles, HOW } from "../support/found-bundles.ts";
import { networkOptions } from "../support/local-network.ts";
import { until } from "../support/until.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const bundle = await foundBundles().find("devnet", 18);

describe.skipIf(bundle === undefined)(`at version 28${bundle === undefined ? ` (${HOW})` : ""}`, () => {
  let net: LocalNetwork;
  const ask = <Answer = unknown>(node: number, method: string, ...params: readonly unknown[]): Promise<Answer> =>
    net.nodes[node]?.dispatcher.request(method, ...params) as Promise<Answer>;
  const ethereum = (i: number): string => `0x${toHex(net.accounts[i]?.delegated.ethereum as Uint8Array)}`;

  beforeAll(async () => {
    const options = networkOptions({ nodes: 2, miners: 1, networkVersion: 28 });
    net = await LocalNetwork.open({ ...options, ...(bundle === undefined ? {} : { bundle }) });
  });
  afterAll(() => net?.close());

  test("each node has the accounts, signs for them, and the network carries what it sent", async () => {
    for (const node of [0, 1]) expect(await ask(node, "eth_accounts")).toEqual([ethereum(0), ethereum(1)]);
    const balance = async (): Promise<bigint> => BigInt(await ask<string>(0, "eth_getBalance", ethereum(1), "latest"));
    const before = await balance();
    await ask(1, "eth_sendTransaction", { from: ethereum(0), to: ethereum(1), value: "0x5" });
    await until("the transfer at the other node", async () => (await balance()) === before + 5n);
    const signed = [
      await ask<string>(0, "personal_sign", `0x${toHex(utf8("a"))}`, ethereum(0)),
      await ask<string>(1, "eth_sign", ethereum(0), `0x${toHex(utf8("a"))}`),
    ];
    expect(fromHex((signed[0] as string).slice(2))).toHaveLength(65);
    expect(signed[1]).toBe(signed[0]);
  });

  test("what the network says of itself names them, and what it cannot do says why", async () => {
    const { accounts } = parseDescription(JSON.stringify(descriptionToJson(net.describe())));
    expect(accounts[1]).toMatchObject({
      ethereum: ethereum(1),
      delegated: `${net.accounts[1]?.delegated.toString("t")}`,
    });
    expect(await ask(1, "Devnet.info")).toMatchObject({ accounts: [{ ethereum: ethereum(0) }, {}] });
    for (const [method, ...params] of [
      ["anvil_setBalance", ethereum(0), "0x1"],
      ["anvil_impersonateAccount", ethereum(0)],
      ["evm_increaseTime", 1],
    ] as const)
      await expect(ask(0, method, ...params), method).rejects.toThrow(
        /this network has peers, which check its blocks.*--nodes/,
      );
    const from = `0x${"ab".repeat(20)}`;
    await expect(ask(0, "eth_sendTransaction", { from, to: from, gas: "0x989680" })).rejects.toThrow(
      `unknown account ${from}: its key is not here`,
    );
  });

  test("a node that joined has no keys of accounts, and says where they are", async () => {
    const description = parseDescription(JSON.stringify(descriptionToJson(net.describe())));
    const store = new MemoryStore();
    const car = await net.genesisCar();
    await initNode(store, description, {
      size: car.length,
      read: async (from, size) => car.subarray(from, from + size),
    });
    const joined = await openJoinedNode({
      ...{ store, secrets: memorySecrets(), listen: ["/ip4/127.0.0.1/tcp/0"], mine: [], machine: "thread" },
      version: "test",
    });
    try {
      expect(await joined.dispatcher.request("eth_accounts")).toEqual([]);
      for (const [method, ...params] of [
        ["eth_sendTransaction", { from: ethereum(0), to: ethereum(1) }],
        ["personal_sign", "0x00", ethereum(0)],
        ["eth_sign", ethereum(0), "0x00"],
      ] as const)
        await expect(joined.dispatcher.request(method, ...params), method).rejects.toThrow(
          /this node joined the network and has no keys of its accounts: ask a node of the process that began/,
        );
      const message = { From: net.accounts[0]?.delegated.toString("t"), To: "t0100", Value: "1", Method: 0 };
      await expect(joined.dispatcher.request("MpoolPushMessage", message, null)).rejects.toThrow(
        /no key for t410f\w+ at this node: .*: ask a node of the process that began the network, or sign/,
      );
    } finally {
      await joined.stop();
    }
  });
});
