/**
 * Words of nothing, which scripts type where a variable is not set (`--data "$DIR"`): an empty path is the folder that one is in, which
 * commands would write to and take for themselves, and an empty name mostly the default. They are refused wherever no text of one's own is meant.
 */
import type { Command } from "commander";
import { UsageError } from "./errors.ts";

/** Placeholders of texts that may be empty: seeds, filters, and parameters of messages, of which many have none. */
const MAY_BE_EMPTY: readonly string[] = ["<text>", "<json|hex>", "params"];

export function refuseEmptyWords(program: Command): void {
  refuseEmptyOptions(program);
  // A hook of the program is one of all commands below it.
  program.hook("preAction", (_, { args, registeredArguments }) => {
    for (const [i, given] of args.entries()) {
      const name = (registeredArguments[i] ?? registeredArguments.at(-1))?.name();
      if (name !== undefined && !MAY_BE_EMPTY.includes(name)) refuse(given, `argument ${i + 1}`, `<${name}>`);
    }
  });
}

function refuseEmptyOptions(command: Command): void {
  for (const sub of command.commands) refuseEmptyOptions(sub);
  for (const option of command.options) {
    const [placeholder] = /[<[].*$/.exec(option.flags) ?? [];
    if (placeholder === undefined || MAY_BE_EMPTY.includes(placeholder)) continue;
    // After the option's own reader, whose words say more; a reader of ours would replace those that gather several words.
    command.on(`option:${option.name()}`, (given: unknown) => refuse(given, option.long ?? option.flags, placeholder));
  }
}

function refuse(given: unknown, what: string, placeholder: string): void {
  if (given === "") throw new UsageError(`${what} is empty: ${placeholder} is needed there`);
}
