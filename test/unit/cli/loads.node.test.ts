/** What commands load when they start: those that ask a node no virtual machine, no genesis, and no chain. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

const HEAVY =
  /^src\/(core\/(vm|fvm|proofs)|exec\/machine|chain\/chain|consensus\/validator|node\/(genesis|miner-process\/))/;

/** A file of `src`, and all that its import statements, not its calls of `import()`, lead to. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(path.join(root, file), "utf8");
  for (const [, kind, target] of text.matchAll(/^(?:import|export) (type )?[^"';]*?from "(\.[^"]+)"/gm))
    if (kind === undefined) loadedBy(path.join(path.dirname(file), target as string), seen);
  return seen;
}

test.each(["send", "wallet", "client", "lab", "miner", "mpool", "net", "paych", "sync"])("filigree %s", (name) => {
  const loaded = [...loadedBy(`src/cli/commands/${name}.ts`)];
  expect(loaded).toContain("src/cli/remote.ts");
  expect(loaded.filter((file) => HEAVY.test(file))).toEqual([]);
});
