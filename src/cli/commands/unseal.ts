/** `filigree unseal <directory>`: the data of a sealed sector, or a byte range of it. */
import { open } from "node:fs/promises";
import type { Command } from "commander";
import { sectorParams } from "../../core/sector-params.ts";
import { ProvingPool } from "../../proving/pool.ts";
import { parseCount } from "../options.ts";
import { readRecord } from "../sector-record.ts";
import { progressLine } from "../terminal.ts";

type Options = { readonly out: string; readonly from: number; readonly length?: number; readonly parents?: string };

/** Raw bytes asked of the worker at a time. */
const PART_BYTES = 127 * 65536;

export function registerUnseal(program: Command): void {
  program
    .command("unseal")
    .description("recover the data of a sealed sector, or a range of it")
    .argument("<directory>", "the sector's files")
    .requiredOption("--out <file>", "where the data goes, - for standard output")
    .option("--from <byte>", "first byte of the data (before padding)", parseCount, 0)
    .option("--length <bytes>", "how many; default to the end of the sector", parseCount)
    .option("--parents <directory>", "tables of parents that seal has kept, for sectors without their layers")
    .action(run);
}

async function run(directory: string, { out, from, length, parents }: Options): Promise<void> {
  const { identity, sealed } = await readRecord(directory);
  const end = (sectorParams(identity.proof.sectorBytes).sectorBytes / 128) * 127;
  const total = length ?? Math.max(0, end - from);
  const pool = ProvingPool.open(1);
  const line = progressLine();
  const file = out === "-" ? null : await open(out, "w");
  try {
    for (let done = 0; done < total; done += PART_BYTES) {
      const bytes = await pool.run(
        {
          kind: "unseal-range",
          directory,
          identity,
          commD: sealed.commD,
          ...(parents === undefined ? {} : { parents }),
          from: from + done,
          length: Math.min(PART_BYTES, total - done),
        },
        { onProgress: ({ phase, done: at, total: all }) => line.show(`${phase} ${Math.floor((100 * at) / all)} %`) },
      );
      if (file === null) process.stdout.write(bytes);
      else await file.write(bytes);
      line.show(`${Math.floor((100 * done) / total)} %`);
    }
  } finally {
    line.clear();
    await file?.close();
    await pool.close();
  }
}
