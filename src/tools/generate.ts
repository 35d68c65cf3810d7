/**
 * Writes every generated source file: `node dist/tools/generate.js`; with `--check` it only compares and fails on any
 * difference, so that a committed `*.gen.ts` can never drift from its generator.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { generateBlake2b } from "./gen/blake2b.ts";
import { generateCodecs } from "./gen/codecs.ts";
import { generateCurveConstants } from "./gen/curve.ts";
import { generateDotLanes } from "./gen/dot-lanes.ts";
import { generateFields } from "./gen/field.ts";
import { generateFieldLanes } from "./gen/field-lanes.ts";
import { generateFrLanes } from "./gen/fr-lanes.ts";
import type { Generator } from "./gen/generator.ts";
import { generateHankelLanes } from "./gen/hankel-lanes.ts";
import { generateKeccak256 } from "./gen/keccak256.ts";
import { generateRpcDocs } from "./gen/rpc-docs.ts";
import { generateSecp256k1 } from "./gen/secp256k1.ts";
import { generateSectorLife } from "./gen/sector-life.ts";
import { generateSha256 } from "./gen/sha256.ts";
import { generateVersions } from "./gen/versions.ts";

/** One line per generator, in the order of their output paths. */
const GENERATORS: readonly Generator[] = [
  generateCodecs,
  generateVersions,
  generateBlake2b,
  generateCurveConstants,
  generateDotLanes,
  generateFields,
  generateFieldLanes,
  generateFrLanes,
  generateHankelLanes,
  generateKeccak256,
  generateRpcDocs,
  generateSecp256k1,
  generateSectorLife,
  generateSha256,
];

const check = process.argv.includes("--check");
let files = 0;
const stale: string[] = [];
for (const generate of GENERATORS) {
  for (const file of generate()) {
    files++;
    if (existsSync(file.path) && readFileSync(file.path, "utf8") === file.text) continue;
    stale.push(file.path);
    if (check) continue;
    mkdirSync(path.dirname(file.path), { recursive: true });
    writeFileSync(file.path, file.text);
  }
}
for (const file of stale) process.stdout.write(`${check ? "differs from its generator" : "written"}: ${file}\n`);
process.stdout.write(`generated: ${files} files, ${stale.length} ${check ? "stale" : "changed"}\n`);
process.exit(check && stale.length > 0 ? 1 : 0);
