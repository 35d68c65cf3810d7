/** What arrives on sockets ends in them: abuse, unread answers, silent clients; and what the socket protocol promises. */
import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { makeDispatcher } from "../../src/rpc/api.ts";
import { PERMISSIONS } from "../../src/rpc/auth.ts";
import { startRpcServer } from "../../src/rpc/server.ts";
import { call, startTestNet, type TestNet } from "../support/devnet.ts";
import { abuseSockets } from "../support/socket-abuse.ts";
import { until } from "../support/until.ts";

let net: TestNet;
beforeAll(async () => {
  net = await startTestNet({ blockTime: 3600 });
});
afterAll(() => net.close());

type Message = {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: unknown[];
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
};

type Client = {
  readonly socket: WebSocket;
  readonly texts: string[];
  send(text: string): void;
  /** The messages, when there are `n`. */
  heard(n: number): Promise<Message[]>;
};

async function open(url = net.url): Promise<Client> {
  const socket = new WebSocket(url.replace("http", "ws"));
  const texts: string[] = [];
  socket.on("message", (data) => texts.push(data.toString()));
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.on("open", resolve));
  const heard = async (n: number): Promise<Message[]> => {
    await until(`${n} messages`, () => texts.length >= n);
    return texts.map((text) => JSON.parse(text) as Message);
  };
  return { socket, texts, send: (text) => socket.send(text), heard };
}

function status(path: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
  const { port } = new URL(net.url);
  return new Promise((resolve, reject) => {
    const get = request({ host: "127.0.0.1", port, path, headers }, (response) => {
      let text = "";
      response.on("data", (part: Buffer) => {
        text += part.toString();
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    get.on("error", reject);
    get.end();
  });
}

test("a hundred connections of eighteen bad kinds leave the server as it was", async () => {
  expect(await abuseSockets(net.url, 108)).toBe(108);
  expect(await call(net.url, "Filecoin.StateNetworkName")).toBe("localnet");
});

test("an upgrade to // is answered like any other", async () => {
  const { port } = new URL(net.url);
  const answer = await new Promise<string>((resolve) => {
    const socket = connect({ port: Number(port), host: "127.0.0.1" });
    socket.on("data", (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.write(
      "GET // HTTP/1.1\r\nhost: evil.example\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
  });
  expect(answer).toMatch(/^HTTP\/1.1 403 /);
  expect(answer).toContain("--allow-host evil.example");
});

test("GET / and /health answer; refusals name the flag or the command that helps", async () => {
  expect((await status("/")).text).toContain("/rpc/v1");
  const health = await status("/health");
  expect(health.status).toBe(200);
  expect(JSON.parse(health.text)).toMatchObject({ status: "ok", network: "localnet" });
  expect((await status("/nothing")).status).toBe(404);
  const origin = await status("/health", { origin: "https://app.example" });
  expect(origin).toMatchObject({ status: 403, text: expect.stringContaining("--cors https://app.example") });
  const token = await status("/health", { authorization: "Bearer a.b.c" });
  expect(token).toMatchObject({ status: 401, text: expect.stringContaining("filigree auth token") });
});

test("ids come back as they were sent, whatever their size", async () => {
  const client = await open();
  for (const id of ["9007199254740993", "18446744073709551615", "0", '"9007199254740993"', "-5", "1.5"])
    client.send(`{"jsonrpc":"2.0","id":${id},"method":"Filecoin.StateNetworkName"}`);
  await client.heard(6);
  const ids = client.texts.map((text) => /"id":([^}]*)}/.exec(text)?.[1]);
  expect(ids.sort()).toEqual(
    ["-5", "0", "1.5", "18446744073709551615", '"9007199254740993"', "9007199254740993"].sort(),
  );
  client.socket.terminate();
});

test("notifications are not answered, whether they succeed or fail", async () => {
  const client = await open();
  client.send('{"jsonrpc":"2.0","method":"Filecoin.StateNetworkName"}');
  client.send('{"jsonrpc":"2.0","method":"Filecoin.Nothing"}');
  client.send('{"jsonrpc":"2.0","method":"Filecoin.ChainGetBlock","params":[7]}');
  client.send('{"jsonrpc":"2.0","id":"last","method":"Filecoin.StateNetworkName"}');
  const messages = await client.heard(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(client.texts).toHaveLength(1);
  expect(messages[0]?.id).toBe("last");
  client.socket.terminate();
});

test("xrpc.cancel ends a call and its work: a thousand waits, one after the other, leave nothing behind", async () => {
  const client = await open();
  const cid = (await call<{ Cids: unknown[] }>(net.url, "Filecoin.ChainHead")).Cids[0];
  for (let id = 1; id <= 1000; id++) {
    const sent = id === 1000 ? "9007199254740993" : `${id}`;
    client.send(`{"jsonrpc":"2.0","id":${sent},"method":"Filecoin.StateWaitMsg","params":[${JSON.stringify(cid)}]}`);
    client.send(`{"jsonrpc":"2.0","method":"xrpc.cancel","params":[${sent}]}`);
  }
  client.send('{"jsonrpc":"2.0","id":"after","method":"Filecoin.StateNetworkName"}');
  await until("the answer", () => client.texts.some((text) => text.includes('"after"')));
  expect(client.socket.readyState).toBe(WebSocket.OPEN);
  client.socket.terminate();
});

test("mining that was cancelled, or whose client has gone, stops", async () => {
  const client = await open();
  const start = net.devnet.head.height;
  client.send('{"jsonrpc":"2.0","id":9,"method":"Devnet.mine","params":[100000]}');
  await until("three tipsets", () => net.devnet.head.height >= start + 3);
  client.send('{"jsonrpc":"2.0","method":"xrpc.cancel","params":[9]}');
  const [reply] = await client.heard(1);
  expect(reply?.error?.message).toContain("cancelled");
  await net.devnet.clock.mine(1);
  const { height } = net.devnet.head;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(net.devnet.head.height).toBe(height);
  client.socket.terminate();
});

test("a client that does not read is cut off before it costs much", async () => {
  const client = await open();
  const closed = new Promise((resolve) => client.socket.on("close", resolve));
  // The description of the interface is a large answer.
  client.socket.pause();
  for (let i = 0; i < 4000 && client.socket.readyState === WebSocket.OPEN; i++) {
    client.send(`{"jsonrpc":"2.0","id":${i},"method":"rpc.discover"}`);
    if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  client.socket.resume();
  await closed;
  expect(await call(net.url, "Filecoin.StateNetworkName")).toBe("localnet");
});

test("a socket whose client is silent to pings is closed, one that answers stays", async () => {
  const dispatcher = makeDispatcher(net.devnet.services);
  const server = await startRpcServer(dispatcher, {
    ...{ host: "127.0.0.1", port: 0, secret: new Uint8Array(32), anonymous: PERMISSIONS },
    ...{ allowHosts: [], allowOrigins: [], loopbackOrigins: true, pingMs: 1000 },
  });
  const url = `http://127.0.0.1:${server.port}/rpc/v1`;
  const [alive, silent] = [await open(url), await open(url)];
  const closed = new Promise((resolve) => silent.socket.on("close", resolve));
  silent.socket.pong = () => undefined;
  await closed;
  expect(alive.socket.readyState).toBe(WebSocket.OPEN);
  alive.socket.terminate();
  await server.close();
});
