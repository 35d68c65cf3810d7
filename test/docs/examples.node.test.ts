/**
 * Runs the JavaScript examples of the README and the guides as they stand, in a process of their own on the built
 * package, so that they cannot rot. `npm run test:package` runs them in a project that has the packed package, on other
 * runtimes and in TypeScript.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestNet, type TestNet } from "../support/devnet.ts";
import { examplesOf, expectedCounts, NETWORK, pagesWithExamples, root } from "../support/examples.ts";

const data = path.resolve(root, process.env["FILIGREE_VECTORS"] ?? "../shared");
/** A program given as text is run by `node --eval`; with Deno and Bun the examples are run from files, by `test:package`. */
const onDeno = "Deno" in globalThis;
const examples = pagesWithExamples().flatMap(examplesOf);

let net: TestNet;
beforeAll(async () => {
  net = await startTestNet();
});
afterAll(() => net.close());

test("every page has the examples that it should have", () => {
  const counted = pagesWithExamples().map((page) => [page, examplesOf(page).length]);
  expect(Object.fromEntries(counted)).toEqual(expectedCounts());
});

test("networks of the guide do not meet in one data folder", () => {
  const guide = readFileSync(path.join(root, "docs/guide-command-line.md"), "utf8");
  const places = [...guide.matchAll(/^npx filigree devnet.*$/gm)].map(
    ([line]) => /--memory|--data \S+/.exec(line)?.[0],
  );
  expect(places.length).toBeGreaterThan(3);
  // The first is the one in the default folder.
  expect(places.slice(1)).not.toContain(undefined);
  expect(new Set(places.filter((place) => place !== "--memory")).size).toBe(places.length);
});

for (const { page, index, code, needs, isTest, prints } of examples) {
  const absent = needs !== null && !existsSync(path.join(data, needs));
  if (absent) process.stdout.write(`skipped: the example of ${page} needs ${needs} in FILIGREE_VECTORS (${data})\n`);
  test.skipIf(absent || onDeno)(`example ${index + 1} of ${page} runs`, async () => {
    const program = code.replaceAll(NETWORK, net.url);
    const run = (command: string, ...args: string[]) =>
      promisify(execFile)(command, args, { cwd: root, timeout: 150_000, env: { ...process.env, NO_COLOR: "1" } });
    if (!isTest) {
      expect((await run(process.execPath, "--input-type=module", "--eval", program)).stdout).toMatch(prints);
      return;
    }
    const folder = mkdtempSync(path.join(root, "test", "example-"));
    try {
      writeFileSync(path.join(folder, "vitest.config.mjs"), "export default { test: { testTimeout: 100_000 } };\n");
      writeFileSync(path.join(folder, "example.test.mjs"), program);
      expect((await run("npx", "vitest", "run", "--root", folder)).stdout).toMatch(prints);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
