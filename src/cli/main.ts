#!/usr/bin/env node
/** `filigree`: the command line. Each command stands in its own file and registers itself (`commands.ts`). */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { registerCommands } from "./commands.ts";
import { complain, EXIT, InterruptedError, report } from "./errors.ts";
import { nameRequiredOptions, optionDescription } from "./required.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("filigree")
  .description("The Filecoin protocol as one portable engine")
  .version(version)
  .showHelpAfterError("(--help shows the options)")
  .configureHelp({ optionDescription })
  .exitOverride();
await registerCommands(program, process.argv[2]);
nameRequiredOptions(program);

// A reader that has seen enough ("| head") ends the command; that is no error. A full disk is.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
  complain(error);
  process.exit(EXIT.failure);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage;
  else process.exitCode = report(error, process.argv.includes("--json"));
  // What was interrupted may still run; nobody waits for it.
  if (error instanceof InterruptedError) process.exit();
}
