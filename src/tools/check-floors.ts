/**
 * Who may import whom: `node dist/tools/check-floors.js`.
 *
 * `floors.json` lists the rooms (first folder below `assembly/` or `src/`) from the ground up. An import may fall to a
 * lower floor or stay in its room; it may not rise, nor run sideways to a sibling, nor close a circle of files.
 * `allow` and `deny` name single exceptions. Files over 800 hand-written lines are reported too.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

type Floors = {
  readonly assembly: readonly (readonly string[])[];
  readonly src: readonly (readonly string[])[];
  readonly allow: readonly (readonly [string, string])[];
  readonly deny: readonly (readonly [string, string])[];
};

const MAX_LINES = 800;
const floors = JSON.parse(readFileSync("floors.json", "utf8")) as Floors;
const problems: string[] = [];
const arrows = new Map<string, string[]>();

function listFiles(world: string): string[] {
  return readdirSync(world, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith(".d.ts"))
    .map((file) => `${world}/${file.replaceAll("\\", "/")}`)
    .sort();
}

function roomOf(file: string): string {
  return file.split("/")[1] ?? "";
}

function floorOf(world: "assembly" | "src", room: string): number {
  return floors[world].findIndex((rooms) => rooms.includes(room));
}

function listed(pairs: readonly (readonly [string, string])[], from: string, to: string): boolean {
  return pairs.some(([a, b]) => a === from && b === to);
}

function resolveImport(file: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  const joined = path.posix.join(path.posix.dirname(file), specifier);
  for (const candidate of [joined, `${joined}.ts`])
    if (existsSync(candidate) && /\.tsx?$/.test(candidate)) return candidate;
  problems.push(`${file}: import ${specifier} names no file`);
  return null;
}

function checkFile(world: "assembly" | "src", file: string): void {
  const text = readFileSync(file, "utf8");
  const room = roomOf(file);
  const floor = floorOf(world, room);
  if (floor < 0) problems.push(`${file}: room ${room} stands on no floor of floors.json`);
  const lines = text.split("\n").length;
  if (lines > MAX_LINES && !file.endsWith(".gen.ts") && !text.slice(0, 3000).includes("Size:"))
    problems.push(`${file}: ${lines} lines; split it, or give the reason in a "Size:" line of the head`);
  const targets: string[] = [];
  // A generator's own imports stand before its first function; the ones in its templates belong to what it writes.
  const statements = file.startsWith("src/tools/gen/")
    ? (text.split(/^(?:export )?(?:const|function) /m)[0] ?? "")
    : text;
  for (const match of statements.matchAll(
    /^(?:import|export)\s[^;]*?from\s+["']([^"']+)["']|^import\s+["']([^"']+)["']/gm,
  )) {
    const target = resolveImport(file, match[1] ?? match[2] ?? "");
    if (target === null) continue;
    targets.push(target);
    const other = roomOf(target);
    if (other === room) continue;
    const pair = [`${world}/${room}`, `${world}/${other}`] as const;
    if (listed(floors.deny, ...pair)) problems.push(`${file}: ${pair[0]} may not import ${pair[1]}`);
    else if (floorOf(world, other) >= floor && !listed(floors.allow, ...pair))
      problems.push(`${file}: import of ${target} ${floorOf(world, other) > floor ? "rises" : "runs sideways"}`);
  }
  arrows.set(file, targets);
}

function findCircles(): void {
  const state = new Map<string, 1 | 2>();
  const trail: string[] = [];
  const visit = (file: string): void => {
    state.set(file, 1);
    trail.push(file);
    for (const next of arrows.get(file) ?? []) {
      if (state.get(next) === 1) problems.push(`circle: ${[...trail.slice(trail.indexOf(next)), next].join(" > ")}`);
      else if (state.get(next) === undefined) visit(next);
    }
    trail.pop();
    state.set(file, 2);
  };
  for (const file of arrows.keys()) if (state.get(file) === undefined) visit(file);
}

for (const world of ["assembly", "src"] as const) for (const file of listFiles(world)) checkFile(world, file);
findCircles();
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`floors: ${arrows.size} files, ${problems.length} problems\n`);
process.exit(problems.length > 0 ? 1 : 0);
