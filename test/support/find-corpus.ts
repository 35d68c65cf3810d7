/** For the test configurations: finds the conformance corpus on disk. */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export function findCorpus(): { readonly folder: string; readonly files: readonly string[] } {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const folder = path.resolve(root, process.env["FILIGREE_VECTORS"] ?? "../shared", "vectors/legacy");
  if (!existsSync(folder)) return { folder, files: [] };
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".json"))
    .sort();
  return { folder: realpathSync(folder), files };
}
