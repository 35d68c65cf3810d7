/** The examples of the README and the guides, as they stand. Node only. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export type Example = {
  readonly page: string;
  /** Which of the page's examples, from 0. */
  readonly index: number;
  readonly code: string;
  /** Data that is not part of the repository, from a first line `// needs: <file>`. */
  readonly needs: string | null;
  readonly isTest: boolean;
  /** What it must print, besides ending well. */
  readonly prints: RegExp;
};

export const root = fileURLToPath(new URL("../..", import.meta.url));
/** Where the examples expect a running network. */
export const NETWORK = "http://127.0.0.1:1234/rpc/v1";

/** What the examples of each page print: a page that loses one by a typing error in its fence shows here. */
const PRINTS: Readonly<Record<string, readonly RegExp[]>> = {
  "README.md": [/Version: /],
  "docs/guide-command-line.md": [],
  "docs/guide-devnet-in-tests.md": [/3 passed/, /^16$/m, /^back at epoch 10$/m, /^the copy is at epoch 10$/m],
  // Its commands have a test of their own.
  "docs/guide-lost-sector.md": [],
  "docs/guide-pay-for-a-retrieval.md": [],
  "docs/guide-pieces.md": [/^true$/m, /^bafkzcib/m],
  "docs/guide-replay.md": [/^31 213 bafy/m],
  "docs/guide-rpc-client.md": [/^localnet at epoch \d+, total power (0|2048)$/m],
  "docs/guide-be-a-provider.md": [],
  "docs/guide-store-a-file.md": [],
  "docs/guide-scenarios.md": [],
  "docs/guide-vm.md": [/^true$/m],
};

export function pagesWithExamples(): string[] {
  const guides = readdirSync(path.join(root, "docs")).filter((name) => /^guide-.*\.md$/.test(name));
  return ["README.md", ...guides.sort().map((name) => `docs/${name}`)];
}

export function examplesOf(page: string): Example[] {
  const text = readFileSync(path.join(root, page), "utf8");
  return [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = ""], index) => ({
    page,
    index,
    code,
    needs: /^\/\/ needs: (.+)\n/.exec(code)?.[1] ?? null,
    isTest: code.startsWith("// network.test.mjs\n"),
    prints: PRINTS[page]?.[index] ?? /^no expectation stands in test\/support\/examples.ts$/,
  }));
}

/** How many examples each page should have. */
export function expectedCounts(): Record<string, number> {
  return Object.fromEntries(pagesWithExamples().map((page) => [page, PRINTS[page]?.length ?? 0]));
}
