/**
 * A simulated network: `npm run sim -- --seed S --nodes N --epochs E [--faults crash,partition,…|all|none] [--json]`.
 *
 * Prints the trace; with `--seeds COUNT` one line for each of the seeds S, S+1, … and one for all of them; with `--known` the
 * same of the runs that once failed. With `--own` no node makes use of what another has computed. Ends with 1 if a property did not hold: what is printed last names it, the seed, and how to see it again.
 */
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type SimOptions, type SimReport, simulate } from "../sim/simulation.ts";
import type { TraceLine } from "../sim/trace.ts";
import { FAULT_KINDS, type FaultKind } from "../sim/weather.ts";

const USAGE = `usage: npm run sim -- [--seed S] [--nodes N] [--epochs E] [--faults ${FAULT_KINDS.join(",")}|all|none] [--seeds COUNT | --known] [--own] [--quiet] [--json]`;

type Run = Pick<SimOptions, "seed" | "nodes" | "epochs" | "faults">;

/** Runs that once failed; what was wrong is mended, and has a smaller test of its own, too. */
const KNOWN: readonly Run[] = [
  // Honest peers were banned because they had passed on blocks that were early: test/unit/sync/syncer.test.ts, "who is asked".
  { seed: "4", nodes: 5, epochs: 50, faults: ["early"] },
  // A window PoSt failed because the head moved while it was made, and was not made again before a third of the window.
  { seed: "1002", nodes: 8, epochs: 200, faults: FAULT_KINDS },
  // Another, because gas was estimated on a state below the head's null rounds, in which its deadline was not open yet.
  { seed: "16", nodes: 8, epochs: 200, faults: FAULT_KINDS },
  // No fault of the nodes: the property had them agree on a chain that only one of them could know yet (`src/sim/contacts.ts`).
  { seed: "151", nodes: 8, epochs: 72, faults: FAULT_KINDS },
];

function refuse(why: string): never {
  process.stderr.write(`${why}\n${USAGE}\n`);
  process.exit(2);
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        seed: { type: "string", default: "1" },
        nodes: { type: "string", default: "4" },
        epochs: { type: "string", default: "30" },
        faults: { type: "string", default: "all" },
        seeds: { type: "string" },
        known: { type: "boolean", default: false },
        own: { type: "boolean", default: false },
        quiet: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}
const values = readOptions();

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

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

function reportText(report: SimReport, seconds: number): string {
  const { seed, failure, digest, height, epochs, deepest, deepestReorg, settled, counts, memory: held } = report;
  const happened = Object.entries(counts).map(([name, number]) => `${name} ${number}`);
  const end = failure === null ? "ok" : `FAILED ${failure.why}`;
  const depth = `differed at most ${deepest} epochs deep, deepest reorg ${deepestReorg}, settled to ${settled}`;
  return `seed ${seed}: ${end}; at ${height} of ${epochs}, ${depth}; digest ${digest}; ${seconds.toFixed(1)} s of CPU; ${mebibytes(held ?? 0)} MiB; ${happened.join(", ")}`;
}

function failureText(
  { seed, nodes, epochs, faults }: SimReport,
  { property, epoch }: NonNullable<SimReport["failure"]>,
): string {
  const options = `--seed ${seed} --nodes ${nodes} --epochs ${epochs} --faults ${faults.join() || "none"}`;
  return `seed ${seed}, epoch ${epoch}: ${property} does not hold. Again: npm run sim -- ${options}\n`;
}

function runsOf(): readonly Run[] {
  if (values.known) return KNOWN;
  const given = {
    nodes: count("nodes", values.nodes, 2, 64),
    epochs: count("epochs", values.epochs, 1, 100_000),
    faults: faultsOf(values.faults),
  };
  if (values.seeds === undefined) return [{ seed: values.seed, ...given }];
  const first = count("seed", values.seed, 0, 2 ** 40);
  return Array.from({ length: count("seeds", values.seeds, 1, 1_000_000) }, (_, i) => ({
    seed: `${first + i}`,
    ...given,
  }));
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes of objects, buffers and machines that are in use. */
function memory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const isSingle = !values.known && values.seeds === undefined;
const runs = runsOf();
let epochs = 0;
let most = 0;
const failed: string[] = [];
for (const run of runs) {
  const before = process.cpuUsage();
  const onLine = (line: TraceLine): void => print(line, () => lineText(line));
  const report = await simulate({
    ...run,
    drain,
    memory,
    isSharing: !values.own,
    ...(isSingle && !values.quiet ? { onLine } : {}),
  });
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  print({ ...report, ok: report.failure === null, seconds }, () => reportText(report, seconds));
  epochs += report.failure?.epoch ?? report.epochs;
  most = Math.max(most, report.memory ?? 0);
  if (report.failure === null) continue;
  failed.push(report.seed);
  process.stderr.write(failureText(report, report.failure));
}
if (!isSingle)
  print(
    { seeds: runs.length, failed: failed.length, epochs, memory: most, failures: failed },
    () =>
      `${runs.length} seeds, ${failed.length} failed${failed.length > 0 ? ` (${failed.join()})` : ""}, ${epochs} epochs; ` +
      `at most ${mebibytes(most)} MiB held beside the disks`,
  );
process.exitCode = failed.length > 0 ? 1 : 0;
