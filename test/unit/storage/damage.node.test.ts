/** What a data folder does when files of it are missing, cut or changed, when a write fails, and when it is not ours. */
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ClassicLevel } from "classic-level";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { openTable } from "../../../src/platform/node-level.ts";
import { openSecrets } from "../../../src/platform/node-secrets.ts";
import type { OpenOptions } from "../../../src/platform/table.ts";
import { TableStore } from "../../../src/storage/table-store.ts";

const root = await mkdtemp(path.join(tmpdir(), "filigree-damage-"));
let count = 0;
const place = (): string => path.join(root, String(count++));
afterAll(() => rm(root, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const openStore = (where: string, options?: OpenOptions) => TableStore.open(where, openTable, options);

/** A closed store of `writes` batches, each noted. */
async function made(writes: number): Promise<string> {
  const where = place();
  const store = await openStore(where);
  for (let i = 0; i < writes; i++)
    await store.write(
      { metadata: [[`fact/${i}`, utf8(`value ${i} ${"x".repeat(500)}`)]] },
      { sync: true, note: `epoch ${i}` },
    );
  await store.close();
  return where;
}

/** The newest file of LevelDB with this ending. */
async function fileOf(where: string, ending: string): Promise<string> {
  const names = (await readdir(path.join(where, "store"))).filter((name) => name.endsWith(ending)).sort();
  return path.join(where, "store", names.at(-1) as string);
}

const listing = async (where: string): Promise<string> => (await readdir(where, { recursive: true })).sort().join();

test("a folder without our mark is refused, and nothing in it is touched, with --reset neither", async () => {
  const where = place();
  await mkdir(path.join(where, ".git"), { recursive: true });
  await writeFile(path.join(where, "work.txt"), "work");
  for (const options of [{}, { reset: true }, { repair: true }, { create: false }])
    await expect(openStore(where, options)).rejects.toMatchObject({
      code: "FOREIGN",
      // Who only reads is not told to give an empty folder.
      message: expect.stringMatching(
        options.create === false ? /\); give the folder that a node keeps/ : /empty or a new/,
      ),
    });
  expect(await listing(where)).toBe(".git,work.txt");
});

test("of a network of several nodes it is said that each has a folder of its own, and which", async () => {
  const where = place();
  await (await openStore(path.join(where, "node-10"), {})).close();
  await (await openStore(path.join(where, "node-2"), {})).close();
  const refused = async (create: boolean, why: string): Promise<void> =>
    expect(openStore(where, { create })).rejects.toThrow(
      `${where} is no data folder of Filigree: it is that of a network whose nodes have data folders of their own in it (node-2 to node-10); ${why}`,
    );
  await refused(false, `give that of one node, such as ${path.join(where, "node-2")}`);
  await refused(true, "nothing in it was touched; give an empty or a new folder");
});

test("reading creates nothing where nothing is", async () => {
  const where = place();
  await expect(openStore(where, { create: false })).rejects.toMatchObject({ code: "MISSING" });
  await expect(stat(where)).rejects.toThrow();
});

test("an existing store is opened without being made, and shut to other users", async () => {
  const where = await made(3);
  const store = await openStore(where, { create: false });
  expect(await store.metadata("fact/2")).toBeDefined();
  for (const name of ["", ...(await readdir(where, { recursive: true }))])
    expect((await stat(path.join(where, name))).mode & 0o077, name).toBe(0);
  await store.close();
});

test.each([
  ["CURRENT is missing", async (where: string) => rm(path.join(where, "store", "CURRENT"))],
  [
    "the manifest is missing",
    async (where: string) => rm(path.join(where, "store", (await manifest(where)) as string)),
  ],
  ["the whole store is missing", async (where: string) => rm(path.join(where, "store"), { recursive: true })],
  ["CURRENT is empty", async (where: string) => truncate(path.join(where, "store", "CURRENT"), 0)],
  ["the note of what was written is missing", async (where: string) => rm(path.join(where, "written"))],
  ["the note of what was written is changed", async (where: string) => flip(path.join(where, "written"), 12)],
  ["the mark is missing", async (where: string) => rm(path.join(where, "filigree.json"))],
  ["the mark is cut", async (where: string) => truncate(path.join(where, "filigree.json"), 5)],
])("damage: %s: it is named, and nothing is made anew", async (_, damage) => {
  const where = await made(20);
  await damage(where);
  const before = await listing(where);
  await expect(openStore(where)).rejects.toMatchObject({ code: "DAMAGED" });
  const without = (text: string): string => text.replace(/,store\/(LOCK|LOG\.old|LOG)(?=,|$)/g, "");
  expect(without(await listing(where))).toBe(without(before));
});

test.each([
  ["cut short", async (file: string) => truncate(file, (await stat(file)).size - 700)],
  ["empty", async (file: string) => truncate(file, 0)],
  ["missing", async (file: string) => rm(file)],
])("damage: a log that is %s is noticed by what it has lost", async (_, damage) => {
  const where = await made(20);
  await damage(await fileOf(where, ".log"));
  await expect(openStore(where)).rejects.toMatchObject({
    code: "BEHIND",
    message: expect.stringMatching(/lost its last \d+ writes \(it had reached epoch 19\).*--repair.*--reset/),
  });
  const repaired = await openStore(where, { repair: true });
  const left = (await repaired.metadataWith("fact/")).length;
  expect(left).toBeLessThan(20);
  await repaired.close();
  const again = await openStore(where);
  expect((await again.metadataWith("fact/")).length).toBe(left);
  await again.close();
});

test("damage: a write lost in the middle of a log is noticed", async () => {
  const where = await made(200);
  // LevelDB drops the block of 32 KiB and goes on behind it.
  await flip(await fileOf(where, ".log"), 40_000);
  await expect(openStore(where)).rejects.toMatchObject({
    code: "DAMAGED",
    message: expect.stringMatching(/is missing/),
  });
});

test.each([
  ["cut", async (file: string) => truncate(file, 10)],
  ["missing", async (file: string) => rm(file)],
])("a repair mends a mark that is %s, if the rest is there; a reset does not", async (_, damage) => {
  const where = await made(3);
  await damage(path.join(where, "filigree.json"));
  await expect(openStore(where, { reset: true })).rejects.toMatchObject({ code: "DAMAGED" });
  const store = await openStore(where, { repair: true });
  expect((await store.metadataWith("fact/")).length).toBe(3);
  await store.close();
  await (await openStore(where)).close();
});

test("a reset empties a folder of ours, even a damaged one, and keeps strange files in it", async () => {
  const where = await made(5);
  await writeFile(path.join(where, "notes.txt"), "mine");
  await rm(path.join(where, "store", "CURRENT"));
  const store = await openStore(where, { reset: true });
  expect(await store.metadataWith("")).toEqual([]);
  await store.close();
  expect(await readFile(path.join(where, "notes.txt"), "utf8")).toBe("mine");
});

test("a reset keeps off a store that another has open", async () => {
  const where = await made(5);
  const holder = await openStore(where);
  await expect(openStore(where, { reset: true })).rejects.toMatchObject({ code: "LOCKED" });
  expect((await holder.metadataWith("fact/")).length).toBe(5);
  await holder.close();
});

test("after a failed write the store is opened again, and what it then accepts is there at the next start", async () => {
  const where = await made(2);
  const store = await openStore(where);
  const batch = vi.spyOn(ClassicLevel.prototype, "batch").mockRejectedValueOnce(new Error("No space left on device"));
  const opened = vi.spyOn(ClassicLevel.prototype, "open");
  const failing = store.write({ metadata: [["lost", utf8("x")]] }, { sync: true });
  const next = store.write({ metadata: [["kept", utf8("y")]] }, { sync: true });
  await expect(failing).rejects.toMatchObject({ code: "FAILED", message: expect.stringMatching(/No space left/) });
  await next.catch(() => undefined); // it may have gone out with the first
  await store.write({ metadata: [["kept", utf8("y")]] }, { sync: true });
  expect(opened).toHaveBeenCalled();
  expect(batch).toHaveBeenCalled();
  await store.close();
  const again = await openStore(where);
  expect(await again.metadata("kept")).toEqual(utf8("y"));
  expect(await again.metadata("lost")).toBeUndefined();
  await again.close();
});

test("a store that cannot be opened again after a failed write refuses to read, and recovers by itself", async () => {
  const where = await made(2);
  const store = await openStore(where);
  vi.spyOn(ClassicLevel.prototype, "batch").mockRejectedValueOnce(new Error("No space left on device"));
  const opening = vi.spyOn(ClassicLevel.prototype, "open").mockRejectedValue(new Error("No space left on device"));
  await expect(store.write({ metadata: [["a", utf8("x")]] })).rejects.toMatchObject({ code: "FAILED" });
  await expect(store.metadata("fact/1")).rejects.toMatchObject({ code: "FAILED" });
  opening.mockRestore();
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(await store.metadata("fact/1")).toBeDefined();
  await store.close();
});

test("writes made at once keep their order", async () => {
  const store = await openStore(place());
  await Promise.all(
    Array.from({ length: 50 }, (_, i) => store.write({ metadata: [["n", utf8(`${i}`)]] }, { sync: i % 3 === 0 })),
  );
  expect(await store.metadata("n")).toEqual(utf8("49"));
  await store.close();
});

test("secrets are files of their own, for their owner alone, replaced whole", async () => {
  const where = await made(1);
  const secrets = await openSecrets(where);
  expect(await secrets.read("token-secret")).toBeNull();
  await secrets.write("token-secret", utf8("one"));
  await secrets.write("token-secret", utf8("two"));
  expect(await (await openSecrets(where)).read("token-secret")).toEqual(utf8("two"));
  expect(await readdir(path.join(where, "secrets"))).toEqual(["token-secret"]);
  expect((await stat(path.join(where, "secrets", "token-secret"))).mode & 0o777).toBe(0o600);
  expect((await stat(path.join(where, "secrets"))).mode & 0o777).toBe(0o700);
  await expect(secrets.write("../outside", utf8("x"))).rejects.toThrow(RangeError);
  await (await openStore(where, { reset: true })).close();
  expect(await (await openSecrets(where)).read("token-secret")).toBeNull();
});

test("a folder that cannot be made is named with the system's reason", async () => {
  const file = path.join(root, "file");
  await writeFile(file, "");
  await expect(openStore(path.join(file, "data"))).rejects.toMatchObject({ message: expect.stringMatching(/ENOTDIR/) });
  await expect(openStore("/proc/filigree/data")).rejects.toMatchObject({ code: "FAILED" });
});

async function manifest(where: string): Promise<string | undefined> {
  return (await readdir(path.join(where, "store"))).find((name) => name.startsWith("MANIFEST"));
}

async function flip(file: string, at: number): Promise<void> {
  const handle = await open(file, "r+");
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ 0x10;
  await handle.write(byte, 0, 1, at);
  await handle.close();
  await chmod(file, 0o600);
}

test("a store that a full disk does not let open says what to do", async () => {
  const where = await made(1);
  const cause = new Error("IO error: 000005.ldb: No space left on device");
  vi.spyOn(ClassicLevel.prototype, "open").mockRejectedValue(new Error("Database failed to open", { cause }));
  await expect(openStore(where)).rejects.toMatchObject({
    code: "FAILED",
    message: expect.stringMatching(/the disk is full: free some space/),
  });
});
