/** `filigree replay <chain.car>`: executes a chain export from its genesis and compares every root. */
import type { Command } from "commander";
import { platform } from "#platform";
import { type ReplayProgress, type ReplayReport, replayChain } from "../../conformance/replay.ts";
import { loadCrypto } from "../../core/crypto.ts";
import { loadProofs, type Proofs } from "../../core/proofs.ts";
import { circuitKey, keyedVerifier, type ProofCircuit } from "../../exec/keyed-verifier.ts";
import { readVerifyingKey, type VerifyingKey } from "../../sector/snark/groth16.ts";
import { readingCar } from "../car-input.ts";
import { judged, UsageError } from "../errors.ts";
import { openBytes } from "../input.ts";
import { printJson } from "../json.ts";
import { collect } from "../options.ts";
import { readAtMost } from "../read-at-most.ts";
import { countText, progressLine } from "../terminal.ts";

export function registerReplay(program: Command): void {
  program
    .command("replay")
    .description("execute a chain export from its genesis and compare every state root and receipts root")
    .argument(
      "<chain.car>",
      "CAR file of the main network with its genesis state, of any size, a snapshot of format 1 or 2; - for standard input",
    )
    .option(
      "--validate",
      "check every block as well: election, ticket, beacon, signatures, messages; its winning PoSt only with a --key for it, else it is taken as declared and counted",
    )
    .option("--json", "one JSON object instead of text")
    .option(
      "--key <circuit:bytes=file>",
      'verifying key for a kind of proof ("winning-post", "window-post" or "seal") and sector size, in the .vk layout (repeatable)',
      collect,
      [],
    )
    .option(
      "--trust-proofs",
      "take proofs that messages submit (window PoSt, seal) as valid where their key is not given; without it they are refused",
    )
    .action(run);
}

type Options = {
  readonly json?: true;
  readonly validate?: true;
  readonly trustProofs?: true;
  readonly key: readonly string[];
};

/** Bytes of a verifying key: a few points, and one for each public input. */
const MAX_KEY = 64 << 20;

/** Reads the keys of `--key` options. */
async function readKeys(module: Proofs, words: readonly string[]) {
  const keys = new Map<string, VerifyingKey>();
  const winningPostKeys = new Map<number, VerifyingKey>();
  for (const word of words) {
    const [, circuit, bytes, file] = /^(winning-post|window-post|seal):(\d{1,15})=(.+)$/.exec(word) ?? [];
    if (circuit === undefined || bytes === undefined || file === undefined)
      throw new UsageError(
        `--key ${word}: <circuit>:<sector bytes>=<file> expected, the circuit winning-post, window-post or seal`,
      );
    const key = readVerifyingKey(module, await readAtMost(file, MAX_KEY, "any verifying key"));
    if (circuit === "winning-post") winningPostKeys.set(Number(bytes), key);
    else keys.set(circuitKey(circuit as ProofCircuit, Number(bytes)), key);
  }
  return { keys, winningPostKeys };
}

async function run(file: string, options: Options): Promise<void> {
  const crypto = await loadCrypto();
  const line = progressLine();
  const started = performance.now();
  let trusted = 0;
  let source: Awaited<ReturnType<typeof openBytes>> | null = null;
  try {
    const module = await loadProofs();
    const { keys, winningPostKeys } = await readKeys(module, options.key);
    if (winningPostKeys.size > 0 && options.validate !== true)
      throw new UsageError("--key winning-post is for --validate: winning PoSts are checked with their blocks");
    const verifier = keyedVerifier({
      proofs: module,
      keys,
      missing: options.trustProofs === true ? "accept" : "refuse",
      entropy: () => platform.randomBytes(32),
      onMissing: () => trusted++,
    });
    const opened = await openBytes(file);
    source = opened;
    const work = {
      proofs: verifier,
      hashes: crypto,
      ...(options.validate === true
        ? { validate: { crypto, proofs: module, winningPostKeys, entropy: () => platform.randomBytes(32) } }
        : {}),
      onProgress: ({ done, total, epoch }: ReplayProgress) => line.part(`epoch ${epoch},`, done, total),
    };
    const report = await readingCar(file, () => replayChain(opened, work));
    line.clear();
    print(report, trusted, (performance.now() - started) / 1000, options.json === true);
  } catch (error) {
    throw judged(error);
  } finally {
    line.clear();
    await source?.close();
  }
}

function print(report: ReplayReport, trusted: number, seconds: number, asJson: boolean): void {
  if (!asJson) {
    process.stdout.write(
      replayLines(report, trusted, seconds)
        .map((line) => `${line}\n`)
        .join(""),
    );
    return;
  }
  const { store: _, checks, ...figures } = report;
  const { blocks, ...counted } = checks ?? { blocks: 0 };
  const validated = checks === null ? {} : { blocks, checks: counted };
  // Whatever was believed: proofs of messages, and winning PoSts of blocks.
  const trustedProofs = trusted + (checks?.winningPoSt.declared ?? 0);
  printJson({ ok: true, ...figures, ...validated, trustedProofs, seconds });
}

/** A report for people. `trusted`: proofs of messages that were taken without a key. */
export function replayLines(report: Omit<ReplayReport, "store">, trusted: number, seconds: number): string[] {
  const { firstEpoch, lastEpoch, tipsets, fileTipsets, messages, nullRounds, checks, stateRoot } = report;
  const lines = [
    `epochs ${firstEpoch} to ${lastEpoch}: ${countText(tipsets, "tipset")} executed, ${countText(messages, "message")}, ${countText(nullRounds, "null round")}, ` +
      `every root equal (${seconds.toFixed(1)} s)`,
    `the file holds ${countText(fileTipsets, "tipset")}: its genesis is where execution begins, and no header states the result of its last`,
  ];
  if (checks !== null) {
    const { verified, declared } = checks.winningPoSt;
    const left = declared === 0 ? "" : `, ${declared} taken as declared: not verified, no key (--key winning-post:...)`;
    lines.push(`${countText(checks.blocks, "block")} checked; of their winning PoSts ${verified} verified${left}`);
  }
  if (trusted > 0) lines.push(`${countText(trusted, "proof")} of messages taken on trust: not verified, no key`);
  return [...lines, `state root ${stateRoot}`];
}
