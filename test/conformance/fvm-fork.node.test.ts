/**
 * A fork of another process' network with published actors: transfers, contracts and transactions of Ethereum are executed on its
 * state, versions follow as there, first with that process and then without it. Where no bundles are at hand this says so and skips.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as dagCbor from "@ipld/dag-cbor";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { concat, fromBase64, fromHex, toBase64, toHex } from "../../src/base/bytes.ts";
import { connect, type NodeClient } from "../../src/client.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { RemoteChain } from "../../src/node/fork/remote-chain.ts";
import { Address } from "../../src/types/address.ts";
import { EAM } from "../../src/types/singletons.ts";
import token from "../fixtures/contracts/token.json" with { type: "json" };
import { type CommandNet, startCommandNet } from "../support/command-net.ts";
import { type Json, signedTransaction } from "../support/eth-net.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const bundles = givenBundles();
const found = await Promise.all([17, 18].map((version) => bundles.find("devnet", version)));
const isHere = !found.includes(undefined) && process.env["FILIGREE_BUNDLES"] !== undefined;

const CREATE_EXTERNAL = 4;
/** From version 27, whose actors are v17, to 28, at this epoch. */
const UPGRADE = 30;
const word = (value: bigint): string => value.toString(16).padStart(64, "0");
const transfer = (to: string, value: bigint): string => `a9059cbb${to.slice(2).padStart(64, "0")}${word(value)}`;
const balanceOf = (of: string): string => `0x70a08231${of.slice(2).padStart(64, "0")}`;
const SOMEBODY = "0x0000000000000000000000000000000000001234";

describe.skipIf(!isHere)(`of a network at version 27${isHere ? "" : ` (${HOW})`}`, () => {
  let folder: string;
  let other: CommandNet;
  let node: NodeClient;
  let contract: string;
  const ask = (method: string, ...params: unknown[]): Promise<Json> =>
    (node as unknown as { request(method: string, ...params: unknown[]): Promise<Json> }).request(method, ...params);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "filigree-fork-"));
    const version = ["--network-version", "27", "--upgrade", `28@${UPGRADE}`];
    other = await startCommandNet(...["--seed", "forked", "--block-time", "0", "--accounts", "2", ...version]);
    node = connect(other.url);
    const From = other.accounts[0]?.secp256k1;
    const code = dagCbor.encode(concat(fromHex(token.bytecode.slice(2)), fromHex(word(1000n))));
    const create = { From, To: `${EAM}`, Value: "0", Method: CREATE_EXTERNAL, Params: toBase64(code) };
    const sent = await ask("Filecoin.MpoolPushMessage", create, null);
    const { Receipt } = await ask("Filecoin.StateWaitMsg", sent.CID, 0, -1, true);
    expect(Receipt.ExitCode).toBe(0);
    const [, , ethereum] = dagCbor.decode<[number, Uint8Array, Uint8Array]>(fromBase64(Receipt.Return));
    contract = `0x${toHex(ethereum)}`;
    await ask("Devnet.mine", 3);
  });
  afterAll(async () => {
    node?.close();
    await other?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** A transfer of the token by its owner, a message to an account, and a transaction that makes the contract once more. */
  async function use(net: Devnet): Promise<void> {
    const [From, To] = net.accounts.map(({ secp256k1 }) => `${secp256k1}`);
    const has = async (): Promise<bigint> =>
      BigInt(await net.request("eth_call", { to: contract, data: balanceOf(SOMEBODY) }, "latest"));
    const before = await has();
    const wait = async (message: object): Promise<void> => {
      const { CID } = await net.request("MpoolPushMessage", message, null);
      expect((await net.request("StateWaitMsg", CID, 0, -1, true)).Receipt.ExitCode).toBe(0);
    };
    await wait({ From, To, Value: "5", Method: 0 });
    const params = toBase64(dagCbor.encode(fromHex(transfer(SOMEBODY, 7n))));
    const to = Address.fromEthereum(fromHex(contract.slice(2))).toString("t");
    await wait({ From, To: to, Value: "0", Method: 3844450837, Params: params });
    expect(await has()).toBe(before + 7n);
    const own = `0x${toHex(net.accounts[0]?.delegated.ethereum as Uint8Array)}`;
    const nonce = BigInt(await net.request("eth_getTransactionCount", own, "latest"));
    const input = concat(fromHex(token.bytecode.slice(2)), fromHex(word(50n)));
    const fields = { nonce, value: 0n, input, gasLimit: 100_000_000n };
    const hash = await net.request("eth_sendRawTransaction", signedTransaction(net, fields));
    await net.request("Devnet.mine", 2);
    const receipt = await net.request("eth_getTransactionReceipt", hash);
    expect(receipt).toMatchObject({ status: "0x1", from: own });
    expect(BigInt(await net.request("eth_call", { to: receipt.contractAddress, data: balanceOf(own) }, "latest"))).toBe(
      50n,
    );
  }

  test("a node whose versions are not those of its state's actors is refused", async () => {
    const constants = await new RemoteChain(other.url).constants();
    /** As if the version had come at an epoch that is past. */
    const lie = (networkVersion: number, epoch: number) => {
      const versions = [
        { epoch: 0, networkVersion: 26 },
        ...[27, 28].map((networkVersion, i) => ({ epoch: epoch + i, networkVersion })),
      ];
      vi.spyOn(RemoteChain.prototype, "constants").mockResolvedValue({ ...constants, versions });
      vi.spyOn(RemoteChain.prototype, "networkVersion").mockResolvedValue(networkVersion);
    };
    try {
      for (const [version, epoch, runs] of [
        [28, 1, 18],
        [26, 40, 16],
      ] as const) {
        lie(version, epoch);
        await expect(Devnet.fork(other.url, { bundles })).rejects.toMatchObject({
          data: { code: "BAD_ANSWER" },
          message: expect.stringContaining(
            `its state has the actors v17 of devnet, and by them it was made at network version ${version}, which runs v${runs}`,
          ),
        });
      }
    } finally {
      vi.restoreAllMocks();
    }
  });

  test("messages and contracts run as there, over the upgrade that follows, and then without the other process", async () => {
    const head = await node.ChainHead();
    const data = path.join(folder, "fork");
    const fork = await Devnet.fork(other.url, { data, bundles });
    try {
      expect(await fork.request("ChainHead")).toEqual(head);
      for (const [method, ...params] of [
        ["StateNetworkVersion", head.Cids],
        ["StateVMCirculatingSupplyInternal", head.Cids],
        ["StateGetNetworkParams"],
        ["StateAccountKey", other.accounts[0]?.id, head.Cids],
        ["eth_gasPrice"],
        ["eth_getLogs", { fromBlock: "0x0", toBlock: "latest" }],
        ["eth_getBlockByNumber", "latest", false],
        ["eth_getCode", contract, "latest"],
      ] as const) {
        const full = method.includes("_") ? method : `Filecoin.${method}`;
        expect(await fork.request(full, ...params), method).toEqual(await ask(full, ...params));
      }
      await use(fork);
      expect(await fork.request("StateNetworkVersion", [])).toBe(27);
      await fork.request("Devnet.mineTo", UPGRADE + 1);
      expect(await fork.request("StateNetworkVersion", [])).toBe(28);
      await use(fork);
    } finally {
      await fork.close();
    }
    expect(await node.ChainHead()).toEqual(head);
    // Without bundles: the code of actors in force is the other node's to give; that of those to come is not.
    await expect(Devnet.fork(other.url)).rejects.toMatchObject({
      message: expect.stringMatching(
        /of network version 28 is not here, and http.* does not have it; the actors v18 of devnet are not at hand: take/,
      ),
      data: { code: "CODE_NOT_AT_HAND", networkVersion: 28 },
    });
    await node.close();
    await other.close();
    const offline = await Devnet.fork(other.url, { data });
    try {
      await use(offline);
    } finally {
      await offline.close();
    }
  });
});
