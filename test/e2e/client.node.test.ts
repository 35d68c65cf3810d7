/** The typed client over HTTP and WebSocket. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { connect, RpcClientError, type SocketLike } from "../../src/client.ts";
import { startTestNet, type TestNet } from "../support/devnet.ts";
import { until } from "../support/until.ts";

let net: TestNet;
let socketUrl: string;
const Socket = WebSocket as unknown as new (url: string) => SocketLike;
beforeAll(async () => {
  net = await startTestNet({ blockTime: 3600 });
  socketUrl = net.url.replace("http", "ws");
});
afterAll(() => net.close());

test("calls over HTTP: parameters by position, those behind may be left out", async () => {
  const node = connect(net.url);
  const [alice, bob] = net.devnet.accounts.map(({ secp256k1 }) => secp256k1.toString("t")) as [string, string];
  expect((await node.ChainHead())["Height"]).toBe(net.devnet.head.height);
  expect((await node.StateGetActor(alice)).Nonce).toBe(0);
  expect(await node.StateAccountKey(alice, [])).toBe(alice);
  const signed = await node.MpoolPushMessage({ From: alice, To: bob, Value: "5", Method: 0 }, null);
  await net.devnet.clock.mine(2);
  const found = await node.StateWaitMsg(signed["CID"] as { "/": string }, 0);
  expect(found.Receipt["ExitCode"]).toBe(0);
  expect(await node.request("Filecoin.StateNetworkName")).toBe("localnet");
});

test("a signal ends a call here and at the node, by either transport, also before the connection is open", async () => {
  for (const url of [socketUrl, net.url]) {
    const node = connect(url, { WebSocket: Socket });
    const cancel = new AbortController();
    const enough = new Error("enough");
    const start = net.devnet.head.height;
    const mined = expect(node.request("Devnet.mine", cancel.signal, 100_000)).rejects.toBe(enough);
    await until("a tipset", () => net.devnet.head.height > start);
    cancel.abort(enough);
    await mined;
    // It has its turn: nothing is before it any more.
    await net.devnet.clock.mine(1);
    const { height } = net.devnet.head;
    await expect(node.request("Devnet.mine", cancel.signal, 5)).rejects.toBe(enough);
    await expect(node.request("Filecoin.StateNetworkName", new AbortController().signal)).resolves.toBe("localnet");
    expect(net.devnet.head.height).toBe(height);
    node.close();
  }
  const early = connect(socketUrl, { WebSocket: Socket });
  const abort = new AbortController();
  const call = expect(early.request("Devnet.mine", abort.signal, 100_000)).rejects.toThrow(/abort/);
  abort.abort();
  await call;
  expect(await early.request("Filecoin.StateNetworkName")).toBe("localnet");
  early.close();
});

test("errors carry the node's code and text", async () => {
  const node = connect(net.url);
  const error = await node.StateGetActor("t099999").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RpcClientError);
  expect(error).toMatchObject({ code: 11, message: "actor not found" });
  await expect(connect(`${net.url}/nothing`).ChainHead()).rejects.toThrow(/404/);
  await expect(connect(net.url, { token: "a.b.c" }).ChainHead()).rejects.toThrow(/401/);
  await expect(node.ChainNotify(() => undefined)).rejects.toThrow(/ws:/);
});

test("a node that is not there, is late or speaks something else: one class of errors, with cause and next step", async () => {
  const nobody = "127.0.0.1:47999/rpc/v1";
  const thrownBy = (call: Promise<unknown>) => call.catch((error: unknown) => error);
  for (const node of [connect(`http://${nobody}`), connect(`ws://${nobody}`, { WebSocket: Socket })]) {
    const error = await thrownBy(node.ChainHead());
    expect(error).toBeInstanceOf(RpcClientError);
    expect(error).toMatchObject({
      code: 0,
      message: expect.stringMatching(/cannot reach .*47999.*; is a node running/),
    });
    expect((error as Error).cause).toBeInstanceOf(Error);
  }
  const server = createServer((request, response) => {
    if (request.url === "/page") response.end("<html>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const page = await thrownBy(connect(`${url}/page`).ChainHead());
    expect(page).toBeInstanceOf(RpcClientError);
    expect(page).toMatchObject({ code: 0, message: expect.stringMatching(/no JSON-RPC: "<html>"/) });
    const late = await thrownBy(connect(`${url}/silence`, { timeout: 20 }).ChainHead());
    expect(late).toBeInstanceOf(RpcClientError);
    expect(late).toMatchObject({ code: 0, message: expect.stringMatching(/ChainHead took over 20 milliseconds/) });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("a WebSocket on which something else is spoken is ended, and that is told to whoever waits", async () => {
  for (const text of ["<html>", "null"]) {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await new Promise((resolve) => server.once("listening", resolve));
    const closed = new Promise<void>((resolve) =>
      server.on("connection", (socket) => {
        socket.on("close", () => resolve());
        socket.on("message", () => socket.send(text));
      }),
    );
    const node = connect(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { WebSocket: Socket });
    const error = await node.ChainHead().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RpcClientError);
    expect(error).toMatchObject({ code: 0, message: expect.stringMatching(/answers no JSON-RPC/) });
    await closed;
    await new Promise((resolve) => server.close(resolve));
  }
});

test("the methods that the guide calls by name are there", async () => {
  const guide = readFileSync(new URL("../../docs/guide-rpc-client.md", import.meta.url), "utf8");
  const named = [...guide.matchAll(/`(?:node\.request\(")?((?:Devnet\.|evm_|eth_|Filecoin\.)\w+)/g)].map(
    ([, name]) => name,
  );
  expect(named.length).toBeGreaterThanOrEqual(4);
  const described = (await connect(net.url).request("rpc.discover")) as { methods: readonly { name: string }[] };
  const names = new Set(described.methods.map(({ name }) => name));
  expect(named.filter((name) => !names.has(name as string))).toEqual([]);
});

test("a subscription over a WebSocket: values in order, until it is stopped", async () => {
  const node = connect(socketUrl, { WebSocket: Socket });
  const seen: number[] = [];
  const start = net.devnet.head.height;
  const changes = await node.ChainNotify((list) => {
    for (const { Val } of list) seen.push(Val["Height"] as number);
  });
  await net.devnet.clock.mine(2);
  await until("three changes", () => seen.length >= 3);
  expect(seen).toEqual([start, start + 1, start + 2]);
  changes.stop();
  await changes.ended;
  await net.devnet.clock.mine(1);
  expect((await node.Version()).Version).toContain("filigree");
  expect(seen).toHaveLength(3);
  node.close();
});

test("an export comes in pieces and ends; a call that takes too long is cancelled; a lost connection fails what waits", async () => {
  const node = connect(socketUrl, { WebSocket: Socket, timeout: 500 });
  const pieces: string[] = [];
  const patient = connect(socketUrl, { WebSocket: Socket });
  const file = await patient.ChainExport((piece) => pieces.push(piece), 1, false, []);
  await file.ended;
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.at(-1)).toBe("");
  const unknown = (await connect(net.url).MpoolPushMessage(
    {
      From: net.devnet.accounts[0]?.bls.toString("t") as string,
      To: "t0100",
      Value: "1",
      Method: 0,
    } as never,
    null,
  )) as { CID: { "/": string } };
  await expect(node.StateWaitMsg(unknown.CID, 900)).rejects.toThrow(/500 milliseconds/);
  const waiting = patient.StateWaitMsg(unknown.CID, 900).catch((error: Error) => error.message);
  await patient.Version();
  patient.close();
  expect(await waiting).toMatch(/has ended/);
  node.close();
});
