/**
 * The portable tests in Chromium: `npm run test:browser`. The browser is the one named by CHROMIUM_PATH, else Chromium in
 * its usual place. A test stays with `vitest.config.ts` if it, or a helper of the tests that it imports, uses what only
 * Node and Deno have; those are listed when the run starts.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { findCorpus } from "./test/support/find-corpus.ts";
import { LARGE, NOT_IN_A_PAGE } from "./test/support/left-out.ts";
import { testsAndNeeds } from "./test/support/portable.ts";

const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const alias = { "#platform": fileURLToPath(new URL("src/platform/browser.ts", import.meta.url)) };

const left = process.env["FILIGREE_PAGE_ALL"] === "1" ? LARGE : { ...LARGE, ...NOT_IN_A_PAGE };

const needs = new Map([...testsAndNeeds()].map(([file, need]) => [file, left[file] ?? need]));
for (const [file, need] of needs) if (need !== null) process.stdout.write(`not in a browser: ${file} (${need})\n`);

const corpus = findCorpus();

/** Workers are named by what they are built to; here they are run from their sources, as everything else. */
const workersFromSource = {
  name: "workers-from-source",
  enforce: "pre" as const,
  transform: (code: string, id: string) =>
    /\/src\/\w+\/[\w-]+\.ts$/.test(id.split("?")[0] as string)
      ? code.replaceAll('"./worker.js"', '"./worker.ts"')
      : null,
};

export default defineConfig({
  plugins: [workersFromSource],
  worker: { format: "es" },
  resolve: { alias },
  // the checkout, and the vectors and bundles beside it
  server: {
    fs: { allow: [".", path.resolve(corpus.folder, "../.."), ...corpus.bundles.map((file) => path.dirname(file))] },
  },
  optimizeDeps: {
    // all at once before the first test: finding one later would reload the page under it
    include: [
      "@ipld/dag-cbor",
      "fzstd",
      "@libp2p/crypto/keys",
      "@libp2p/gossipsub",
      "@libp2p/gossipsub/score",
      "@libp2p/identify",
      "@libp2p/kad-dht",
      "@libp2p/mplex",
      "@libp2p/noise",
      "@libp2p/peer-id",
      "@libp2p/ping",
      "@libp2p/utils",
      "@libp2p/websockets",
      "@libp2p/yamux",
      "@multiformats/multiaddr",
      "@noble/ciphers/aes.js",
      "@noble/hashes/hmac.js",
      "@noble/hashes/legacy.js",
      "libp2p",
      "fast-check",
      "multiformats/cid",
      "multiformats/hashes/digest",
      "@noble/hashes/blake2.js",
      "@noble/hashes/sha2.js",
      "@noble/hashes/sha3.js",
      "@noble/curves/bls12-381.js",
      "@noble/curves/secp256k1.js",
    ],
  },
  test: {
    include: [...needs.keys()].filter((file) => needs.get(file) === null),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One page for all files: a page each would load every module again, which takes as long as the tests.
    isolate: false,
    setupFiles: ["test/support/collect-garbage.ts", "test/support/equal-bytes.ts"],
    provide: { corpus },
    // the node that pages dial
    globalSetup: ["test/support/page-peer.ts"],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath, args: ["--no-sandbox", "--js-flags=--expose-gc"] } }),
      instances: [{ browser: "chromium" }],
    },
  },
});
