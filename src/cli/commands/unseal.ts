/** `filigree unseal <directory>`: the data of a sealed sector, or a byte range of it. */
import { once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { equal } from "../../base/bytes.ts";
import { loadProofs } from "../../core/proofs.ts";
import { ProvingPool } from "../../proving/pool.ts";
import { sectorParams } from "../../sector/params.ts";
import { unpaddedBytesOf } from "../../sector/piece/cid.ts";
import { PieceHasher } from "../../sector/piece/pieces.ts";
import { parseCount } from "../options.ts";
import { readRecord } from "../sector-record.ts";
import { progressLine } from "../terminal.ts";

type Options = { readonly out: string; readonly from: number; readonly length?: number; readonly parents?: string };

/** Raw bytes asked of the worker at a time. */
const PART_BYTES = 127 * 65536;

export function registerUnseal(program: Command): void {
  program
    .command("unseal")
    .description("recover the data of a sealed sector, checked against its commitment, or a range of it, unchecked")
    .argument("<directory>", "the sector's files")
    .requiredOption("--out <file>", "where the data goes, - for standard output")
    .option("--from <byte>", "first byte of the data (before padding)", parseCount, 0)
    .option("--length <bytes>", "how many; default to the end of the sector", parseCount)
    .option("--parents <directory>", "tables of parents that seal has kept, for sectors without their layers")
    .action(run);
}

async function run(directory: string, { out, from, length }: Options): Promise<void> {
  const { identity, sealed } = await readRecord(directory);
  const end = unpaddedBytesOf(sectorParams(identity.proof.sectorBytes).sectorBytes);
  const total = length ?? end - from;
  if (total < 0 || from + total > end) throw new Error(`the sector's data has ${end} bytes, from 0 to ${end - 1}`);
  if (out !== "-" && path.dirname(path.resolve(out)) === path.resolve(directory))
    throw new Error(`${out} lies among the sector's own files; give another place`);
  const hasher = total === end ? new PieceHasher(await loadProofs()) : null;
  const pool = ProvingPool.open(1);
  const line = progressLine();
  let file: FileHandle | null = null;
  try {
    for (let done = 0; done < total; done += PART_BYTES) {
      const bytes = await pool.run(
        {
          kind: "unseal-range",
          directory,
          identity,
          commD: sealed.commD,
          from: from + done,
          length: Math.min(PART_BYTES, total - done),
        },
        { onProgress: ({ phase, done: at, total: all }) => line.show(`${phase} ${Math.floor((100 * at) / all)} %`) },
      );
      hasher?.update(bytes);
      // Opened only now: a sector that cannot be read leaves an older file as it is.
      if (out !== "-") file ??= await open(out, "w");
      await write(file, bytes);
      line.show(`${Math.floor((100 * done) / total)} %`);
    }
  } finally {
    line.clear();
    await file?.close();
    await pool.close();
  }
  if (hasher !== null && !equal(hasher.digest().commP, sealed.commD))
    throw new Error(`${directory} is damaged: the data recovered from its replica does not have the sector's CommD`);
}

/** Writes all bytes to the file, or to standard output, as fast as its reader takes them. */
async function write(file: FileHandle | null, bytes: Uint8Array): Promise<void> {
  if (file !== null) await file.writeFile(bytes);
  else if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
}
