/**
 * What a program loads when it starts: names and number of modules, as each costs about a millisecond of CPU. Files, databases,
 * servers and other libraries' hashes are for those who use them.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
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

/** The files among them, which must be the form's. */
function inForm(loaded: readonly string[]): string[] {
  const files = loaded.filter((url) => url.startsWith("file:"));
  expect(files.length).toBeGreaterThan(1);
  expect(files.filter((url) => !/\/dist\/for-node\/[\w-]+\.js$/.test(url))).toEqual([]);
  return files;
}

const NOT_AT_START =
  /node:(crypto|http|https|net|worker_threads)|@noble|classic-level|piscina|libp2p|node-(files|folders|ranges|level|server)/;

// Deno loads modules in another way, and has no hooks.
describe.skipIf("Deno" in globalThis)("modules that are loaded", () => {
  test.each<[string, readonly string[], string, number]>([
    ["by the first hash", ["core/crypto.js"], "(await from.loadCrypto()).blake2b256(new Uint8Array(1));", 25],
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

  test.each<[string, string, number]>([
    ["filigree/vm", "vm", 12],
    ["filigree/codec", "codec", 9],
    ["filigree/proofs", "proofs", 8],
    ["filigree/client", "client", 5],
    ["filigree", "index", 20],
  ])("by %s in its form for Node", (_, name, most) => {
    const loaded = inForm(loadedBy([`for-node/${name}.js`], "process.exit();"));
    expect(loaded.length).toBeLessThanOrEqual(most);
  });

  test.each<[string, number]>([
    ["net", 10],
    ["wallet", 15],
    ["devnet", 22],
  ])("by `filigree %s`", (command, most) => {
    const script = `process.argv.push("-", "${command}", "--help"); await import("./cli/bin.js");`;
    const loaded = loadedBy([], script).filter((url) => !url.endsWith("/dist/cli/bin.js"));
    expect(inForm(loaded).length).toBeLessThanOrEqual(most);
  });
});

describe.skipIf("Deno" in globalThis)("the form for Node", () => {
  const ENTRIES = ["index", "vm", "codec", "client", "provider", "proofs", "queue"];

  test("exports what the files do, and one class under one name in all entries", () => {
    const script = `
      const names = {}, classes = {};
      for (const name of ${JSON.stringify(ENTRIES)}) {
        const made = await import(\`./for-node/\${name}.js\`);
        const files = await import(name === "queue" ? "./queue/index.js" : \`./\${name}.js\`);
        names[name] = [Object.keys(made), Object.keys(files)];
        for (const [key, value] of Object.entries(made)) if (typeof value === "function") (classes[key] ??= new Set()).add(value);
      }
      const several = Object.entries(classes).filter(([, set]) => set.size > 1).map(([key]) => key);
      const renamed = Object.entries(classes).flatMap(([key, set]) => [...set].filter(({ name }) => name !== key).map(({ name }) => [key, name]));
      process.stdout.write(JSON.stringify({ names, several, renamed }), () => process.exit());`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: fileURLToPath(dist),
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    const { names, several, renamed } = JSON.parse(stdout) as {
      names: Record<string, [string[], string[]]>;
      several: string[];
      renamed: string[];
    };
    for (const name of ENTRIES) expect([name, names[name]?.[0]]).toEqual([name, names[name]?.[1]]);
    expect({ several, renamed }).toEqual({ several: [], renamed: [] });
  });

  test("names no file that is not there", () => {
    const folder = new URL("for-node/", dist);
    const files = readdirSync(folder).filter((file) => file.endsWith(".js"));
    const named = files.flatMap((file) => {
      const text = readFileSync(new URL(file, folder), "utf8");
      const imports = text.matchAll(/^(?:import|export)\b[^"'();]*?"(\.[^"]+)";?$|\bimport\("(\.[^"]+)"\)/gm);
      const assets = text.matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g);
      return [...imports, ...assets].map(([, at, late]) => new URL((at ?? late) as string, folder).href);
    });
    expect(named.length).toBeGreaterThan(files.length);
    expect([...new Set(named)].filter((url) => !existsSync(new URL(url)))).toEqual([]);
  });

  test("keeps the licence of every library that it has", () => {
    const folder = new URL("for-node/", dist);
    const licences = readFileSync(new URL("LICENCES.txt", folder), "utf8");
    const inside = readdirSync(folder)
      .filter((file) => file.endsWith(".js"))
      .flatMap((file) => [
        ...readFileSync(new URL(file, folder), "utf8").matchAll(/^\/\/ node_modules\/((?:@[^/\n]+\/)?[^/\n]+)/gm),
      ])
      .map(([, name]) => name as string);
    expect(new Set(inside).size).toBeGreaterThan(20);
    expect([...new Set(inside)].filter((name) => !licences.includes(`\n${name} `))).toEqual([]);
  });
});
