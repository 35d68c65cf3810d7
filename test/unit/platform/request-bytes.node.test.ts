/** What clients of a server may have under way: bytes for one and for all, time for what is not whole, one request at a time. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { FrameMeter } from "../../../src/platform/frame-meter.ts";
import { serve } from "../../../src/platform/node-server.ts";
import { RequestBytes } from "../../../src/platform/request-bytes.ts";
import type { ServeOptions, Server } from "../../../src/platform/server.ts";
import { until } from "../../support/until.ts";

const LARGEST = 1000;
let server: Server | null = null;
let clients: Client[] = [];
afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  clients = [];
  await server?.close();
  server = null;
});

/** Requests that were handed on, in order, and what answers them. */
let asked: { readonly text: string; readonly signal?: AbortSignal; answer(): void }[] = [];
async function start(options: Partial<ServeOptions> = {}): Promise<Server> {
  asked = [];
  const opened = await serve({
    ...{ host: "127.0.0.1", port: 0, maxBodyBytes: LARGEST, backlogBytes: 1 << 20 },
    admit: () => null,
    onGet: () => ({ type: "text/plain", text: "here" }),
    onRequest: (_, text, signal) =>
      new Promise((resolve) => asked.push({ text, signal, answer: () => resolve(`to ${text}`) })),
    onSocket: (_, socket) => ({
      onText: (text) =>
        new Promise((resolve) =>
          asked.push({
            text,
            answer() {
              socket.send(`to ${text}`);
              resolve();
            },
          }),
        ),
      onClose: () => undefined,
    }),
    ...options,
  });
  server = opened;
  return opened;
}

type Client = { readonly socket: Socket; heard: string; closed: boolean };
async function open({ port }: Server): Promise<Client> {
  const socket = connect({ port, host: "127.0.0.1" });
  const client: Client = { socket, heard: "", closed: false };
  socket.on("data", (data) => {
    client.heard += data.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    client.closed = true;
  });
  await once(socket, "connect");
  clients.push(client);
  return client;
}

const post = (body: string, length = body.length): string =>
  `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${length}\r\n\r\n${body}`;
const UPGRADE =
  "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async function openSocket(at: Server): Promise<Client> {
  const client = await open(at);
  client.socket.write(UPGRADE);
  await until("the upgrade", () => client.heard.includes("\r\n\r\n"));
  return client;
}

/** A frame as clients send them, masked with zeros. */
function frame(payload: string, { fin = true, opcode = 1 } = {}): Buffer {
  const size = payload.length;
  const length = size < 126 ? [size] : [126, size >> 8, size & 0xff];
  length[0] = (length[0] as number) | 0x80;
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode, ...length, 0, 0, 0, 0]), Buffer.from(payload)]);
}

async function isServed(at: Server): Promise<void> {
  const client = await open(at);
  client.socket.write(post("one more"));
  await until("the request", () => asked.some(({ text }) => text === "one more"));
  asked.find(({ text }) => text === "one more")?.answer();
  await until("its answer", () => client.heard.includes("to one more"));
}

test("one client's bytes and all clients' are bounded: who has most is cut off, and counts no longer", () => {
  const cut: string[] = [];
  const bytes = new RequestBytes(100, 250);
  const client = (name: string) => ({ destroy: () => cut.push(name) });
  const [a, b, c] = [client("a"), client("b"), client("c")];
  const first = bytes.open(a);
  expect([first.set(60), bytes.open(a).set(50), first.set(100), first.set(101), bytes.size]).toEqual([
    ...[true, false, true, false],
    0,
  ]);
  expect([first.set(90), bytes.open(b).set(95), bytes.open(c).set(60), cut, bytes.size]).toEqual([
    ...[true, true, true],
    ...[[], 245],
  ]);
  const more = bytes.open(c);
  expect([more.set(20), cut, bytes.size]).toEqual([true, ["b"], 170]);
  expect([bytes.open(b).set(1), bytes.size]).toEqual([false, 170]);
  more.release();
  more.release();
  first.release();
  expect(bytes.size).toBe(60);
});

test("the meter follows messages over frames, cuts and control frames", () => {
  const wire = Buffer.concat([
    frame("x".repeat(300), { fin: false }),
    frame("ping", { opcode: 9 }),
    frame("y".repeat(50), { fin: false, opcode: 0 }),
    frame("", { opcode: 0 }),
    frame("next", { fin: false }),
  ]);
  for (const step of [1, 3, 64, wire.length]) {
    const meter = new FrameMeter();
    let most = 0;
    for (let at = 0; at < wire.length; at += step) {
      meter.feed(wire.subarray(at, at + step));
      most = Math.max(most, meter.unfinished);
    }
    expect([meter.unfinished, meter.begun, meter.isUnderWay]).toEqual([4, 2, true]);
    if (step === 1) expect(most).toBe(350);
    meter.feed(frame("", { opcode: 0 }));
    expect([meter.unfinished, meter.isUnderWay]).toEqual([0, false]);
  }
});

test.each([
  ["bodies", open, post("x".repeat(900), 950)],
  ["messages", openSocket, frame("x".repeat(900), { fin: false })],
])("unfinished %s of many clients are bounded in bytes, and others are served", async (_, connected, part) => {
  const at = await start();
  for (let i = 0; i < 30; i++) (await connected(at)).socket.write(part);
  // All together may hold sixteen of the largest requests.
  await until("connections to be cut off", () => clients.filter(({ closed }) => !closed).length <= 17);
  await isServed(at);
});

test.each([
  ["body", open, post("x", 2)],
  ["message", openSocket, frame("x", { fin: false })],
])("an unfinished %s is cut off when its time is over, pings answered or not", async (_, connected, part) => {
  const at = await start({ requestMs: 100, pingMs: 20 });
  const client = await connected(at);
  client.socket.write(part);
  const pongs = setInterval(() => client.socket.write(frame("", { opcode: 10 })), 10);
  if (part.toString().startsWith("POST")) clearInterval(pongs);
  await until("the end", () => client.closed);
  clearInterval(pongs);
  await isServed(at);
});

test("a body of very many small parts is refused before it costs much", async () => {
  const at = await start();
  const client = await open(at);
  client.socket.write("POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
  for (let i = 0; i < 100; i++) {
    client.socket.write("1\r\n \r\n");
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  client.socket.write("0\r\n\r\n");
  await until("the refusal", () => client.heard.includes("503") || client.closed);
  expect(asked).toEqual([]);
});

test("messages of one socket that are not answered are bounded in bytes; answered ones count no longer", async () => {
  const at = await start();
  const client = await openSocket(at);
  for (let i = 1; i <= 20; i++) {
    client.socket.write(frame("x".repeat(900)));
    await until("the message", () => asked.length === i);
    asked.at(-1)?.answer();
  }
  for (let i = 0; i < 6; i++) client.socket.write(frame("x".repeat(900)));
  await until("the end", () => client.closed);
  expect(asked).toHaveLength(24);
  await isServed(at);
});

test("requests of one connection are done one after another, and none whose client has gone", async () => {
  const at = await start();
  const client = await open(at);
  client.socket.write(post("a") + post("b") + post("c"));
  for (const [i, text] of ["a", "b"].entries()) {
    await until(text, () => asked.length > i);
    // Whatever else could have begun by now has.
    await isOthersTurn(at);
    expect(asked.map((one) => one.text).filter((one) => one.length === 1)).toEqual(["a", "b"].slice(0, i + 1));
    if (text === "a") asked[0]?.answer();
    asked = asked.filter((one) => one.text.length === 1);
  }
  expect(client.heard).toContain("to a");
  client.socket.destroy();
  await until("the end of the call", () => asked[1]?.signal?.aborted === true);
  asked[1]?.answer();
  await isOthersTurn(at);
  expect(asked.map(({ text }) => text)).not.toContain("c");
});

async function isOthersTurn(at: Server): Promise<void> {
  await isServed(at);
}

test("downloads of one share that nobody reads keep no other share waiting", async () => {
  const gate = { open: (): void => undefined };
  const opened = new Promise<void>((resolve) => {
    gate.open = resolve;
  });
  const download = { status: 200, headers: {}, body: null };
  let begun = 0;
  const at = await start({
    onDownload: ({ path }) =>
      path === "/slow"
        ? {
            share: "data",
            begin: async () => {
              begun++;
              await opened;
              return download;
            },
          }
        : { share: "the page", begin: async () => download },
  });
  const get = async (path: string): Promise<Client> => {
    const client = await open(at);
    client.socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    return client;
  };
  for (let i = 0; i < 64; i++) await get("/slow");
  await until("all of them", () => begun === 64);
  const late = await get("/slow");
  await until("a refusal", () => late.heard.includes("64 downloads of data are under way, as many as may be"));
  expect(late.heard).toMatch(/^HTTP\/1.1 503 .*retry-after: 5/s);
  const page = await get("/");
  await until("the page", () => page.heard.startsWith("HTTP/1.1 200"));
  gate.open();
  await until("its turn", async () => {
    const next = await get("/slow");
    await until("an answer", () => next.heard !== "");
    return next.heard.startsWith("HTTP/1.1 200");
  });
});
