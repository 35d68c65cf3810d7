/** `filigree scenario run`: scenarios of local networks, each on a network of its own in memory. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { describeError } from "../../base/errors.ts";
import type { Devnet } from "../../node/devnet.ts";
import type { ScenarioOutcome } from "../../scenario/run.ts";
import { complain, EXIT, fileError, UsageError } from "../errors.ts";
import { interruptible } from "../interrupt.ts";
import { printJson } from "../json.ts";
import { checkOutput, writeOutput } from "../output.ts";
import { readText } from "../read-at-most.ts";
import { countText, plainText, progressLine } from "../terminal.ts";

type Options = {
  readonly seed?: string;
  readonly save?: string;
  readonly force?: true;
  readonly json?: true;
  readonly verbose?: true;
};

const JSON_FILE = /\.json$/;

export function registerScenario(program: Command): void {
  const scenario = program.command("scenario").description("scenarios of local networks: steps and what must be so");
  scenario
    .command("run")
    .description("run scenarios, each on a network of its own; ends with 2 where something is not as it should be")
    .argument("<file...>", "scenarios: .json, or modules (.mjs, .js, .ts) whose default export is one")
    .option("--seed <text>", "another network than the scenario's: the same seed gives the same one")
    .option("--save <file>", "write the network after the last step, for `devnet --load`; of one scenario")
    .option("--force", "replace that file")
    .option("--verbose", "say every step")
    .option("--json", "one JSON object a scenario instead of text")
    .action(run);
}

async function run(files: readonly string[], options: Options): Promise<void> {
  const { save, force } = options;
  if (save !== undefined && files.length > 1) throw new UsageError("--save: the network of one scenario is written");
  if (save !== undefined) await checkOutput(save, { force });
  let failed = 0;
  for (const file of files) {
    const given = await scenarioOf(file);
    const outcome = await runOne(file, given, options);
    if (outcome === null) failed++;
  }
  if (failed > 0) process.exitCode = EXIT.untrue;
}

async function runOne(
  file: string,
  given: unknown,
  { seed, save, force, json, verbose }: Options,
): Promise<ScenarioOutcome | null> {
  const { runScenario } = await import("../../scenario/run.ts");
  const { ScenarioError } = await import("../../scenario/types.ts");
  const line = progressLine();
  // The scenario's name may be anybody's.
  const write = (text: string): void => void process.stdout.write(`${plainText(text)}\n`);
  try {
    const outcome = await interruptible(() =>
      runScenario(given, {
        // JSON may come from anybody; a module is a program of its own.
        files: !JSON_FILE.test(file),
        ...(seed === undefined ? {} : { seed }),
        ...(save === undefined ? {} : { onEnd: (net) => saved(net, save, force) }),
        onStep({ step, verb, epoch }) {
          if (verbose === true && json !== true) write(`  ${step} ${verb}: epoch ${epoch}`);
          else line.show(`${file}: step ${step}, epoch ${epoch}`);
        },
      }),
    );
    line.clear();
    if (json === true) printJson({ file, ok: true, ...outcome });
    else write(`ok    ${outcome.name}: ${countText(outcome.steps, "step")}, head at epoch ${outcome.epoch}`);
    return outcome;
  } catch (error) {
    line.clear();
    if (!(error instanceof ScenarioError)) throw error;
    if (error.code === "BAD_SCENARIO") throw new UsageError(`${file}: ${error.message}`);
    if (json === true) printJson({ file, ok: false, ...error.data, error: describeError(error) });
    else complain(new Error(`${file}: ${describeError(error)}`));
    return null;
  }
}

async function saved(net: Devnet, file: string, force: true | undefined): Promise<void> {
  await writeOutput(file, { force }, async (handle) => {
    // The scenario had time in its hands; whoever goes on with the file expects messages to be executed.
    for await (const part of net.dump({ automine: true })) await handle.write(part);
  });
}

async function scenarioOf(file: string): Promise<unknown> {
  if (JSON_FILE.test(file)) {
    const text = await readText(file).catch((cause: NodeJS.ErrnoException) => {
      throw fileError(`cannot read ${file}`, cause);
    });
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new UsageError(`${file} is no JSON: ${(cause as Error).message}`);
    }
  }
  if (!/\.[cm]?[jt]s$/.test(file)) throw new UsageError(`${file}: a .json, .mjs, .js or .ts file is needed`);
  try {
    const module = (await import(pathToFileURL(path.resolve(file)).href)) as { readonly default?: unknown };
    return module.default;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ERR_UNKNOWN_FILE_EXTENSION")
      throw new UsageError(`${file}: this release of Node loads no TypeScript (22.18 and newer do); give JSON or .mjs`);
    if (code === "ERR_MODULE_NOT_FOUND") throw new UsageError(describeError(cause));
    throw cause;
  }
}
