/** A page in Chromium over the built modules: a small server, and how long the page's own thread is busy meanwhile. */
import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("..", import.meta.url));
/** CHROMIUM_PATH names the browser, otherwise it is looked for in its usual place. */
const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";

/** Script of a page: `await watched(work)` gives what `work` does and the figures of the page's thread. */
export const WATCH = `
const watched = async (work) => {
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
  const result = await work();
  running = false;
  await new Promise((done) => setTimeout(done, 100));
  return { result, ms: performance.now() - started - 100, longest, pause, turns };
};`;

/** A package's file, as a path of the server: a worker knows no import map. */
function placeOf(specifier) {
  if (specifier === "#platform") return "/dist/platform/browser.js";
  const file = fileURLToPath(import.meta.resolve(specifier));
  return file.slice(file.indexOf("/node_modules/"));
}

/** Serves `page`, the files by their names, and the checkout's modules. */
async function serve(page, files, request, response) {
  const name = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
  if (name === "/") return response.setHeader("Content-Type", "text/html").end(page);
  const file = files[name] ?? path.join(root, name);
  if (name.includes("..") || !existsSync(file)) return response.writeHead(404).end();
  if (!name.endsWith(".js")) {
    response.setHeader("Content-Type", name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream");
    return createReadStream(file).pipe(response);
  }
  const text = (await readFile(file, "utf8")).replaceAll(
    /(\bfrom\s*|\bimport\s*\(?\s*)"([@#\w][^":]*)"/g,
    (_, words, specifier) => `${words}"${placeOf(specifier)}"`,
  );
  return response.setHeader("Content-Type", "text/javascript").end(text);
}

/**
 * Milliseconds of CPU time of the longest task that the page's own thread did while `work` ran, and of how long it took by the
 * clock: on a machine that does much else only the first says something of the page.
 */
export async function traced(page, work) {
  const browser = page.context().browser();
  await browser.startTracing(page, { categories: ["toplevel", "__metadata"] });
  let trace;
  let result;
  try {
    result = await work();
  } finally {
    trace = JSON.parse((await browser.stopTracing()).toString());
  }
  const mains = new Set(
    trace.traceEvents
      .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  const tasks = trace.traceEvents.filter(
    ({ name, ph, pid, tid }) => /RunTask$/.test(name) && ph === "X" && mains.has(`${pid}/${tid}`),
  );
  const longest = tasks.reduce((best, task) => ((task.tdur ?? 0) > (best.tdur ?? 0) ? task : best), {
    tdur: 0,
    dur: 0,
  });
  return { result, tasks: tasks.length, cpuMs: longest.tdur / 1000, wallMs: longest.dur / 1000 };
}

/** Runs `work` on the page once it has set `window.ready`; null, and a line that says so, without a browser. */
export async function onPage(page, files, work) {
  if (!existsSync(executablePath)) {
    process.stdout.write(`  skipped: no browser at ${executablePath}; name one with CHROMIUM_PATH\n`);
    return null;
  }
  const server = createServer((request, response) => {
    serve(page, files, request, response).catch((error) => {
      process.stdout.write(`  server: ${error.message}\n`);
      response.writeHead(500).end();
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const tab = await browser.newPage();
    tab.on("requestfailed", (request) => process.stdout.write(`  page: no ${request.url()}\n`));
    tab.on("pageerror", (error) => process.stdout.write(`  page: ${error.message}\n`));
    await tab.goto(`http://127.0.0.1:${server.address().port}/`);
    await tab.waitForFunction("window.ready === true", null, { timeout: 120_000 });
    return await work(tab);
  } finally {
    await browser.close();
    server.close();
  }
}
