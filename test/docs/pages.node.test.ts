/**
 * What pages say about the repository must be so: each file or folder that a page names in code spelling exists, each
 * relative link leads somewhere, and each entry of the glossary says where its thing lives.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folders = [
  "docs",
  "docs/adr",
  "test/fixtures/actors",
  "test/fixtures/ipld",
  "test/fixtures/proofs",
  "test/fixtures/rpc",
];
const inFolders = folders.flatMap((folder) =>
  readdirSync(path.join(root, folder)).flatMap((name) => (name.endsWith(".md") ? [`${folder}/${name}`] : [])),
);
const pages = ["README.md", "SECURITY.md", "CHANGELOG.md", ...inFolders];
const text = (page: string): string => readFileSync(path.join(root, page), "utf8");

/** A path from the repository's root, as pages write it: perhaps with `{a,b}` or with `*` in its last part. */
const PATH = /^(?:assembly|src|test|docs|bench)\/[\w./*{},-]+$|^[\w.-]+\.(?:json|md|mjs)$/;

/** Files and folders that a page names, spelled out: `a/{b,c}.ts` gives two, `a/b-*.ts` gives the folder `a`. */
function pathsOf(markdown: string): string[] {
  const spans = [...markdown.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span as string);
  // What an installation makes is not part of the repository.
  return spans.filter((span) => PATH.test(span) && !span.includes("node_modules")).flatMap(spelledOut);
}

function spelledOut(span: string): string[] {
  const group = /^(.*?)\{([^}]*)\}(.*)$/.exec(span);
  if (group === null) return [span.includes("*") ? path.dirname(span.slice(0, span.indexOf("*") + 1)) : span];
  const [, before, choices, after] = group as unknown as [string, string, string, string];
  return choices.split(",").flatMap((choice) => spelledOut(before + choice + after));
}

/** A name is looked up from the root, and beside the page. */
function exists(page: string, name: string): boolean {
  return existsSync(path.join(root, name)) || existsSync(path.join(root, path.dirname(page), name));
}

for (const page of pages) {
  test(`files named in ${page} exist`, () => {
    const missing = pathsOf(text(page)).filter((name) => !exists(page, name));
    expect(missing).toEqual([]);
  });

  test(`links of ${page} lead somewhere`, () => {
    const links = [...text(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link]) => link as string);
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(local.filter((link) => !existsSync(path.join(root, path.dirname(page), link)))).toEqual([]);
  });
}

test("each entry of the glossary has a term, a meaning and a place", () => {
  const rows = text("docs/glossary.md")
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[-|]+$/.test(line))
    .map((line) => line.slice(2, -2).split(" | "));
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.filter((cells) => cells.length !== 3 || cells.some((cell) => cell.trim() === ""))).toEqual([]);
  const entries = rows.filter(([, meaning]) => meaning !== "Meaning");
  expect(entries.filter(([, , where]) => pathsOf(where as string).length === 0)).toEqual([]);
  const terms = entries.map(([term]) => term);
  expect(terms.filter((term, index) => terms.indexOf(term) !== index)).toEqual([]);
});
