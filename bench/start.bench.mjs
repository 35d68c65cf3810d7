/** `npm start` from the command to the first mined tipset, by the clock: a new process over an empty data folder each time. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { median } from "./harness.mjs";

export const title = "Start of a local network";

const MAIN = fileURLToPath(new URL("../dist/cli/bin.js", import.meta.url));
const STARTS = 5;

/** Seconds until the network says that it runs, which it does at its first tipset. */
async function startOnce() {
  const data = await mkdtemp(path.join(tmpdir(), "filigree-start-"));
  const begun = performance.now();
  const child = spawn(process.execPath, [MAIN, "devnet", "--data", data, "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  let said = "";
  try {
    for await (const chunk of child.stdout) {
      said += chunk;
      if (said.includes("the network runs")) return (performance.now() - begun) / 1000;
    }
    throw new Error(`the network ended before its first tipset: ${said}`);
  } finally {
    child.kill("SIGTERM");
    await ended;
    await rm(data, { recursive: true, force: true });
  }
}

export async function facts() {
  const times = [];
  for (let i = 0; i < STARTS; i++) times.push(await startOnce());
  return [
    { name: "from the command to the first mined tipset, by the clock", value: median(times), unit: "s", most: 5 },
  ];
}
