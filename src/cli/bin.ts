#!/usr/bin/env node
/** The package's command: in Node its form of few files, elsewhere the files, which know their platform. */
const dist = new URL("../", import.meta.url);
const others = ["deno", "bun"].some((name) => name in process.versions);
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
