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

/** Marks in a trace around the watched work. */
const BEGIN = "filigree watched";
const END = "filigree done";

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
  performance.mark("${BEGIN}");
  const result = await work();
  performance.mark("${END}");
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
 * The longest task that the page's own thread began while it watched its work, in milliseconds: by the clock, and as what it did
 * itself, the lesser of its CPU time and its time by the clock. On a machine that does much else only the second says
 * something of the page; CPU time alone says too much, as some systems count a thread's in steps of 10 ms and more (a task of
 * 1.6 ms was given 52 ms).
 */
export async function traced(page, work) {
  const browser = page.context().browser();
  await browser.startTracing(page, { categories: ["toplevel", "__metadata", "blink.user_timing"] });
  let trace;
  let result;
  try {
    result = await work();
  } finally {
    trace = JSON.parse((await browser.stopTracing()).toString());
  }
  const threadOf = ({ pid, tid }) => `${pid}/${tid}`;
  const mark = (wanted) => trace.traceEvents.find(({ name, cat }) => name === wanted && /user_timing/.test(cat));
  const [begin, end] = [mark(BEGIN), mark(END)];
  const main = threadOf(begin);
  const tasks = trace.traceEvents.filter(
    (event) =>
      /RunTask$/.test(event.name) &&
      event.ph === "X" &&
      threadOf(event) === main &&
      event.ts + event.dur >= begin.ts &&
      event.ts <= end.ts,
  );
  const longest = (of) => tasks.reduce((most, task) => Math.max(most, of(task)), 0) / 1000;
  return {
    result,
    tasks: tasks.length,
    ownMs: longest(({ dur, tdur = dur }) => Math.min(dur, tdur)),
    wallMs: longest(({ dur }) => dur),
  };
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
