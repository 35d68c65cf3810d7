#!/usr/bin/env node
/** `filigree`: the command line. Each command stands in its own file and registers itself here. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { registerAuth } from "./commands/auth.ts";
import { registerChain } from "./commands/chain.ts";
import { registerCommp } from "./commands/commp.ts";
import { registerConformance } from "./commands/conformance.ts";
import { registerDevnet } from "./commands/devnet.ts";
import { registerMpool } from "./commands/mpool.ts";
import { registerNet } from "./commands/net.ts";
import { registerNode } from "./commands/node.ts";
import { registerParams } from "./commands/params.ts";
import { registerProve } from "./commands/prove.ts";
import { registerReplay } from "./commands/replay.ts";
import { registerSeal } from "./commands/seal.ts";
import { registerSend } from "./commands/send.ts";
import { registerState } from "./commands/state.ts";
import { registerSync } from "./commands/sync.ts";
import { registerUnseal } from "./commands/unseal.ts";
import { registerVerify } from "./commands/verify.ts";
import { registerWallet } from "./commands/wallet.ts";
import { registerWorker } from "./commands/worker.ts";
import { complain, EXIT, InterruptedError, report } from "./errors.ts";
import { nameRequiredOptions, optionDescription } from "./required.ts";

const COMMANDS: readonly ((program: Command) => void)[] = [
  registerCommp,
  registerConformance,
  registerDevnet,
  registerNode,
  registerSend,
  registerChain,
  registerMpool,
  registerNet,
  registerSync,
  registerWallet,
  registerAuth,
  registerReplay,
  registerSeal,
  registerUnseal,
  registerProve,
  registerVerify,
  registerState,
  registerParams,
  registerWorker,
];

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("filigree")
  .description("The Filecoin protocol as one portable engine")
  .version(version)
  .showHelpAfterError("(--help shows the options)")
  .configureHelp({ optionDescription })
  .exitOverride();
for (const register of COMMANDS) register(program);
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
