/** `filigree miner init` and `filigree miner run`: a storage miner in a process of its own, beside a node. */
import type { Command } from "commander";

import type { InitOptions, RunOptions } from "../miner-process.ts";
import { collect, DEFAULT_MINER_DATA, DEFAULT_MINER_FUNDS, wholeNumber } from "../options.ts";
import { PARAMS_FOLDER } from "../real-proofs.ts";
import { parseAmount, withRemote } from "../remote.ts";

/** Loaded when it is needed: other commands start without it. */
const minerProcess = () => import("../miner-process.ts");

/** The reference's port of a miner's interface. */
const DEFAULT_PORT = 2345;

export function registerMinerRun(miner: Command): void {
  withRemote(
    miner.command("init").description("make the folder of a miner that is a process of its own, and its actor"),
  )
    .option("--data <folder>", "where the miner is kept", DEFAULT_MINER_DATA)
    .option("--actor <address>", "a miner that is on chain already")
    .option("--genesis", "with --actor: a miner of the local network's genesis that no node owns (devnet --apart)")
    .option(
      "--owner <account>",
      "who owns the new miner, with a key in the node's wallet (default: the wallet's default)",
    )
    .option(
      "--worker <account>",
      "the new miner's worker, a BLS key in the node's wallet (default: a new key in the folder)",
    )
    .option("--funds <FIL>", `what the owner gives a new worker (default: ${DEFAULT_MINER_FUNDS} FIL)`, parseAmount)
    .action(async (options: InitOptions) => (await minerProcess()).init(options));
  withRemote(
    miner
      .command("run")
      .description("run the miner of a folder: it mines, seals and proves against a node over JSON-RPC"),
  )
    .option("--data <folder>", "where the miner is kept", DEFAULT_MINER_DATA)
    .option("--no-mine", "make no blocks: seal and prove alone")
    .option("--port <n>", "port of the miner's own JSON-RPC; 0 takes a free one", wholeNumber(0, 65535), DEFAULT_PORT)
    .option("--host <address>", "address to serve it on; any but loopback needs tokens", "127.0.0.1")
    .option("--allow-host <name>", "further Host header to accept (repeatable)", collect, [])
    .option("--cors <origin>", "origin of pages that may call (repeatable)", collect, [])
    .option("--repair", "go on with what can be read of a damaged folder")
    .option("--params <folder>", "where the keys of real proofs are kept; made there on first use", PARAMS_FOLDER)
    .option("--quiet", "say nothing but the address and what fails")
    .option("--verbose", "say every block and every step of a sector")
    .action(async (options: RunOptions, command: Command) => (await minerProcess()).run(options, command));
}
