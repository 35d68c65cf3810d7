/**
 * The page as the installed command serves it, in Chromium: the network of the node, and the same network in the tab, with the same blocks.
 * The page's other tests are `npm run test:page`.
 */
import path from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type CommandNet, startNetOf } from "../support/command-net.ts";

const EPOCHS = 12;
const main = path.join(inject("project"), "node_modules/filigree/dist/cli/bin.js");
const complaints: string[] = [];
let net: CommandNet;
let browser: Browser;
let url: string;

beforeAll(async () => {
  const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
  net = await startNetOf(main, "--seed", "smoke", "--block-time", "0");
  url = new URL("/", net.url).href;
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser?.close();
  await net?.close();
});

async function open(where: string): Promise<Page> {
  const page = await browser.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
  await page.goto(where);
  await page.getByText("live", { exact: true }).waitFor({ timeout: 120_000 });
  return page;
}

async function rpc<T>(method: string, ...params: readonly unknown[]): Promise<T> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}rpc/v1`, { method: "POST", headers, body });
  return ((await answer.json()) as { result: T }).result;
}

/** The chain is drawn up to the epoch, and the tipset there has the block. */
async function shows(page: Page, epoch: number, block: string): Promise<void> {
  await page.locator("strong.epoch", { hasText: new RegExp(`^${epoch}$`) }).waitFor({ timeout: 120_000 });
  await page.getByRole("navigation").getByRole("link", { name: "Chain", exact: true }).click();
  await page.locator(`.chain a[href="#/tipset/${epoch}"]`).first().click();
  await page.locator(`a[title="${block}"]`).first().waitFor();
}

test("the chain of a node is drawn and grows unasked; a tab makes the same blocks of the same seed", async () => {
  const page = await open(url);
  const { Height, Cids } = await rpc<{ Height: number; Cids: { "/": string }[] }>("Devnet.mineTo", EPOCHS);
  const block = Cids[0]?.["/"] as string;
  await shows(page, Height, block);

  const tab = await open(`${url}?tab&seed=smoke&block-time=0#/controls`);
  await tab.getByLabel("Epoch", { exact: true }).fill(String(EPOCHS));
  await tab.getByRole("button", { name: "Mine to the epoch", exact: true }).click();
  await shows(tab, Height, block);
  expect(complaints).toEqual([]);
});
