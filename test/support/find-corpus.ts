/** For the test configurations: finds the conformance corpus on disk. */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { FoundCorpus } from "./vectors.ts";

/** Bundles are where FILIGREE_BUNDLES says, else beside the vectors. */
function findBundles(shared: string): string[] {
  const folder = path.resolve(process.env["FILIGREE_BUNDLES"] ?? path.join(shared, "bundles"));
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /\.(car|tar\.zst)$/.test(name));
  return names.map((name) => realpathSync(path.join(folder, name))).sort();
}

function findFvm(shared: string): string[] {
  const folder = path.join(shared, "vectors/fvm/extracted");
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".json"));
  return files.map((file) => path.join(realpathSync(folder), file).replaceAll("\\", "/")).sort();
}

export function findCorpus(): FoundCorpus {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const shared = path.resolve(root, process.env["FILIGREE_VECTORS"] ?? "../shared");
  const folder = path.join(shared, "vectors/legacy");
  const tables = path.join(shared, "vectors/chain/election");
  const election = existsSync(tables) ? readdirSync(tables).sort() : [];
  const more = { election, fvm: findFvm(shared), bundles: findBundles(shared) };
  if (!existsSync(folder)) return { folder, files: [], ...more };
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".json"))
    .sort();
  return { folder: realpathSync(folder), files, ...more };
}
