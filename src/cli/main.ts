#!/usr/bin/env node
/** `filigree`: the command line. Each command stands in its own file and registers itself (`commands.ts`). */
import { readFileSync } from "node:fs";
import { complain, EXIT } from "./errors.ts";
import { runWords } from "./program.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

// A reader that has seen enough ("| head") ends the command; that is no error. A full disk is.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
  complain(error);
  process.exit(EXIT.failure);
});

if (await runWords(version, process.argv.slice(2))) process.exit();
