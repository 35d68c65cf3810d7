#!/usr/bin/env node
/** The package's command: in Node its form of few files, elsewhere the files, which know their platform. */
const others = ["deno", "bun"].some((name) => name in process.versions);
const form = new URL("../for-node/", import.meta.url);
try {
  await import(new URL(others ? "./main.js" : "cli.js", others ? import.meta.url : form).href);
} catch (error) {
  // A build that was interrupted; of anything else that is missing, the error says more itself.
  const { code, url } = error as { readonly code?: unknown; readonly url?: unknown };
  if (code !== "ERR_MODULE_NOT_FOUND" || typeof url !== "string" || !url.startsWith(form.href)) throw error;
  const missing = `dist/for-node/${url.slice(form.href.length)}`;
  process.stderr.write(`error: the package is not whole: ${missing} is missing; \`npm run build\` makes it\n`);
  process.exitCode = 1;
}
