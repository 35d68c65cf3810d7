/**
 * docs/sources.md against the code: every `Source:` names a reference that the page lists, in a version that it lists;
 * every reference is used; every fixture has the digest and the origin that the manifest says.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const fixtures = path.join(root, "test/fixtures");

/** Rows of the page's first two tables: name, and all that the row says. */
function references(): Map<string, string> {
  const text = readFileSync(path.join(root, "docs/sources.md"), "utf8");
  const tables = text.slice(0, text.indexOf("## Tables of constants"));
  return new Map(
    [...tables.matchAll(/^\| `([^`]+)` \| (.*)$/gm)].map(([, name, rest]) => [name as string, rest as string]),
  );
}

type Claim = { readonly file: string; readonly text: string };

/** What follows `Source:` or `Sources:` in the comments of a file, each up to the end of its comment. */
function claimsOf(file: string): Claim[] {
  const text = readFileSync(path.join(root, file), "utf8");
  const comments = text.match(/\/\*\*.*?\*\/|(?:^[ \t]*\/\/.*\n)+/gms) ?? [];
  return comments.flatMap((comment) => {
    const flat = comment.replace(/\s*\n\s*(?:\*\/?|\/\/)?\s*/g, " ").replace("*/", "");
    return [...flat.matchAll(/\bSources?(?: of [^:]*)?: (.*)/g)].map(([, claim]) => ({ file, text: claim as string }));
  });
}

const rows = references();
const code = ["assembly", "src"].flatMap((folder) =>
  (readdirSync(path.join(root, folder), { recursive: true }) as string[])
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`),
);
const claims = code.flatMap(claimsOf);
const spelledAs: Readonly<Record<string, string>> = { "Filecoin specification": "Filecoin spec" };
const normal = (text: string): string =>
  Object.entries(spelledAs).reduce((so, [long, short]) => so.replaceAll(long, short), text);
const names = (text: string): string[] => [...rows.keys()].filter((name) => normal(text).includes(name));

test("every source in the code is a reference of the page", () => {
  expect(claims.length).toBeGreaterThan(100);
  expect(claims.filter(({ text }) => names(text).length === 0)).toEqual([]);
});

test("every version of a reference in the code is one that the page lists", () => {
  const unlisted = claims.flatMap(({ file, text }) =>
    [...text.matchAll(/([a-z-]+) (?:at )?(v\d+\.\d+\.\d+|[0-9a-f]{12})\b/g)]
      .filter(([, name, version]) => rows.has(name as string) && !rows.get(name as string)?.includes(`${version}: `))
      .filter(([, name, version]) => !rows.get(name as string)?.includes(`${version} `))
      .map(([found]) => `${file}: ${found}`),
  );
  expect(unlisted).toEqual([]);
});

test("every reference of the page is named by some source in the code", () => {
  const used = new Set(claims.flatMap(({ text }) => names(text)));
  expect([...rows.keys()].filter((name) => !used.has(name))).toEqual([]);
});

type Borrowed = {
  readonly field: string;
  readonly repository: string;
  readonly path: string;
  readonly licence: string;
};
type Entry = { readonly sha256: string; readonly madeWith?: string; readonly borrowed?: readonly Borrowed[] };
const manifest = JSON.parse(readFileSync(path.join(fixtures, "manifest.json"), "utf8")) as Record<string, Entry>;

test("the manifest has every fixture with its digest", () => {
  const files = (readdirSync(fixtures, { recursive: true }) as string[])
    .filter((name) => /\.(?:json|gz)$/.test(name) && name !== "manifest.json")
    .map((name) => name.replaceAll("\\", "/"))
    .sort();
  const digest = (name: string): string =>
    createHash("sha256")
      .update(readFileSync(path.join(fixtures, name)))
      .digest("hex");
  const found = Object.fromEntries(files.map((name) => [name, digest(name)]));
  expect(Object.fromEntries(Object.entries(manifest).map(([name, entry]) => [name, entry.sha256]))).toEqual(found);
});

test("the manifest tells where each fixture comes from", () => {
  expect(Object.keys(manifest).length).toBeGreaterThan(10);
  for (const [name, { madeWith, borrowed = [] }] of Object.entries(manifest)) {
    expect(madeWith !== undefined || borrowed.length > 0, name).toBe(true);
    if (borrowed.length === 0) continue;
    const fields = Object.keys(JSON.parse(readFileSync(path.join(fixtures, name), "utf8")) as object);
    for (const part of borrowed) {
      expect(fields, name).toContain(part.field);
      expect(part, name).toMatchObject({ repository: /^\S+\/\S+$/, path: /./, licence: /./ });
    }
  }
});
