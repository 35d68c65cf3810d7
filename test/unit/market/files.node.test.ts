/** Files and folders that cannot be imported or written: each refused by its name, with the reason. */
import { access, chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClientData } from "../../../src/market/data/client-data.ts";
import { checkPlace, entriesOf, sourceOf, writeParts } from "../../../src/market/data/files.ts";
import { checkName } from "../../../src/market/data/unixfs.ts";

let folder: string;
const at = (...names: readonly string[]): string => path.join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-files-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("a name with a backslash is refused before anything is written", async () => {
  await mkdir(at("in", "a\\"), { recursive: true });
  await writeFile(at("in", "a\\", "b"), "b");
  await writeFile(at("in", "0"), "first");
  // A store without methods: whoever calls one fails otherwise.
  const data = new ClientData({ open: async () => ({}) as never, hashes: {} as never });
  await expect(data.import(at("in"), false)).rejects.toMatchObject({
    code: "BAD_NAME",
    message: expect.stringContaining('"a\\\\"'),
  });
});

test("a name's length is that of its bytes", () => {
  expect(checkName("é".repeat(127))).toHaveLength(127);
  expect(() => checkName("é".repeat(128))).toThrow(expect.objectContaining({ code: "BAD_NAME" }));
});

test("what the file system refuses is told with its reason", async () => {
  await symlink("loop", at("loop"));
  await expect(sourceOf(at("loop"))).rejects.toMatchObject({
    code: "BAD_INPUT",
    message: expect.stringMatching(/loop is no regular file/),
  });
  const walk = async (): Promise<void> => {
    for await (const _ of entriesOf(at("loop")));
  };
  await expect(walk()).rejects.toMatchObject({ code: "BAD_INPUT" });
  await expect(writeParts(at("x".repeat(300)), (async function* () {})())).rejects.toMatchObject({
    code: "BAD_INPUT",
    message: expect.stringMatching(/ENAMETOOLONG/),
  });
});

test("of two that write the same new file one is refused, and a link that leads nowhere is not followed", async () => {
  const write = (text: string) =>
    writeParts(
      at("one"),
      (async function* () {
        yield Buffer.from(text);
      })(),
    );
  const ends = await Promise.allSettled([write("first"), write("second")]);
  expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(await readFile(at("one"), "utf8")).toBe(ends[0]?.status === "fulfilled" ? "first" : "second");
  await symlink(at("elsewhere"), at("dangling"));
  const through = writeParts(at("dangling"), (async function* () {})());
  await expect(through).rejects.toMatchObject({ code: "BAD_INPUT", message: expect.stringContaining("already") });
  await expect(access(at("elsewhere"))).rejects.toThrow();
});

// Deno makes no file of such a name: it writes the name as text.
const makesAnyName = process.platform === "linux" && !("Deno" in globalThis);

test.runIf(makesAnyName)("a name that is no UTF-8 is told as what it is", async () => {
  await mkdir(at("names"));
  await writeFile(Buffer.concat([Buffer.from(`${at("names")}/a`), Buffer.of(0xff)]), "x");
  const walk = async (): Promise<void> => {
    for await (const _ of entriesOf(at("names")));
  };
  await expect(walk()).rejects.toMatchObject({ code: "BAD_INPUT", message: expect.stringContaining("no UTF-8") });
});

test("a place is refused before there is anything to write: taken, below a file, in a folder of others", async () => {
  await writeFile(at("taken"), "");
  await expect(checkPlace(at("taken"))).rejects.toThrow(/is there already/);
  await expect(checkPlace(at("taken", "new", "file"))).rejects.toThrow(/taken is no folder/);
  await checkPlace(at("not", "yet", "there"));
  await mkdir(at("shut"));
  await chmod(at("shut"), 0o500);
  // Root may write everywhere.
  const checked = checkPlace(at("shut", "new", "file"));
  if (process.getuid?.() === 0) await checked;
  else await expect(checked).rejects.toThrow(/may make no files in .*shut/);
});
