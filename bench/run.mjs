/**
 * Runs the benchmarks: `npm run bench -- [name...] [--rounds N] [--json FILE]`.
 *
 * Each `bench/<name>.bench.mjs` runs in a process of its own on the built `dist/`; without names all of them run. `kernels` stands
 * for those of proofs and kernels, `goals` for all that have goals, with a list of those that no bench measures. At the end each goal
 * is told once more, met or missed; the exit code is 2 if one was missed, 1 if a benchmark failed. The peers that ours is measured
 * beside are installed on first use, from `bench/package-lock.json`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { digits, isMet, machineLine } from "./harness.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const options = { stdio: "inherit", cwd: path.dirname(here) };

const KERNELS = ["wasm", "hash", "secp256k1", "bls", "msm", "groth16", "prove", "post-prove", "porep-prove", "proofs"];
const GROUPS = { kernels: KERNELS, goals: [...KERNELS, "start", "page", "page-prove", "vm", "fvm", "replay", "sync"] };
/** Goals of docs/status.md that no bench measures: what is bounded, and how it is seen. */
const ELSEWHERE = [
  ["an hour's soak: 16 MiB held beside the chain", "npm run test:soak"],
  [
    "a file of 4 GiB imported and committed to: 300 MiB resident",
    "by hand: `filigree client import`, then `client piece`",
  ],
  ["a block chosen from 7,688 messages: 300 ms, 90 % of the gas", "by hand, on recorded messages"],
];

/** Every goal of what was measured, as lines for people; `missed` counts those that were not met. */
function goalsOf(benches) {
  const goals = [];
  for (const { title, rows, facts } of benches) {
    for (const row of rows) {
      const value = row.oursOverThis;
      if (row.target !== null)
        goals.push({ title, name: `${row.case}, against ${row.contestant}`, value, unit: "x", least: row.target });
      if (row.least !== undefined)
        goals.push({ title, name: row.case, value: row.rate, unit: row.unit, least: row.least });
    }
    for (const fact of facts) if (fact.most !== undefined || fact.least !== undefined) goals.push({ title, ...fact });
  }
  return goals;
}

function printGoals(goals) {
  const missed = goals.filter((goal) => !isMet(goal));
  process.stdout.write(
    `\n== Goals: ${goals.length - missed.length} met, ${missed.length} missed\n   ${machineLine()}\n`,
  );
  let last = "";
  for (const goal of goals) {
    if (goal.title !== last) process.stdout.write(`${goal.title}\n`);
    last = goal.title;
    const bound = goal.most === undefined ? `at least ${digits(goal.least)}` : `at most ${digits(goal.most)}`;
    const found = `${digits(goal.value)} ${goal.unit}`;
    process.stdout.write(
      `  ${isMet(goal) ? "met   " : "MISSED"} ${goal.name.padEnd(72)} ${found.padStart(16)}  (${bound})\n`,
    );
  }
  return missed.length;
}

/** Goals that were not measured, so that the list above is not taken for all of them. */
function printElsewhere() {
  process.stdout.write("\nNot measured here\n");
  for (const [goal, how] of ELSEWHERE) process.stdout.write(`  ${goal}  (${how})\n`);
}

function installPeers() {
  const lock = readFileSync(path.join(here, "package-lock.json"), "utf8");
  const stamp = path.join(here, "node_modules/.installed-lock.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  process.stdout.write("installing the peers into bench/node_modules\n");
  // No install scripts: nothing is compiled, packages without a prebuilt binary go without.
  const { status } = spawnSync("npm", ["ci", "--prefix", here, "--ignore-scripts", "--no-audit", "--no-fund"], options);
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, lock);
}

const words = process.argv.slice(2);
const flags = [];
const names = [];
for (let i = 0; i < words.length; i++) {
  if (words[i] === "--rounds" || words[i] === "--json") flags.push(words[i], path.normalize(words[++i] ?? ""));
  else names.push(...(GROUPS[words[i]] ?? [words[i]]));
}
const known = readdirSync(here)
  .filter((file) => file.endsWith(".bench.mjs"))
  .map((file) => file.slice(0, -".bench.mjs".length))
  .sort();
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  const groups = Object.keys(GROUPS).join(" and ");
  process.stderr.write(`no bench ${unknown.join(", ")}; there are ${known.join(", ")}, and the groups ${groups}\n`);
  process.exit(1);
}
if (!existsSync(path.join(here, "../dist/wasm"))) {
  process.stderr.write("dist/ is missing: npm run build\n");
  process.exit(1);
}
installPeers();
const kept = mkdtempSync(path.join(tmpdir(), "filigree-bench-"));
if (!flags.includes("--json")) flags.push("--json", path.join(kept, "figures.json"));
const figures = flags[flags.indexOf("--json") + 1];
writeFileSync(figures, `${JSON.stringify({ machine: machineLine(), benches: [] })}\n`);
let failed = 0;
for (const name of names.length > 0 ? names : known) {
  const { status } = spawnSync(
    process.execPath,
    [path.join(here, "harness.mjs"), path.join(here, `${name}.bench.mjs`), ...flags],
    options,
  );
  if (status === 0) continue;
  process.stdout.write(`\n${name} FAILED: nothing was measured of it\n`);
  failed++;
}
const goals = goalsOf(JSON.parse(readFileSync(figures, "utf8")).benches);
rmSync(kept, { recursive: true });
const missed = goals.length > 0 ? printGoals(goals) : 0;
if (words.includes("goals")) printElsewhere();
process.exit(failed > 0 ? 1 : missed > 0 ? 2 : 0);
