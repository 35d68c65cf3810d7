/** The admin token of the local network goes to that network and to nobody else. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { keepToken } from "../../../src/cli/kept-token.ts";
import { isSamePlace, keepOwnToken, ownTokenFor } from "../../../src/cli/own-token.ts";
import { Remote } from "../../../src/cli/remote.ts";

const root = await mkdtemp(path.join(tmpdir(), "filigree-token-"));
const heard: (string | undefined)[] = [];
const stranger = createServer((request, response) => {
  heard.push(request.headers.authorization);
  response.end('{"jsonrpc":"2.0","id":1,"result":"5"}');
}).listen(0, "127.0.0.1");
await once(stranger, "listening");
const { port } = stranger.address() as AddressInfo;
afterAll(async () => {
  vi.unstubAllEnvs();
  stranger.close();
  await rm(root, { recursive: true, force: true });
});

/** The authorization that a command sends to the stranger. */
async function sent(env: Record<string, string>, data: string): Promise<string | undefined> {
  for (const name of ["FILIGREE_TOKEN", "FILIGREE_RPC", "FULLNODE_API_INFO"]) vi.stubEnv(name, env[name]);
  await (await Remote.open({}, data)).call("WalletBalance", "t0100");
  return heard.at(-1);
}

test("who listens elsewhere is not sent the local network's token, but the one that the user gave", async () => {
  const data = root;
  const url = `http://127.0.0.1:${port}/rpc/v1`;
  await keepOwnToken(data, "own", `http://0.0.0.0:${port + 1}/rpc/v1`);
  expect(await sent({ FILIGREE_RPC: url }, data)).toBeUndefined();
  expect(await sent({ FULLNODE_API_INFO: url }, data)).toBeUndefined();
  expect(await sent({ FILIGREE_RPC: url, FILIGREE_TOKEN: "given" }, data)).toBe("Bearer given");
  expect(await sent({ FULLNODE_API_INFO: `given:${url}` }, data)).toBe("Bearer given");
  await keepOwnToken(data, "own", `http://0.0.0.0:${port}/rpc/v1`);
  expect(await sent({ FILIGREE_RPC: url }, data)).toBe("Bearer own");
});

test("of a network of several nodes each has its token in its own folder, and is sent no other's", async () => {
  const data = path.join(root, "several");
  const token = await keepToken({ host: "0.0.0.0", port }, new Uint8Array(32), path.join(data, "node-1"));
  await keepToken({ host: "0.0.0.0", port: port + 1 }, new Uint8Array(32).fill(1), path.join(data, "node-0"));
  const url = `http://127.0.0.1:${port}/rpc/v1`;
  expect(await sent({ FILIGREE_RPC: url }, data)).toBe(`Bearer ${token?.text}`);
  expect(await ownTokenFor(data, url)).toEqual({ text: token?.text, file: token?.file });
  expect(token?.file).toBe(path.join(data, "node-1", "secrets", "admin-token"));
  expect(await keepToken({ host: "127.0.0.1", port }, new Uint8Array(32), data)).toBeNull();
});

test("an address is the network's own by port and host; one that listens everywhere is on this machine only", () => {
  const own = "http://0.0.0.0:1234/rpc/v1";
  const here = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === "IPv4")?.address;
  for (const host of ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", here ?? "127.0.0.1"])
    expect(isSamePlace(own, `http://${host}:1234/rpc/v0`), host).toBe(true);
  for (const url of [
    "http://evil.example:1234",
    "http://127.0.0.1:1235",
    "https://127.0.0.1:1234",
    "http://127.evil:1234",
  ])
    expect(isSamePlace(own, url), url).toBe(false);
  expect(isSamePlace("http://192.0.2.1:1234/rpc/v1", "http://192.0.2.1:1234")).toBe(true);
  expect(isSamePlace("http://192.0.2.1:1234/rpc/v1", "http://127.0.0.1:1234")).toBe(false);
  expect(isSamePlace("no address", "http://127.0.0.1:1234")).toBe(false);
});
