import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { findCorpus } from "./test/support/find-corpus.ts";
import { testsAndNeeds } from "./test/support/portable.ts";

const platform = "Deno" in globalThis ? "deno" : "node";

/**
 * Left to Node and Chromium, and why: what takes long, and runs the same modules in the same engine, V8; smaller tests of the
 * same rooms and other commands run here, too. `FILIGREE_DENO_ALL=1 npm run test:deno` runs them as well.
 */
const LEFT_TO_OTHERS: Readonly<Record<string, string>> = {
  "test/conformance/decode.node.test.ts": "states of the corpus, decoded; the corpus itself runs here",
  "test/docs/lost-sector-guide.node.test.ts": "commands of a guide",
  "test/docs/provider-guide.node.test.ts": "commands of a guide",
  "test/docs/retrieval-guide.node.test.ts": "commands of a guide",
  "test/docs/scenarios.node.test.ts": "commands of a guide",
  "test/docs/store-guide.node.test.ts": "commands of a guide",
  "test/e2e/client-data.node.test.ts": "commands",
  "test/e2e/elections.test.ts": "elections and proofs of a network; other networks with miners run here",
  "test/e2e/lab-command.node.test.ts": "commands",
  "test/e2e/miner-commands.node.test.ts": "commands",
  "test/e2e/node-commands.node.test.ts": "commands",
  "test/e2e/sector-commands.node.test.ts": "commands",
  "test/e2e/several-nodes.node.test.ts": "a network in one process; that of several processes runs here",
  "test/e2e/snark-commands.node.test.ts": "commands",
  "test/queue/options.node.test.ts": "the queue is for Node",
  "test/queue/queue.node.test.ts": "the queue is for Node",
  "test/unit/actors/miner-scenarios.test.ts": "actors; those of the corpus run here",
  "test/unit/actors/scenarios.test.ts": "actors; those of the corpus run here",
  "test/unit/base/big.test.ts": "arithmetic",
  "test/unit/crypto/secp256k1.test.ts": "arithmetic",
  "test/unit/ipld/canonical.test.ts": "arithmetic",
  "test/unit/ipld/operations.test.ts": "arithmetic",
  "test/unit/node/snapshots-miners.node.test.ts": "two networks of miners over deadlines",
  "test/unit/proofs/aggregate.test.ts": "arithmetic",
  "test/unit/proofs/circuit-large.node.test.ts": "circuits of large sectors",
  "test/unit/proofs/circuit.test.ts": "circuits; proofs of window PoSt run here",
  "test/unit/proofs/data-segment.test.ts": "arithmetic",
  "test/unit/proofs/hostile-arguments.test.ts": "every export of the module with wrong values",
  "test/unit/proofs/large-graph.test.ts": "graphs of large sectors",
  "test/unit/proofs/large-sector.test.ts": "trees and proofs of 32 and 64 GiB sectors",
  "test/unit/proofs/mutation.test.ts": "proofs with one thing wrong",
  "test/unit/proofs/paged.test.ts": "labels through files",
  "test/unit/proofs/porep.test.ts": "arithmetic",
  "test/unit/proofs/sector-8mib.test.ts": "sectors of 8 MiB",
  "test/unit/proving/seal-8mib.node.test.ts": "sectors of 8 MiB",
  "test/unit/proving/snark/official.node.test.ts": "keys and proofs of winning PoSt; those of window PoSt run here",
  "test/unit/proving/snark/prove.test.ts": "small circuits; proofs of window PoSt run here",
  "test/unit/sim/simulation.node.test.ts": "simulated nodes over a simulated network",
  "test/unit/vm/lookup.test.ts": "arithmetic",
};
const isShort = platform === "deno" && process.env["FILIGREE_DENO_ALL"] !== "1";
if (isShort) for (const [file, why] of Object.entries(LEFT_TO_OTHERS)) console.log(`not in Deno: ${file} (${why})`);
const alias = { "#platform": fileURLToPath(new URL(`src/platform/${platform}.ts`, import.meta.url)) };
const needs = testsAndNeeds();

/** The tests in two parts, without those that `leaveOut` names. */
export function testsBut(leaveOut: readonly string[]): ViteUserConfig {
  const common = {
    // On a machine that does much else, commands in processes of their own take tens of seconds.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: "forks" as const,
    setupFiles: ["test/support/equal-bytes.ts"],
    exclude: [
      "**/node_modules/**",
      "**/*.browser.test.ts",
      ...leaveOut,
      ...(isShort ? Object.keys(LEFT_TO_OTHERS) : []),
    ],
    provide: { corpus: findCorpus() },
  };
  const part = (name: string, isIsolated: boolean) => ({
    resolve: { alias },
    test: {
      ...common,
      name,
      isolate: isIsolated,
      include: [...needs.keys()].filter((file) => (needs.get(file) !== null) === isIsolated),
    },
  });
  return defineConfig({
    test: {
      maxWorkers: 2,
      // What runs in a page, too, shares its process: loading every module anew for each file takes a quarter of the time.
      projects: [part("own process", true), part("portable", false)],
    },
  });
}

export default testsBut([]);
