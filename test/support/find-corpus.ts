/** For the test configurations: finds the conformance corpus on disk. */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export type FoundCorpus = {
  readonly folder: string;
  readonly files: readonly string[];
  /** Files of published election values. */
  readonly election: readonly string[];
};

export function findCorpus(): FoundCorpus {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const shared = path.resolve(root, process.env["FILIGREE_VECTORS"] ?? "../shared");
  const folder = path.join(shared, "vectors/legacy");
  const tables = path.join(shared, "vectors/chain/election");
  const election = existsSync(tables) ? readdirSync(tables).sort() : [];
  if (!existsSync(folder)) return { folder, files: [], election };
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".json"))
    .sort();
  return { folder: realpathSync(folder), files, election };
}
