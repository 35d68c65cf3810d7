/**
 * Measures one bench file: `node bench/harness.mjs bench/x.bench.mjs [--rounds N] [--json FILE]`.
 *
 * A bench file exports `title` and `cases()`, which returns a list of
 *
 *   { name, bytes | ops, contestants: { ours, "peer name": fn, "native name": fn }, native: ["native name"],
 *     target: { "peer name": ratio }, answer }
 *
 * `fn` does the work once, and may return a promise. `bytes` (per call) prints MB/s (10^6 bytes), `ops` (per call,
 * default 1) prints operations per second, of which `least` is a goal. `answer`, when given, maps a contestant's result to a string: all must give
 * the same one before anything is measured, so that nobody wins by doing less. `note` is printed below the case.
 *
 * Method: all contestants of a case take turns in one process, round after round, in an order that rotates. Each round
 * calls a contestant for about `ROUND_MS`; the first rounds warm up and are not counted. The time printed is the median
 * over rounds; a ratio is the median over rounds of (peer's time / our time) in that round: above 1 we are faster.
 * Time is the process's CPU time, so that a busy machine disturbs less; a case whose work runs in other processes or
 * waits sets `clock: "wall"`, as does one that measures several threads.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { pathToFileURL } from "node:url";

const WARM_ROUNDS = 2;
const ROUND_MS = 20;

/** Family and model of the processor, where Linux tells them: virtual machines give several processors one name. */
function processorKind() {
  try {
    const text = readFileSync("/proc/cpuinfo", "utf8");
    const field = (name) => text.match(new RegExp(`^${name}\\s*: (.+)$`, "m"))?.[1];
    const [family, model] = [field("cpu family"), field("model")];
    return family === undefined || model === undefined ? "" : ` (family ${family}, model ${model})`;
  } catch {
    return "";
  }
}

/** Names the machine a figure was taken on, and how busy it is. */
export function machineLine() {
  const [cpu] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  const engine = `Node ${process.version}, V8 ${process.versions.v8}`;
  return `${process.platform} ${process.arch}, ${cpus().length} x ${cpu?.model}${processorKind()}, ${engine}, load ${load}`;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Milliseconds by the clock named; see the head. */
const CLOCKS = {
  wall: () => performance.now(),
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

/** Milliseconds that `count` calls take. */
async function time({ fn, isAsync, clock }, count) {
  const start = clock();
  if (isAsync) for (let i = 0; i < count; i++) await fn();
  else for (let i = 0; i < count; i++) fn();
  return clock() - start;
}

/** How many calls fill a round. */
async function calibrate(contestant) {
  for (let count = 1; ; count *= 2) {
    const ms = await time(contestant, count);
    if (ms >= ROUND_MS / 2 || count >= 1 << 24)
      return Math.max(1, Math.round((count * ROUND_MS) / Math.max(ms, 0.001)));
  }
}

async function prepare(entry) {
  const contestants = [];
  for (const [name, fn] of Object.entries(entry.contestants)) {
    const first = fn();
    const isAsync = first instanceof Promise;
    const answer = entry.answer?.(await first);
    contestants.push({ name, fn, isAsync, answer, clock: CLOCKS[entry.clock ?? "cpu"], times: [] });
  }
  for (const { name, answer } of contestants)
    if (answer !== contestants[0].answer)
      throw new Error(`${entry.name}: ${name} answers ${answer}, ${contestants[0].name} ${contestants[0].answer}`);
  return contestants;
}

/** Measures one case; returns its rows, ours first. */
export async function measure(entry, rounds) {
  const contestants = await prepare(entry);
  for (const contestant of contestants) contestant.count = await calibrate(contestant);
  for (let round = 0; round < rounds + WARM_ROUNDS; round++) {
    for (let i = 0; i < contestants.length; i++) {
      const contestant = contestants[(i + round) % contestants.length];
      const each = (await time(contestant, contestant.count)) / contestant.count;
      if (round >= WARM_ROUNDS) contestant.times.push(each);
    }
  }
  const ours = contestants.find(({ name }) => name === "ours");
  return contestants.map(({ name, times }) => {
    const ms = median(times);
    const amount = entry.bytes ?? entry.ops ?? 1;
    return {
      case: entry.name,
      contestant: name,
      kind: name === "ours" ? "ours" : entry.native?.includes(name) ? "native" : "peer",
      microseconds: ms * 1000,
      rate: entry.bytes === undefined ? (amount * 1000) / ms : amount / 1000 / ms,
      unit: entry.bytes === undefined ? "ops/s" : "MB/s",
      oursOverThis: name === "ours" || ours === undefined ? null : median(times.map((t, i) => t / ours.times[i])),
      target: entry.target?.[name] ?? null,
      ...(name === "ours" && entry.least !== undefined ? { least: entry.least } : {}),
    };
  });
}

export const digits = (value) =>
  value >= 1000 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(3);

/** Whether a figure keeps its bounds. */
export const isMet = ({ value, most, least }) =>
  (most === undefined || value <= most) && (least === undefined || value >= least);

function verdictOf({ target, least, oursOverThis, rate }) {
  if (least !== undefined) return `(goal at least ${least}${rate >= least ? "" : ": MISSED"})`;
  return target === null ? "" : `(goal ${target}x${oursOverThis >= target ? "" : ": MISSED"})`;
}

function print(entry, rows) {
  process.stdout.write(`\n${entry.name}${entry.clock === "wall" ? " (wall time)" : ""}\n`);
  for (const row of rows) {
    const time = row.microseconds >= 1000 ? `${digits(row.microseconds / 1000)} ms` : `${digits(row.microseconds)} us`;
    const ratio = row.oursOverThis === null ? "" : `${row.oursOverThis.toFixed(2)}x`;
    const verdict = verdictOf(row);
    const cells = [
      row.contestant.padEnd(28),
      row.kind.padEnd(7),
      time.padStart(11),
      `${digits(row.rate).padStart(10)} ${row.unit}`,
    ];
    process.stdout.write(`  ${cells.join(" ")} ${ratio.padStart(8)} ${verdict}\n`);
  }
  if (entry.note !== undefined) process.stdout.write(`  note: ${entry.note}\n`);
}

function printFact({ name, value, unit, most, least }) {
  const met = isMet({ value, most, least });
  const goal =
    most === undefined && least === undefined
      ? ""
      : `(goal ${most === undefined ? "at least" : "at most"} ${most ?? least}${met ? "" : ": MISSED"})`;
  process.stdout.write(`  ${name.padEnd(52)} ${digits(value).padStart(10)} ${unit.padEnd(8)} ${goal}\n`);
}

async function main() {
  const [file, ...flags] = process.argv.slice(2);
  const value = (flag, otherwise) => (flags.includes(flag) ? flags[flags.indexOf(flag) + 1] : otherwise);
  const rounds = Number(value("--rounds", "15"));
  const { title, cases, facts } = await import(pathToFileURL(file));
  // A bench of facts alone says itself how they were measured.
  const how = cases === undefined ? "" : `   (CPU time; ours / theirs, above 1 is faster; median of ${rounds} rounds)`;
  process.stdout.write(`\n== ${title}${how}\n`);
  process.stdout.write(`   ${machineLine()}\n`);
  const rows = [];
  for (const entry of (await cases?.()) ?? []) {
    const measured = await measure(entry, rounds);
    print(entry, measured);
    rows.push(...measured);
  }
  const figures = (await facts?.()) ?? [];
  for (const fact of figures) printFact(fact);
  const out = value("--json", undefined);
  if (out === undefined) return;
  const earlier = JSON.parse(readFileSync(out, "utf8"));
  writeFileSync(
    out,
    `${JSON.stringify({ ...earlier, benches: [...earlier.benches, { title, rounds, rows, facts: figures }] }, null, 2)}\n`,
  );
}

// Not awaited here: a bench file may import this module, which must have finished loading by then.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  main().then(
    () => process.exit(0),
    (error) => {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      process.exit(1);
    },
  );
