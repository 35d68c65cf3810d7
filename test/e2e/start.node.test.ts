/**
 * What a program loads when it starts: names and number of modules, as each costs about a millisecond of CPU. Files, databases,
 * servers and other libraries' hashes are for those who use them.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const dist = new URL("../../dist/", import.meta.url);

/** Prints each module as it is loaded. */
const HOOK = `
import { register } from "node:module";
register("data:text/javascript," + encodeURIComponent(\`
  import { writeSync } from "node:fs";
  export async function load(url, context, next) { writeSync(2, "loaded " + url + "\\\\n"); return next(url, context); }
\`));`;

/** Modules that are loaded from an import of built files to the end of `script`, which has what they export as `from`. */
function loadedBy(files: readonly string[], script: string): string[] {
  const imports = files.map((file) => `...await import(${JSON.stringify(new URL(file, dist).href)})`);
  const text = `const from = { ${imports.join(", ")} }; ${script}`;
  const hook = `data:text/javascript,${encodeURIComponent(HOOK)}`;
  const { status, stderr } = spawnSync(process.execPath, ["--import", hook, "--input-type=module", "-e", text], {
    cwd: fileURLToPath(dist),
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
  return [...stderr.matchAll(/^loaded (.*)$/gm)].map(([, url]) => url as string);
}

const NOT_AT_START =
  /node:(crypto|http|https|net|worker_threads)|@noble|classic-level|piscina|libp2p|node-(files|folders|ranges|level|server)/;

// Deno loads modules in another way, and has no hooks.
describe.skipIf("Deno" in globalThis)("modules that are loaded", () => {
  test.each<[string, readonly string[], string, number]>([
    ["by the first hash", ["core/crypto.js"], "(await from.loadCrypto()).blake2b256(new Uint8Array(1));", 24],
    ["by a machine", ["core/vm.js"], "await from.Vm.create({});", 70],
  ])("%s", (_, files, script, most) => {
    const loaded = loadedBy(files, script);
    expect(loaded.length).toBeGreaterThan(10);
    expect(loaded.filter((url) => NOT_AT_START.test(url))).toEqual([]);
    expect(loaded.length).toBeLessThanOrEqual(most);
  });

  test("with the first file, those of files", () => {
    const loaded = loadedBy(["platform/node.js"], "await from.platform.fileSize('vm.js');");
    expect(loaded.filter((url) => url.endsWith("/node-ranges.js"))).toHaveLength(1);
    expect(loaded.filter((url) => /node-(files|folders)\.js$/.test(url))).toEqual([]);
  });
});
