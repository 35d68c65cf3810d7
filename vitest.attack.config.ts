/** `npm run test:attack`: what a hostile or unlucky world does to a node, in numbers. Its last line counts the runs. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import AttackReporter from "./test/attack/reporter.ts";

export default defineConfig({
  // Runs beside others in CI: two would write one file of results.
  cacheDir: "node_modules/.vite/outside",
  resolve: { alias: { "#platform": fileURLToPath(new URL("src/platform/node.ts", import.meta.url)) } },
  test: {
    include: ["test/attack/*.attack.ts"],
    testTimeout: 3_600_000,
    hookTimeout: 120_000,
    pool: "forks",
    // what is garbage must be gone before memory is measured
    execArgv: ["--expose-gc"],
    maxWorkers: 1,
    fileParallelism: false,
    reporters: ["default", new AttackReporter()],
  },
});
