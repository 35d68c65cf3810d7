import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { findCorpus } from "./test/support/find-corpus.ts";
import { NOT_IN_DENO } from "./test/support/left-out.ts";
import { testsAndNeeds } from "./test/support/portable.ts";

const platform = "Deno" in globalThis ? "deno" : "node";

const isShort = platform === "deno" && process.env["FILIGREE_DENO_ALL"] !== "1";
if (isShort) for (const [file, why] of Object.entries(NOT_IN_DENO)) console.log(`not in Deno: ${file} (${why})`);
const alias = { "#platform": fileURLToPath(new URL(`src/platform/${platform}.ts`, import.meta.url)) };
const needs = testsAndNeeds();

/** The tests in two parts, without those that `leaveOut` names. */
export function testsBut(leaveOut: readonly string[]): ViteUserConfig {
  const part = (name: string, isPortable: boolean) => ({
    resolve: { alias },
    test: {
      name,
      include: [...needs.keys()].filter((file) => (needs.get(file) === null) === isPortable),
      exclude: [
        ...["**/node_modules/**", "**/*.browser.test.ts", ...leaveOut],
        ...(isShort ? Object.keys(NOT_IN_DENO) : []),
      ],
      // On a machine that does much else, commands in processes of their own take tens of seconds.
      testTimeout: 180_000,
      hookTimeout: 180_000,
      pool: "forks" as const,
      // Files of a part share two processes: loading every module anew for each takes a quarter of the time.
      isolate: false,
      setupFiles: ["test/support/equal-bytes.ts"],
      provide: { corpus: findCorpus() },
    },
  });
  return defineConfig({ test: { maxWorkers: 2, projects: [part("with a system", false), part("portable", true)] } });
}

export default testsBut([]);
