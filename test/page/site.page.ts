/** The docs site as any host of files serves it, from a folder: its links, its search, and the network that runs within. Build it first: `npm run docs:build`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "./browser.ts";
import { type FileHost, serveFiles } from "./file-host.ts";

const folder = fileURLToPath(new URL("../../site/dist", import.meta.url));
const isBuilt = existsSync(path.join(folder, "index.html"));

let host: FileHost;
let browser: Browser;
beforeAll(async () => {
  host = await serveFiles(folder, "/some/folder/");
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  host.close();
});

test.skipIf(!isBuilt)("every link and file that a page names is there", () => {
  const pages = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"));
  expect(pages.length).toBeGreaterThan(40);
  const missing = pages.flatMap((page) => {
    const named = [...readFileSync(path.join(folder, page), "utf8").matchAll(/ (?:href|src)="([^"#?]+)[^"]*"/g)];
    return named
      .map(([, name]) => name as string)
      .filter((name) => !/^[a-z]+:/.test(name) && page !== "404.html")
      .filter((name) => !existsSync(path.join(folder, path.dirname(page), name.replace(/\/$/, "/index.html"))))
      .map((name) => `${page}: ${name}`);
  });
  expect(missing).toEqual([]);
});

test.skipIf(!isBuilt)("a reader goes from page to page, searches, and sees a network live", async () => {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(host.url)) complaints.push(`asked elsewhere: ${request.url()}`);
  });
  page.on("response", (answer) => {
    if (answer.status() >= 400) complaints.push(`${answer.status()} ${answer.url()}`);
  });
  await page.goto(host.url);
  await page.getByRole("heading", { name: "Filigree", level: 1 }).waitFor();
  // Through the sidebar, down into a folder and up again, without loading anew.
  await page.getByRole("link", { name: "filigree/codec" }).first().click();
  await page.waitForURL(`${host.url}api/codec.html`);
  await page.getByRole("link", { name: "A network inside a test" }).first().click();
  await page.waitForURL(`${host.url}guide-devnet-in-tests.html`);
  await page.getByRole("heading", { name: "A network inside a test", level: 1 }).waitFor();
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("searchbox").fill("ChainGetGenesis");
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/some\/folder\/rpc\.html/);
  await page.goto(`${host.url}live.html`);
  const network = page.frameLocator("iframe");
  await network.getByText("live", { exact: true }).waitFor({ timeout: 120_000 });
  await expect
    .poll(async () => Number(await network.locator("strong.epoch").innerText()), { timeout: 120_000 })
    .toBeGreaterThan(2);
  expect(complaints).toEqual([]);
});
