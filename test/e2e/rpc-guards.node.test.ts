/** Who may not speak to the server, and what malformed requests are told. */
import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { makeToken } from "../../src/rpc/auth.ts";
import { startTestNet, type TestNet } from "../support/devnet.ts";

let net: TestNet;
beforeAll(async () => {
  net = await startTestNet({ blockTime: 3600 });
});
afterAll(() => net.close());

type Reply = { readonly status: number; readonly text: string };

function post(body: string, headers: Record<string, string> = {}): Promise<Reply> {
  const url = new URL(net.url);
  return new Promise((resolve, reject) => {
    const call = request(
      { host: url.hostname, port: url.port, path: url.pathname, method: "POST", headers },
      (response) => {
        let text = "";
        response.on("data", (part: Buffer) => {
          text += part.toString();
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

const VERSION = '{"jsonrpc":"2.0","id":0,"method":"Filecoin.Version"}';
const codeOf = (reply: Reply): number => (JSON.parse(reply.text) as { error: { code: number } }).error.code;

test("a foreign Host header is refused, which stops DNS rebinding", async () => {
  expect((await post(VERSION, { host: "evil.example" })).status).toBe(403);
  expect((await post(VERSION, { host: "localhost:1234" })).status).toBe(200);
});

test("a foreign or null Origin is refused for HTTP and WebSocket; loopback pages may call", async () => {
  for (const origin of ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
    expect((await post(VERSION, { origin })).status).toBe(403);
  expect((await post(VERSION, { origin: "http://localhost:5173" })).status).toBe(200);
  const socket = new WebSocket(net.url.replace("http", "ws"), { origin: "https://evil.example" });
  const status = await new Promise((resolve) => {
    socket.on("unexpected-response", (_, response) => resolve(response.statusCode));
    socket.on("error", () => resolve("refused"));
  });
  expect(status === 403 || status === "refused").toBe(true);
});

test("a GET of the interface says that it is POSTed to; one of anything else, where it is", async () => {
  const got = await fetch(net.url);
  expect([got.status, got.headers.get("allow"), await got.text()]).toEqual([
    405,
    "POST",
    expect.stringMatching(/JSON-RPC 2.0 is POSTed here/),
  ]);
  const other = await fetch(new URL("/elsewhere", net.url));
  expect([other.status, await other.text()]).toEqual([404, expect.stringMatching(/POSTed to \/rpc\/v1/)]);
});

test("tokens: another secret, an unsigned token and a changed one are refused", async () => {
  const bearer = (token: string) => post(VERSION, { authorization: `Bearer ${token}` });
  const good = makeToken(net.devnet.services.tokenSecret, ["read"]);
  expect((await bearer(good)).status).toBe(200);
  expect((await bearer(makeToken(new Uint8Array(32), ["read"]))).status).toBe(401);
  const none = `${btoa('{"alg":"none"}').replaceAll("=", "")}.${good.split(".")[1]}.`;
  expect((await bearer(none)).status).toBe(401);
  expect((await bearer(`${good.slice(0, -2)}AA`)).status).toBe(401);
});

test("an id of 0, a text id, absent and null params are answered with status 200", async () => {
  for (const id of [0, "x"])
    for (const params of ["", ',"params":null', ',"params":[]']) {
      const reply = await post(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"Filecoin.Version"${params}}`);
      expect(reply.status).toBe(200);
      expect((JSON.parse(reply.text) as { id: unknown }).id).toBe(id);
    }
});

test("malformed requests get the error that names the cause", async () => {
  expect(codeOf(await post("{"))).toBe(-32700);
  expect(codeOf(await post("7"))).toBe(-32600);
  expect(codeOf(await post("[]"))).toBe(-32600);
  expect(codeOf(await post('{"id":1,"method":"Filecoin.Nothing"}'))).toBe(-32601);
  expect(codeOf(await post('{"id":1,"method":"Filecoin.ChainGetBlock","params":[{"/":"x"}]}'))).toBe(-32602);
  expect(codeOf(await post('{"id":1,"method":"Filecoin.ChainGetBlock","params":{"a":1}}'))).toBe(-32602);
  expect(codeOf(await post(`${"[".repeat(100)}${"]".repeat(100)}`))).toBe(-32005);
  const batch = `[${Array.from({ length: 101 }, () => VERSION).join(",")}]`;
  expect(codeOf(await post(batch))).toBe(-32600);
  expect((await post(" ".repeat(6 << 20))).status).toBe(413);
  expect((await post('{"id":1,"method":"__proto__"}')).status).toBe(200);
  expect(codeOf(await post('{"id":1,"method":"constructor"}'))).toBe(-32601);
});

test("a batch is answered in order", async () => {
  const reply = await post(`[${VERSION},{"jsonrpc":"2.0","id":"b","method":"Filecoin.StateNetworkName"}]`);
  const answers = JSON.parse(reply.text) as { id: unknown; result: unknown }[];
  expect(answers.map((answer) => answer.id)).toEqual([0, "b"]);
  expect(answers[1]?.result).toBe("localnet");
});
