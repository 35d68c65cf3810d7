/** `npm run test:proving`: proofs of large circuits beside bellperson's, with keys of a gigabyte and minutes of proving. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "#platform": fileURLToPath(new URL("src/platform/node.ts", import.meta.url)) } },
  test: {
    include: ["test/proving/*.long.ts"],
    testTimeout: 14_400_000,
    hookTimeout: 14_400_000,
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
  },
});
