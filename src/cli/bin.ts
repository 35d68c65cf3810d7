#!/usr/bin/env node
/** The package's command: in Node its form of few files, elsewhere the files, which know their platform. */
const others = ["deno", "bun"].some((name) => name in process.versions);
await import(new URL(others ? "./main.js" : "../for-node/cli.js", import.meta.url).href);
