#!/usr/bin/env node
/** What forge asks of a compiler, answered by the compiler of npm (`SOLC_MODULE`: where it is): its version, and standard JSON. */
const { readFileSync } = require("node:fs");
const solc = require(process.env.SOLC_MODULE);

if (process.argv.includes("--version")) console.log(`solc\nVersion: ${solc.version()}`);
else process.stdout.write(solc.compile(readFileSync(0, "utf8")));
