/** What the tarball holds, and what it does not. */
import { execFileSync } from "node:child_process";
import { expect, inject, test } from "vitest";
import { manifestOf } from "./setup.ts";

const project = inject("project");
const packed = inject("packed");

test("what users need is inside: code, types, WASM, documents, licences", () => {
  const wasm = packed.filter((file) => /^dist\/wasm\/.*\.wasm$/.test(file)).sort();
  expect(wasm).toEqual(
    ["check", "crypto", "fvm", "instrument", "proofs-simd", "proofs", "vm"].map((name) => `dist/wasm/${name}.wasm`),
  );
  for (const file of [
    "README.md",
    "dist/page/index.html",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "CHANGELOG.md",
    "docs/guide-pieces.md",
    "docs/status.md",
  ])
    expect(packed).toContain(file);
  for (const entry of Object.values(manifestOf(project)["exports"] ?? {})) {
    const targets = typeof entry === "string" ? [entry] : Object.values(entry as Record<string, string>);
    for (const target of targets) if (!target.includes("*")) expect(packed).toContain(target.replace("./", ""));
  }
});

test("what only the checkout needs is not", () => {
  expect(
    packed.filter((file) => /^(src|test|assembly|bench)\/|\.ts\.map$|\.js\.map$|dist\/tools|probe|-test\./.test(file)),
  ).toEqual([]);
  // npm runs these in a project that takes the package.
  const { scripts = {} } = manifestOf(project);
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare)$/.test(name))).toEqual([]);
});

test("the command runs from the package", () => {
  const filigree = (...args: string[]) =>
    execFileSync("npx", ["filigree", ...args], { cwd: project, encoding: "utf8" });
  expect(filigree("--version").trim()).toBe(manifestOf(project)["version"]);
  expect(JSON.parse(filigree("commp", "package.json", "--json"))).toMatchObject({
    pieceCid: expect.stringMatching(/^baga/),
  });
});
