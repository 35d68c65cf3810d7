/** The page that a node serves, as far as no browser is needed: what is served to whom, and the stream of sectors' steps. */
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { connect } from "../../src/client.ts";
import { pageDownload } from "../../src/rpc/page-files.ts";
import { startTestNet, type TestNet } from "../support/devnet.ts";
import { until } from "../support/until.ts";

let net: TestNet;
beforeAll(async () => {
  net = await startTestNet({ blockTime: 0, miners: 1, accounts: 2 });
});
afterAll(() => net.close());

const get = (path: string, headers: Record<string, string> = {}) => fetch(new URL(path, net.url), { headers });

test("a browser is given the page, others what they were given before", async () => {
  const page = await get("/", { accept: "text/html,application/xhtml+xml" });
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|\*|https?:/);
  expect(policy).toContain(`ws://${new URL(net.url).host}`);
  const text = await page.text();
  // Nothing in the document itself runs or styles, and nothing comes from elsewhere.
  expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|(src|href)="(https?:)?\/\//);
  const parts = [...text.matchAll(/(?:src|href)="\.(\/assets\/[^"]+)"/g)].map(([, part]) => part as string);
  expect(parts.map((part) => part.replace(/^.*\./, "")).sort()).toEqual(["css", "js", "svg"]);
  for (const part of parts) {
    const got = await get(part);
    expect([got.status, got.headers.get("x-content-type-options")]).toEqual([200, "nosniff"]);
    expect((await got.arrayBuffer()).byteLength).toBe(Number(got.headers.get("content-length")));
  }
  // A host of files sends no headers: the document has a policy of its own, and that of the header says no more but whom it may speak to.
  const [, own = ""] = /<meta\s+http-equiv="content-security-policy"\s+content="([^"]+)"/.exec(text) ?? [];
  const rules = (all: string): string[] =>
    all.split("; ").filter((rule) => !/^(connect-src|frame-ancestors) /.test(rule));
  expect(rules(own)).toEqual(rules(policy));
  expect(rules(own)).toHaveLength(7);
  expect(own).toContain("connect-src 'self' ws: wss:;");
  expect(text.indexOf("content-security-policy")).toBeLessThan(text.indexOf("<script"));
  const plain = await get("/");
  expect(await plain.text()).toMatch(/^filigree .* at epoch /);
});

test("the worker that is a node may dial the network's nodes that listen for pages; the document and other workers may not", async () => {
  const multiaddrs = ["/ip4/127.0.0.1/tcp/4001/ws/p2p/12D3", "/ip6/::1/tcp/2/tls/ws", "/ip4/127.0.0.1/tcp/3", "x; /y"];
  const dev = { info: () => ({ multiaddrs }) } as never;
  const names = await readdir(new URL("../../dist/page/assets", import.meta.url));
  const headersOf = async (path: string) => {
    const head = { path, method: "GET", host: "localhost:1", header: () => "text/html" } as never;
    const answer = await pageDownload(head, { dev })?.();
    expect(answer?.status).toBe(200);
    return answer?.headers ?? {};
  };
  const policyOf = async (path: string) => (await headersOf(path))["content-security-policy"];
  const named = (kind: string) => `/assets/${names.find((name) => name.startsWith(kind) && name.endsWith(".js"))}`;
  expect(await policyOf("/")).toContain("connect-src 'self' ws://localhost:1 wss://localhost:1; worker-src");
  expect(await policyOf(named("engine-"))).toContain(
    "connect-src 'self' ws://localhost:1 wss://localhost:1 ws://127.0.0.1:4001 wss://[::1]:2; worker-src",
  );
  // Ports change, the name does not.
  expect((await headersOf(named("engine-")))["cache-control"]).toBe("no-store");
  for (const kind of ["worker-", "piece-worker-", "proof-worker-"])
    expect(await policyOf(named(kind))).toContain("connect-src 'self'; worker-src");
});

test("no path leads out of the page's own folder", async () => {
  for (const path of [
    "/assets/",
    "/assets/..%2f..%2fpackage.json",
    "/assets/%2e%2e/index.html",
    "/assets/index.html",
    "/assets/sub/x.js",
  ])
    expect((await get(path, { accept: "text/html" })).status).toBe(404);
  expect(await (await get("/assets/gone-abc.js")).text()).toMatch(/load it again/);
});

test("steps of a sector come as they are made, after where each sector is", async () => {
  const client = connect(net.url.replace("http", "ws"), { WebSocket: WebSocket as never });
  type Step = { Number: number; State: string; Kind: string; Steps: number; Since: number };
  const heard: Step[][] = [];
  await client.request("Filigree.SectorsSub", (steps: Step[]) => heard.push(steps));
  await until("the first value", () => heard.length > 0);
  expect(heard).toEqual([[]]);
  const { Number: number } = await client.PledgeSector();
  await until("it is proven", () => heard.at(-1)?.[0]?.State === "Proving");
  const steps = heard.flat();
  expect(steps.map(({ State: state }) => state)).toEqual(
    expect.arrayContaining([
      "Packing",
      "PreCommit1",
      "PreCommit2",
      "WaitSeed",
      "Committing",
      "FinalizeSector",
      "Proving",
    ]),
  );
  expect(steps.map(({ Steps: made }) => made)).toEqual(steps.map((_, i) => (steps[0]?.Steps ?? 0) + i));
  expect(steps.find(({ State: state }) => state === "Committing")?.Kind).toBe("work");
  const log = (await client.SectorsStatus(number)).Log as readonly { Message: string }[];
  expect(steps.map(({ State: state }) => state)).toEqual(log.map(({ Message }) => Message.replace(/:.*/, "")));
  const again: Step[][] = [];
  await client.request("Filigree.SectorsSub", (all: Step[]) => again.push(all));
  await until("the state of it", () => again.length > 0);
  expect(again[0]).toEqual([steps.at(-1)]);
  client.close();
});
