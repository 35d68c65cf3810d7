/** `filigree commp <file|->`: the piece commitment of a file or of standard input. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { platform } from "#platform";
import { loadProofs } from "../../core/proofs.ts";
import { commitPayload, commitStream, SLICE_BYTES } from "../../proving/commit.ts";
import { ProvingPool } from "../../proving/pool.ts";
import { MIN_V2_PAYLOAD_BYTES, type PieceCommitment, pieceCidV1, pieceCidV2 } from "../../sector/piece/cid.ts";
import { unchanged } from "../input.ts";
import { interruptible } from "../interrupt.ts";
import { printJson } from "../json.ts";
import { parseWorkers } from "../options.ts";
import { progressLine, sizeText } from "../terminal.ts";

type Options = { readonly json?: true; readonly workers?: number };

export function registerCommp(program: Command): void {
  program
    .command("commp")
    .description("compute the piece commitment (CommP) of a file, or of standard input")
    .argument("<file>", "path, or - for standard input")
    .option("--json", "print one JSON object: pieceCid, pieceCidV2, payloadSize, paddedSize")
    .option("--workers <n>", "worker threads (default: one per core)", parseWorkers)
    .action(run);
}

async function run(file: string, options: Options): Promise<void> {
  const piece = await commit(file, options);
  const fields = {
    pieceCid: pieceCidV1(piece.commP).toString(),
    // Below that a smaller tree would hold the payload, and there is no CID of version 2.
    pieceCidV2: piece.payloadSize < MIN_V2_PAYLOAD_BYTES ? null : pieceCidV2(piece).toString(),
    payloadSize: piece.payloadSize,
    paddedSize: piece.paddedSize,
  };
  if (options.json === true) {
    printJson(fields);
    return;
  }
  process.stdout.write(`piece CID     ${fields.pieceCid}\n`);
  process.stdout.write(`piece CID v2  ${fields.pieceCidV2 ?? `none below ${MIN_V2_PAYLOAD_BYTES} bytes`}\n`);
  process.stdout.write(`payload size  ${piece.payloadSize} (${sizeText(piece.payloadSize)})\n`);
  process.stdout.write(`padded size   ${piece.paddedSize} (${sizeText(piece.paddedSize)})\n`);
}

async function commit(file: string, options: Options): Promise<PieceCommitment> {
  const info = file === "-" ? null : await stat(file);
  if (info?.isDirectory() === true) throw new Error(`${file} is a directory; give a file, or pack it into a CAR first`);
  // Files of no size may still have bytes to read, as those of /proc do.
  const size = info?.isFile() === true && info.size > 0 ? info.size : null;
  const slices = size === null ? Number.POSITIVE_INFINITY : Math.ceil(size / SLICE_BYTES);
  const module = await loadProofs();
  const pool = ProvingPool.open(Math.min(options.workers ?? platform.cores, slices));
  const line = progressLine();
  const onProgress = ({ done, total }: { done: number; total: number }): void =>
    size === null ? line.show(sizeText(done)) : line.part(`${sizeText(done)} of ${sizeText(total)},`, done, total);
  const commitAll = (signal: AbortSignal): Promise<PieceCommitment> => {
    const limits = { onProgress, signal };
    if (size !== null) return unchanged(file, () => commitPayload(module, pool, { file, size }, limits));
    const stream = file === "-" ? process.stdin : createReadStream(file);
    return commitStream(module, pool, stream as AsyncIterable<Uint8Array>, limits);
  };
  try {
    const piece = await interruptible(commitAll);
    if (size !== null) return piece;
    const name = file === "-" ? "the input" : file;
    if (piece.payloadSize === 0) throw new Error(`${name} is empty; a piece holds at least one byte`);
    return piece;
  } finally {
    line.clear();
    await pool.close();
  }
}
