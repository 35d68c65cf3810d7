/** `filigree prove <directory...> --out <file>`: vanilla proofs of sealed sectors. */
import { type Command, Option } from "commander";
import { platform } from "#platform";
import { loadProofs } from "../../core/proofs.ts";
import { ProvingPool } from "../../proving/pool.ts";
import type { ProvingOptions } from "../../proving/ranges.ts";
import { provePoRepDirectory, provePoStDirectories } from "../../proving/seal.ts";
import type { PoStKind } from "../../sector/post/post-proof.ts";
import { interruptible } from "../interrupt.ts";
import { parseHex32, parseWorkers } from "../options.ts";
import { checkOutput } from "../output.ts";
import { type ProofFile, readRecord, writeProof } from "../sector-record.ts";
import { progressLine, sizeText } from "../terminal.ts";

type Options = {
  readonly kind: "porep" | PoStKind;
  readonly randomness: Uint8Array;
  readonly out: string;
  readonly workers?: number;
  readonly force?: true;
  readonly json?: true;
};

export function registerProve(program: Command): void {
  program
    .command("prove")
    .description("open a vanilla proof: of replication of one sector, or of spacetime of several")
    .argument("<directory...>", "the sectors' files; PoRep and WinningPoSt take one")
    .addOption(
      new Option("--kind <kind>", "what to prove")
        .choices(["porep", "winning", "window", "window-legacy"])
        .default("porep"),
    )
    .requiredOption("--randomness <hex>", "32 bytes: the interactive seed, or the PoSt's randomness", parseHex32)
    .requiredOption("--out <file>", "where the proof goes (DAG-CBOR)")
    .option("--workers <n>", "worker threads (default: one per core)", parseWorkers)
    .option("--force", "replace the file if it exists")
    .option("--json", "print one JSON object: out, kind, partitions, bytes")
    .action(run);
}

async function run(directories: readonly string[], options: Options): Promise<void> {
  const { out, force } = options;
  await checkOutput(out, { force });
  const pool = ProvingPool.open(options.workers ?? platform.cores);
  const line = progressLine();
  const onProgress = ({ phase, done, total }: { phase: string; done: number; total: number }): void =>
    line.part(phase, done, total);
  try {
    const proof = await interruptible((signal) => prove(pool, directories, options, { onProgress, signal }));
    const bytes = await writeProof(out, proof, { force });
    line.clear();
    const fields = { out, kind: proof.kind, partitions: proof.partitions.length, bytes };
    if (options.json === true) process.stdout.write(`${JSON.stringify(fields)}\n`);
    else process.stdout.write(`${proof.kind} proof, ${proof.partitions.length} partitions, ${sizeText(bytes)}\n`);
  } finally {
    line.clear();
    await pool.close();
  }
}

async function prove(
  pool: ProvingPool,
  directories: readonly string[],
  { kind, randomness }: Options,
  options: ProvingOptions,
): Promise<ProofFile> {
  const records = await Promise.all(directories.map(readRecord));
  const [first, ...more] = records as [(typeof records)[0], ...typeof records];
  if (kind === "porep") {
    if (more.length > 0) throw new Error("a PoRep proof is of one sector; give one directory");
    const { actorId, identity, sealed } = first;
    const partitions = await provePoRepDirectory(pool, {
      directory: directories[0] as string,
      identity,
      sealed,
      seed: randomness,
      ...options,
    });
    const { sectorNumber, ticket, proof } = identity;
    const { commD, commR } = sealed;
    return { kind, sealProof: proof.number, actorId, sectorNumber, ticket, commD, commR, seed: randomness, partitions };
  }
  const sectorBytes = first.identity.proof.sectorBytes;
  if (more.some(({ identity }) => identity.proof.sectorBytes !== sectorBytes))
    throw new Error("the sectors of one proof of spacetime have the same size");
  if (more.some(({ actorId }) => actorId !== first.actorId))
    throw new Error("the sectors of one proof of spacetime are of one miner");
  const numbers = new Set<unknown>();
  for (const { identity } of records)
    if (numbers.size === numbers.add(identity.sectorNumber).size)
      throw new Error(`sector ${identity.sectorNumber} is given twice`);
  const sectors = records.map(({ identity, sealed }) => ({
    sectorNumber: identity.sectorNumber,
    commR: sealed.commR,
  }));
  const placed = sectors.map((sector, i) => ({ ...sector, directory: directories[i] as string }));
  const proofs = await loadProofs();
  const partitions = await provePoStDirectories(proofs, pool, {
    sectorBytes,
    kind,
    randomness,
    sectors: placed,
    ...options,
  });
  return { kind, sectorBytes, randomness, sectors, partitions };
}
