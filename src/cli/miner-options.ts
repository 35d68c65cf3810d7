/** What commands about a miner's actor have in common: their options, and how their arguments are read. */
import type { Command } from "commander";
import { UsageError } from "./errors.ts";
import { wholeNumber } from "./options.ts";
import { withRemote } from "./remote.ts";

/** Options of every command about a miner. */
export function aboutMiner(command: Command): Command {
  return withRemote(
    command.option("--actor <address>", "the miner; the default is the local network's first", "miner"),
  );
}

/** Options of every command that sends a message of a miner. */
export function sending(command: Command): Command {
  return aboutMiner(command)
    .option("--no-wait", "do not wait until the message was executed")
    .option("--confidence <epochs>", "epochs on top of that", wholeNumber(0, 900), 0);
}

/** Numbers that were typed, each once, ascending; `what` they are of. */
export function numbers(texts: readonly string[], what: string): readonly number[] {
  const parse = wholeNumber(0, Number.MAX_SAFE_INTEGER);
  const all = texts.map((text) => {
    try {
      return parse(text);
    } catch (cause) {
      throw new UsageError(`${text} is no number of a ${what}`, { cause });
    }
  });
  return [...new Set(all)].sort((a, b) => a - b);
}

export function insist(given: true | undefined, why: string): void {
  if (given !== true) throw new UsageError(`${why}: give --really-do-it`);
}
