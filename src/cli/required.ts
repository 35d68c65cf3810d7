/** Options in help and errors: those that a command needs are marked in its usage, and all that are missing named at once. */
import { type Command, Help, type Option } from "commander";
import { UsageError } from "./errors.ts";

/** Takes over what commander does with required options, which is to name the first that is missing and mark none. */
export function nameRequiredOptions(command: Command): void {
  for (const sub of command.commands) nameRequiredOptions(sub);
  const required = command.options.filter((option) => option.mandatory);
  if (required.length === 0) return;
  const marks = required.map(({ flags }) => flags);
  command.usage([...marks, "[options]", argumentsOf(command)].join(" ").trim());
  for (const option of required) {
    option.makeOptionMandatory(false);
    option.description = `${option.description} (required)`;
  }
  command.hook("preAction", () => {
    const missing = required.filter((option) => command.getOptionValue(option.attributeName()) === undefined);
    if (missing.length > 0) throw new UsageError(`needed too: ${missing.map(({ flags }) => flags).join(", ")}`);
  });
}

/** What help says of an option; of one that may be repeated not that its default is an empty list. */
export function optionDescription(option: Option): string {
  const shown = Array.isArray(option.defaultValue)
    ? (Object.assign(Object.create(option), { defaultValue: undefined }) as Option)
    : option;
  return new Help().optionDescription(shown);
}

function argumentsOf({ registeredArguments }: Command): string {
  return registeredArguments
    .map((one) => {
      const name = `${one.name()}${one.variadic ? "..." : ""}`;
      return one.required ? `<${name}>` : `[${name}]`;
    })
    .join(" ");
}
