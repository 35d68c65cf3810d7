/**
 * Runs the benchmarks: `npm run bench -- [name...] [--rounds N] [--json FILE]`.
 *
 * Each `bench/<name>.bench.mjs` runs in a process of its own on the built `dist/`; without names all of them run. The
 * peers that ours is measured beside are installed on first use, from `bench/package-lock.json`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { machineLine } from "./harness.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const options = { stdio: "inherit", cwd: path.dirname(here) };

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
  else names.push(words[i]);
}
const known = readdirSync(here)
  .filter((file) => file.endsWith(".bench.mjs"))
  .map((file) => file.slice(0, -".bench.mjs".length))
  .sort();
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no bench ${unknown.join(", ")}; there are ${known.join(", ")}\n`);
  process.exit(1);
}
if (!existsSync(path.join(here, "../dist/wasm"))) {
  process.stderr.write("dist/ is missing: npm run build\n");
  process.exit(1);
}
installPeers();
if (flags.includes("--json"))
  writeFileSync(flags[flags.indexOf("--json") + 1], `${JSON.stringify({ machine: machineLine(), benches: [] })}\n`);
let failed = 0;
for (const name of names.length > 0 ? names : known) {
  const { status } = spawnSync(
    process.execPath,
    [path.join(here, "harness.mjs"), path.join(here, `${name}.bench.mjs`), ...flags],
    options,
  );
  if (status !== 0) failed++;
}
process.exit(failed > 0 ? 1 : 0);
