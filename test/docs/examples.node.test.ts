/**
 * Runs the JavaScript examples of the README and the guides as they stand, in a process of their own on the built
 * package, so that they cannot rot. A first line `// needs: <file>` names data that is not part of the repository.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestNet, type TestNet } from "../support/devnet.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const data = path.resolve(root, process.env["FILIGREE_VECTORS"] ?? "../shared");
/** Where the examples expect a running network. */
const NETWORK = "http://127.0.0.1:1234/rpc/v1";
/** Examples in each page: a page that loses one by a typing error in its fence shows here. */
const EXPECTED: Readonly<Record<string, number>> = {
  "README.md": 1,
  "docs/guide-devnet-in-tests.md": 1,
  "docs/guide-pieces.md": 1,
  "docs/guide-replay.md": 1,
  "docs/guide-rpc-client.md": 1,
  "docs/guide-vm.md": 1,
};
/** The line that an example must print, besides ending well. */
const PRINTS: Readonly<Record<string, RegExp>> = {
  "README.md": /Version: /,
  "docs/guide-devnet-in-tests.md": /^7$/m,
  "docs/guide-pieces.md": /^true$/m,
  "docs/guide-replay.md": /^31 213 bafy/m,
  "docs/guide-rpc-client.md": /^localnet at epoch \d+, total power 0$/m,
  "docs/guide-vm.md": /^true$/m,
};

const guides = readdirSync(path.join(root, "docs")).filter((name) => /^guide-.*\.md$/.test(name));
const pages = ["README.md", ...guides.sort().map((name) => `docs/${name}`)];
const examples = pages.flatMap((page) => {
  const text = readFileSync(path.join(root, page), "utf8");
  return [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => ({ page, code: code as string }));
});

let net: TestNet;
beforeAll(async () => {
  net = await startTestNet();
});
afterAll(() => net.close());

test("every page has the examples that it should have", () => {
  const counts = Object.fromEntries(pages.map((page) => [page, examples.filter((one) => one.page === page).length]));
  expect(counts).toEqual(EXPECTED);
});

for (const { page, code } of examples) {
  const needs = /^\/\/ needs: (.+)\n/.exec(code)?.[1];
  const absent = needs !== undefined && !existsSync(path.join(data, needs));
  if (absent) process.stdout.write(`skipped: the example of ${page} needs ${needs} in FILIGREE_VECTORS (${data})\n`);
  test.skipIf(absent)(`the example of ${page} runs`, async () => {
    const program = code.replaceAll(NETWORK, net.url);
    const args = ["--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)("node", args, { cwd: root, timeout: 50_000 });
    expect(stdout).toMatch(PRINTS[page] as RegExp);
  });
}
