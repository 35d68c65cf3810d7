/** Folders that several make at once. */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeFolder } from "../../../src/platform/node-folder.ts";

const root = await mkdtemp(path.join(tmpdir(), "filigree-make-folder-"));
afterAll(() => rm(root, { recursive: true }));

test("all who make the same folders at once succeed, and only the last folder is its owner's alone", async () => {
  for (let round = 0; round < 20; round++) {
    const folder = path.join(root, `${round}`, "a", "b", "c");
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(folder)));
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(path.dirname(folder))).mode & 0o700).toBe(0o700);
  }
});

test("what cannot be a folder is refused as the system says it", async () => {
  const file = path.join(root, "file");
  await writeFile(file, "");
  await expect(makeFolder(file)).rejects.toMatchObject({ code: "EEXIST" });
  await expect(makeFolder(path.join(file, "in", "it"))).rejects.toMatchObject({ code: "ENOTDIR" });
});
