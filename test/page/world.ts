/** A running network and a browser that looks at its page. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { isFirefox, launchBrowser } from "./browser.ts";

const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

export const DESKTOP = { width: 1100, height: 760 };
export const PHONE = { width: 390, height: 800 };

export type World = {
  /** Address of the page, ending in "/". */
  readonly url: string;
  readonly browser: Browser;
  /** What pages complained of since they were opened. */
  readonly complaints: string[];
  rpc<T>(method: string, ...params: readonly unknown[]): Promise<T>;
  open(route?: string): Promise<Page>;
  close(): Promise<void>;
};

/** Starts `filigree devnet` with these options in a process of its own, and a browser. */
export async function openWorld(...options: readonly string[]): Promise<World> {
  const main = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));
  const net = spawn(process.execPath, [main, "devnet", "--memory", "--port", "0", "--json", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = new URL("/", await addressOf(net)).href;
  const browser = await launchBrowser();
  const complaints: string[] = [];
  return {
    url,
    browser,
    complaints,
    async rpc<T>(method: string, ...params: readonly unknown[]): Promise<T> {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
      const headers = { "content-type": "application/json" };
      const answer = (await (await fetch(`${url}rpc/v1`, { method: "POST", headers, body })).json()) as {
        result: T;
        error?: { message: string };
      };
      if (answer.error !== undefined) throw new Error(answer.error.message);
      return answer.result;
    },
    async open(route = "chain") {
      const page = await browser.newPage({ viewport: DESKTOP, colorScheme: "dark" });
      const complain = (text: string): void => {
        // The styles that Playwright puts into a page before it takes its picture: in Firefox the page's policy holds for them, too.
        const isPicture = isFirefox && text.includes("blocked an inline style");
        if (!isPicture) complaints.push(text);
      };
      page.on("pageerror", (error) => complain(`${error}\n${error.stack}`));
      page.on("console", (line) => {
        if (line.type() === "error") complain(line.text());
      });
      await page.goto(`${url}#/${route}`);
      await page.getByText("live", { exact: true }).waitFor();
      return page;
    },
    async close() {
      await browser.close();
      net.kill();
    },
  };
}

/** The address that the network announces when it runs. */
async function addressOf(net: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: net.stdout as NodeJS.ReadableStream })) {
    const event = JSON.parse(line) as { event: string; url?: string };
    if (event.event !== "start" || event.url === undefined) continue;
    // What follows is read and dropped, so that the network does not wait for it.
    net.stdout?.resume();
    return event.url;
  }
  throw new Error("the network ended before it ran");
}

export type Violation = { readonly id: string; readonly impact: string; readonly html: string };

/** What axe finds that is serious or critical. */
export async function violations(page: Page): Promise<readonly Violation[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    type Found = { id: string; impact: string; nodes: { html: string }[] };
    const { violations: all } = await (
      globalThis as never as { axe: { run(): Promise<{ violations: Found[] }> } }
    ).axe.run();
    return all
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, impact, nodes }) => ({ id, impact, html: nodes.map(({ html }) => html.slice(0, 200)).join("\n") }));
  });
}
