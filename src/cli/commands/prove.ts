/** `filigree prove <directory...> --out <file>`: vanilla proofs of sealed sectors, and SNARKs. */
import { type Command, Option } from "commander";
import { platform } from "#platform";
import { loadProofs } from "../../core/proofs.ts";
import { ProvingPool } from "../../proving/pool.ts";
import type { ProvingOptions } from "../../proving/ranges.ts";
import { provePoRepDirectory, provePoStDirectories } from "../../proving/seal.ts";
import { PROOF_BYTES } from "../../proving/snark/kernel.ts";
import { openParams } from "../../proving/snark/params-file.ts";
import type { ProveOptions } from "../../proving/snark/prove.ts";
import { snarkPoRep, snarkPoSt } from "../../proving/snark/sector-proofs.ts";
import { sealProof } from "../../sector/params.ts";
import type { PoStKind, PoStPartitionProof } from "../../sector/post/post-proof.ts";
import type { SnarkFile, VanillaFile } from "../../sector/proof-file.ts";
import type { PoRepPartitionProof } from "../../sector/seal/porep-proof.ts";
import { UsageError } from "../errors.ts";
import { interruptible } from "../interrupt.ts";
import { printJson } from "../json.ts";
import { parseHex32, parseMebibytes, parseWorkers } from "../options.ts";
import { checkOutput } from "../output.ts";
import { readRecord, writeProof } from "../sector-record.ts";
import { countText, progressLine, sizeText } from "../terminal.ts";

type Options = {
  readonly kind: "porep" | PoStKind;
  readonly randomness: Uint8Array;
  readonly out: string;
  readonly snark?: true;
  readonly params?: string;
  readonly scratch?: string;
  readonly memory?: number;
  readonly workers?: number;
  readonly force?: true;
  readonly json?: true;
};

export function registerProve(program: Command): void {
  program
    .command("prove")
    .description(
      "prove: replication of one sector, or spacetime of several; vanilla openings, or with --snark the short proof",
    )
    .argument("<directory...>", "the sectors' files; PoRep and WinningPoSt take one")
    .addOption(
      new Option("--kind <kind>", "what to prove")
        .choices(["porep", "winning", "window", "window-legacy"])
        .default("porep"),
    )
    .requiredOption("--randomness <hex>", "32 bytes: the interactive seed, or the PoSt's randomness", parseHex32)
    .requiredOption("--out <file>", "where the proof goes (DAG-CBOR)")
    .option("--snark", "make the proof that the chain takes: Groth16, 192 bytes a partition; needs --params")
    .option("--params <file>", "parameters of the circuit (.params), the network's or made here")
    .option(
      "--scratch <folder>",
      "with --snark: where what --memory has no room for is kept meanwhile, 4 GiB for 2^25 constraints",
    )
    .option(
      "--memory <MiB>",
      "with --snark: most memory for its vectors (default: 1024 with --scratch)",
      parseMebibytes,
    )
    .option("--workers <n>", "worker threads (default: one per core)", parseWorkers)
    .option("--force", "replace the file if it exists")
    .option("--json", "print one JSON object: out, kind, snark, partitions, bytes")
    .action(run);
}

async function run(directories: readonly string[], options: Options): Promise<void> {
  const { out, force, snark, params } = options;
  if (snark === true && params === undefined) throw new UsageError("--snark needs --params <file>");
  for (const name of ["params", "scratch", "memory"] as const)
    if (snark !== true && options[name] !== undefined) throw new UsageError(`--${name} is for --snark`);
  await checkOutput(out, { force });
  const pool = ProvingPool.open(options.workers ?? platform.cores);
  const line = progressLine();
  const onProgress = ({ phase, done, total }: { phase: string; done: number; total: number }): void =>
    line.part(phase, done, total);
  try {
    const proof = await interruptible(async (signal) => {
      const vanilla = await prove(pool, directories, options, { onProgress, signal });
      if (params === undefined) return vanilla;
      return proveSnark(pool, vanilla, directories, params, { onProgress, signal, ...roomOf(options) });
    });
    const bytes = await writeProof(out, proof, { force });
    line.clear();
    const partitions = "snark" in proof ? proof.snark.length / PROOF_BYTES : proof.partitions.length;
    const what = "snark" in proof ? "SNARK" : "proof";
    const fields = { out, kind: proof.kind, snark: snark === true, partitions, bytes };
    if (options.json === true) printJson(fields);
    else process.stdout.write(`${proof.kind} ${what}, ${countText(partitions, "partition")}, ${sizeText(bytes)}\n`);
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
): Promise<VanillaFile> {
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

/** Where a SNARK's vectors may lie. */
function roomOf({ scratch, memory }: Options): Pick<ProveOptions, "scratch" | "memoryBytes"> {
  return {
    ...(scratch === undefined ? {} : { scratch }),
    ...(memory === undefined ? {} : { memoryBytes: memory * 2 ** 20 }),
  };
}

/** The SNARK over vanilla openings that were just made. */
async function proveSnark(
  pool: ProvingPool,
  { partitions, ...statement }: VanillaFile,
  directories: readonly string[],
  file: string,
  options: ProveOptions,
): Promise<SnarkFile> {
  const proofs = await loadProofs();
  const params = await openParams({ file });
  if (statement.kind === "porep") {
    const { sealed } = await readRecord(directories[0] as string);
    const request = { proof: sealProof(statement.sealProof), sealed, partitions: partitions as PoRepPartitionProof[] };
    return { ...statement, snark: await snarkPoRep(proofs, pool, { ...request, params }, options) };
  }
  const request = { ...statement, partitions: partitions as PoStPartitionProof[], params };
  return { ...statement, snark: await snarkPoSt(proofs, pool, request, options) };
}
