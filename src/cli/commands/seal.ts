/** `filigree seal <file...> --out <directory>`: seals files as the pieces of one sector. */
import { readdir } from "node:fs/promises";
import { type Command, Option } from "commander";
import { platform } from "#platform";
import { loadProofs, type Proofs } from "../../core/proofs.ts";
import { directoryStore } from "../../proving/directory-store.ts";
import { estimateSeal } from "../../proving/estimate.ts";
import { ProvingPool } from "../../proving/pool.ts";
import { sealDirectory } from "../../proving/seal.ts";
import { proverId, type SectorParams, sealProof, sectorParams } from "../../sector/params.ts";
import { paddedBytesOf, pieceCidV1, sealedCid } from "../../sector/piece/cid.ts";
import { type PiecePayload, type StagedPiece, stagePieces } from "../../sector/piece/stage.ts";
import { MAX_SEALED_BYTES, type SealedSector } from "../../sector/seal/seal.ts";
import { UNSEALED_FILE } from "../../sector/store.ts";
import { UsageError } from "../errors.ts";
import { contents, inputSize, makeDirectory } from "../input.ts";
import { commandLine, interruptible } from "../interrupt.ts";
import { printJson } from "../json.ts";
import { parseActorId, parseCount, parseHex32, parseWorkers } from "../options.ts";
import { RECORD_FILE, writeRecord } from "../sector-record.ts";
import { countText, progressLine, sizeText } from "../terminal.ts";

type Options = {
  readonly out: string;
  readonly size: keyof typeof SIZES;
  readonly proof: keyof typeof GROUPS;
  readonly miner: bigint;
  readonly sector: number;
  readonly ticket: Uint8Array;
  readonly resume?: true;
  readonly parents?: string;
  readonly workers?: number;
  readonly json?: true;
};

/** Place of a size, and of a kind of proof, in the numbers of registered seal proofs. */
const SIZES = { "2KiB": 0, "8MiB": 1, "512MiB": 2, "32GiB": 3, "64GiB": 4 } as const;
const GROUPS = { V1: 0, V1_1: 5, synthetic: 10, "non-interactive": 15 } as const;

export function registerSeal(program: Command): void {
  program
    .command("seal")
    .description("seal files as the pieces of one sector")
    .argument("<file...>", "payloads of the pieces, in order")
    .requiredOption("--out <directory>", "where the sector's files go; must be empty or new")
    .addOption(
      new Option("--size <size>", "sector size; the pieces must fit it").choices(Object.keys(SIZES)).default("2KiB"),
    )
    .addOption(new Option("--proof <kind>", "registered seal proof").choices(Object.keys(GROUPS)).default("V1_1"))
    .requiredOption("--miner <id>", "actor id or ID address of the miner", parseActorId)
    .requiredOption("--sector <number>", "sector number", parseCount)
    .requiredOption("--ticket <hex>", "32 bytes of chain randomness", parseHex32)
    .option("--resume", "go on with an interrupted sealing in --out, with the same files and options")
    .option(
      "--parents <directory>",
      "keep tables of parents there for the next sector (0.9 GiB for 512MiB, none above)",
    )
    .option("--workers <n>", "worker threads (default: one per core)", parseWorkers)
    .option("--json", "print one JSON object: unsealedCid, sealedCid, pieces, seconds")
    .action(run);
}

async function run(files: readonly string[], options: Options): Promise<void> {
  const { out, miner, sector, ticket, parents } = options;
  const proof = sealProof(GROUPS[options.proof] + SIZES[options.size]);
  const params = sectorParams(proof.sectorBytes);
  const payloads: PiecePayload[] = [];
  for (const file of files) {
    const payloadSize = await inputSize(file);
    payloads.push({ payloadSize, bytes: contents(file, payloadSize) });
  }
  requireFit(
    payloads.map(({ payloadSize }) => payloadSize),
    params.sectorBytes,
  );
  await prepare(out, options.resume === true);
  const proofs = await loadProofs();
  const identity = { proof, proverId: proverId(miner), sectorNumber: sector, ticket };
  const workers = Math.min(options.workers ?? platform.cores, params.nodes < 1 << 15 ? 1 : 256);
  if (params.sectorBytes > MAX_SEALED_BYTES) process.stderr.write(estimateText(proofs, params, workers));
  const pool = ProvingPool.open(workers);
  const line = progressLine();
  const started = Date.now();
  try {
    line.show("staging");
    const { pieces, sealed } = await interruptible(async (signal) => {
      const staged = await stagePieces(proofs, directoryStore(out), params, payloads);
      const kept = parents === undefined ? {} : { parents };
      const done = await sealDirectory(proofs, pool, out, identity, {
        ...kept,
        signal,
        onProgress: ({ phase, done, total }) => line.part(phase, done, total),
      });
      return { pieces: staged, sealed: done };
    }, commandLine("--resume"));
    await writeRecord(out, { actorId: miner, identity, sealed }, pieces);
    line.clear();
    print(options, params, sealed, pieces, (Date.now() - started) / 1000);
  } finally {
    line.clear();
    await pool.close();
  }
}

function print(
  { out, json }: Options,
  { sectorBytes }: SectorParams,
  { commD, commR }: SealedSector,
  pieces: readonly StagedPiece[],
  seconds: number,
): void {
  const unsealedCid = pieceCidV1(commD).toString();
  const sealed = sealedCid(commR).toString();
  if (json === true) {
    const listed = pieces.map(({ commP, payloadSize }) => ({ pieceCid: pieceCidV1(commP).toString(), payloadSize }));
    printJson({ out, sectorBytes, unsealedCid, sealedCid: sealed, pieces: listed, seconds });
    return;
  }
  process.stdout.write(`unsealed CID  ${unsealedCid}\nsealed CID    ${sealed}\n`);
  process.stdout.write(`${sizeText(sectorBytes)} with ${countText(pieces.length, "piece")}, ${seconds.toFixed(1)} s\n`);
}

/** Throws, with the size that helps, if the pieces are too large together: each begins at a multiple of its own padded size. */
function requireFit(payloadSizes: readonly number[], sectorBytes: number): void {
  let end = 0;
  for (const size of payloadSizes) {
    const padded = paddedBytesOf(size);
    end = Math.ceil(end / padded) * padded + padded;
  }
  if (end <= sectorBytes) return;
  const larger = Object.entries(SIZES).find(([, place]) => sealProof(place).sectorBytes >= end)?.[0];
  const step = larger === undefined ? "no sector is large enough; seal them in several" : `--size ${larger} holds them`;
  throw new UsageError(`the pieces take ${sizeText(end)}, padded, and do not fit ${sizeText(sectorBytes)}: ${step}`);
}

/** A directory to seal in: new or empty; one to go on in must hold no sealed sector. Its data is staged anew. */
async function prepare(out: string, resume: boolean): Promise<void> {
  await makeDirectory(out);
  const found = await readdir(out);
  if (!resume && found.length > 0)
    throw new Error(`${out} is not empty; a sector needs a directory of its own, an interrupted sealing --resume`);
  if (found.includes(RECORD_FILE)) throw new Error(`${out} holds a sealed sector`);
  await directoryStore(out).remove(UNSEALED_FILE);
}

/** What a large sector will take, before hours go into it. */
function estimateText(proofs: Proofs, params: SectorParams, workers: number): string {
  const { labelSeconds, treeSeconds, peakBytes, keptBytes } = estimateSeal(proofs, params, workers);
  const hours = (seconds: number): string => (seconds / 3600).toFixed(1);
  return (
    `By this machine's rates now, ${sizeText(params.sectorBytes)} take about ${hours(labelSeconds)} hours for labels ` +
    `and ${hours(treeSeconds)} hours for trees, and the time of the disk; ` +
    `up to ${sizeText(peakBytes)} of files, of which ${sizeText(keptBytes)} stay.\n`
  );
}
