/** `filigree replay <chain.car>`: executes a chain export from its genesis and compares every root. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { platform } from "#platform";
import { replayChain } from "../../conformance/replay.ts";
import { loadCrypto } from "../../core/crypto.ts";
import { loadProofs, type Proofs } from "../../core/proofs.ts";
import { circuitKey, keyedVerifier, type ProofCircuit } from "../../exec/keyed-verifier.ts";
import { readVerifyingKey, type VerifyingKey } from "../../sector/snark/groth16.ts";
import { UsageError } from "../errors.ts";
import { openBytes } from "../input.ts";
import { collect } from "../options.ts";
import { progressLine } from "../terminal.ts";

export function registerReplay(program: Command): void {
  program
    .command("replay")
    .description("execute a chain export from its genesis and compare every state root and receipts root")
    .argument("<chain.car>", "CAR file of the main network with its genesis state, of any size; - for standard input")
    .option("--validate", "check every block in full as well: election, ticket, beacon, signatures, messages, proofs")
    .option("--json", "one JSON object instead of text")
    .option(
      "--key <circuit:bytes=file>",
      'verifying key for a kind of proof ("window-post" or "seal") and sector size, in the .vk layout (repeatable)',
      collect,
      [],
    )
    .option("--trust-proofs", "take proofs whose verifying key is not given as valid")
    .action(run);
}

type Options = {
  readonly json?: true;
  readonly validate?: true;
  readonly trustProofs?: true;
  readonly key: readonly string[];
};

/** Reads the keys of `--key` options. */
async function readKeys(module: Proofs, words: readonly string[]) {
  const keys = new Map<string, VerifyingKey>();
  for (const word of words) {
    const [, circuit, bytes, file] = /^(window-post|seal):(\d{1,15})=(.+)$/.exec(word) ?? [];
    if (circuit === undefined || bytes === undefined || file === undefined)
      throw new UsageError(
        `--key ${word}: "window-post:<sector bytes>=<file>" or "seal:<sector bytes>=<file>" expected`,
      );
    keys.set(circuitKey(circuit as ProofCircuit, Number(bytes)), readVerifyingKey(module, await readFile(file)));
  }
  return keys;
}

async function run(file: string, options: Options): Promise<void> {
  const crypto = await loadCrypto();
  const line = progressLine();
  const started = performance.now();
  let trusted = 0;
  let source: Awaited<ReturnType<typeof openBytes>> | null = null;
  try {
    const module = await loadProofs();
    const verifier = keyedVerifier({
      proofs: module,
      keys: await readKeys(module, options.key),
      missing: options.trustProofs === true ? "accept" : "refuse",
      entropy: () => platform.randomBytes(32),
      onMissing: () => trusted++,
    });
    source = await openBytes(file);
    const report = await replayChain(source, {
      proofs: verifier,
      hashes: crypto,
      ...(options.validate === true
        ? { validate: { crypto, proofs: module, entropy: () => platform.randomBytes(32) } }
        : {}),
      onProgress: ({ done, total, epoch }) => line.part(`epoch ${epoch},`, done, total),
    });
    line.clear();
    const { store: _, checks, ...figures } = report;
    const { blocks, ...counted } = checks ?? { blocks: 0 };
    const seconds = (performance.now() - started) / 1000;
    if (options.json === true)
      process.stdout.write(
        `${JSON.stringify({ ok: true, ...figures, ...(checks === null ? {} : { blocks, checks: counted }), trustedProofs: trusted, seconds })}\n`,
      );
    else
      process.stdout.write(
        `epochs ${report.firstEpoch} to ${report.lastEpoch}: ${report.tipsets} tipsets, ${report.messages} messages, ` +
          `${report.nullRounds} null rounds, every root equal (${seconds.toFixed(1)} s)` +
          `${trusted > 0 ? `; ${trusted} proofs taken on trust` : ""}\nstate root ${report.stateRoot}\n`,
      );
  } finally {
    line.clear();
    await source?.close();
  }
}
