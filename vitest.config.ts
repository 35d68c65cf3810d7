import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { findCorpus } from "./test/support/find-corpus.ts";

const platform = "Deno" in globalThis ? "deno" : "node";
const alias = { "#platform": fileURLToPath(new URL(`src/platform/${platform}.ts`, import.meta.url)) };

export default defineConfig({
  resolve: { alias },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/**/*.browser.test.ts", "test/clients/**", "test/package/**", "**/node_modules/**"],
    // On a machine that does much else, commands in processes of their own take tens of seconds.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: "forks",
    maxWorkers: 2,
    provide: { corpus: findCorpus() },
  },
});
