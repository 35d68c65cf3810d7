/** `filigree params`: keys of SNARK circuits made on this machine, listed, checked, found. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { platform } from "#platform";
import { loadProofs, type Proofs } from "../../core/proofs.ts";
import { LOCAL_SETUP } from "../../node/local-proving.ts";
import { ProvingPool } from "../../proving/pool.ts";
import { popcount } from "../../proving/snark/circuit.ts";
import { officialShape } from "../../proving/snark/circuits.ts";
import { SnarkError } from "../../proving/snark/kernel.ts";
import { openParams } from "../../proving/snark/params-file.ts";
import {
  contentDigest,
  estimateParams,
  LOCAL_WARNING,
  localParamsName,
  makeStoredParams,
  openStoredParams,
  type ParamsRecord,
  paramsPaths,
  readParamsRecord,
} from "../../proving/snark/params-store.ts";
import { sectorSizeText } from "../../sector/params.ts";
import { judged, UntrueError } from "../errors.ts";
import { commandLine, interruptible, shellWord } from "../interrupt.ts";
import { parseWorkers } from "../options.ts";
import { PARAMS_FOLDER } from "../real-proofs.ts";
import { say } from "../remote.ts";
import { progressLine, sizeText } from "../terminal.ts";

type Place = { readonly dir: string };
type MakeOptions = Place & { readonly seed: string; readonly workers?: number; readonly json?: true };
type ListOptions = Place & { readonly json?: true };
type VerifyOptions = Place & { readonly seed: string; readonly digest?: string; readonly json?: true };
type PathOptions = Place & { readonly seed: string; readonly vk?: true; readonly json?: true };

const UNITS: Readonly<Record<string, number>> = { kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };

/** "winning-2KiB" or "winning-2048", as circuits are named: "winning-2048"; null for another text. */
function circuitOf(text: string): string | null {
  const match = /^(winning|window|porep|update)-(\d+)(KiB|MiB|GiB)?$/i.exec(text);
  const bytes = Number(match?.[2]) * (UNITS[(match?.[3] ?? "").toLowerCase()] ?? 1);
  return match !== null && Number.isSafeInteger(bytes) ? `${match[1]?.toLowerCase()}-${bytes}` : null;
}

/** "winning-2048" as people write it: "winning-2KiB". */
function circuitText(circuit: string): string {
  const [kind, bytes] = circuit.split("-");
  return `${kind}-${sectorSizeText(Number(bytes))}`;
}

function parseCircuit(text: string): string {
  const circuit = circuitOf(text);
  if (circuit !== null) return circuit;
  throw new InvalidArgumentError("Give winning, window, porep or update and the sector's size, such as winning-2KiB.");
}

export function registerParams(program: Command): void {
  const params = program
    .command("params")
    .description("keys of SNARK circuits: made here for local networks, or official");
  const place = (command: Command): Command =>
    command.option(
      "--dir <folder>",
      "where they are kept; the variable FILIGREE_PARAMS names another place",
      PARAMS_FOLDER,
    );
  const seeded = (command: Command): Command =>
    place(command).option("--seed <text>", "seed of the setup; who knows it can forge proofs", LOCAL_SETUP);
  seeded(params.command("make"))
    .description(`make the key of a circuit (${LOCAL_WARNING})`)
    .argument("<circuit>", "winning, window, porep or update and the sector's size: winning-2KiB", parseCircuit)
    .option("--workers <n>", "worker threads (default: one per core)", parseWorkers)
    .option("--json", "print one JSON object: the record of what was made")
    .action(make);
  place(params.command("list"))
    .description("list what is kept, and what was begun")
    .option("--json", "print one JSON object for each")
    .action(list);
  seeded(params.command("verify"))
    .description("compare a file with its record, or with a digest of the network's list")
    .argument("<name>", "a circuit as for make, a name that `list` shows, or a .params file with --digest")
    .option("--digest <hex>", "first 16 bytes of the file's BLAKE2b-512")
    .option("--json", "print one JSON object")
    .action(verify);
  seeded(params.command("path"))
    .description("print the path of a circuit's key")
    .argument("<circuit>", "as for make", parseCircuit)
    .option("--vk", "that of the verifying key")
    .option("--json", "print one JSON object")
    .action(showPath);
}

/** Minutes and seconds for people. */
function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} minutes` : `${(seconds / 3600).toFixed(1)} hours`;
}

async function make(name: string, { dir, seed, workers = platform.cores, json }: MakeOptions): Promise<void> {
  const proofs = await loadProofs();
  const there = await readParamsRecord(dir, localParamsName(name, seed));
  const shape = officialShape(proofs, name);
  if (there === null && json !== true) {
    const b = popcount(shape.bAux) + popcount(shape.bInputs);
    const { seconds, bytes } = estimateParams(proofs, shape, { a: shape.inputs + popcount(shape.aAux), b }, workers);
    process.stdout.write(
      `${shape.rows} constraints; about ${timeText(seconds)} at this machine's present speed, and ${sizeText(bytes)} in ${dir}\n`,
    );
    process.stdout.write(`note: ${LOCAL_WARNING}\n`);
  }
  const pool = ProvingPool.open(workers);
  const line = progressLine();
  const { inputs, aux, rows } = shape;
  const circuit = { name, source: { kind: "official", name }, counts: { inputs, aux, rows } } as const;
  try {
    const record = await interruptible(
      (signal) =>
        makeStoredParams(proofs, pool, dir, circuit, seed, {
          signal,
          onProgress: ({ phase, done, total }) => line.part(phase, done, total),
        }),
      commandLine(),
    );
    line.clear();
    say(json, record, [`${record.name}  ${sizeText(record.size)}  ${record.digest}`]);
  } finally {
    line.clear();
    await pool.close();
  }
}

async function list({ dir, json }: ListOptions): Promise<void> {
  const files = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const names = files.filter((file) => file.endsWith(".params")).map((file) => file.slice(0, -".params".length));
  const parameters: object[] = [];
  const lines: string[] = [];
  for (const name of names.sort()) {
    // One that cannot be read hides none of the others.
    const record = await readParamsRecord(dir, name).catch((error: unknown) => {
      if (error instanceof SnarkError) return error;
      throw error;
    });
    if (record instanceof SnarkError) {
      parameters.push({ name, whole: false, error: record.message });
      lines.push(`${name}  ${record.message}`);
      continue;
    }
    parameters.push(record ?? { name, whole: false });
    lines.push(`${name}  ${record === null ? await unfinished(dir, name) : describe(record)}`);
  }
  const none = `no parameters in ${dir}; make some with \`filigree params make winning-2KiB\``;
  say(json, { parameters }, lines.length === 0 ? [none] : lines);
}

const describe = ({ size, digest }: ParamsRecord): string => `${sizeText(size)}  ${digest}  local`;

async function unfinished(dir: string, name: string): Promise<string> {
  const size = (await platform.fileSize(paramsPaths(dir, name).params)) ?? 0;
  const begun = name.startsWith("local-");
  return `${sizeText(size)}  ${begun ? "not whole: it is being made, or was left, and then `filigree params make` goes on with it" : "no record; verify it with --digest"}`;
}

async function verify(given: string, { dir, seed, digest, json }: VerifyOptions): Promise<void> {
  const circuit = digest === undefined ? circuitOf(given) : null;
  const name = circuit === null ? given : localParamsName(circuit, seed);
  const proofs = await loadProofs();
  const line = progressLine();
  const onProgress = ({ phase, done, total }: { phase: string; done: number; total: number }): void =>
    line.part(phase, done, total);
  const work = (signal: AbortSignal) => digestOf(proofs, name, dir, digest, { signal, onProgress });
  const found = await interruptible(work).catch((error: unknown) => {
    throw judged(error);
  });
  line.clear();
  say(json, { name, digest: found }, [`${name}: as it should be (${found})`]);
}

async function digestOf(
  proofs: Proofs,
  name: string,
  dir: string,
  digest: string | undefined,
  options: Parameters<typeof contentDigest>[2],
): Promise<string> {
  if (digest === undefined) {
    await openStoredParams(proofs, dir, name, options);
    return (await readParamsRecord(dir, name))?.digest ?? "";
  }
  const params = await openParams({ file: path.resolve(name) });
  const found = await contentDigest(proofs, params.content, options);
  if (found !== digest.toLowerCase())
    throw new UntrueError(`${name} has the digest ${found}: it is another file, or was changed`);
  return found;
}

async function showPath(circuit: string, { dir, seed, vk, json }: PathOptions): Promise<void> {
  const name = localParamsName(circuit, seed);
  if ((await readParamsRecord(dir, name)) === null) {
    const more = [["--dir", dir, PARAMS_FOLDER] as const, ["--seed", seed, LOCAL_SETUP] as const].flatMap(
      ([option, value, usual]) => (value === usual ? [] : [option, shellWord(value)]),
    );
    const command = ["filigree params make", circuitText(circuit), ...more].join(" ");
    throw new Error(`no whole key ${name} in ${dir}; make it with \`${command}\``);
  }
  const { params, verifyingKey } = paramsPaths(path.resolve(dir), name);
  const file = vk === true ? verifyingKey : params;
  say(json, { name, file }, [file]);
}
