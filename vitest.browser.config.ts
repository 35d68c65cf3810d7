/**
 * The portable tests in Chromium: `npm run test:browser`. The browser is the one named by CHROMIUM_PATH, else Chromium in
 * its usual place. Tests that need files or a server stay with `vitest.config.ts`.
 */
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const alias = { "#platform": fileURLToPath(new URL("src/platform/browser.ts", import.meta.url)) };

export default defineConfig({
  resolve: { alias },
  optimizeDeps: {
    include: [
      "fast-check",
      "@noble/hashes/blake2.js",
      "@noble/hashes/sha2.js",
      "@noble/hashes/sha3.js",
      "@noble/curves/secp256k1.js",
    ],
  },
  test: {
    include: ["test/unit/base/**/*.test.ts", "test/unit/crypto/**/*.test.ts", "test/unit/platform/**/*.test.ts"],
    exclude: ["test/**/*.node.test.ts"],
    testTimeout: 120_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath, args: ["--no-sandbox"] } }),
      instances: [{ browser: "chromium" }],
    },
  },
});
