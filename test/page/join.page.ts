/** A tab that joins a running network of other processes, as a node of its own: synchronises, validates, and is there again after a reload. */
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandNet, startCommandNet } from "../support/command-net.ts";
import { launchBrowser } from "./browser.ts";
import { type FileHost, serveFiles } from "./file-host.ts";

let host: FileHost;
let net: CommandNet;
let url: string;
let browser: Browser;
beforeAll(async () => {
  host = await serveFiles(fileURLToPath(new URL("../../dist/page", import.meta.url)));
  const listen = ["--nodes", "2", "--listen", "/ip4/127.0.0.1/tcp/0/ws"];
  net = await startCommandNet(...listen, "--miners", "2", "--block-time", "2", "--cors", new URL(host.url).origin);
  [url] = net.start["rpc"] as [string];
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await net?.close();
  host?.close();
});

type Tipset = { Height: number; Cids: { "/": string }[] };

async function ask<T>(method: string, ...params: readonly unknown[]): Promise<T> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: `Filecoin.${method}`, params });
  const headers = { "content-type": "application/json" };
  const { result } = (await (await fetch(url, { method: "POST", headers, body })).json()) as { result: T };
  return result;
}

/** Waits until the tab has the network's head of now, or a later one, and looks that it has the same blocks at an epoch before. */
async function follows(page: Page): Promise<void> {
  await page.getByText("live", { exact: true }).waitFor({ timeout: 120_000 });
  const { Height } = await ask<Tipset>("ChainHead");
  await page.waitForFunction(
    (wanted) => Number(document.querySelector("strong.epoch")?.textContent?.replaceAll(",", "")) >= wanted,
    Height + 2,
    { timeout: 180_000 },
  );
  const before = await ask<Tipset>("ChainGetTipSetByHeight", Height, []);
  await page.goto(`${page.url().replace(/#.*/, "")}#/tipset/${before.Height}`);
  await page.locator(`a[title="${before.Cids[0]?.["/"]}"]`).first().waitFor();
}

for (const from of ["the page of the node itself", "a page of another host"])
  test(from, async () => {
    const isOwn = from.startsWith("the page");
    const context = await browser.newContext();
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (line) => {
      if (line.type() === "error") complaints.push(line.text());
    });
    // The form makes the link.
    await page.goto(`${isOwn ? new URL("/", url) : `${host.url}?tab&seed=x`}#/tab`);
    await page.getByLabel(/JSON-RPC of a node/).fill(isOwn ? "" : url);
    await page.locator('a[href*="join="]').click();
    await follows(page);
    await page.goto(`${page.url().replace(/#.*/, "")}#/peers`);
    // Both nodes of the network, dialled by WebSocket.
    await page.locator("tbody tr").nth(1).waitFor({ timeout: 60_000 });
    expect(await page.locator("tbody tr td:nth-child(2)").allInnerTexts()).toEqual([
      expect.stringContaining("/ws"),
      expect.stringContaining("/ws"),
    ]);
    // It has nothing to control: neither miners nor keys, and no time of its own.
    await page.goto(`${page.url().replace(/#.*/, "")}#/controls`);
    await page.getByText("its network has several nodes").waitFor();
    expect(await page.getByRole("button", { name: "Mine one tipset" }).count()).toBe(0);
    await page.getByRole("link", { name: "read-only" }).waitFor();
    await page.goto(`${page.url().replace(/#.*/, "")}#/tab`);
    await page.getByText("This tab is a node of the network of").waitFor();
    await page.reload();
    await follows(page);
    expect(complaints).toEqual([]);
    await context.close();
  });

test("what cannot be joined says why", async () => {
  const page = await browser.newPage();
  const alone = await startCommandNet("--miners", "0", "--cors", new URL(host.url).origin);
  for (const [wanted, found] of [
    [alone.url, /is no node of a local network with peers/],
    ["ftp://x", /the address of a node's JSON-RPC is expected/],
    ["ws://127.0.0.1:1/rpc/v1", /cannot reach/],
  ] as const) {
    await page.goto(`${host.url}?${new URLSearchParams({ join: wanted })}`);
    await page.getByText(found).first().waitFor({ timeout: 60_000 });
  }
  await alone.close();
});
