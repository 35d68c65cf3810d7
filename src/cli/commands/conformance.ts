/** `filigree conformance <file|dir>...`: runs vectors of the conformance corpus and says what differs. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { type RunOutcome, runVector } from "../../conformance/run.ts";
import { traceTable } from "../../conformance/trace-table.ts";
import { Bundles } from "../../exec/bundles.ts";
import { bundleFiles } from "../bundle-files.ts";
import { complain, EXIT } from "../errors.ts";
import { printJson } from "../json.ts";

type Options = {
  readonly filter?: string;
  readonly json?: true;
  readonly trace?: true;
  readonly bundles?: string;
};

/** Files beside vectors that are not vectors. */
const VECTOR_FILE = /\.json$/;

export function registerConformance(program: Command): void {
  program
    .command("conformance")
    .description("run conformance vectors; the last line counts runs (file x variant)")
    .argument("<file|dir...>", "vector files, or directories that are searched for them")
    .option("--filter <text>", "only files whose path contains the text")
    .option(
      "--bundles <file|dir>",
      "bundles of the published actors (.car, vN.tar.zst): runs vectors from version 16 on",
    )
    .option("--json", "end with one JSON line: passed, failed, skipped, skips by reason, failures")
    .option("--trace", "show gas charges beside the recorded ones, and the first differing state path")
    .action(run);
}

/** Where vectors come from: none are part of the package. */
const CORPUS = "vectors are not part of the package: filecoin-project/test-vectors has them, in its folder corpus";

function listVectors(place: string): string[] {
  const info = statSync(place, { throwIfNoEntry: false });
  if (info === undefined) throw new Error(`there is no ${place}; ${CORPUS}`);
  if (info.isFile()) return [place];
  return readdirSync(place, { recursive: true, encoding: "utf8" })
    .filter((file) => VECTOR_FILE.test(file))
    .map((file) => path.join(place, file))
    .sort();
}

async function run(places: readonly string[], options: Options): Promise<void> {
  const files = places.flatMap(listVectors).filter((file) => file.includes(options.filter ?? ""));
  if (files.length === 0) {
    const filter = options.filter === undefined ? "" : ` whose path contains "${options.filter}"`;
    throw new Error(`nothing to run: no .json file${filter} in ${places.join(", ")}; ${CORPUS}`);
  }
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const bundles = options.bundles === undefined ? {} : { bundles: new Bundles(await bundleFiles(options.bundles)) };
  const failures: { file: string; variant: string; differences: readonly string[] }[] = [];
  /** Runs that were skipped, by reason. */
  const skipped = new Map<string, number>();
  let vectors = 0;
  let passed = 0;
  let declared = 0;
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    const { vector, outcomes } = await runVector(file, text, { tracing: options.trace === true, ...bundles });
    if (vector !== null || outcomes.some((one) => one.skipped === undefined)) vectors++;
    for (const outcome of outcomes) {
      if (outcome.skipped !== undefined) {
        skipped.set(outcome.skipped, (skipped.get(outcome.skipped) ?? 0) + 1);
        continue;
      }
      if (outcome.proofVerdict !== undefined) declared++;
      if (outcome.passed) passed++;
      else failures.push({ file, variant: outcome.variant, differences: outcome.differences });
      if (options.json !== true || options.trace === true) report(outcome, options.trace === true, say);
      if (options.trace === true && vector !== null) for (const line of await traceTable(outcome, vector)) say(line);
    }
  }
  if (declared > 0 && options.json !== true)
    say(
      `${declared} runs took the declared verdict on their proofs (src/conformance/proof-policy.ts); no keys were used`,
    );
  if (vectors === 0)
    throw new Error(`no conformance vector in ${places.join(", ")}: ${[...skipped.keys()].join("; ")}`);
  const left = [...skipped.values()].reduce((sum, count) => sum + count, 0);
  const skips = Object.fromEntries(skipped);
  if (options.json === true)
    printJson({
      ...{ passed, failed: failures.length, skipped: left },
      ...{ declaredProofVerdicts: declared, skips, failures },
    });
  else {
    for (const [file, why] of bundles.bundles?.refused ?? []) say(`not taken from ${file}: ${why}`);
    for (const [reason, count] of skipped) say(`${count} skipped: ${reason}`);
    say(`${passed} passed, ${failures.length} failed, ${left} skipped`);
  }
  if (passed + failures.length === 0)
    complain(new Error(`nothing was run: every run was skipped: ${[...skipped.keys()].join("; ")}`));
  if (failures.length > 0) process.exitCode = EXIT.untrue;
  else if (passed === 0) process.exitCode = EXIT.failure;
}

function report(outcome: RunOutcome, always: boolean, say: (line: string) => void): void {
  const verdict = outcome.proofVerdict === "reject" ? "  (declared proof verdict: reject)" : "";
  if (outcome.passed) {
    if (always || verdict !== "") say(`ok    ${outcome.file} [${outcome.variant}]${verdict}`);
    return;
  }
  say(`FAIL  ${outcome.file} [${outcome.variant}]${verdict}`);
  for (const line of outcome.differences) say(`        ${line}`);
}
