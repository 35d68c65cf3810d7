/**
 * One network of six: nodes in five processes, one of them Deno, each with a miner of its own, and a page in Chromium. CI runs
 * it; `processes.long.ts` is the same without the page, for minutes, with kills and partitions.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import pageConfig from "../../vite.page.config.ts";
import { waitFor } from "../support/local-network.ts";
import { commonEpoch, NodeProcess, type Prepared, prepareNetwork } from "../support/network-processes.ts";
import type { PageNode, PageState } from "../support/page-node/main.ts";

const NODES = 5;
/** Epochs that all must have in common. */
const EPOCHS = 5;
/** Seconds until the network begins: the first that this machine can make its genesis in. */
const STARTS_IN = [10, 40, 160];
const LONG = 300_000;
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

let folder: string;
let prepared: Prepared;
let host: Server;
let browser: Browser;
const nodes: NodeProcess[] = [];

async function prepare(): Promise<Prepared> {
  let failed: unknown;
  for (const seconds of STARTS_IN) {
    try {
      return await prepareNetwork(folder, NODES, seconds, "five and a page");
    } catch (error) {
      failed = error;
    }
  }
  throw failed;
}

/** The page's files, and beside them the genesis. */
async function serve(): Promise<Server> {
  const built = path.join(folder, "page");
  await build({
    ...pageConfig,
    configFile: false,
    root: fileURLToPath(new URL("../support/page-node", import.meta.url)),
    build: { ...pageConfig.build, outDir: built, minify: false },
  });
  const server = createServer(async ({ url = "/" }, response) => {
    const name = url === "/" ? "index.html" : path.basename(url);
    const file = name === "genesis.car" ? prepared.files.genesis : path.join(built, url === "/" ? name : url);
    const bytes = await readFile(file).catch(() => null);
    response.writeHead(bytes === null ? 404 : 200, { "content-type": TYPES[path.extname(file)] ?? "text/plain" });
    response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-page-"));
  prepared = await prepare();
  for (let i = 0; i < NODES; i++) {
    const mine = [prepared.description.miners[i]?.address ?? ""];
    const runtime = i === NODES - 1 ? "deno" : "node";
    nodes.push(await NodeProcess.init(path.join(folder, `node-${i}`), prepared, { mine, runtime, isSocket: i === 0 }));
  }
  for (const node of nodes) node.start(nodes.filter((other) => other !== node).map(({ address }) => address));
  host = await serve();
  browser = await chromium.launch({
    executablePath: process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  for (const node of nodes) await waitFor("a node", () => node.run?.line("start") ?? null, LONG);
}, LONG);

afterAll(async () => {
  await browser?.close();
  host?.close();
  await Promise.all(nodes.map((node) => node.kill()));
  await rm(folder, { recursive: true, force: true });
});

const stateOf = (page: Page, epoch: number): Promise<PageState> =>
  page.evaluate((at) => (globalThis as unknown as { filigree: PageNode }).filigree.state(at), epoch);

test(
  "five processes, one of them Deno, and a page in Chromium are on one chain",
  async () => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(`${error}`));
    await page.goto(`http://127.0.0.1:${(host.address() as AddressInfo).port}/`);
    const [description, bootstrap] = [
      await readFile(prepared.files.description, "utf8"),
      [(nodes[0] as NodeProcess).address],
    ] as const;
    await page.evaluate(
      ([json, peers]) => (globalThis as unknown as { filigree: PageNode }).filigree.join(json, peers),
      [description, bootstrap] as const,
    );
    const found = await waitFor(
      "a chain that all six have in common",
      async () => {
        const epoch = await commonEpoch(nodes);
        if (epoch === null || epoch < EPOCHS) return null;
        const state = await stateOf(page, epoch);
        const wanted = await (nodes[0] as NodeProcess).keyAt(epoch);
        return state.key === wanted ? { epoch, ...state } : null;
      },
      LONG,
    );
    console.log(`six nodes agree at epoch ${found.epoch}; the page validated ${found.blocks} blocks`);
    const producers = new Set<string>();
    for (let epoch = 1; epoch <= found.epoch; epoch++)
      for (const miner of await (nodes[0] as NodeProcess).producersAt(epoch)) producers.add(miner);
    expect(producers.size).toBeGreaterThan(1);
    expect(found.blocks).toBeGreaterThan(0);
    expect([found.faults, complaints]).toEqual([[], []]);
  },
  LONG,
);
