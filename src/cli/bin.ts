#!/usr/bin/env node
/** The package's command: in Node its form of few files, elsewhere the files, which know their platform. */
import { existsSync, statSync } from "node:fs";

const dist = new URL("../", import.meta.url);
const others = ["deno", "bun"].some((name) => name in process.versions);
/** Milliseconds between two files of one copy of a checkout, whose times are those of the copying. */
const COPYING_MS = 10_000;

/** In a checkout `tsc` alone leaves the form for Node behind, and Node would run what was before. A package, whose files' times say nothing, has no tools. */
function tellOldForm(): void {
  if (!existsSync(new URL("tools/build-for-node.js", dist))) return;
  const at = (name: string): number => statSync(new URL(name, dist), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const form = at("for-node/cli.js");
  if (form === 0 || at("cli/bin.js") - form <= COPYING_MS) return;
  const why = "Node runs dist/for-node, which is older than the other files of dist";
  process.stderr.write(`warning: ${why}; \`npm run build:ts\` makes both\n`);
}

if (!others) tellOldForm();
try {
  await import(new URL(others ? "cli/main.js" : "for-node/cli.js", dist).href);
} catch (error) {
  // A build that was interrupted; of anything else that is missing, the error says more itself.
  const { code, message, url } = error as { readonly code?: unknown; readonly message: string; readonly url?: unknown };
  // Deno's error names the file in its text alone.
  const missing = typeof url === "string" ? url : /^Module not found "([^"]+)"/.exec(message)?.[1];
  if (code !== "ERR_MODULE_NOT_FOUND" || missing?.startsWith(dist.href) !== true) throw error;
  const name = `dist/${missing.slice(dist.href.length)}`;
  process.stderr.write(`error: the package is not whole: ${name} is missing; \`npm run build\` makes it\n`);
  process.exitCode = 1;
}
