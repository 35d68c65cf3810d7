import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { findCorpus } from "./test/support/find-corpus.ts";
import { NOT_IN_DENO } from "./test/support/left-out.ts";
import { replacesModules, testsAndNeeds } from "./test/support/portable.ts";

const platform = "Deno" in globalThis ? "deno" : "node";

const isShort = platform === "deno" && process.env["FILIGREE_DENO_ALL"] !== "1";
if (isShort) for (const [file, why] of Object.entries(NOT_IN_DENO)) console.log(`not in Deno: ${file} (${why})`);
const alias = { "#platform": fileURLToPath(new URL(`src/platform/${platform}.ts`, import.meta.url)) };
const needs = testsAndNeeds();

type Part = "with a system" | "portable" | "with modules replaced";
const partOf = (file: string, need: string | null): Part =>
  replacesModules(file) ? "with modules replaced" : need === null ? "portable" : "with a system";

/** The tests in parts, without those that `leaveOut` names. */
export function testsBut(leaveOut: readonly string[]): ViteUserConfig {
  const part = (name: Part) => ({
    resolve: { alias },
    test: {
      name,
      include: [...needs].flatMap(([file, need]) => (partOf(file, need) === name ? [file] : [])),
      exclude: [
        ...["**/node_modules/**", "**/*.browser.test.ts", ...leaveOut],
        ...(isShort ? Object.keys(NOT_IN_DENO) : []),
      ],
      // On a machine that does much else, commands in processes of their own take tens of seconds.
      testTimeout: 180_000,
      hookTimeout: 180_000,
      pool: "forks" as const,
      // Files share two processes, as loading every module anew for each takes a quarter of the time; but who replaces modules needs their own.
      isolate: name === "with modules replaced",
      setupFiles: ["test/support/equal-bytes.ts"],
      provide: { corpus: findCorpus() },
    },
  });
  const projects = [part("with a system"), part("portable"), part("with modules replaced")];
  return defineConfig({ test: { maxWorkers: 2, projects } });
}

export default testsBut([]);
