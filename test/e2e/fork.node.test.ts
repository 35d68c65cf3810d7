/** A fork of a network of another process: messages are executed on its state, first with that process, then without it. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { banner } from "../../src/cli/devnet-output.ts";
import { versionFacts } from "../../src/cli/version-text.ts";
import { connect, type NodeClient } from "../../src/client.ts";
import { Devnet } from "../../src/node/devnet.ts";
import type { LinkJson } from "../../src/rpc/codec/chain-types.ts";
import { FIL } from "../../src/types/amount.ts";
import { type CommandNet, startCommandNet } from "../support/command-net.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let first: CommandNet;
let node: NodeClient;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-fork-"));
  first = await startCommandNet("--seed", "forked", "--block-time", "0", "--accounts", "3");
  node = connect(first.url);
});
afterAll(async () => {
  await first?.close();
  await rm(folder, { recursive: true, force: true });
});

const [ALICE, BOB] = [0, 1];
const named = (net: Devnet, at: number): string => `${net.accounts[at]?.secp256k1.toString("t")}`;
const balance = async (net: Devnet, at: number): Promise<bigint> =>
  BigInt(await net.request<string>("WalletBalance", named(net, at)));

async function pay(net: Devnet): Promise<void> {
  const before = await balance(net, BOB);
  const message = { From: named(net, ALICE), To: named(net, BOB), Value: `${FIL}`, Method: 0 };
  const { CID } = await net.request("MpoolPushMessage", message, null);
  expect((await net.request("StateWaitMsg", CID, 0, -1, true)).Receipt.ExitCode).toBe(0);
  expect(await balance(net, BOB)).toBe(before + FIL);
}

test("at an epoch of the other's chain, then without the other; what was never used is named", async () => {
  const accounts = first.accounts.map(({ secp256k1 }) => secp256k1);
  const [alice, bob] = accounts as [string, string];
  await node.request("Devnet.mine", 5);
  const sent = await node.MpoolPushMessage({ From: alice, To: bob, Value: `${7n * FIL}`, Method: 0 } as never, null);
  await node.StateWaitMsg(sent.CID as LinkJson, 0, -1, true);
  await node.request("Devnet.mine", 5);
  const head = await node.ChainHead();
  const theirs = await node.WalletBalance(bob);

  const data = path.join(folder, "fork");
  const fork = await Devnet.fork(first.url, { data, at: 3, whole: true });
  // Before the seven FIL were sent.
  expect(fork.head.height).toBe(3);
  // It says so at its start, and to whoever asks.
  const started = {
    url: "http://127.0.0.1:1/rpc/v1",
    data,
    resumed: 3,
    token: null,
    version: await versionFacts(fork.network, fork.node.chain),
  };
  expect(banner(fork, started).join("\n")).toContain(`of ${first.url} at epoch 3`);
  // What its accounts have, that network has decided.
  expect(banner(fork, { ...started, resumed: null }).join("\n")).not.toContain("1000000 FIL");
  expect((await fork.request("Devnet.info")).fork).toEqual({ url: first.url, epoch: 3 });
  expect(await balance(fork, BOB)).toBe(BigInt(theirs) - 7n * FIL);
  await pay(fork);
  const id = await fork.snapshot();
  await pay(fork);
  await fork.revert(id);
  const [height, paid] = [fork.head.height, await balance(fork, BOB)];
  await fork.close();
  // Nothing of that is the other's.
  expect(await node.ChainHead()).toEqual(head);
  expect(await node.WalletBalance(bob)).toBe(theirs);

  const unused = await Devnet.fork(first.url, { data: path.join(folder, "unused"), at: 8 });
  await unused.close();
  node.close();
  await first.close();

  const offline = await Devnet.fork(first.url, { data });
  expect([offline.head.height, await balance(offline, BOB)]).toEqual([height, paid]);
  await pay(offline);
  await offline.request("Devnet.mine", 20);
  await expect(offline.request("ChainGetTipSetByHeight", 2, [])).rejects.toThrow(
    /is not kept here, and http.* does not/,
  );
  await offline.close();
  // Its genesis was fetched; its state was not.
  const cold = await Devnet.fork(first.url, { data: path.join(folder, "unused") });
  await expect(cold.request("WalletBalance", bob)).rejects.toThrow(/block bafy\w+ is not kept here/);
  await cold.close();
});

test("a network that is of no seed is refused by name", async () => {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { method } = JSON.parse(`${Buffer.concat(parts)}`);
      const result =
        method === "Filecoin.StateNetworkVersion" ? { result: 25 } : { error: { message: "no such method" } };
      response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...result }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await expect(Devnet.fork(`http://127.0.0.1:${port}`)).rejects.toMatchObject({
    data: { code: "NOT_LOCAL", networkVersion: 25 },
  });
  server.close();
  await expect(Devnet.fork("ftp://x")).rejects.toThrow("address of a JSON-RPC");
});
