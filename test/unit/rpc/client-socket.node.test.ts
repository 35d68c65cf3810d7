/** The client over WebSockets of the package `ws`, to servers that are no good: it ends by name, and nothing is left waiting. */
import { createHash } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket as Plain, WebSocketServer } from "ws";
import { connect, type SocketLike } from "../../../src/client.ts";

const WebSocket = Plain as unknown as new (url: string) => SocketLike;

/** A TCP server; where it listens, as a WebSocket's address. */
async function tcp(taken: (socket: Socket) => void): Promise<string> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    taken(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}/rpc/v1`;
}

test("a message that says that it is longer than the limit ends the call before it has come", async () => {
  // The head of a frame of 200 bytes, of which none follows.
  const url = await tcp((socket) => {
    socket.once("data", (request) => {
      const [, key] = /^sec-websocket-key: (.*?)\r$/im.exec(`${request}`) ?? [];
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      const head = ["HTTP/1.1 101 x", "Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept}`];
      socket.write(`${head.join("\r\n")}\r\n\r\n`);
      socket.once("data", () => socket.write(Uint8Array.of(0x81, 126, 0, 200)));
    });
  });
  await expect(connect(url, { WebSocket, answerBytes: 199 }).ChainHead()).rejects.toMatchObject({
    code: 0,
    message: expect.stringContaining("an answer of more than 199 bytes: ask for less of it"),
    cause: { name: "AnswerSizeError" },
  });
  const patient = connect(url, { WebSocket, answerBytes: 200, timeout: 200 });
  await expect(patient.ChainHead()).rejects.toThrow("ChainHead took over 200 milliseconds");
  patient.close();
});

test("a call whose time is over before there is a connection is not sent when there is one", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", verifyClient: (_, allow) => void hold.push(allow) });
  const hold: ((isAllowed: boolean) => void)[] = [];
  onTestFinished(() => void server.close());
  const seen: string[] = [];
  server.on("connection", (socket) => {
    socket.on("message", (data) => {
      seen.push(`${data}`);
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: JSON.parse(`${data}`).id, result: "it" }));
    });
  });
  await new Promise<void>((resolve) => server.once("listening", resolve));
  const node = connect(`ws://127.0.0.1:${(server.address() as { port: number }).port}/`, { WebSocket, timeout: 150 });
  await expect(node.request("A.late")).rejects.toThrow("A.late took over 150 milliseconds");
  for (const allow of hold) allow(true);
  await expect(node.request("A.second")).resolves.toBe("it");
  expect(seen.map((text) => JSON.parse(text).method)).toEqual(["A.second"]);
  node.close();
});

test("a call with a value that JSON has not fails, and the others go on", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => void server.close());
  server.on("connection", (socket) => {
    socket.on("message", (data) =>
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: JSON.parse(`${data}`).id, result: "it" })),
    );
  });
  await new Promise<void>((resolve) => server.once("listening", resolve));
  const node = connect(`ws://127.0.0.1:${(server.address() as { port: number }).port}/`, { WebSocket });
  await expect(node.request("A.b", 1n)).rejects.toThrow(/BigInt/);
  await expect(node.request("A.c")).resolves.toBe("it");
  node.close();
});
