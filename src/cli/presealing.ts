/** Where the large sectors of local networks' geneses are kept, and how their sealing is shown. */
import path from "node:path";
import type { Presealing } from "../node/presealed.ts";
import { stoppedBy } from "./interrupt.ts";
import { progressLine } from "./terminal.ts";

/** Where they are kept, when nobody says where. */
export const SEALED_FOLDER = process.env["FILIGREE_SEALED"] ?? ".filigree/sealed";

/** Runs `work` with a folder in which sectors are sealed; the sealing is shown on a terminal, and ended by a signal. */
export async function withSealing<Result>(
  folder: string,
  work: (presealing: Presealing) => Promise<Result>,
): Promise<Result> {
  const line = progressLine();
  let told = "";
  try {
    return await work({
      folder: path.resolve(folder),
      signal: stoppedBy("the same command goes on with the sealing"),
      onProgress: ({ miner, number }, { phase, done, total }) => {
        if (process.stderr.isTTY !== true && told !== (told = `${miner}/${number}`))
          process.stderr.write(`sealing sector ${number} of t0${miner}, kept in ${folder}\n`);
        line.part(`sector ${number} of t0${miner}: ${phase}`, done, total);
        if (done >= total) line.clear();
      },
    });
  } finally {
    line.clear();
  }
}
