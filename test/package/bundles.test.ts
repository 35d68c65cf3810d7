/** Production builds of a page that computes a piece commitment in workers, opened in Chromium. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { build as esbuild } from "esbuild";
import { chromium } from "playwright-core";
import { build as vite } from "vite";
import { expect, inject, test } from "vitest";
import webpack from "webpack";

const project = inject("project");
const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";

/** Twenty million bytes are three slices: more than two workers take at once. */
const PAYLOAD = "new Uint8Array(20_000_000).fill(7)";
const PAGE = `
  import { commitPayload, loadProofs, pieceCidV2, ProvingPool, useWasm } from "filigree/proofs";
  const run = async () => {
    if (document.body.dataset.wasm) useWasm({ base: new URL(document.body.dataset.wasm, location.href) });
    const pool = ProvingPool.open(2);
    const piece = await commitPayload(await loadProofs(), pool, { blob: new Blob([${PAYLOAD}]) });
    await pool.close();
    return pieceCidV2(piece).toString();
  };
  run().then((cid) => { document.title = cid; }, (error) => { document.title = "failed: " + error; });
`;
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

/** The same commitment, computed by the package in Node without workers. */
const expected = execFileSync(
  process.execPath,
  [
    "--input-type=module",
    "--eval",
    `import { commitPiece, loadProofs, pieceCidV2 } from "filigree/proofs";
     process.stdout.write(pieceCidV2(commitPiece(await loadProofs(), ${PAYLOAD})).toString());`,
  ],
  { cwd: project, encoding: "utf8" },
);

/** A folder with the page's sources; the bundle goes into `public` of it. */
function folderFor(name: string, body: string): { folder: string; out: string } {
  const folder = path.join(project, name);
  const out = path.join(folder, "public");
  mkdirSync(out, { recursive: true });
  writeFileSync(path.join(folder, "page.js"), PAGE);
  const html = `<!doctype html><html><head><title>working</title></head>${body}</html>`;
  writeFileSync(path.join(name === "vite" ? folder : out, "index.html"), html);
  return { folder, out };
}

/** Opens what was built, and gives the page's title when it is done, and what was fetched. */
async function open(out: string): Promise<{ title: string; fetched: string[] }> {
  const fetched: string[] = [];
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? "/", "http://localhost").pathname.slice(1) || "index.html";
    try {
      const bytes = readFileSync(path.join(out, name));
      fetched.push(path.basename(name));
      response.writeHead(200, { "content-type": TYPES[path.extname(name)] ?? "application/octet-stream" }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const isDone = 'document.title !== "working"';
    await page.waitForFunction(isDone, undefined, { timeout: 120_000 }).catch(() => undefined);
    expect(errors).toEqual([]);
    return { title: await page.title(), fetched };
  } finally {
    await browser.close();
    server.close();
  }
}

/** All files below a folder. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.\w+$/.test(name));

function expectOnlyProofs(out: string): void {
  const wasm = filesIn(out).filter((name) => name.endsWith(".wasm"));
  expect(wasm.length).toBeGreaterThan(0);
  for (const file of wasm) {
    const exported = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(path.join(out, file))));
    expect([file, exported.some(({ name }) => name === "fr32Pad")]).toEqual([file, true]);
  }
  const scripts = filesIn(out).filter((name) => name.endsWith(".js"));
  const text = scripts.map((name) => readFileSync(path.join(out, name), "utf8")).join("\n");
  // Words of the local network and of the message pool.
  expect(text).not.toMatch(/single producer|GasEstimateMessageGas|mpool push/);
}

test("vite, without settings", async () => {
  const { folder, out } = folderFor("vite", '<body><script type="module" src="./page.js"></script></body>');
  await vite({ root: folder, configFile: false, logLevel: "error", build: { outDir: out, emptyOutDir: true } });
  const { title, fetched } = await open(out);
  expect(title).toBe(expected);
  expect(fetched.some((name) => name.startsWith("worker"))).toBe(true);
  expectOnlyProofs(out);
});

test("webpack 5, without settings", async () => {
  const { folder, out } = folderFor("webpack", '<body><script src="./main.js"></script></body>');
  await new Promise<void>((resolve, reject) => {
    webpack({ mode: "production", context: folder, entry: "./page.js", output: { path: out } }, (error, stats) => {
      if (error !== null) reject(error);
      else if (stats?.hasErrors() === true) reject(new Error(stats.toString("errors-only")));
      else resolve();
    });
  });
  expect((await open(out)).title).toBe(expected);
  expectOnlyProofs(out);
});

test("esbuild, with the worker as an entry of its own and the WASM located", async () => {
  const { folder, out } = folderFor(
    "esbuild",
    '<body data-wasm="wasm/"><script type="module" src="./app.js"></script></body>',
  );
  await esbuild({
    entryPoints: { app: path.join(folder, "page.js"), worker: "filigree/proving-worker" },
    absWorkingDir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    splitting: true,
    outdir: out,
    logLevel: "error",
  });
  mkdirSync(path.join(out, "wasm"));
  for (const name of ["proofs.wasm", "proofs-simd.wasm"])
    copyFileSync(path.join(project, "node_modules/filigree/dist/wasm", name), path.join(out, "wasm", name));
  const { title, fetched } = await open(out);
  expect(title).toBe(expected);
  expect(fetched).toContain("worker.js");
  expectOnlyProofs(out);
});
