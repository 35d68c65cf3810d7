/** `npm run test:lab`: what the laboratory must stand for long: ten thousand snapshots. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "#platform": fileURLToPath(new URL("src/platform/node.ts", import.meta.url)) } },
  test: {
    include: ["test/lab/*.long.ts"],
    testTimeout: 3_600_000,
    hookTimeout: 300_000,
    pool: "forks",
    execArgv: ["--expose-gc"],
    maxWorkers: 1,
    fileParallelism: false,
  },
});
