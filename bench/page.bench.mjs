/**
 * The piece commitment of a 256 MiB file in a page of Chromium: how long the page's own thread is busy meanwhile.
 *
 * A small server hands out `dist/` with the few names of packages that it imports written out as paths; the page takes a
 * `File` of the test's bytes, workers read and hash its slices. The answer must be that of the command line.
 * CHROMIUM_PATH names the browser, otherwise it is looked for in its usual place.
 */
import { execFile } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

export const title = "A page that commits to a 256 MiB file";

const MIB = 1 << 20;
const root = fileURLToPath(new URL("..", import.meta.url));
const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";

const PAGE = `<!doctype html><title>piece</title><input type="file" id="file"><script type="module">
import { pieceCidV1, pieceCidV2 } from "/dist/sector/piece/cid.js";
import { commitPayload } from "/dist/proving/commit.js";
import { ProvingPool } from "/dist/proving/pool.js";
import { loadProofs } from "/dist/core/proofs.js";
const proofs = await loadProofs();
const pool = ProvingPool.open();
await Promise.all(Array.from({ length: pool.size }, () => commitPayload(proofs, pool, { blob: new Blob(["warm"]) })));
window.commit = async () => {
  const blob = document.querySelector("#file").files[0];
  // Tasks of 50 ms and more are reported; shorter ones show as the longest pause between turns of this loop.
  let longest = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  });
  observer.observe({ entryTypes: ["longtask"] });
  let last = performance.now();
  let pause = 0;
  let turns = 0;
  let running = true;
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    const now = performance.now();
    pause = Math.max(pause, now - last);
    last = now;
    turns++;
    if (running) setTimeout(() => channel.port2.postMessage(0), 0);
  };
  channel.port2.postMessage(0);
  const started = performance.now();
  const piece = await commitPayload(proofs, pool, { blob }, { onProgress: () => undefined });
  running = false;
  await new Promise((done) => setTimeout(done, 100));
  const ms = performance.now() - started - 100;
  return { cid: String(pieceCidV1(piece.commP)), v2: String(pieceCidV2(piece)), ms, longest, pause, turns, workers: pool.size };
};
</script>`;

/** Modules are served with bare specifiers as paths: a worker knows no import map. */
async function serve(request, response) {
  const name = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
  if (name === "/") return response.setHeader("Content-Type", "text/html").end(PAGE);
  const file = path.join(root, name);
  if (name.includes("..") || !existsSync(file)) return response.writeHead(404).end();
  if (!name.endsWith(".js")) {
    response.setHeader("Content-Type", name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream");
    return createReadStream(file).pipe(response);
  }
  const text = (await readFile(file, "utf8"))
    .replaceAll('"#platform"', '"/dist/platform/browser.js"')
    .replaceAll('"@assemblyscript/loader"', '"/node_modules/@assemblyscript/loader/index.js"')
    .replaceAll(/"multiformats\/([\w/-]+)"/g, '"/node_modules/multiformats/dist/src/$1.js"');
  return response.setHeader("Content-Type", "text/javascript").end(text);
}

export async function facts() {
  if (!existsSync(executablePath)) {
    process.stdout.write(`  skipped: no browser at ${executablePath}; name one with CHROMIUM_PATH\n`);
    return [];
  }
  const folder = mkdtempSync(path.join(tmpdir(), "filigree-"));
  const file = path.join(folder, "payload");
  const bytes = new Uint8Array(256 * MIB);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 167 + (i >>> 11)) & 255;
  writeFileSync(file, bytes);
  const server = createServer((request, response) => void serve(request, response));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ["dist/cli/main.js", "commp", file, "--json"], {
      cwd: root,
    });
    const expected = JSON.parse(stdout);
    const page = await browser.newPage();
    page.on("pageerror", (error) => process.stdout.write(`  page: ${error.message}\n`));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.waitForFunction("window.commit !== undefined");
    await page.setInputFiles("#file", file);
    const found = await page.evaluate("window.commit()");
    if (found.cid !== expected.pieceCid || found.v2 !== expected.pieceCidV2)
      throw new Error(`the page answers ${found.cid}, the command line ${expected.pieceCid}`);
    return [
      { name: "longest task of the page's thread (0: none of 50 ms)", value: found.longest, unit: "ms", most: 50 },
      { name: "longest pause between two turns of its loop", value: found.pause, unit: "ms" },
      { name: "turns of its loop meanwhile", value: found.turns, unit: "turns" },
      { name: `piece commitment of 256 MiB, ${found.workers} workers`, value: found.ms, unit: "ms" },
    ];
  } finally {
    await browser.close();
    server.close();
    rmSync(folder, { recursive: true });
  }
}
