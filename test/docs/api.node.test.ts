/**
 * docs/api.md: every name that the package's entries export is used there in an example, and all examples compile as a
 * user's would, under strict TypeScript against the built declarations.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");
const ENTRIES = ["index", "codec", "vm", "proofs", "client", "provider"];

const blocks = [...read("docs/api.md").matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code as string);

/** Names of an import's or export's braces. */
function namesOf(list: string): string[] {
  return list
    .split(",")
    .map((name) => name.trim().replace(/^type /, ""))
    .filter((name) => name !== "");
}

/** Names that an entry exports: those that it passes on, and those that it declares. */
function exportsOf(entry: string): string[] {
  const source = read(`src/${entry}.ts`);
  const passed = [...source.matchAll(/^export (?:type )?\{([^}]*)\} from/gms)].flatMap(([, list]) =>
    namesOf(list as string),
  );
  const declared = source.matchAll(/^export (?:async )?(?:class|type|const|function) (\w+)/gm);
  return [...passed, ...[...declared].map(([, name]) => name as string)];
}

const exported = new Set(ENTRIES.flatMap(exportsOf));

test("every exported name is in an example", () => {
  const used = new Set(
    blocks.flatMap((code) =>
      [...code.matchAll(/^import \{([^}]*)\} from "filigree/gms)].flatMap(([, list]) => namesOf(list as string)),
    ),
  );
  expect(exported.size).toBeGreaterThan(200);
  expect([...exported].filter((name) => !used.has(name))).toEqual([]);
});

test("an exported name means one thing: it is declared once in all the source", () => {
  const source = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => read(`src/${file}`))
    .join("\n");
  const declared = new Map<string, number>();
  for (const [, name] of source.matchAll(/^export (?:abstract )?(?:async )?(?:class|type|const|function\*?) (\w+)/gm))
    declared.set(name as string, (declared.get(name as string) ?? 0) + 1);
  expect([...exported].filter((name) => (declared.get(name) ?? 0) > 1)).toEqual([]);
});

test("all examples compile", { timeout: 120_000 }, async () => {
  // Inside the package, where "filigree" names it.
  const folder = mkdtempSync(path.join(root, "dist", "examples-"));
  try {
    blocks.forEach((code, i) => {
      writeFileSync(path.join(folder, `example-${i + 1}.ts`), `${code}\nexport {};\n`);
    });
    const compilerOptions = {
      target: "ES2023",
      module: "nodenext",
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: false,
      types: ["node"],
      typeRoots: [path.join(root, "node_modules/@types")],
    };
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    const run = promisify(execFile)(process.execPath, [
      path.join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      folder,
    ]);
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    expect(stdout).toBe("");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
