/** Which file a command is loaded from. */
import { Command } from "commander";
import { expect, test } from "vitest";
import { COMMANDS, registerCommands } from "../../../src/cli/commands.ts";

const namesOf = async (name?: string): Promise<string[]> => {
  const program = new Command();
  await registerCommands(program, name);
  return program.commands.map((command) => command.name());
};

test("each file registers the names that lead to it, and no name is there twice", async () => {
  for (const { names } of COMMANDS) for (const name of names) expect(await namesOf(name)).toEqual(names);
  const all = COMMANDS.flatMap(({ names }) => names);
  expect(await namesOf()).toEqual(all);
  expect(await namesOf("sent")).toEqual(all);
  expect(new Set(all).size).toBe(all.length);
});
