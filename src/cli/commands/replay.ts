/** `filigree replay <chain.car>`: executes a chain export from its genesis and compares every root. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { replayChain } from "../../conformance/replay.ts";
import { loadCrypto } from "../../core/crypto.ts";
import { complain, progressLine } from "../terminal.ts";

export function registerReplay(program: Command): void {
  program
    .command("replay")
    .description("execute a chain export from its genesis and compare every state root and receipts root")
    .argument("<chain.car>", "CAR file of the main network with its genesis state")
    .option("--json", "one JSON object instead of text")
    .option("--trust-proofs", "take window PoSt and seal proofs on chain as valid (no verifying keys are needed)")
    .action(run);
}

async function run(file: string, options: { readonly json?: true; readonly trustProofs?: true }): Promise<void> {
  const crypto = await loadCrypto();
  const line = progressLine();
  const started = performance.now();
  let judged = 0;
  const judge = (): boolean => {
    judged++;
    if (options.trustProofs === true) return true;
    throw new Error("the chain submits proofs and no verifying key was given; --trust-proofs takes them as valid");
  };
  try {
    const report = await replayChain(await readFile(file), {
      proofs: { verifyPoSt: judge, verifySeal: judge },
      hashes: crypto,
      onProgress: ({ done, total, epoch }) => line.show(`epoch ${epoch}: ${done} of ${total} tipsets`),
    });
    line.clear();
    const { store: _, ...figures } = report;
    const seconds = (performance.now() - started) / 1000;
    if (options.json === true)
      process.stdout.write(`${JSON.stringify({ ok: true, ...figures, trustedProofs: judged, seconds })}\n`);
    else
      process.stdout.write(
        `epochs ${report.firstEpoch} to ${report.lastEpoch}: ${report.tipsets} tipsets, ${report.messages} messages, ` +
          `${report.nullRounds} null rounds, every root equal (${seconds.toFixed(1)} s)` +
          `${judged > 0 ? `; ${judged} proofs taken on trust` : ""}\nstate root ${report.stateRoot}\n`,
      );
  } catch (error) {
    line.clear();
    if (options.json === true) process.stdout.write(`${JSON.stringify({ ok: false, error: String(error) })}\n`);
    else complain(error);
    process.exitCode = 1;
  }
}
