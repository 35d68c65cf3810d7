/** A fork's store with a node that lies about its chain: nothing of that comes into the index of the network's own. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { ForkStore } from "../../../src/node/fork/fork-store.ts";
import { askFork } from "../../../src/node/fork/open-fork.ts";
import { RemoteChain, type RemoteTipset } from "../../../src/node/fork/remote-chain.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import type { Tipset } from "../../../src/types/block-header.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";

const name = (height: number): string => `height/${`${height}`.padStart(16, "0")}`;

test("what a fork would begin with and could not use is refused, before it is kept", async () => {
  const net = await Devnet.open({ accounts: 1 });
  const served = await net.serve();
  let lie: Record<string, object> = {};
  // The network's own node, but for what it lies about.
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString();
    const { method } = JSON.parse(body) as { readonly method: string };
    const headers = { "content-type": "application/json" };
    const honest = await fetch(served.url, { method: "POST", headers, body });
    response.end(JSON.stringify({ ...((await honest.json()) as object), ...lie[method] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [head, info] = [await net.request("ChainHead"), (await net.request("Devnet.info")) as object];
  expect((await askFork(url, undefined)).kept.seed).toBe(net.options.seed);
  const lies: readonly (readonly [string, object, string])[] = [
    ["Devnet.info", { seed: "" }, "Devnet.info: no seed"],
    ["Devnet.info", { mnemonic: "two words" }, "Devnet.info: no mnemonic"],
    ["Devnet.info", { miners: [{ address: "t0999" }] }, "Devnet.info: its state has no miner t0999"],
    ["Devnet.info", { miners: [{ address: "t0100" }] }, "Devnet.info: t0100 is no miner, it is an account"],
    ["Devnet.info", { miners: [], miner: `${net.accounts[0]?.bls}` }, "Devnet.info: no miner that is an ID address"],
    ["Filecoin.ChainHead", { Cids: [head.Cids[0], head.Cids[0]] }, "ChainHead: what it gives is no such answer"],
  ];
  for (const [method, change, why] of lies) {
    const honest = method === "Devnet.info" ? info : head;
    lie = { [method]: { result: { ...honest, ...change } } };
    await expect(askFork(url, undefined), why).rejects.toThrow(why);
  }
  lie = { "Filecoin.StateNetworkVersion": { error: "in words" } };
  await expect(askFork(url, undefined)).rejects.toThrow("in words");
  server.close();
  await net.close();
});

test("a tipset of another epoch than was asked for, or than its header says, is refused", async () => {
  const net = await Devnet.open({ accounts: 1 });
  net.clock.setAutomine(false);
  const first = await net.clock.mine(1);
  const point = await net.clock.mine(5);
  let answer: RemoteTipset = first;
  const remote = {
    url: "http://other",
    block: (cid: { readonly bytes: Uint8Array }) => net.node.chain.blocks.get(cid.bytes),
    atOrBefore: async () => answer,
    atOrAfter: async () => answer,
  } as unknown as RemoteChain;
  const inner = new MemoryStore();
  const store = new ForkStore(inner, remote, await loadCrypto(), point);
  const refused = async (height: number, { key }: Tipset, said: number, why: string): Promise<void> => {
    answer = { key, height: said };
    await expect(store.metadata(name(height))).rejects.toThrow(why);
    expect(await inner.metadataWith("")).toEqual([]);
  };
  // One of this network's own epochs would be overwritten.
  await refused(3, first, 100, "is at epoch 100, and one from 0 to 3 was asked for");
  await refused(3, first, 3, "is of epoch 1");
  answer = first;
  expect(await store.metadata(name(3))).toBeUndefined();
  expect(await store.metadata(name(1))).toBeDefined();
  await net.close();
});

test("a block that the other node does not have is not asked for again at once, and is once it may have it", async () => {
  const crypto = await loadCrypto();
  const bytes = Uint8Array.of(0xa0);
  const cid = cidOfBlock(bytes);
  let asked = 0;
  let there: Uint8Array | undefined;
  const remote = {
    url: "http://other",
    block: async () => {
      asked++;
      return there;
    },
  } as unknown as RemoteChain;
  let now = 1_000_000;
  const store = new ForkStore(new MemoryStore(), remote, crypto, { key: [], height: 0 }, () => now);
  expect([await store.has(cid.bytes), await store.get(cid.bytes), asked]).toEqual([false, undefined, 1]);
  there = bytes;
  now += 29_000;
  expect([await store.has(cid.bytes), asked]).toEqual([false, 1]);
  now += 2_000;
  expect([await store.get(cid.bytes), asked]).toEqual([bytes, 2]);
  // What comes from elsewhere is there at once.
  const other = Uint8Array.of(0xa1, 0x61, 0x61, 0x01);
  there = undefined;
  expect(await store.has(cidOfBlock(other).bytes)).toBe(false);
  await store.write({ blocks: [{ cid: cidOfBlock(other).bytes, bytes: other }] });
  expect([await store.get(cidOfBlock(other).bytes), asked]).toEqual([other, 3]);
});

test("only an error of the other node says that it has no block: what is no answer is told", async () => {
  let body = "";
  let status = 200;
  const server = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const remote = new RemoteChain(`http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc/v1`);
  const cid = cidOfBlock(Uint8Array.of(0xa0));
  body = JSON.stringify({ jsonrpc: "2.0", id: 1, error: { code: 1, message: "not found" } });
  expect(await remote.block(cid)).toBeUndefined();
  const failing = (error: unknown): string => JSON.stringify({ jsonrpc: "2.0", id: 1, error });
  // As lotus says it, with status 500, of a CID that has a word in it.
  status = 500;
  body = failing({ code: 1, message: "blockstore get: ipld: could not find bafy2bzacerate7busyquota" });
  expect(await remote.block(cid)).toBeUndefined();
  for (const [with_, error] of [
    [429, { code: 1, message: "not found" }],
    [200, { code: -32601, message: "method not found" }],
    [200, { code: -32005, message: "daily request count" }],
    [200, { code: 1, message: "request rate is too high" }],
    [500, { code: 1, message: "missing permission to invoke 'ChainReadObj' (need 'read')" }],
    [500, { code: 1, message: "context deadline exceeded" }],
    [200, "the server is busy"],
  ] as const) {
    status = with_;
    body = failing(error);
    await expect(remote.block(cid), body).rejects.toMatchObject({ data: { code: "NOT_AT_HAND" } });
  }
  status = 502;
  body = "<html>Bad Gateway</html>";
  await expect(remote.head()).rejects.toMatchObject({
    data: { code: "NOT_AT_HAND" },
    message: expect.stringContaining("does not answer: it gives the HTTP status 502"),
  });
  status = 404;
  await expect(remote.head()).rejects.toMatchObject({
    data: { code: "BAD_ANSWER" },
    message: expect.stringContaining("it gives no JSON (HTTP status 404)"),
  });
  status = 200;
  for (const answer of ["too many requests", "null", '{"error":null}', '{"result":7}']) {
    body = answer;
    await expect(remote.block(cid), answer).rejects.toMatchObject({ data: { code: "BAD_ANSWER" } });
  }
  server.close();
});
