/** Options that say something only beside others are refused without them, before anything is made. */
import { Command } from "commander";
import { expect, test } from "vitest";
import { registerCommands } from "../../../src/cli/commands.ts";
import { UsageError } from "../../../src/cli/errors.ts";
import { Devnet } from "../../../src/node/devnet.ts";

test.each<[readonly string[], string]>([
  [["--fork-at", "5"], "--fork-at goes with --fork <url>"],
  [["--fork-whole"], "--fork-whole goes with --fork <url>"],
  [["--miners", "0", "--sectors", "3"], "--sectors is for miners: give --miners 1 or more"],
  [["--miners", "0", "--sector-size", "8MiB"], "--sector-size is for miners: give --miners 1 or more"],
  [
    ["--nodes", "2", "--network-version", "28", "--predeploy"],
    "--predeploy is for networks of one node without --listen and --apart: deploy the contracts by messages",
  ],
])("devnet %j", async (words, message) => {
  const program = new Command();
  await registerCommands(program, "devnet");
  const run = program.parseAsync(["devnet", "--memory", "--port", "0", ...words], { from: "user" });
  await expect(run).rejects.toThrow(new UsageError(message));
});

test("a network without miners has no sectors of another size", async () => {
  await expect(Devnet.open({ miners: 0, sectorSize: "8MiB" })).rejects.toMatchObject({
    name: "OptionError",
    message: expect.stringContaining("sectors are those of miners"),
  });
});
