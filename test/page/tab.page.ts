/** The network in a tab, from nothing but files: the chain that Node makes of the same seed, still there after a reload. */
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { enter, launchBrowser } from "./browser.ts";
import { type FileHost, serveFiles } from "./file-host.ts";

const EPOCHS = Number(process.env["FILIGREE_PAGE_TAB_EPOCHS"] ?? 200);
const folder = fileURLToPath(new URL("../../dist/page", import.meta.url));
let host: FileHost;
let url: string;
let browser: Browser;
beforeAll(async () => {
  host = await serveFiles(folder);
  url = `${host.url}?tab&seed=a+tab&miners=2&sectors=2&accounts=3&block-time=0`;
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  host.close();
});

const live = (page: Page) => page.getByText("live", { exact: true }).waitFor({ timeout: 120_000 });

test("same seed, same CIDs as in Node; still there after a reload and a closed tab; sectors are proven", async () => {
  const context = await browser.newContext();
  const foreign: string[] = [];
  const complaints: string[] = [];
  const open = async (): Promise<Page> => {
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(new URL(url).origin)) foreign.push(request.url());
    });
    await page.goto(url);
    await live(page);
    return page;
  };
  const page = await open();
  await page.goto(`${url}#/controls`);
  await enter(page.getByLabel("Epoch", { exact: true }), String(EPOCHS));
  const began = Date.now();
  await page.getByRole("button", { name: "Mine to the epoch", exact: true }).click();
  await page.getByText(/Mine to the epoch: the head is at epoch/).waitFor({ timeout: 3_000_000 });
  console.log(`${EPOCHS} epochs of two miners in a tab: ${((Date.now() - began) / 1000).toFixed(0)} s`);

  const net = await Devnet.open({ seed: "a tab", miners: 2, sectors: 2, accounts: 3, blockTime: 0, data: null });
  await net.clock.mineTo(EPOCHS);
  const { height, key } = net.head;
  const [block] = key.map(String);
  await net.close();
  const shows = async (tab: Page): Promise<void> => {
    await tab.goto(`${url}#/tipset/${height}`);
    await tab.locator(`a[title="${block}"]`).first().waitFor();
  };
  await shows(page);
  await page.reload();
  await live(page);
  await shows(page);
  await page.close();
  const again = await open();
  await shows(again);
  await again.goto(`${url}#/miners`);
  await again.locator("tbody tr").nth(1).waitFor();
  expect(await again.locator("tbody tr td:nth-child(7)").allInnerTexts()).toEqual(["0", "0"]);

  // A second tab does not write into the same database.
  const second = await context.newPage();
  await second.goto(url);
  await second.getByText(/another tab runs this network/).waitFor();
  expect([foreign, complaints]).toEqual([[], []]);
}, 7_200_000);

test("what nobody catches in the tab's worker is told on the page", async () => {
  const page = await browser.newPage();
  await page.goto(url.replace("seed=a+tab", "seed=trouble").replaceAll("=2", "=1"));
  await live(page);
  const [worker] = page.workers();
  await worker?.evaluate(() => void Promise.reject(new Error("nobody awaits this")));
  await page.getByText("In the worker of this tab: nobody awaits this.").waitFor();
  await worker?.evaluate(
    () =>
      void setTimeout(() => {
        throw new Error("nobody catches this");
      }),
  );
  await page.getByText(/In the worker of this tab: .*nobody catches this/).waitFor();
  await page.close();
});

test("a link that is wrong says what is expected", async () => {
  const page = await browser.newPage();
  await page.goto(url.replace("miners=2", "miners=99"));
  await page.getByText("miners: 0 to 8 expected, not 99").waitFor();
});
