/** The store over HTTP: ranges, digests, tokens, and names that lead nowhere else. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StoreServer, serveStore } from "../../src/platform/node-store.ts";
import { pack, unpack } from "../../src/queue/packing.ts";
import { getBlob, openStore, putBlob } from "../../src/queue/store.ts";

const folder = mkdtempSync(path.join(tmpdir(), "filigree-store-"));
let server: StoreServer;
let url: string;
beforeAll(async () => {
  server = await serveStore({ folder, host: "127.0.0.1", port: 0, token: "a token" });
  url = `http://127.0.0.1:${server.port}`;
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);

test("what is put is read, whole and by ranges", async () => {
  const store = openStore(url, "a token");
  const name = await putBlob(store, bytes);
  expect(await getBlob(store, name)).toEqual(bytes);
  expect(await getBlob(openStore(folder), name)).toEqual(bytes);
  for (const [from, length] of [
    [0, 10],
    [990, 10],
    [990, 20],
    [1000, 5],
  ] as const)
    expect(await store.read(name, { from, length })).toEqual(bytes.subarray(from, from + length));
  expect(await store.has(name)).toBe(true);
  expect(await store.has(`blobs/${"0".repeat(64)}`)).toBe(false);
  expect(await store.read("nothing")).toBeNull();
  const empty = await putBlob(store, new Uint8Array(0));
  expect(await getBlob(store, empty)).toEqual(new Uint8Array(0));
});

test("content that is not its name is refused, on its way in and out", async () => {
  const store = openStore(url, "a token");
  const name = `blobs/${"1".repeat(64)}`;
  await expect(store.write(name, bytes)).rejects.toMatchObject({ data: { code: "STORE_REFUSED", status: 422 } });
  writeFileSync(path.join(folder, name), bytes);
  await expect(getBlob(store, name)).rejects.toMatchObject({ data: { code: "STORE_CHANGED" } });
  await expect(getBlob(store, `blobs/${"2".repeat(64)}`)).rejects.toMatchObject({ data: { code: "NOT_STORED" } });
});

test("a server that gives more than was asked for, packed too, is let go of; one that says a wrong length is not believed", async () => {
  let answer: (response: ServerResponse) => void = () => undefined;
  const strange = createServer((_, response) => answer(response));
  await new Promise<void>((resolve) => strange.listen(0, "127.0.0.1", resolve));
  try {
    const store = openStore(`http://127.0.0.1:${(strange.address() as AddressInfo).port}`);
    const range = { from: 0, length: 1000 };
    const packed = gzipSync(new Uint8Array(1 << 20));
    answer = (response) =>
      response.writeHead(206, { "content-encoding": "gzip", "content-length": packed.length }).end(packed);
    await expect(store.read("x", range)).rejects.toMatchObject({
      message: "the store gives an answer of more than 1000 bytes for x",
      data: { code: "STORE_REFUSED", status: 206 },
    });
    const small = gzipSync(bytes);
    answer = (response) =>
      response.writeHead(206, { "content-encoding": "gzip", "content-length": small.length }).end(small);
    // Deno unpacks no parts of what is served.
    expect(await store.read("x", range)).toEqual("Deno" in globalThis ? new Uint8Array(small) : bytes);
    answer = (response) => {
      response.writeHead(206);
      for (const byte of bytes.subarray(0, 100)) response.write(Uint8Array.of(byte));
      response.end();
    };
    expect(await store.read("x", range)).toEqual(bytes.subarray(0, 100));
  } finally {
    strange.closeAllConnections();
    strange.close();
  }
});

test("no token, no bytes; no other places", async () => {
  const name = await putBlob(openStore(folder), bytes);
  for (const token of [undefined, "", "another"])
    await expect(openStore(url, token).read(name)).rejects.toMatchObject({
      data: { code: "STORE_REFUSED", status: 401 },
    });
  const headers = { authorization: "Bearer a token" };
  const status = async (place: string, init: RequestInit = {}): Promise<number> =>
    (await fetch(`${url}${place}`, { ...init, headers: { ...headers, ...(init.headers as Record<string, string>) } }))
      .status;
  const raw = (place: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const { port } = server;
      request({ port, host: "127.0.0.1", path: place, headers }, (response) => resolve(response.resume().statusCode))
        .once("error", reject)
        .end();
    });
  for (const place of ["/../../etc/passwd", "/blobs/../../x", "/%2e%2e/x", "//etc/passwd", "/a/b?x"])
    expect(await raw(place), place).toBe(400);
  expect(await status("/.hidden")).toBe(400);
  expect(await status("/blobs")).toBe(404);
  expect(await status("/other/file", { method: "PUT", body: "x" })).toBe(403);
  expect(await status(`/${name}`, { method: "DELETE" })).toBe(405);
  expect(await status(`/${name}`, { headers: { range: "bytes=a-b" } })).toBe(400);
  expect(() => openStore("ftp://x")).toThrow(expect.objectContaining({ data: { code: "BAD_STORE", url: "ftp://x" } }));
});

test("a job and its bytes come back as they were", async () => {
  const store = openStore(folder);
  const job = {
    kind: "x",
    small: bytes.subarray(0, 32),
    large: bytes,
    big: 2n ** 70n,
    list: [1, null, true, "text", { deep: new Map([["a", bytes]]) }],
    directory: path.join(folder, "sector"),
    source: { file: path.join(folder, "some.bin"), from: 10, length: 20 },
  };
  writeFileSync(path.join(folder, "some.bin"), bytes);
  const text = JSON.stringify(await pack(store, job));
  expect(text.length).toBeLessThan(700);
  expect(await unpack(store, JSON.parse(text))).toEqual(job);
  // A machine that sees the store as a server gets the range's bytes, and cannot see folders.
  const remote = openStore(url, "a token");
  const source = JSON.parse(text).source;
  expect(await unpack(remote, source)).toEqual({ bytes: bytes.subarray(10, 30) });
  await expect(unpack(remote, JSON.parse(text))).rejects.toMatchObject({ data: { code: "NOT_SHARED" } });
  expect(readFileSync(path.join(folder, "some.bin"))).toHaveLength(1000);
});

test("what a queue could say to lead a worker astray is refused", async () => {
  const store = openStore(folder);
  for (const value of [
    { $path: "../outside" },
    { $path: "/etc" },
    { $path: "a//b" },
    { $range: ["../x", 0, 1] },
    { $range: ["x", -0.5, 1] },
    { $blob: "blobs/../../x" },
    { $run: "x" },
    { $hex: 5 },
  ])
    await expect(unpack(store, value), JSON.stringify(value)).rejects.toThrow();
  let deep: unknown = 1;
  for (let i = 0; i < 40; i++) deep = [deep];
  await expect(unpack(store, deep)).rejects.toThrow(RangeError);
  await expect(pack(store, deep)).rejects.toThrow(RangeError);
});
