/** `--proofs groth16`: where the keys of real proofs are, and how their making is shown. */
import { type Command, Option } from "commander";
import type { LocalProving, LocalProvingOptions } from "../node/local-proving.ts";
import { type DescribedProofs, PROOF_MODES, type ProofMode, sealsOf } from "../node/proof-mode.ts";
import { interruptible } from "./interrupt.ts";
import { progressLine } from "./terminal.ts";

/** Where parameters are kept, when nobody says where. */
export const PARAMS_FOLDER = process.env["FILIGREE_PARAMS"] ?? ".filigree/params";

/** Fewest seconds of an epoch in which a winning PoSt is sure to be made on two cores. */
const QUIET_SECONDS = 15;

export function proofOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--proofs <mode>",
        "proofs of spacetime: attested (a signature in place of the SNARK) or groth16 (real ones; takes one miner or more, and epochs of 15 s)",
      )
        .choices(PROOF_MODES)
        .default("attested"),
    )
    .addOption(
      new Option(
        "--seals <mode>",
        "with --proofs groth16, proofs of new sectors' seals: attested, or groth16 (a minute and more of two cores each; their key, of 1.1 GB, is made on first use) (default: groth16 where that key was made)",
      ).choices(PROOF_MODES),
    )
    .option("--params <folder>", "where the keys of real proofs are kept; made there on first use", PARAMS_FOLDER);
}

/** What is said when the making of keys is ended. */
export const KEYS_GO_ON = "the same command goes on with making the keys";

/**
 * Options of `LocalProving.open` that show the making of keys: as it goes on a terminal, else a line for each key. They stand alone: an
 * option that it does not know is refused.
 */
export function shownKeys(
  folder: string,
  signal?: AbortSignal,
): { readonly params: Omit<LocalProvingOptions, "setup" | "seals">; readonly clear: () => void } {
  const line = progressLine();
  const told = new Set<string>();
  const onProgress: LocalProvingOptions["onProgress"] = (circuit, { phase, done, total }) => {
    line.part(`key of ${circuit}: ${phase}`, done, total);
    // Keys that are there are looked at, too.
    if (process.stderr.isTTY || told.has(circuit) || phase === "check") return;
    told.add(circuit);
    process.stderr.write(`note: the key of ${circuit} is made, once, in ${folder}\n`);
  };
  return { params: { folder, onProgress, ...(signal === undefined ? {} : { signal }) }, clear: () => line.clear() };
}

/** Opens the keys, or makes them, before a network begins. Ctrl-C ends the making; it goes on at the next start. */
export async function openKeys(folder: string, blockTime: number, seals: ProofMode | undefined): Promise<LocalProving> {
  // Loaded here: most commands that name its options make no proofs.
  const { LocalProving } = await import("../node/local-proving.ts");
  const { clear, params } = shownKeys(folder);
  try {
    const proving = await interruptible(
      (signal) => LocalProving.open({ ...params, ...(seals === undefined ? {} : { seals }), signal }),
      KEYS_GO_ON,
    );
    if (blockTime > 0 && blockTime < QUIET_SECONDS)
      process.stderr.write(
        `note: a winning PoSt takes seconds of two cores; epochs of ${blockTime} s may be null rounds (--block-time ${QUIET_SECONDS})\n`,
      );
    return proving;
  } finally {
    clear();
  }
}

/** What proofs are, for banners. */
export function proofsText(proofs: DescribedProofs): string {
  if (proofs.mode === "attested") return "proofs are attested (a signature in place of the SNARK)";
  return sealsOf(proofs) === "groth16"
    ? "PoSts and proofs of new sectors' seals are Groth16 proofs under keys of a setup that anybody knows"
    : "winning and window PoSts are Groth16 proofs under keys of a setup that anybody knows; seals are attested";
}
