/** `npm run test:lab`: what the laboratory must stand for long: ten thousand snapshots, and the guide's example of a day. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "#platform": fileURLToPath(new URL("src/platform/node.ts", import.meta.url)) } },
  test: {
    include: ["test/lab/*.long.ts", "test/docs/scenarios.node.test.ts"],
    env: { FILIGREE_LONG_EXAMPLES: "1" },
    testTimeout: 3_600_000,
    hookTimeout: 300_000,
    pool: "forks",
    execArgv: ["--expose-gc"],
    maxWorkers: 1,
    fileParallelism: false,
  },
});
