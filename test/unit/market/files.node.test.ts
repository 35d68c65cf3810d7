/** Files and folders that cannot be imported or written: each refused by its name, with the reason. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClientData } from "../../../src/market/data/client-data.ts";
import { entriesOf, sourceOf, writeParts } from "../../../src/market/data/files.ts";
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
    message: expect.stringMatching(/ELOOP/),
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
