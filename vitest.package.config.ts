/** The packed package as a dependency of others: `npm run test:package`. Needs Chromium for the bundles. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Runs beside others in CI: two would write one file of results.
  cacheDir: "node_modules/.vite/outside",
  test: {
    include: ["test/package/**/*.test.ts"],
    globalSetup: ["test/package/setup.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: "forks",
    maxWorkers: 1,
  },
});
