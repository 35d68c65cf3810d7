/**
 * Compiles the AssemblyScript core: `node dist/tools/build-wasm.js [target...] [--fast] [--force]`.
 *
 * A target is compiled again only when a source file that it reaches, its options or the compiler version changed.
 * `--fast` leaves the optimiser out: for work on the core, never for a release or a measurement.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import asc from "assemblyscript/asc";
import { sourcesOf, TARGETS } from "./targets.ts";

const require = createRequire(import.meta.url);

function sourceDigest(entry: string, extra: string): string {
  const hash = createHash("sha256").update(extra);
  const compiler = require("assemblyscript/package.json") as { version: string };
  hash.update(compiler.version).update(readFileSync("asconfig.json"));
  for (const file of sourcesOf(entry)) hash.update(file).update(readFileSync(file));
  return hash.digest("hex");
}

async function build(target: string, fast: boolean, force: boolean): Promise<boolean> {
  const entry = TARGETS[target];
  if (entry === undefined) throw new Error(`unknown target ${target}; known: ${Object.keys(TARGETS).join(", ")}`);
  if (!existsSync(entry)) throw new Error(`target ${target}: entry ${entry} is missing`);
  const stamp = `dist/wasm/${target}.digest`;
  const digest = sourceDigest(entry, `${target}${fast ? " fast" : ""}`);
  if (!force && existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return true;
  const started = Date.now();
  const args = [entry, "--config", "asconfig.json", "--target", target];
  if (fast) args.push("--optimizeLevel", "0", "--shrinkLevel", "0");
  const { error, stderr } = await asc.main(args);
  const messages = stderr.toString();
  if (messages !== "") process.stderr.write(messages);
  if (error !== null) return false;
  writeFileSync(stamp, digest);
  const size = readFileSync(`dist/wasm/${target}.wasm`).length;
  process.stdout.write(`${target}.wasm  ${size} bytes  ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  return true;
}

const flags = process.argv.slice(2).filter((word) => word.startsWith("--"));
const named = process.argv.slice(2).filter((word) => !word.startsWith("--"));
mkdirSync("dist/wasm", { recursive: true });
for (const target of named.length > 0 ? named : Object.keys(TARGETS)) {
  if (!(await build(target, flags.includes("--fast"), flags.includes("--force")))) process.exit(1);
}
