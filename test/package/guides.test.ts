/**
 * The guides' examples as they stand, in a project that has the packed package: in JavaScript on every runtime, and in
 * strict TypeScript without the DOM library. Runtimes come from npm; one that cannot be had is said to be left out.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type CommandNet, startCommandNet } from "../support/command-net.ts";
import { type Example, examplesOf, NETWORK, pagesWithExamples, root } from "../support/examples.ts";

const project = inject("project");
const data = path.resolve(root, process.env["FILIGREE_VECTORS"] ?? "../shared");
const examples = pagesWithExamples().flatMap(examplesOf);

type Runtime = { readonly name: string; readonly command: readonly string[]; readonly args: readonly string[] };
const npx = (packageName: string, binary: string): string[] => ["npx", "--yes", "--package", packageName, binary];
const RUNTIMES: readonly Runtime[] = [
  { name: `Node ${process.versions.node}`, command: [process.execPath], args: [] },
  { name: "Node 22", command: npx("node@22", "node"), args: [] },
  { name: "Node 24", command: npx("node@24", "node"), args: [] },
  { name: "Deno", command: npx("deno@2.9.6", "deno"), args: ["run", "-A", "--node-modules-dir=manual"] },
  { name: "Bun", command: npx("bun@1.4.5", "bun"), args: [] },
];

let net: CommandNet;
beforeAll(async () => {
  net = await startCommandNet();
});
afterAll(() => net.close());

/** Writes an example into the project and gives its file. */
function fileOf({ page, index, code, isTest }: Example, folder: string, ending: string): string {
  mkdirSync(path.join(project, folder), { recursive: true });
  const name = `${path.basename(page, ".md").toLowerCase()}-${index}${isTest ? ".test" : ""}.${ending}`;
  const file = path.join(folder, name);
  writeFileSync(path.join(project, file), code.replaceAll(NETWORK, net.url));
  return file;
}

for (const { name, command, args } of RUNTIMES) {
  const [program = "", ...first] = command;
  const version = spawnSync(program, [...first, "--version"], { cwd: project, encoding: "utf8" });
  if (version.status !== 0) process.stdout.write(`skipped: ${name} cannot be had: ${version.stderr.slice(0, 200)}\n`);
  describe.skipIf(version.status !== 0)(name, () => {
    for (const example of examples.filter((one) => !one.isTest)) {
      const absent = example.needs !== null && !existsSync(path.join(data, example.needs));
      test.skipIf(absent)(`example ${example.index + 1} of ${example.page}`, () => {
        const file = fileOf(example, "js", "mjs");
        const env = { ...process.env, FILIGREE_VECTORS: data, NO_COLOR: "1" };
        const run = spawnSync(program, [...first, ...args, file], {
          cwd: project,
          encoding: "utf8",
          env,
          timeout: 200_000,
        });
        expect([run.status, run.stderr.slice(-2000)]).toEqual([0, expect.anything()]);
        expect(run.stdout).toMatch(example.prints);
      });
    }
  });
}

test("the fixture for vitest", () => {
  const example = examples.find((one) => one.isTest) as Example;
  fileOf(example, "fixture", "mjs");
  writeFileSync(
    path.join(project, "fixture/vitest.config.mjs"),
    "export default { test: { testTimeout: 100_000 } };\n",
  );
  const args = ["vitest", "run", "--root", "fixture"];
  expect(execFileSync("npx", args, { cwd: project, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } })).toMatch(
    example.prints,
  );
});

describe("strict TypeScript without the DOM library", () => {
  const common = { strict: true, noEmit: true, target: "es2022", lib: ["es2022"], types: ["node"] };
  for (const [name, options] of [
    ["nodenext", { module: "nodenext", moduleResolution: "nodenext" }],
    ["bundler", { module: "esnext", moduleResolution: "bundler" }],
  ] as const)
    test(`moduleResolution ${name}`, () => {
      const files = examples.map((example) => fileOf(example, `ts-${name}`, "mts"));
      expect(files.length).toBeGreaterThan(5);
      const folder = path.join(project, `ts-${name}`);
      // The types of other people's packages are theirs to keep right; ours are looked at in a run of their own.
      const config = { compilerOptions: { ...common, ...options, skipLibCheck: true }, include: ["*.mts"] };
      writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config));
      const tsc = spawnSync(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), "-p", folder], {
        cwd: project,
        encoding: "utf8",
      });
      expect(tsc.stdout).toBe("");
      expect(readdirSync(folder).filter((one) => one.endsWith(".mts"))).toHaveLength(files.length);
    });
});
