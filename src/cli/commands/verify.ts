/** `filigree verify <proof file>`: checks a proof, vanilla or SNARK, against the statement it carries. */
import type { Command } from "commander";
import { platform } from "#platform";
import { loadProofs } from "../../core/proofs.ts";
import { describeProof, judgeProof, KEY_HEAD_BYTES, keyBytes } from "../../sector/proof-file.ts";
import { EXIT, UsageError } from "../errors.ts";
import { printJson } from "../json.ts";
import { readProof } from "../sector-record.ts";

export function registerVerify(program: Command): void {
  program
    .command("verify")
    .description("check a proof, vanilla openings or a SNARK; exit code 2 if it does not hold")
    .argument("<file>", "a proof made by `filigree prove`")
    .option("--key <file>", "for a SNARK: the circuit's verifying key (.vk), or its parameters (.params)")
    .option("--params <file>", "the same, as `filigree prove` has it")
    .option("--json", "print one JSON object: kind, holds, reason")
    .action(run);
}

type Options = { readonly key?: string; readonly params?: string; readonly json?: true };

async function run(file: string, options: Options): Promise<void> {
  if (options.key !== undefined && options.params !== undefined)
    throw new UsageError("--key and --params name the same file: give one of them");
  const keyFile = options.key ?? options.params;
  const proof = await readProof(file);
  if ("snark" in proof && keyFile === undefined)
    throw new UsageError("a SNARK needs the verifying key of its circuit: --key <file>");
  const key = keyFile === undefined ? null : await readKey(keyFile);
  const { holds, reason } = await judgeProof(await loadProofs(), proof, key, platform.randomBytes(32));
  if (options.json === true) {
    printJson({ kind: proof.kind, holds, reason });
  } else {
    for (const line of describeProof(proof)) process.stdout.write(`${line}\n`);
    process.stdout.write(`${reason}\n`);
  }
  if (!holds) process.exitCode = EXIT.untrue;
}

/** The verifying key that a file holds or, as parameters do, begins with. */
async function readKey(file: string): Promise<Uint8Array> {
  const size = await platform.fileSize(file);
  if (size === null) throw new Error(`no file ${file}; --key names the circuit's verifying key, or its parameters`);
  const length = keyBytes(await platform.readRange(file, 0, Math.min(size, KEY_HEAD_BYTES)), size);
  if (length === null) throw new UsageError(`${file} holds no verifying key`);
  return platform.readRange(file, 0, length);
}
