/** A package whose build was interrupted, or that was built in part: the command says what is missing or old, and what makes it. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

/** What the command loads: the form for Node, in Deno the files. */
const entry = "deno" in process.versions ? "cli/main.js" : "for-node/cli.js";
const built = fileURLToPath(new URL("../../../dist/cli/bin.js", import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "filigree whole-"));
  for (const name of ["cli", "for-node"]) mkdirSync(path.join(folder, "dist", name), { recursive: true });
  copyFileSync(built, path.join(folder, "dist/cli/bin.js"));
  writeFileSync(path.join(folder, "package.json"), '{"type":"module"}');
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(process.execPath, [path.join(folder, "dist/cli/bin.js"), "--help"], { encoding: "utf8" });
}

test.each([
  ["what it loads", null, entry],
  ["a file of it", 'import "./part.js";', path.posix.join(path.dirname(entry), "part.js")],
])("without %s", (_, text, missing) => {
  if (text !== null) writeFileSync(path.join(folder, "dist", entry), text);
  const { status, stderr } = run();
  expect(stderr).toBe(`error: the package is not whole: dist/${missing} is missing; \`npm run build\` makes it\n`);
  expect(status).toBe(1);
});

test("what else is missing is not taken for it", () => {
  writeFileSync(path.join(folder, "dist", entry), 'import "no-such-library";');
  const { status, stderr } = run();
  expect(stderr).toContain("no-such-library");
  expect(stderr).not.toContain("not whole");
  expect(status).toBe(1);
});

test.runIf(!("deno" in process.versions))(
  "a form for Node that tsc has left behind is told of in a checkout, and a package is not looked at",
  () => {
    const form = path.join(folder, "dist", entry);
    writeFileSync(form, "");
    const old = Date.now() / 1000 - 3600;
    utimesSync(form, old, old);
    expect(run()).toMatchObject({ status: 0, stderr: "" });
    mkdirSync(path.join(folder, "dist/tools"));
    writeFileSync(path.join(folder, "dist/tools/build-for-node.js"), "");
    expect(run()).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^warning: .* older .* `npm run build:ts` makes both\n$/),
    });
    const now = Date.now() / 1000;
    utimesSync(form, now, now);
    expect(run()).toMatchObject({ status: 0, stderr: "" });
  },
);
