/** Clients of others against a local network: `npm run test:clients`, which installs them first. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Runs beside others in CI: two would write one file of results.
  cacheDir: "node_modules/.vite/outside",
  resolve: { alias: { "#platform": fileURLToPath(new URL("src/platform/node.ts", import.meta.url)) } },
  test: {
    include: ["test/clients/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
