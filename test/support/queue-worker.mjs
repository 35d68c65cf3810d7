/**
 * A worker of the queue in a process of its own, which a test can have killed where it wants:
 * `node queue-worker.mjs <url> <store> <release> [stage] [file]` ends itself with SIGKILL at that stage of a job, once, and notes that in
 * the file. Jobs that check no rows at all ("poison") kill it always. One line of JSON for each job that ended.
 */
import { existsSync, writeFileSync } from "node:fs";
import { openStore, runWorker } from "../../dist/queue/index.js";

const [url, store, release, stage, marker] = process.argv.slice(2);
const end = new AbortController();
process.once("SIGTERM", () => end.abort());
await runWorker({
  url,
  store: openStore(store),
  release,
  workers: 1,
  memory: 512,
  leaseSeconds: 2,
  signal: end.signal,
  onJob: (kind, outcome) => process.stdout.write(`${JSON.stringify({ kind, outcome })}\n`),
  onStage: (at, job) => {
    const poison = at === "working" && job.kind === "snark-check" && job.a.length === 0;
    if (!poison && (at !== stage || existsSync(marker))) return;
    if (!poison) writeFileSync(marker, at);
    process.kill(process.pid, "SIGKILL");
  },
});
