import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { findCorpus } from "./test/support/find-corpus.ts";

const platform = "Deno" in globalThis ? "deno" : "node";

/**
 * Left to Node and Chromium, and why: what takes long, and runs the same modules in the same engine, V8; smaller tests of the
 * same rooms and other commands run here, too. `FILIGREE_DENO_ALL=1 npm run test:deno` runs them as well.
 */
const LEFT_TO_OTHERS: Readonly<Record<string, string>> = {
  "test/docs/lost-sector-guide.node.test.ts": "commands of a guide",
  "test/docs/scenarios.node.test.ts": "commands of a guide",
  "test/docs/store-guide.node.test.ts": "commands of a guide",
  "test/e2e/client-data.node.test.ts": "commands",
  "test/e2e/lab-command.node.test.ts": "commands",
  "test/e2e/miner-commands.node.test.ts": "commands",
  "test/e2e/sector-commands.node.test.ts": "commands",
  "test/e2e/snark-commands.node.test.ts": "commands",
  "test/queue/queue.node.test.ts": "the queue is for Node",
  "test/unit/node/snapshots-miners.node.test.ts": "two networks of miners over deadlines",
  "test/unit/proofs/circuit-large.node.test.ts": "circuits of large sectors",
  "test/unit/proofs/large-sector.test.ts": "trees and proofs of 32 and 64 GiB sectors",
  "test/unit/proofs/paged.test.ts": "labels through files",
  "test/unit/proofs/sector-8mib.test.ts": "sectors of 8 MiB",
  "test/unit/proving/seal-8mib.node.test.ts": "sectors of 8 MiB",
  "test/unit/proving/snark/official.node.test.ts": "keys and proofs of winning PoSt; those of window PoSt run here",
};
const isShort = platform === "deno" && process.env["FILIGREE_DENO_ALL"] !== "1";
if (isShort) for (const [file, why] of Object.entries(LEFT_TO_OTHERS)) console.log(`not in Deno: ${file} (${why})`);
const alias = { "#platform": fileURLToPath(new URL(`src/platform/${platform}.ts`, import.meta.url)) };

export default defineConfig({
  resolve: { alias },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [
      ...["test/**/*.browser.test.ts", "test/clients/**", "test/package/**", "**/node_modules/**"],
      ...(isShort ? Object.keys(LEFT_TO_OTHERS) : []),
    ],
    // On a machine that does much else, commands in processes of their own take tens of seconds.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: "forks",
    maxWorkers: 2,
    provide: { corpus: findCorpus() },
  },
});
