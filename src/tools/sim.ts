/**
 * A simulated network: `npm run sim -- --seed S --nodes N --epochs E [--faults crash,partition,…|all|none] [--seeds COUNT] [--json]`.
 *
 * Prints the trace, or with `--seeds` one line for each of COUNT seeds (S, S+1, …). Ends with 1 if a property did not hold:
 * the last line names it, the seed, and how to see it again.
 */
import { parseArgs } from "node:util";
import { type SimReport, simulate } from "../sim/simulation.ts";
import type { TraceLine } from "../sim/trace.ts";
import { FAULT_KINDS, type FaultKind } from "../sim/weather.ts";

const USAGE = `usage: npm run sim -- [--seed S] [--nodes N] [--epochs E] [--faults ${FAULT_KINDS.join(",")}|all|none] [--seeds COUNT] [--quiet] [--json]`;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    nodes: { type: "string", default: "4" },
    epochs: { type: "string", default: "30" },
    faults: { type: "string", default: "all" },
    seeds: { type: "string" },
    quiet: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

function refuse(why: string): never {
  process.stderr.write(`${why}\n${USAGE}\n`);
  process.exit(2);
}

function count(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  return refuse(`--${name} must be a whole number from ${least} to ${most}, not "${text}"`);
}

function faultsOf(text: string): readonly FaultKind[] {
  if (text === "all") return FAULT_KINDS;
  const words = text === "none" ? [] : text.split(",");
  const unknown = words.find((word) => !(FAULT_KINDS as readonly string[]).includes(word));
  return unknown === undefined ? (words as FaultKind[]) : refuse(`there is no fault "${unknown}"`);
}

function print(value: object, text: () => string): void {
  process.stdout.write(`${values.json ? JSON.stringify(value) : text()}\n`);
}

function lineText({ at, epoch, node, event, ...more }: TraceLine): string {
  const time = `${(at / 1000).toFixed(3).padStart(10)} s`;
  const rest = Object.entries(more).map(([name, value]) => `${name}=${shortened(value)}`);
  return [time, String(epoch).padStart(4), node === null ? "  " : `n${node}`, event, ...rest].join(" ");
}

/** CIDs by their ends; the whole ones are in the trace of `--json`. */
function shortened(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.replaceAll(/b[a-z2-7]{50,}/g, (cid) => cid.slice(-8));
}

function reportText(report: SimReport, seconds: number): string {
  const { seed, failure, digest, height, epochs, deepest, deepestReorg, settled, counts } = report;
  const happened = Object.entries(counts).map(([name, number]) => `${name} ${number}`);
  const end = failure === null ? "ok" : `FAILED ${failure.why}`;
  const depth = `differed at most ${deepest} epochs deep, deepest reorg ${deepestReorg}, settled to ${settled}`;
  return `seed ${seed}: ${end}; at ${height} of ${epochs}, ${depth}; digest ${digest}; ${seconds.toFixed(1)} s of CPU; ${happened.join(", ")}`;
}

const nodes = count("nodes", values.nodes, 2, 64);
const epochs = count("epochs", values.epochs, 1, 100_000);
const faults = faultsOf(values.faults);
const many = values.seeds === undefined ? null : count("seeds", values.seeds, 1, 1_000_000);
const seeds =
  many === null
    ? [values.seed]
    : Array.from({ length: many }, (_, i) => `${count("seed", values.seed, 0, 2 ** 40) + i}`);
const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let failed = 0;
for (const seed of seeds) {
  const before = process.cpuUsage();
  const isTold = many === null && !values.quiet;
  const onLine = (line: TraceLine): void => print(line, () => lineText(line));
  const report = await simulate({ seed, nodes, epochs, faults, drain, ...(isTold ? { onLine } : {}) });
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  if (report.failure !== null) failed++;
  print({ ...report, ok: report.failure === null, seconds }, () => reportText(report, seconds));
  if (report.failure !== null)
    process.stderr.write(
      `seed ${seed}, epoch ${report.failure.epoch}: ${report.failure.property} does not hold. Again: npm run sim -- --seed ${seed} --nodes ${nodes} --epochs ${epochs} --faults ${values.faults}\n`,
    );
}
if (many !== null)
  print({ seeds: seeds.length, failed }, () => `${seeds.length - failed} of ${seeds.length} seeds hold all properties`);
process.exitCode = failed > 0 ? 1 : 0;
