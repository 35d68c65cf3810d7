/** Words of nothing are refused before a command does anything, but where a text of one's own is meant. */
import { Command } from "commander";
import { expect, test } from "vitest";
import { refuseEmptyWords } from "../../../src/cli/empty-words.ts";
import { UsageError } from "../../../src/cli/errors.ts";
import { openProgram } from "../../../src/cli/program.ts";

test.each([
  [["devnet", "--data", ""], "--data is empty: <folder> is needed there"],
  [["devnet", "--memory", "--cors", ""], "--cors is empty: <origin> is needed there"],
  [["wait", ""], "argument 1 is empty: <cid|hash> is needed there"],
  [["miner", "sectors", "extend", "--expiration", "9", "1", ""], "argument 2 is empty: <sectors> is needed there"],
  [["paych", "voucher", "create", "--merge", ""], "--merge is empty: <lane...> is needed there"],
] as const)("%j", async (words, text) => {
  const program = await openProgram("0", words[0]);
  await expect(program.parseAsync(words, { from: "user" })).rejects.toThrow(new UsageError(text));
});

test("a text may be empty, an option may be left out, and several words are gathered as before", async () => {
  const seen: unknown[] = [];
  const program = new Command();
  program
    .command("one")
    .argument("<params>")
    .argument("[rest...]")
    .option("--seed <text>")
    .option("--memo [name]")
    .option("--lanes <lane...>")
    .action((params: string, rest: string[], options: unknown) => void seen.push(params, rest, options));
  refuseEmptyWords(program);
  await program.parseAsync(["one", "", "a", "b", "--seed", "", "--memo", "--lanes", "1", "2"], { from: "user" });
  expect(seen).toEqual(["", ["a", "b"], { seed: "", memo: true, lanes: ["1", "2"] }]);
});
