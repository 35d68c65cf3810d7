/**
 * What `--help` says of each command that is named ("chain head"), in one process: the built commands, registered and parsed as
 * `main.js` does for each. Prints an object of command to its text, its errors and its exit code.
 */
import { Command } from "commander";
import { registerCommands } from "../../dist/cli/commands.js";
import { nameRequiredOptions, optionDescription } from "../../dist/cli/required.js";

const told = {};
for (const command of process.argv.slice(2)) {
  const words = command.split(" ");
  const one = { stdout: "", stderr: "", status: -1 };
  const program = new Command("filigree")
    .configureHelp({ optionDescription })
    .exitOverride()
    .configureOutput({ writeOut: (text) => (one.stdout += text), writeErr: (text) => (one.stderr += text) });
  await registerCommands(program, words[0]);
  nameRequiredOptions(program);
  try {
    await program.parseAsync([...words, "--help"], { from: "user" });
  } catch (error) {
    one.status = error.exitCode;
  }
  told[command] = one;
}
process.stdout.write(JSON.stringify(told));
