/** `filigree unseal <directory>`: the data of a sealed sector, one of its pieces, or a byte range of it. */
import { once } from "node:events";
import path from "node:path";
import type { Command } from "commander";
import { equal } from "../../base/bytes.ts";
import { loadProofs } from "../../core/proofs.ts";
import { ProvingPool } from "../../proving/pool.ts";
import { sectorParams } from "../../sector/params.ts";
import { pieceCidV1, unpaddedBytesOf } from "../../sector/piece/cid.ts";
import { PieceHasher } from "../../sector/piece/pieces.ts";
import { UsageError } from "../errors.ts";
import { interruptible } from "../interrupt.ts";
import { printJson } from "../json.ts";
import { parseCount } from "../options.ts";
import { checkOutput, writeOutput } from "../output.ts";
import { readRecord, type SectorRecord } from "../sector-record.ts";
import { countText, progressLine } from "../terminal.ts";

type Options = {
  readonly out: string;
  readonly piece?: number;
  readonly from?: number;
  readonly length?: number;
  readonly parents?: string;
  readonly force?: true;
  readonly json?: true;
};

/** Raw bytes of the sector's data, and what they are checked against: the sector's CommD, a piece's CommP, or nothing. */
type Range = { readonly from: number; readonly length: number; readonly commitment: Uint8Array | null };
type Sink = (bytes: Uint8Array) => Promise<unknown>;

/** Raw bytes asked of the worker at a time. */
const PART_BYTES = 127 * 65536;

export function registerUnseal(program: Command): void {
  program
    .command("unseal")
    .description(
      "recover the data of a sealed sector or one piece, checked against its commitment, or an unchecked range",
    )
    .argument("<directory>", "the sector's files")
    .requiredOption("--out <file>", "where the data goes, - for standard output")
    .option("--piece <n>", "only the payload of one piece, counted from 0 in the order of `filigree seal`", parseCount)
    .option("--from <byte>", "first byte of the data (before padding; default: 0)", parseCount)
    .option("--length <bytes>", "how many; default to the end of the sector", parseCount)
    .option("--parents <directory>", "tables of parents that seal has kept, for sectors without their layers")
    .option("--force", "replace the file if it exists")
    .option("--json", "one JSON object about what was written, on standard error if the data goes to standard output")
    .action(run);
}

async function run(directory: string, options: Options): Promise<void> {
  const { out, force } = options;
  const record = await readRecord(directory);
  const range = rangeOf(record, directory, options);
  if (out !== "-" && path.dirname(path.resolve(out)) === path.resolve(directory))
    throw new Error(`${out} lies among the sector's own files; give another place`);
  if (out !== "-") await checkOutput(out, { force });
  await interruptible(async (signal) => {
    const work = (sink: Sink) => recover(directory, record, range, options, sink, signal);
    if (out === "-") await work(toStandardOutput);
    else await writeOutput(out, { force }, (file) => work((bytes) => file.writeFile(bytes)));
  });
  const fields = { out, from: range.from, length: range.length, checked: range.commitment !== null };
  if (options.json !== true) {
    const checked = fields.checked
      ? "its commitment is right"
      : "not checked: only a piece or the whole has a commitment";
    // Among the data itself there is no place for words.
    if (out !== "-") process.stdout.write(`${out}: ${countText(range.length, "byte")}; ${checked}\n`);
    return;
  }
  printJson(fields, out === "-" ? process.stderr : process.stdout);
}

function rangeOf({ identity, sealed, pieces }: SectorRecord, directory: string, options: Options): Range {
  const end = unpaddedBytesOf(sectorParams(identity.proof.sectorBytes).sectorBytes);
  if (options.piece !== undefined) {
    if (options.from !== undefined || options.length !== undefined)
      throw new UsageError("--piece is a range of its own; leave out --from and --length");
    const piece = pieces[options.piece];
    if (piece === undefined)
      throw new Error(
        `${directory} has ${countText(pieces.length, "piece")}, counted from 0: there is no piece ${options.piece}`,
      );
    return { from: unpaddedBytesOf(piece.offset), length: piece.payloadSize, commitment: piece.commP };
  }
  const from = options.from ?? 0;
  const length = options.length ?? end - from;
  if (length < 0 || from + length > end) throw new Error(`the sector's data has ${end} bytes, from 0 to ${end - 1}`);
  return { from, length, commitment: length === end ? sealed.commD : null };
}

/** Gives all bytes of a range to `sink`, then compares them with the commitment. */
async function recover(
  directory: string,
  { identity, sealed }: SectorRecord,
  { from, length, commitment }: Range,
  { parents }: Options,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  const hasher = commitment === null ? null : new PieceHasher(await loadProofs());
  const pool = ProvingPool.open(1);
  const line = progressLine();
  const kept = parents === undefined ? {} : { parents };
  const place = { kind: "unseal-range", directory, identity, commD: sealed.commD, ...kept } as const;
  try {
    for (let done = 0; done < length; ) {
      const part = { from: from + done, length: Math.min(PART_BYTES, length - done) };
      const onProgress = (step: { phase: string; done: number; total: number }): void =>
        line.part(step.phase, step.done, step.total);
      const bytes = await pool.run({ ...place, ...part }, { onProgress, signal });
      hasher?.update(bytes);
      await sink(bytes);
      done += bytes.length;
      line.part("unsealed", done, length);
    }
  } finally {
    line.clear();
    await pool.close();
  }
  if (hasher === null || commitment === null || equal(hasher.digest().commP, commitment)) return;
  throw new Error(
    `${directory} is damaged: the data recovered from its replica does not have the commitment ${pieceCidV1(commitment)}`,
  );
}

/** Writes to standard output as fast as its reader takes it. */
async function toStandardOutput(bytes: Uint8Array): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
}
