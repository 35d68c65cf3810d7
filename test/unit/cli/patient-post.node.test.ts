/** Calls whose answer may take hours. */
import { createServer } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { patientPost } from "../../../src/cli/patient-post.ts";

let waiting: (() => void) | null = null;
let gone = 0;
const server = createServer((request, response) => {
  request.on("error", () => undefined);
  response.on("close", () => gone++);
  let body = "";
  request.on("data", (part) => {
    body += part;
  });
  request.on("end", () => {
    if (request.url === "/reset") response.destroy();
    else if (request.url === "/wait") waiting?.();
    else response.writeHead(201).end(`${request.method} ${request.headers["x-one"]} ${body} é`);
  });
});
let base: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => void server.close());

const post = (path: string, signal = new AbortController().signal) =>
  patientPost({ url: `${base}${path}`, headers: { "x-one": "1" }, body: "é", signal });

test("an answer, whatever its status", async () => {
  expect(await post("/")).toEqual({ status: 201, text: "POST 1 é é" });
});

test("one that goes away, one that is not there, and one that is given up", async () => {
  await expect(post("/reset")).rejects.toMatchObject({ code: "ECONNRESET" });
  const abort = new AbortController();
  const asked = new Promise<void>((resolve) => {
    waiting = resolve;
  });
  const before = gone;
  const given = post("/wait", abort.signal);
  await asked;
  abort.abort();
  await expect(given).rejects.toThrow();
  await expect.poll(() => gone, { timeout: 60_000 }).toBe(before + 1);
  await expect(
    patientPost({ url: "http://127.0.0.1:1/", headers: {}, body: "", signal: abort.signal }),
  ).rejects.toThrow();
  await expect(
    patientPost({ url: "http://127.0.0.1:1/", headers: {}, body: "", signal: new AbortController().signal }),
  ).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("each has a connection of its own: none is written to that the server is about to close", async () => {
  let connections = 0;
  const count = (): void => void connections++;
  server.on("connection", count);
  for (let i = 0; i < 3; i++) expect((await post("/")).status).toBe(201);
  server.off("connection", count);
  expect(connections).toBe(3);
});
