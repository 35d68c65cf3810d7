/** The whole command line: `main.ts` runs it on what was typed, tests on what they like. */
import { Command, CommanderError } from "commander";
import { registerCommands } from "./commands.ts";
import { refuseEmptyWords } from "./empty-words.ts";
import { EXIT, InterruptedError, report, tellJson } from "./errors.ts";
import { forgetStop } from "./interrupt.ts";
import { nameRequiredOptions, optionDescription } from "./required.ts";

/** Below the list of commands. */
const AFTER_HELP = `
Begin with \`filigree devnet\`, and in another terminal \`filigree send bob "1 FIL"\`; docs/guide-command-line.md goes on from there.
Every command takes --json. Exit codes: 0 done, 1 failed, 2 what was checked does not hold, 64 wrong usage, 130 Ctrl-C (0 where it is how a server is stopped).`;

/** What is below zero looks like an option: commander's words for it with what is wrong. */
const BELOW_ZERO = /unknown option '(-\.?\d[^']*)'/;
const worded = (text: string): string =>
  text.replace(BELOW_ZERO, "'$1' is below zero: amounts and numbers are positive here");

/** The commands of the file that has the first word; all where none has it. */
export async function openProgram(version: string, first: string | undefined): Promise<Command> {
  const program = new Command("filigree")
    .description("The Filecoin protocol as one portable engine")
    .version(version)
    .showHelpAfterError("(--help shows the options)")
    .configureHelp({ optionDescription })
    .configureOutput({ outputError: (text, write) => write(worded(text)) })
    .addHelpText("after", AFTER_HELP)
    .exitOverride();
  await registerCommands(program, first);
  nameRequiredOptions(program);
  refuseEmptyWords(program);
  return program;
}

/** Runs a command line, which may set `process.exitCode` where it has told of a failure itself; whether it was interrupted. */
export async function runWords(version: string, words: readonly string[]): Promise<boolean> {
  const program = await openProgram(version, words[0]);
  const asJson = words.includes("--json");
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = refused(error, asJson);
    else process.exitCode = report(error, asJson);
    // What was interrupted may still run; nobody waits for it.
    return error instanceof InterruptedError;
  } finally {
    forgetStop();
  }
  return false;
}

/** What commander has said to people already: help that was asked for, or what is wrong with the words. */
function refused({ exitCode, code, message }: CommanderError, asJson: boolean): number {
  if (exitCode === 0) return 0;
  const why =
    code === "commander.help" ? "a command is missing; --help lists them" : worded(message.replace(/^error: /, ""));
  if (asJson) tellJson(why, "USAGE");
  return EXIT.usage;
}
